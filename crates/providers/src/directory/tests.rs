use config::{AgentId, ConfigText, Environment, Home, HomeOptions};

use super::*;

/// Builds the directory of a home with the given config and variables.
fn directory(config: &str, variables: &[(&str, &str)]) -> Directory {
    let folder = tempfile::tempdir().unwrap();
    let home_dir = folder.path().to_str().unwrap().to_owned();
    let pairs = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let environment = Environment::from_pairs(pairs.chain([("HOME".to_owned(), home_dir)]));
    let home = Home::resolve(&environment, &HomeOptions::default()).unwrap();
    let text = ConfigText::parse("openclaw.json", config.as_bytes().to_vec()).unwrap();
    let (settings, _) = Settings::read(&text);
    let catalog = Arc::new(Catalog::builtin().unwrap());
    let resolver = Resolver::new(&home, &environment, &settings, &catalog, &AgentId::main());
    Directory::build(Arc::clone(&catalog), &settings, &resolver, 0)
}

const STANDARD: &str = r#"{
    agents: {defaults: {model: {primary: "qwen/qwen3.5-plus"}, models: {"qwen/qwen3-coder-plus": {alias: "Coder"}}},
             list: [{id: "writer", model: "qwen/glm-5"}]},
    models: {providers: {
        qwen: {baseUrl: "https://dashscope-intl.aliyuncs.com/compatible-mode/v1", models: []},
        local: {baseUrl: "http://127.0.0.1:9/v1", models: [
            {id: "Qwen/big", name: "big"}, {id: "small", name: "small", compat: {supportsUsageInStreaming: false}}]},
        modelstudio: {baseUrl: "https://proxy.example/v1", apiKey: "sk-own", models: [{id: "m", name: "m"}]},
    }},
}"#;

const KEY: (&str, &str) = ("QWEN_API_KEY", "sk-test-0123456789abcdef");

#[test]
fn every_way_to_name_a_model_leads_to_its_host() {
    let directory = directory(STANDARD, &[KEY]);
    let intl = "dashscope-intl.aliyuncs.com";
    for (text, reference, host) in [
        ("qwen/qwen3.5-plus", "qwen/qwen3.5-plus", intl),
        ("Coder", "qwen/qwen3-coder-plus", intl),
        ("kimi-k2.5", "qwen/kimi-k2.5", intl),
        ("dashscope/glm-5", "qwen/glm-5", intl),
        ("qwencloud/glm-5", "qwen/glm-5", intl),
        ("qwen/not-listed-anywhere", "qwen/not-listed-anywhere", intl),
        ("openclaw", "qwen/qwen3.5-plus", intl),
        ("openclaw/main", "qwen/qwen3.5-plus", intl),
        ("openclaw/writer", "qwen/glm-5", intl),
        ("local/Qwen/big", "local/Qwen/big", "127.0.0.1"),
        ("small", "local/small", "127.0.0.1"),
        ("modelstudio/m", "modelstudio/m", "proxy.example"),
    ] {
        let chain = directory
            .chain(text)
            .unwrap_or_else(|error| panic!("{text}: {error}"));
        let route = chain.first();
        assert_eq!(
            (route.reference().as_str(), &*route.host),
            (reference, host),
            "{text}"
        );
    }
}

#[test]
fn a_key_goes_to_its_own_provider_only() {
    let directory = directory(STANDARD, &[KEY]);
    for (model, secret) in [
        ("qwen/glm-5", Some(KEY.1)),
        ("modelstudio/m", Some("sk-own")),
        ("local/small", None),
    ] {
        let chain = directory.chain(model).unwrap();
        let route = chain.first();
        assert_eq!(route.secret().map(credentials::Secret::expose), secret);
    }
}

#[test]
fn usage_is_asked_for_unless_the_row_declines() {
    let directory = directory(STANDARD, &[KEY]);
    assert!(directory.chain("qwen/glm-5").unwrap().first().asks_usage);
    assert!(
        directory
            .chain("local/Qwen/big")
            .unwrap()
            .first()
            .asks_usage
    );
    assert!(!directory.chain("local/small").unwrap().first().asks_usage);
}

#[test]
fn a_missing_route_says_why() {
    let without_key = directory(STANDARD, &[]);
    let error = without_key.chain("qwen/glm-5").unwrap_err();
    assert!(
        matches!(&error, RouteError::NoCredential { provider, .. } if provider == "qwen"),
        "{error}"
    );
    assert!(error.hint().contains("openclaw onboard"));
    let directory = directory(STANDARD, &[KEY]);
    let error = directory.chain("qwen3.5-pluss").unwrap_err();
    assert!(
        error.hint().contains("qwen/qwen3.5-plus"),
        "{}",
        error.hint()
    );
    assert_eq!(
        directory.chain("openclaw/nobody").unwrap_err(),
        RouteError::UnknownAgent("nobody".into())
    );
    assert!(
        matches!(
            directory.chain("gpt-5"),
            Err(RouteError::UnknownModel { .. })
        ),
        "never another vendor"
    );
}

