use catalog::{Availability, InputKind, ModelKind, Plan};

use crate::shipped;

const T: &[InputKind] = &[InputKind::Text];
const TI: &[InputKind] = &[InputKind::Text, InputKind::Image];

fn ids(provider: &str, plan: Option<Plan>) -> Vec<String> {
    shipped()
        .models(provider, plan)
        .map(|row| row.id().to_owned())
        .collect()
}

#[test]
fn documented_catalog_is_there_in_its_order() {
    let documented = [
        ("qwen3.5-plus", TI, 1_000_000),
        ("qwen3.6-plus", TI, 1_000_000),
        ("qwen3-max-2026-01-23", T, 262_144),
        ("qwen3-coder-next", T, 262_144),
        ("qwen3-coder-plus", T, 1_000_000),
        ("MiniMax-M2.5", T, 1_000_000),
        ("glm-5", T, 202_752),
        ("glm-4.7", T, 202_752),
        ("kimi-k2.5", TI, 262_144),
    ];
    let catalog = shipped();
    let rows: Vec<_> = catalog
        .models("qwen", Some(Plan::Standard))
        .filter(|row| documented.iter().any(|(id, ..)| *id == row.id()))
        .map(|row| (row.id(), row.input(), row.context_window.unwrap()))
        .collect();
    assert_eq!(rows, documented);
    assert_eq!(
        rows.len() + 5,
        catalog.models("qwen", Some(Plan::Standard)).count()
    );
}

#[test]
fn output_limits_and_reasoning_flags() {
    let expected = [
        ("qwen3.5-plus", 65_536, false),
        ("qwen3.6-plus", 65_536, true),
        ("qwen3.6-flash", 65_536, true),
        ("qwen3.7-plus", 65_536, true),
        ("qwen3.7-max", 65_536, true),
        ("qwen3.8-max", 131_072, true),
        ("qwen3.8-flash", 131_072, true),
        ("qwen3-max-2026-01-23", 65_536, false),
        ("qwen3-coder-next", 65_536, false),
        ("qwen3-coder-plus", 65_536, false),
        ("MiniMax-M2.5", 65_536, true),
        ("glm-5", 16_384, false),
        ("glm-4.7", 16_384, false),
        ("kimi-k2.5", 32_768, false),
    ];
    let catalog = shipped();
    let rows: Vec<_> = catalog
        .models("qwen", None)
        .map(|row| (row.id(), row.max_output_tokens.unwrap(), row.reasoning))
        .collect();
    assert_eq!(rows, expected);
}

#[test]
fn coding_plan_omits_what_only_standard_is_known_to_serve() {
    let expected = [
        "qwen3.5-plus",
        "qwen3.7-plus",
        "qwen3-max-2026-01-23",
        "qwen3-coder-next",
        "qwen3-coder-plus",
        "MiniMax-M2.5",
        "glm-5",
        "glm-4.7",
        "kimi-k2.5",
    ];
    assert_eq!(ids("qwen", Some(Plan::Coding)), expected);
    let catalog = shipped();
    let on_coding = |id| {
        catalog
            .model("qwen", id, Some(Plan::Coding))
            .unwrap()
            .availability
    };
    assert_eq!(on_coding("qwen3.6-plus"), Availability::Unlikely);
    assert_eq!(on_coding("qwen3.8-max"), Availability::No);
}

#[test]
fn workspace_and_trial_hosts_serve_what_standard_serves() {
    assert_eq!(
        ids("qwen", Some(Plan::Workspace)),
        ids("qwen", Some(Plan::Standard))
    );
    assert_eq!(
        ids("qwen", Some(Plan::Trial)),
        ids("modelstudio", Some(Plan::Standard))
    );
}

#[test]
fn token_plan_has_limits_of_its_own() {
    let catalog = shipped();
    let rows: Vec<_> = catalog
        .all_models("qwen-token-plan", Some(Plan::Token))
        .map(|row| {
            (
                row.id(),
                row.context_window.unwrap(),
                row.max_output_tokens.unwrap(),
            )
        })
        .collect();
    let expected = [
        ("qwen3.6-plus", 1_000_000, 65_536),
        ("qwen3.7-plus", 1_000_000, 65_536),
        ("qwen3.8-max", 1_000_000, 131_072),
        ("qwen3.8-flash", 1_000_000, 131_072),
        ("qwen3-coder-next", 262_144, 65_536),
        ("MiniMax-M2.5", 196_608, 32_768),
        ("glm-5", 202_752, 16_384),
        ("kimi-k2.5", 262_144, 98_304),
    ];
    assert_eq!(rows, expected);
    assert!(
        catalog
            .all_models("qwen-token-plan", None)
            .all(|row| row.reasoning)
    );
    let next = catalog
        .model("qwen-token-plan", "qwen3-coder-next", None)
        .unwrap();
    assert!(next.hidden && next.replaced_by == Some("qwen3.7-plus"));
    assert!(!ids("qwen-token-plan", None).contains(&"qwen3-coder-next".to_owned()));
}

