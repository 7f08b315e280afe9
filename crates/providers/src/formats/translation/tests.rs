use std::collections::BTreeMap;

use http_body_util::{BodyExt, Full};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::formats::Format;
use crate::formats::inbound::{Answering, Inbound};

fn answering(format: Format) -> Answering {
    let body = json!({"model": "m", "input": "x", "max_tokens": 9, "messages": [{"role": "user", "content": "x"}]});
    let inbound = Inbound::parse(format, &Bytes::from(body.to_string())).unwrap();
    let identity = Identity {
        seed: "s".to_owned(),
        model: "up".to_owned(),
        created_at_s: 7,
    };
    inbound.answering(identity).unwrap()
}

fn chunk(delta: &Value, finish: &Value) -> String {
    let chunk =
        json!({"choices": [{"index": 0, "delta": delta, "finish_reason": finish}], "usage": null});
    format!("data: {chunk}\n\n")
}

fn call(index: usize, id: &str, name: &str, arguments: &str) -> Value {
    json!({"tool_calls": [{"index": index, "id": id, "type": "function", "function": {"name": name, "arguments": arguments}}]})
}

const USAGE: &str = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":11,\"completion_tokens\":7,\
    \"prompt_tokens_details\":{\"cached_tokens\":5},\"completion_tokens_details\":{\"reasoning_tokens\":3}}}\n\n";

/// A stream with everything: reasoning, text, two calls, the second of which begins before the first is done.
fn rich() -> String {
    let go_on = json!(null);
    [
        chunk(
            &json!({"role": "assistant", "content": null, "reasoning_content": ""}),
            &go_on,
        ),
        chunk(&json!({"content": null, "reasoning_content": "h"}), &go_on),
        chunk(&json!({"reasoning_content": "m"}), &go_on),
        chunk(&json!({"content": "one "}), &go_on),
        chunk(&json!({"content": "moment"}), &go_on),
        chunk(&call(0, "a", "f", ""), &go_on),
        chunk(&call(0, "", "", "{\"x\""), &go_on),
        chunk(&call(1, "b", "g", ""), &go_on),
        chunk(&call(0, "", "", ":1}"), &go_on),
        chunk(&call(1, "", "", "{}"), &go_on),
        chunk(&json!({}), &json!("tool_calls")),
        USAGE.to_owned(),
        "data: [DONE]\n\n".to_owned(),
    ]
    .concat()
}

/// Runs a stream through a translation, cut at `cuts`.
fn translate(format: Format, text: &str, cuts: &[usize]) -> Vec<Value> {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (text.len() + 1)).collect();
    cuts.sort_unstable();
    cuts.push(text.len());
    let mut stream = answering(format).stream(Full::new(Bytes::new()));
    let (mut out, mut at) = (Vec::new(), 0);
    for cut in cuts {
        out.extend_from_slice(
            &stream.translate(&Bytes::copy_from_slice(&text.as_bytes()[at..cut])),
        );
        at = cut;
    }
    events(std::str::from_utf8(&out).unwrap())
}

/// Reads events and checks that each is named like its type.
fn events(text: &str) -> Vec<Value> {
    let blocks = text.split("\n\n").filter(|block| !block.is_empty());
    blocks
        .map(|block| {
            let (name, data) = block.split_once('\n').unwrap();
            let data: Value = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
            assert_eq!(name, format!("event: {}", data["type"].as_str().unwrap()));
            data
        })
        .collect()
}

fn types(events: &[Value]) -> Vec<&str> {
    events
        .iter()
        .map(|event| event["type"].as_str().unwrap())
        .collect()
}

