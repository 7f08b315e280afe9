//! The login of Qwen Code: used, renewed and given back so that both programs keep it.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use credentials::oauth::{LoginStore, QwenSync, RefreshError};
use credentials::qwen_cli;
use serde_json::{Value, json};

use super::identity_server::{
    DEFAULT, Fault, IdentityServer, QWEN_CODE, START_MS, home_with, home_with_ended_login,
    main_agent, on_disk, profile,
};
use super::test_home::TestHome;

const EMPTY: &str = r#"{"version":1,"profiles":{}}"#;

fn put_file(home: &TestHome, generation: u64, at_ms: u64) -> PathBuf {
    let folder = home.path().join(".qwen");
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join("oauth_creds.json");
    let login = json!({
        "access_token": format!("at-{generation}"),
        "refresh_token": format!("rt-{generation}"),
        "token_type": "Bearer",
        "resource_url": "portal.qwen.ai",
        "expiry_date": at_ms,
    });
    fs::write(&path, serde_json::to_string_pretty(&login).unwrap()).unwrap();
    path
}

fn refresh_in(path: &PathBuf) -> String {
    let value: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    value["refresh_token"].as_str().unwrap().to_owned()
}

#[tokio::test(start_paused = true)]
async fn a_login_that_only_qwen_code_has_is_used_and_renewed_for_both() {
    let server = IdentityServer::new(3600);
    let home = TestHome::made("{}", EMPTY, &[]);
    let path = put_file(&home, 0, START_MS + 3_600_000);
    let refresher = server.refresher(&home.home);
    let ask = async || refresher.access(&main_agent(), &profile(QWEN_CODE)).await;
    let access = ask().await.unwrap();
    assert!(access.token.matches("at-0"));
    assert_eq!(
        access.base_url.as_deref(),
        Some("https://portal.qwen.ai/v1")
    );
    tokio::time::sleep(Duration::from_secs(3601)).await;
    assert!(ask().await.unwrap().token.matches("at-1"));
    assert_eq!(on_disk(&home, QWEN_CODE).1, "rt-1");
    assert_eq!(refresh_in(&path), "rt-1");
    let read = qwen_cli::read_login(&path).unwrap().unwrap();
    assert_eq!(read.login.expiry.at_ms(), Some(on_disk(&home, QWEN_CODE).2));
    let left: Vec<_> = fs::read_dir(path.parent().unwrap()).unwrap().collect();
    assert_eq!(left.len(), 1, "no lock is left: {left:?}");
}

#[tokio::test(start_paused = true)]
async fn a_newer_login_of_qwen_code_is_taken_without_a_call() {
    let server = IdentityServer::new(3600);
    let home = home_with(QWEN_CODE, 0, START_MS - 1);
    server.rotate_for_another();
    put_file(&home, 1, START_MS + 3_600_000);
    let refresher = server.refresher(&home.home);
    let access = refresher.access(&main_agent(), &profile(QWEN_CODE)).await;
    assert!(access.unwrap().token.matches("at-1"));
    assert!(refresher.close().await);
    assert_eq!(server.n_calls(), 0);
    assert_eq!(on_disk(&home, QWEN_CODE).1, "rt-1", "and kept");
}

#[test]
fn the_copy_follows_qwen_code_when_stores_are_loaded() {
    let home = TestHome::made("{}", EMPTY, &[]);
    let store = LoginStore::new(&home.home);
    let sync = || store.sync_qwen_code().unwrap();
    assert_eq!(sync(), QwenSync::Nothing);
    for (generation, at_ms, expected, held) in [
        (0, 100, QwenSync::Imported, "rt-0"),
        (0, 100, QwenSync::Nothing, "rt-0"),
        (1, 200, QwenSync::Imported, "rt-1"),
        (0, 100, QwenSync::Nothing, "rt-1"),
    ] {
        let path = put_file(&home, generation, at_ms);
        assert_eq!(sync(), expected);
        assert_eq!(on_disk(&home, QWEN_CODE).1, held);
        fs::write(path.with_file_name("oauth_creds.lock"), "held").unwrap();
        put_file(&home, 9, 900);
        assert_eq!(sync(), QwenSync::Busy);
        fs::remove_file(path.with_file_name("oauth_creds.lock")).unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn the_lock_of_qwen_code_is_respected() {
    let server = IdentityServer::new(3600);
    let home = home_with(QWEN_CODE, 0, START_MS - 1);
    let path = put_file(&home, 0, START_MS - 1);
    let lock = path.with_file_name("oauth_creds.lock");
    fs::write(&lock, "0b0a7a3e-7f0e-4b0e-9f0e-000000000000").unwrap();
    let refresher = server.refresher(&home.home);
    let result = refresher.access(&main_agent(), &profile(QWEN_CODE)).await;
    assert!(
        matches!(result, Err(RefreshError::Busy { .. })),
        "{result:?}"
    );
    assert_eq!(server.n_calls(), 0, "nothing is spent");
    // Qwen Code ends its own refresh while we wait.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let waiting = async {
        let access = refresher.access(&main_agent(), &profile(QWEN_CODE)).await;
        access.unwrap().token.expose().to_owned()
    };
    let other = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        server.rotate_for_another();
        put_file(&home, 1, server.now_ms() + 3_600_000);
        fs::remove_file(&lock).unwrap();
    };
    let (token, ()) = tokio::join!(waiting, other);
    assert_eq!((token.as_str(), server.n_calls()), ("at-1", 0));
}

