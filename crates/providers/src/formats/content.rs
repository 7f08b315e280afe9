//! Pieces that both formats are made of: members with a type, chat messages, content parts.

use serde_json::{Map, Value, json};

use super::Inexpressible;

/// The members of an object.
pub(crate) type Members = Map<String, Value>;

/// Takes a member that must be a string.
pub(crate) fn take_text(
    members: &mut Members,
    key: &str,
    place: &str,
) -> Result<String, Inexpressible> {
    match members.remove(key) {
        Some(Value::String(text)) => Ok(text),
        _ => Err(Inexpressible::new(at(place, key), "must be a string")),
    }
}

/// Takes a member that must be a string when it is there; null is not there.
pub(crate) fn take_optional_text(
    members: &mut Members,
    key: &str,
    place: &str,
) -> Result<Option<String>, Inexpressible> {
    match members.remove(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Inexpressible::new(at(place, key), "must be a string")),
    }
}

/// Takes the list that must stand at `place`.
pub(crate) fn list(value: Value, place: &str) -> Result<Vec<Value>, Inexpressible> {
    match value {
        Value::Array(items) => Ok(items),
        _ => Err(Inexpressible::new(place, "must be a list")),
    }
}

/// Takes the object that must stand at `place`.
pub(crate) fn object(value: Value, place: &str) -> Result<Members, Inexpressible> {
    match value {
        Value::Object(members) => Ok(members),
        _ => Err(Inexpressible::new(place, "must be an object")),
    }
}

