//! Which source wins: profiles, then variables by name, then the config.

use credentials::Caution;

use super::test_home::{AFTER_ALL_MS, TestHome, lines};

const CONFIG: &str = r#"{models: {providers: {qwen: {
    baseUrl: "https://dashscope-intl.aliyuncs.com/compatible-mode/v1", apiKey: "sk-config-0000000000"}}}}"#;
const STORE: &str = r#"{"version":1,"profiles":{"qwen:default":{"type":"api_key","provider":"qwen","key":"sk-stored-0000000000"}}}"#;
const EMPTY: &str = r#"{"version":1,"profiles":{}}"#;

/// Store, variables, and the expected secrets.
type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], Vec<&'a str>);

#[test]
fn profile_then_variables_by_name_then_config() {
    let all = [
        ("DASHSCOPE_API_KEY", "sk-dashscope-0000000000"),
        ("MODELSTUDIO_API_KEY", "sk-modelstudio-0000000000"),
        ("QWEN_API_KEY", "sk-qwen-0000000000"),
    ];
    let profile = "qwen:default sk-stored-0000000000";
    let config = "models.providers.qwen.apiKey sk-config-0000000000";
    let variable = [
        "env:QWEN_API_KEY sk-qwen-0000000000",
        "env:MODELSTUDIO_API_KEY sk-modelstudio-0000000000",
        "env:DASHSCOPE_API_KEY sk-dashscope-0000000000",
    ];
    let cases: [Case<'_>; 5] = [
        (
            STORE,
            &all,
            vec![profile, variable[0], variable[1], variable[2], config],
        ),
        (
            EMPTY,
            &all,
            vec![variable[0], variable[1], variable[2], config],
        ),
        (EMPTY, &all[..2], vec![variable[1], variable[2], config]),
        (EMPTY, &[], vec![config]),
        (
            EMPTY,
            &[
                ("QWEN_API_KEY", "  "),
                ("QWEN_TOKEN_PLAN_API_KEY", "sk-sp-0000"),
            ],
            vec![config],
        ),
    ];
    for (store, variables, expected) in cases {
        let home = TestHome::made(CONFIG, store, variables);
        assert_eq!(home.secrets("qwen"), expected, "{variables:?}");
    }
}

#[test]
fn the_token_plan_reads_its_own_variable_only() {
    let home = TestHome::made(
        "{}",
        EMPTY,
        &[
            ("QWEN_API_KEY", "sk-a-00000000"),
            ("QWEN_TOKEN_PLAN_API_KEY", "sk-sp-b-00000000"),
        ],
    );
    assert_eq!(
        home.secrets("qwen-token-plan"),
        ["env:QWEN_TOKEN_PLAN_API_KEY sk-sp-b-00000000"]
    );
}

#[test]
fn the_key_of_the_config_may_be_a_variable_or_a_file() {
    let cases = [
        (
            r#""${MY_KEY}""#,
            "models.providers.qwen.apiKey sk-mine-0000000000",
        ),
        (
            r#"{source: "env", provider: "default", id: "MY_KEY"}"#,
            "models.providers.qwen.apiKey sk-mine-0000000000",
        ),
        (
            r#"{source: "file", provider: "default", id: "~/key.txt"}"#,
            "models.providers.qwen.apiKey sk-file-0000000000",
        ),
    ];
    for (key, expected) in cases {
        let config = format!("{{models: {{providers: {{qwen: {{apiKey: {key}}}}}}}}}");
        let home = TestHome::made(&config, EMPTY, &[("MY_KEY", "sk-mine-0000000000")]);
        std::fs::write(home.path().join("key.txt"), "  sk-file-0000000000\n").unwrap();
        assert_eq!(home.secrets("qwen"), [expected], "{key}");
    }
}

