//! The homes that OpenClaw wrote: each loads, answers sensibly, and is as before afterwards.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::home::Home;
use crate::openclaw_homes::{copy_of, names, state};

/// What is known about one home.
struct Expected {
    home: &'static str,
    /// The default model.
    default: &'static str,
    /// The provider of the default model under the name that the config gives it.
    provider: &'static str,
    plan: &'static str,
    region: &'static str,
    /// The credential that is taken, as people see it.
    found: Found,
    /// The provider of the models that `--provider qwen` lists, and how many there are at least.
    qwen: (&'static str, u64),
}

enum Found {
    /// This label of a profile, in a store whose name ends like this.
    Profile(&'static str, &'static str),
    /// A login that ended at this time, in milliseconds since 1970 UTC.
    LoginUntil(u64, &'static str),
    /// A key in a variable that is not set.
    Unset(&'static str),
}

const JSON: &str = "auth-profiles.json";
const AGENT_DB: &str = "openclaw-agent.sqlite";
const SHARED_DB: &str = "state/openclaw.sqlite";

#[rustfmt::skip]
const HOMES: [Expected; 12] = [
    Expected { home: "2026.3.2-portal-login", default: "qwen-portal/coder-model", provider: "qwen-portal", plan: "portal", region: "global", found: Found::LoginUntil(1_795_177_981_006, "qwen-portal:default"), qwen: ("qwen", 9) },
    Expected { home: "2026.3.2-portal-qwen-cli", default: "qwen-portal/coder-model", provider: "qwen-portal", plan: "portal", region: "global", found: Found::LoginUntil(1_795_178_026_667, "qwen-portal:qwen-cli"), qwen: ("qwen", 9) },
    Expected { home: "2026.3.28-half-migrated-portal-to-modelstudio", default: "modelstudio/qwen3.5-plus", provider: "modelstudio", plan: "coding", region: "intl", found: Found::Profile("modelstudio:default=sk-…6789", JSON), qwen: ("modelstudio", 8) },
    Expected { home: "2026.3.28-modelstudio-api-key", default: "modelstudio/qwen3.5-plus", provider: "modelstudio", plan: "coding", region: "intl", found: Found::Profile("modelstudio:default=sk-…6789", JSON), qwen: ("modelstudio", 8) },
    Expected { home: "2026.5.20-env-key", default: "qwen/qwen3.5-plus", provider: "qwen", plan: "standard", region: "intl", found: Found::Profile("qwen:default=sk-…3", JSON), qwen: ("qwen", 9) },
    Expected { home: "2026.5.20-half-migrated-portal", default: "qwen-portal/coder-model", provider: "qwen-portal", plan: "portal", region: "global", found: Found::LoginUntil(1_772_700_000_000, "qwen-portal:default"), qwen: ("qwen", 9) },
    Expected { home: "2026.5.20-keyref-env", default: "qwen/qwen3.5-plus", provider: "qwen", plan: "standard", region: "intl", found: Found::Unset("QWEN_API_KEY"), qwen: ("qwen", 9) },
    Expected { home: "2026.5.20-qwen-api-key-cn", default: "qwen/qwen3.5-plus", provider: "qwen", plan: "coding", region: "cn", found: Found::Profile("qwen:default=sk-…6789", JSON), qwen: ("qwen", 8) },
    Expected { home: "2026.5.20-qwen-standard-api-key", default: "qwen/qwen3.5-plus", provider: "qwen", plan: "standard", region: "intl", found: Found::Profile("qwen:default=sk-…6789", JSON), qwen: ("qwen", 9) },
    Expected { home: "2026.6.6-qwen-oauth", default: "qwen-oauth/qwen3.5-plus", provider: "qwen-oauth", plan: "portal", region: "global", found: Found::Profile("qwen-oauth:default=sk-…6789", AGENT_DB), qwen: ("qwen", 9) },
    Expected { home: "2026.9.6-qwen-standard-api-key", default: "qwen/qwen3.5-plus", provider: "qwen", plan: "standard", region: "intl", found: Found::Profile("qwen:default=sk-…6789", SHARED_DB), qwen: ("qwen", 14) },
    Expected { home: "2026.9.6-qwen-token-plan", default: "qwen-token-plan/qwen3.7-plus", provider: "qwen-token-plan", plan: "token", region: "intl", found: Found::Profile("qwen-token-plan:default=sk-…6789", SHARED_DB), qwen: ("qwen", 9) },
];

/// Commands that only read.
const READS: [&[&str]; 16] = [
    &["models"],
    &["models", "list"],
    &["models", "list", "--all", "--json"],
    &["models", "list", "--provider", "qwen", "--json"],
    &["models", "list", "--plain"],
    &["models", "status", "--json"],
    &["models", "status", "--check"],
    &["models", "status", "--plain"],
    &["models", "set", "qwen/qwen3.8-max", "--dry-run"],
    &["models", "aliases", "list"],
    &["models", "fallbacks", "list"],
    &["config", "get", "."],
    &["config", "validate"],
    &["config", "validate", "--json"],
    &["config", "file"],
    &["config", "set", "gateway.port", "4", "--dry-run"],
];

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    u64::try_from(since.as_millis()).unwrap()
}

fn provider<'a>(status: &'a Value, id: &str) -> &'a Value {
    let providers = status["auth"]["providers"].as_array().unwrap();
    providers
        .iter()
        .find(|provider| provider["provider"] == id)
        .unwrap_or_else(|| panic!("{id} in {status:#}"))
}

