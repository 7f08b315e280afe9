//! Every source in order, and the running gateway beside it.

use serde_json::{Value, json};

use super::{auth, paste};
use crate::gateway::process::{Gateway, within};
use crate::home::Home;
use crate::onboard::studio::{Studio, onboard};
use crate::openclaw_homes::copy_of;

const KEY: &str = "sk-0123456789abcdef3f2a";
const OTHER: &str = "sk-fedcba98765432100000";

fn roles(explained: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    explained["sources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|source| (text(&source["label"]), text(&source["role"])))
        .collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(label, role): &(&str, &str)| ((*label).to_owned(), (*role).to_owned());
    expected.iter().map(owned).collect()
}

#[test]
fn every_source_has_its_role() {
    let home = Home::with_config(&json!({
        "auth": {"order": {"qwen": ["qwen:b", "qwen:gone"]}},
        "models": {"providers": {"qwen": {
            "baseUrl": "https://dashscope.aliyuncs.com/compatible-mode/v1",
            "apiKey": "${NOT_SET}", "models": [],
        }}},
    }))
    .variable("DASHSCOPE_API_KEY", OTHER);
    paste(&home, "paste-api-key", "qwen:a", KEY);
    paste(&home, "paste-api-key", "qwen:b", KEY);
    let explained = auth(&home, &["explain", "qwen", "--json"])
        .expect_code(0)
        .json();
    assert_eq!(
        roles(&explained),
        pairs(&[
            ("qwen:b", "used"),
            ("env:DASHSCOPE_API_KEY", "shadowed"),
            ("models.providers.qwen.apiKey", "unusable"),
            ("qwen:gone", "skipped"),
            ("qwen:a", "skipped"),
        ])
    );
    assert_eq!(explained["winner"], "qwen:b");
    assert_eq!(explained["sources"][0]["fingerprint"], "sk-…3f2a");
    assert_eq!(explained["sources"][0]["agent"], "main");
    let store = explained["sources"][0]["store"].as_str().unwrap();
    assert!(store.ends_with("auth-profiles.json"), "{store}");
    assert_eq!(
        explained["absent"],
        json!(["variable QWEN_API_KEY", "variable MODELSTUDIO_API_KEY"])
    );
    assert_eq!(explained["gateway"]["running"], false);
    let text = auth(&home, &["explain", "qwen"]).expect_code(0).stdout;
    assert!(
        text.contains(
            " 1. used      qwen:b: api_key; sk-…3f2a; static \
             (~/.openclaw/agents/main/agent/auth-profiles.json, agent main)"
        ),
        "{text}"
    );
    assert!(!text.contains(KEY) && !text.contains(OTHER), "{text}");
}

#[test]
fn nothing_at_all_is_a_fact_with_a_hint() {
    let home = Home::new();
    let ran = auth(&home, &["explain", "modelstudio"]).expect_code(0);
    assert!(ran.stdout.contains("Used: none"), "{ran:?}");
    assert!(
        ran.stdout
            .contains("Nothing in: stored profiles, variable QWEN_API_KEY"),
        "{ran:?}"
    );
    assert!(ran.stderr.contains("hint"), "{ran:?}");
    let ran = auth(&home, &["explain", "qwen-oaut"]).expect_code(1);
    assert!(ran.stderr.contains("did you mean `qwen-oauth`?"), "{ran:?}");
}

#[test]
fn the_gateway_is_asked_and_differences_are_marked() {
    let studio = Studio::start();
    let home = studio.home();
    onboard(
        &home,
        "--modelstudio-standard-api-key sk-emulator-standard-intl",
    )
    .expect_code(0);
    // What changes later is for this process only.
    home.run(&["config", "set", "gateway.reload.mode", "off"])
        .expect_code(0);
    let gateway = Gateway::start(home, &[]);
    let home = &gateway.home;
    let port = gateway.address.port().to_string();
    home.run(&["config", "set", "gateway.port", &port])
        .expect_code(0);
    let same = auth(home, &["explain", "qwen"]).expect_code(0).stdout;
    assert!(
        same.contains(": the same as here, qwen:default ("),
        "{same}"
    );
    // An order that this process reads, and the gateway does not.
    paste(home, "paste-api-key", "qwen:second", KEY);
    home.run(&["config", "set", "auth.order.qwen", "[\"qwen:second\"]"])
        .expect_code(0);
    let differs = auth(home, &["explain", "qwen", "--json"])
        .expect_code(0)
        .json();
    assert_eq!(differs["winner"], "qwen:second");
    let difference = &differs["gateway"]["differences"][0];
    assert_eq!(difference["field"], "credential", "{differs:#}");
    assert!(
        difference["gateway"]
            .as_str()
            .unwrap()
            .starts_with("qwen:default"),
        "{differs:#}"
    );
}

/// A key of its own is what an agent uses, here and in a gateway that runs already.
#[test]
fn any_agent_is_compared_with_the_gateway() {
    let studio = Studio::start();
    let home = studio.home();
    onboard(
        &home,
        "--modelstudio-standard-api-key sk-emulator-standard-intl",
    )
    .expect_code(0);
    home.run(&["config", "set", "agents.entries.worker", "{}"])
        .expect_code(0);
    let gateway = Gateway::start(home, &[]);
    let home = &gateway.home;
    let port = gateway.address.port().to_string();
    home.run(&["config", "set", "gateway.port", &port])
        .expect_code(0);
    let explain = |words: &[&str]| {
        let all = [&["explain", "qwen", "--json"], words].concat();
        auth(home, &all).expect_code(0).json()
    };
    let same = explain(&["--agent", "worker"]);
    assert_eq!(same["gateway"]["same"], true, "{same:#}");

    let words = "models auth paste-api-key --provider qwen --profile-id qwen:own --agent worker";
    let words: Vec<&str> = words.split(' ').collect();
    home.run_with_input(&words, KEY).expect_code(0);
    let order = "models auth order set --provider qwen --agent worker qwen:own";
    let order: Vec<&str> = order.split(' ').collect();
    home.run(&order).expect_code(0);
    let taken_over = || {
        let explained = explain(&["--agent", "worker"]);
        let view = explained["gateway"]["view"]["credential"]
            .as_str()?
            .to_owned();
        view.starts_with("qwen:own").then_some(explained)
    };
    let worker = within(taken_over, "the gateway does not see the agent's own key");
    assert_eq!(
        (&worker["winner"], &worker["gateway"]["same"]),
        (&json!("qwen:own"), &json!(true))
    );
    assert_eq!(worker["gateway"]["agentId"], "worker");
    let main = explain(&[]);
    assert_eq!(
        (&main["winner"], &main["gateway"]["same"]),
        (&json!("qwen:default"), &json!(true))
    );
}

#[test]
fn an_expired_login_that_can_be_renewed_is_used() {
    let home = copy_of("2026.5.20-half-migrated-portal");
    let explained = auth(&home, &["explain", "qwen-portal", "--json"])
        .expect_code(0)
        .json();
    assert_eq!(explained["winner"], "qwen-portal:default", "{explained:#}");
    let first = &explained["sources"][0];
    assert_eq!(
        (&first["role"], &first["state"], &first["reason"]),
        (
            &json!("used"),
            &json!("expired-refreshable"),
            &json!("renewed when it is used")
        )
    );
    let list = auth(&home, &["list"]).expect_code(0).stdout;
    assert!(list.contains("; expired-refreshable; expired "), "{list}");
}

/// One run of the client spends the refresh token of a revoked login; from then on everybody knows.
#[test]
fn a_refused_login_is_called_revoked_and_names_the_repair() {
    let studio = Studio::start();
    let home = studio.reached_by(copy_of("2026.5.20-half-migrated-portal"));
    let ran = home.run(&[
        "infer",
        "model",
        "run",
        "--local",
        "--model",
        "qwen-portal/coder-model",
        "--prompt",
        "x",
    ]);
    assert_ne!(ran.code, 0, "{ran:?}");
    let explained = auth(&home, &["explain", "qwen-portal", "--json"])
        .expect_code(0)
        .json();
    let first = &explained["sources"][0];
    assert_eq!(
        (&first["role"], &first["state"]),
        (&json!("unusable"), &json!("revoked")),
        "{explained:#}"
    );
    assert_eq!(
        first["repair"],
        "openclaw models auth login --provider qwen-portal"
    );
    assert!(
        first["reason"]
            .as_str()
            .unwrap()
            .starts_with("refused with 400 invalid_grant"),
        "{first}"
    );
    let list = auth(&home, &["list"]).expect_code(0).stdout;
    assert!(
        list.contains("; revoked; ") && list.contains("repair: `openclaw models auth login"),
        "{list}"
    );
}