#[test]
fn a_reference_that_leads_nowhere_is_said() {
    let cases = [
        (r#""${MY_KEY}""#, "the variable MY_KEY is not set"),
        (
            r#"{source: "env", id: "MY_KEY"}"#,
            "the variable MY_KEY is not set",
        ),
        (
            r#"{source: "file", id: "relative.txt"}"#,
            "cannot take a key from relative.txt: the path is neither absolute nor in `~`",
        ),
        (
            r#"{source: "exec", id: "vault"}"#,
            "`secrets.providers` has no `default`; `openclaw config validate` shows where",
        ),
        (
            r#""<your key>""#,
            "the value is a placeholder: it is the example text of a manual",
        ),
        (
            r#""qwen-oauth""#,
            "the value is a placeholder: it only marks that the credential is stored elsewhere",
        ),
        (
            "\"sk-a\\u0007b\"",
            "the value has characters that cannot be sent",
        ),
    ];
    for (key, expected) in cases {
        let config = format!("{{models: {{providers: {{qwen: {{apiKey: {key}}}}}}}}}");
        let home = TestHome::made(&config, EMPTY, &[]);
        assert_eq!(
            home.candidates("qwen"),
            [format!("models.providers.qwen.apiKey: {expected}")],
            "{key}"
        );
    }
}

#[test]
fn a_file_that_others_can_read_is_used_with_a_warning() {
    use std::os::unix::fs::PermissionsExt;
    let home = TestHome::made(
        r#"{models: {providers: {qwen: {apiKey: {source: "file", id: "~/key"}}}}}"#,
        EMPTY,
        &[],
    );
    let path = home.path().join("key");
    std::fs::write(&path, "sk-file-0000000000").unwrap();
    for (mode, warnings) in [(0o600, 0), (0o644, 1)] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        let resolution = home.resolve("qwen");
        assert_eq!(
            (resolution.usable().count(), resolution.warnings.len()),
            (1, warnings),
            "{mode:o}"
        );
    }
}

const MANY: &str = r#"{"profiles":{
    "qwen:key":{"type":"api_key","provider":"qwen","key":"sk-key-0000000000"},
    "qwen:other":{"mode":"api_key","provider":"qwen","apiKey":"sk-other-0000000000"},
    "qwen:token":{"type":"token","provider":"qwen","token":"sk-token-0000000000","expires":1795180000001},
    "qwen:past":{"type":"token","provider":"qwen","token":"sk-past-0000000000","expires":1795180000000},
    "qwen:zero":{"type":"token","provider":"qwen","token":"sk-zero-0000000000","expires":0},
    "qwen:none":{"type":"api_key","provider":"qwen"}}}"#;

#[test]
fn without_an_order_kinds_decide_and_ineligible_ones_are_dropped() {
    let home = TestHome::made("{}", MANY, &[]);
    assert_eq!(
        home.secrets("qwen"),
        [
            "qwen:token sk-token-0000000000",
            "qwen:key sk-key-0000000000",
            "qwen:other sk-other-0000000000"
        ]
    );
    assert_eq!(
        home.skipped("qwen"),
        [
            "qwen:past: it has expired",
            "qwen:zero: its `expires` is not a time",
            "qwen:none: it holds no secret"
        ]
    );
}

