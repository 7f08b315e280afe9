//! Configs that the original program wrote, in every version from 2026.3 to 2026.9.

use config::{AuthMode, Bind, GatewayMode, ModelId, ProviderId, SecretInput, Settings};

const HOMES: [(&str, &str, &str); 12] = [
    (
        "2026.3.2-portal-login",
        include_str!("../data/homes/2026.3.2-portal-login.json"),
        "qwen-portal/coder-model",
    ),
    (
        "2026.3.2-portal-qwen-cli",
        include_str!("../data/homes/2026.3.2-portal-qwen-cli.json"),
        "qwen-portal/coder-model",
    ),
    (
        "2026.3.28-half-migrated-portal-to-modelstudio",
        include_str!("../data/homes/2026.3.28-half-migrated-portal-to-modelstudio.json"),
        "modelstudio/qwen3.5-plus",
    ),
    (
        "2026.3.28-modelstudio-api-key",
        include_str!("../data/homes/2026.3.28-modelstudio-api-key.json"),
        "modelstudio/qwen3.5-plus",
    ),
    (
        "2026.5.20-env-key",
        include_str!("../data/homes/2026.5.20-env-key.json"),
        "qwen/qwen3.5-plus",
    ),
    (
        "2026.5.20-half-migrated-portal",
        include_str!("../data/homes/2026.5.20-half-migrated-portal.json"),
        "qwen-portal/coder-model",
    ),
    (
        "2026.5.20-keyref-env",
        include_str!("../data/homes/2026.5.20-keyref-env.json"),
        "qwen/qwen3.5-plus",
    ),
    (
        "2026.5.20-qwen-api-key-cn",
        include_str!("../data/homes/2026.5.20-qwen-api-key-cn.json"),
        "qwen/qwen3.5-plus",
    ),
    (
        "2026.5.20-qwen-standard-api-key",
        include_str!("../data/homes/2026.5.20-qwen-standard-api-key.json"),
        "qwen/qwen3.5-plus",
    ),
    (
        "2026.6.6-qwen-oauth",
        include_str!("../data/homes/2026.6.6-qwen-oauth.json"),
        "qwen-oauth/qwen3.5-plus",
    ),
    (
        "2026.9.6-qwen-standard-api-key",
        include_str!("../data/homes/2026.9.6-qwen-standard-api-key.json"),
        "qwen/qwen3.5-plus",
    ),
    (
        "2026.9.6-qwen-token-plan",
        include_str!("../data/homes/2026.9.6-qwen-token-plan.json"),
        "qwen-token-plan/qwen3.7-plus",
    ),
];

#[test]
fn every_home_loads_without_a_problem() {
    for (name, source, primary) in HOMES {
        let (settings, problems) = Settings::read(&crate::text(source));
        assert_eq!(problems, [], "{name}");
        assert_eq!(
            settings.agents.defaults.model.primary.as_deref(),
            Some(primary),
            "{name}"
        );
        assert!(
            settings
                .models
                .providers
                .iter()
                .all(|provider| provider.disabled.is_none()),
            "{name}"
        );
    }
}

#[test]
fn the_file_written_by_hand_loads_too() {
    let (settings, problems) = Settings::read(&crate::text(include_str!("../data/by-hand.json5")));
    assert_eq!(problems, []);
    let [provider] = settings.models.providers.as_slice() else {
        panic!("one provider")
    };
    assert!(
        matches!(&provider.api_key, Some(SecretInput::Plain(key)) if key.expose() == "qwen-oauth")
    );
    assert_eq!(
        settings.agents.defaults.image_model.primary.as_deref(),
        Some("qwen-portal/vision-model")
    );
    assert_eq!(
        settings.plugins.first().and_then(|plugin| plugin.enabled),
        Some(true)
    );
}

#[test]
fn a_home_means_what_it_says() {
    let (settings, _) = Settings::read(&crate::text(include_str!(
        "../data/homes/2026.5.20-qwen-standard-api-key.json"
    )));
    assert_eq!(settings.gateway.mode, Some(GatewayMode::Local));
    assert_eq!(
        (settings.gateway.port, settings.gateway.bind),
        (Some(18789), Bind::Loopback)
    );
    assert!(
        matches!(&settings.gateway.auth.token, Some(SecretInput::Plain(token)) if token.expose().len() == 48)
    );
    let qwen = settings
        .models
        .provider(&ProviderId::new("qwen").unwrap())
        .unwrap();
    assert_eq!(
        qwen.base_url.as_deref(),
        Some("https://dashscope-intl.aliyuncs.com/compatible-mode/v1")
    );
    assert_eq!(qwen.api.as_deref(), Some("openai-completions"));
    let row = qwen
        .models
        .iter()
        .find(|row| row.id == ModelId::new("qwen3.5-plus").unwrap())
        .unwrap();
    assert_eq!(
        (row.context_window, row.max_tokens),
        (Some(1_000_000), Some(65_536))
    );
    assert_eq!(row.input, ["text", "image"]);
    let alias = settings
        .agents
        .defaults
        .models
        .iter()
        .find_map(|model| model.alias.as_deref());
    assert_eq!(alias, Some("Qwen"));
    let profile = settings.auth.profiles.first().unwrap();
    assert_eq!(
        (profile.id.as_str(), profile.provider.as_str(), profile.mode),
        ("qwen:default", "qwen", AuthMode::ApiKey)
    );
}

#[test]
fn debug_output_shows_no_secret() {
    let source = r#"{
        gateway: { auth: { token: "s3cret-a", password: "s3cret-b" } },
        env: { vars: { K: "s3cret-c" } },
        models: { providers: { x: {
            apiKey: "s3cret-d", headers: { "x-key": "s3cret-e" }, request: { auth: { token: "s3cret-f" } },
        } } },
    }"#;
    let (settings, _) = Settings::read(&crate::text(source));
    assert!(!format!("{settings:?}").contains("s3cret"), "{settings:?}");
    let text = crate::text(source);
    let edit = config::Edit::Set {
        path: crate::path("gateway.auth.token"),
        value: "s3cret".into(),
    };
    assert!(!format!("{text:?} {edit:?}").contains("s3cret"));
}
