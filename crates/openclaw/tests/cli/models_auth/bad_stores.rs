//! Stores that are cut off, of a later format, or open to others: told, never made worse, and no reason to stop.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use super::{STORE, auth, stored};
use crate::gateway::client::Ask;
use crate::gateway::process::Gateway;
use crate::home::{Home, Ran};
use crate::onboard::studio::Studio;

const KEY: &str = "sk-emulator-standard-intl";
const OTHER: &str = "sk-fedcba98765432100000";
const TOKEN: &str = "token-of-the-gateway";
const CUT_OFF: &str = "{\"version\":1,\"profiles\":{\"qwen:default\":{\"type\":\"api_k";

fn home_with(store: &str) -> Home {
    let home = Home::with_config(&json!({
        "gateway": {"mode": "local", "auth": {"mode": "token", "token": TOKEN}},
        "agents": {"defaults": {"model": {"primary": "qwen/qwen3.5-plus"}}},
        "models": {"providers": {"qwen": {
            "baseUrl": "https://dashscope-intl.aliyuncs.com/compatible-mode/v1", "models": [],
        }}},
    }));
    home.write(STORE, store);
    set_mode(&home, 0o600);
    home
}

fn store_of(version: u32, key: &str) -> String {
    let profile = json!({"type": "api_key", "provider": "qwen", "key": key});
    json!({"version": version, "profiles": {"qwen:default": profile}, "later": 1}).to_string()
}

fn set_mode(home: &Home, mode: u32) {
    fs::set_permissions(home.at(STORE), fs::Permissions::from_mode(mode)).unwrap();
}

fn mode(home: &Home) -> u32 {
    fs::metadata(home.at(STORE)).unwrap().permissions().mode() & 0o7777
}

fn paste_another(home: &Home) -> Ran {
    let words = "models auth paste-api-key --provider qwen --profile-id qwen:b";
    let words: Vec<&str> = words.split(' ').collect();
    home.run_with_input(&words, OTHER)
}

fn chat(gateway: &Gateway) -> u16 {
    let body = json!({"model": "openclaw", "messages": [{"role": "user", "content": "x"}]});
    let ask = Ask::new("POST", "/v1/chat/completions").token(TOKEN);
    gateway.ask(&ask.body(body.to_string().as_bytes())).status
}

#[test]
fn a_store_that_others_can_read_is_told_and_closed_by_the_next_write() {
    let home = home_with(&store_of(1, KEY));
    set_mode(&home, 0o644);
    let ran = auth(&home, &["list"]).expect_code(0);
    assert!(
        ran.stderr
            .contains("mode 0644 lets other users read it; run `chmod 600 "),
        "{ran:?}"
    );
    assert_eq!(mode(&home), 0o644, "reading changes nothing");
    let ran = paste_another(&home).expect_code(0);
    assert!(
        ran.stderr.contains(
            "other users could read ~/.openclaw/agents/main/agent/auth-profiles.json (mode 0644); writing it makes that 0600"
        ),
        "{ran:?}"
    );
    assert_eq!(mode(&home), 0o600);
    let ran = auth(&home, &["list"]).expect_code(0);
    assert!(!ran.stderr.contains("mode"), "{ran:?}");
}

#[test]
fn a_store_that_is_cut_off_is_named_with_its_place_and_left_alone() {
    let studio = Studio::start();
    let home = studio
        .reached_by(home_with(CUT_OFF))
        .variable("QWEN_API_KEY", KEY);
    let ran = auth(&home, &["list"]).expect_code(0);
    assert!(
        ran.stderr
            .contains("auth-profiles.json:1:54 is not valid JSON"),
        "{ran:?}"
    );
    let ran = paste_another(&home).expect_code(1);
    assert!(ran.stderr.contains("nothing was overwritten"), "{ran:?}");
    let explained: Value = auth(&home, &["explain", "qwen", "--json"])
        .expect_code(0)
        .json();
    assert_eq!(explained["winner"], "env:QWEN_API_KEY");
    let gateway = Gateway::start(home, &[]);
    assert_eq!(chat(&gateway), 200, "another source serves");
    assert_eq!(gateway.home.read(STORE), CUT_OFF);
}

#[test]
fn a_store_of_a_later_format_is_used_and_never_written() {
    let studio = Studio::start();
    let text = store_of(7, KEY);
    let home = studio.reached_by(home_with(&text));
    let ran = auth(&home, &["list"]).expect_code(0);
    assert!(
        ran.stderr
            .contains("format version 7 is newer than this program"),
        "{ran:?}"
    );
    assert_eq!(stored(&home), ["qwen:default"]);
    let ran = paste_another(&home).expect_code(1);
    assert!(ran.stderr.contains("hint: update openclaw"), "{ran:?}");
    let ran = auth(&home, &["logout", "qwen:default", "--yes"]).expect_code(1);
    assert!(ran.stderr.contains("hint: update openclaw"), "{ran:?}");
    let gateway = Gateway::start(home, &[]);
    assert_eq!(chat(&gateway), 200);
    assert_eq!(gateway.home.read(STORE), text);
}
