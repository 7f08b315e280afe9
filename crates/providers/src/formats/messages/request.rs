//! A Messages request as a chat completion request.

use serde_json::{Value, json};

use crate::formats::Inexpressible;
use crate::formats::content::{
    Members, Transcript, allow_parallel_calls, at, function, image_part, kind, list, object,
    take_optional_text, take_text, text_part,
};

/// Members that cannot change the answer. `context_management` makes room in a long conversation; without it the
/// conversation stays whole.
pub(crate) const WITHOUT_EFFECT: [&str; 8] = [
    "anthropic_beta",
    "betas",
    "cache_control",
    "context_management",
    "diagnostics",
    "inference_geo",
    "metadata",
    "service_tier",
];
/// Largest thinking budgets that are said as an effort, in tokens, smallest first.
const EFFORTS: [(u64, &str); 3] = [(4096, "low"), (16_384, "medium"), (65_536, "high")];
/// The effort that means: do not think.
const OFF: &str = "none";
/// The effort above all of these.
const LARGEST_EFFORT: &str = "xhigh";

/// Says a Messages request as a chat completion. Members that neither format knows are passed on.
pub(crate) fn to_chat(mut body: Members) -> Result<Members, Inexpressible> {
    let mut chat = Members::new();
    if let Some(model) = body.remove("model") {
        chat.insert("model".to_owned(), model);
    }
    if !body.get("max_tokens").is_some_and(Value::is_u64) {
        let reason = "must be a whole number: the most tokens to answer with";
        return Err(Inexpressible::new("max_tokens", reason));
    }
    let mut transcript = Transcript::default();
    if let Some(system) = body.remove("system").filter(|system| !system.is_null()) {
        transcript.message("system", system_parts(system)?);
    }
    let messages = body.remove("messages").unwrap_or_default();
    messages_of(&mut transcript, messages)?;
    chat.insert("messages".to_owned(), transcript.finish().into());
    for (key, value) in body {
        if value.is_null() || WITHOUT_EFFECT.contains(&key.as_str()) {
            continue;
        }
        option(&mut chat, key, value)?;
    }
    allow_parallel_calls(&mut chat);
    Ok(chat)
}

fn option(chat: &mut Members, key: String, value: Value) -> Result<(), Inexpressible> {
    match key.as_str() {
        "stop_sequences" => {
            chat.insert("stop".to_owned(), value);
        }
        "tools" => {
            let tools = list(value, "tools")?.into_iter().enumerate();
            let tools: Vec<Value> = tools
                .map(|(number, tool)| self::tool(tool, &format!("tools[{number}]")))
                .collect::<Result<_, _>>()?;
            if !tools.is_empty() {
                chat.insert(key, tools.into());
            }
        }
        "tool_choice" => tool_choice(chat, object(value, "tool_choice")?)?,
        "thinking" => thinking(chat, &object(value, "thinking")?)?,
        "output_config" => {
            let mut output = object(value, "output_config")?;
            let effort = output.remove("effort").filter(|effort| !effort.is_null());
            let is_off = chat.get("reasoning_effort").is_some_and(|now| now == OFF);
            if let (Some(effort), false) = (effort, is_off) {
                chat.insert("reasoning_effort".to_owned(), effort);
            }
            if let Some(format) = output.remove("format").filter(|format| !format.is_null()) {
                output_format(chat, format, "output_config.format")?;
            }
        }
        "output_format" => output_format(chat, value, "output_format")?,
        "mcp_servers" if value.as_array().is_some_and(Vec::is_empty) => {}
        "mcp_servers" | "container" => {
            let reason = "needs a host that runs tools by itself";
            return Err(Inexpressible::new(key, reason));
        }
        _ => {
            chat.insert(key, value);
        }
    }
    Ok(())
}

fn output_format(chat: &mut Members, format: Value, place: &str) -> Result<(), Inexpressible> {
    let mut format = object(format, place)?;
    if kind(&format) != "json_schema" {
        return Err(Inexpressible::new(at(place, "type"), "must be json_schema"));
    }
    let schema = format.remove("schema").unwrap_or_default();
    let named = json!({"name": "answer", "schema": schema, "strict": true});
    let written = json!({"type": "json_schema", "json_schema": named});
    chat.insert("response_format".to_owned(), written);
    Ok(())
}

