//! Orders and rests, in the agent's `auth-state.json`.

use serde_json::{Value, json};

use super::{STORE, auth, json_of, paste};
use crate::home::Home;

const STATE: &str = ".openclaw/agents/main/agent/auth-state.json";
const KEY: &str = "sk-0123456789abcdef3f2a";

fn home() -> Home {
    let home = Home::new();
    for profile in ["qwen:a", "qwen:b", "qwen-token-plan:c"] {
        paste(&home, "paste-api-key", profile, KEY);
    }
    home
}

fn winner(home: &Home) -> Value {
    let explained = auth(home, &["explain", "qwen", "--json"]).expect_code(0);
    explained.json()["winner"].take()
}

#[test]
fn an_order_is_set_followed_and_cleared() {
    let home = home();
    let store = home.read(STORE);
    let none = auth(&home, &["order", "get", "--provider", "qwen", "--json"])
        .expect_code(0)
        .json();
    assert_eq!(
        (&none["order"], &none["agentId"]),
        (&Value::Null, &json!("main"))
    );
    assert!(
        none["authStatePath"]
            .as_str()
            .unwrap()
            .ends_with("auth-state.json")
    );
    assert_eq!(winner(&home), "qwen:a");

    let words = [
        "order",
        "set",
        "--provider",
        "qwen",
        "qwen:b",
        "qwen:a",
        "qwen:b",
    ];
    let set = auth(&home, &words).expect_code(0);
    assert_eq!(
        set.stdout,
        "Order of qwen: qwen:b, qwen:a in ~/.openclaw/agents/main/agent/auth-state.json, agent main\n"
    );
    assert_eq!(
        json_of(&home, STATE)["order"],
        json!({"qwen": ["qwen:b", "qwen:a"]})
    );
    assert_eq!(winner(&home), "qwen:b");

    auth(&home, &["order", "clear", "--provider", "qwen"]).expect_code(0);
    assert_eq!(winner(&home), "qwen:a");
    let file = home.read(STATE);
    auth(&home, &["order", "clear", "--provider", "qwen"]).expect_code(0);
    assert_eq!(home.read(STATE), file);
    assert_eq!(home.read(STORE), store, "an order touched the secrets");
}

#[test]
fn an_order_names_only_what_can_be_tried() {
    let home = home();
    let before = home.files();
    for (words, said) in [
        (["qwen", "qwen:aa"], "did you mean `qwen:a`?"),
        (
            ["qwen", "qwen-token-plan:c"],
            "belongs to provider `qwen-token-plan`",
        ),
        (["nobody", "qwen:a"], "there is no provider `nobody`"),
    ] {
        let ran = auth(&home, &["order", "set", "--provider", words[0], words[1]]).expect_code(1);
        assert!(ran.stderr.contains(said), "{ran:?}");
    }
    assert!(before == home.files());
}

#[test]
fn an_order_of_the_config_is_named() {
    let home = Home::with_config(&json!({"auth": {"order": {"qwen": ["qwen:x"]}}}));
    let ran = auth(&home, &["order", "get", "--provider", "qwen"]).expect_code(0);
    assert!(
        ran.stdout
            .contains("qwen:x from `auth.order.qwen` in ~/.openclaw/openclaw.json"),
        "{ran:?}"
    );
}

#[test]
fn a_rest_ends_and_the_rest_of_the_file_stays() {
    let home = home();
    let until = 9_000_000_000_000_u64;
    let resting = json!({"errorCount": 3, "failureCounts": {"rate_limit": 3}, "lastUsed": 5,
        "cooldownUntil": until, "cooldownReason": "rate_limit", "cooldownModel": "m", "blockedBy": "x"});
    let state = json!({"version": 1, "order": {"qwen": ["qwen:a"]}, "extra": 1,
        "usageStats": {"qwen:a": resting, "qwen:b": {"disabledUntil": until, "disabledReason": "billing"}}});
    home.write(STATE, &state.to_string());
    let list = auth(&home, &["list"]).expect_code(0).stdout;
    assert!(list.contains("cooldown (rate_limit) until 2255-"), "{list}");
    assert!(list.contains("disabled (billing) until"), "{list}");

    auth(&home, &["clear-cooldown", "qwen:a"]).expect_code(0);
    let after = json_of(&home, STATE);
    assert_eq!(
        after["usageStats"]["qwen:a"],
        json!({"errorCount": 0, "lastUsed": 5, "blockedBy": "x"})
    );
    assert_eq!(
        after["usageStats"]["qwen:b"],
        state["usageStats"]["qwen:b"]
            .as_object()
            .map(|entry| Value::Object(entry.clone()))
            .unwrap()
    );
    assert_eq!(
        (&after["extra"], &after["order"]),
        (&state["extra"], &state["order"])
    );

    let all = auth(&home, &["clear-cooldown", "--all", "--json"]).expect_code(0);
    assert_eq!(all.json()["cleared"], json!(["qwen:b"]));
    let again = auth(&home, &["clear-cooldown", "--all"]).expect_code(0);
    assert!(again.stdout.starts_with("Nothing rests in "), "{again:?}");
    let ran = auth(&home, &["clear-cooldown", "qwen:z"]).expect_code(1);
    assert!(
        ran.stderr.contains("there is no profile `qwen:z`"),
        "{ran:?}"
    );
    auth(&home, &["clear-cooldown"]).expect_code(1);
}

#[test]
fn a_broken_state_file_is_never_overwritten() {
    let home = home();
    home.write(STATE, "{\"order\": ");
    let ran = auth(&home, &["order", "set", "--provider", "qwen", "qwen:a"]).expect_code(1);
    assert!(ran.stderr.contains("auth-state.json"), "{ran:?}");
    assert_eq!(home.read(STATE), "{\"order\": ");
}

#[test]
fn logging_out_takes_the_profile_out_of_the_order() {
    let home = home();
    auth(
        &home,
        &["order", "set", "--provider", "qwen", "qwen:a", "qwen:b"],
    )
    .expect_code(0);
    auth(&home, &["logout", "qwen:a", "--yes"]).expect_code(0);
    assert_eq!(json_of(&home, STATE)["order"], json!({"qwen": ["qwen:b"]}));
    auth(&home, &["logout", "qwen:b", "--yes"]).expect_code(0);
    assert_eq!(json_of(&home, STATE)["order"], json!({}));
}
