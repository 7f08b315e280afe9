//! The stack recorded from `qwen-turbo` and `qwen-plus` in 2026: `role` is null
//! in later chunks, and the second tool fragment repeats the call id.

use serde_json::{Map, Value, json};

use super::super::answer::{Answer, Finish, Saying, Usage};
use super::{Heading, Step};

pub(super) fn whole(heading: &Heading, answer: &Answer, n_choices: u64) -> Value {
    let choices: Vec<Value> = (0..n_choices)
        .map(|index| {
            json!({"message": message(answer), "index": index, "finish_reason": answer.finish.name()})
        })
        .collect();
    json!({
        "model": heading.model,
        "id": heading.id,
        "choices": choices,
        "created": heading.created,
        "object": "chat.completion",
        "usage": usage(answer.usage),
    })
}

fn message(answer: &Answer) -> Value {
    let mut message = Map::new();
    match &answer.saying {
        Saying::Text(pieces) => {
            message.insert("content".to_owned(), json!(pieces.concat()));
        }
        Saying::Calls(calls) => {
            let calls: Vec<Value> = calls
                .iter()
                .enumerate()
                .map(|(index, call)| {
                    json!({
                        "index": index,
                        "id": call.id,
                        "type": "function",
                        "function": {"name": call.name, "arguments": call.arguments},
                    })
                })
                .collect();
            message.insert("content".to_owned(), json!(""));
            message.insert("tool_calls".to_owned(), json!(calls));
        }
    }
    if let Some(reasoning) = &answer.reasoning {
        message.insert("reasoning_content".to_owned(), json!(reasoning.concat()));
    }
    message.insert("role".to_owned(), json!("assistant"));
    Value::Object(message)
}

pub(super) fn chunk(heading: &Heading, step: &Step, counted: Usage) -> Value {
    let Heading { id, model, created } = heading;
    let object = "chat.completion.chunk";
    match step {
        Step::Open { .. } | Step::Call { opens: true, .. } => json!({
            "model": model, "id": id, "created": created, "object": object, "usage": null,
            "choices": [choice(step)],
        }),
        Step::Usage => json!({
            "model": model, "id": id, "choices": [], "created": created, "object": object,
            "usage": usage(counted),
        }),
        _ => json!({
            "model": model, "id": id, "choices": [choice(step)], "created": created, "object": object,
            "usage": null,
        }),
    }
}

fn choice(step: &Step) -> Value {
    let delta = delta(step);
    match step {
        Step::Open { choice, .. } => json!({"logprobs": null, "index": choice, "delta": delta}),
        Step::Call { opens: true, .. } => json!({"logprobs": null, "index": 0, "delta": delta}),
        Step::Reasoning { choice, .. } | Step::Text { choice, .. } => {
            json!({"delta": delta, "index": choice})
        }
        Step::Finish { choice, reason, .. } => {
            json!({"delta": delta, "index": choice, "finish_reason": reason.name()})
        }
        Step::Call { .. } | Step::Arguments { .. } | Step::CallEnd { .. } | Step::Usage => {
            json!({"delta": delta, "index": 0})
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
        Step::Reasoning { text, .. } => {
            json!({"content": null, "reasoning_content": text, "role": null})
        }
        Step::Text {
            text,
            thinking: true,
            ..
        } => {
            json!({"content": text, "reasoning_content": null, "role": null})
        }
        Step::Text {
            text,
            thinking: false,
            ..
        } => json!({"content": text, "role": null}),
        Step::Call {
            index,
            id,
            name,
            opens,
        } => {
            let role = if *opens {
                json!("assistant")
            } else {
                Value::Null
            };
            json!({"content": "", "role": role, "tool_calls": [
                {"index": index, "id": id, "type": "function", "function": {"name": name, "arguments": ""}},
            ]})
        }
        Step::Arguments {
            index,
            id,
            text,
            first: true,
        } => json!({"content": "", "tool_calls": [
            {"index": index, "id": id, "type": "function", "function": {"name": "", "arguments": text}},
        ], "role": null}),
        Step::Arguments {
            index,
            text,
            first: false,
            ..
        } => json!({"tool_calls": [
            {"function": {"arguments": text}, "index": index, "id": "", "type": "function"},
        ], "content": ""}),
        Step::CallEnd { index } => json!({"tool_calls": [
            {"function": {"arguments": ""}, "index": index, "id": "", "type": "function"},
        ], "content": ""}),
        Step::Finish {
            reason: Finish::ToolCalls,
            ..
        }
        | Step::Usage => json!({}),
        Step::Finish { .. } => json!({"content": "", "role": null}),
    }
}

fn usage(counted: Usage) -> Value {
    let mut usage = Map::new();
    usage.insert(
        "total_tokens".to_owned(),
        json!(counted.prompt + counted.completion),
    );
    usage.insert("completion_tokens".to_owned(), json!(counted.completion));
    usage.insert("prompt_tokens".to_owned(), json!(counted.prompt));
    if let Some(reasoning) = counted.reasoning {
        usage.insert(
            "completion_tokens_details".to_owned(),
            json!({"reasoning_tokens": reasoning}),
        );
    }
    usage.insert(
        "prompt_tokens_details".to_owned(),
        json!({"cached_tokens": 0}),
    );
    Value::Object(usage)
}
