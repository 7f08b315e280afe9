//! `SQLite` stores are read with their log, and without a trace in the home.

use std::fs;
use std::path::Path;

use credentials::sqlite_store::{self, Layout};
use credentials::{Error, Origin};
use rusqlite::Connection;

use super::test_home::TestHome;

const STORE: &str = r#"{"version":1,"profiles":{"qwen:default":{"type":"api_key","provider":"qwen","key":"sk-log-0000000000"}}}"#;

fn with_agent_tables(path: &Path) -> Connection {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let connection = Connection::open(path).unwrap();
    connection
        .pragma_update(None, "journal_mode", "WAL")
        .unwrap();
    connection
        .pragma_update(None, "wal_autocheckpoint", 0)
        .unwrap();
    connection
        .execute_batch(
            "CREATE TABLE auth_profile_store (store_key TEXT PRIMARY KEY, store_json TEXT, updated_at INTEGER);
             CREATE TABLE auth_profile_state (state_key TEXT PRIMARY KEY, state_json TEXT, updated_at INTEGER);",
        )
        .unwrap();
    connection
}

fn put(connection: &Connection, store: &str) {
    connection
        .execute(
            "INSERT INTO auth_profile_store VALUES ('primary', ?1, 1)",
            [store],
        )
        .unwrap();
}

#[test]
fn a_database_in_use_is_read_with_its_log_and_left_alone() {
    let home = TestHome::made("{}", "{}", &[]);
    let path = home.store_path().with_file_name("openclaw-agent.sqlite");
    let connection = with_agent_tables(&path);
    put(&connection, STORE);
    connection
        .execute("INSERT INTO auth_profile_state VALUES ('primary', '{\"lastGood\":{\"qwen\":\"qwen:default\"}}', 1)", [])
        .unwrap();
    assert!(
        fs::metadata(path.with_file_name("openclaw-agent.sqlite-wal"))
            .unwrap()
            .len()
            > 0
    );

    let before = home.state();
    let stored = sqlite_store::read(&path, Layout::Agent).unwrap().unwrap();
    assert_eq!(
        (stored.profiles.len(), stored.state.last_good.len()),
        (1, 1)
    );
    assert_eq!(stored.origin, Origin::Sqlite(path));
    assert_eq!(home.secrets("qwen"), ["qwen:default sk-log-0000000000"]);
    assert_eq!(home.state(), before);
}

#[test]
fn the_store_that_this_program_writes_wins() {
    let ours = STORE.replace("sk-log", "sk-ours");
    let home = TestHome::made("{}", &ours, &[]);
    let path = home.store_path().with_file_name("openclaw-agent.sqlite");
    put(&with_agent_tables(&path), STORE);
    assert_eq!(home.secrets("qwen"), ["qwen:default sk-ours-0000000000"]);
    let expected = format!(
        "qwen:default: the profile of the same name in {} wins",
        home.store_path().display()
    );
    assert_eq!(home.skipped("qwen"), [expected]);
}

#[test]
fn a_database_without_a_store_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.sqlite");
    assert!(sqlite_store::read(&path, Layout::Agent).unwrap().is_none());
    let connection = with_agent_tables(&path);
    assert!(sqlite_store::read(&path, Layout::Agent).unwrap().is_none());
    assert!(sqlite_store::read(&path, Layout::Shared).unwrap().is_none());
    put(&connection, r#"{"version":1,"profiles":{}}"#);
    assert!(
        sqlite_store::read(&path, Layout::Agent)
            .unwrap()
            .unwrap()
            .profiles
            .is_empty()
    );
}

#[test]
fn a_broken_database_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.sqlite");
    fs::write(&path, "this is no database, and it is long enough to have a header of one hundred bytes, which is checked first").unwrap();
    assert!(matches!(
        sqlite_store::read(&path, Layout::Agent),
        Err(Error::Database { .. })
    ));
    fs::remove_file(&path).unwrap();
    put(&with_agent_tables(&path), "{\"version\":1,");
    assert!(matches!(
        sqlite_store::read(&path, Layout::Agent),
        Err(Error::StoreSyntax { line: 1, .. })
    ));
}

#[test]
fn the_value_of_an_agent_wins_over_the_shared_one() {
    let home = TestHome::real("2026.9.6-qwen-standard-api-key", &[]);
    let path = home.store_path().with_file_name("openclaw-agent.sqlite");
    fs::remove_file(&path).unwrap();
    put(&with_agent_tables(&path), STORE);
    assert_eq!(home.secrets("qwen"), ["qwen:default sk-log-0000000000"]);
}

#[test]
fn a_database_at_rest_is_read_in_place_under_any_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a b?c#d%20é/x.sqlite");
    put(&with_agent_tables(&path), STORE);
    let names = || fs::read_dir(path.parent().unwrap()).unwrap().count();
    assert_eq!(names(), 1, "closing the connection removes the log");
    assert_eq!(
        sqlite_store::read(&path, Layout::Agent)
            .unwrap()
            .unwrap()
            .profiles
            .len(),
        1
    );
    assert_eq!(names(), 1);
}
