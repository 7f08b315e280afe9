//! `doctor`: silent on healthy homes, exact on others, read-only unless told, and repairs that stay.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};

use crate::home::{Home, Ran};
use crate::onboard::studio::{Studio, onboard};
use crate::openclaw_homes::{copy_of, names, state};

const CONFIG: &str = ".openclaw/openclaw.json";
const STORE: &str = ".openclaw/agents/main/agent/auth-profiles.json";
/// Homes that a portal login left behind; every other one is healthy.
const PORTAL: [&str; 5] = [
    "2026.3.2-portal-login",
    "2026.3.2-portal-qwen-cli",
    "2026.3.28-half-migrated-portal-to-modelstudio",
    "2026.5.20-half-migrated-portal",
    "2026.6.6-qwen-oauth",
];

/// Checks of the machine, which other programs share: a port in use and a full disk are no faults of a home.
const MACHINE: [&str; 4] = ["--skip", "gateway-port", "--skip", "disk-space"];

/// Runs `doctor` without the checks of the machine.
fn doctor(home: &Home, more: &[&str]) -> Ran {
    home.run(&[&["doctor"], MACHINE.as_slice(), more].concat())
}

/// Returns the findings at or above a severity, as `check: message`.
fn findings(home: &Home, more: &[&str]) -> Vec<(String, String)> {
    let mut words = vec!["doctor", "--lint", "--json"];
    words.extend(MACHINE);
    words.extend(more);
    let view = home.run(&words).json();
    let rows = view["findings"]
        .as_array()
        .unwrap_or_else(|| panic!("{view}"))
        .clone();
    rows.iter()
        .map(|row| {
            let check = row["checkId"]
                .as_str()
                .unwrap()
                .rsplit('/')
                .next()
                .unwrap()
                .to_owned();
            (check, row["message"].as_str().unwrap().to_owned())
        })
        .collect()
}

fn warnings(home: &Home) -> Vec<(String, String)> {
    findings(home, &["--severity-min", "warning"])
}

#[track_caller]
fn found(home: &Home, check: &str, says: &str) {
    let all = findings(home, &[]);
    assert!(
        all.iter()
            .any(|(id, message)| id == check && message.contains(says)),
        "{check}: {says} is not in {all:#?}"
    );
}

fn healthy() -> Home {
    let home = Home::with_config(&json!({
        "gateway": {"mode": "local", "auth": {"mode": "token", "token": "0123456789abcdef"}},
        "auth": {"profiles": {"qwen:default": {"provider": "qwen", "mode": "api_key"}}},
        "models": {"providers": {"qwen": {
            "baseUrl": "https://dashscope-intl.aliyuncs.com/compatible-mode/v1", "api": "openai-completions", "models": [],
        }}},
        "agents": {"defaults": {"model": {"primary": "qwen/qwen3.5-plus"}}},
    }));
    home.write(
        STORE,
        &store(&json!({"qwen:default": {"type": "api_key", "provider": "qwen", "key": KEY}})),
    );
    private(&home);
    home
}

const KEY: &str = "sk-0123456789abcdef0123456789abcdef";

fn store(profiles: &Value) -> String {
    json!({"version": 1, "profiles": profiles}).to_string()
}

fn private(home: &Home) {
    for path in home.files().into_keys() {
        fs::set_permissions(
            home.at(path.to_str().unwrap()),
            fs::Permissions::from_mode(0o600),
        )
        .unwrap();
    }
    fs::set_permissions(home.at(".openclaw"), fs::Permissions::from_mode(0o700)).unwrap();
}

/// Changes one value of the healthy config.
fn with(path: &str, value: &str) -> Home {
    let home = healthy();
    let text = home.read(CONFIG);
    let mut config: Value = serde_json::from_str(&text).unwrap();
    let (parent, key) = path.rsplit_once('/').unwrap();
    if config.pointer(parent).is_none() {
        let (above, name) = parent.rsplit_once('/').unwrap();
        config.pointer_mut(above).unwrap()[name] = json!({});
    }
    config.pointer_mut(parent).unwrap()[key] = serde_json::from_str(value).unwrap();
    home.write(CONFIG, &config.to_string());
    private(&home);
    home
}