#[test]
fn every_home_is_expected() {
    let expected: Vec<&str> = HOMES.iter().map(|expected| expected.home).collect();
    assert_eq!(names(), expected);
}

#[test]
fn status_finds_the_credential_of_every_generation() {
    for expected in &HOMES {
        let home = copy_of(expected.home);
        let run = home.run(&["models", "status", "--json"]).expect_code(0);
        let status = run.json();
        assert_eq!(
            status["resolvedDefault"], expected.default,
            "{}",
            expected.home
        );
        let provider = provider(&status, expected.provider);
        assert_eq!(provider["plan"], expected.plan, "{}", expected.home);
        assert_eq!(provider["region"], expected.region, "{}", expected.home);
        let check = home.run(&["models", "status", "--check", "--plain"]);
        check_credential(expected, &status, provider, check.code);
    }
}

fn check_credential(expected: &Expected, status: &Value, provider: &Value, check: i32) {
    let context = format!("{}: {provider:#}", expected.home);
    let labels = provider["profiles"]["labels"].to_string();
    match expected.found {
        Found::Profile(label, store) => {
            assert!(labels.contains(label), "{context}");
            assert_eq!(provider["effective"]["kind"], "profiles", "{context}");
            let detail = provider["effective"]["detail"].as_str().unwrap();
            assert!(detail.ends_with(store), "{context}");
            let other_is_dead = expected.home.contains("half-migrated");
            assert_eq!(check, i32::from(other_is_dead), "{context}");
        }
        Found::LoginUntil(end_ms, profile) => {
            let logins = status["auth"]["oauth"]["profiles"].as_array().unwrap();
            let login = logins
                .iter()
                .find(|login| login["profileId"] == profile)
                .unwrap();
            if end_ms < now_ms() {
                assert_eq!(login["status"], "expired", "{context}");
                assert_eq!(provider["effective"]["kind"], "missing", "{context}");
                assert_eq!(check, 1, "{context}");
            } else {
                assert_ne!(login["status"], "expired", "{context}");
            }
        }
        Found::Unset(name) => {
            assert!(labels.contains(name), "{context}");
            assert_eq!(provider["effective"]["kind"], "missing", "{context}");
            assert_eq!(check, 1, "{context}");
        }
    }
}

#[test]
fn provider_qwen_lists_models_of_every_home() {
    for expected in &HOMES {
        let home = copy_of(expected.home);
        let run = home
            .run(&["models", "list", "--provider", "qwen", "--json"])
            .expect_code(0);
        let list = run.json();
        let (provider, at_least) = expected.qwen;
        assert!(
            list["count"].as_u64().unwrap() >= at_least,
            "{}: {list:#}",
            expected.home
        );
        let can_be_used =
            matches!(expected.found, Found::Profile(..)) && provider == expected.provider;
        for model in list["models"].as_array().unwrap() {
            let key = model["key"].as_str().unwrap();
            assert!(
                key.starts_with(&format!("{provider}/")),
                "{}: {key}",
                expected.home
            );
            assert_eq!(model["available"], can_be_used, "{}: {key}", expected.home);
            assert_eq!(model["missing"], false, "{}: {key}", expected.home);
        }
        if !can_be_used {
            assert!(
                run.stderr.contains("cannot be used: no usable credential"),
                "{run:?}"
            );
        }
    }
}

