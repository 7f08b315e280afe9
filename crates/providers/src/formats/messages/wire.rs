//! The objects of a Messages answer.

use serde_json::{Value, json};

use crate::formats::translation::{Finish, Identity};
use crate::usage::Usage;

/// Returns the message object around its content.
pub(crate) fn message(
    identity: &Identity,
    content: &[Value],
    stop_reason: Option<&str>,
    usage: &Value,
) -> Value {
    json!({
        "id": format!("msg_{}", identity.seed),
        "type": "message",
        "role": "assistant",
        "model": identity.model,
        "content": content,
        "stop_reason": stop_reason,
        "stop_sequence": null,
        "usage": usage,
    })
}

/// Returns the counts; here the input is what was neither read from nor written to a cache.
pub(crate) fn usage(usage: Usage) -> Value {
    let cached = usage.cached_tokens + usage.cache_write_tokens;
    json!({
        "input_tokens": usage.input_tokens.saturating_sub(cached),
        "cache_creation_input_tokens": usage.cache_write_tokens,
        "cache_read_input_tokens": usage.cached_tokens,
        "output_tokens": usage.output_tokens,
    })
}

/// Returns why the model stopped. Chat completions do not tell a stop sequence from an end.
pub(crate) fn stop_reason(finish: Finish) -> &'static str {
    match finish {
        Finish::Stop => "end_turn",
        Finish::Length => "max_tokens",
        Finish::ToolCalls => "tool_use",
        Finish::ContentFilter => "refusal",
    }
}
