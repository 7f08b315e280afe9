//! Secrets from standard input, and the list that shows them masked.

use serde_json::json;

use super::{CONFIG, STORE, auth, json_of, paste, stored};
use crate::home::Home;

const TOKEN: &str = "tok-0123456789abcdef";
const KEY: &str = "sk-0123456789abcdef3f2a";

#[test]
fn a_token_is_stored_with_its_end() {
    let home = Home::new();
    let words = ["models", "auth", "paste-token", "--provider", "qwen-oauth"];
    let words = [&words[..], &["--expires-in", "365d", "--json"]].concat();
    let ran = home
        .run_with_input(&words, &format!(" {TOKEN}\n"))
        .expect_code(0);
    let said = ran.json();
    assert_eq!(said["profileId"], "qwen-oauth:manual");
    assert_eq!(said["type"], "token");
    assert_eq!(said["replaced"], false);
    let entry = &json_of(&home, STORE)["profiles"]["qwen-oauth:manual"];
    assert_eq!(
        (&entry["type"], &entry["provider"], &entry["token"]),
        (&json!("token"), &json!("qwen-oauth"), &json!(TOKEN))
    );
    assert_eq!(entry["expires"], said["expiresAt"]);
    assert_eq!(
        json_of(&home, CONFIG)["auth"]["profiles"]["qwen-oauth:manual"],
        json!({"provider": "qwen-oauth", "mode": "token"})
    );
    assert!(!format!("{ran:?}").contains(TOKEN), "{ran:?}");
}

#[test]
fn a_key_says_where_it_went() {
    let home = Home::new();
    let ran = paste(&home, "paste-api-key", "qwen:second", KEY);
    assert_eq!(
        ran.stdout,
        "Auth profile: qwen:second (qwen/api_key) sk-…3f2a in \
         ~/.openclaw/agents/main/agent/auth-profiles.json, agent main\n"
    );
    assert_eq!(stored(&home), ["qwen:second"]);
    let status = home
        .run(&["models", "status", "--json"])
        .expect_code(0)
        .json();
    assert!(status.to_string().contains("qwen:second"), "{status}");
}

#[test]
fn a_second_profile_that_an_order_leaves_out_is_told() {
    let home = Home::with_config(&json!({"auth": {"order": {"qwen": ["qwen:default"]}}}));
    let ran = paste(&home, "paste-api-key", "qwen:second", KEY);
    assert!(
        ran.stderr.contains(
            "`openclaw models auth order set --provider qwen qwen:default qwen:second` adds it"
        ),
        "{ran:?}"
    );
}

#[test]
fn what_cannot_be_a_secret_is_refused_and_nothing_is_written() {
    let home = Home::new();
    for (provider, text, code, said) in [
        ("qwen", "", 3, "the key is missing"),
        ("qwen", "two words", 3, "white space"),
        (
            "qwen-portal",
            "sk-sp-0123456789abcdef",
            3,
            "never sent to the portal",
        ),
        ("qwen", "\u{1}", 3, "control character"),
        ("nobody", TOKEN, 1, "there is no provider `nobody`"),
        ("qwen-outh", TOKEN, 1, "did you mean `qwen-oauth`?"),
    ] {
        let ran = home
            .run_with_input(
                &["models", "auth", "paste-token", "--provider", provider],
                text,
            )
            .expect_code(code);
        assert!(ran.stderr.contains(said), "{ran:?}");
    }
    let ran = home.run_with_input(
        &[
            "models",
            "auth",
            "paste-token",
            "--provider",
            "qwen",
            "--expires-in",
            "soon",
        ],
        TOKEN,
    );
    assert!(ran.code == 1 && ran.stderr.contains("`365d`"), "{ran:?}");
    let ran = home.run_with_input(
        &[
            "models",
            "auth",
            "paste-token",
            "--provider",
            "qwen",
            "--agent",
            "nobody",
        ],
        TOKEN,
    );
    assert!(
        ran.code == 1 && ran.stderr.contains("no agent `nobody`"),
        "{ran:?}"
    );
    assert!(home.files().is_empty(), "{:?}", home.files().keys());
}

#[test]
fn a_forbidden_write_is_refused() {
    for variable in ["OPENCLAW_AUTH_STORE_READONLY", "OPENCLAW_CONFIG_READONLY"] {
        let home = Home::new().variable(variable, "1");
        let words = ["models", "auth", "paste-api-key", "--provider", "qwen"];
        home.run_with_input(&words, KEY).expect_code(1);
        let has_secret = home
            .files()
            .values()
            .any(|bytes| String::from_utf8_lossy(bytes).contains(KEY));
        assert!(!has_secret, "{variable}");
    }
}

#[test]
fn the_list_names_store_agent_and_state_and_no_secret() {
    let home = Home::with_config(&json!({"agents": {"list": [{"id": "helper"}]}}));
    paste(&home, "paste-api-key", "qwen:a", KEY);
    paste(&home, "paste-token", "qwen-oauth:b", TOKEN);
    let lines = auth(&home, &["list"]).expect_code(0).stdout;
    assert!(
        lines.contains(
            "- qwen:a [qwen/api_key; sk-…3f2a; static] in \
             ~/.openclaw/agents/main/agent/auth-profiles.json, agent main"
        ),
        "{lines}"
    );
    assert!(!lines.contains(KEY) && !lines.contains(TOKEN), "{lines}");
    let data = auth(&home, &["list", "--provider", "qwen-portal", "--json"])
        .expect_code(0)
        .json();
    let ids: Vec<_> = data["profiles"].as_array().unwrap().iter().collect();
    assert_eq!(ids.len(), 1, "{data}");
    assert_eq!(ids[0]["id"], "qwen-oauth:b");
    // Another agent reads what `main` has, and each line says whose it is.
    let helper = auth(&home, &["list", "--agent", "helper"]).expect_code(0);
    assert!(helper.stdout.starts_with("Agent: helper\n"), "{helper:?}");
    assert!(helper.stdout.contains("agent main"), "{helper:?}");
    let none = auth(&Home::new(), &["list"]).expect_code(0);
    assert!(none.stdout.contains("Profiles: (none)"), "{none:?}");
}

#[test]
fn adding_without_a_terminal_says_how_else() {
    let home = Home::new();
    let ran = auth(&home, &["add"]).expect_code(1);
    assert!(ran.stderr.contains("paste-api-key"), "{ran:?}");
}
