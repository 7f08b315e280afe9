//! Keys that a program gives: shown, listed without being asked for, used by command line and gateway.

use std::fs;

use serde_json::{Value, json};

use super::auth;
use crate::gateway::client::Ask;
use crate::gateway::process::Gateway;
use crate::home::Home;
use crate::onboard::studio::Studio;

const KEY: &str = "sk-emulator-standard-intl";
const TOKEN: &str = "token-that-a-program-gives";

/// Answers both ids, and notes each time it is run.
const SCRIPT: &str = r#"
read -r question
echo "$question" >> "$0.runs"
echo '{"protocolVersion":1,"values":{"qwen/key":"sk-emulator-standard-intl","gateway":"token-that-a-program-gives"}}'
"#;

/// A home whose key and gateway token come from a program that runs this script.
fn home(script: &str) -> Home {
    let home = Home::new();
    home.write("vault", script);
    let shell = fs::canonicalize("/bin/sh").unwrap();
    let reference = |id: &str| json!({"source": "exec", "provider": "vault", "id": id});
    let config = json!({
        "secrets": {"providers": {"vault": {
            "source": "exec", "command": shell, "args": [home.at("vault")],
        }}},
        "gateway": {"mode": "local", "auth": {"mode": "token", "token": reference("gateway")}},
        "agents": {"defaults": {"model": {"primary": "qwen/qwen3.5-plus"}}},
        "models": {"providers": {"qwen": {
            "baseUrl": "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
            "apiKey": reference("qwen/key"), "models": [],
        }}},
    });
    home.write(".openclaw/openclaw.json", &config.to_string());
    home
}

fn runs(home: &Home) -> usize {
    let runs = fs::read_to_string(home.at("vault.runs"));
    runs.unwrap_or_default().lines().count()
}

#[test]
fn a_program_is_asked_where_its_key_is_shown_or_sent_and_not_to_list() {
    let home = home(SCRIPT);
    home.run(&["config", "validate"]).expect_code(0);
    let listed = home
        .run(&["models", "list", "--json"])
        .expect_code(0)
        .json();
    let row = &listed["models"][0];
    assert_eq!(row["available"], true, "{listed:#}");
    home.run(&["models", "aliases", "add", "quick", "qwen/qwen3.6-flash"])
        .expect_code(0);
    home.run(&["models", "set", "quick"]).expect_code(0);
    assert_eq!(runs(&home), 0, "listing and naming ask nobody");

    let explained = auth(&home, &["explain", "qwen", "--json"])
        .expect_code(0)
        .json();
    assert_eq!(explained["winner"], "models.providers.qwen.apiKey");
    assert_eq!(explained["sources"][0]["fingerprint"], "sk-…intl");
    let reference = json!({"source": "exec", "provider": "vault", "id": "qwen/key"});
    assert_eq!(explained["sources"][0]["reference"], reference);
    assert_eq!(runs(&home), 2, "once for the key, once for the token");
    let status = home.run(&["models", "status"]).expect_code(0).stdout;
    assert!(status.contains("sk-…intl"), "{status}");
    assert!(!status.contains(KEY), "{status}");
}

#[test]
fn a_program_that_fails_is_a_reason_with_the_next_command() {
    let home = home("echo sk-never-shown-0000; exit 3\n");
    let ran = auth(&home, &["explain", "qwen"]).expect_code(0);
    let reason = "failed (exit status: 3); to see why, run it by hand with the `args` of `secrets.providers.vault`";
    assert!(ran.stdout.contains(reason), "{ran:?}");
    let ran = home.run(&["agent", "--local", "--message", "x"]);
    assert_ne!(ran.code, 0);
    assert!(ran.stderr.contains(reason), "{ran:?}");
    assert!(!format!("{ran:?}").contains("sk-never-shown"), "{ran:?}");
    let ran = home.run(&["gateway", "run", "--port", "0"]).expect_code(1);
    assert!(ran.stderr.contains(reason), "{ran:?}");
    assert!(ran.stderr.contains("`gateway.auth.token`"), "{ran:?}");
}

#[test]
fn the_gateway_serves_with_a_key_and_a_token_from_a_program() {
    let studio = Studio::start();
    let gateway = Gateway::start(studio.reached_by(home(SCRIPT)), &[]);
    let body = json!({"model": "openclaw", "messages": [{"role": "user", "content": "hello"}]});
    let ask = Ask::new("POST", "/v1/chat/completions").body(body.to_string().as_bytes());
    assert_eq!(gateway.ask(&ask).status, 401);
    for _ in 0..3 {
        let ask = Ask::new("POST", "/v1/chat/completions")
            .token(TOKEN)
            .body(body.to_string().as_bytes());
        let answer = gateway.ask(&ask);
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    assert_eq!(runs(&gateway.home), 2, "no request waits for a program");
    gateway.terminate();
    let ended = gateway.wait();
    for text in [&ended.log, &ended.printed] {
        assert!(!text.contains(KEY) && !text.contains(TOKEN), "{text}");
    }
    assert!(ended.log.contains("sk-…intl"), "{}", ended.log);
}

#[test]
fn wrong_references_are_found_with_line_and_column() {
    let home = Home::new();
    home.write(
        ".openclaw/openclaw.json",
        "{\n  secrets: {providers: {vault: {source: 'exec', command: 'op'}}},\n  models: {providers: {qwen: {\n    \
         apiKey: {source: 'exec', provider: 'valut', id: 'k'},\n  }}},\n}\n",
    );
    let ran = home.run(&["config", "validate"]).expect_code(1);
    let said = format!("{}{}", ran.stdout, ran.stderr);
    for expected in [
        "2:49",
        "`op` is not an absolute path",
        "4:5",
        "has no `valut`",
    ] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
    let data: Value = home.run(&["config", "validate", "--json"]).json();
    assert_eq!(data["valid"], false, "{data:#}");
}
