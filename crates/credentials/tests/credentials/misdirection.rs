//! A credential never goes to a provider that it does not belong to.

use super::test_home::TestHome;

const QWEN: &str =
    r#""qwen:default":{"type":"api_key","provider":"qwen","key":"sk-qwen-0000000000"}"#;
const MODELSTUDIO: &str = r#""modelstudio:default":{"type":"api_key","provider":"modelstudio","key":"sk-old-0000000000"}"#;
const PORTAL: &str = r#""qwen-portal:default":{"type":"oauth","provider":"qwen-portal","access":"portal-access-0000","refresh":"r","expires":9999999999999}"#;

fn store(entries: &[&str]) -> String {
    format!(r#"{{"version":1,"profiles":{{{}}}}}"#, entries.join(","))
}

#[test]
fn a_custom_modelstudio_uses_its_own_key_only() {
    let custom = r#"{models: {providers: {modelstudio: {baseUrl: "https://proxy.example/v1", apiKey: "sk-own-0000000000"}}}}"#;
    let home = TestHome::made(
        custom,
        &store(&[QWEN]),
        &[("MODELSTUDIO_API_KEY", "sk-env-0000000000")],
    );
    assert_eq!(
        home.secrets("modelstudio"),
        ["models.providers.modelstudio.apiKey sk-own-0000000000"]
    );
    assert_eq!(
        home.secrets("qwen"),
        [
            "qwen:default sk-qwen-0000000000",
            "env:MODELSTUDIO_API_KEY sk-env-0000000000"
        ]
    );
}

#[test]
fn the_key_of_a_custom_modelstudio_is_used_for_nothing_else() {
    for custom in [
        r#"{models: {providers: {modelstudio: {baseUrl: "https://proxy.example/v1"}}}}"#,
        r#"{models: {providers: {modelstudio: {baseUrl: "https://dashscope.aliyuncs.com.evil.example/v1"}}}}"#,
        r#"{models: {providers: {modelstudio: {baseUrl: "https://dashscope.aliyuncs.com/compatible-mode/v1", apiKey: "sk-own-0000000000"}}}}"#,
    ] {
        let home = TestHome::made(custom, &store(&[MODELSTUDIO]), &[]);
        assert_eq!(home.secrets("qwen"), [""; 0], "{custom}");
        assert_eq!(
            home.skipped("qwen"),
            ["modelstudio:default: it belongs to provider `modelstudio`"],
            "{custom}"
        );
        assert_eq!(
            home.secrets("modelstudio").first().map(String::as_str),
            Some("modelstudio:default sk-old-0000000000")
        );
    }
}

#[test]
fn an_older_key_does_not_follow_qwen_to_a_foreign_host() {
    let custom = r#"{models: {providers: {qwen: {baseUrl: "http://127.0.0.1:8000/v1"}}}}"#;
    let home = TestHome::made(
        custom,
        &store(&[MODELSTUDIO]),
        &[("QWEN_API_KEY", "sk-env-0000000000")],
    );
    assert_eq!(home.secrets("qwen"), ["env:QWEN_API_KEY sk-env-0000000000"]);
}

#[test]
fn aliases_share_credentials_on_real_hosts_and_the_exact_id_goes_first() {
    let home = TestHome::made("{}", &store(&[MODELSTUDIO, QWEN]), &[]);
    let qwen_first = [
        "qwen:default sk-qwen-0000000000",
        "modelstudio:default sk-old-0000000000",
    ];
    for provider in ["qwen", "modelstudio", "qwencloud", "dashscope", "QWEN"] {
        assert_eq!(home.secrets(provider), qwen_first, "{provider}");
    }
    let native = r#"{models: {providers: {modelstudio: {baseUrl: "https://coding-intl.dashscope.aliyuncs.com/v1"}}}}"#;
    let home = TestHome::made(native, &store(&[QWEN, MODELSTUDIO]), &[]);
    assert_eq!(home.secrets("modelstudio"), [qwen_first[1], qwen_first[0]]);
}

#[test]
fn portal_and_dashscope_never_share() {
    let home = TestHome::made("{}", &store(&[QWEN, PORTAL]), &[]);
    assert_eq!(home.secrets("qwen"), ["qwen:default sk-qwen-0000000000"]);
    for provider in ["qwen-oauth", "qwen-portal", "qwen-cli"] {
        assert_eq!(
            home.secrets(provider),
            ["qwen-portal:default portal-access-0000"],
            "{provider}"
        );
    }
    assert_eq!(home.secrets("qwen-token-plan"), [""; 0]);
}

#[test]
fn an_order_cannot_mix_them_either() {
    let config = r#"{auth: {order: {qwen: ["qwen-portal:default", "qwen:default"], "qwen-oauth": ["qwen:default", "qwen-portal:default"]}}}"#;
    let home = TestHome::made(config, &store(&[QWEN, PORTAL]), &[]);
    assert_eq!(home.secrets("qwen"), ["qwen:default sk-qwen-0000000000"]);
    assert_eq!(
        home.secrets("qwen-oauth"),
        ["qwen-portal:default portal-access-0000"]
    );
    assert!(
        home.skipped("qwen")
            .contains(&"qwen-portal:default: it belongs to provider `qwen-portal`".to_owned())
    );
}

#[test]
fn a_login_stored_under_qwen_is_a_portal_login() {
    let home = TestHome::made(
        "{}",
        &store(&[&PORTAL.replace("\"qwen-portal\"", "\"qwen\"")]),
        &[],
    );
    assert_eq!(home.secrets("qwen"), [""; 0]);
    assert_eq!(
        home.skipped("qwen"),
        ["qwen-portal:default: it is a portal login, which is never sent to DashScope"]
    );
}

#[test]
fn the_shared_variable_reaches_the_portal_only_with_a_token() {
    let cases: [(&str, &[&str]); 3] = [
        ("sk-0123456789", &[]),
        ("sk-sp-0123456789", &[]),
        ("eyJ0b2tlbg", &["env:QWEN_API_KEY eyJ0b2tlbg"]),
    ];
    for (value, expected) in cases {
        let home = TestHome::made("{}", &store(&[]), &[("QWEN_API_KEY", value)]);
        assert_eq!(home.secrets("qwen-oauth"), expected, "{value}");
        assert_eq!(home.secrets("qwen"), [format!("env:QWEN_API_KEY {value}")]);
    }
}

#[test]
fn a_dashscope_key_stored_for_the_portal_is_not_sent() {
    let wrong = r#""qwen-oauth:default":{"type":"api_key","provider":"qwen-oauth","key":"sk-sp-0123456789"}"#;
    let home = TestHome::made("{}", &store(&[wrong]), &[]);
    assert_eq!(
        home.candidates("qwen-oauth"),
        [
            "qwen-oauth:default: a key that starts with `sk-sp-` belongs to DashScope and is never sent to the portal"
        ]
    );
}

#[test]
fn a_placeholder_is_never_a_secret_wherever_it_stands() {
    let stored = r#""qwen-portal:models-json":{"type":"api_key","provider":"qwen-portal","key":"qwen-oauth"}"#;
    let config = r#"{models: {providers: {"qwen-portal": {baseUrl: "https://portal.qwen.ai/v1", apiKey: "qwen-oauth"}}}}"#;
    let home = TestHome::made(
        config,
        &store(&[stored]),
        &[("QWEN_OAUTH_TOKEN", "qwen-oauth")],
    );
    assert_eq!(home.secrets("qwen-portal"), [""; 0]);
    assert_eq!(home.candidates("qwen-portal").len(), 3);
}

#[test]
fn a_provider_of_the_config_has_its_own_credentials_only() {
    let config = r#"{models: {providers: {mine: {baseUrl: "https://dashscope.aliyuncs.com/compatible-mode/v1", apiKey: "none"}}}}"#;
    let home = TestHome::made(
        config,
        &store(&[QWEN]),
        &[("QWEN_API_KEY", "sk-env-0000000000")],
    );
    assert_eq!(home.secrets("mine"), ["models.providers.mine.apiKey none"]);
}