#[tokio::test(start_paused = true)]
async fn a_login_that_cannot_be_given_back_is_not_spent() {
    let server = IdentityServer::new(3600);
    let home = home_with(QWEN_CODE, 0, START_MS - 1);
    let path = put_file(&home, 0, START_MS - 1);
    // Where the lock belongs there is a folder that does not go away: the lock cannot be had.
    let lock = path.with_file_name("oauth_creds.lock");
    fs::create_dir(&lock).unwrap();
    let refresher = server.refresher(&home.home);
    let result = refresher.access(&main_agent(), &profile(QWEN_CODE)).await;
    assert!(result.is_err());
    assert_eq!((server.n_calls(), refresh_in(&path).as_str()), (0, "rt-0"));
}

#[tokio::test(start_paused = true)]
async fn a_broken_file_of_qwen_code_is_left_as_it_is() {
    let server = IdentityServer::new(3600);
    let home = home_with(QWEN_CODE, 0, START_MS - 1);
    let path = put_file(&home, 0, START_MS - 1);
    for text in ["{", "[]", r#"{"access_token":"a"}"#] {
        fs::write(&path, text).unwrap();
        let refresher = server.refresher(&home.home);
        let access = refresher.access(&main_agent(), &profile(QWEN_CODE)).await;
        access.unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
        tokio::time::sleep(Duration::from_secs(3601)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_newer_login_of_qwen_code_stands_in_for_a_refused_one() {
    let server = IdentityServer::new(3600);
    let home = home_with_ended_login();
    put_file(&home, 40, START_MS + 3_600_000);
    server.fail([Fault::Answer(400, r#"{"error":"invalid_grant"}"#)]);
    let refresher = server.refresher(&home.home);
    for _ in 0..3 {
        let access = refresher.access(&main_agent(), &profile(DEFAULT)).await;
        let access = access.unwrap();
        assert!(access.token.matches("at-40"));
        assert_eq!(access.profile.as_str(), QWEN_CODE, "and says whose it is");
    }
    assert_eq!(server.n_calls(), 1);
    assert_eq!(on_disk(&home, DEFAULT).1, "rt-0", "not copied");
}

#[tokio::test(start_paused = true)]
async fn an_older_login_of_qwen_code_does_not_stand_in() {
    let server = IdentityServer::new(3600);
    let home = home_with_ended_login();
    put_file(&home, 40, START_MS - 100);
    server.revoke();
    let refresher = server.refresher(&home.home);
    let result = refresher.access(&main_agent(), &profile(DEFAULT)).await;
    assert!(matches!(result, Err(RefreshError::Revoked { .. })));
    assert_eq!(server.spent(), ["rt-0"]);
}

/// The homes that the original and Qwen Code left behind.
#[tokio::test(start_paused = true)]
async fn real_homes_are_used_renewed_and_written_back() {
    for (name, id) in [
        ("2026.3.2-portal-login", DEFAULT),
        ("2026.3.2-portal-qwen-cli", QWEN_CODE),
    ] {
        let home = TestHome::real(name, &[]);
        let (_, first, expires_ms) = on_disk(&home, id);
        let server = IdentityServer::new(3600);
        let refresher = server.refresher(&home.home);
        assert!(expires_ms < START_MS, "the login has ended");
        server.fail([Fault::Answer(
            200,
            r#"{"access_token":"at-new","refresh_token":"rt-new","expires_in":3600}"#,
        )]);
        let access = refresher.access(&main_agent(), &profile(id)).await;
        assert!(access.unwrap().token.matches("at-new"), "{name}");
        assert_eq!(server.spent(), [first], "{name}");
        assert_eq!(on_disk(&home, id).1, "rt-new", "{name}");
        if id == QWEN_CODE {
            let path = qwen_cli::login_path(&home.home);
            assert_eq!(refresh_in(&path), "rt-new");
        }
    }
}
