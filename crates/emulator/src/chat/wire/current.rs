//! The stack recorded from `qwen3-max` in February 2026.

use serde_json::{Map, Value, json};

use super::super::answer::{Answer, Saying, Usage};
use super::{Heading, Step};

pub(super) fn whole(heading: &Heading, answer: &Answer, n_choices: u64) -> Value {
    let choices: Vec<Value> = (0..n_choices)
        .map(|index| {
            json!({
                "message": message(answer),
                "finish_reason": answer.finish.name(),
                "index": index,
                "logprobs": null,
            })
        })
        .collect();
    json!({
        "choices": choices,
        "object": "chat.completion",
        "usage": usage(answer.usage),
        "created": heading.created,
        "system_fingerprint": null,
        "model": heading.model,
        "id": heading.id,
    })
}

fn message(answer: &Answer) -> Value {
    let mut message = Map::new();
    let content = match &answer.saying {
        Saying::Text(pieces) => pieces.concat(),
        Saying::Calls(_) => String::new(),
    };
    message.insert("content".to_owned(), json!(content));
    if let Some(reasoning) = &answer.reasoning {
        message.insert("reasoning_content".to_owned(), json!(reasoning.concat()));
    }
    message.insert("role".to_owned(), json!("assistant"));
    if let Saying::Calls(calls) = &answer.saying {
        let calls: Vec<Value> = calls
            .iter()
            .enumerate()
            .map(|(index, call)| {
                json!({
                    "function": {"arguments": call.arguments, "name": call.name},
                    "id": call.id,
                    "index": index,
                    "type": "function",
                })
            })
            .collect();
        message.insert("tool_calls".to_owned(), json!(calls));
    }
    Value::Object(message)
}

/// Writes the chunk that has the given `number`, counted from 0.
pub(super) fn chunk(heading: &Heading, step: &Step, number: usize, counted: Usage) -> Value {
    let (choices, usage) = match step {
        Step::Usage => (json!([]), usage(counted)),
        _ => (json!([choice(step, number)]), Value::Null),
    };
    json!({
        "choices": choices,
        "object": "chat.completion.chunk",
        "usage": usage,
        "created": heading.created,
        "system_fingerprint": null,
        "model": heading.model,
        "id": heading.id,
    })
}

fn choice(step: &Step, number: usize) -> Value {
    let delta = delta(step);
    match step {
        Step::Open { choice, .. } => {
            json!({"delta": delta, "index": choice, "logprobs": null, "finish_reason": null})
        }
        Step::Reasoning { choice, .. } | Step::Text { choice, .. } if number == 1 => {
            json!({"finish_reason": null, "logprobs": null, "delta": delta, "index": choice})
        }
        Step::Reasoning { choice, .. } | Step::Text { choice, .. } => {
            json!({"delta": delta, "finish_reason": null, "index": choice, "logprobs": null})
        }
        Step::Call { .. } | Step::Arguments { .. } | Step::Usage => {
            json!({"delta": delta, "finish_reason": null, "index": 0, "logprobs": null})
        }
        Step::CallEnd { .. } => json!({"delta": delta, "index": 0}),
        Step::Finish { choice, reason, .. } => {
            json!({"finish_reason": reason.name(), "delta": delta, "index": choice, "logprobs": null})
        }
    }
}

fn delta(step: &Step) -> Value {
    match step {
        Step::Open { thinking: true, .. } => {
            json!({"content": null, "role": "assistant", "reasoning_content": ""})
        }
        Step::Open {
            thinking: false, ..
        } => json!({"content": "", "role": "assistant"}),
        Step::Reasoning { text, .. } => json!({"content": null, "reasoning_content": text}),
        Step::Text {
            text,
            thinking: true,
            ..
        } => json!({"content": text, "reasoning_content": null}),
        Step::Text {
            text,
            thinking: false,
            ..
        } => json!({"content": text}),
        Step::Call {
            index,
            id,
            name,
            opens,
        } => call(*index, id, name, *opens),
        Step::Arguments { index, text, .. } => json!({
            "content": null,
            "tool_calls": [{"index": index, "id": "", "type": "function", "function": {"arguments": text}}],
        }),
        Step::CallEnd { index } => json!({
            "tool_calls": [{"function": {"arguments": ""}, "index": index, "id": "", "type": "function"}],
        }),
        Step::Finish {
            reason: super::Finish::ToolCalls,
            ..
        }
        | Step::Usage => json!({}),
        Step::Finish { thinking: true, .. } => json!({"content": "", "reasoning_content": null}),
        Step::Finish {
            thinking: false, ..
        } => json!({"content": ""}),
    }
}

fn call(index: usize, id: &str, name: &str, opens: bool) -> Value {
    let fragment = json!({"index": index, "id": id, "type": "function", "function": {"name": name, "arguments": ""}});
    if opens {
        json!({"content": null, "tool_calls": [fragment], "role": "assistant"})
    } else {
        json!({"content": null, "tool_calls": [fragment]})
    }
}

fn usage(counted: Usage) -> Value {
    let mut usage = Map::new();
    usage.insert("prompt_tokens".to_owned(), json!(counted.prompt));
    usage.insert("completion_tokens".to_owned(), json!(counted.completion));
    usage.insert(
        "total_tokens".to_owned(),
        json!(counted.prompt + counted.completion),
    );
    if let Some(reasoning) = counted.reasoning {
        usage.insert(
            "completion_tokens_details".to_owned(),
            json!({"reasoning_tokens": reasoning}),
        );
    }
    let details = match counted.image {
        Some(image) => json!({
            "cached_tokens": 0,
            "text_tokens": counted.prompt.saturating_sub(image),
            "image_tokens": image,
        }),
        None => json!({"cached_tokens": 0}),
    };
    usage.insert("prompt_tokens_details".to_owned(), details);
    Value::Object(usage)
}
