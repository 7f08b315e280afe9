//! Reads and checks an Anthropic request, and says it in the words of a chat completion, which decides the answer.

use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::refusal::Refusal;

type Members = Map<String, Value>;

/// Tokens of thinking that each effort stands for.
const EFFORT_TOKENS: [(&str, u64); 5] = [
    ("low", 4096),
    ("medium", 16_384),
    ("high", 65_536),
    ("xhigh", 262_144),
    ("max", 262_144),
];

/// Fields that mean the same in both formats.
const SAME: [&str; 5] = ["model", "stream", "temperature", "top_p", "top_k"];

/// Says a request as a chat completion.
pub(crate) fn chat_of(body: Option<&Value>) -> Result<Value, Refusal> {
    let Some(body) = body.and_then(Value::as_object) else {
        return Err(invalid(
            "Required body invalid, please check the request body format.",
        ));
    };
    if !body.get("max_tokens").is_some_and(Value::is_u64) {
        return Err(invalid("max_tokens: Field required"));
    }
    let mut chat = Members::new();
    for field in SAME.into_iter().chain(["max_tokens"]) {
        if let Some(value) = body.get(field) {
            chat.insert(field.to_owned(), value.clone());
        }
    }
    if let Some(words) = body.get("stop_sequences") {
        chat.insert("stop".to_owned(), words.clone());
    }
    chat.insert("messages".to_owned(), conversation(body)?);
    chat.extend(tools(body)?);
    chat.extend(thinking(body)?);
    if let Some(schema) = body
        .get("output_config")
        .and_then(|output| output.pointer("/format/schema"))
    {
        let format =
            json!({"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}});
        chat.insert("response_format".to_owned(), format);
    }
    Ok(Value::Object(chat))
}

fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::anthropic(StatusCode::BAD_REQUEST, message)
}

fn conversation(body: &Members) -> Result<Value, Refusal> {
    let mut said = Vec::new();
    match body.get("system") {
        None | Some(Value::Null) => {}
        Some(Value::String(text)) => said.push(json!({"role": "system", "content": text})),
        Some(blocks) => {
            let parts = parts(blocks, "system")?;
            said.push(json!({"role": "system", "content": parts}));
        }
    }
    let messages = body.get("messages").and_then(Value::as_array);
    let messages = messages.ok_or_else(|| invalid("messages: Field required"))?;
    if messages.is_empty() {
        return Err(invalid("messages: at least one message is required"));
    }
    for (number, message) in messages.iter().enumerate() {
        let place = format!("messages.{number}");
        let content = message.get("content").unwrap_or(&Value::Null);
        match message.get("role").and_then(Value::as_str) {
            Some(role @ ("user" | "system")) => user(&mut said, role, content, &place)?,
            Some("assistant") => said.push(assistant(content, &place)?),
            _ => {
                let text = "Input should be 'user', 'assistant' or 'system'";
                return Err(invalid(format!("{place}.role: {text}")));
            }
        }
    }
    Ok(Value::Array(said))
}

/// A message of the user's: results of tools go before everything else.
fn user(said: &mut Vec<Value>, role: &str, content: &Value, place: &str) -> Result<(), Refusal> {
    let (mut results, mut others) = (Vec::new(), Vec::new());
    for block in blocks(content, place)? {
        if kind(&block) != "tool_result" {
            others.push(block);
            continue;
        }
        let id = block.get("tool_use_id").and_then(Value::as_str);
        let id = id.ok_or_else(|| invalid(format!("{place}.tool_use_id: Field required")))?;
        let inner = block.get("content").cloned().unwrap_or_else(|| json!(""));
        let texts: Vec<String> = blocks(&inner, place)?
            .iter()
            .filter_map(|block| block.get("text")?.as_str().map(str::to_owned))
            .collect();
        results.push(json!({"role": "tool", "tool_call_id": id, "content": texts.join("\n")}));
    }
    let only_results = !results.is_empty() && others.is_empty();
    said.extend(results);
    if !only_results {
        let parts = parts(&Value::Array(others), place)?;
        said.push(json!({"role": role, "content": parts}));
    }
    Ok(())
}

fn assistant(content: &Value, place: &str) -> Result<Value, Refusal> {
    let (mut text, mut calls) = (String::new(), Vec::new());
    for block in blocks(content, place)? {
        let member = |key: &str| block.get(key).and_then(Value::as_str).unwrap_or_default();
        match kind(&block) {
            "text" => text.push_str(member("text")),
            "thinking" | "redacted_thinking" => {}
            "tool_use" => {
                let input = block.get("input").cloned().unwrap_or_else(|| json!({}));
                calls.push(json!({"id": member("id"), "type": "function",
                    "function": {"name": member("name"), "arguments": input.to_string()}}));
            }
            other => return Err(unknown_block(other, place)),
        }
    }
    let mut message = json!({"role": "assistant", "content": text});
    if let (false, Some(members)) = (calls.is_empty(), message.as_object_mut()) {
        members.insert("tool_calls".to_owned(), calls.into());
    }
    Ok(message)
}

fn blocks(content: &Value, place: &str) -> Result<Vec<Value>, Refusal> {
    match content {
        Value::String(text) => Ok(vec![json!({"type": "text", "text": text})]),
        Value::Array(blocks) if blocks.iter().all(Value::is_object) => Ok(blocks.clone()),
        _ => Err(invalid(format!(
            "{place}.content: Input should be a valid string or list"
        ))),
    }
}

fn parts(blocks: &Value, place: &str) -> Result<Vec<Value>, Refusal> {
    let blocks = self::blocks(blocks, place)?.into_iter();
    blocks
        .map(|block| match kind(&block) {
            "text" => Ok(json!({"type": "text", "text": block.get("text")})),
            "image" => {
                Ok(json!({"type": "image_url", "image_url": {"url": source(&block, place)?}}))
            }
            "video" => {
                Ok(json!({"type": "video_url", "video_url": {"url": source(&block, place)?}}))
            }
            other => Err(unknown_block(other, place)),
        })
        .collect()
}

fn source(block: &Value, place: &str) -> Result<String, Refusal> {
    let member = |key: &str| {
        block
            .pointer(&format!("/source/{key}"))
            .and_then(Value::as_str)
    };
    match (
        member("type"),
        member("url"),
        member("media_type"),
        member("data"),
    ) {
        (Some("url"), Some(url), _, _) => Ok(url.to_owned()),
        (Some("base64"), _, Some(media), Some(data)) => Ok(format!("data:{media};base64,{data}")),
        _ => Err(invalid(format!(
            "{place}.source: Input should be a base64 or url source"
        ))),
    }
}

fn kind(block: &Value) -> &str {
    block
        .get("type")
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn unknown_block(kind: &str, place: &str) -> Refusal {
    let text = "does not match any of the expected tags: 'text', 'image', 'video', 'tool_use', 'tool_result'";
    invalid(format!("{place}.content: Input tag '{kind}' {text}"))
}

fn tools(body: &Members) -> Result<Members, Refusal> {
    let mut chat = Members::new();
    let Some(offered) = body.get("tools").and_then(Value::as_array) else {
        return Ok(chat);
    };
    let tools = offered.iter().enumerate().map(|(number, tool)| {
        let (name, schema) = (tool.get("name"), tool.get("input_schema"));
        match (name, schema) {
            (Some(name), Some(schema)) => {
                Ok(json!({"type": "function", "function": {"name": name, "parameters": schema}}))
            }
            _ => Err(invalid(format!(
                "tools.{number}: name and input_schema are required"
            ))),
        }
    });
    let tools = tools.collect::<Result<Vec<_>, _>>()?;
    chat.insert("tools".to_owned(), tools.into());
    let choice = body
        .get("tool_choice")
        .cloned()
        .unwrap_or_else(|| json!({"type": "auto"}));
    let one_at_a_time = choice.get("disable_parallel_tool_use") == Some(&json!(true));
    chat.insert("parallel_tool_calls".to_owned(), json!(!one_at_a_time));
    let written = match (kind(&choice), choice.get("name"), offered.first()) {
        ("auto", ..) => json!("auto"),
        ("none", ..) => json!("none"),
        ("tool", Some(name), _) => json!({"type": "function", "function": {"name": name}}),
        ("any", _, Some(first)) => {
            json!({"type": "function", "function": {"name": first.get("name")}})
        }
        _ => {
            return Err(invalid(
                "tool_choice.type: Input should be 'auto', 'any', 'none' or 'tool'",
            ));
        }
    };
    chat.insert("tool_choice".to_owned(), written);
    Ok(chat)
}

fn thinking(body: &Members) -> Result<Members, Refusal> {
    let mut chat = Members::new();
    let effort = body
        .get("output_config")
        .and_then(|output| output.get("effort")?.as_str());
    let effort = effort.and_then(|effort| EFFORT_TOKENS.iter().find(|(name, _)| *name == effort));
    let thinking = body.get("thinking").filter(|thinking| !thinking.is_null());
    let budget = thinking.and_then(|thinking| thinking.get("budget_tokens")?.as_u64());
    let on = match thinking.map(kind) {
        None => effort.is_some().then_some(true),
        Some("enabled" | "adaptive") => Some(true),
        Some("disabled") => Some(false),
        Some(_) => {
            return Err(invalid(
                "thinking.type: Input should be 'enabled' or 'disabled'",
            ));
        }
    };
    if let Some(on) = on {
        chat.insert("enable_thinking".to_owned(), on.into());
    }
    let tokens = budget.or(effort.map(|(_, tokens)| *tokens));
    if let (Some(true), Some(tokens)) = (on, tokens) {
        chat.insert("thinking_budget".to_owned(), tokens.into());
    }
    Ok(chat)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_said_as_chats() {
        let body = json!({
            "model": "m", "max_tokens": 9, "system": "s", "metadata": {"user_id": "u"},
            "messages": [
                {"role": "user", "content": "a"},
                {"role": "assistant", "content": [
                    {"type": "thinking", "thinking": "t", "signature": ""},
                    {"type": "tool_use", "id": "c", "name": "f", "input": {"x": 1}}]},
                {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c", "content": "r"}]}],
            "tools": [{"name": "f", "input_schema": {"type": "object"}}],
            "thinking": {"type": "enabled", "budget_tokens": 2048},
        });
        let chat = chat_of(Some(&body)).unwrap();
        let call = json!([{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{\"x\":1}"}}]);
        let expected = json!([
            {"role": "system", "content": "s"},
            {"role": "user", "content": [{"type": "text", "text": "a"}]},
            {"role": "assistant", "content": "", "tool_calls": call},
            {"role": "tool", "tool_call_id": "c", "content": "r"}]);
        assert_eq!(chat["messages"], expected);
        assert_eq!(
            (&chat["thinking_budget"], &chat["parallel_tool_calls"]),
            (&json!(2048), &json!(true))
        );
        assert!(chat.get("metadata").is_none());
    }

    #[test]
    fn requests_that_are_not_right_are_refused() {
        let user = json!([{"role": "user", "content": "a"}]);
        for body in [
            json!([]),
            json!({"messages": user}),
            json!({"max_tokens": 9}),
            json!({"max_tokens": 9, "messages": []}),
            json!({"max_tokens": 9, "messages": [{"role": "tool", "content": "a"}]}),
            json!({"max_tokens": 9, "messages": [{"role": "user", "content": 1}]}),
            json!({"max_tokens": 9, "messages": [{"role": "user", "content": [{"type": "document"}]}]}),
            json!({"max_tokens": 9, "messages": user, "tools": [{"type": "web_search_20250305", "name": "w"}]}),
            json!({"max_tokens": 9, "messages": user, "thinking": {"type": "sometimes"}}),
        ] {
            assert!(chat_of(Some(&body)).is_err(), "{body}");
        }
    }
}
