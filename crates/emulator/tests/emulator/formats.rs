//! The surfaces that speak Responses and Anthropic Messages: their own shapes, limits and faults.

use emulator::Emulator;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Answer, Connection, STANDARD, STANDARD_KEY, post, request, start};

const CODING: &str = "coding-intl.dashscope.aliyuncs.com";

async fn message(emulator: &Emulator, extra: &Value) -> Answer {
    let target = format!("/{STANDARD}/apps/anthropic/v1/messages");
    let asked = json!([{"role": "user", "content": "hello there"}]);
    let body = json!({"model": "qwen3.5-plus", "max_tokens": 64, "messages": asked});
    post(emulator, &target, STANDARD_KEY, &with(body, extra)).await
}

async fn response(emulator: &Emulator, extra: &Value) -> Answer {
    let target = format!("/{STANDARD}/compatible-mode/v1/responses");
    let body = json!({"model": "qwen3.5-plus", "input": "hello there"});
    post(emulator, &target, STANDARD_KEY, &with(body, extra)).await
}

fn with(mut body: Value, extra: &Value) -> Value {
    let members = body.as_object_mut().unwrap();
    members.extend(extra.as_object().unwrap().clone());
    body
}

/// Returns the events of a stream, which are named like their type.
fn events(answer: &Answer) -> Vec<Value> {
    let blocks = answer.text().split_terminator("\n\n");
    blocks
        .map(|block| {
            let line = |name: &str| {
                let rest = block.lines().find_map(|line| line.strip_prefix(name));
                rest.unwrap().trim_start()
            };
            let event: Value = serde_json::from_str(line("data:")).unwrap();
            assert_eq!(event["type"], line("event:"));
            event
        })
        .collect()
}

#[tokio::test]
async fn a_message_whole_and_streamed() {
    let emulator = start().await;
    let thinking = json!({"type": "enabled", "budget_tokens": 2048});
    let whole = message(&emulator, &json!({"thinking": thinking}))
        .await
        .json();
    assert_eq!(whole["content"][0]["signature"], "");
    assert_eq!(whole["content"][1]["text"], "You said: hello there");
    assert_eq!(whole["stop_reason"], "end_turn");
    let streamed = message(&emulator, &json!({"thinking": thinking, "stream": true})).await;
    let events = events(&streamed);
    assert_eq!(events[0]["message"]["usage"].as_object().unwrap().len(), 2);
    assert_eq!(events[1]["type"], "ping");
    let end = &events[events.len() - 2];
    assert_eq!(end["usage"], whole["usage"]);
    let text: String = events
        .iter()
        .filter_map(|event| event["delta"]["text"].as_str())
        .collect();
    assert_eq!(text, "You said: hello there");
}

#[tokio::test]
async fn a_response_whole_and_streamed() {
    let emulator = start().await;
    let effort = json!({"effort": "low"});
    let whole = response(
        &emulator,
        &json!({"reasoning": effort, "text": {"format": {"type": "json_object"}}}),
    )
    .await;
    let whole = whole.json();
    assert_eq!(whole["status"], "completed");
    assert_eq!(
        whole["output"][1]["content"][0]["text"],
        "You said: hello there"
    );
    assert_eq!(
        whole["usage"]["x_details"][0]["x_billing_type"],
        "response_api"
    );
    let streamed = response(&emulator, &json!({"reasoning": effort, "stream": true})).await;
    let events = events(&streamed);
    assert_eq!(events[0]["response"]["status"], "queued");
    assert!(
        events
            .iter()
            .any(|event| event["type"] == "response.reasoning_text.delta")
    );
    for (number, event) in events.iter().enumerate() {
        assert_eq!(event["sequence_number"], number);
    }
    assert_eq!(events.last().unwrap()["response"]["usage"], whole["usage"]);
}

#[tokio::test]
async fn a_response_goes_on_with_an_earlier_one() {
    let emulator = start().await;
    let first = response(&emulator, &json!({"input": "remember this"}))
        .await
        .json();
    let tools = json!([{"type": "web_search"}]);
    let more = json!({"previous_response_id": first["id"], "tools": tools, "input": "go on"});
    let second = response(&emulator, &more).await.json();
    assert_eq!(second["output"][0]["type"], "web_search_call");
    let tokens = |response: &Value| response["usage"]["input_tokens"].as_u64().unwrap();
    assert!(tokens(&second) > tokens(&first));
    let kept = response(&emulator, &json!({"store": false})).await.json();
    let more = json!({"previous_response_id": kept["id"]});
    assert_eq!(
        response(&emulator, &more).await.status,
        StatusCode::BAD_REQUEST
    );
}

#[tokio::test]
async fn errors_have_the_shape_of_their_surface() {
    let emulator = start().await;
    let bad = message(&emulator, &json!({"max_tokens": null})).await;
    assert_eq!(bad.status, StatusCode::BAD_REQUEST);
    assert_eq!(bad.json()["error"]["type"], "invalid_request_error");
    let unknown = message(&emulator, &json!({"model": "no-such-model"})).await;
    assert_eq!(unknown.json()["error"]["type"], "not_found_error");
    let bad = response(&emulator, &json!({"model": null})).await;
    assert_eq!(bad.json()["code"], "InvalidParameter");
    let unknown = response(&emulator, &json!({"model": "glm-5"})).await;
    assert_eq!(unknown.json()["code"], "ModelNotFound");
    // What comes too fast is a response that failed.
    emulator
        .script(&json!({"rules": [{"status": 429}]}))
        .unwrap();
    let throttled = response(&emulator, &json!({})).await;
    assert_eq!(
        (throttled.status, &throttled.json()["status"]),
        (StatusCode::OK, &json!("failed"))
    );
    let throttled = message(&emulator, &json!({})).await;
    assert_eq!(throttled.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(throttled.json()["error"]["type"], "rate_limit_error");
}

#[tokio::test]
async fn a_key_may_stand_in_either_header_of_a_message() {
    let emulator = start().await;
    for (host, name, value, expected) in [
        (STANDARD, "x-api-key", STANDARD_KEY, StatusCode::OK),
        (STANDARD, "x-api-key", "sk-wrong", StatusCode::UNAUTHORIZED),
        (CODING, "x-api-key", STANDARD_KEY, StatusCode::UNAUTHORIZED),
        (STANDARD, "x-nothing", "x", StatusCode::UNAUTHORIZED),
    ] {
        let target = format!("/{host}/apps/anthropic/v1/messages");
        let body = json!({"model": "qwen3.5-plus", "max_tokens": 9, "messages": [{"role": "user", "content": "a"}]});
        let mut asked = request(Method::POST, &target, "", body.to_string());
        asked.headers_mut().insert(name, value.parse().unwrap());
        let mut connection = Connection::open(emulator.addr()).await;
        let answer = connection.send(asked).await.unwrap().read().await;
        assert_eq!(answer.status, expected, "{host} {name}");
    }
    let absent = post(
        &emulator,
        &format!("/{CODING}/v1/responses"),
        STANDARD_KEY,
        &json!({}),
    )
    .await;
    assert_eq!((absent.status, absent.text()), (StatusCode::NOT_FOUND, ""));
}