#[test]
fn without_a_base_url_the_key_decides_the_plan() {
    let config = r#"{agents: {defaults: {model: "qwen/qwen3.5-plus"}}}"#;
    let host = |key| {
        directory(config, &[("QWEN_API_KEY", key)])
            .chain("openclaw")
            .unwrap()
            .first()
            .host
            .to_string()
    };
    assert_eq!(
        host("sk-sp-0123456789abcdef"),
        "coding-intl.dashscope.aliyuncs.com"
    );
    assert_eq!(
        host("sk-0123456789abcdef0123"),
        "dashscope-intl.aliyuncs.com"
    );
}

#[test]
fn media_models_are_not_offered_as_chat_models() {
    let config = r#"{models: {providers: {qwen: {baseUrl: "https://dashscope.aliyuncs.com/compatible-mode/v1",
        models: [{id: "wan2.6-t2v", name: "wan"}, {id: "qwen3.5-plus", name: "q"}]}}}}"#;
    let directory = directory(config, &[KEY]);
    let listed: Vec<&str> = directory
        .usable_models()
        .map(|model| model.id.as_str())
        .collect();
    assert!(
        listed.contains(&"qwen3.5-plus") && !listed.contains(&"wan2.6-t2v"),
        "{listed:?}"
    );
}

#[test]
fn one_broken_provider_leaves_the_others() {
    let config = r#"{models: {providers: {bad: {baseUrl: 5, models: []}, local: {baseUrl: "http://127.0.0.1:9/v1",
        models: [{id: "m", name: "m"}]}}}}"#;
    let directory = directory(config, &[]);
    assert!(directory.chain("local/m").is_ok());
    assert!(matches!(
        directory.chain("bad/m"),
        Err(RouteError::Disabled { .. })
    ));
}

#[test]
fn one_service_is_listed_under_one_name() {
    let config = r#"{models: {providers: {modelstudio: {baseUrl: "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
        models: [{id: "qwen3.5-plus", name: "q"}]}}}}"#;
    let directory = directory(config, &[KEY]);
    let listed: Vec<&str> = directory
        .usable_models()
        .map(|model| model.reference.as_str())
        .collect();
    assert!(listed.contains(&"modelstudio/qwen3.5-plus"), "{listed:?}");
    assert!(
        !listed.iter().any(|name| name.starts_with("qwen/")),
        "{listed:?}"
    );
    assert!(
        directory.chain("qwen/qwen3.5-plus").is_ok(),
        "not listed is not refused"
    );
}

const CHAIN: &str = r#"{
    agents: {defaults: {model: {primary: "local/a", fallbacks: ["nobody/x", "qwen/glm-5", "local/b", "local/a"]}}},
    models: {providers: {
        qwen: {baseUrl: "https://dashscope-intl.aliyuncs.com/compatible-mode/v1", models: []},
        local: {baseUrl: "http://127.0.0.1:9/v1", models: [{id: "a", name: "a"}, {id: "b", name: "b"}]},
    }},
}"#;

fn references(chain: &Chain) -> Vec<String> {
    chain.routes().map(|route| route.reference()).collect()
}

#[test]
fn an_agent_has_its_fallbacks_and_a_named_model_is_alone() {
    let directory = directory(CHAIN, &[KEY]);
    let chain = directory.chain("openclaw").unwrap();
    assert_eq!(references(&chain), ["local/a", "qwen/glm-5", "local/b"]);
    assert_eq!(chain.skipped().len(), 1, "{:?}", chain.skipped());
    assert_eq!(
        references(&directory.chain("local/a").unwrap()),
        ["local/a"]
    );
}

#[test]
fn a_subscription_never_becomes_a_bill_by_itself() {
    let config = |routing: &str| {
        format!(
            r#"{{agents: {{defaults: {{model: {{primary: "qwen-token-plan/qwen3.7-plus", fallbacks: ["qwen/glm-5"]}}}}}},
            models: {{providers: {{
                qwen: {{baseUrl: "https://dashscope-intl.aliyuncs.com/compatible-mode/v1", models: []}},
                "qwen-token-plan": {{baseUrl: "https://token-plan.cn-beijing.maas.aliyuncs.com/compatible-mode/v1", models: []}},
            }}}}{routing}}}"#
        )
    };
    let keys = [KEY, ("QWEN_TOKEN_PLAN_API_KEY", "sk-sp-0123456789abcdef")];
    let chain = directory(&config(""), &keys).chain("openclaw").unwrap();
    assert_eq!(references(&chain), ["qwen-token-plan/qwen3.7-plus"]);
    assert!(
        chain.skipped()[0].reason.contains("routing.allowMetered"),
        "{:?}",
        chain.skipped()
    );
    let allowed = config(", routing: {allowMetered: true}");
    let chain = directory(&allowed, &keys).chain("openclaw").unwrap();
    assert_eq!(
        references(&chain),
        ["qwen-token-plan/qwen3.7-plus", "qwen/glm-5"]
    );
}
