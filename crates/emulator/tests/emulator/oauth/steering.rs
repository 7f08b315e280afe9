//! Steering the identity server.

use std::sync::Arc;

use emulator::LoginWish;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{begin, chat_status, frozen, is_error, poll, refresh};
use crate::support::{get, post, start};

#[tokio::test]
async fn changes_only_what_is_given() {
    let emulator = start().await;
    let reply = post(&emulator, "/_emulator/oauth", "", &json!({"grace_ms": 5}))
        .await
        .json();
    assert_eq!(reply["settings"]["grace_ms"], 5);
    assert_eq!(reply.get("issued"), None);
    let reply = post(
        &emulator,
        "/_emulator/oauth",
        "",
        &json!({"interval_s": 2, "resource_url": null}),
    )
    .await
    .json();
    let settings = &reply["settings"];
    assert_eq!(
        (
            &settings["grace_ms"],
            &settings["interval_s"],
            &settings["resource_url"]
        ),
        (&json!(5), &json!(2), &Value::Null)
    );
    assert_eq!(
        get(&emulator, "/_emulator/oauth", "").await.json()["settings"],
        *settings
    );
}

#[tokio::test]
async fn refuses_what_it_does_not_understand_and_changes_nothing() {
    let emulator = start().await;
    let before = emulator.oauth().report()["settings"].clone();
    for (path, document) in [
        ("", json!({"grace_ms": 7, "gracems": 5})),
        ("", json!({"grace_ms": -1})),
        ("", json!({"access_ttl_ms": null})),
        ("", json!({"delay_ms": 600_001})),
        ("", json!({"resource_url": "x".repeat(3000)})),
        ("", json!({"grace_ms": 7, "issue": {"acess": "a"}})),
        ("", json!({"grace_ms": 7, "issue": {"access": ""}})),
        ("", json!({"grace_ms": 7, "issue": {"access": "a b"}})),
        ("", json!({"grace_ms": 7, "revoke": ["at_NEVER"]})),
        ("", json!([])),
        ("/approve", json!({})),
        ("/approve", json!({"user_code": "NONE-SUCH"})),
        ("/deny", json!({"user_code": 1})),
        ("/advance", json!({"ms": -5})),
    ] {
        let answer = post(&emulator, &format!("/_emulator/oauth{path}"), "", &document).await;
        assert_eq!(answer.status.as_u16(), 400, "{path} {document}");
        assert!(answer.json()["error"].is_string());
    }
    assert_eq!(emulator.oauth().report()["settings"], before);
    let unknown = get(&emulator, "/_emulator/oauth/approve", "").await;
    assert_eq!(unknown.status.as_u16(), 404);
    assert!(unknown.text().contains("POST /_emulator/oauth/approve"));
}

#[tokio::test]
async fn mints_a_login_with_the_wished_tokens_once() {
    let emulator = start().await;
    let wish =
        json!({"issue": {"access": "at_MINE", "refresh": "rt_MINE", "expires_in_ms": 90_000}});
    let reply = post(&emulator, "/_emulator/oauth", "", &wish).await.json();
    assert_eq!(
        reply["issued"],
        json!({
            "access_token": "at_MINE",
            "refresh_token": "rt_MINE",
            "token_type": "Bearer",
            "expires_in": 90,
            "scope": "openid profile email model.completion",
            "resource_url": "portal.qwen.ai",
        })
    );
    assert_eq!(chat_status(&emulator, "at_MINE").await, 200);
    assert_eq!(refresh(&emulator, "rt_MINE").await.status.as_u16(), 200);
    let again = post(&emulator, "/_emulator/oauth", "", &wish).await;
    assert_eq!(again.status.as_u16(), 400);
    let taken = LoginWish {
        access: Some("rt_MINE".to_owned()),
        ..LoginWish::default()
    };
    assert!(emulator.oauth().issue(taken).is_err());
}

#[tokio::test]
async fn a_reset_forgets_logins_counts_and_settings() {
    let emulator = frozen(json!({"approve_after_polls": 0, "fail_before_rotation": 9})).await;
    let fresh = start().await;
    let (device_code, _) = begin(&emulator).await;
    let tokens = poll(&emulator, &device_code).await.json();
    let (waiting, _) = begin(&emulator).await;
    post(&emulator, "/_emulator/reset", "", &json!({})).await;
    let report = emulator.oauth().report();
    for part in [
        "settings",
        "counts",
        "logins",
        "access_tokens",
        "refresh_tokens",
    ] {
        assert_eq!(report[part], fresh.oauth().report()[part], "{part}");
    }
    is_error(&poll(&emulator, &waiting).await, 401, "invalid_grant");
    let access = tokens["access_token"].as_str().unwrap();
    assert_eq!(chat_status(&emulator, access).await, 401);
    let token = tokens["refresh_token"].as_str().unwrap();
    is_error(&refresh(&emulator, token).await, 400, "invalid_grant");
}

#[tokio::test]
async fn the_same_steps_give_the_same_codes_and_tokens() {
    let mut runs = Vec::new();
    for _ in 0..2 {
        let emulator = frozen(json!({"approve_after_polls": 0})).await;
        let (device_code, user_code) = begin(&emulator).await;
        let tokens = poll(&emulator, &device_code).await.json();
        runs.push((device_code, user_code, tokens));
    }
    assert_eq!(runs[0], runs[1]);
}

#[tokio::test]
async fn fifty_at_once_are_counted_one_by_one() {
    let emulator = Arc::new(frozen(json!({})).await);
    let token = super::issue(&emulator).refresh_token;
    let mut clients = JoinSet::new();
    for _ in 0..50 {
        let (emulator, token) = (Arc::clone(&emulator), token.clone());
        clients.spawn(async move { refresh(&emulator, &token).await.status.as_u16() });
    }
    let statuses = clients.join_all().await;
    let n_accepted = statuses.iter().filter(|status| **status == 200).count();
    let counts = emulator.oauth().report()["counts"]["refreshes"].clone();
    assert_eq!((n_accepted, &counts["total"]), (1, &json!(50)));
    assert_eq!(
        (&counts["accepted"], &counts["refused"]),
        (&json!(1), &json!(49))
    );
}
