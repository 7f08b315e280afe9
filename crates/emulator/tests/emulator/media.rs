//! Images, speech and transcription: recorded requests are answered with real files, bad ones in the service's words.

use bytes::Bytes;
use emulator::Emulator;
use http::{Method, Request};
use http_body_util::Full;
use serde_json::{Value, json};

use crate::support::{Answer, Connection, STANDARD, STANDARD_KEY, post, start};

async fn send(emulator: &Emulator, method: Method, target: &str, row: &Value) -> Answer {
    let mut request = Request::builder()
        .method(method)
        .uri(target)
        .header("host", emulator.addr().to_string())
        .header("authorization", format!("Bearer {STANDARD_KEY}"));
    if row["async"] == true {
        request = request.header("x-dashscope-async", "enable");
    }
    let request = request.body(Full::new(Bytes::from(row["body"].to_string())));
    let mut connection = Connection::open(emulator.addr()).await;
    connection
        .send(request.unwrap())
        .await
        .unwrap()
        .read()
        .await
}

async fn ask(emulator: &Emulator, row: &Value) -> Answer {
    let at = row["at"].as_str().unwrap();
    let target = format!("/{STANDARD}/api/v1/services/{at}");
    send(emulator, Method::POST, &target, row).await
}

/// Gets what a link leads to; links lead back to the emulator.
async fn follow(emulator: &Emulator, link: &str) -> Answer {
    let origin = format!("http://{}", emulator.addr());
    let target = link.strip_prefix(&origin).unwrap();
    send(emulator, Method::GET, target, &json!({})).await
}

fn rows(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}

#[tokio::test]
async fn recorded_requests_are_answered_with_real_files() {
    let emulator = start().await;
    emulator
        .configure_tasks(&json!({"pending_ms": 0, "running_ms": 0}))
        .unwrap();
    for row in rows(include_str!("../data/media-requests.jsonl")) {
        let mut answer = ask(&emulator, &row).await;
        assert_eq!(answer.status, 200, "{row}: {}", answer.text());
        if row["async"] == true {
            let id = answer.json()["output"]["task_id"].clone();
            let target = format!("/{STANDARD}/api/v1/tasks/{}", id.as_str().unwrap());
            answer = send(&emulator, Method::GET, &target, &json!({})).await;
            assert_eq!(answer.json()["output"]["task_status"], "SUCCEEDED");
        }
        let answer = answer.json();
        if let Some(pointer) = row["text"].as_str() {
            let text = answer.pointer(pointer).unwrap().as_str().unwrap();
            assert!(text.contains("example.invalid"), "{answer}");
            continue;
        }
        let link = answer.pointer(row["link"].as_str().unwrap());
        let link = link.unwrap_or_else(|| panic!("{row}: {answer}"));
        let file = follow(&emulator, link.as_str().unwrap()).await;
        assert_eq!(file.status, 200);
        let begins = row["begins"].as_str().unwrap();
        assert!(
            hex(&file.body[..8.min(file.body.len())]).starts_with(begins),
            "{row}"
        );
    }
}

#[tokio::test]
async fn what_the_service_refuses_is_refused_in_its_words() {
    let emulator = start().await;
    for row in rows(include_str!("../data/media-refusals.jsonl")) {
        let answer = ask(&emulator, &row).await;
        assert!(answer.status.is_client_error(), "{row}");
        let said = row["said"].as_str().unwrap();
        assert!(answer.text().contains(said), "{row}: {}", answer.text());
        assert!(answer.json()["code"].is_string(), "{row}");
    }
}

#[tokio::test]
async fn speech_that_was_made_is_understood_again() {
    let emulator = start().await;
    let row = json!({
        "at": "aigc/multimodal-generation/generation",
        "body": {"model": "qwen3-tts-flash", "input": {"text": "open the claw", "voice": "Ethan"}},
    });
    let answer = ask(&emulator, &row).await.json();
    let link = answer["output"]["audio"]["url"]
        .as_str()
        .unwrap()
        .to_owned();
    let chat = json!({
        "model": "qwen3-asr-flash",
        "messages": [{"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": link}}]}],
        "asr_options": {"enable_itn": false},
    });
    let target = format!("/{STANDARD}/compatible-mode/v1/chat/completions");
    let heard = post(&emulator, &target, STANDARD_KEY, &chat).await.json();
    let message = &heard["choices"][0]["message"];
    assert_eq!(message["content"], "open the claw");
    assert_eq!(message["annotations"][0]["type"], "audio_info");
}
