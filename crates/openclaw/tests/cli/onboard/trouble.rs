//! What goes wrong on the way: unreachable hosts, spent accounts, files that cannot be written.

use serde_json::json;

use super::studio::{Studio, assert_untouched, config, onboard, profiles};
use crate::home::Home;

const CODING: &str = "sk-sp-emulator-coding-intl";
const STANDARD: &str = "sk-emulator-standard-intl";
/// An address nobody listens on: the discard port of this machine.
const NOBODY: &str = "http://127.0.0.1:9";

#[test]
fn an_unreachable_host_is_a_network_error() {
    let home = Home::new().variable("HTTPS_PROXY", NOBODY);
    for input in [
        vec!["--auth-choice", "qwen-api-key", "--api-key-stdin"],
        vec!["--api-key-stdin"],
        vec!["--api-key-stdin", "--workspace-id", "llm-abc"],
    ] {
        let arguments = [&["onboard", "--non-interactive"], input.as_slice()].concat();
        let key = if input.contains(&"--workspace-id") {
            STANDARD
        } else {
            CODING
        };
        let ran = home.run_with_input(&arguments, key).expect_code(5);
        assert!(
            ran.stderr.contains("could not be asked") && ran.stderr.contains("--skip-probe"),
            "{ran:?}"
        );
    }
    assert_untouched(&home);
}

#[test]
fn a_failing_host_is_a_network_error_too() {
    let studio = Studio::start();
    let home = studio.home();
    for fault in [
        json!({"status": 500, "code": "InternalError", "message": "oops"}),
        json!({"garbage": true, "status": 502}),
        json!({"hang_up": true}),
    ] {
        studio.emulator.script(&json!({"rules": [fault]})).unwrap();
        let ran = onboard(&home, &format!("--modelstudio-api-key {CODING}")).expect_code(5);
        assert!(ran.stderr.contains("could not be asked"), "{ran:?}");
    }
    assert_untouched(&home);
}

#[test]
fn skip_probe_asks_nobody_but_needs_the_plan() {
    let home = Home::new().variable("HTTPS_PROXY", NOBODY);
    let ran = home
        .run_with_input(&["onboard", "--skip-probe", "--api-key-stdin"], STANDARD)
        .expect_code(1);
    assert!(ran.stderr.contains("--auth-choice"), "{ran:?}");
    assert_untouched(&home);
    let said = home
        .run_with_input(
            &[
                "onboard",
                "--json",
                "--skip-probe",
                "--auth-choice",
                "qwen-standard-api-key-us",
                "--api-key-stdin",
            ],
            "sk-whatever-0123",
        )
        .expect_code(0)
        .json();
    assert_eq!(
        (&said["probe"]["verdict"], &said["probe"]["firstCall"]),
        (&json!("not-asked"), &json!(null))
    );
    assert_eq!(profiles(&home)["qwen:default"]["key"], "sk-whatever-0123");
}

#[test]
fn a_spent_account_is_set_up_with_a_warning() {
    let studio = Studio::start();
    let home = studio.home();
    studio.emulator.script(&json!({"rules": [{"status": 400, "code": "Arrearage", "message": "Access denied, please make sure your account is in good standing."}]})).unwrap();
    let ran = onboard(&home, &format!("--json --modelstudio-api-key {CODING}")).expect_code(0);
    assert_eq!(ran.json()["probe"]["verdict"], "works-later");
    assert!(ran.stderr.contains("cannot be used right now"), "{ran:?}");
}

#[test]
fn a_first_call_that_fails_is_told() {
    let studio = Studio::start();
    let home = studio.home();
    studio.emulator.script(&json!({"rules": [{"match": {"path": "/chat/completions"}, "status": 403, "code": "AccessDenied.Unpurchased", "message": "not purchased"}]})).unwrap();
    let ran = onboard(
        &home,
        &format!("--json --modelstudio-standard-api-key {STANDARD}"),
    )
    .expect_code(0);
    assert!(
        ran.stderr
            .contains("a first call of qwen/qwen3.5-plus failed: not purchased"),
        "{ran:?}"
    );
    assert!(
        ran.json()["probe"]["firstCall"]
            .as_str()
            .unwrap()
            .contains("not purchased"),
        "{ran:?}"
    );
}

#[test]
fn a_read_only_config_is_found_before_anything_is_asked() {
    let studio = Studio::start();
    let home = studio.home().variable("OPENCLAW_CONFIG_READONLY", "1");
    let ran = onboard(&home, &format!("--modelstudio-api-key {CODING}")).expect_code(1);
    assert!(ran.stderr.contains("read-only"), "{ran:?}");
    assert!(studio.asked().is_empty());
    assert_untouched(&home);
}

#[test]
fn a_broken_file_stops_before_anything_is_written() {
    let studio = Studio::start();
    for (file, text, said) in [
        (
            ".openclaw/openclaw.json",
            "{ gateway: { mode: 'local' ",
            "openclaw.json:",
        ),
        (
            ".openclaw/openclaw.json",
            "{ models: { providers: { qwen: { timeoutSeconds: 'long' } } } }",
            "models.providers.qwen",
        ),
        (
            ".openclaw/agents/main/agent/auth-profiles.json",
            "{\"version\": 1, \"profiles\": {",
            "auth-profiles.json:",
        ),
        (
            ".openclaw/agents/main/agent/auth-profiles.json",
            "{\"version\": 9, \"profiles\": {}}",
            "version 9",
        ),
    ] {
        let home = studio.home();
        home.write(file, text);
        let before = home.files();
        let ran = onboard(&home, &format!("--modelstudio-api-key {CODING}")).expect_code(1);
        assert!(ran.stderr.contains(said), "{said}: {ran:?}");
        assert_eq!(home.files(), before, "{file}: {text}");
    }
    let home = studio.home();
    std::fs::create_dir_all(home.at(".openclaw/openclaw.json")).unwrap();
    let ran = onboard(&home, &format!("--modelstudio-api-key {CODING}")).expect_code(1);
    assert!(ran.stderr.contains("is a folder, not a file"), "{ran:?}");
}

#[test]
fn when_the_config_cannot_be_written_the_profile_is_put_back() {
    let studio = Studio::start();
    let home = studio.home();
    onboard(&home, &format!("--modelstudio-api-key {CODING}")).expect_code(0);
    let (before, stored) = (config(&home), profiles(&home));
    // The oldest backup cannot be replaced by the next older one.
    home.write(".openclaw/openclaw.json.bak.3", "{}");
    home.write(".openclaw/openclaw.json.bak.4/in-the-way", "");
    let ran = onboard(&home, &format!("--modelstudio-standard-api-key {STANDARD}")).expect_code(1);
    assert!(ran.stderr.contains("backup"), "{ran:?}");
    assert_eq!((config(&home), profiles(&home)), (before, stored));
}
