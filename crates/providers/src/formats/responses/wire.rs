//! The objects of a Responses answer.

use serde_json::{Value, json};

use crate::formats::content::Members;
use crate::formats::translation::{End, Fault, Finish, Identity, Kind, Part};

/// Members of a request that its answer repeats, and what they are when the request does not say.
const ECHOED: [(&str, &str); 13] = [
    ("instructions", "null"),
    ("max_output_tokens", "null"),
    ("max_tool_calls", "null"),
    ("metadata", "{}"),
    ("parallel_tool_calls", "true"),
    ("reasoning", r#"{"effort":null,"summary":null}"#),
    ("safety_identifier", "null"),
    ("temperature", "1.0"),
    ("text", r#"{"format":{"type":"text"}}"#),
    ("tool_choice", r#""auto""#),
    ("tools", "[]"),
    ("top_p", "1.0"),
    ("truncation", r#""disabled""#),
];

/// What an answer repeats of its request.
#[derive(Debug, Clone, PartialEq)]
pub struct Echo(Members);

impl Echo {
    /// Takes from a request what its answer repeats.
    pub(crate) fn of(request: &Members) -> Self {
        let echoed = ECHOED.iter().map(|(key, default)| {
            let given = request.get(*key).filter(|value| !value.is_null()).cloned();
            let value = given.or_else(|| serde_json::from_str(default).ok());
            ((*key).to_owned(), value.unwrap_or_default())
        });
        Self(echoed.collect())
    }
}

/// How far an answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing<'a> {
    InProgress,
    Ended(End),
    Failed(&'a Fault),
}

impl Standing<'_> {
    /// Returns the `status`, which is also the name of the event.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::InProgress => "in_progress",
            Self::Failed(_) => "failed",
            Self::Ended(end) => match end.finish {
                Finish::Stop | Finish::ToolCalls => "completed",
                Finish::Length | Finish::ContentFilter => "incomplete",
            },
        }
    }
}

/// Returns the response object.
pub(crate) fn response(
    identity: &Identity,
    echo: &Echo,
    parts: &[Part],
    standing: Standing<'_>,
) -> Value {
    let output = match standing {
        Standing::InProgress => Vec::new(),
        Standing::Ended(_) | Standing::Failed(_) => parts
            .iter()
            .map(|part| item(identity, part, "completed"))
            .collect(),
    };
    let (mut usage, mut incomplete, mut error) = (Value::Null, Value::Null, Value::Null);
    match standing {
        Standing::InProgress => {}
        Standing::Ended(end) => {
            usage = self::usage(end);
            incomplete = match end.finish {
                Finish::Length => json!({"reason": "max_output_tokens"}),
                Finish::ContentFilter => json!({"reason": "content_filter"}),
                Finish::Stop | Finish::ToolCalls => Value::Null,
            };
        }
        Standing::Failed(failure) => {
            let code = failure.code.as_deref().unwrap_or("server_error");
            error = json!({"code": code, "message": failure.message});
        }
    }
    let mut response = json!({
        "id": format!("resp_{}", identity.seed),
        "object": "response",
        "created_at": identity.created_at_s,
        "status": standing.name(),
        "background": false,
        "error": error,
        "incomplete_details": incomplete,
        "model": identity.model,
        "output": output,
        "previous_response_id": null,
        "service_tier": "default",
        "store": false,
        "top_logprobs": 0,
        "usage": usage,
    });
    if let Some(members) = response.as_object_mut() {
        members.extend(echo.0.clone());
    }
    response
}

fn usage(end: End) -> Value {
    let usage = end.usage;
    json!({
        "input_tokens": usage.input_tokens,
        "input_tokens_details": {"cached_tokens": usage.cached_tokens},
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "total_tokens": usage.input_tokens + usage.output_tokens,
    })
}

/// Returns the id of an output item.
pub(crate) fn item_id(identity: &Identity, part: &Part) -> String {
    let prefix = match part.kind {
        Kind::Reasoning => "rs",
        Kind::Text => "msg",
        Kind::Call { .. } => "fc",
    };
    format!("{prefix}_{}_{}", identity.seed, part.place)
}

/// Returns an output item; one that is in progress is empty.
pub(crate) fn item(identity: &Identity, part: &Part, status: &str) -> Value {
    let id = item_id(identity, part);
    let is_new = status == "in_progress";
    match &part.kind {
        // The text is a summary here, because clients show summaries and many know nothing else.
        Kind::Reasoning if is_new => json!({"id": id, "type": "reasoning", "summary": []}),
        Kind::Reasoning => json!({"id": id, "type": "reasoning", "summary": [summary(&part.text)]}),
        Kind::Text => {
            let content = if is_new {
                Vec::new()
            } else {
                vec![output_text(&part.text)]
            };
            json!({"id": id, "type": "message", "status": status, "role": "assistant", "content": content})
        }
        Kind::Call { id: call_id, name } => json!({
            "id": id,
            "type": "function_call",
            "status": status,
            "call_id": call_id,
            "name": name,
            "arguments": if is_new { "" } else { arguments(part) },
        }),
    }
}

/// Returns the arguments of a complete call; a call without any has an empty object.
pub(crate) fn arguments(part: &Part) -> &str {
    if part.text.trim().is_empty() {
        "{}"
    } else {
        &part.text
    }
}

/// Returns the text of a message as a content part.
pub(crate) fn output_text(text: &str) -> Value {
    json!({"type": "output_text", "text": text, "annotations": [], "logprobs": []})
}

/// Returns the text of a reasoning item.
pub(crate) fn summary(text: &str) -> Value {
    json!({"type": "summary_text", "text": text})
}
