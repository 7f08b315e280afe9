//! Writes an answer as a response.

use bytes::Bytes;
use serde_json::{Value, json};

use crate::chat::answer::{Answer, Finish, Saying, Usage};
use crate::reply::{Events, numbered_event};

/// What an answer is known by, and what it repeats of its request.
pub(crate) struct Heading {
    pub(crate) id: String,
    pub(crate) model: String,
    pub(crate) created: u64,
    pub(crate) tools: Value,
    /// Whether the service searched the web before it answered.
    pub(crate) searched: bool,
}

/// Characters per fragment of arguments.
const FRAGMENT_CHARS: usize = 12;

/// Writes a whole response.
pub(crate) fn whole(heading: &Heading, answer: &Answer) -> Value {
    response(heading, answer, status(answer.finish))
}

fn response(heading: &Heading, answer: &Answer, status: &str) -> Value {
    let is_over = !matches!(status, "queued" | "in_progress");
    let output = if is_over {
        items(heading, answer)
    } else {
        Vec::new()
    };
    let mut response = json!({
        "created_at": heading.created,
        "id": heading.id,
        "model": heading.model,
        "object": "response",
        "output": output,
        "parallel_tool_calls": false,
        "status": status,
        "tool_choice": "auto",
        "tools": heading.tools,
    });
    if let (true, Some(members)) = (is_over, response.as_object_mut()) {
        members.insert("usage".to_owned(), usage(answer.usage, heading.searched));
        if status == "incomplete" {
            let details = json!({"reason": "max_output_tokens"});
            members.insert("incomplete_details".to_owned(), details);
        }
    }
    response
}

fn items(heading: &Heading, answer: &Answer) -> Vec<Value> {
    let mut items = Vec::new();
    let id = |items: &[Value]| format!("msg_{}_{}", heading.id, items.len());
    if let Some(pieces) = &answer.reasoning {
        let summary = json!([{"type": "summary_text", "text": pieces.concat()}]);
        items.push(json!({"id": id(&items), "type": "reasoning", "summary": summary}));
    }
    if heading.searched {
        let action = json!({"type": "search", "query": "example", "sources": []});
        items.push(json!({"id": id(&items), "type": "web_search_call", "status": "completed", "action": action}));
    }
    match &answer.saying {
        Saying::Text(pieces) => {
            let content = json!([part(&pieces.concat())]);
            items.push(json!({"id": id(&items), "type": "message", "role": "assistant", "status": "completed", "content": content}));
        }
        Saying::Calls(calls) => {
            for call in calls {
                items.push(
                    json!({"id": id(&items), "type": "function_call", "status": "completed",
                    "call_id": call.id, "name": call.name, "arguments": call.arguments}),
                );
            }
        }
    }
    items
}

fn part(text: &str) -> Value {
    json!({"type": "output_text", "text": text, "annotations": []})
}

fn status(finish: Finish) -> &'static str {
    match finish {
        Finish::Stop | Finish::ToolCalls => "completed",
        Finish::Length => "incomplete",
    }
}

fn usage(usage: Usage, searched: bool) -> Value {
    let total = usage.prompt + usage.completion;
    let mut written = json!({
        "input_tokens": usage.prompt,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": usage.completion,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning.unwrap_or_default()},
        "total_tokens": total,
        "x_details": [{"input_tokens": usage.prompt, "output_tokens": usage.completion,
            "total_tokens": total, "x_billing_type": "response_api"}],
    });
    if let (true, Some(members)) = (searched, written.as_object_mut()) {
        members.insert("x_tools".to_owned(), json!({"web_search": {"count": 1}}));
    }
    written
}

