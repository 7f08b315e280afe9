//! Reads and checks a request for a response, and says it in the words of a chat completion, which decides the answer.
//!
//! Fields that are not documented for this endpoint are ignored, however much they would mean elsewhere: `text.format`,
//! `parallel_tool_calls` and a wish for summaries among them.

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::memory::Memory;
use crate::refusal::Refusal;

type Members = Map<String, Value>;

/// Smallest `max_output_tokens`.
const OUTPUT_TOKENS_MIN: u64 = 16;
/// Models that the documentation lists for this endpoint begin with one of these.
const MODELS: [&str; 8] = [
    "qwen3.8-",
    "qwen3.7-",
    "qwen3.6-",
    "qwen3.5-",
    "qwen3-max",
    "qwen-plus",
    "qwen-flash",
    "qwen3-coder-plus",
];
/// Tools that the service runs by itself.
const BUILT_IN: [&str; 7] = [
    "web_search",
    "code_interpreter",
    "web_extractor",
    "web_search_image",
    "image_search",
    "file_search",
    "mcp",
];
/// Fields that mean the same in both formats.
const SAME: [&str; 4] = ["model", "stream", "temperature", "top_p"];

/// A request as a chat completion.
pub(crate) struct Asked {
    pub(crate) chat: Value,
    /// Whether a later request may go on with it.
    pub(crate) stored: bool,
    /// Tools as the client wrote them.
    pub(crate) tools: Value,
    pub(crate) searches: bool,
}

impl Asked {
    pub(crate) fn read(body: Option<&Value>, memory: &Memory) -> Result<Self, Refusal> {
        let Some(body) = body.and_then(Value::as_object) else {
            return Err(invalid(
                "Required body invalid, please check the request body format.",
            ));
        };
        check(body)?;
        let mut chat = Members::new();
        for field in SAME {
            if let Some(value) = body.get(field) {
                chat.insert(field.to_owned(), value.clone());
            }
        }
        if let Some(most) = body.get("max_output_tokens") {
            chat.insert("max_tokens".to_owned(), most.clone());
        }
        chat.insert("messages".to_owned(), conversation(body, memory)?.into());
        chat.extend(tools(body)?);
        if let Some(on) = thinks(body)? {
            chat.insert("enable_thinking".to_owned(), on.into());
        }
        let tools = body.get("tools").cloned().unwrap_or_else(|| json!([]));
        Ok(Self {
            chat: Value::Object(chat),
            stored: body.get("store") != Some(&json!(false)),
            searches: offers(&tools, "web_search"),
            tools,
        })
    }
}

fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::responses(StatusCode::BAD_REQUEST, "InvalidParameter", message)
}

fn check(body: &Members) -> Result<(), Refusal> {
    let Some(model) = body.get("model").and_then(Value::as_str) else {
        let text = "[400] missing_required_parameter: Missing required parameter: 'model'.";
        return Err(invalid(text));
    };
    if !body.contains_key("input") {
        let text = "[400] missing_required_parameter: Missing required parameter: 'input'.";
        return Err(invalid(text));
    }
    if !MODELS.iter().any(|known| model.starts_with(known)) {
        let text = format!("Unsupported model {model} for the Responses API.");
        return Err(Refusal::responses(
            StatusCode::NOT_FOUND,
            "ModelNotFound",
            text,
        ));
    }
    if body.get("background") == Some(&json!(true)) {
        return Err(invalid("'background' is not supported"));
    }
    if let Some(most) = body.get("max_output_tokens").filter(|most| !most.is_null())
        && most.as_u64().is_none_or(|most| most < OUTPUT_TOKENS_MIN)
    {
        let text = format!("'max_output_tokens' must be at least {OUTPUT_TOKENS_MIN}");
        return Err(invalid(text));
    }
    Ok(())
}

fn conversation(body: &Members, memory: &Memory) -> Result<Vec<Value>, Refusal> {
    let mut said = Vec::new();
    if let Some(text) = body.get("instructions").and_then(Value::as_str) {
        said.push(json!({"role": "system", "content": text}));
    }
    if let Some(id) = body.get("previous_response_id").and_then(Value::as_str) {
        let earlier = memory.find(id);
        let unknown = || invalid(format!("Previous response with id '{id}' not found."));
        said.extend(earlier.ok_or_else(unknown)?);
    }
    match body.get("input") {
        Some(Value::String(text)) => said.push(json!({"role": "user", "content": text})),
        Some(Value::Array(items)) => {
            for item in items {
                self::item(&mut said, item)?;
            }
        }
        _ => return Err(invalid("'input' must be a string or an array")),
    }
    Ok(said)
}

fn item(said: &mut Vec<Value>, item: &Value) -> Result<(), Refusal> {
    let member = |key: &str| item.get(key).and_then(Value::as_str).unwrap_or_default();
    match member("type") {
        "" | "message" => {
            let role = match member("role") {
                "developer" => "system",
                role @ ("system" | "user" | "assistant") => role,
                other => return Err(invalid(format!("'{other}' is not a supported role"))),
            };
            let content = content(item.get("content").unwrap_or(&Value::Null))?;
            said.push(json!({"role": role, "content": content}));
        }
        "reasoning" | "web_search_call" => {}
        "function_call" => {
            let call = json!({"id": member("call_id"), "type": "function",
                "function": {"name": member("name"), "arguments": member("arguments")}});
            let calls = said
                .last_mut()
                .and_then(|last| last.get_mut("tool_calls")?.as_array_mut());
            match calls {
                Some(calls) => calls.push(call),
                None => {
                    said.push(json!({"role": "assistant", "content": "", "tool_calls": [call]}));
                }
            }
        }
        "function_call_output" => {
            let output = item.get("output").cloned().unwrap_or_default();
            let text = output
                .as_str()
                .map_or_else(|| output.to_string(), str::to_owned);
            said.push(json!({"role": "tool", "tool_call_id": member("call_id"), "content": text}));
        }
        other => {
            return Err(invalid(format!(
                "'{other}' is not a supported type of input"
            )));
        }
    }
    Ok(())
}

