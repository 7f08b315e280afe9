//! The device flow.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    CLIENT, DEVICE, SCOPE, TOKEN, begin, chat_status, device_fields, frozen, is_error, poll,
    poll_fields, post_form,
};
use crate::support::{Connection, get, post, request};

#[tokio::test]
async fn a_device_code_reply_has_the_recorded_fields_and_an_interval_only_when_scripted() {
    let emulator = frozen(json!({})).await;
    let answer = post_form(&emulator, DEVICE, &device_fields()).await;
    let body = answer.json();
    let names: Vec<&String> = body.as_object().unwrap().keys().collect();
    assert_eq!(
        names,
        [
            "device_code",
            "user_code",
            "verification_uri",
            "verification_uri_complete",
            "expires_in"
        ]
    );
    assert_eq!(body["expires_in"], 900);
    let code = body["user_code"].as_str().unwrap();
    assert_eq!(
        body["verification_uri_complete"],
        format!("https://chat.qwen.ai/authorize?user_code={code}&client=qwen-code")
    );
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("cache-control"), "no-store");

    let settings = json!({"interval_s": 1, "device_ttl_ms": 60_000});
    emulator.oauth().configure(&settings).unwrap();
    let body = post_form(&emulator, DEVICE, &device_fields()).await.json();
    assert_eq!(
        (&body["interval"], &body["expires_in"]),
        (&json!(1), &json!(60))
    );
}

#[tokio::test]
async fn a_login_is_pending_until_approved_and_is_redeemed_once() {
    let emulator = frozen(json!({})).await;
    let (device_code, user_code) = begin(&emulator).await;
    for _ in 0..2 {
        is_error(
            &poll(&emulator, &device_code).await,
            400,
            "authorization_pending",
        );
    }
    let approval = json!({"user_code": user_code});
    let approved = post(&emulator, "/_emulator/oauth/approve", "", &approval).await;
    assert_eq!(approved.status.as_u16(), 200);
    let answer = poll(&emulator, &device_code).await;
    let body = answer.json();
    let names: Vec<&String> = body.as_object().unwrap().keys().collect();
    assert_eq!(
        names,
        [
            "status",
            "access_token",
            "refresh_token",
            "token_type",
            "expires_in",
            "scope",
            "resource_url"
        ]
    );
    assert_eq!(
        (&body["status"], &body["token_type"], &body["scope"]),
        (&json!("success"), &json!("Bearer"), &json!(SCOPE))
    );
    assert_eq!(
        (&body["expires_in"], &body["resource_url"]),
        (&json!(21_600), &json!("portal.qwen.ai"))
    );
    let access_token = body["access_token"].as_str().unwrap();
    assert_eq!(chat_status(&emulator, access_token).await, 200);
    is_error(&poll(&emulator, &device_code).await, 401, "invalid_grant");
    let again = post(&emulator, "/_emulator/oauth/approve", "", &approval).await;
    assert_eq!(again.status.as_u16(), 400);
}

#[tokio::test]
async fn a_denied_login_and_an_expired_one_say_so() {
    let emulator = frozen(json!({"device_ttl_ms": 1000})).await;
    let (denied, user_code) = begin(&emulator).await;
    post(
        &emulator,
        "/_emulator/oauth/deny",
        "",
        &json!({"user_code": user_code}),
    )
    .await;
    is_error(&poll(&emulator, &denied).await, 400, "access_denied");
    let (late, user_code) = begin(&emulator).await;
    post(
        &emulator,
        "/_emulator/oauth/advance",
        "",
        &json!({"ms": 999}),
    )
    .await;
    is_error(&poll(&emulator, &late).await, 400, "authorization_pending");
    emulator.oauth().advance(Duration::from_millis(1));
    is_error(&poll(&emulator, &late).await, 400, "expired_token");
    assert!(emulator.oauth().approve(&user_code).is_err());
}

#[tokio::test]
async fn slows_down_and_approves_by_itself_as_configured() {
    let emulator = frozen(json!({"slow_down_polls": 1, "approve_after_polls": 3})).await;
    let (device_code, _) = begin(&emulator).await;
    is_error(&poll(&emulator, &device_code).await, 429, "slow_down");
    for _ in 0..2 {
        is_error(
            &poll(&emulator, &device_code).await,
            400,
            "authorization_pending",
        );
    }
    assert_eq!(poll(&emulator, &device_code).await.status.as_u16(), 200);
    let report = get(&emulator, "/_emulator/oauth", "").await.json();
    assert_eq!(
        report["counts"]["polls"],
        json!({"total": 4, "pending": 2, "slow_down": 1, "approved": 1, "refused": 0})
    );
    assert_eq!(report["counts"]["device_codes"], 1);
    assert_eq!(report["logins"][0]["state"], "redeemed");
}

