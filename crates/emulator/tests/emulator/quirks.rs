//! Every quirk of chat completions, as a client sees it.

use serde_json::{Value, json};

use crate::support::{Answer, chat, chat_request, start};

async fn ask(quirk: &str, extra: &Value) -> Answer {
    let emulator = start().await;
    let rule = json!({"rules": [{"quirks": [quirk]}]});
    emulator.script(&rule).unwrap();
    chat(&emulator, &chat_request(extra)).await
}

fn tools(stream: bool) -> Value {
    let tool = |name: &str| json!({"type": "function", "function": {"name": name, "parameters": {"type": "object"}}});
    let text = r#"weather {"city": "Paris"} clock {"city": "Rome"}"#;
    json!({"stream": stream, "tools": [tool("weather"), tool("clock")], "parallel_tool_calls": true,
        "messages": [{"role": "user", "content": text}]})
}

/// Returns what the entries of all tool call lists hold at `pointer`, and the finish reason.
async fn entries(quirk: &str, pointer: &str) -> (Vec<Value>, Value) {
    let answer = ask(quirk, &tools(true)).await;
    let chunks = answer.chunks();
    let choices = || chunks.iter().filter_map(|chunk| chunk["choices"].get(0));
    let lists = choices().filter_map(|choice| choice["delta"]["tool_calls"].as_array());
    let values = lists
        .flatten()
        .map(|entry| entry.pointer(pointer).cloned().unwrap_or(json!("absent")));
    let reason = choices()
        .map(|choice| &choice["finish_reason"])
        .rfind(|reason| !reason.is_null());
    (values.collect(), reason.cloned().unwrap_or_default())
}

#[tokio::test]
async fn calls_are_named_in_every_way() {
    let (indexes, reason) = entries("zero_index", "/index").await;
    assert!(indexes.iter().all(|index| *index == 0));
    assert_eq!(reason, "tool_calls");
    assert!(
        entries("no_index", "/index")
            .await
            .0
            .iter()
            .all(|index| index == "absent")
    );
    assert!(
        entries("no_call_id", "/id")
            .await
            .0
            .iter()
            .all(|id| id == "absent")
    );
    let (ids, _) = entries("new_call_ids", "/id").await;
    assert_eq!(
        (&ids[0], &ids[1]),
        (&json!("call_new_1"), &json!("call_new_2"))
    );
    let (names, _) = entries("restated_calls", "/function/name").await;
    assert_eq!(names.iter().filter(|name| *name == "weather").count(), 3);
    let (arguments, _) = entries("split_entries", "/function/arguments").await;
    assert!(arguments.len() > names.len());
    assert_eq!(entries("finish_stop", "/id").await.1, "stop");
    assert_eq!(entries("no_finish", "/id").await.1, Value::Null);
}

#[tokio::test]
async fn arguments_are_written_in_every_way() {
    for (quirk, expected) in [
        ("arguments_python", json!("{'city': 'Paris'}")),
        ("arguments_cut", json!("{\"city\": \"Paris\"")),
        ("arguments_object", json!({"city": "Paris"})),
    ] {
        let (arguments, _) = entries(quirk, "/function/arguments").await;
        assert!(arguments.contains(&expected), "{quirk}: {arguments:?}");
    }
    let (arguments, _) = entries("arguments_twice", "/function/arguments").await;
    let n_said = arguments
        .iter()
        .filter(|text| *text == "{\"city\": \"Paris\"}")
        .count();
    assert_eq!(n_said, 2);
    let whole = ask("arguments_twice", &tools(false)).await.json();
    let call = &whole["choices"][0]["message"]["tool_calls"][0];
    assert_eq!(
        call["function"]["arguments"],
        "{\"city\": \"Paris\"}{\"city\": \"Paris\"}"
    );
}

#[tokio::test]
async fn reasoning_stands_in_the_text() {
    let thinking = |stream: bool| json!({"stream": stream, "enable_thinking": true});
    let answer = ask("think_tags", &thinking(true)).await;
    let chunks = answer.chunks();
    let pieces = chunks
        .iter()
        .filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str());
    let text: String = pieces.collect();
    let whole = ask("think_tags", &thinking(false)).await.json();
    let message = &whole["choices"][0]["message"];
    assert_eq!(message["content"], text.as_str());
    assert!(
        text.starts_with("<think>\nThe user wrote") && text.contains("\n</think>\n\nYou said: ")
    );
    assert_eq!(message.get("reasoning_content"), None);
}

#[tokio::test]
async fn the_form_is_another_one() {
    let stream = json!({"stream": true});
    let whole = ask("whole_for_stream", &stream).await;
    assert_eq!(whole.json()["object"], "chat.completion");
    let events = ask("stream_for_whole", &json!({})).await;
    assert!(
        events
            .header("content-type")
            .starts_with("text/event-stream")
    );
    assert_eq!(events.events().last().unwrap(), "[DONE]");
    let plain = ask("plain_content_type", &stream).await;
    assert_eq!(plain.header("content-type"), "text/plain");
    assert_eq!(plain.events().last().unwrap(), "[DONE]");
    let refused = ask("stream_only", &json!({})).await;
    assert_eq!(refused.status.as_u16(), 400);
    assert!(refused.text().contains("only support stream mode"));
    assert_eq!(ask("stream_only", &stream).await.status.as_u16(), 200);
}