/// Writes a response as events, each when it is asked for.
pub(crate) fn events(heading: &Heading, answer: &Answer) -> Events {
    let begun = |status| json!({"response": response(heading, answer, status)});
    let mut steps = vec![
        ("response.created".to_owned(), begun("queued")),
        ("response.in_progress".to_owned(), begun("in_progress")),
    ];
    for (place, item) in items(heading, answer).iter().enumerate() {
        let kind = item.get("type").and_then(Value::as_str).unwrap_or_default();
        let new = json!({"output_index": place, "item": unfinished(item, kind)});
        steps.push(("response.output_item.added".to_owned(), new));
        steps.extend(within(answer, place, item, kind));
        let done = json!({"output_index": place, "item": item});
        steps.push(("response.output_item.done".to_owned(), done));
    }
    let status = status(answer.finish);
    let end = json!({"response": response(heading, answer, status)});
    steps.push((format!("response.{status}"), end));
    Box::new(
        (0_u64..)
            .zip(steps)
            .map(|(number, (name, members))| event(number, &name, members)),
    )
}

/// An item as it begins.
fn unfinished(item: &Value, kind: &str) -> Value {
    let mut item = item.clone();
    if let Some(members) = item.as_object_mut() {
        match kind {
            "message" => members.insert("content".to_owned(), json!([])),
            "reasoning" => members.insert("summary".to_owned(), json!([])),
            "function_call" => members.insert("arguments".to_owned(), json!("")),
            _ => None,
        };
        if members.contains_key("status") {
            members.insert("status".to_owned(), json!("in_progress"));
        }
    }
    item
}

/// The events between the beginning and the end of an item.
fn within(answer: &Answer, place: usize, item: &Value, kind: &str) -> Vec<(String, Value)> {
    let id = item.get("id").cloned().unwrap_or_default();
    let step = |name: &str, members: Value| {
        let mut all = json!({"item_id": id, "output_index": place});
        if let (Some(all), Value::Object(members)) = (all.as_object_mut(), members) {
            all.extend(members);
        }
        (format!("response.{name}"), all)
    };
    match (kind, &answer.reasoning, &answer.saying) {
        ("reasoning", Some(pieces), _) => {
            let delta = |text: &String| {
                step(
                    "reasoning_text.delta",
                    json!({"content_index": 0, "delta": text}),
                )
            };
            let done = step(
                "reasoning_text.done",
                json!({"content_index": 0, "text": pieces.concat()}),
            );
            pieces.iter().map(delta).chain([done]).collect()
        }
        ("message", _, Saying::Text(pieces)) => {
            let text = pieces.concat();
            let first = step(
                "content_part.added",
                json!({"content_index": 0, "part": part("")}),
            );
            let delta = |text: &String| {
                step(
                    "output_text.delta",
                    json!({"content_index": 0, "delta": text, "logprobs": []}),
                )
            };
            let last = [
                step(
                    "output_text.done",
                    json!({"content_index": 0, "text": text, "logprobs": []}),
                ),
                step(
                    "content_part.done",
                    json!({"content_index": 0, "part": part(&text)}),
                ),
            ];
            std::iter::once(first)
                .chain(pieces.iter().map(delta))
                .chain(last)
                .collect()
        }
        ("web_search_call", ..) => ["in_progress", "searching", "completed"]
            .map(|state| step(&format!("web_search_call.{state}"), json!({})))
            .into(),
        ("function_call", ..) => {
            let arguments = item
                .get("arguments")
                .and_then(Value::as_str)
                .unwrap_or_default();
            let characters: Vec<char> = arguments.chars().collect();
            let deltas = characters.chunks(FRAGMENT_CHARS).map(|part| {
                let part: String = part.iter().collect();
                step("function_call_arguments.delta", json!({"delta": part}))
            });
            let done = json!({"name": item.get("name"), "arguments": arguments});
            let done = step("function_call_arguments.done", done);
            deltas.chain([done]).collect()
        }
        _ => Vec::new(),
    }
}

fn event(number: u64, name: &str, members: Value) -> Bytes {
    let mut event = json!({"sequence_number": number, "type": name});
    if let (Some(event), Value::Object(members)) = (event.as_object_mut(), members) {
        event.extend(members);
    }
    numbered_event(number + 1, name, &event.to_string())
}