#[test]
fn responses_events_come_in_their_order() {
    let events = translate(Format::Responses, &rich(), &[]);
    let expected = [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.reasoning_summary_part.added",
        "response.reasoning_summary_text.delta",
        "response.reasoning_summary_text.delta",
        "response.reasoning_summary_text.done",
        "response.reasoning_summary_part.done",
        "response.output_item.done",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.output_item.added",
        "response.function_call_arguments.delta",
        "response.output_item.added",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.done",
        "response.output_item.done",
        "response.function_call_arguments.done",
        "response.output_item.done",
        "response.completed",
    ];
    assert_eq!(types(&events), expected);
    for (number, event) in events.iter().enumerate() {
        assert_eq!(event["sequence_number"], number);
    }
    let response = &events.last().unwrap()["response"];
    let expected = json!([
        {"id": "rs_s_0", "type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]},
        {"id": "msg_s_1", "type": "message", "status": "completed", "role": "assistant", "content": [
            {"type": "output_text", "text": "one moment", "annotations": [], "logprobs": []}]},
        {"id": "fc_s_2", "type": "function_call", "status": "completed", "call_id": "a", "name": "f", "arguments": "{\"x\":1}"},
        {"id": "fc_s_3", "type": "function_call", "status": "completed", "call_id": "b", "name": "g", "arguments": "{}"},
    ]);
    assert_eq!(response["output"], expected);
    let expected = json!({"input_tokens": 11, "input_tokens_details": {"cached_tokens": 5}, "output_tokens": 7,
        "output_tokens_details": {"reasoning_tokens": 3}, "total_tokens": 18});
    assert_eq!(response["usage"], expected);
    assert_eq!(
        (&response["model"], &response["created_at"]),
        (&json!("up"), &json!(7))
    );
}

#[test]
fn messages_events_come_in_their_order() {
    let events = translate(Format::Messages, &rich(), &[]);
    let expected = [
        "message_start",
        "ping",
        "content_block_start",
        "content_block_delta",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
        "content_block_start",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
        "content_block_start",
        "content_block_delta",
        "content_block_start",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ];
    assert_eq!(types(&events), expected);
    let mut blocks: BTreeMap<u64, String> = BTreeMap::new();
    for event in events
        .iter()
        .filter(|event| event["type"] == "content_block_delta")
    {
        let delta = &event["delta"];
        let texts =
            ["thinking", "text", "partial_json"].map(|key| delta[key].as_str().unwrap_or_default());
        blocks
            .entry(event["index"].as_u64().unwrap())
            .or_default()
            .push_str(&texts.concat());
    }
    let expected = ["hm", "one moment", "{\"x\":1}", "{}"];
    assert_eq!(blocks.into_values().collect::<Vec<_>>(), expected);
    let end = &events[events.len() - 2];
    let expected = json!({"type": "message_delta", "delta": {"stop_reason": "tool_use", "stop_sequence": null},
        "usage": {"input_tokens": 6, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 5, "output_tokens": 7}});
    assert_eq!(*end, expected);
}

#[test]
fn calls_one_after_the_other_are_closed_one_after_the_other() {
    let text = [
        chunk(&call(0, "a", "f", "{}"), &json!(null)),
        chunk(&call(1, "b", "g", "{}"), &json!(null)),
        chunk(&json!({}), &json!("stop")),
        "data: [DONE]\n\n".to_owned(),
    ];
    let events = translate(Format::Messages, &text.concat(), &[]);
    let blocks: Vec<&str> = types(&events)
        .into_iter()
        .filter(|name| name.ends_with("start") || name.ends_with("stop"))
        .collect();
    let block = ["content_block_start", "content_block_stop"];
    let expected = [
        &["message_start"],
        &block[..],
        &block[..],
        &["message_stop"],
    ]
    .concat();
    assert_eq!(blocks, expected);
    // A host that says `stop` although it calls.
    assert_eq!(events[events.len() - 2]["delta"]["stop_reason"], "tool_use");
}

#[test]
fn an_error_in_a_stream_is_the_last_event() {
    let error = "data: {\"error\":{\"message\":\"broken\",\"code\":\"c\"}}\n\n";
    let text = [
        &chunk(&json!({"content": "a"}), &json!(null)),
        error,
        "data: [DONE]\n\n",
    ]
    .concat();
    let events = translate(Format::Responses, &text, &[]);
    let last = events.last().unwrap();
    assert_eq!(last["type"], "response.failed");
    assert_eq!(
        last["response"]["error"],
        json!({"code": "c", "message": "broken"})
    );
    assert_eq!(last["response"]["status"], "failed");
    let events = translate(Format::Messages, &text, &[]);
    let expected = json!({"type": "error", "error": {"type": "api_error", "message": "broken"}});
    assert_eq!(events.last(), Some(&expected));
}

#[test]
fn whole_answers_say_the_same() {
    let chat = json!({"choices": [{"index": 0, "finish_reason": "length", "message": {
        "role": "assistant", "content": "hi", "reasoning_content": "hm"}}],
        "usage": {"prompt_tokens": 2, "completion_tokens": 1}});
    let whole = |format: Format| -> Value {
        let bytes = answering(format)
            .whole(chat.to_string().as_bytes())
            .unwrap();
        serde_json::from_slice(&bytes).unwrap()
    };
    let response = whole(Format::Responses);
    assert_eq!(response["status"], "incomplete");
    assert_eq!(
        response["incomplete_details"],
        json!({"reason": "max_output_tokens"})
    );
    assert_eq!(response["output"][1]["content"][0]["text"], "hi");
    let expected = json!({
        "id": "msg_s", "type": "message", "role": "assistant", "model": "up",
        "content": [{"type": "thinking", "thinking": "hm", "signature": ""}, {"type": "text", "text": "hi"}],
        "stop_reason": "max_tokens", "stop_sequence": null,
        "usage": {"input_tokens": 2, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0, "output_tokens": 1},
    });
    assert_eq!(whole(Format::Messages), expected);
}

#[test]
fn arguments_that_are_not_json_are_an_error_and_not_an_empty_object() {
    let chat = json!({"choices": [{"index": 0, "finish_reason": "tool_calls", "message": {
        "content": null, "tool_calls": [{"id": "a", "function": {"name": "f", "arguments": "{\"x\":"}}]}}]});
    let error = answering(Format::Messages)
        .whole(chat.to_string().as_bytes())
        .unwrap_err();
    assert!(error.to_string().contains("`f`"), "{error}");
    assert!(
        answering(Format::Messages)
            .whole(b"{\"error\":{}}")
            .is_err()
    );
}

#[tokio::test]
async fn a_stream_that_just_ends_is_ended() {
    let text = chunk(&json!({"content": "a"}), &json!("stop"));
    let stream = answering(Format::Messages).stream(Full::new(Bytes::from(text)));
    let body = stream.collect().await.unwrap().to_bytes();
    let events = events(std::str::from_utf8(&body).unwrap());
    assert_eq!(events.last().unwrap()["type"], "message_stop");
}

proptest! {
    #[test]
    fn every_split_gives_the_same(cuts in prop::collection::vec(any::<usize>(), 0..12)) {
        for format in [Format::Responses, Format::Messages] {
            prop_assert_eq!(translate(format, &rich(), &cuts), translate(format, &rich(), &[]));
        }
    }
}
