//! The conversation: its rules, its texts and its images.

use serde_json::Value;

use super::field::Fields;
use super::media::{self, Media};
use super::token_count;
use crate::model_table::Model;
use crate::refusal::Refusal;

const ROLES: [&str; 5] = ["system", "assistant", "user", "tool", "function"];

/// The conversation of a request, checked.
pub(crate) struct Conversation<'a> {
    messages: &'a [Value],
    /// Images and videos of all messages, in order.
    pub(crate) media: Vec<Media>,
}

impl<'a> Conversation<'a> {
    pub(crate) fn read(fields: Fields<'a>, model: &Model) -> Result<Self, Refusal> {
        let messages = fields
            .array("messages")?
            .ok_or_else(|| Refusal::invalid("'messages' is a required property"))?;
        if messages.is_empty() {
            return Err(Refusal::invalid("[] is too short - 'messages'"));
        }
        let mut media = Vec::new();
        for (number, message) in messages.iter().enumerate() {
            check_role(number, message)?;
            check_calls(number, message)?;
            read_content(message, model, &mut media)?;
        }
        check_tool_replies(messages)?;
        Ok(Self { messages, media })
    }

    /// Returns the text of the last user message.
    pub(crate) fn last_user_text(&self) -> String {
        let last = self
            .messages
            .iter()
            .rev()
            .find(|message| role(message) == "user");
        last.map(text).unwrap_or_default()
    }

    /// Returns what tools answered since the model last spoke, empty if the user spoke last.
    pub(crate) fn tool_replies(&self) -> Vec<String> {
        let replies = self
            .messages
            .iter()
            .rev()
            .take_while(|message| role(message) == "tool");
        let mut texts: Vec<String> = replies.map(text).collect();
        texts.reverse();
        texts
    }

    /// Tells whether any message has the word, whatever its case.
    pub(crate) fn mentions(&self, word: &str) -> bool {
        self.messages
            .iter()
            .any(|message| text(message).to_ascii_lowercase().contains(word))
    }

    /// Returns the tokens of all texts.
    pub(crate) fn text_tokens(&self) -> u64 {
        let tokens = |message: &Value| {
            let calls = message
                .get("tool_calls")
                .map_or(0, |calls| token_count::of(&calls.to_string()));
            token_count::MESSAGE_TOKENS + token_count::of(&text(message)) + calls
        };
        self.messages.iter().map(tokens).sum()
    }

    /// Returns the tokens of all images and videos.
    pub(crate) fn media_tokens(&self) -> u64 {
        self.media.iter().map(|media| media.tokens).sum()
    }
}