fn content(content: &Value) -> Result<Value, Refusal> {
    let parts = match content {
        Value::String(text) => return Ok(json!(text)),
        Value::Array(parts) => parts,
        _ => return Err(invalid("'content' must be a string or an array")),
    };
    let parts = parts.iter().map(|part| {
        let kind = part.get("type").and_then(Value::as_str).unwrap_or_default();
        match (kind, part.get("image_url")) {
            ("text" | "input_text" | "output_text", _) => {
                Ok(json!({"type": "text", "text": part.get("text")}))
            }
            ("input_image" | "image_url", Some(Value::String(url))) => {
                Ok(json!({"type": "image_url", "image_url": {"url": url}}))
            }
            ("image_url", Some(image)) => Ok(json!({"type": "image_url", "image_url": image})),
            _ => Err(invalid(format!(
                "'{kind}' is not a supported type of content"
            ))),
        }
    });
    parts.collect::<Result<Vec<_>, _>>().map(Value::Array)
}

fn offers(tools: &Value, kind: &str) -> bool {
    let tools = tools.as_array().into_iter().flatten();
    tools
        .into_iter()
        .any(|tool| tool.get("type").is_some_and(|known| known == kind))
}

fn tools(body: &Members) -> Result<Members, Refusal> {
    let mut chat = Members::new();
    let offered = body.get("tools").and_then(Value::as_array);
    let mut functions = Vec::new();
    for tool in offered.into_iter().flatten() {
        let kind = tool.get("type").and_then(Value::as_str).unwrap_or_default();
        if kind == "function" {
            let function = json!({"name": tool.get("name"), "parameters": tool.get("parameters")});
            functions.push(json!({"type": "function", "function": function}));
        } else if !BUILT_IN.contains(&kind) {
            return Err(invalid(format!("'{kind}' is not a supported type of tool")));
        }
    }
    let written = match body.get("tool_choice") {
        None | Some(Value::Null) => json!("auto"),
        Some(Value::String(word)) if word == "required" => match functions.as_slice() {
            [only] => {
                json!({"type": "function", "function": {"name": only.pointer("/function/name")}})
            }
            _ => return Err(invalid("tool_choice 'required' needs exactly one tool")),
        },
        Some(Value::String(word)) => json!(word),
        Some(object)
            if object
                .get("type")
                .is_some_and(|kind| kind == "allowed_tools") =>
        {
            json!("auto")
        }
        Some(_) => {
            return Err(invalid(
                "tool_choice must be auto, none, required or allowed_tools",
            ));
        }
    };
    if !functions.is_empty() {
        chat.insert("tools".to_owned(), functions.into());
        chat.insert("tool_choice".to_owned(), written);
    }
    Ok(chat)
}

/// An effort outranks the switch.
fn thinks(body: &Members) -> Result<Option<bool>, Refusal> {
    let effort = body
        .get("reasoning")
        .and_then(|reasoning| reasoning.get("effort")?.as_str());
    match effort {
        Some("none") => Ok(Some(false)),
        Some("minimal" | "low" | "medium" | "high" | "xhigh" | "max") => Ok(Some(true)),
        Some(other) => Err(invalid(format!(
            "'{other}' is not a supported reasoning.effort"
        ))),
        None => Ok(body.get("enable_thinking").and_then(Value::as_bool)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &Value) -> Result<Asked, Refusal> {
        Asked::read(Some(body), &Memory::default())
    }

    #[test]
    fn fields_of_other_hosts_are_ignored() {
        let body = json!({"model": "qwen3.7-plus", "input": "a", "text": {"format": {"type": "json_object"}}});
        let asked = read(&body).ok().unwrap();
        let expected =
            json!({"model": "qwen3.7-plus", "messages": [{"role": "user", "content": "a"}]});
        assert_eq!(asked.chat, expected);
        assert!(asked.stored && !asked.searches);
    }

    #[test]
    fn requests_that_are_not_right_are_refused() {
        for body in [
            json!({"input": "a"}),
            json!({"model": "qwen3.7-plus"}),
            json!({"model": "glm-5", "input": "a"}),
            json!({"model": "qwen3.7-plus", "input": "a", "max_output_tokens": 15}),
            json!({"model": "qwen3.7-plus", "input": "a", "background": true}),
            json!({"model": "qwen3.7-plus", "input": "a", "tools": [{"type": "computer_use"}]}),
            json!({"model": "qwen3.7-plus", "input": "a", "tool_choice": "required"}),
            json!({"model": "qwen3.7-plus", "input": "a", "previous_response_id": "r"}),
            json!({"model": "qwen3.7-plus", "input": [{"type": "item_reference"}]}),
            json!({"model": "qwen3.7-plus", "input": "a", "reasoning": {"effort": "huge"}}),
        ] {
            assert!(read(&body).is_err(), "{body}");
        }
    }
}
