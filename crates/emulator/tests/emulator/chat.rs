//! What the emulated models say.

use serde_json::{Value, json};

use crate::support::{CHAT, chat, chat_request, joined, post, start};

fn content(answer: &Value) -> &str {
    answer["choices"][0]["message"]["content"].as_str().unwrap()
}

fn tool(name: &str) -> Value {
    json!({"type": "function", "function": {"name": name, "parameters": {
        "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"],
    }}})
}

#[tokio::test]
async fn repeats_the_user_the_same_way_streamed_or_not() {
    let emulator = start().await;
    let whole = chat(&emulator, &chat_request(&json!({}))).await.json();
    assert_eq!(content(&whole), "You said: hello there");
    let chunks = chat(&emulator, &chat_request(&json!({"stream": true})))
        .await
        .chunks();
    assert_eq!(joined(&chunks, "content"), "You said: hello there");
}

#[tokio::test]
async fn repeats_itself_after_a_reset() {
    let emulator = start().await;
    let body = chat_request(&json!({"stream": true}));
    let first = chat(&emulator, &body).await;
    let second = chat(&emulator, &body).await;
    assert_ne!(first.body, second.body, "request ids differ");
    emulator.reset();
    assert_eq!(chat(&emulator, &body).await.body, first.body);
}

#[tokio::test]
async fn usage_is_streamed_only_when_asked_for() {
    let emulator = start().await;
    let whole = chat(&emulator, &chat_request(&json!({}))).await.json();
    for (options, asked) in [
        (json!({}), false),
        (json!({"stream_options": null}), false),
        (json!({"stream_options": {"include_usage": false}}), false),
        (json!({"stream_options": {"include_usage": true}}), true),
    ] {
        let mut body = chat_request(&json!({"stream": true}));
        body.as_object_mut()
            .unwrap()
            .extend(options.as_object().unwrap().clone());
        let chunks = chat(&emulator, &body).await.chunks();
        let with_usage: Vec<&Value> = chunks
            .iter()
            .filter(|chunk| !chunk["usage"].is_null())
            .collect();
        assert_eq!(with_usage.len(), usize::from(asked), "{options}");
        if asked {
            let last = chunks.last().unwrap();
            assert_eq!(
                (&last["choices"], &last["usage"]),
                (&json!([]), &whole["usage"])
            );
        }
    }
}

#[tokio::test]
async fn models_that_always_think_do_so_unasked_and_count_it() {
    let emulator = start().await;
    let answer = chat(&emulator, &chat_request(&json!({"model": "MiniMax-M2.5"})))
        .await
        .json();
    let message = &answer["choices"][0]["message"];
    assert!(!message["reasoning_content"].as_str().unwrap().is_empty());
    let usage = &answer["usage"];
    let reasoning = usage["completion_tokens_details"]["reasoning_tokens"]
        .as_u64()
        .unwrap();
    assert!(reasoning > 0 && reasoning < usage["completion_tokens"].as_u64().unwrap());
}

#[tokio::test]
async fn a_thinking_budget_shortens_the_thinking() {
    let emulator = start().await;
    let thinking =
        |budget: u64| chat_request(&json!({"enable_thinking": true, "thinking_budget": budget}));
    let answer = chat(&emulator, &thinking(2)).await.json();
    assert_eq!(
        answer["usage"]["completion_tokens_details"]["reasoning_tokens"],
        2
    );
}

#[tokio::test]
async fn effort_makes_the_newest_models_think() {
    let emulator = start().await;
    for (effort, thinks) in [("none", false), ("low", true), ("xhigh", true)] {
        let body = chat_request(&json!({"model": "qwen3.8-max", "reasoning_effort": effort}));
        let answer = chat(&emulator, &body).await.json();
        let thought = answer["choices"][0]["message"].get("reasoning_content");
        assert_eq!(thought.is_some(), thinks, "{effort}");
    }
}