#[test]
fn portal_rows_have_the_long_output() {
    let catalog = shipped();
    let rows: Vec<_> = catalog.models("qwen-oauth", None).collect();
    assert_eq!(rows.len(), 9);
    assert!(rows.iter().all(|row| row.max_output_tokens == Some(65_536)));
    let coder = catalog.model("qwen-portal", "coder-model", None).unwrap();
    assert_eq!(
        (coder.name(), coder.context_window, coder.max_output_tokens),
        ("Qwen Coder", Some(128_000), Some(8_192))
    );
    assert_eq!(coder.availability, Availability::Unlikely);
    assert_eq!(catalog.model("qwen", "coder-model", None), None);
}

#[test]
fn media_models_are_never_offered_as_chat() {
    let catalog = shipped();
    let media = [
        ("wan2.6-t2v", ModelKind::Video),
        ("wan2.7-r2v", ModelKind::Video),
        ("qwen-image-2.0", ModelKind::Image),
        ("wan2.6-t2i", ModelKind::Image),
        ("text-embedding-v4", ModelKind::Embedding),
        ("qwen3-rerank", ModelKind::Rerank),
        ("qwen3-tts-flash", ModelKind::Speech),
        ("qwen3-asr-flash", ModelKind::Transcription),
        ("qwen-vl-max-latest", ModelKind::Vision),
    ];
    for (id, kind) in media {
        assert_eq!(catalog.model_kind(id), kind, "{id}");
        let row = catalog.model("qwen", id, Some(Plan::Standard)).unwrap();
        assert!(!row.is_offered(), "{id}");
        let coding = catalog.model("qwen", id, Some(Plan::Coding)).unwrap();
        assert_eq!(coding.availability, Availability::No, "{id}");
    }
    for provider in catalog.providers() {
        assert!(
            catalog
                .models(&provider.id, None)
                .all(|row| row.model.kind == ModelKind::Chat)
        );
    }
    let videos: Vec<_> = catalog
        .models_of_kind("qwen", Some(Plan::Standard), ModelKind::Video)
        .take(5)
        .map(|row| row.id())
        .collect();
    assert_eq!(
        videos,
        [
            "wan2.6-t2v",
            "wan2.6-i2v",
            "wan2.6-r2v",
            "wan2.6-r2v-flash",
            "wan2.7-r2v"
        ]
    );
    assert_eq!(
        catalog
            .models_of_kind("qwen", Some(Plan::Coding), ModelKind::Video)
            .count(),
        0
    );
}

#[test]
fn names_of_unknown_models_tell_their_kind() {
    let catalog = shipped();
    let cases = [
        ("wan3.1-t2v-plus", ModelKind::Video),
        ("Wan9", ModelKind::Video),
        ("wan9-image", ModelKind::Image),
        ("wanx2.1-imageedit", ModelKind::Image),
        ("qwen-image-3", ModelKind::Image),
        ("text-embedding-v9", ModelKind::Embedding),
        ("gte-rerank-v3", ModelKind::Rerank),
        ("qwen9-tts", ModelKind::Speech),
        ("cosyvoice-v9", ModelKind::Speech),
        ("qwen9-asr-flash", ModelKind::Transcription),
        ("kimi/kimi-k2.6", ModelKind::Chat),
        ("qwen4-max", ModelKind::Chat),
        ("", ModelKind::Chat),
    ];
    for (id, kind) in cases {
        assert_eq!(catalog.model_kind(id), kind, "{id}");
    }
    // No chat row of ours would be taken for media if its row were missing.
    for row in catalog.models("qwen", None) {
        assert_eq!(
            catalog.model_kind(&format!("{}-2099-01-01", row.id())),
            ModelKind::Chat
        );
    }
}

#[test]
fn ids_are_found_in_any_case_and_spelled_as_the_service_does() {
    let catalog = shipped();
    assert_eq!(
        catalog.model("QWEN", "minimax-m2.5", None).unwrap().id(),
        "MiniMax-M2.5"
    );
    assert_eq!(catalog.model("qwen", "qwen9", None), None);
    assert_eq!(catalog.model("nobody", "qwen3.5-plus", None), None);
}

#[test]
fn config_rows_have_the_fields_of_the_file_in_its_order() {
    let catalog = shipped();
    let row = catalog
        .model("qwen", "kimi-k2.5", Some(Plan::Standard))
        .unwrap()
        .config_row();
    let expected = r#"{"id":"kimi-k2.5","name":"kimi-k2.5","reasoning":false,"input":["text","image"],"cost":{"input":0,"output":0,"cacheRead":0,"cacheWrite":0},"contextWindow":262144,"maxTokens":32768}"#;
    assert_eq!(serde_json::to_string(&row).unwrap(), expected);
}

#[test]
fn close_names_are_suggested() {
    let catalog = shipped();
    assert_eq!(catalog.nearest_models("qwen3.5-pls", 1), ["qwen3.5-plus"]);
    assert_eq!(catalog.nearest_models("minimax", 3), ["MiniMax-M2.5"]);
    assert_eq!(
        catalog.nearest_models("qwen/qwen3.8-mx", 1),
        ["qwen/qwen3.8-max"]
    );
    assert!(catalog.nearest_models("gpt-4o-mini-2024", 3).is_empty());
    assert!(catalog.nearest_models("", 3).is_empty());
    assert!(catalog.nearest_models("qwen", 2).len() == 2);
    assert_eq!(
        catalog::nearest("STAUTS", ["set", "status", "start"], 1),
        ["status"]
    );
    let long = "q".repeat(100_000);
    assert!(catalog.nearest_models(&long, 3).is_empty());
}
