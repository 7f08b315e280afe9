//! Our streams and replies have the shape of recorded ones: same keys, same
//! order, same nulls and empty strings, in the same sequence.

use serde_json::{Value, json};

use crate::support::{chat, start};

/// Writes a value with its texts and numbers blurred, keeping keys, order, nulls and `""`.
fn shape(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) => "bool".to_owned(),
        Value::Number(_) => "number".to_owned(),
        Value::String(text) if text.is_empty() => "\"\"".to_owned(),
        Value::String(text)
            if ["assistant", "function", "stop", "tool_calls"].contains(&text.as_str()) =>
        {
            text.clone()
        }
        Value::String(_) => "text".to_owned(),
        Value::Array(items) => format!(
            "[{}]",
            items.iter().map(shape).collect::<Vec<_>>().join(",")
        ),
        Value::Object(map) => {
            let members: Vec<String> = map
                .iter()
                .map(|(key, value)| format!("{key}:{}", shape(value)))
                .collect();
            format!("{{{}}}", members.join(","))
        }
    }
}

/// The shapes of a stream, with repetitions left out.
fn shapes(chunks: &[Value]) -> Vec<String> {
    let mut shapes: Vec<String> = chunks.iter().map(shape).collect();
    shapes.dedup();
    shapes
}

fn recorded(lines: &str) -> Vec<Value> {
    lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn asking(extra: &Value) -> Value {
    let mut body = json!({
        "messages": [{"role": "user", "content": "Ask weather about the city of San Francisco."}],
        "stream": true,
        "stream_options": {"include_usage": true},
    });
    body.as_object_mut()
        .unwrap()
        .extend(extra.as_object().unwrap().clone());
    body
}

fn weather() -> Value {
    json!([{"type": "function", "function": {"name": "weather", "parameters": {
        "type": "object",
        "properties": {"location": {"type": "string"}, "unit": {"enum": ["fahrenheit"]}},
    }}}])
}

async fn assert_same_stream(extra: &Value, lines: &str) {
    let emulator = start().await;
    let answer = chat(&emulator, &asking(extra)).await;
    assert_eq!(
        answer.header("content-type"),
        "text/event-stream;charset=UTF-8"
    );
    assert_eq!(answer.header("vary"), "Origin");
    assert_eq!(shapes(&answer.chunks()), shapes(&recorded(lines)));
}

#[tokio::test]
async fn text_stream_of_the_current_stack() {
    let lines = include_str!("../data/qwen3-max-text.chunks.txt");
    assert_same_stream(&json!({"model": "qwen3-max"}), lines).await;
}

#[tokio::test]
async fn thinking_stream_of_the_current_stack() {
    let lines = include_str!("../data/qwen3-max-reasoning.chunks.txt");
    assert_same_stream(
        &json!({"model": "qwen3-max", "enable_thinking": true}),
        lines,
    )
    .await;
}

#[tokio::test]
async fn tool_call_stream_of_the_current_stack() {
    let lines = include_str!("../data/qwen3-max-tool-call.chunks.txt");
    assert_same_stream(&json!({"model": "qwen3-max", "tools": weather()}), lines).await;
}

#[tokio::test]
async fn text_stream_of_the_classic_stack() {
    let lines = include_str!("../data/qwen-turbo-text.chunks.txt");
    assert_same_stream(&json!({"model": "qwen-turbo"}), lines).await;
}

#[tokio::test]
async fn tool_call_stream_of_the_classic_stack() {
    let lines = include_str!("../data/qwen-plus-tool-call.chunks.txt");
    assert_same_stream(&json!({"model": "qwen-plus", "tools": weather()}), lines).await;
}

#[tokio::test]
async fn whole_replies_of_the_current_stack() {
    let emulator = start().await;
    for (extra, text) in [
        (json!({}), include_str!("../data/qwen3-max-text.json")),
        (
            json!({"enable_thinking": true}),
            include_str!("../data/qwen3-max-reasoning.json"),
        ),
        (
            json!({"tools": weather()}),
            include_str!("../data/qwen3-max-tool-call.json"),
        ),
    ] {
        let mut body = asking(&extra);
        body["model"] = json!("qwen3-max");
        body["stream"] = json!(false);
        let answer = chat(&emulator, &body).await;
        let expected: Value = serde_json::from_str(text).unwrap();
        assert_eq!(shape(&answer.json()), shape(&expected));
    }
}

#[tokio::test]
async fn replies_carry_the_recorded_headers() {
    let emulator = start().await;
    let answer = chat(
        &emulator,
        &json!({"model": "qwen3-max", "messages": [{"role": "user", "content": "hi"}]}),
    )
    .await;
    let expected = [
        ("content-type", "application/json"),
        ("x-dashscope-call-gateway", "true"),
        ("server", "istio-envoy"),
        ("transfer-encoding", "chunked"),
        ("x-openclaw-emulator", "1"),
    ];
    for (name, value) in expected {
        assert_eq!(answer.header(name), value, "{name}");
    }
    for name in [
        "req-cost-time",
        "req-arrive-time",
        "resp-start-time",
        "x-envoy-upstream-service-time",
    ] {
        assert!(answer.header(name).parse::<u64>().is_ok(), "{name}");
    }
    assert_eq!(
        answer.json()["id"],
        format!("chatcmpl-{}", answer.header("x-request-id"))
    );
    assert!(answer.headers.get("retry-after").is_none());
}
