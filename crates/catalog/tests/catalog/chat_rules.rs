use catalog::{
    Catalog, ChatRule, EndpointFamily, OverrideFile, Plan, ReasoningReplay, ThinkTags,
    ThinkingFormat, ThinkingKind, ThinkingLevel,
};

use crate::shipped;

fn rule(model: &str, plan: Option<Plan>) -> ChatRule {
    shipped().chat_rule(model, plan).unwrap()
}

#[test]
fn every_chat_model_of_the_catalog_has_a_rule() {
    let catalog = shipped();
    for provider in catalog.providers() {
        for row in catalog.models(&provider.id, None) {
            assert!(catalog.chat_rule(row.id(), None).is_some(), "{}", row.id());
        }
    }
    assert_eq!(catalog.chat_rule("somebody-else-1", None), None);
}

#[test]
fn families_are_told_from_the_id() {
    for (id, expected) in [
        ("qwen3.8-max", "qwen3.8"),
        ("Qwen/Qwen3.5-397B-A17B", "qwen3.5"),
        ("qwen3-235b-a22b", "qwen3-open"),
        ("qwen3-235b-a22b-thinking-2507", "thinking-only"),
        ("qwen3-next-80b-a3b-instruct", "instruct"),
        ("kimi/kimi-k2.7-code", "kimi-thinking"),
        ("kimi-k2.5", "kimi"),
        ("glm-5.3", "glm-5.3"),
        ("glm-4.7", "glm"),
        ("MiniMax-M2.5", "minimax"),
        ("deepseek-v4-pro", "deepseek-v4"),
        ("deepseek-v3.2", "deepseek"),
    ] {
        assert_eq!(rule(id, None).id, expected, "{id}");
    }
}

#[test]
fn the_effort_family_and_the_others() {
    let thinking = rule("qwen3.8-max", None).thinking;
    assert_eq!(
        (thinking.kind, thinking.format, thinking.replay),
        (
            ThinkingKind::Hybrid,
            ThinkingFormat::Effort,
            ReasoningReplay::Always
        )
    );
    assert!(thinking.effort_excludes_budget && thinking.preserve_by_default);
    for effort in thinking.level_map.values() {
        assert!(thinking.effort_budget_tokens.contains_key(effort));
    }
    assert_eq!(
        rule("MiniMax-M2.5", None).thinking.kind,
        ThinkingKind::Always
    );
    assert_eq!(
        rule("qwen3-coder-plus", None).thinking.kind,
        ThinkingKind::None
    );
}

#[test]
fn ceilings_and_fields_differ_by_plan() {
    let ceiling = |id, plan| rule(id, Some(plan)).thinking.budget_tokens_max;
    assert_eq!(ceiling("qwen3.7-plus", Plan::Coding), Some(262_144));
    assert_eq!(ceiling("qwen3.6-plus", Plan::Coding), Some(81_920));
    assert_eq!(ceiling("qwen3-max-2026-01-23", Plan::Coding), Some(81_920));
    assert_eq!(ceiling("kimi-k2.5", Plan::Coding), Some(81_920));
    assert_eq!(ceiling("glm-5", Plan::Coding), Some(32_768));
    assert_eq!(ceiling("qwen3.6-plus", Plan::Workspace), None);
    let format = |plan| rule("glm-5", Some(plan)).thinking.format;
    assert_eq!(format(Plan::Token), ThinkingFormat::Effort);
    assert_eq!(format(Plan::Standard), ThinkingFormat::EnableThinking);
}

#[test]
fn only_the_vendors_hosts_are_known_to_refuse() {
    let catalog = shipped();
    let own = catalog.host_rule(EndpointFamily::OpenaiCoding);
    assert!(!own.developer_role && own.temperature_max == Some(1.99));
    let other = catalog.host_rule(EndpointFamily::OpenaiCustom);
    assert!(other.developer_role && other.temperature_max.is_none());
    for family in EndpointFamily::ALL {
        let speaks_chat = !matches!(family, EndpointFamily::Native | EndpointFamily::Anthropic);
        let has_row = catalog
            .host_rules()
            .iter()
            .any(|row| row.id == family.as_str());
        assert_eq!(has_row, speaks_chat, "{family}");
    }
}

#[test]
fn a_home_can_teach_a_model_and_mistakes_are_named() {
    let over = |contents| {
        let file = OverrideFile {
            name: "chat_rules.json5",
            contents,
        };
        Catalog::builtin().unwrap().with_overrides(&[file])
    };
    let own = "[{id: 'mine', prefixes: ['qwen3.8-mine'], thinking: {kind: 'none'}}]";
    let rule = over(own)
        .unwrap()
        .chat_rule("qwen3.8-mine-1", None)
        .unwrap();
    assert_eq!(rule.id, "mine");
    for (contents, reason) in [
        ("[{id: 'a', prefixes: ['Qwen']}]", "must be lower case"),
        (
            "[{id: 'a', thinking: {kind: 'hybrid', level_map: {much: 'x'}, efforts: ['x']}}]",
            "`much` is not a level of thinking",
        ),
        (
            "[{id: 'a', thinking: {kind: 'hybrid', level_map: {low: 'x'}}}]",
            "effort `x` is not among `efforts`",
        ),
    ] {
        let message = over(contents).unwrap_err().to_string();
        assert!(message.contains(reason), "{message}");
    }
}

#[test]
fn levels_are_read_as_clients_spell_them() {
    for (text, expected) in [
        ("none", Some(ThinkingLevel::Off)),
        (" XHigh", Some(ThinkingLevel::Xhigh)),
        ("ultra", Some(ThinkingLevel::Max)),
        ("auto", Some(ThinkingLevel::Adaptive)),
        ("on", Some(ThinkingLevel::High)),
        ("much", None),
    ] {
        assert_eq!(ThinkingLevel::read(text), expected, "{text}");
    }
}

#[test]
fn how_a_model_answers_depends_on_model_and_host() {
    let catalog = shipped();
    let form = |family, model| {
        let form = catalog.reply_form(family, model);
        (form.streams_only, form.think_tags)
    };
    let standard = EndpointFamily::OpenaiStandard;
    let custom = EndpointFamily::OpenaiCustom;
    assert_eq!(form(standard, "qwen-plus"), (false, ThinkTags::Never));
    assert_eq!(form(standard, "qwen3-32b"), (true, ThinkTags::Never));
    assert_eq!(form(standard, "QwQ-plus"), (true, ThinkTags::Never));
    assert_eq!(form(standard, "qwen3-omni-flash"), (true, ThinkTags::Never));
    assert_eq!(
        form(custom, "Qwen/Qwen3-32B"),
        (true, ThinkTags::Leading),
        "the rule of the model, the tags of the host"
    );
    assert_eq!(form(custom, "llama"), (false, ThinkTags::Leading));
    let ours = OverrideFile {
        name: "chat_rules.json5",
        contents: "[{id: 'ours', prefixes: ['our-'], think_tags: 'unopened'}]",
    };
    let catalog = catalog.with_overrides(&[ours]).unwrap();
    let form = catalog.reply_form(custom, "our-model");
    assert_eq!(form.think_tags, ThinkTags::Unopened);
}
