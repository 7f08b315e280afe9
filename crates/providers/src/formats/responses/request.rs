//! A Responses request as a chat completion request.

use serde_json::{Value, json};

use crate::formats::Inexpressible;
use crate::formats::content::{
    Members, Transcript, allow_parallel_calls, at, content, function, image_part, kind, list,
    object, take_optional_text, take_text, text_part,
};

/// Members that cannot change the answer: bookkeeping, caching, and options of tools that run on the server.
pub(crate) const WITHOUT_EFFECT: [&str; 12] = [
    "client_metadata",
    "include",
    "max_tool_calls",
    "metadata",
    "prompt_cache_key",
    "prompt_cache_retention",
    "safety_identifier",
    "service_tier",
    "store",
    "stream_options",
    "truncation",
    "user",
];
/// Members that need a server that keeps conversations.
const NEEDS_MEMORY: [&str; 3] = ["previous_response_id", "conversation", "prompt"];

/// Says a Responses request as a chat completion. Members that neither format knows are passed on.
pub(crate) fn to_chat(mut body: Members) -> Result<Members, Inexpressible> {
    refuse_what_needs_a_server(&body)?;
    let mut chat = Members::new();
    if let Some(model) = body.remove("model") {
        chat.insert("model".to_owned(), model);
    }
    let mut transcript = Transcript::default();
    if let Some(instructions) = take_optional_text(&mut body, "instructions", "")? {
        transcript.message("system", vec![text_part(instructions)]);
    }
    input(&mut transcript, body.remove("input"))?;
    chat.insert("messages".to_owned(), transcript.finish().into());
    for (key, value) in body {
        if value.is_null() || WITHOUT_EFFECT.contains(&key.as_str()) {
            continue;
        }
        option(&mut chat, key, value)?;
    }
    allowed_tools(&mut chat);
    allow_parallel_calls(&mut chat);
    Ok(chat)
}

fn refuse_what_needs_a_server(body: &Members) -> Result<(), Inexpressible> {
    let is_set = |key: &str| {
        body.get(key)
            .is_some_and(|value| !value.is_null() && *value != Value::Bool(false))
    };
    if let Some(key) = NEEDS_MEMORY.into_iter().find(|key| is_set(key)) {
        let reason =
            "needs a host that keeps conversations: send the whole conversation in `input`";
        return Err(Inexpressible::new(key, reason));
    }
    if is_set("background") {
        let reason = "is not possible: answers are not kept here";
        return Err(Inexpressible::new("background", reason));
    }
    let asks_logprobs = body
        .get("include")
        .and_then(Value::as_array)
        .is_some_and(|include| include.iter().any(|wish| wish == LOGPROBS));
    if asks_logprobs {
        let reason = format!("asks for `{LOGPROBS}`, which is not translated");
        return Err(Inexpressible::new("include", reason));
    }
    Ok(())
}

const LOGPROBS: &str = "message.output_text.logprobs";

fn option(chat: &mut Members, key: String, value: Value) -> Result<(), Inexpressible> {
    match key.as_str() {
        "max_output_tokens" => {
            chat.insert("max_completion_tokens".to_owned(), value);
        }
        "reasoning" => {
            let effort = object(value, "reasoning")?.remove("effort");
            if let Some(effort) = effort.filter(|effort| !effort.is_null()) {
                chat.insert("reasoning_effort".to_owned(), effort);
            }
        }
        "text" => text_options(chat, object(value, "text")?)?,
        "tools" => {
            let tools = list(value, "tools")?.into_iter().enumerate();
            let tools: Vec<Value> = tools
                .map(|(number, tool)| self::tool(tool, &format!("tools[{number}]")))
                .collect::<Result<_, _>>()?;
            if !tools.is_empty() {
                chat.insert(key, tools.into());
            }
        }
        "tool_choice" => {
            chat.insert(key, tool_choice(value)?);
        }
        "top_logprobs" if value == json!(0) => {}
        "top_logprobs" => return Err(Inexpressible::new(key, "is not translated")),
        "background" => {}
        _ => {
            chat.insert(key, value);
        }
    }
    Ok(())
}