#[test]
fn healthy_homes_have_no_findings_above_info() {
    for name in names()
        .iter()
        .filter(|name| !PORTAL.contains(&name.as_str()))
    {
        let home = copy_of(name);
        assert_eq!(warnings(&home), [], "{name}");
        doctor(&home, &["--lint"]).expect_code(0);
        let before = state(&home);
        doctor(&home, &["--fix", "--yes"]).expect_code(0);
        assert_eq!(state(&home), before, "{name}: there was nothing to repair");
    }
    assert_eq!(warnings(&healthy()), []);
}

#[test]
fn looking_writes_nothing() {
    for name in names() {
        let home = copy_of(&name);
        let before = state(&home);
        for words in [
            "doctor",
            "doctor --lint --json",
            "doctor --lint --sarif",
            "doctor --fix --dry-run",
            "status --timeout 100",
            "config history",
            "config validate",
            "config schema",
            "config env explain",
        ] {
            home.run(&words.split(' ').collect::<Vec<_>>());
            assert_eq!(state(&home), before, "{name}: `{words}` wrote");
        }
    }
}

#[test]
fn portal_homes_are_found_and_left_to_the_person_where_the_choice_is_theirs() {
    for name in PORTAL {
        let home = copy_of(name);
        let found = warnings(&home);
        let checks: Vec<&str> = found.iter().map(|(check, _)| check.as_str()).collect();
        for check in [
            "retired-references",
            "retired-providers",
            "retired-profiles",
        ] {
            assert!(checks.contains(&check), "{name}: {checks:?}");
        }
        assert_eq!(doctor(&home, &["--lint"]).code, 1);
    }
    // There is no other key: only what needs no choice is repaired.
    let home = copy_of("2026.3.2-portal-login");
    let primary = "qwen-portal/coder-model";
    doctor(&home, &["--fix", "--yes"]).expect_code(1);
    let text = home.read(CONFIG);
    assert!(
        text.contains(primary) && !text.contains("qwen-portal-auth"),
        "{text}"
    );
    assert!(home.read(STORE).contains("qwen-portal:default"));
}

#[test]
fn a_half_migrated_home_is_repaired_once_and_for_all() {
    let home = copy_of("2026.3.28-half-migrated-portal-to-modelstudio");
    let before = state(&home);
    let dry = doctor(&home, &["--fix", "--dry-run"]);
    assert!(
        dry.stdout
            .contains("write `modelstudio/qwen3.5-plus` for `qwen-portal/vision-model`"),
        "{dry:?}"
    );
    assert_eq!(state(&home), before);
    let run = doctor(&home, &["--fix", "--yes"]).expect_code(0);
    assert!(run.stdout.contains("Repaired"), "{run:?}");
    for file in [CONFIG, ".openclaw/agents/main/agent/models.json"] {
        let text = home.read(file);
        assert!(!text.contains("\"qwen-portal"), "{file}: {text}");
    }
    let stored: Value = serde_json::from_str(&home.read(STORE)).unwrap();
    let ids: Vec<&String> = stored["profiles"].as_object().unwrap().keys().collect();
    assert_eq!(ids, ["modelstudio:default"]);
    assert!(
        home.read(CONFIG)
            .contains("\"primary\": \"modelstudio/qwen3.5-plus\"")
    );
    assert_eq!(warnings(&home), []);
    let repaired = state(&home);
    let again = doctor(&home, &["--fix", "--yes"]).expect_code(0);
    assert!(again.stdout.contains("Nothing to repair"), "{again:?}");
    assert_eq!(state(&home), repaired, "the second run changed something");
}

#[test]
fn repairs_touch_nothing_else() {
    let home = copy_of("2026.5.20-half-migrated-portal");
    let before: Value = serde_json::from_str(&home.read(CONFIG)).unwrap();
    doctor(&home, &["--fix", "--yes"]);
    let after: Value = serde_json::from_str(&home.read(CONFIG)).unwrap();
    assert_eq!(after["skills"], before["skills"]);
    assert_eq!(after["agents"]["defaults"]["modelPolicy"], Value::Null);
    assert_eq!(after, before, "there is nothing that needs no choice");
}