#[test]
fn the_default_list_has_what_the_config_names() {
    for expected in &HOMES {
        let home = copy_of(expected.home);
        let list = home
            .run(&["models", "list", "--json"])
            .expect_code(0)
            .json();
        let models = list["models"].as_array().unwrap();
        let first = models.first().unwrap();
        assert_eq!(first["key"], expected.default, "{}", expected.home);
        assert_eq!(first["tags"][0], "default", "{}", expected.home);
        let keys: Vec<&str> = models
            .iter()
            .map(|model| model["key"].as_str().unwrap())
            .collect();
        let mut once = keys.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), keys.len(), "{}: {keys:?}", expected.home);
    }
}

#[test]
fn every_config_is_valid() {
    for expected in &HOMES {
        let home = copy_of(expected.home);
        let run = home.run(&["config", "validate", "--json"]).expect_code(0);
        let answer = run.json();
        assert_eq!(answer["valid"], true, "{answer:#}");
        assert_eq!(
            answer["warnings"],
            serde_json::json!([]),
            "{}",
            expected.home
        );
    }
}

#[test]
fn reading_changes_nothing_and_shows_no_secret() {
    for expected in &HOMES {
        let home = copy_of(expected.home);
        let before = state(&home);
        let secrets = secrets(&home);
        for command in READS {
            let run = home.run(command);
            assert!(
                run.code == 0 || command.contains(&"--check"),
                "{}: {run:?}",
                expected.home
            );
            for secret in &secrets {
                let shown = format!("{}{}", run.stdout, run.stderr);
                assert!(
                    !shown.contains(secret.as_str()),
                    "{} {command:?}: {secret}",
                    expected.home
                );
            }
        }
        assert!(state(&home) == before, "{} was changed", expected.home);
    }
}

/// Returns the secrets of the config and of the JSON store; those in databases all begin with `sk-fake`.
fn secrets(home: &Home) -> Vec<String> {
    let mut found = vec!["sk-fake".to_owned()];
    for file in [
        ".openclaw/openclaw.json",
        ".openclaw/agents/main/agent/auth-profiles.json",
    ] {
        if let Ok(text) = std::fs::read_to_string(home.at(file)) {
            collect(&serde_json::from_str(&text).unwrap(), "", &mut found);
        }
    }
    found
}

fn collect(value: &Value, name: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                collect(member, name, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, name, found)),
        Value::String(text) if ["key", "access", "refresh", "token"].contains(&name) => {
            found.push(text.clone());
        }
        _ => {}
    }
}

#[test]
fn a_key_reference_takes_the_variable() {
    let home = copy_of("2026.5.20-keyref-env").variable("QWEN_API_KEY", "sk-0123456789abcdef3f2a");
    let status = home
        .run(&["models", "status", "--json"])
        .expect_code(0)
        .json();
    let qwen = provider(&status, "qwen");
    assert_eq!(qwen["profiles"]["labels"][0], "qwen:default=sk-…3f2a");
    let sources: Vec<&str> = qwen["sources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|source| source["label"].as_str().unwrap())
        .collect();
    assert_eq!(sources, ["qwen:default", "env:QWEN_API_KEY"]);
    assert_eq!(
        home.run(&["models", "status", "--check", "--plain"]).code,
        0
    );
}

/// OpenClaw 2026.9.6 lists nothing right after its own onboarding while no gateway runs.
#[test]
fn the_home_of_2026_9_lists_its_models_without_a_gateway() {
    let home = copy_of("2026.9.6-qwen-standard-api-key");
    let run = home
        .run(&["models", "list", "--provider", "qwen"])
        .expect_code(0);
    let default = run
        .stdout
        .lines()
        .find(|line| line.contains("default"))
        .unwrap();
    assert_eq!(
        default,
        "qwen/qwen3.5-plus                          text+image 977k        no    yes   default,configured,alias:Qwen"
    );
    assert!(run.stderr.is_empty(), "{run:?}");
}

#[test]
fn an_alias_of_a_provider_lists_the_provider() {
    let home = copy_of("2026.5.20-qwen-standard-api-key");
    let qwen = home
        .run(&["models", "list", "--provider", "qwen", "--plain"])
        .expect_code(0);
    for alias in ["modelstudio", "dashscope", "qwencloud", "Qwen"] {
        let run = home
            .run(&["models", "list", "--provider", alias, "--plain"])
            .expect_code(0);
        assert_eq!(run.stdout, qwen.stdout, "{alias}");
    }
}
