//! The control endpoints.

use http::Method;
use serde_json::{Value, json};

use crate::support::{
    CHAT, Connection, STANDARD, STANDARD_KEY, chat, chat_request, get, post, request, start,
};

#[tokio::test]
async fn shows_what_was_asked_with_the_key_masked() {
    let emulator = start().await;
    let body = chat_request(&json!({}));
    post(
        &emulator,
        &format!("/{STANDARD}{CHAT}?x=1"),
        STANDARD_KEY,
        &body,
    )
    .await;
    post(
        &emulator,
        &format!("/{STANDARD}{CHAT}"),
        "sk-my-secret",
        &json!({}),
    )
    .await;
    let answer = get(&emulator, "/_emulator/requests", "").await;
    assert!(!answer.text().contains("my-secret"));
    let seen = answer.json();
    let first = &seen[0];
    assert_eq!((&first["id"], &first["status"]), (&json!(1), &json!(200)));
    assert_eq!(
        (&first["host"], &first["method"]),
        (&json!(STANDARD), &json!("POST"))
    );
    assert_eq!(first["path"], format!("{CHAT}?x=1"));
    assert_eq!(
        (&first["key"], &first["body"]),
        (&json!(STANDARD_KEY), &body)
    );
    assert_eq!(first["headers"]["authorization"], "Bearer sk-***");
    assert_eq!(first["headers"]["user-agent"], "emulator-tests");
    assert_eq!(
        (&seen[1]["key"], &seen[1]["status"]),
        (&Value::Null, &json!(401))
    );
    assert_eq!(seen[2], Value::Null, "control requests are not shown");
}

#[tokio::test]
async fn tells_which_requests_shared_a_connection() {
    let emulator = start().await;
    let mut connection = Connection::open(emulator.addr()).await;
    for _ in 0..2 {
        let target = format!("/{STANDARD}/nothing");
        connection
            .send(request(Method::GET, &target, "", ""))
            .await
            .unwrap()
            .read()
            .await;
    }
    get(&emulator, &format!("/{STANDARD}/nothing"), "").await;
    let numbers: Vec<u64> = emulator
        .requests()
        .iter()
        .map(|seen| seen["connection"].as_u64().unwrap())
        .collect();
    assert_eq!(numbers, [1, 1, 2]);
}

#[tokio::test]
async fn scripts_and_resets() {
    let emulator = start().await;
    let rules = json!({"rules": [{"status": 503}, {"status": 500}]});
    let loaded = post(&emulator, "/_emulator/script", "", &rules).await;
    assert_eq!(loaded.json(), json!({"rules": 2}));
    assert_eq!(
        chat(&emulator, &chat_request(&json!({})))
            .await
            .status
            .as_u16(),
        503
    );
    let wrong = post(
        &emulator,
        "/_emulator/script",
        "",
        &json!({"rules": [{"stattus": 1}]}),
    )
    .await;
    assert_eq!(wrong.status.as_u16(), 400);
    assert!(wrong.json()["error"].as_str().unwrap().contains("stattus"));
    assert_eq!(
        chat(&emulator, &chat_request(&json!({})))
            .await
            .status
            .as_u16(),
        503,
        "the old script stays"
    );
    post(&emulator, "/_emulator/reset", "", &json!({})).await;
    assert_eq!(emulator.requests().len(), 0);
    assert_eq!(
        chat(&emulator, &chat_request(&json!({})))
            .await
            .status
            .as_u16(),
        200
    );
}

#[tokio::test]
async fn lists_its_keys_and_certificate() {
    let emulator = start().await;
    let keys = get(&emulator, "/_emulator/keys", "").await.json();
    assert_eq!(keys.as_array().unwrap().len(), 6);
    assert!(
        keys.as_array()
            .unwrap()
            .iter()
            .any(|row| row["key"] == STANDARD_KEY && row["host"] == STANDARD)
    );
    assert_eq!(
        get(&emulator, "/_emulator/ca.pem", "").await.text(),
        emulator.ca_pem()
    );
    assert_eq!(
        get(&emulator, "/_emulator/nothing", "")
            .await
            .status
            .as_u16(),
        404
    );
}

#[tokio::test]
async fn an_unknown_first_segment_is_told_which_hosts_there_are() {
    let emulator = start().await;
    for target in ["/", "/v1/models", "/api.openai.com/v1/models"] {
        let answer = get(&emulator, target, STANDARD_KEY).await;
        assert_eq!(answer.status.as_u16(), 404);
        let hosts = answer.json()["hosts"].clone();
        assert!(
            hosts.as_array().unwrap().contains(&json!(STANDARD)),
            "{target}"
        );
        assert_eq!(answer.header("x-openclaw-emulator"), "1");
    }
}
