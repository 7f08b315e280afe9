//! Requests of the real client, replayed as they were recorded.

use bytes::Bytes;
use emulator::{Emulator, LoginWish};
use http::Request;
use http_body_util::Full;
use serde_json::{Value, json};

use super::{frozen, is_error, send};
use crate::support::Answer;

fn recorded(name: &str) -> Value {
    let all: Value = serde_json::from_str(include_str!("../../data/qwen-code-oauth.json")).unwrap();
    all[name].clone()
}

/// Sends a recorded request; `texts` are replaced in its headers and body.
async fn replay(emulator: &Emulator, name: &str, host: &str, texts: &[(&str, &str)]) -> Answer {
    let recorded = recorded(name);
    let replaced = |text: &str| {
        texts
            .iter()
            .fold(text.to_owned(), |text, (old, new)| text.replace(old, new))
    };
    let line: Vec<&str> = recorded["request_line"]
        .as_str()
        .unwrap()
        .split(' ')
        .collect();
    // The recording's `resource_url` was the stub's; the portal has another base path.
    let path = line[1].replace("/compatible-mode/", "/");
    let mut builder = Request::builder()
        .method(line[0])
        .uri(format!("/{host}{path}"))
        .header("host", "localhost");
    for header in recorded["headers"].as_array().unwrap() {
        let value = replaced(header[1].as_str().unwrap());
        builder = builder.header(header[0].as_str().unwrap(), value);
    }
    let body = match recorded["body_text"].as_str() {
        Some(text) => replaced(text),
        None => recorded["body_json"].to_string(),
    };
    let request = builder.body(Full::new(Bytes::from(body))).unwrap();
    send(emulator, request).await.unwrap()
}

#[tokio::test]
async fn a_recorded_login_is_understood_from_code_to_chat() {
    let emulator = frozen(json!({"approve_after_polls": 1})).await;
    let begun = replay(&emulator, "device_code", "chat.qwen.ai", &[]).await;
    assert_eq!(begun.status.as_u16(), 200, "{}", begun.text());
    let body = begun.json();
    let code = [("dc_FAKE", body["device_code"].as_str().unwrap())];
    let pending = replay(&emulator, "poll", "chat.qwen.ai", &code).await;
    is_error(&pending, 400, "authorization_pending");
    let granted = replay(&emulator, "poll", "chat.qwen.ai", &code).await;
    assert_eq!(granted.status.as_u16(), 200, "{}", granted.text());
    let body = granted.json();
    let token = [("at_FAKE", body["access_token"].as_str().unwrap())];
    let answer = replay(&emulator, "chat", "portal.qwen.ai", &token).await;
    assert_eq!(answer.status.as_u16(), 200, "{}", answer.text());
    let chunks = answer.chunks();
    assert_eq!(chunks[0]["model"], "coder-model");
    assert!(chunks.last().unwrap()["usage"]["total_tokens"].is_u64());
    let seen = emulator.requests();
    assert_eq!(
        seen[0]["headers"]["x-request-id"],
        "a0f4c340-2559-4598-96b7-13b5ba3fb6f5"
    );
}

#[tokio::test]
async fn recorded_refreshes_of_both_versions_are_understood() {
    for name in ["refresh", "refresh_0_24_4"] {
        let emulator = frozen(json!({})).await;
        let wish = LoginWish {
            access: Some("at_STALE".to_owned()),
            refresh: Some("rt_OLD".to_owned()),
            expires_in_ms: Some(0),
        };
        emulator.oauth().issue(wish).unwrap();
        let stale = [("at_FAKE", "at_STALE")];
        let refused = replay(&emulator, "chat", "portal.qwen.ai", &stale).await;
        assert_eq!(refused.status.as_u16(), 401);
        let answer = replay(&emulator, name, "chat.qwen.ai", &[]).await;
        assert_eq!(answer.status.as_u16(), 200, "{}", answer.text());
        let body = answer.json();
        let token = [("at_FAKE", body["access_token"].as_str().unwrap())];
        let chat = replay(&emulator, "chat", "portal.qwen.ai", &token).await;
        assert_eq!(chat.status.as_u16(), 200);
        let again = replay(&emulator, name, "chat.qwen.ai", &[]).await;
        is_error(&again, 400, "invalid_grant");
    }
}

#[tokio::test]
async fn a_recorded_refresh_with_a_bad_token_is_refused() {
    let emulator = frozen(json!({})).await;
    let answer = replay(&emulator, "refresh_refused", "chat.qwen.ai", &[]).await;
    is_error(&answer, 400, "invalid_grant");
}