#[test]
fn each_check_finds_what_it_is_for() {
    let home = Home::new();
    found(&home, "config-syntax", "there is no config");
    home.write(CONFIG, "{ gateway: { port: 1, }");
    let broken = doctor(&home, &["--lint", "--json"]).expect_code(1).json();
    let row = broken["findings"]
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["severity"] == "error")
        .unwrap()
        .clone();
    assert!(
        row["line"].is_u64() && row["column"].is_u64() && row["evidence"].is_string(),
        "{row}"
    );

    found(
        &with("/gateway/port", "\"x\""),
        "config-meaning",
        "gateway.port",
    );
    found(
        &with("/gateway/prot", "1"),
        "config-meaning",
        "gateway.prot",
    );
    found(
        &with("/gateway/token", "\"t\""),
        "retired-keys",
        "gateway.auth.token",
    );
    found(
        &with("/logging/file", "\"${NOT_SET}\""),
        "environment",
        "NOT_SET",
    );
    found(
        &with(
            "/agents/defaults/imageModel",
            "\"qwen-portal/vision-model\"",
        ),
        "retired-references",
        "imageModel",
    );
    let block = r#"{"baseUrl": "https://portal.qwen.ai/v1", "models": []}"#;
    found(
        &with("/models/providers/mine", block),
        "retired-providers",
        "mine",
    );
}