/// Returns the `type` of an object.
pub(crate) fn kind(members: &Members) -> &str {
    members
        .get("type")
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// Returns the name of a member of the object at `place`.
pub(crate) fn at(place: &str, key: &str) -> String {
    if place.is_empty() {
        key.to_owned()
    } else {
        format!("{place}.{key}")
    }
}

/// Returns a text part.
pub(crate) fn text_part(text: String) -> Value {
    typed("text", "text", Value::String(text))
}

/// Returns an image part.
pub(crate) fn image_part(url: String) -> Value {
    let image = Members::from_iter([("url".to_owned(), Value::String(url))]);
    typed("image_url", "image_url", Value::Object(image))
}

/// Texts and images can be large, so they are moved.
fn typed(kind: &str, key: &str, value: Value) -> Value {
    let kind = ("type".to_owned(), Value::from(kind));
    Value::Object(Members::from_iter([kind, (key.to_owned(), value)]))
}

/// Returns parts as the content of a message: plain text where that says the same, which every host reads.
pub(crate) fn content(parts: Vec<Value>) -> Value {
    let plain = |part: &Value| {
        let members = part.as_object()?;
        (members.len() == 2 && kind(members) == "text").then_some(())?;
        members.get("text")?.as_str().map(str::to_owned)
    };
    match parts.iter().map(plain).collect::<Option<Vec<String>>>() {
        Some(texts) => Value::String(texts.join("\n")),
        None => Value::Array(parts),
    }
}

/// The messages of a chat completion while they are put together.
#[derive(Default)]
pub(crate) struct Transcript {
    messages: Vec<Value>,
    assistant: Option<Assistant>,
    /// What tool results hold besides text; it goes to the model as a message of the user, after all results.
    after_results: Vec<Value>,
}

/// What the model said in one turn.
#[derive(Default)]
struct Assistant {
    reasoning: String,
    text: Vec<String>,
    calls: Vec<Value>,
    is_prefix: bool,
}

impl Transcript {
    /// Adds to what the model thought in this turn.
    pub(crate) fn reasoning(&mut self, text: &str) {
        let assistant = self.assistant();
        if !assistant.reasoning.is_empty() && !text.is_empty() {
            assistant.reasoning.push('\n');
        }
        assistant.reasoning.push_str(text);
    }

    /// Adds to what the model said in this turn.
    pub(crate) fn said(&mut self, text: String) {
        self.assistant().text.push(text);
    }

    /// Marks what the model said last as the beginning of its answer.
    pub(crate) fn is_prefix(&mut self) {
        self.assistant().is_prefix = true;
    }

    /// Adds a call of this turn.
    pub(crate) fn called(&mut self, id: &str, name: &str, arguments: &str) {
        let call = json!({
            "id": id,
            "type": "function",
            "function": {"name": name, "arguments": arguments},
        });
        self.assistant().calls.push(call);
    }

    /// Adds the result of a call.
    pub(crate) fn result(&mut self, id: &str, parts: Vec<Value>) {
        self.close_assistant();
        let (texts, others): (Vec<Value>, Vec<Value>) = parts
            .into_iter()
            .partition(|part| part.get("type").is_some_and(|kind| kind == "text"));
        let plain = texts
            .iter()
            .filter_map(|part| part.get("text")?.as_str())
            .collect::<Vec<_>>()
            .join("\n");
        let text = if plain.is_empty() && !others.is_empty() {
            "the result follows in the next message".to_owned()
        } else {
            plain
        };
        self.messages
            .push(json!({"role": "tool", "tool_call_id": id, "content": text}));
        if !others.is_empty() {
            let note = format!("Result of the tool call {id}:");
            self.after_results.push(text_part(note));
            self.after_results.extend(others);
        }
    }

    /// Adds a message of somebody else than the model.
    pub(crate) fn message(&mut self, role: &str, mut parts: Vec<Value>) {
        self.close_assistant();
        if role == "user" && !self.after_results.is_empty() {
            parts.splice(0..0, std::mem::take(&mut self.after_results));
        }
        self.close_results();
        let is_first_system = role == "system" && self.messages.len() == 1;
        if let (true, Some(first)) = (is_first_system, self.messages.first_mut())
            && first.get("role").is_some_and(|role| role == "system")
        {
            // Templates of many models take one system message only, and only in the first place.
            extend_content(first, parts);
            return;
        }
        self.messages
            .push(json!({"role": role, "content": content(parts)}));
    }

    /// Ends the model's turn.
    pub(crate) fn close_assistant(&mut self) {
        let Some(assistant) = self.assistant.take() else {
            return;
        };
        let mut message = json!({"role": "assistant", "content": assistant.text.concat()});
        if let Some(members) = message.as_object_mut() {
            if !assistant.reasoning.is_empty() {
                members.insert("reasoning_content".to_owned(), assistant.reasoning.into());
            }
            if !assistant.calls.is_empty() {
                members.insert("tool_calls".to_owned(), assistant.calls.into());
            } else if assistant.is_prefix {
                members.insert("partial".to_owned(), true.into());
            }
        }
        self.messages.push(message);
    }

    /// Returns the messages.
    pub(crate) fn finish(mut self) -> Vec<Value> {
        self.close_assistant();
        self.close_results();
        self.messages
    }

    fn assistant(&mut self) -> &mut Assistant {
        self.close_results();
        self.assistant.get_or_insert_with(Assistant::default)
    }

    fn close_results(&mut self) {
        if !self.after_results.is_empty() {
            let parts = std::mem::take(&mut self.after_results);
            self.messages
                .push(json!({"role": "user", "content": parts}));
        }
    }
}

fn extend_content(message: &mut Value, more: Vec<Value>) {
    let Some(held) = message.get_mut("content") else {
        return;
    };
    let mut parts = match held.take() {
        Value::Array(parts) => parts,
        Value::String(text) => vec![text_part(text)],
        _ => Vec::new(),
    };
    parts.extend(more);
    *held = content(parts);
}

/// Returns the chat form of a tool.
pub(crate) fn function(
    name: String,
    description: Option<Value>,
    parameters: Option<Value>,
    strict: Option<Value>,
) -> Value {
    let mut function = Members::new();
    function.insert("name".to_owned(), name.into());
    for (key, value) in [
        ("description", description),
        ("parameters", parameters),
        ("strict", strict),
    ] {
        if let Some(value) = value.filter(|value| !value.is_null()) {
            function.insert(key.to_owned(), value);
        }
    }
    json!({"type": "function", "function": function})
}

/// Allows several calls at once unless the request says something else: that is what these formats mean by default, while
/// chat completions of Model Studio mean one.
pub(crate) fn allow_parallel_calls(chat: &mut Members) {
    if chat.contains_key("tools") && !chat.contains_key("parallel_tool_calls") {
        chat.insert("parallel_tool_calls".to_owned(), true.into());
    }
}