/// An effort that was given with `output_config` says more than a budget.
fn thinking(chat: &mut Members, thinking: &Members) -> Result<(), Inexpressible> {
    let effort = match kind(thinking) {
        "disabled" => Some(OFF),
        "adaptive" => None,
        "enabled" => {
            let budget = thinking.get("budget_tokens").and_then(Value::as_u64);
            let budget = budget.ok_or_else(|| {
                Inexpressible::new("thinking.budget_tokens", "must be a whole number of tokens")
            })?;
            let fitting = EFFORTS.iter().find(|(most, _)| budget <= *most);
            Some(fitting.map_or(LARGEST_EFFORT, |(_, effort)| *effort))
        }
        other => {
            let reason = format!("must be enabled, disabled or adaptive, not `{other}`");
            return Err(Inexpressible::new("thinking.type", reason));
        }
    };
    match effort {
        Some(effort) if effort == OFF || !chat.contains_key("reasoning_effort") => {
            chat.insert("reasoning_effort".to_owned(), effort.into());
        }
        None if !chat.contains_key("reasoning_effort") => {
            chat.insert("enable_thinking".to_owned(), true.into());
        }
        _ => {}
    }
    Ok(())
}

fn tool(tool: Value, place: &str) -> Result<Value, Inexpressible> {
    let mut tool = object(tool, place)?;
    if !matches!(kind(&tool), "" | "custom") {
        let reason = format!(
            "is `{}`, which this host does not run: only tools with an `input_schema` can be used with it",
            kind(&tool)
        );
        return Err(Inexpressible::new(at(place, "type"), reason));
    }
    let name = take_text(&mut tool, "name", place)?;
    Ok(function(
        name,
        tool.remove("description"),
        tool.remove("input_schema"),
        tool.remove("strict").filter(|strict| *strict == true),
    ))
}

fn tool_choice(chat: &mut Members, mut choice: Members) -> Result<(), Inexpressible> {
    if choice.remove("disable_parallel_tool_use") == Some(Value::Bool(true)) {
        chat.insert("parallel_tool_calls".to_owned(), false.into());
    }
    let written = match kind(&choice) {
        "auto" => json!("auto"),
        "any" => json!("required"),
        "none" => json!("none"),
        "tool" => {
            let name = take_text(&mut choice, "name", "tool_choice")?;
            json!({"type": "function", "function": {"name": name}})
        }
        other => {
            let reason = format!("must be auto, any, none or tool, not `{other}`");
            return Err(Inexpressible::new("tool_choice.type", reason));
        }
    };
    chat.insert("tool_choice".to_owned(), written);
    Ok(())
}

fn system_parts(system: Value) -> Result<Vec<Value>, Inexpressible> {
    match system {
        Value::String(text) => Ok(vec![text_part(text)]),
        blocks => {
            let blocks = list(blocks, "system")?.into_iter().enumerate();
            blocks
                .map(|(number, block)| {
                    let place = format!("system[{number}]");
                    part(object(block, &place)?, &place)
                })
                .collect()
        }
    }
}

fn messages_of(transcript: &mut Transcript, messages: Value) -> Result<(), Inexpressible> {
    let messages = list(messages, "messages")?;
    if messages.is_empty() {
        return Err(Inexpressible::new("messages", "must not be empty"));
    }
    let last = messages.len() - 1;
    for (number, message) in messages.into_iter().enumerate() {
        let place = format!("messages[{number}]");
        let mut message = object(message, &place)?;
        let role = take_text(&mut message, "role", &place)?;
        let content = message.remove("content").unwrap_or_default();
        let blocks = blocks(content, &at(&place, "content"))?;
        let place = at(&place, "content");
        match role.as_str() {
            "user" => from_user(transcript, blocks, &place)?,
            "assistant" => {
                from_model(transcript, blocks, &place)?;
                if number == last {
                    // The service goes on from there; a host that does not know the mark begins anew.
                    transcript.is_prefix();
                }
                transcript.close_assistant();
            }
            "system" => {
                let blocks = blocks.into_iter().enumerate();
                let parts =
                    blocks.map(|(number, block)| part(block, &format!("{place}[{number}]")));
                transcript.message("system", parts.collect::<Result<_, _>>()?);
            }
            other => {
                let reason = format!("must be user or assistant, not `{other}`");
                return Err(Inexpressible::new(
                    format!("messages[{number}].role"),
                    reason,
                ));
            }
        }
    }
    Ok(())
}

fn blocks(content: Value, place: &str) -> Result<Vec<Members>, Inexpressible> {
    match content {
        Value::String(text) => {
            let block = text_part(text);
            Ok(vec![object(block, place)?])
        }
        Value::Array(blocks) => {
            let blocks = blocks.into_iter().enumerate();
            blocks
                .map(|(number, block)| object(block, &format!("{place}[{number}]")))
                .collect()
        }
        _ => Err(Inexpressible::new(place, "must be a string or a list")),
    }
}

