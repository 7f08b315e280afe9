//! Failures before and after the rotation is committed.

use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use super::{
    TOKEN, form_request, frozen, is_error, issue, refresh, refresh_fields, refreshed, send,
};
use crate::support::Answer;

#[tokio::test]
async fn a_failure_before_the_rotation_spends_nothing() {
    let emulator = frozen(json!({"fail_before_rotation": 2})).await;
    let login = issue(&emulator);
    for _ in 0..2 {
        is_error(
            &refresh(&emulator, &login.refresh_token).await,
            503,
            "server_error",
        );
    }
    refreshed(&emulator, &login.refresh_token).await;
    let report = emulator.oauth().report();
    assert_eq!(report["counts"]["failed_before_rotation"], 2);
    assert_eq!(report["refresh_tokens"][0]["failed"], 2);
    assert_eq!(report["counts"]["refreshes"]["total"], 1);
    assert_eq!(report["settings"]["fail_before_rotation"], 0);
}

#[tokio::test]
async fn a_cut_after_the_rotation_loses_the_login_unless_there_is_a_grace() {
    for (grace_ms, status) in [(0, 400), (1000, 200)] {
        let emulator = frozen(json!({"fail_after_rotation": 1, "grace_ms": grace_ms})).await;
        let login = issue(&emulator);
        let request = form_request(TOKEN, &refresh_fields(&login.refresh_token));
        assert!(send(&emulator, request).await.is_err(), "no reply");
        assert_eq!(emulator.requests()[0]["outcome"], "cut");
        let report = emulator.oauth().report();
        assert_eq!(report["refresh_tokens"][0]["state"], "spent");
        assert_eq!(report["refresh_tokens"][1]["state"], "live");
        assert_eq!(report["counts"]["failed_after_rotation"], 1);
        let again = refresh(&emulator, &login.refresh_token).await;
        assert_eq!(again.status.as_u16(), status);
    }
}

#[tokio::test]
async fn a_refused_refresh_does_not_use_up_the_cut() {
    let emulator = frozen(json!({"fail_after_rotation": 1})).await;
    let login = issue(&emulator);
    is_error(&refresh(&emulator, "rt_NEVER").await, 400, "invalid_grant");
    let request = form_request(TOKEN, &refresh_fields(&login.refresh_token));
    assert!(send(&emulator, request).await.is_err());
}

#[tokio::test]
async fn waits_before_and_after_the_change() {
    let emulator = frozen(json!({"delay_ms": 30, "reply_delay_ms": 30})).await;
    let login = issue(&emulator);
    let began = Instant::now();
    refreshed(&emulator, &login.refresh_token).await;
    assert!(began.elapsed() >= Duration::from_millis(60));
}

#[tokio::test]
async fn a_client_that_leaves_during_the_first_wait_spends_nothing() {
    let emulator = frozen(json!({"delay_ms": 600_000})).await;
    let login = issue(&emulator);
    let request = form_request(TOKEN, &refresh_fields(&login.refresh_token));
    leave_when(send(&emulator, request), || !emulator.requests().is_empty()).await;
    emulator.oauth().configure(&json!({"delay_ms": 0})).unwrap();
    refreshed(&emulator, &login.refresh_token).await;
    let counts = emulator.oauth().report()["counts"]["refreshes"].clone();
    assert_eq!(counts["total"], 1);
}

#[tokio::test]
async fn a_client_that_leaves_during_the_second_wait_has_spent_its_token() {
    let emulator = frozen(json!({"reply_delay_ms": 600_000})).await;
    let login = issue(&emulator);
    let request = form_request(TOKEN, &refresh_fields(&login.refresh_token));
    let is_spent = || emulator.oauth().report()["refresh_tokens"][0]["state"] == "spent";
    leave_when(send(&emulator, request), is_spent).await;
    emulator
        .oauth()
        .configure(&json!({"reply_delay_ms": 0}))
        .unwrap();
    let again = refresh(&emulator, &login.refresh_token).await;
    is_error(&again, 400, "invalid_grant");
}

/// Drops a request, which waits for a reply for ten minutes, once something has come true.
async fn leave_when(
    request: impl Future<Output = hyper::Result<Answer>>,
    is_time: impl Fn() -> bool,
) {
    let watch = async {
        while !is_time() {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        _ = request => panic!("there was a reply"),
        watched = tokio::time::timeout(Duration::from_secs(30), watch) => watched.unwrap(),
    }
}

#[tokio::test]
async fn scripted_errors_come_in_the_envelope_of_the_token_endpoint() {
    let emulator = frozen(json!({})).await;
    let login = issue(&emulator);
    let on_token = json!({"host": "chat.qwen.ai", "path": "/oauth2/token"});
    emulator
        .script(&json!({"rules": [
            {"match": on_token, "times": 1, "status": 502},
            {"match": on_token, "times": 1, "status": 400, "code": "invalid_grant", "message": "gone"},
            {"match": on_token, "times": 1, "garbage": true},
            {"match": on_token, "times": 1, "cut_after_bytes": 20},
        ]}))
        .unwrap();
    is_error(
        &refresh(&emulator, &login.refresh_token).await,
        502,
        "server_error",
    );
    let refused = refresh(&emulator, &login.refresh_token).await;
    assert_eq!(
        refused.json(),
        json!({"error": "invalid_grant", "error_description": "gone"})
    );
    let garbage = refresh(&emulator, &login.refresh_token).await;
    assert!(serde_json::from_slice::<serde_json::Value>(&garbage.body).is_err());
    let half = refresh(&emulator, &login.refresh_token).await;
    assert!(half.cut && half.body.len() == 20);
    assert_eq!(
        emulator.oauth().report()["counts"]["refreshes"]["accepted"],
        1,
        "half a reply is a rotation"
    );
}