#[tokio::test]
async fn the_verifier_must_fit_the_challenge() {
    let emulator = frozen(json!({"approve_after_polls": 0})).await;
    let (device_code, _) = begin(&emulator).await;
    let wrong = "x".repeat(43);
    let answer = post_form(&emulator, TOKEN, &poll_fields(&device_code, &wrong)).await;
    is_error(&answer, 400, "invalid_grant");
    let without = &poll_fields(&device_code, "")[..3];
    is_error(
        &post_form(&emulator, TOKEN, without).await,
        400,
        "invalid_request",
    );
    assert_eq!(
        poll(&emulator, &device_code).await.status.as_u16(),
        200,
        "a wrong guess does not spend the code"
    );
}

#[tokio::test]
async fn refuses_what_no_portal_client_would_send() {
    let emulator = frozen(json!({})).await;
    let [client, scope, challenge, method] = device_fields();
    let cases: [(&[(&str, &str)], &str); 7] = [
        (
            &[("client_id", "other"), scope, challenge, method],
            "invalid_client",
        ),
        (&[scope, challenge, method], "invalid_request"),
        (
            &[client, ("scope", "openid admin"), challenge, method],
            "invalid_scope",
        ),
        (&[client, scope, method], "invalid_request"),
        (
            &[client, scope, ("code_challenge", "short"), method],
            "invalid_request",
        ),
        (
            &[client, scope, challenge, ("code_challenge_method", "plain")],
            "invalid_request",
        ),
        (
            &[client, client, scope, challenge, method],
            "invalid_request",
        ),
    ];
    for (fields, code) in cases {
        is_error(&post_form(&emulator, DEVICE, fields).await, 400, code);
    }
    let unknown = poll(&emulator, "dc_FAKE").await;
    is_error(&unknown, 401, "invalid_grant");
    let password = [("grant_type", "password"), ("client_id", CLIENT)];
    is_error(
        &post_form(&emulator, TOKEN, &password).await,
        400,
        "unsupported_grant_type",
    );
    let no_form = post(
        &emulator,
        TOKEN,
        "",
        &json!({"grant_type": "refresh_token"}),
    )
    .await;
    is_error(&no_form, 400, "invalid_request");
    assert_eq!(get(&emulator, TOKEN, "").await.status.as_u16(), 404);
    let elsewhere = "/chat.qwen.ai/v1/chat/completions";
    assert_eq!(
        post(&emulator, elsewhere, "", &json!({}))
            .await
            .status
            .as_u16(),
        404
    );
}

#[tokio::test]
async fn the_journal_shows_the_flow_without_its_secrets() {
    let emulator = frozen(json!({"approve_after_polls": 0})).await;
    let (device_code, _) = begin(&emulator).await;
    let tokens = poll(&emulator, &device_code).await.json();
    let (access, refresh) = (
        tokens["access_token"].clone(),
        tokens["refresh_token"].clone(),
    );
    super::refresh(&emulator, refresh.as_str().unwrap()).await;
    chat_status(&emulator, access.as_str().unwrap()).await;
    let json_body = request(
        http::Method::POST,
        TOKEN,
        "",
        json!({"refresh_token": refresh}).to_string(),
    );
    let mut connection = Connection::open(emulator.addr()).await;
    connection.send(json_body).await.unwrap().read().await;
    let seen = Value::Array(emulator.requests());
    let text = seen.to_string();
    for secret in [
        device_code.as_str(),
        access.as_str().unwrap(),
        refresh.as_str().unwrap(),
        super::VERIFIER,
    ] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    assert_eq!(seen[0]["host"], "chat.qwen.ai");
    assert_eq!(
        seen[1]["body"],
        format!(
            "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code&client_id={CLIENT}&device_code=***&code_verifier=***"
        )
    );
    assert_eq!(seen[3]["headers"]["authorization"], "Bearer ***");
    assert_eq!(seen[4]["body"], "***");
}