fn from_user(
    transcript: &mut Transcript,
    blocks: Vec<Members>,
    place: &str,
) -> Result<(), Inexpressible> {
    let (mut others, had_blocks) = (Vec::new(), !blocks.is_empty());
    let mut n_results = 0_usize;
    for (number, mut block) in blocks.into_iter().enumerate() {
        let place = format!("{place}[{number}]");
        if kind(&block) == "tool_result" {
            let id = take_text(&mut block, "tool_use_id", &place)?;
            transcript.result(&id, result_parts(block, &place)?);
            n_results += 1;
        } else {
            others.push(part(block, &place)?);
        }
    }
    // A turn that only brings results has nothing of the user's.
    if !others.is_empty() || (n_results == 0 && !had_blocks) {
        transcript.message("user", others);
    }
    Ok(())
}

/// Chat completions have no flag for a failed tool, so the text says it.
fn result_parts(mut block: Members, place: &str) -> Result<Vec<Value>, Inexpressible> {
    let is_error = block.get("is_error") == Some(&Value::Bool(true));
    let content = block.remove("content").filter(|content| !content.is_null());
    let place = at(place, "content");
    let blocks = content.map_or_else(|| Ok(Vec::new()), |content| blocks(content, &place))?;
    let blocks = blocks.into_iter().enumerate();
    let parts = blocks.map(|(number, block)| part(block, &format!("{place}[{number}]")));
    let mut parts: Vec<Value> = parts.collect::<Result<_, _>>()?;
    if is_error {
        parts.insert(0, text_part("Error:".to_owned()));
    }
    Ok(parts)
}

fn from_model(
    transcript: &mut Transcript,
    blocks: Vec<Members>,
    place: &str,
) -> Result<(), Inexpressible> {
    for (number, mut block) in blocks.into_iter().enumerate() {
        let place = format!("{place}[{number}]");
        match kind(&block) {
            "text" => transcript.said(take_text(&mut block, "text", &place)?),
            "thinking" => transcript.reasoning(&take_text(&mut block, "thinking", &place)?),
            // Encrypted for one vendor's models.
            "redacted_thinking" => {}
            "tool_use" => {
                let id = take_text(&mut block, "id", &place)?;
                let name = take_text(&mut block, "name", &place)?;
                let input = block.remove("input").unwrap_or_else(|| json!({}));
                transcript.called(&id, &name, &input.to_string());
            }
            other => return Err(unknown_block(other, &place)),
        }
    }
    Ok(())
}

fn unknown_block(kind: &str, place: &str) -> Inexpressible {
    let reason = format!("is `{kind}`, which chat completions have no words for");
    Inexpressible::new(at(place, "type"), reason)
}

fn part(mut block: Members, place: &str) -> Result<Value, Inexpressible> {
    let mark = block.remove("cache_control").filter(Value::is_object);
    let mut written = match kind(&block) {
        "text" => text_part(take_text(&mut block, "text", place)?),
        "image" => image_part(source_url(&mut block, place)?),
        "video" => {
            let url = source_url(&mut block, place)?;
            json!({"type": "video_url", "video_url": {"url": url}})
        }
        "document" => text_part(document(&mut block, place)?),
        other => return Err(unknown_block(other, place)),
    };
    if let (Some(Value::Object(mut mark)), Some(members)) = (mark, written.as_object_mut()) {
        // How long the cache lives is the host's choice.
        mark.remove("ttl");
        members.insert("cache_control".to_owned(), mark.into());
    }
    Ok(written)
}

fn source_url(block: &mut Members, place: &str) -> Result<String, Inexpressible> {
    let place = at(place, "source");
    let mut source = object(block.remove("source").unwrap_or_default(), &place)?;
    match kind(&source) {
        "url" => take_text(&mut source, "url", &place),
        "base64" => {
            let media = take_text(&mut source, "media_type", &place)?;
            let data = take_text(&mut source, "data", &place)?;
            Ok(format!("data:{media};base64,{data}"))
        }
        other => {
            let reason = format!("must be base64 or url, not `{other}`");
            Err(Inexpressible::new(at(&place, "type"), reason))
        }
    }
}

/// Returns the text of a document; other documents than plain text have no place in a chat.
fn document(block: &mut Members, place: &str) -> Result<String, Inexpressible> {
    let title = take_optional_text(block, "title", place)?;
    let place = at(place, "source");
    let mut source = object(block.remove("source").unwrap_or_default(), &place)?;
    if kind(&source) != "text" {
        let reason = format!(
            "is `{}`: only plain text documents can be sent to this host",
            kind(&source)
        );
        return Err(Inexpressible::new(at(&place, "type"), reason));
    }
    let text = take_text(&mut source, "data", &place)?;
    Ok(title.map_or_else(|| text.clone(), |title| format!("{title}\n\n{text}")))
}

#[cfg(test)]
mod tests;