fn text_options(chat: &mut Members, mut text: Members) -> Result<(), Inexpressible> {
    if let Some(verbosity) = text.remove("verbosity").filter(|value| !value.is_null()) {
        chat.insert("verbosity".to_owned(), verbosity);
    }
    let Some(format) = text.remove("format").filter(|format| !format.is_null()) else {
        return Ok(());
    };
    let mut format = object(format, "text.format")?;
    let written = match kind(&format) {
        "text" => return Ok(()),
        "json_object" => json!({"type": "json_object"}),
        "json_schema" => {
            format.remove("type");
            json!({"type": "json_schema", "json_schema": format})
        }
        other => {
            let reason = format!("must be text, json_object or json_schema, not `{other}`");
            return Err(Inexpressible::new("text.format.type", reason));
        }
    };
    chat.insert("response_format".to_owned(), written);
    Ok(())
}

fn tool(tool: Value, place: &str) -> Result<Value, Inexpressible> {
    let mut tool = object(tool, place)?;
    if kind(&tool) != "function" {
        let reason = format!(
            "is `{}`, which this host does not run: only `function` tools can be used with it",
            kind(&tool)
        );
        return Err(Inexpressible::new(at(place, "type"), reason));
    }
    let name = take_text(&mut tool, "name", place)?;
    Ok(function(
        name,
        tool.remove("description"),
        tool.remove("parameters"),
        tool.remove("strict").filter(|strict| *strict == true),
    ))
}

fn tool_choice(choice: Value) -> Result<Value, Inexpressible> {
    let place = "tool_choice";
    if choice.is_string() {
        return Ok(choice);
    }
    let mut choice = object(choice, place)?;
    match kind(&choice) {
        "function" => {
            let name = take_text(&mut choice, "name", place)?;
            Ok(json!({"type": "function", "function": {"name": name}}))
        }
        // Kept as it is until the tools are known; see [`allowed_tools`].
        "allowed_tools" => Ok(Value::Object(choice)),
        other => {
            let reason = format!("is `{other}`, which this host does not run");
            Err(Inexpressible::new("tool_choice.type", reason))
        }
    }
}

/// Says "only these tools" by leaving out the others.
fn allowed_tools(chat: &mut Members) {
    let Some(Value::Object(choice)) = chat.get("tool_choice") else {
        return;
    };
    if kind(choice) != "allowed_tools" {
        return;
    }
    let mode = choice.get("mode").cloned().unwrap_or_else(|| "auto".into());
    let listed = choice.get("tools").and_then(Value::as_array);
    let names: Vec<String> = listed
        .into_iter()
        .flatten()
        .filter_map(|tool| tool.get("name")?.as_str().map(str::to_owned))
        .collect();
    chat.insert("tool_choice".to_owned(), mode);
    if let Some(Value::Array(tools)) = chat.get_mut("tools") {
        tools.retain(|tool| {
            let name = tool.pointer("/function/name").and_then(Value::as_str);
            name.is_some_and(|name| names.iter().any(|allowed| allowed == name))
        });
    }
}

fn input(transcript: &mut Transcript, input: Option<Value>) -> Result<(), Inexpressible> {
    match input {
        Some(Value::String(text)) => {
            transcript.message("user", vec![text_part(text)]);
            Ok(())
        }
        Some(Value::Array(items)) => {
            let mut items = items.into_iter().enumerate();
            items.try_for_each(|(number, item)| {
                let place = format!("input[{number}]");
                self::item(transcript, object(item, &place)?, &place)
            })
        }
        _ => Err(Inexpressible::new("input", "must be a string or a list")),
    }
}

