use catalog::{ModelRef, ResolvedProvider, ResolvedRef};

use crate::shipped;

fn one(provider: &str, model: &str, is_known: bool) -> ResolvedRef {
    ResolvedRef::One {
        model: model_ref(provider, model),
        is_known,
    }
}

fn model_ref(provider: &str, model: &str) -> ModelRef {
    ModelRef {
        provider: provider.to_owned(),
        model: model.to_owned(),
    }
}

#[test]
fn aliases_lead_to_the_canonical_provider() {
    let catalog = shipped();
    let cases = [
        ("qwen", "qwen", false),
        (" Qwen ", "qwen", false),
        ("modelstudio", "qwen", true),
        ("qwencloud", "qwen", true),
        ("DashScope", "qwen", true),
        ("qwen-portal", "qwen-oauth", true),
        ("qwen-cli", "qwen-oauth", true),
        ("bailian-token-plan", "qwen-token-plan", true),
        ("qwen-token-plan", "qwen-token-plan", false),
    ];
    for (text, id, expected_by_alias) in cases {
        match catalog.resolve_provider(text, |_| false) {
            Some(ResolvedProvider::Shipped { provider, by_alias }) => {
                assert_eq!(
                    (provider.id.as_str(), by_alias),
                    (id, expected_by_alias),
                    "{text}"
                );
            }
            other => panic!("{text}: {other:?}"),
        }
    }
    assert_eq!(catalog.resolve_provider("openai", |_| false), None);
    assert_eq!(catalog.resolve_provider("", |_| false), None);
}

#[test]
fn a_custom_provider_beats_an_alias_but_not_a_canonical_id() {
    let catalog = shipped();
    let custom = |id: &str| matches!(id, "modelstudio" | "Qwen" | "vllm" | "qwen");
    let resolve = |text| catalog.resolve_provider(text, custom);
    for id in ["modelstudio", "Qwen", "vllm"] {
        assert_eq!(resolve(id), Some(ResolvedProvider::Custom(id.to_owned())));
    }
    assert!(matches!(
        resolve("qwen"),
        Some(ResolvedProvider::Shipped { .. })
    ));
    assert_eq!(resolve("dashscope").unwrap().id(), "qwen");
}

#[test]
fn references_find_their_model() {
    let catalog = shipped();
    let cases = [
        ("qwen/qwen3.5-plus", one("qwen", "qwen3.5-plus", true)),
        (
            "modelstudio/qwen3.5-plus",
            one("qwen", "qwen3.5-plus", true),
        ),
        ("dashscope/minimax-m2.5", one("qwen", "MiniMax-M2.5", true)),
        (
            "qwen-portal/coder-model",
            one("qwen-oauth", "coder-model", true),
        ),
        // Unknown ids are the service's business.
        ("qwen/qwen9-max", one("qwen", "qwen9-max", false)),
        ("qwen/kimi/kimi-k2.6", one("qwen", "kimi/kimi-k2.6", false)),
        (" qwen/qwen3.8-max ", one("qwen", "qwen3.8-max", true)),
        ("wan2.6-i2v", one("qwen", "wan2.6-i2v", true)),
        (
            "qwen3-coder-plus",
            ResolvedRef::Several(vec![
                model_ref("qwen", "qwen3-coder-plus"),
                model_ref("qwen-oauth", "qwen3-coder-plus"),
            ]),
        ),
        (
            "qwen3.8-max",
            ResolvedRef::Several(vec![
                model_ref("qwen", "qwen3.8-max"),
                model_ref("qwen-token-plan", "qwen3.8-max"),
            ]),
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(catalog.resolve_ref(text, &[], &[]), expected, "{text}");
    }
}

#[test]
fn nothing_is_ever_sent_to_another_vendor() {
    let catalog = shipped();
    assert_eq!(
        catalog.resolve_ref("qwen3.5-pluss", &[], &[]),
        ResolvedRef::NoSuchModel {
            nearest: vec![
                "qwen3.5-plus".to_owned(),
                "qwen3.6-plus".to_owned(),
                "qwen3.7-plus".to_owned()
            ]
        }
    );
    assert_eq!(
        catalog.resolve_ref("qwem/qwen3.5-plus", &["local"], &[]),
        ResolvedRef::NoSuchProvider {
            provider: "qwem".to_owned(),
            nearest: vec!["qwen".to_owned()]
        }
    );
    let text = catalog.resolve_ref("gpt-5", &[], &[]);
    assert_eq!(text, ResolvedRef::NoSuchModel { nearest: vec![] });
    assert!(matches!(
        catalog.resolve_ref("qwen/", &[], &[]),
        ResolvedRef::NoSuchModel { .. }
    ));
    assert!(matches!(
        catalog.resolve_ref("", &[], &[]),
        ResolvedRef::NoSuchModel { .. }
    ));
    assert!(matches!(
        catalog.resolve_ref("/", &[], &[]),
        ResolvedRef::NoSuchProvider { .. }
    ));
}

#[test]
fn custom_providers_are_matched_exactly_and_longest_first() {
    let catalog = shipped();
    let custom = ["Qwen", "lab", "lab/gpu", "modelstudio"];
    let resolve = |text| catalog.resolve_ref(text, &custom, &[]);
    assert_eq!(resolve("Qwen/Qwen3-8B"), one("Qwen", "Qwen3-8B", false));
    assert_eq!(
        resolve("qwen/qwen3.5-plus"),
        one("qwen", "qwen3.5-plus", true)
    );
    assert_eq!(
        resolve("lab/gpu/org/model"),
        one("lab/gpu", "org/model", false)
    );
    assert_eq!(resolve("lab/other/model"), one("lab", "other/model", false));
    assert_eq!(
        resolve("modelstudio/qwen3.5-plus"),
        one("modelstudio", "qwen3.5-plus", false)
    );
}

#[test]
fn user_aliases_come_first() {
    let catalog = shipped();
    let aliases = [
        ("Qwen", "qwen/qwen3.5-plus"),
        ("fast", "lab/small"),
        ("loop", "loop"),
    ];
    let resolve = |text| catalog.resolve_ref(text, &["lab"], &aliases);
    assert_eq!(resolve("qwen"), one("qwen", "qwen3.5-plus", true));
    assert_eq!(resolve("FAST"), one("lab", "small", false));
    assert!(matches!(resolve("loop"), ResolvedRef::NoSuchModel { .. }));
}

#[test]
fn a_bare_id_belongs_to_the_providers_that_have_it() {
    let catalog = shipped();
    let owners = |id| {
        catalog
            .providers_with_model(id)
            .iter()
            .map(|p| p.id.as_str())
            .collect::<Vec<_>>()
    };
    assert_eq!(owners("qwen3.8-max"), ["qwen", "qwen-token-plan"]);
    assert_eq!(owners("coder-model"), ["qwen-oauth"]);
    assert_eq!(owners("wan2.6-t2v"), ["qwen"]);
    assert!(owners("gpt-5").is_empty());
}
