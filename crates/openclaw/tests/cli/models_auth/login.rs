//! The device login against the emulator's identity server: approved, denied, ended, interrupted, impossible.

use std::io::{BufRead, BufReader, Lines};
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use super::{CONFIG, STORE, auth, json_of};
use crate::home::{Home, Ran};
use crate::onboard::studio::{Studio, onboard};
use crate::openclaw_homes::copy_of;

const LOGIN: [&str; 5] = ["models", "auth", "login", "--provider", "qwen-portal"];

/// An identity server that approves after so many polls, and a home with the plugin on.
fn approving(after_polls: u64) -> (Studio, Home) {
    let studio = Studio::start();
    let settings = json!({"approve_after_polls": after_polls, "interval_s": 1});
    studio.emulator.oauth().configure(&settings).unwrap();
    let home = ready(studio.home());
    (studio, home)
}

fn ready(home: Home) -> Home {
    home.run(&["plugins", "enable", "qwen-portal-auth"])
        .expect_code(0);
    home
}

fn log_in(home: &Home, more: &[&str]) -> Ran {
    home.run(&[&LOGIN, more].concat())
}

fn events(ran: &Ran) -> Vec<Value> {
    ran.stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// A login that waits for the person.
struct Waiting {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Waiting {
    fn begin(home: &Home) -> Self {
        let mut child = home
            .command(&[&LOGIN[..], &["--json"]].concat())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    fn event(&mut self) -> Value {
        serde_json::from_str(&self.lines.next().unwrap().unwrap()).unwrap()
    }

    fn user_code(&mut self) -> String {
        let code = self.event();
        assert_eq!(code["event"], "code", "{code}");
        code["userCode"].as_str().unwrap().to_owned()
    }

    /// Waits for the end; returns the exit code and the last event.
    fn end(mut self) -> (Option<i32>, Value) {
        let last = self.lines.by_ref().last().unwrap().unwrap();
        let status = self.child.wait().unwrap();
        (status.code(), serde_json::from_str(&last).unwrap())
    }
}

#[test]
fn a_login_is_made_without_a_terminal() {
    let (studio, home) = approving(1);
    let ran = log_in(&home, &["--json", "--set-default"]).expect_code(0);
    let events = events(&ran);
    let names: Vec<&str> = events
        .iter()
        .map(|event| event["event"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["code", "waiting", "done"]);
    let uri = events[0]["verificationUriComplete"].as_str().unwrap();
    assert!(
        uri.contains(events[0]["userCode"].as_str().unwrap()),
        "{uri}"
    );
    let done = &events[2];
    assert_eq!(done["profileId"], "qwen-portal:default");
    assert_eq!(done["baseUrl"], "https://portal.qwen.ai/v1");
    assert_eq!(done["defaultModel"], "qwen-portal/coder-model");

    let entry = &json_of(&home, STORE)["profiles"]["qwen-portal:default"];
    assert_eq!(
        (&entry["type"], &entry["provider"], &entry["expires"]),
        (&json!("oauth"), &json!("qwen-portal"), &done["expiresAt"])
    );
    let (access, refresh) = (
        entry["access"].as_str().unwrap(),
        entry["refresh"].as_str().unwrap(),
    );
    assert!(!format!("{ran:?}").contains(access) && !format!("{ran:?}").contains(refresh));
    check_config(&json_of(&home, CONFIG));
    let models = json_of(&home, ".openclaw/agents/main/agent/models.json");
    assert_eq!(models["providers"]["qwen-portal"]["apiKey"], "qwen-oauth");
    home.run(&["config", "validate"]).expect_code(0);
    let answer = home
        .run(&[
            "infer", "model", "run", "--local", "--model", "qwen", "--prompt", "ping", "--json",
        ])
        .expect_code(0)
        .json();
    assert_eq!(answer["outputs"][0]["text"], "You said: ping", "{answer}");
    let sent = studio.emulator.requests();
    assert!(
        sent.iter()
            .any(|request| request["host"] == "portal.qwen.ai")
    );
}

fn check_config(config: &Value) {
    let block = &config["models"]["providers"]["qwen-portal"];
    assert_eq!(block["baseUrl"], "https://portal.qwen.ai/v1");
    assert_eq!(block["apiKey"], "qwen-oauth");
    assert_eq!(block["api"], "openai-completions");
    let ids: Vec<&Value> = block["models"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| &row["id"])
        .collect();
    assert_eq!(ids, ["coder-model", "vision-model"]);
    let defaults = &config["agents"]["defaults"];
    assert_eq!(defaults["model"]["primary"], "qwen-portal/coder-model");
    assert_eq!(
        defaults["models"],
        json!({"qwen-portal/coder-model": {"alias": "qwen"}, "qwen-portal/vision-model": {}})
    );
    assert_eq!(
        config["auth"]["profiles"]["qwen-portal:default"],
        json!({"provider": "qwen-portal", "mode": "oauth"})
    );
}

#[test]
fn people_see_address_and_code_beside_the_data() {
    let (_studio, home) = approving(0);
    let ran = log_in(&home, &["--no-browser", "--method", "device"]).expect_code(0);
    assert!(
        ran.stderr.contains("Open    https://chat.qwen.ai/"),
        "{ran:?}"
    );
    assert!(ran.stderr.contains("Code    "), "{ran:?}");
    assert!(ran.stderr.contains("2026-04-15"), "{ran:?}");
    assert!(!ran.stderr.contains('█'), "a picture without a terminal");
    assert!(
        ran.stdout.starts_with(
            "Auth profile: qwen-portal:default (qwen-portal/oauth), token good until "
        ),
        "{ran:?}"
    );
    assert!(
        ran.stdout.contains("auth-profiles.json, agent main"),
        "{ran:?}"
    );
    // Without `--set-default` the default stays.
    let config = json_of(&home, CONFIG);
    assert_eq!(config["agents"]["defaults"].get("model"), None);
}

#[test]
fn a_configured_home_keeps_what_is_its_own() {
    let (studio, _) = approving(0);
    let wish = json!({"resource_url": "dashscope.aliyuncs.com/compatible-mode"});
    studio.emulator.oauth().configure(&wish).unwrap();
    let home = studio.home();
    onboard(
        &home,
        "--modelstudio-standard-api-key sk-emulator-standard-intl",
    )
    .expect_code(0);
    home.run(&["models", "aliases", "add", "qwen", "qwen/qwen3.5-plus"]);
    let before = json_of(&home, CONFIG);
    let home = ready(home);
    let ran = log_in(&home, &["--json"]).expect_code(0);
    let done = events(&ran).pop().unwrap();
    assert_eq!(
        done["baseUrl"],
        "https://dashscope.aliyuncs.com/compatible-mode/v1"
    );
    let config = json_of(&home, CONFIG);
    for path in [
        "/agents/defaults/model",
        "/models/providers/qwen",
        "/gateway",
    ] {
        assert_eq!(config.pointer(path), before.pointer(path), "{path}");
    }
    assert_eq!(
        config["models"]["providers"]["qwen-portal"]["baseUrl"],
        done["baseUrl"]
    );
}

#[test]
fn a_new_login_replaces_an_old_one() {
    let (studio, _) = approving(0);
    let home = ready(studio.reached_by(copy_of("2026.3.2-portal-login")));
    let old = json_of(&home, STORE)["profiles"]["qwen-portal:default"].take();
    let config = json_of(&home, CONFIG);
    log_in(&home, &["--json"]).expect_code(0);
    let new = json_of(&home, STORE)["profiles"]["qwen-portal:default"].take();
    assert_ne!(old["refresh"], new["refresh"]);
    assert_eq!(json_of(&home, CONFIG), config, "everything was there");
}

#[test]
fn the_plugin_must_be_on() {
    let studio = Studio::start();
    let home = studio.home();
    for provider in ["qwen-portal", "qwen-oauth"] {
        let ran = auth(&home, &["login", "--provider", provider]).expect_code(1);
        assert!(
            ran.stderr
                .contains("`openclaw plugins enable qwen-portal-auth`"),
            "{ran:?}"
        );
    }
    let ran = auth(&home, &["login", "--provider", "qwen"]).expect_code(1);
    assert!(ran.stderr.contains("no device login"), "{ran:?}");
    assert!(home.files().is_empty() && studio.emulator.requests().is_empty());
}

#[test]
fn what_cannot_be_stored_is_said_before_anybody_is_asked() {
    let (studio, home) = approving(0);
    home.write(".openclaw/agents/main/agent", "not a folder");
    let ran = log_in(&home, &["--json"]).expect_code(1);
    let event = events(&ran).pop().unwrap();
    assert_eq!(event["event"], "error", "{ran:?}");
    assert!(
        event["message"]
            .as_str()
            .unwrap()
            .starts_with("the login could not be stored"),
        "{event}"
    );
    for variable in ["OPENCLAW_AUTH_STORE_READONLY", "OPENCLAW_CONFIG_READONLY"] {
        let home = ready(studio.home()).variable(variable, "1");
        log_in(&home, &[]).expect_code(1);
    }
    let home = ready(studio.home());
    home.write(STORE, "{\"version\": 9, \"profiles\": {}}");
    log_in(&home, &[]).expect_code(1);
    assert!(studio.emulator.requests().is_empty());
}

#[test]
fn a_denied_login_ends_with_3_and_writes_nothing() {
    let studio = Studio::start();
    let wish = json!({"interval_s": 1});
    studio.emulator.oauth().configure(&wish).unwrap();
    let home = ready(studio.home());
    let before = home.files();
    let mut waiting = Waiting::begin(&home);
    let code = waiting.user_code();
    studio.emulator.oauth().deny(&code).unwrap();
    let (exit, last) = waiting.end();
    assert_eq!((exit, &last["event"]), (Some(3), &json!("error")), "{last}");
    assert_eq!(last["message"], "the login was denied");
    assert!(before == home.files(), "{:?}", home.files().keys());
}

#[test]
fn an_approval_during_the_wait_is_noticed() {
    let studio = Studio::start();
    let wish = json!({"interval_s": 1, "slow_down_polls": 1});
    studio.emulator.oauth().configure(&wish).unwrap();
    let home = ready(studio.home());
    let mut waiting = Waiting::begin(&home);
    let code = waiting.user_code();
    assert_eq!(waiting.event()["event"], "waiting");
    studio.emulator.oauth().approve(&code).unwrap();
    let (exit, last) = waiting.end();
    assert_eq!((exit, &last["event"]), (Some(0), &json!("done")), "{last}");
}

#[test]
fn a_code_that_nobody_approves_ends() {
    let studio = Studio::start();
    let wish = json!({"device_ttl_ms": 1000, "interval_s": 1});
    studio.emulator.oauth().configure(&wish).unwrap();
    let home = ready(studio.home());
    let before = home.files();
    let ran = log_in(&home, &[]).expect_code(3);
    assert!(ran.stderr.contains("timed out"), "{ran:?}");
    assert!(before == home.files());
}

#[test]
fn an_unreachable_server_is_told_from_a_refusal() {
    let studio = Studio::start();
    let rule = json!({"rules": [{"match": {"path": "/api/v1/oauth2/device/code"}, "status": 503, "body": "{}"}]});
    studio.emulator.script(&rule).unwrap();
    let home = ready(studio.home());
    let before = home.files();
    let ran = log_in(&home, &[]).expect_code(3);
    assert!(ran.stderr.contains("HTTP 503"), "{ran:?}");
    let home = ready(Home::new().variable("HTTPS_PROXY", "http://127.0.0.1:1"));
    let ran = log_in(&home, &[]).expect_code(5);
    assert!(ran.stderr.contains("network"), "{ran:?}");
    assert!(before.keys().eq(home.files().keys()));
}

#[cfg(unix)]
#[test]
fn an_interrupt_leaves_nothing_behind() {
    let studio = Studio::start();
    let home = ready(studio.home());
    let before = home.files();
    let mut waiting = Waiting::begin(&home);
    waiting.user_code();
    let id = waiting.child.id().to_string();
    let killed = Command::new("kill").args(["-INT", &id]).status().unwrap();
    assert!(killed.success());
    let (exit, last) = waiting.end();
    assert_eq!(exit, Some(1), "{last}");
    assert_eq!(last["message"], "cancelled; nothing was written");
    assert!(before == home.files());
    assert!(
        !home.at(".openclaw/agents").exists(),
        "an empty folder stayed"
    );
}

#[test]
fn the_code_is_in_no_file() {
    let (studio, home) = approving(1);
    let ran = log_in(&home, &["--json"]).expect_code(0);
    let code = events(&ran)[0]["userCode"].as_str().unwrap().to_owned();
    for (path, bytes) in home.files() {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        assert!(!text.contains(&code), "{}", path.display());
    }
    drop(studio);
}
