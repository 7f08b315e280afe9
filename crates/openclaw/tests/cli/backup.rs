//! `backup`: what was copied comes back, bytes and mode, and damage is seen.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::openclaw_homes::{copy_of, names, state};

const CONFIG: &str = ".openclaw/openclaw.json";
const STORE: &str = ".openclaw/agents/main/agent/auth-profiles.json";

#[test]
fn every_home_comes_back_from_its_backup() {
    for name in names() {
        let home = copy_of(&name);
        let before = state(&home);
        home.run(&["backup", "create", "--dry-run"]).expect_code(0);
        assert_eq!(state(&home), before, "{name}: a dry run wrote");
        let made = home
            .run(&["backup", "create", "--json"])
            .expect_code(0)
            .json();
        let folder = made["folder"].as_str().unwrap().to_owned();
        assert_eq!(
            fs::metadata(&folder).unwrap().permissions().mode() & 0o777,
            0o700
        );
        let config = home.read(CONFIG);
        home.write(CONFIG, "{}");
        let _ = fs::remove_file(home.at(STORE));
        let listed = home.run(&["backup", "list", "--json"]).json();
        let id = listed["backups"][0]["name"].as_str().unwrap().to_owned();
        home.run(&["backup", "verify"]).expect_code(0);
        home.run(&["backup", "restore", &id, "--dry-run"])
            .expect_code(0);
        assert_eq!(home.read(CONFIG), "{}");
        home.run(&["backup", "restore", &id, "--yes"])
            .expect_code(0);
        assert_eq!(home.read(CONFIG), config, "{name}");
        home.run(&["migrate", "undo"]).expect_code(0);
        assert_eq!(
            home.read(CONFIG),
            "{}",
            "{name}: a restore can be taken back"
        );
    }
}

#[test]
fn a_damaged_backup_is_not_restored() {
    let home = copy_of("2026.5.20-env-key");
    let made = home
        .run(&["backup", "create", "--json"])
        .expect_code(0)
        .json();
    let folder = made["folder"].as_str().unwrap();
    fs::write(format!("{folder}/00000"), "else").unwrap();
    let config = home.read(CONFIG);
    let refused = home
        .run(&["backup", "restore", folder, "--yes"])
        .expect_code(1);
    assert!(refused.stderr.contains("missing or changed"), "{refused:?}");
    assert_eq!(home.read(CONFIG), config);
    home.run(&["backup", "verify", "nothing"]).expect_code(1);
}