#[tokio::test]
async fn streamed_tool_calls_carry_the_id_once() {
    let emulator = start().await;
    let body = chat_request(&json!({
        "stream": true,
        "tools": [tool("weather"), tool("clock")],
        "parallel_tool_calls": true,
        "messages": [{"role": "user", "content": "clock {\"city\": \"Paris\"} and weather"}],
    }));
    let chunks = chat(&emulator, &body).await.chunks();
    let fragments: Vec<&Value> = chunks
        .iter()
        .filter_map(|chunk| chunk["choices"][0]["delta"]["tool_calls"].get(0))
        .collect();
    for (index, name, arguments) in [
        (0, "clock", r#"{"city": "Paris"}"#),
        (1, "weather", r#"{"city": "example"}"#),
    ] {
        let own: Vec<&&Value> = fragments
            .iter()
            .filter(|fragment| fragment["index"] == index)
            .collect();
        assert_eq!(own[0]["function"]["name"], name);
        assert!(own[0]["id"].as_str().unwrap().starts_with("call_"));
        assert!(own[1..].iter().all(|fragment| fragment["id"] == ""));
        let joined: String = own
            .iter()
            .map(|fragment| fragment["function"]["arguments"].as_str().unwrap())
            .collect();
        assert_eq!(joined, arguments);
    }
    let finish = &chunks.last().unwrap()["choices"][0];
    assert_eq!(
        (&finish["finish_reason"], &finish["delta"]),
        (&json!("tool_calls"), &json!({}))
    );
}

#[tokio::test]
async fn one_call_unless_parallel_and_text_after_the_tool_answered() {
    let emulator = start().await;
    let user = json!({"role": "user", "content": "use weather and clock"});
    let tools = json!([tool("weather"), tool("clock")]);
    let first = chat(
        &emulator,
        &chat_request(&json!({"tools": tools, "messages": [user]})),
    )
    .await
    .json();
    let message = first["choices"][0]["message"].clone();
    assert_eq!(message["tool_calls"].as_array().unwrap().len(), 1);
    assert_eq!(first["choices"][0]["finish_reason"], "tool_calls");
    let reply =
        json!({"role": "tool", "tool_call_id": message["tool_calls"][0]["id"], "content": "sunny"});
    let body = chat_request(&json!({"tools": tools, "messages": [user, message, reply]}));
    let second = chat(&emulator, &body).await.json();
    assert_eq!(content(&second), "The tool said: sunny");
}

#[tokio::test]
async fn json_modes_answer_with_json() {
    let emulator = start().await;
    let body = chat_request(&json!({
        "response_format": {"type": "json_object"},
        "messages": [{"role": "user", "content": "Some JSON, please"}],
    }));
    let answer = chat(&emulator, &body).await.json();
    assert_eq!(content(&answer), r#"{"you_said":"Some JSON, please"}"#);

    let schema = json!({"type": "object", "required": ["ok"], "properties": {
        "ok": {"type": "boolean"}, "kind": {"enum": ["a", "b"]}, "sizes": {"type": "array", "items": {"type": "integer"}},
    }});
    let body = chat_request(&json!({
        "response_format": {"type": "json_schema", "json_schema": {"name": "x", "strict": true, "schema": schema}},
    }));
    let answer = chat(&emulator, &body).await.json();
    let made: Value = serde_json::from_str(content(&answer)).unwrap();
    assert_eq!(made, json!({"ok": true, "kind": "a", "sizes": [1]}));
}

#[tokio::test]
async fn vision_models_describe_images_and_others_refuse_them() {
    let emulator = start().await;
    let png = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAIAAAADCAIAAAA2iEnW";
    let messages = json!([{"role": "user", "content": [
        {"type": "text", "text": "what is this?"},
        {"type": "image_url", "image_url": {"url": png}},
        {"type": "image_url", "image_url": {"url": "https://example.com/cat.jpg"}},
    ]}]);
    let seeing = chat_request(&json!({"model": "qwen-vl-max-latest", "messages": messages}));
    let answer = chat(&emulator, &seeing).await.json();
    assert_eq!(
        content(&answer),
        "I see 2 images. image 1: png 2x3; image 2: url https://example.com/cat.jpg. You said: what is this?"
    );
    let details = &answer["usage"]["prompt_tokens_details"];
    assert!(details["image_tokens"].as_u64().unwrap() > 0);
    let blind = chat(&emulator, &chat_request(&json!({"messages": messages}))).await;
    assert_eq!(
        (
            blind.status.as_u16(),
            blind.json()["error"]["code"].as_str()
        ),
        (400, Some("invalid_parameter_error"))
    );
}

#[tokio::test]
async fn limits_and_stop_words_end_an_answer() {
    let emulator = start().await;
    for (extra, text, finish, tokens) in [
        (json!({"max_tokens": 2}), "You said", "length", 2),
        (json!({"max_completion_tokens": 2}), "You said", "length", 2),
        (json!({"stop": " there"}), "You said: hello", "stop", 4),
        (json!({"stop": ["nothing", "said"]}), "You ", "stop", 1),
        (
            json!({"max_tokens": 100}),
            "You said: hello there",
            "stop",
            6,
        ),
    ] {
        let answer = chat(&emulator, &chat_request(&extra)).await.json();
        assert_eq!(content(&answer), text, "{extra}");
        assert_eq!(answer["choices"][0]["finish_reason"], finish, "{extra}");
        assert_eq!(answer["usage"]["completion_tokens"], tokens, "{extra}");
    }
}

#[tokio::test]
async fn several_choices_are_streamed_side_by_side() {
    let emulator = start().await;
    let body = chat_request(&json!({"model": "qwen-turbo", "n": 2, "stream": true}));
    let chunks = chat(&emulator, &body).await.chunks();
    for index in 0..2 {
        let text: String = chunks
            .iter()
            .filter(|chunk| chunk["choices"][0]["index"] == index)
            .filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str())
            .collect();
        assert_eq!(text, "You said: hello there");
    }
    let finished = chunks
        .iter()
        .filter(|chunk| chunk["choices"][0]["finish_reason"] == "stop")
        .count();
    assert_eq!(finished, 2);
}

#[tokio::test]
async fn limits_follow_the_plan() {
    let emulator = start().await;
    let body = json!({
        "model": "kimi-k2.5", "max_tokens": 50_000, "messages": [{"role": "user", "content": "hi"}],
    });
    let token_host = "token-plan.ap-southeast-1.maas.aliyuncs.com";
    let on_token_plan = post(
        &emulator,
        &format!("/{token_host}{CHAT}"),
        "sk-sp-emulator-token-intl",
        &body,
    )
    .await;
    assert_eq!(on_token_plan.status.as_u16(), 200);
    let on_standard = chat(&emulator, &body).await;
    assert_eq!(
        on_standard.json()["error"]["message"],
        "Range of max_tokens should be [1, 32768]"
    );
}
