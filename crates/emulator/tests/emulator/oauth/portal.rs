//! What access tokens open, and what they do not.

use emulator::{HOSTS, KEYS, Service};
use http::StatusCode;
use serde_json::json;

use super::{PORTAL_CHAT, chat_status, frozen, issue, refreshed};
use crate::proxy::https;
use crate::support::{get, post};

/// The models of the portal: its own two, and those of the later token login.
const MODELS: [&str; 11] = [
    "coder-model",
    "vision-model",
    "qwen3.5-plus",
    "qwen3.6-plus",
    "qwen3-max-2026-01-23",
    "qwen3-coder-next",
    "qwen3-coder-plus",
    "MiniMax-M2.5",
    "glm-5",
    "glm-4.7",
    "kimi-k2.5",
];

#[tokio::test]
async fn answers_with_every_model_it_lists() {
    let emulator = frozen(json!({})).await;
    let token = issue(&emulator).access_token;
    let list = get(&emulator, "/portal.qwen.ai/v1/models", &token)
        .await
        .json();
    let mut listed: Vec<&str> = list["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["id"].as_str().unwrap())
        .collect();
    let mut expected = MODELS.to_vec();
    listed.sort_unstable();
    expected.sort_unstable();
    assert_eq!(listed, expected);
    for model in MODELS {
        let body = json!({
            "model": model,
            "messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}],
            "stream": true,
            "max_completion_tokens": 65_536,
            "vl_high_resolution_images": true,
        });
        let answer = post(&emulator, PORTAL_CHAT, &token, &body).await;
        assert_eq!(answer.status, StatusCode::OK, "{model}: {}", answer.text());
        assert_eq!(answer.chunks()[0]["model"], model);
    }
}

#[tokio::test]
async fn an_expired_a_revoked_and_an_unknown_token_are_told_the_same() {
    let emulator = frozen(json!({"access_ttl_ms": 1000})).await;
    let (expired, revoked) = (issue(&emulator), issue(&emulator));
    emulator.oauth().advance(std::time::Duration::from_secs(1));
    let fresh = issue(&emulator);
    let revoke = json!({"revoke": [revoked.refresh_token]});
    emulator.oauth().configure(&revoke).unwrap();
    let body = json!({"model": "coder-model", "messages": [{"role": "user", "content": "hi"}]});
    for token in [
        expired.access_token.as_str(),
        &revoked.access_token,
        "at_STALE",
        "",
    ] {
        let answer = post(&emulator, PORTAL_CHAT, token, &body).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{token}");
        let error = answer.json()["error"].clone();
        assert_eq!(error["message"], "invalid access token or token expired");
        assert_eq!(error["code"], "invalid_api_key");
        let models = get(&emulator, "/portal.qwen.ai/v1/models", token).await;
        assert_eq!(models.status, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(chat_status(&emulator, &fresh.access_token).await, 200);
    let report = emulator.oauth().report();
    let states: Vec<&str> = report["access_tokens"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["state"].as_str().unwrap())
        .collect();
    assert_eq!(states, ["expired", "revoked", "valid"]);
    assert_eq!(
        (
            &report["access_tokens"][0]["refused"],
            &report["access_tokens"][2]["admitted"]
        ),
        (&json!(2), &json!(1))
    );
}

#[tokio::test]
async fn keys_do_not_open_the_portal_nor_tokens_other_hosts() {
    let emulator = frozen(json!({})).await;
    for known in KEYS {
        assert_eq!(
            chat_status(&emulator, known.key).await,
            401,
            "{}",
            known.key
        );
    }
    let login = issue(&emulator);
    assert_eq!(chat_status(&emulator, &login.refresh_token).await, 401);
    let body = json!({"model": "qwen3.5-plus", "messages": [{"role": "user", "content": "hi"}]});
    let others = HOSTS
        .iter()
        .filter(|host| host.service == Service::Models && host.name != "portal.qwen.ai");
    for host in others {
        for base in ["/v1", "/compatible-mode/v1"] {
            let target = format!("/{}{base}/chat/completions", host.name);
            let status = post(&emulator, &target, &login.access_token, &body)
                .await
                .status;
            assert!(
                matches!(status, StatusCode::UNAUTHORIZED | StatusCode::NOT_FOUND),
                "{target}: {status}"
            );
        }
    }
}

#[tokio::test]
async fn revoked_access_leaves_the_refresh_token_good() {
    let emulator = frozen(json!({})).await;
    let login = issue(&emulator);
    emulator
        .oauth()
        .configure(&json!({"revoke_access": true}))
        .unwrap();
    assert_eq!(chat_status(&emulator, &login.access_token).await, 401);
    let (access, token) = refreshed(&emulator, &login.refresh_token).await;
    assert_eq!(chat_status(&emulator, &access).await, 200);
    emulator
        .oauth()
        .configure(&json!({"revoke_all": true}))
        .unwrap();
    assert_eq!(chat_status(&emulator, &access).await, 401);
    let refused = super::refresh(&emulator, &token).await;
    super::is_error(&refused, 400, "invalid_grant");
}

#[tokio::test]
async fn a_whole_login_goes_through_the_proxy() {
    let emulator = frozen(json!({"approve_after_polls": 1})).await;
    let (mut identity, _driver) = https(&emulator, "chat.qwen.ai", emulator.ca_pem())
        .await
        .unwrap();
    let direct = |target: &str| target.strip_prefix("/chat.qwen.ai").unwrap().to_owned();
    let asked = super::form_request(&direct(super::DEVICE), &super::device_fields());
    let begun = identity.send(asked).await.unwrap().read().await.json();
    let device_code = begun["device_code"].as_str().unwrap();
    let mut statuses = Vec::new();
    let mut last = json!(null);
    for _ in 0..2 {
        let fields = super::poll_fields(device_code, super::VERIFIER);
        let polled = super::form_request(&direct(super::TOKEN), &fields);
        let answer = identity.send(polled).await.unwrap().read().await;
        statuses.push(answer.status.as_u16());
        last = answer.json();
    }
    assert_eq!(statuses, [400, 200]);
    let (mut portal, _driver) = https(&emulator, "portal.qwen.ai", emulator.ca_pem())
        .await
        .unwrap();
    let token = last["access_token"].as_str().unwrap();
    let listed = crate::support::request(http::Method::GET, "/v1/models", token, "");
    let answer = portal.send(listed).await.unwrap().read().await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(
        emulator
            .requests()
            .iter()
            .all(|seen| seen["via"] == "tunnel")
    );
}
