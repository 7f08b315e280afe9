//! Writes an answer as an Anthropic message.

use bytes::Bytes;
use serde_json::{Value, json};

use crate::chat::answer::{Answer, Finish, Saying, Usage};
use crate::reply::{Events, named_event};

/// What every event of a message repeats.
pub(crate) struct Heading {
    pub(crate) id: String,
    pub(crate) model: String,
}

/// Characters per fragment of tool input.
const FRAGMENT_CHARS: usize = 12;

/// Writes a whole message.
pub(crate) fn whole(heading: &Heading, answer: &Answer) -> Value {
    let thinking = answer
        .reasoning
        .iter()
        .map(|pieces| json!({"type": "thinking", "thinking": pieces.concat(), "signature": ""}));
    let mut content: Vec<Value> = thinking.collect();
    match &answer.saying {
        Saying::Text(pieces) => content.push(json!({"type": "text", "text": pieces.concat()})),
        Saying::Calls(calls) => content.extend(calls.iter().map(|call| {
            let input: Value = serde_json::from_str(&call.arguments).unwrap_or_default();
            json!({"type": "tool_use", "id": call.id, "name": call.name, "input": input})
        })),
    }
    let stop_reason = json!(stop_reason(answer.finish));
    message(heading, &content, &stop_reason, &all_counts(answer.usage))
}

/// Writes a message as events, each when it is asked for.
pub(crate) fn events(heading: &Heading, answer: Answer) -> Events {
    let counts = json!({"input_tokens": answer.usage.prompt, "output_tokens": 0});
    let start = message(heading, &[], &Value::Null, &counts);
    let mut steps = vec![
        ("message_start", json!({"message": start})),
        ("ping", json!({})),
    ];
    let mut index = 0;
    let mut block = |empty: Value, deltas: Vec<Value>| {
        steps.push((
            "content_block_start",
            json!({"index": index, "content_block": empty}),
        ));
        for delta in deltas {
            steps.push((
                "content_block_delta",
                json!({"index": index, "delta": delta}),
            ));
        }
        steps.push(("content_block_stop", json!({"index": index})));
        index += 1;
    };
    if let Some(pieces) = answer.reasoning {
        let deltas = pieces.into_iter();
        let deltas = deltas.map(|text| json!({"type": "thinking_delta", "thinking": text}));
        let signature = json!({"type": "signature_delta", "signature": ""});
        let empty = json!({"type": "thinking", "thinking": "", "signature": ""});
        block(empty, deltas.chain([signature]).collect());
    }
    match answer.saying {
        Saying::Text(pieces) => {
            let deltas = pieces.into_iter();
            let deltas = deltas.map(|text| json!({"type": "text_delta", "text": text}));
            block(json!({"type": "text", "text": ""}), deltas.collect());
        }
        Saying::Calls(calls) => {
            for call in calls {
                let characters: Vec<char> = call.arguments.chars().collect();
                let deltas = characters.chunks(FRAGMENT_CHARS).map(|part| {
                    let part: String = part.iter().collect();
                    json!({"type": "input_json_delta", "partial_json": part})
                });
                let empty =
                    json!({"type": "tool_use", "id": call.id, "name": call.name, "input": {}});
                block(empty, deltas.collect());
            }
        }
    }
    let delta = json!({"stop_reason": stop_reason(answer.finish), "stop_sequence": null});
    let end = json!({"delta": delta, "usage": all_counts(answer.usage)});
    steps.push(("message_delta", end));
    steps.push(("message_stop", json!({})));
    Box::new(
        steps
            .into_iter()
            .map(|(name, members)| event(name, members)),
    )
}

fn event(name: &str, members: Value) -> Bytes {
    let mut event = json!({"type": name});
    if let (Some(event), Value::Object(members)) = (event.as_object_mut(), members) {
        event.extend(members);
    }
    named_event(name, &event.to_string())
}

fn message(heading: &Heading, content: &[Value], stop_reason: &Value, usage: &Value) -> Value {
    json!({
        "id": heading.id,
        "type": "message",
        "role": "assistant",
        "model": heading.model,
        "content": content,
        "stop_reason": stop_reason,
        "stop_sequence": null,
        "usage": usage,
    })
}

/// All four counters, as at the end of a message; its beginning has the first and the last only.
fn all_counts(usage: Usage) -> Value {
    json!({
        "input_tokens": usage.prompt,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "output_tokens": usage.completion,
    })
}

fn stop_reason(finish: Finish) -> &'static str {
    match finish {
        Finish::Stop => "end_turn",
        Finish::Length => "max_tokens",
        Finish::ToolCalls => "tool_use",
    }
}
