//! `migrate`: all or nothing, from every home, and back to the byte.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Stdio;
use std::thread;
use std::time::Instant;

use serde_json::Value;

use crate::home::{Home, Ran};
use crate::onboard::studio::Studio;
use crate::openclaw_homes::{copy_of, names, state};
use crate::random::fraction;

const CONFIG: &str = ".openclaw/openclaw.json";
const KEY: &str = "sk-emulator-standard-intl";
/// Homes that a portal login left behind.
const PORTAL: [&str; 5] = [
    "2026.3.2-portal-login",
    "2026.3.2-portal-qwen-cli",
    "2026.3.28-half-migrated-portal-to-modelstudio",
    "2026.5.20-half-migrated-portal",
    "2026.6.6-qwen-oauth",
];
/// Kills in the gate; many more were made while this was written.
const KILLS: usize = 40;

/// Bytes and modes of every file and folder; times change when a file is put back.
fn image(home: &Home) -> BTreeMap<PathBuf, (u32, Vec<u8>)> {
    state(home)
        .into_keys()
        .map(|path| {
            let mode = fs::metadata(&path).unwrap().permissions().mode();
            let bytes = if path.is_dir() {
                Vec::new()
            } else {
                fs::read(&path).unwrap()
            };
            (path, (mode, bytes))
        })
        .collect()
}

/// The same without what a kill leaves beside the home's files: journals, locks, temporaries.
fn contents(home: &Home) -> BTreeMap<PathBuf, (u32, Vec<u8>)> {
    let mut image = image(home);
    image.retain(|path, _| {
        let name = path.to_string_lossy();
        path.is_file()
            && !name.contains("/transactions/")
            && !name.ends_with(".lock")
            && !name.ends_with(".tmp")
    });
    image
}

fn migrate(home: &Home, more: &[&str]) -> Ran {
    let words = [
        "migrate",
        "qwen-portal",
        "--yes",
        "--to",
        "qwen-standard-api-key",
        "--modelstudio-standard-api-key",
        KEY,
    ];
    home.run(&[words.as_slice(), more].concat())
}

#[test]
fn every_portal_home_goes_over_and_back_to_the_byte() {
    let studio = Studio::start();
    for name in PORTAL {
        let home = studio.reached_by(copy_of(name));
        let before = image(&home);
        let dry = migrate(&home, &["--dry-run"]).expect_code(0);
        assert!(
            dry.stdout.contains("Would be done") && dry.stdout.contains("+++"),
            "{name}: {dry:?}"
        );
        assert_eq!(image(&home), before, "{name}: a dry run wrote");
        migrate(&home, &[]).expect_code(0);
        let config = home.read(CONFIG);
        for stale in ["qwen-portal", "portal.qwen.ai", "qwen-oauth"] {
            assert!(!config.contains(stale), "{name}: {stale} in {config}");
        }
        let parsed: Value = serde_json::from_str(&config).unwrap();
        let primary = parsed
            .pointer("/agents/defaults/model/primary")
            .unwrap()
            .as_str()
            .unwrap();
        assert!(
            primary.starts_with("qwen/") || primary.starts_with("modelstudio/"),
            "{name}: {primary}"
        );
        let doctor = home.run(&[
            "doctor",
            "--lint",
            "--severity-min",
            "error",
            "--skip",
            "gateway-port",
        ]);
        assert_eq!(doctor.code, 0, "{name}: {doctor:?}");
        let answer = home.run(&[
            "infer",
            "model",
            "run",
            "--local",
            "--prompt",
            "ping",
            "--model",
            "qwen/qwen3.5-plus",
        ]);
        assert!(answer.stdout.contains("ping"), "{name}: {answer:?}");
        home.run(&["migrate", "undo"]).expect_code(0);
        let mut after = image(&home);
        // Locks and logs of the commands in between are no part of the migration.
        after.retain(|path, _| before.contains_key(path));
        assert_eq!(after, before, "{name}");
    }
}