fn role(message: &Value) -> &str {
    message
        .get("role")
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// Joins the text parts of a message.
fn text(message: &Value) -> String {
    match message.get("content") {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => {
            let texts = parts.iter().filter_map(|part| part.get("text")?.as_str());
            texts.collect::<Vec<_>>().join("\n")
        }
        _ => String::new(),
    }
}

fn check_role(number: usize, message: &Value) -> Result<(), Refusal> {
    let Some(written) = message.get("role").and_then(Value::as_str) else {
        return Err(Refusal::invalid(format!(
            "'role' is a required property - 'messages.{number}'"
        )));
    };
    if ROLES.contains(&written) {
        return Ok(());
    }
    Err(Refusal::invalid(format!(
        "'{written}' is not one of ['system', 'assistant', 'user', 'tool', 'function'] - 'messages.{number}.role'"
    )))
}

/// Returns what stands in `tool_calls`, unless it is null.
fn calls(message: &Value) -> Option<&Value> {
    message.get("tool_calls").filter(|calls| !calls.is_null())
}

/// Only the assistant calls tools, at least one, each with an id, a name and arguments in JSON.
fn check_calls(number: usize, message: &Value) -> Result<(), Refusal> {
    let Some(calls) = calls(message) else {
        return Ok(());
    };
    let place = format!("'messages.{number}.tool_calls'");
    if role(message) != "assistant" {
        return Err(Refusal::invalid(format!("{place} is not allowed here")));
    }
    let calls = calls.as_array();
    let calls = calls.ok_or_else(|| Refusal::invalid(format!("{place} must be Array")))?;
    if calls.is_empty() {
        return Err(Refusal::invalid(format!("[] is too short - {place}")));
    }
    for call in calls {
        let text = |value: Option<&Value>| {
            let text = value.and_then(Value::as_str).unwrap_or_default();
            text.to_owned()
        };
        let function = call.get("function");
        let name = text(function.and_then(|function| function.get("name")));
        if text(call.get("id")).is_empty() || name.is_empty() {
            let message = format!("'id' and 'function.name' are required properties - {place}");
            return Err(Refusal::invalid(message));
        }
        let arguments = text(function.and_then(|function| function.get("arguments")));
        if serde_json::from_str::<Value>(&arguments).is_err() {
            return Err(Refusal::invalid(
                "The \"function.arguments\" parameter of the code model must be in JSON format.",
            ));
        }
    }
    Ok(())
}

fn read_content(message: &Value, model: &Model, media: &mut Vec<Media>) -> Result<(), Refusal> {
    let optional = calls(message).is_some();
    match message.get("content") {
        Some(Value::String(_)) => Ok(()),
        Some(Value::Array(parts)) => parts
            .iter()
            .try_for_each(|part| read_part(part, model, media)),
        None | Some(Value::Null) if optional => Ok(()),
        _ => Err(Refusal::invalid("The content field is a required field.")),
    }
}

fn read_part(part: &Value, model: &Model, media: &mut Vec<Media>) -> Result<(), Refusal> {
    let unexpected = || Refusal::invalid("Unexpected item type in content.");
    let url_in = |field: &str| part.get(field).and_then(|inner| inner.get("url")?.as_str());
    match part.get("type").and_then(Value::as_str) {
        Some("text") if part.get("text").is_some_and(Value::is_string) => Ok(()),
        Some("image_url" | "video_url" | "video") if !model.image => Err(unexpected()),
        Some(kind @ ("image_url" | "video_url")) => {
            media.push(media::look(url_in(kind).ok_or_else(unexpected)?)?);
            Ok(())
        }
        Some("video") => {
            let frames = part
                .get("video")
                .and_then(Value::as_array)
                .ok_or_else(unexpected)?;
            for frame in frames {
                media.push(media::look(frame.as_str().ok_or_else(unexpected)?)?);
            }
            Ok(())
        }
        _ => Err(unexpected()),
    }
}

/// A tool message answers a call of the assistant message before it, and each call is answered.
fn check_tool_replies(messages: &[Value]) -> Result<(), Refusal> {
    let mut open: Vec<&str> = Vec::new();
    for message in messages {
        if role(message) == "tool" {
            let answered = message
                .get("tool_call_id")
                .and_then(Value::as_str)
                .unwrap_or_default();
            let Some(at) = open.iter().position(|id| *id == answered) else {
                return Err(Refusal::invalid(
                    "messages with role \"tool\" must be a response to a preceeding message with \"tool_calls\".",
                ));
            };
            open.remove(at);
            continue;
        }
        check_answered(&open)?;
        let calls = message.get("tool_calls").and_then(Value::as_array);
        let ids = calls
            .into_iter()
            .flatten()
            .filter_map(|call| call.get("id")?.as_str());
        open = ids.collect();
    }
    check_answered(&open)
}

fn check_answered(open: &[&str]) -> Result<(), Refusal> {
    if open.is_empty() {
        return Ok(());
    }
    Err(Refusal::invalid(format!(
        "An assistant message with \"tool_calls\" must be followed by tool messages responding to each \"tool_call_id\". Missing: {}",
        open.join(", ")
    )))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(messages: &Value) -> Result<(), Refusal> {
        check_tool_replies(messages.as_array().unwrap())
    }

    #[test]
    fn every_call_is_answered_and_every_answer_has_a_call() {
        let call = json!({"role": "assistant", "tool_calls": [{"id": "a"}, {"id": "b"}]});
        let reply = |id: &str| json!({"role": "tool", "tool_call_id": id, "content": "x"});
        let user = json!({"role": "user", "content": "x"});
        assert!(check(&json!([user, call, reply("b"), reply("a"), user])).is_ok());
        assert!(check(&json!([user, call, reply("b")])).is_err());
        assert!(check(&json!([user, call, reply("a"), user])).is_err());
        assert!(check(&json!([user, reply("a")])).is_err());
        assert!(check(&json!([user, call, reply("a"), reply("b"), reply("b")])).is_err());
    }
}