fn item(transcript: &mut Transcript, mut item: Members, place: &str) -> Result<(), Inexpressible> {
    match kind(&item) {
        "message" | "" => message(transcript, item, place)?,
        "reasoning" => transcript.reasoning(&reasoning(&item)),
        "function_call" => {
            let id = take_text(&mut item, "call_id", place)?;
            let name = take_text(&mut item, "name", place)?;
            let arguments = take_text(&mut item, "arguments", place)?;
            transcript.called(&id, &name, &arguments);
        }
        "function_call_output" => {
            let id = take_text(&mut item, "call_id", place)?;
            let output = item.remove("output").unwrap_or_default();
            transcript.result(&id, parts(output, &at(place, "output"))?);
        }
        "item_reference" => {
            let reason = "is `item_reference`, which needs a host that keeps conversations: send the item itself";
            return Err(Inexpressible::new(at(place, "type"), reason));
        }
        other => {
            let reason = format!("is `{other}`, which chat completions have no words for");
            return Err(Inexpressible::new(at(place, "type"), reason));
        }
    }
    Ok(())
}

/// Returns the reasoning of an earlier turn: in full if it was given in full, else its summary.
fn reasoning(item: &Members) -> String {
    let texts = |key: &str| {
        let parts = item
            .get(key)
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        let texts: Vec<&str> = parts
            .filter_map(|part| part.get("text")?.as_str())
            .collect();
        texts.join("\n")
    };
    let full = texts("content");
    if full.is_empty() {
        texts("summary")
    } else {
        full
    }
}

fn message(
    transcript: &mut Transcript,
    mut item: Members,
    place: &str,
) -> Result<(), Inexpressible> {
    let role = take_text(&mut item, "role", place)?;
    let parts = parts(
        item.remove("content").unwrap_or_default(),
        &at(place, "content"),
    )?;
    match role.as_str() {
        "assistant" => {
            if let Value::String(text) = content(parts) {
                transcript.said(text);
            } else {
                let reason = "holds more than text, which the model cannot have said";
                return Err(Inexpressible::new(at(place, "content"), reason));
            }
        }
        "system" | "developer" => transcript.message("system", parts),
        "user" => transcript.message("user", parts),
        other => {
            let reason = format!("must be user, assistant, system or developer, not `{other}`");
            return Err(Inexpressible::new(at(place, "role"), reason));
        }
    }
    Ok(())
}

fn parts(content: Value, place: &str) -> Result<Vec<Value>, Inexpressible> {
    match content {
        Value::String(text) => Ok(vec![text_part(text)]),
        Value::Array(parts) => {
            let parts = parts.into_iter().enumerate();
            parts
                .map(|(number, part)| {
                    let place = format!("{place}[{number}]");
                    self::part(object(part, &place)?, &place)
                })
                .collect()
        }
        _ => Err(Inexpressible::new(place, "must be a string or a list")),
    }
}

fn part(mut part: Members, place: &str) -> Result<Value, Inexpressible> {
    match kind(&part) {
        "input_text" | "output_text" | "text" => {
            let text = take_text(&mut part, "text", place)?;
            let mut written = text_part(text);
            if let (Some(mark), Some(members)) =
                (part.remove("cache_control"), written.as_object_mut())
            {
                members.insert("cache_control".to_owned(), mark);
            }
            Ok(written)
        }
        "refusal" => Ok(text_part(take_text(&mut part, "refusal", place)?)),
        "input_image" | "image_url" => image(part, place),
        "input_audio" | "video_url" | "video" => Ok(Value::Object(part)),
        other => {
            let reason = format!("is `{other}`, which chat completions have no words for");
            Err(Inexpressible::new(at(place, "type"), reason))
        }
    }
}

fn image(mut part: Members, place: &str) -> Result<Value, Inexpressible> {
    let mut image = match part.remove("image_url") {
        Some(Value::String(url)) => image_part(url),
        // The service's own spelling of the same.
        Some(Value::Object(image)) => json!({"type": "image_url", "image_url": image}),
        _ => {
            let reason = "must be a URL: a `file_id` names nothing here";
            return Err(Inexpressible::new(at(place, "image_url"), reason));
        }
    };
    let detail = part
        .remove("detail")
        .filter(|detail| !detail.is_null() && *detail != "auto");
    if let (Some(detail), Some(Value::Object(members))) = (detail, image.get_mut("image_url")) {
        members.insert("detail".to_owned(), detail);
    }
    Ok(image)
}

#[cfg(test)]
mod tests;