#[test]
fn a_refused_key_changes_nothing() {
    let studio = Studio::start();
    let home = studio.reached_by(copy_of("2026.3.2-portal-login"));
    let before = image(&home);
    let words = [
        "migrate",
        "qwen-portal",
        "--yes",
        "--to",
        "qwen-standard-api-key",
        "--modelstudio-standard-api-key",
        "sk-nobody-0123456789",
    ];
    assert_ne!(home.run(&words).code, 0);
    assert_eq!(image(&home), before);
}

#[test]
fn an_older_name_is_replaced_and_its_key_kept() {
    let home = copy_of("2026.3.28-modelstudio-api-key");
    let before = image(&home);
    home.run(&["migrate", "modelstudio", "--yes", "--skip-probe"])
        .expect_code(0);
    let config = home.read(CONFIG);
    assert!(!config.contains("modelstudio"), "{config}");
    let store = home.read(".openclaw/agents/main/agent/auth-profiles.json");
    assert!(
        store.contains("\"qwen:default\"") && store.contains("sk-fake-ms-0123456789"),
        "{store}"
    );
    let usable = home
        .run(&["models", "list", "--provider", "qwen", "--json"])
        .json();
    assert_ne!(usable["count"], 0, "{usable}");
    home.run(&["migrate", "undo"]).expect_code(0);
    assert_eq!(image(&home), before);
}

#[test]
fn the_survey_names_the_generation_and_writes_nothing() {
    for name in names() {
        let home = copy_of(&name);
        let before = state(&home);
        let view = home.run(&["migrate", "--json"]).expect_code(0).json();
        let generation = view["generation"].as_str().unwrap();
        let version: String = name
            .split('-')
            .next()
            .unwrap()
            .split('.')
            .take(2)
            .collect::<Vec<_>>()
            .join(".");
        assert!(generation.starts_with(&version), "{name}: {generation}");
        let touched = !view["changes"].as_array().unwrap().is_empty();
        assert_eq!(
            touched,
            PORTAL.contains(&name.as_str())
                || name.contains("modelstudio")
                || name.starts_with("2026.9.6-qwen-standard"),
            "{name}: {view}"
        );
        assert_eq!(state(&home), before, "{name}");
    }
}

#[test]
fn undo_does_not_take_later_changes_along() {
    let home = copy_of("2026.3.28-modelstudio-api-key");
    home.run(&["migrate", "modelstudio", "--yes", "--skip-probe"])
        .expect_code(0);
    home.run(&["config", "set", "logging.level", "debug"])
        .expect_code(0);
    let refused = home.run(&["migrate", "undo"]).expect_code(1);
    assert!(refused.stderr.contains("changed since"), "{refused:?}");
    home.run(&["migrate", "undo", "--force"]).expect_code(0);
    let nothing = home.run(&["migrate", "undo"]).expect_code(1);
    assert!(
        nothing.stderr.contains("nothing") || nothing.stderr.contains("no migration"),
        "{nothing:?}"
    );
}

#[test]
fn a_killed_migration_is_undone_by_the_next_run() {
    let words = ["migrate", "modelstudio", "--yes", "--skip-probe"];
    let home = copy_of("2026.3.28-modelstudio-api-key");
    let old = contents(&home);
    let started = Instant::now();
    home.run(&words).expect_code(0);
    let whole = started.elapsed();
    home.run(&["migrate", "undo"]).expect_code(0);
    assert_eq!(contents(&home), old);
    for _ in 0..KILLS {
        let mut child = home
            .command(&words)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // Not to wait for anything: the random moment is what is tested.
        thread::sleep(whole.mul_f64(fraction()));
        let _ = child.kill();
        child.wait().unwrap();
        // The next run puts an interrupted one back; a finished one is undone. Either way the old home is there.
        let undone = home.run(&["migrate", "undo"]);
        assert!(
            undone.code == 0 || undone.stderr.contains("no migration"),
            "{undone:?}"
        );
        assert_eq!(contents(&home), old, "{undone:?}");
    }
}