#[test]
fn an_order_of_the_agent_wins_over_one_of_the_config_over_the_list() {
    let listed = r#"profiles: {"qwen:other": {provider: "qwen", mode: "api_key"}, "qwen:gone": {provider: "qwen", mode: "api_key"}}"#;
    let list_only = format!("{{auth: {{{listed}}}}}");
    let with_order =
        format!(r#"{{auth: {{{listed}, order: {{qwen: ["qwen:key", "qwen:token"]}}}}}}"#);
    let labels = |home: &TestHome| -> Vec<String> {
        home.resolve("qwen")
            .candidates
            .into_iter()
            .map(|candidate| candidate.label)
            .collect()
    };
    assert_eq!(
        labels(&TestHome::made(&list_only, MANY, &[])),
        ["qwen:other"]
    );
    let home = TestHome::made(&with_order, MANY, &[]);
    assert_eq!(labels(&home), ["qwen:key", "qwen:token"]);
    assert!(
        home.skipped("qwen")
            .contains(&"qwen:other: it is not in the profile order of `qwen`".to_owned())
    );
    home.put_agent(
        "main",
        "auth-state.json",
        r#"{"version":1,"order":{"qwen":["qwen:other","qwen:gone","qwen:key"]}}"#,
    );
    assert_eq!(labels(&home), ["qwen:other", "qwen:key"]);
    assert!(
        home.skipped("qwen")
            .contains(&"qwen:gone: no store holds a profile of this name".to_owned())
    );
}

#[test]
fn a_list_that_names_nothing_stored_hides_nothing() {
    let config = r#"{auth: {profiles: {"qwen:gone": {provider: "qwen", mode: "api_key"}}}}"#;
    let home = TestHome::made(config, STORE, &[]);
    assert_eq!(home.secrets("qwen"), ["qwen:default sk-stored-0000000000"]);
}

#[test]
fn the_config_must_agree_with_the_store_about_the_kind() {
    let config = |mode: &str| {
        format!(r#"{{auth: {{profiles: {{"qwen:token": {{provider: "qwen", mode: "{mode}"}}}}}}}}"#)
    };
    for (mode, expected) in [("token", 1), ("oauth", 1), ("api_key", 0)] {
        let home = TestHome::made(&config(mode), MANY, &[]);
        assert_eq!(home.secrets("qwen").len(), expected, "{mode}");
    }
}

#[test]
fn an_order_in_an_older_store_counts() {
    let store = MANY.replacen('{', r#"{"order":{"qwen":["qwen:other"]},"#, 1);
    assert_eq!(
        TestHome::made("{}", &store, &[]).secrets("qwen"),
        ["qwen:other sk-other-0000000000"]
    );
}

#[test]
fn an_agent_reads_through_to_main_and_its_own_values_win() {
    let home = TestHome::made("{}", MANY, &[]);
    home.put_agent(
        "helper",
        "auth-profiles.json",
        r#"{"profiles":{"qwen:key":{"type":"api_key","provider":"qwen","key":"sk-helper-0000000000"}}}"#,
    );
    let found = lines(&home.resolve_for("helper", "qwen", AFTER_ALL_MS));
    assert_eq!(found.len(), 3);
    let resolution = home.resolve_for("helper", "qwen", AFTER_ALL_MS);
    let secret = |label: &str| {
        let found = resolution
            .usable()
            .find(|(candidate, _)| candidate.label == label);
        found.map(|(_, secret)| secret.expose().to_owned())
    };
    assert_eq!(secret("qwen:key").as_deref(), Some("sk-helper-0000000000"));
    assert_eq!(secret("qwen:other").as_deref(), Some("sk-other-0000000000"));
    assert!(
        resolution
            .reasons()
            .iter()
            .any(|reason| reason.starts_with("qwen:key: the profile of the same name in "))
    );
}

#[test]
fn a_broken_store_does_not_hide_the_other_sources() {
    let home = TestHome::made(
        CONFIG,
        r#"{"version":1,"profiles":{"qwen:default":{"type":"api_"#,
        &[],
    );
    let resolution = home.resolve("qwen");
    assert_eq!(
        lines(&resolution),
        ["models.providers.qwen.apiKey sk-…0000"]
    );
    let warning = resolution.warnings[0].to_string();
    assert!(
        warning.contains("auth-profiles.json:1:53 is not valid JSON"),
        "{warning}"
    );
}

#[test]
fn a_variable_without_the_form_of_a_key_is_used_with_a_caution() {
    let home = TestHome::made("{}", EMPTY, &[("QWEN_API_KEY", "0123456789abcdef")]);
    let resolution = home.resolve("qwen");
    assert_eq!(lines(&resolution), ["env:QWEN_API_KEY …cdef"]);
    assert_eq!(
        resolution.candidates[0].caution,
        Some(Caution::NotKeyShaped)
    );
}

#[test]
fn without_a_credential_the_places_are_named() {
    let home = TestHome::made("{}", EMPTY, &[]);
    let resolution = home.resolve("qwen");
    let store = home.store_path();
    assert_eq!(
        resolution.describe_none(),
        format!(
            "no usable credential for provider `qwen` of agent `main`: nothing is stored in {}, \
             and no variable QWEN_API_KEY, MODELSTUDIO_API_KEY, DASHSCOPE_API_KEY is set",
            store.display()
        )
    );
    assert_eq!(
        resolution.hint(),
        "run `openclaw onboard`, or set QWEN_API_KEY"
    );
    let portal = TestHome::real("2026.5.20-keyref-env", &[])
        .resolve("qwen")
        .describe_none();
    assert!(
        portal.ends_with(": qwen:default: the variable QWEN_API_KEY is not set"),
        "{portal}"
    );
}
