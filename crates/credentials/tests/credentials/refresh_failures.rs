//! Refreshes that fail: what is tried again, what is final, and what is never lost.

use std::fs;
use std::time::Duration;

use credentials::oauth::{CauseClass, RefreshError, Refresher};

use super::identity_server::{
    DEFAULT, Fault, IdentityServer, START_MS, home_with, home_with_ended_login, main_agent,
    on_disk, profile, store_with,
};
use super::test_home::TestHome;

async fn token(refresher: &Refresher) -> Result<String, RefreshError> {
    let access = refresher.access(&main_agent(), &profile(DEFAULT)).await?;
    Ok(access.token.expose().to_owned())
}

#[tokio::test(start_paused = true)]
async fn a_passing_failure_names_its_cause_and_is_tried_again_later() {
    for (fault, cause, status) in [
        (Fault::Unreachable, CauseClass::Network, None),
        (Fault::Timeout, CauseClass::Timeout, None),
        (Fault::Answer(503, ""), CauseClass::Refused, Some(503)),
        (Fault::Answer(429, "{}"), CauseClass::Refused, Some(429)),
        (Fault::Answer(200, "{"), CauseClass::Malformed, Some(200)),
        (Fault::Answer(400, "<p>"), CauseClass::Malformed, Some(400)),
    ] {
        let server = IdentityServer::new(3600);
        let home = home_with_ended_login();
        server.fail([fault.clone()]);
        let refresher = server.refresher(&home.home);
        let error = token(&refresher).await.unwrap_err();
        assert!(error.is_passing(), "{fault:?}");
        assert!(
            matches!(&error, RefreshError::Passing { status: got, .. } if *got == status),
            "{fault:?}: {error:?}"
        );
        assert_eq!(error.cause(), Some(cause), "{fault:?}");
        // The next caller learns the same without another call.
        assert_eq!(token(&refresher).await.unwrap_err().cause(), Some(cause));
        assert_eq!(server.n_calls(), 1, "{fault:?}");
        tokio::time::sleep(Duration::from_millis(600)).await;
        assert_eq!(token(&refresher).await.unwrap(), "at-1", "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_old_token_serves_while_it_is_valid_and_the_server_is_not_there() {
    let server = IdentityServer::new(3600);
    let home = home_with(DEFAULT, 0, START_MS + 120_000);
    server.fail(std::iter::repeat_n(Fault::Unreachable, 200));
    let refresher = server.refresher(&home.home);
    for second in 0..119 {
        assert_eq!(token(&refresher).await.unwrap(), "at-0", "{second}");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let n_calls = server.n_calls();
    assert!(
        (6..=16).contains(&n_calls),
        "{n_calls} calls, ever less often"
    );
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(token(&refresher).await.unwrap_err().is_passing());
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_was_lost_costs_nothing_within_the_grace() {
    let server = IdentityServer::new(3600).with_grace();
    let home = home_with_ended_login();
    server.fail([Fault::LostAnswer]);
    let refresher = server.refresher(&home.home);
    assert!(token(&refresher).await.unwrap_err().is_passing());
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(token(&refresher).await.unwrap(), "at-2");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_final_names_the_command_and_keeps_the_tokens() {
    let server = IdentityServer::new(3600);
    let home = home_with_ended_login();
    server.revoke();
    let before = fs::read_to_string(home.store_path()).unwrap();
    for _ in 0..3 {
        // Each one a process of its own: the refusal is remembered on disk.
        let error = token(&server.refresher(&home.home)).await.unwrap_err();
        assert!(matches!(error, RefreshError::Revoked { .. }), "{error:?}");
        assert!(!error.is_passing());
        assert_eq!(error.cause(), Some(CauseClass::Refused));
        assert_eq!(
            error.hint().unwrap(),
            "run `openclaw models auth login --provider qwen-portal`"
        );
    }
    assert_eq!(server.n_calls(), 1, "a doomed refresh is not repeated");
    assert_eq!(fs::read_to_string(home.store_path()).unwrap(), before);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_after_a_cut_off_refresh_says_so() {
    let server = IdentityServer::new(3600);
    let home = home_with_ended_login();
    server.fail([Fault::LostAnswer]);
    assert!(token(&server.refresher(&home.home)).await.is_err());
    let error = token(&server.refresher(&home.home)).await.unwrap_err();
    assert!(
        matches!(&error, RefreshError::Revoked { interrupted_at_ms: Some(at_ms), .. } if *at_ms == START_MS),
        "{error:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_believed_only_after_the_store_was_read_again() {
    let server = IdentityServer::new(3600);
    let home = home_with_ended_login();
    // A program that does not know our lock is faster, and puts its tokens into the store during our call.
    let (path, other) = (home.store_path(), server.clone());
    server.meanwhile(move || {
        let generation = other.rotate_for_another();
        fs::write(path, store_with(DEFAULT, generation, START_MS + 3_600_000)).unwrap();
    });
    assert_eq!(token(&server.refresher(&home.home)).await.unwrap(), "at-1");
    assert_eq!(server.n_calls(), 1);
    assert_eq!(on_disk(&home, DEFAULT).1, "rt-1");
}

#[tokio::test(start_paused = true)]
async fn a_login_that_replaced_ours_during_the_call_wins() {
    let server = IdentityServer::new(3600);
    let home = home_with_ended_login();
    let path = home.store_path();
    server.meanwhile(move || {
        fs::write(path, store_with(DEFAULT, 77, START_MS + 3_600_000)).unwrap();
    });
    assert_eq!(token(&server.refresher(&home.home)).await.unwrap(), "at-77");
    assert_eq!(on_disk(&home, DEFAULT).1, "rt-77");
}

#[tokio::test(start_paused = true)]
async fn a_login_that_was_removed_during_the_call_stays_removed() {
    let server = IdentityServer::new(3600);
    let home = home_with_ended_login();
    let path = home.store_path();
    server.meanwhile(move || fs::write(path, r#"{"version":1,"profiles":{}}"#).unwrap());
    let error = token(&server.refresher(&home.home)).await.unwrap_err();
    assert!(matches!(error, RefreshError::NotFound { .. }), "{error:?}");
    assert_eq!(on_disk(&home, DEFAULT).1, "");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_spent_when_the_journal_cannot_be_written() {
    let server = IdentityServer::new(3600);
    let home = home_with_ended_login();
    home.put_agent("main", "oauth-refresh", "a file where the folder belongs");
    let error = token(&server.refresher(&home.home)).await.unwrap_err();
    assert!(matches!(error, RefreshError::Store { .. }), "{error:?}");
    assert_eq!(server.n_calls(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_cannot_be_written_after_the_call_gets_the_tokens_later() {
    let server = IdentityServer::new(3600);
    let home = home_with_ended_login();
    let before = fs::read_to_string(home.store_path()).unwrap();
    let (path, later) = (
        home.store_path(),
        before.replace("\"version\": 1", "\"version\": 2"),
    );
    server.meanwhile(move || fs::write(path, later).unwrap());
    assert_eq!(token(&server.refresher(&home.home)).await.unwrap(), "at-1");
    assert_eq!(on_disk(&home, DEFAULT).1, "rt-0", "left alone");
    fs::write(home.store_path(), before).unwrap();
    let refresher = server.refresher(&home.home);
    assert_eq!(token(&refresher).await.unwrap(), "at-1", "from the record");
    assert_eq!(server.n_calls(), 1);
    tokio::time::sleep(Duration::from_mins(58)).await;
    assert_eq!(token(&refresher).await.unwrap(), "at-1");
    assert!(refresher.close().await);
    assert_eq!(on_disk(&home, DEFAULT).1, "rt-2");
}

#[tokio::test(start_paused = true)]
async fn what_is_no_login_is_said_to_be_none() {
    let store = r#"{"version":1,"profiles":{
        "qwen-portal:default":{"type":"api_key","provider":"qwen-portal","key":"k"},
        "a:b":{"type":"oauth","provider":"elsewhere","access":"a","refresh":"r","expires":1},
        "c:d":{"type":"oauth","provider":"qwen-portal","access":"a","expires":1}}}"#;
    let home = TestHome::made("{}", store, &[]);
    let refresher = IdentityServer::new(60).refresher(&home.home);
    let error = async |id: &str| {
        let result = refresher.access(&main_agent(), &profile(id)).await;
        result.unwrap_err()
    };
    assert!(matches!(
        error(DEFAULT).await,
        RefreshError::NotALogin { .. }
    ));
    assert!(matches!(
        error("a:b").await,
        RefreshError::NoIdentityServer { .. }
    ));
    assert!(matches!(error("c:d").await, RefreshError::Expired { .. }));
    assert!(matches!(error("x:y").await, RefreshError::NotFound { .. }));
    fs::write(home.store_path(), "{").unwrap();
    assert!(matches!(error("x:y").await, RefreshError::Store { .. }));
}
