//! Refreshing: rotation, grace, reuse.

use std::time::Duration;

use emulator::LoginWish;
use serde_json::{Value, json};

use super::{CLIENT, TOKEN, chat_status, frozen, is_error, issue, post_form, refresh, refreshed};

/// Returns what is known of a refresh token.
fn known(emulator: &emulator::Emulator, token: &str) -> Value {
    let report = emulator.oauth().report();
    let rows = report["refresh_tokens"].as_array().unwrap();
    let row = rows.iter().find(|row| row["token"] == token);
    row.unwrap_or(&Value::Null).clone()
}

#[tokio::test]
async fn a_refresh_token_is_good_for_one_use() {
    let emulator = frozen(json!({})).await;
    let login = issue(&emulator);
    let (access, second) = refreshed(&emulator, &login.refresh_token).await;
    assert_ne!(second, login.refresh_token);
    assert_eq!(chat_status(&emulator, &access).await, 200);
    assert_eq!(
        chat_status(&emulator, &login.access_token).await,
        200,
        "the older access token lives on"
    );
    is_error(
        &refresh(&emulator, &login.refresh_token).await,
        400,
        "invalid_grant",
    );
    refreshed(&emulator, &second).await;
    let first = known(&emulator, &login.refresh_token);
    assert_eq!(
        (&first["state"], &first["accepted"], &first["refused"]),
        (&json!("spent"), &json!(1), &json!(1))
    );
    is_error(&refresh(&emulator, "rt_NEVER").await, 400, "invalid_grant");
    assert_eq!(
        emulator.oauth().report()["counts"]["refreshes"],
        json!({"total": 4, "accepted": 2, "replayed": 0, "refused": 2, "unknown": 1})
    );
}

#[tokio::test]
async fn within_the_grace_a_used_token_leads_to_the_live_one() {
    let emulator = frozen(json!({"grace_ms": 1000})).await;
    let login = issue(&emulator);
    let (access, second) = refreshed(&emulator, &login.refresh_token).await;
    emulator.oauth().advance(Duration::from_millis(999));
    let (other_access, again) = refreshed(&emulator, &login.refresh_token).await;
    assert_eq!(again, second, "no second rotation");
    assert_ne!(other_access, access);
    emulator.oauth().advance(Duration::from_millis(1));
    is_error(
        &refresh(&emulator, &login.refresh_token).await,
        400,
        "invalid_grant",
    );
    let counts = emulator.oauth().report()["counts"]["refreshes"].clone();
    assert_eq!(
        (&counts["accepted"], &counts["replayed"]),
        (&json!(2), &json!(1))
    );
}

#[tokio::test]
async fn reuse_can_end_the_login() {
    let emulator = frozen(json!({"revoke_on_reuse": true})).await;
    let (login, bystander) = (issue(&emulator), issue(&emulator));
    let (access, second) = refreshed(&emulator, &login.refresh_token).await;
    refresh(&emulator, &login.refresh_token).await;
    assert_eq!(chat_status(&emulator, &access).await, 401);
    is_error(&refresh(&emulator, &second).await, 400, "invalid_grant");
    assert_eq!(known(&emulator, &second)["state"], "revoked");
    assert_eq!(chat_status(&emulator, &bystander.access_token).await, 200);
}

#[tokio::test]
async fn a_reply_can_lack_the_refresh_token_which_then_stays() {
    let emulator = frozen(json!({"omit_refresh_token": true, "resource_url": null})).await;
    let login = issue(&emulator);
    for _ in 0..2 {
        let body = refresh(&emulator, &login.refresh_token).await.json();
        let names: Vec<&String> = body.as_object().unwrap().keys().collect();
        let expected = [
            "status",
            "access_token",
            "token_type",
            "expires_in",
            "scope",
        ];
        assert_eq!(names, expected);
    }
}

#[tokio::test]
async fn without_rotation_the_same_token_comes_back() {
    let emulator = frozen(json!({"rotate": false, "access_ttl_ms": 1500})).await;
    let login = issue(&emulator);
    for _ in 0..2 {
        let body = refresh(&emulator, &login.refresh_token).await.json();
        assert_eq!(body["refresh_token"], json!(login.refresh_token));
        assert_eq!(body["expires_in"], 1, "rounded down");
    }
    let row = known(&emulator, &login.refresh_token);
    assert_eq!(
        (&row["state"], &row["accepted"]),
        (&json!("live"), &json!(2))
    );
}

#[tokio::test]
async fn a_refresh_names_client_and_token() {
    let emulator = frozen(json!({})).await;
    let login = issue(&emulator);
    let [grant, token, client] = super::refresh_fields(&login.refresh_token);
    for (fields, code) in [
        (vec![grant, client], "invalid_request"),
        (vec![grant, token], "invalid_request"),
        (vec![grant, token, ("client_id", "other")], "invalid_client"),
    ] {
        is_error(&post_form(&emulator, TOKEN, &fields).await, 400, code);
    }
    let again = vec![grant, token, ("client_id", CLIENT)];
    let answer = post_form(&emulator, TOKEN, &again).await;
    assert_eq!(answer.status.as_u16(), 200, "none of them spent the token");
}

#[tokio::test]
async fn an_hour_of_one_minute_tokens_passes_without_waiting() {
    let emulator = frozen(json!({"access_ttl_ms": 60_000})).await;
    let login = issue(&emulator);
    let (mut access, mut token) = (login.access_token, login.refresh_token);
    for _ in 0..60 {
        assert_eq!(chat_status(&emulator, &access).await, 200);
        emulator.oauth().advance(Duration::from_mins(1));
        assert_eq!(chat_status(&emulator, &access).await, 401);
        (access, token) = refreshed(&emulator, &token).await;
    }
    assert_eq!(known(&emulator, &token)["state"], "live");
    let report = emulator.oauth().report();
    assert_eq!(report["counts"]["refreshes"]["accepted"], 60);
    assert_eq!(report["now_ms"], json!(3_600_000 + start_of(&report)));
}

/// Milliseconds that ran before the clock was stopped.
fn start_of(report: &Value) -> u64 {
    let first = &report["access_tokens"][0];
    first["expires_at_ms"].as_u64().unwrap() - 60_000
}

#[tokio::test]
async fn a_running_clock_ages_tokens_by_itself() {
    let emulator = crate::support::start().await;
    let wish = LoginWish {
        expires_in_ms: Some(0),
        ..LoginWish::default()
    };
    let login = emulator.oauth().issue(wish).unwrap();
    assert_eq!(login.expires_in, 0);
    assert_eq!(chat_status(&emulator, &login.access_token).await, 401);
    let (access, _) = refreshed(&emulator, &login.refresh_token).await;
    assert_eq!(chat_status(&emulator, &access).await, 200);
}
