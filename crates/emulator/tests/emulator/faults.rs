//! Every scripted fault, as a client sees it.

use std::time::{Duration, Instant};

use emulator::Emulator;
use http::Method;
use http_body_util::BodyExt;
use serde_json::{Value, json};

use crate::support::{
    CHAT, Connection, MODELS, STANDARD, STANDARD_KEY, chat, chat_request, get, joined, request,
    start,
};

async fn scripted(rule: &Value) -> Emulator {
    let emulator = start().await;
    emulator.script(&json!({"rules": [rule]})).unwrap();
    emulator
}

fn streaming() -> Value {
    chat_request(&json!({"stream": true}))
}

fn last_outcome(emulator: &Emulator) -> String {
    emulator.requests().last().unwrap()["outcome"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[tokio::test]
async fn an_error_for_a_number_of_times() {
    let rule = json!({
        "match": {"path": "/chat/completions", "model": "qwen3-max", "key": STANDARD_KEY, "host": STANDARD},
        "times": 2, "status": 429, "code": "insufficient_quota", "message": "Too much.",
        "headers": {"retry-after": "7"},
    });
    let emulator = scripted(&rule).await;
    let models = get(&emulator, &format!("/{STANDARD}{MODELS}"), STANDARD_KEY).await;
    assert_eq!(models.status.as_u16(), 200, "another path");
    for _ in 0..2 {
        let answer = chat(&emulator, &streaming()).await;
        assert_eq!(
            (answer.status.as_u16(), answer.header("retry-after")),
            (429, "7")
        );
        let expected = json!({"message": "Too much.", "type": "insufficient_quota", "param": null, "code": "insufficient_quota"});
        assert_eq!(answer.json()["error"], expected);
    }
    assert_eq!(chat(&emulator, &streaming()).await.status.as_u16(), 200);
}

#[tokio::test]
async fn errors_on_native_paths_use_the_native_envelope() {
    let emulator =
        scripted(&json!({"status": 429, "code": "Throttling.AllocationQuota", "message": "m"}))
            .await;
    let answer = get(
        &emulator,
        &format!("/{STANDARD}/api/v1/tasks/x"),
        STANDARD_KEY,
    )
    .await;
    assert_eq!(answer.json()["code"], "Throttling.AllocationQuota");
}

#[tokio::test]
async fn a_raw_body_is_sent_as_it_is() {
    let rule = json!({"status": 502, "body": "<html>bad gateway", "headers": {"content-type": "text/html"}});
    let emulator = scripted(&rule).await;
    let answer = chat(&emulator, &streaming()).await;
    assert_eq!(
        (answer.status.as_u16(), answer.text()),
        (502, "<html>bad gateway")
    );
    assert_eq!(answer.header("content-type"), "text/html");
    let emulator = scripted(&json!({"body": {"a": [1]}})).await;
    assert_eq!(chat(&emulator, &streaming()).await.text(), r#"{"a":[1]}"#);
}

#[tokio::test]
async fn delays_before_the_head_and_before_the_first_byte() {
    let wait = Duration::from_millis(80);
    for (rule, late_head) in [
        (json!({"delay_ms": 80}), true),
        (json!({"first_byte_delay_ms": 80}), false),
    ] {
        let emulator = scripted(&rule).await;
        let mut connection = Connection::open(emulator.addr()).await;
        let sent = request(
            Method::POST,
            &format!("/{STANDARD}{CHAT}"),
            STANDARD_KEY,
            streaming().to_string(),
        );
        let started = Instant::now();
        let mut stream = connection.send(sent).await.unwrap();
        let head_after = started.elapsed();
        stream.body.frame().await.unwrap().unwrap();
        assert!(started.elapsed() >= wait, "{rule}");
        assert!(!late_head || head_after >= wait, "{rule}");
        if !late_head {
            assert!(head_after < started.elapsed(), "{rule}");
        }
    }
}

#[tokio::test]
async fn cuts_after_events() {
    for n_events in [0, 1, 3] {
        let emulator = scripted(&json!({"cut_after_events": n_events})).await;
        let answer = chat(&emulator, &streaming()).await;
        assert!(answer.cut);
        assert_eq!(answer.text().matches("\n\n").count(), n_events);
        assert_eq!(last_outcome(&emulator), "cut");
    }
}

#[tokio::test]
async fn cuts_after_bytes_streamed_or_not() {
    for body in [streaming(), chat_request(&json!({}))] {
        for n_bytes in [0, 1, 100] {
            let emulator = scripted(&json!({"cut_after_bytes": n_bytes})).await;
            let answer = chat(&emulator, &body).await;
            assert_eq!((answer.cut, answer.body.len()), (true, n_bytes));
        }
    }
}

#[tokio::test]
async fn hangs_up_without_a_reply() {
    let emulator = scripted(&json!({"hang_up": true, "times": 1})).await;
    let mut connection = Connection::open(emulator.addr()).await;
    let sent = request(
        Method::POST,
        &format!("/{STANDARD}{CHAT}"),
        STANDARD_KEY,
        streaming().to_string(),
    );
    assert!(connection.send(sent).await.is_err());
    assert_eq!(chat(&emulator, &streaming()).await.status.as_u16(), 200);
}

#[tokio::test]
async fn garbage_is_neither_text_nor_json() {
    let emulator = scripted(&json!({"garbage": true})).await;
    let answer = chat(&emulator, &streaming()).await;
    assert_eq!(answer.status.as_u16(), 200);
    assert_eq!(
        answer.header("content-type"),
        "text/event-stream;charset=UTF-8"
    );
    assert!(std::str::from_utf8(&answer.body).is_err());
}

#[tokio::test]
async fn an_error_event_inside_a_stream_ends_it() {
    for after in [0, 2] {
        let rule = json!({"stream_error_after_events": after, "status": 429, "code": "Throttling.ResourceExhausted", "message": "busy"});
        let emulator = scripted(&rule).await;
        let answer = chat(&emulator, &streaming()).await;
        assert_eq!((answer.status.as_u16(), answer.cut), (200, false));
        let events = answer.events();
        assert_eq!(events.len(), after + 1);
        let last: Value = serde_json::from_str(events.last().unwrap()).unwrap();
        let expected = json!({"message": "busy", "type": "Throttling.ResourceExhausted", "param": null, "code": "Throttling.ResourceExhausted"});
        assert_eq!(last["error"], expected);
        assert_eq!(last["request_id"], answer.header("x-request-id"));
        assert_eq!(last_outcome(&emulator), "complete");
    }
}

#[tokio::test]
async fn pieces_are_small_and_make_up_the_same_stream() {
    let emulator = start().await;
    let plain = chat(&emulator, &streaming()).await.body;
    emulator.reset();
    emulator
        .script(&json!({"rules": [{"chunk_bytes": 7}]}))
        .unwrap();
    let mut connection = Connection::open(emulator.addr()).await;
    let sent = request(
        Method::POST,
        &format!("/{STANDARD}{CHAT}"),
        STANDARD_KEY,
        streaming().to_string(),
    );
    let (frames, cut) = connection.send(sent).await.unwrap().frames().await;
    assert!(!cut);
    assert!(frames.iter().all(|frame| frame.len() <= 7));
    assert_eq!(frames.concat(), plain);
}

#[tokio::test]
async fn a_trickle_takes_its_time() {
    let emulator = scripted(&json!({"trickle_delay_ms": 10, "chunks": 5})).await;
    let started = Instant::now();
    let answer = chat(&emulator, &streaming()).await;
    // The opening, five chunks, the finish: each is followed by a wait.
    assert!(started.elapsed() >= Duration::from_millis(70));
    assert_eq!(answer.chunks().len(), 7);
}

#[tokio::test]
async fn plays_back_raw_events() {
    for (rule, expected) in [
        (
            json!({"events": ["{\"a\":1}", "not json"]}),
            vec!["{\"a\":1}", "not json", "[DONE]"],
        ),
        (json!({"events": ["x", "[DONE]"]}), vec!["x", "[DONE]"]),
        (json!({"events": ["x"], "done": false}), vec!["x"]),
    ] {
        let emulator = scripted(&rule).await;
        assert_eq!(chat(&emulator, &streaming()).await.events(), expected);
    }
}

#[tokio::test]
async fn playback_still_wants_the_right_key() {
    let emulator = scripted(&json!({"events": ["x"]})).await;
    let answer = crate::support::post(
        &emulator,
        &format!("/{STANDARD}{CHAT}"),
        "sk-wrong",
        &streaming(),
    )
    .await;
    assert_eq!(answer.status.as_u16(), 401);
}

#[tokio::test]
async fn answers_of_a_given_number_of_chunks() {
    let emulator = scripted(&json!({"chunks": 300})).await;
    let chunks = chat(&emulator, &streaming()).await.chunks();
    assert_eq!(chunks.len(), 302);
    assert_eq!(joined(&chunks, "content"), "word ".repeat(300));
    let whole = chat(&emulator, &chat_request(&json!({}))).await.json();
    assert_eq!(whole["usage"]["completion_tokens"], 300);
}

#[tokio::test]
async fn a_status_below_400_only_replaces_the_status() {
    let emulator = scripted(&json!({"status": 203, "events": ["x"]})).await;
    let answer = chat(&emulator, &streaming()).await;
    assert_eq!((answer.status.as_u16(), answer.events().len()), (203, 2));
}