#[test]
fn each_check_finds_what_is_retired_or_misplaced() {
    found(
        &with("/plugins/allow", r#"["qwen-portal-auth"]"#),
        "retired-plugins",
        "plugins.allow[0]",
    );
    found(
        &with("/auth/order", r#"{"qwen-portal": ["a"]}"#),
        "retired-profiles",
        "auth.order",
    );
    found(
        &with(
            "/agents/defaults/imageModel",
            "\"modelstudio/qwen3.5-plus\"",
        ),
        "older-names",
        "modelstudio",
    );
    found(
        &with("/agents/defaults/imageModel", "\"qwen/gte-rerank\""),
        "sunset",
        "gte-rerank",
    );
    found(
        &with("/agents/defaults/model", "{\"primary\": \"nobody/x\"}"),
        "model-references",
        "nobody/x",
    );
    found(
        &with(
            "/models/providers/qwen/baseUrl",
            "\"https://coding-intl.dashscope.aliyuncs.com/v1\"",
        ),
        "key-plan",
        "does not look like",
    );
    found(
        &with("/models/providers/qwen/apiKey", "\"sk-inline-0123456789\""),
        "stray-secrets",
        "clear text",
    );
}

#[test]
fn each_check_finds_what_is_wrong_beside_the_config() {
    let home = healthy();
    home.write(STORE, &store(&json!({})));
    found(&home, "auth-profiles", "no usable credential");
    private(&home);

    let home = healthy();
    let entry = json!({"type": "api_key", "provider": "qwen", "key": KEY});
    home.write(
        STORE,
        &store(&json!({"qwen:default": entry, "qwen:setup-1": entry})),
    );
    found(&home, "profile-residue", "hold the same secret");
    fs::set_permissions(home.at(STORE), fs::Permissions::from_mode(0o644)).unwrap();
    found(&home, "permissions", "can be read by others");
    doctor(&home, &["--fix", "--yes", "--only", "permissions"]).expect_code(0);
    let mode = fs::metadata(home.at(STORE)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    let home = healthy();
    home.write(".openclaw/logs/old.log", &format!("a\nkey {KEY}\n"));
    found(&home, "stray-secrets", "a log holds the secret");
    let view = doctor(&home, &["--lint", "--json"]);
    assert!(!view.stdout.contains(KEY), "{view:?}");
    assert!(view.stdout.contains("\"line\":2"), "{view:?}");

    let home = healthy();
    home.write(&format!("{CONFIG}.lock"), "{\"pid\": 999999999}");
    found(&home, "locks", "left behind");

    let home = healthy();
    home.write(
        ".config/systemd/user/openclaw-gateway.service",
        "[Service]\nExecStart=/no/such gateway run\nEnvironment=QWEN_API_KEY=x\n",
    );
    found(&home, "gateway-services", "/no/such");
    found(&home, "gateway-services", "freezes QWEN_API_KEY");

    let home = healthy().variable("SSL_CERT_FILE", "/no/such.pem");
    found(&home, "tls", "holds no certificate");

    let home = healthy();
    let future = std::time::SystemTime::now() + std::time::Duration::from_hours(48);
    fs::File::options()
        .write(true)
        .open(home.at(CONFIG))
        .unwrap()
        .set_modified(future)
        .unwrap();
    found(&home, "clock", "47 hours after now");

    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let home = with("/gateway/port", &port.to_string());
    let view = home
        .run(&["doctor", "--lint", "--only", "gateway-port", "--json"])
        .json();
    assert!(
        view["findings"][0]["message"]
            .as_str()
            .unwrap()
            .contains("another program listens"),
        "{view}"
    );
}

#[test]
fn a_retirement_ahead_is_told_by_doctor_and_status() {
    let home = healthy();
    let text = r#"[{ id: "soon", subject: "model", matches: ["qwen3.5-plus"], date: "2999-01-01", text: "ends", replaced_by: "qwen3.6-plus" }]"#;
    home.write(".openclaw/catalog/sunset.json5", text);
    found(&home, "sunset", "ends (2999-01-01");
    assert_eq!(warnings(&home), [], "far away is only mentioned");
    let soon = jiff_day(30);
    home.write(
        ".openclaw/catalog/sunset.json5",
        &text.replace("2999-01-01", &soon),
    );
    assert!(
        warnings(&home).iter().any(|(check, _)| check == "sunset"),
        "{:?}",
        warnings(&home)
    );
    let status = home.run(&["status", "--timeout", "100"]).expect_code(0);
    assert!(
        status.stdout.contains("Ends") && status.stdout.contains(&soon),
        "{status:?}"
    );
}

/// The day this many days from now.
fn jiff_day(days: u64) -> String {
    let out = std::process::Command::new("date")
        .args(["-u", "-d", &format!("{days} days"), "+%Y-%m-%d"])
        .output()
        .unwrap();
    String::from_utf8(out.stdout).unwrap().trim().to_owned()
}

#[test]
fn deep_asks_the_hosts_where_a_key_belongs() {
    let studio = Studio::start();
    let home = studio.home();
    onboard(
        &home,
        "--modelstudio-standard-api-key sk-emulator-standard-intl",
    )
    .expect_code(0);
    let healthy = doctor(&home, &["--deep", "--lint", "--json"]);
    assert_eq!(healthy.code, 0, "{healthy:?}");
    // The same key on the Chinese host.
    let cn = "https://dashscope.aliyuncs.com/compatible-mode/v1";
    home.run(&["config", "set", "models.providers.qwen.baseUrl", cn])
        .expect_code(0);
    let wrong = doctor(&home, &["--deep", "--lint", "--json", "--only", "key-plan"])
        .expect_code(1)
        .json();
    let message = wrong["findings"][0]["message"].as_str().unwrap();
    assert!(
        message.contains("belongs to") && message.contains("Global"),
        "{wrong}"
    );
}

#[test]
fn sarif_names_rule_place_and_level() {
    let home = with("/gateway/port", "\"x\"");
    let log = doctor(&home, &["--lint", "--sarif"]).expect_code(1).json();
    assert_eq!(log["version"], "2.1.0");
    let results = log["runs"][0]["results"].as_array().unwrap();
    let result = results
        .iter()
        .find(|one| one["ruleId"] == "core/doctor/config-meaning")
        .unwrap();
    assert_eq!(result["level"], "error");
    let region = &result["locations"][0]["physicalLocation"]["region"];
    assert!(region["startLine"].is_u64(), "{result}");
}

#[test]
fn an_unknown_check_is_a_failed_command() {
    let home = healthy();
    let run = doctor(&home, &["--lint", "--only", "nothing"]).expect_code(2);
    assert!(run.stderr.contains("there is no check"), "{run:?}");
    doctor(&home, &["--lint", "--only", "core/doctor/permissions"]).expect_code(0);
}

#[test]
fn a_retired_key_is_moved_only_when_asked() {
    let home = healthy();
    let text =
        home.read(CONFIG)
            .replacen('{', "{ // mine\n  \"identity\": {\"name\": \"Ada\"},", 1);
    home.write(CONFIG, &text);
    private(&home);
    home.run(&["doctor"]).expect_code(1);
    assert_eq!(home.read(CONFIG), text);
    doctor(&home, &["--fix", "--yes"]).expect_code(0);
    let after = home.read(CONFIG);
    assert!(
        after.contains("// mine")
            && after.contains("\"list\"")
            && !after.contains("  \"identity\": {\"name\": \"Ada\"},\n"),
        "{after}"
    );
    home.run(&["config", "validate"]).expect_code(0);
    home.run(&["config", "undo"]).expect_code(0);
    assert_eq!(home.read(CONFIG), text);
}
