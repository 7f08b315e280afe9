//! A profile leaves its store, `auth.profiles` and every order.

use serde_json::json;

use super::{CONFIG, auth, json_of, paste, stored};
use crate::home::Home;
use crate::openclaw_homes::copy_of;

const KEY: &str = "sk-0123456789abcdef3f2a";

fn home() -> Home {
    let home = Home::with_config(
        &json!({"auth": {"order": {"qwen": ["qwen:a", "qwen:b"], "qwen-oauth": ["qwen:a"]}}}),
    );
    paste(&home, "paste-api-key", "qwen:a", KEY);
    paste(&home, "paste-api-key", "qwen:b", KEY);
    home
}

#[test]
fn a_profile_leaves_every_place() {
    let home = home();
    let ran = auth(&home, &["logout", "qwen:a", "--yes"]).expect_code(0);
    assert!(
        ran.stdout
            .starts_with("Removed qwen:a (qwen/api_key) sk-…3f2a from ~/.openclaw/agents/main"),
        "{ran:?}"
    );
    assert_eq!(stored(&home), ["qwen:b"]);
    assert_eq!(
        json_of(&home, CONFIG)["auth"],
        json!({
            "order": {"qwen": ["qwen:b"]},
            "profiles": {"qwen:b": {"provider": "qwen", "mode": "api_key"}},
        })
    );
    let again = auth(&home, &["logout", "qwen:a", "--yes"]).expect_code(1);
    assert!(again.stderr.contains("there are qwen:b"), "{again:?}");
}

#[test]
fn without_a_yes_or_with_a_dry_run_nothing_goes() {
    let home = home();
    let before = home.files();
    let ran = auth(&home, &["logout", "qwen:a"]).expect_code(1);
    assert!(ran.stderr.contains("`--yes`"), "{ran:?}");
    let ran = auth(&home, &["logout", "qwen:a", "--dry-run"]).expect_code(0);
    assert!(ran.stdout.contains("would remove qwen:a"), "{ran:?}");
    assert!(ran.stdout.contains("-      \"qwen:a\""), "{ran:?}");
    let data = auth(&home, &["logout", "qwen:a", "--dry-run", "--json"])
        .expect_code(0)
        .json();
    assert_eq!(data["dryRun"], true);
    auth(&home, &["logout", "qwen:c", "--yes"]).expect_code(1);
    assert!(before == home.files());
}

#[test]
fn what_is_only_in_the_config_goes_too() {
    let home = Home::with_config(
        &json!({"auth": {"profiles": {"qwen:old": {"provider": "qwen", "mode": "api_key"}}}}),
    );
    auth(&home, &["logout", "qwen:old", "--yes"]).expect_code(0);
    assert_eq!(json_of(&home, CONFIG)["auth"]["profiles"], json!({}));
}

#[test]
fn a_database_of_the_original_is_left_alone() {
    let home = copy_of("2026.6.6-qwen-oauth");
    let before = home.files();
    let ran = auth(&home, &["logout", "qwen-oauth:default", "--yes"]).expect_code(1);
    assert!(ran.stderr.contains("only reads"), "{ran:?}");
    assert!(before == home.files());
}

#[test]
fn a_profile_of_another_agent_is_left_to_it() {
    let home = home();
    let config = json_of(&home, CONFIG);
    home.write(".openclaw/agents/helper/agent/models.json", "{}");
    let ran = auth(&home, &["logout", "qwen:a", "--agent", "helper", "--yes"]).expect_code(1);
    assert!(ran.stderr.contains("--agent main"), "{ran:?}");
    assert_eq!(json_of(&home, CONFIG), config);
}

#[test]
fn a_login_that_qwen_code_owns_comes_back_and_that_is_said() {
    let home = copy_of("2026.3.2-portal-qwen-cli");
    let foreign = home.read(".qwen/oauth_creds.json");
    let ran = auth(&home, &["logout", "qwen-portal:qwen-cli", "--yes"]).expect_code(0);
    assert!(ran.stderr.contains("~/.qwen/oauth_creds.json"), "{ran:?}");
    assert_eq!(home.read(".qwen/oauth_creds.json"), foreign);
}
