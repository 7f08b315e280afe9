//! `plugins`: what is built in, switched on and off with one value in the config.

use serde_json::{Value, json};

use crate::home::Home;

const CONFIG: &str = "{ // mine\n  gateway: { mode: 'local' }, // stays\n}\n";

fn home() -> Home {
    let home = Home::new();
    home.write(".openclaw/openclaw.json", CONFIG);
    home
}

fn enabled(home: &Home, id: &str) -> bool {
    let list = home.run(&["plugins", "list", "--json"]).expect_code(0);
    let plugins = list.json()["plugins"].take();
    let plugins = plugins.as_array().unwrap();
    let plugin = plugins.iter().find(|plugin| plugin["id"] == id).unwrap();
    plugin["enabled"].as_bool().unwrap()
}

#[test]
fn the_provider_is_on_and_the_portal_login_is_off() {
    let home = Home::new();
    let before = home.files();
    assert!(enabled(&home, "qwen"));
    assert!(!enabled(&home, "qwen-portal-auth"));
    let table = home.run(&["plugins"]).expect_code(0).stdout;
    let lines: Vec<&str> = table.lines().collect();
    assert!(lines[0].starts_with("Name  "), "{table}");
    assert!(lines[0].trim_end().ends_with("Version"), "{table}");
    assert!(
        lines[1].contains("qwen") && lines[1].contains("enabled"),
        "{table}"
    );
    assert!(lines[2].contains("disabled"), "{table}");
    let on = home.run(&["plugins", "list", "--enabled"]).expect_code(0);
    assert!(!on.stdout.contains("qwen-portal-auth"), "{on:?}");
    assert!(before == home.files(), "looking wrote something");
}

#[test]
fn enabling_says_what_ended_and_changes_one_value() {
    let home = home();
    let ran = home
        .run(&["plugins", "enable", "qwen-portal-auth"])
        .expect_code(0);
    assert_eq!(ran.stdout, "Enabled plugin \"qwen-portal-auth\".\n");
    for said in ["2026-04-15", "free tier", "`openclaw onboard"] {
        assert!(ran.stderr.contains(said), "{said}: {ran:?}");
    }
    let text = home.read(".openclaw/openclaw.json");
    assert!(
        text.contains("// mine") && text.contains("// stays"),
        "{text}"
    );
    assert!(enabled(&home, "qwen-portal-auth"));
    home.run(&["config", "validate"]).expect_code(0);

    let again = home
        .run(&["plugins", "enable", "qwen-portal-auth"])
        .expect_code(0);
    assert!(again.stdout.contains("already enabled"), "{again:?}");
    assert_eq!(home.read(".openclaw/openclaw.json"), text);

    let off = home
        .run(&["plugins", "disable", "qwen-portal-auth", "--json"])
        .expect_code(0);
    assert_eq!(off.json()["changed"], true);
    assert!(!enabled(&home, "qwen-portal-auth"));
}

#[test]
fn a_dry_run_shows_the_line_and_writes_nothing() {
    let home = home();
    let before = home.files();
    let ran = home
        .run(&["plugins", "enable", "qwen-portal-auth", "--dry-run"])
        .expect_code(0);
    assert!(ran.stdout.contains("qwen-portal-auth"), "{ran:?}");
    assert!(ran.stderr.contains("2026-04-15"), "{ran:?}");
    let data = home
        .run(&[
            "plugins",
            "enable",
            "qwen-portal-auth",
            "--dry-run",
            "--json",
        ])
        .expect_code(0)
        .json();
    assert_eq!(
        (&data["changed"], &data["dryRun"]),
        (&json!(true), &json!(true))
    );
    assert!(before == home.files());
}

#[test]
fn an_unknown_plugin_is_an_error_with_the_nearest() {
    let home = home();
    let before = home.files();
    for command in ["enable", "disable", "info"] {
        let ran = home
            .run(&["plugins", command, "qwen-portal-aut"])
            .expect_code(1);
        assert!(
            ran.stderr.contains("did you mean `qwen-portal-auth`?"),
            "{ran:?}"
        );
    }
    // One bad name and nothing is done for the good one.
    home.run(&["plugins", "enable", "qwen-portal-auth", "nobody"])
        .expect_code(1);
    let failed = home
        .run(&["plugins", "info", "nobody", "--json"])
        .expect_code(1);
    assert_eq!(failed.json()["ok"], false);
    assert!(before == home.files());
}

#[test]
fn info_names_what_it_adds_and_what_ended() {
    let home = Home::new();
    let info = home
        .run(&["plugins", "inspect", "qwen-portal-auth", "--json"])
        .expect_code(0)
        .json();
    assert_eq!(info["retired"]["date"], "2026-04-15");
    assert!(
        info["retired"]["next"]
            .as_str()
            .unwrap()
            .starts_with("openclaw onboard"),
        "{info}"
    );
    let qwen = home
        .run(&["plugins", "info", "qwen", "--json"])
        .expect_code(0)
        .json();
    assert_eq!(qwen["retired"], Value::Null);
    let text = home
        .run(&["plugins", "info", "qwen-portal-auth"])
        .expect_code(0)
        .stdout;
    assert!(text.contains("Status       disabled (default)"), "{text}");
}

#[test]
fn a_switch_that_something_else_beats_is_told() {
    let home = Home::with_config(&json!({"plugins": {"deny": ["qwen-portal-auth"]}}));
    let ran = home
        .run(&["plugins", "enable", "qwen-portal-auth"])
        .expect_code(0);
    assert!(
        ran.stderr.contains("stays switched off by `plugins.deny`"),
        "{ran:?}"
    );
    assert!(!enabled(&home, "qwen-portal-auth"));
}
