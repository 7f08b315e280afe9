//! One message, put into the form that every host accepts.

use std::borrow::Cow;

use catalog::ReasoningReplay;
use serde::de::IgnoredAny;
use serde_json::{Map, Value, json};

use super::{Manners, Notes};
use crate::json_span::{Change, Object, decode_string};
use crate::tool_arguments::Arguments;

/// A message on its way.
#[derive(Debug, Clone)]
pub(super) struct Item<'a> {
    /// Its JSON text.
    pub(super) text: Cow<'a, str>,
    /// What it is to the messages around it.
    pub(super) kind: Kind,
    place: Option<usize>,
}

/// What a message is to the messages around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// It stands for itself.
    Said,
    /// It calls tools.
    Calls(Vec<Call>),
    /// It is the result of a call.
    Result {
        answers: Option<String>,
        name: Option<String>,
    },
}

/// A call in an assistant's message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Call {
    /// The id as the client wrote it; empty when it wrote none.
    pub(super) written_id: String,
    /// The id that is sent.
    pub(super) id: String,
    /// Name of the tool.
    pub(super) name: String,
}

impl Item<'_> {
    /// Makes the result of a call.
    pub(super) fn result(id: &str, content: &str) -> Self {
        let message = json!({"role": "tool", "tool_call_id": id, "content": content});
        Self {
            text: Cow::Owned(message.to_string()),
            kind: Kind::Said,
            place: None,
        }
    }

    pub(super) fn is_result(&self) -> bool {
        matches!(self.kind, Kind::Result { .. })
    }

    /// Whether the message was at `place` from the beginning and is as the client wrote it.
    pub(super) fn is_untouched_at(&self, place: usize) -> bool {
        self.place == Some(place) && matches!(self.text, Cow::Borrowed(_))
    }

    /// Whether the message answers one of `calls` by its id.
    pub(super) fn names_any_of(&self, calls: &[Call]) -> bool {
        match &self.kind {
            Kind::Result {
                answers: Some(id), ..
            } if !id.is_empty() => calls.iter().any(|call| call.written_id == *id),
            _ => false,
        }
    }

    /// Whether the message makes a call with the id of one of `calls`.
    pub(super) fn calls_any_of(&self, calls: &[Call]) -> bool {
        match &self.kind {
            Kind::Calls(own) => own
                .iter()
                .any(|own| calls.iter().any(|call| call.written_id == own.written_id)),
            _ => false,
        }
    }

    /// Makes a result answer the call with this id.
    pub(super) fn answering(self, id: &str) -> Self {
        let is_right = matches!(&self.kind, Kind::Result { answers: Some(own), .. } if own == id);
        if is_right {
            return self;
        }
        let change = (Cow::Borrowed("tool_call_id"), set(&id.into()));
        let text = Object::scan(&self.text).map(|object| object.edited(&[change]));
        Self {
            text: text.map_or(self.text, Cow::Owned),
            ..self
        }
    }
}

/// Changes of one message.
type Changes = Vec<(Cow<'static, str>, Change)>;

fn set(value: &Value) -> Change {
    Change::Set(value.to_string())
}

/// Puts one message in order; nothing is left of a message that says nothing.
pub(super) fn tidy<'a>(
    raw: &'a str,
    place: usize,
    manners: Manners,
    notes: &mut Notes,
) -> Option<Item<'a>> {
    let Ok(object) = Object::scan(raw) else {
        return not_an_object(raw, notes);
    };
    let mut changes = Changes::new();
    let role = role(&object, manners, &mut changes, notes);
    let kind = match role {
        "assistant" => assistant(&object, place, manners, &mut changes, notes)?,
        "tool" => {
            said(&object, &mut changes, notes);
            Kind::Result {
                answers: text_of(&object, "tool_call_id"),
                name: text_of(&object, "name"),
            }
        }
        _ => {
            said(&object, &mut changes, notes);
            Kind::Said
        }
    };
    if role != "assistant" && object.raw("tool_calls").is_some_and(|raw| raw != "null") {
        notes.add("calls by others than the assistant left out");
        changes.push((Cow::Borrowed("tool_calls"), Change::Remove));
    }
    let text = if changes.is_empty() {
        Cow::Borrowed(raw)
    } else {
        Cow::Owned(object.edited(&changes))
    };
    let place = Some(place);
    Some(Item { text, kind, place })
}

fn not_an_object<'a>(raw: &str, notes: &mut Notes) -> Option<Item<'a>> {
    let Some(text) = decode_string(raw) else {
        notes.add("entries that are no message left out");
        return None;
    };
    notes.add("bare texts made messages");
    let message = json!({"role": "user", "content": text});
    Some(Item {
        text: Cow::Owned(message.to_string()),
        kind: Kind::Said,
        place: None,
    })
}

fn text_of(object: &Object<'_>, name: &str) -> Option<String> {
    decode_string(object.raw(name)?).map(Cow::into_owned)
}

/// Returns the role, and changes it to one that the host knows.
fn role(
    object: &Object<'_>,
    manners: Manners,
    changes: &mut Changes,
    notes: &mut Notes,
) -> &'static str {
    let written = text_of(object, "role");
    let has = |name: &str| object.raw(name).is_some_and(|raw| raw != "null");
    let known = match written.as_deref() {
        Some("system") => return "system",
        Some("user") => return "user",
        Some("assistant") => return "assistant",
        Some("tool") => return "tool",
        Some("developer") if manners.developer_role => return "developer",
        Some("developer") => "system",
        Some("function") => "tool",
        _ => {
            notes.add("unknown roles replaced");
            if has("tool_call_id") {
                "tool"
            } else if has("tool_calls") || has("function_call") {
                "assistant"
            } else {
                "user"
            }
        }
    };
    changes.push((Cow::Borrowed("role"), set(&known.into())));
    known
}

/// A message of anyone but the assistant: its content must be there.
fn said(object: &Object<'_>, changes: &mut Changes, notes: &mut Notes) {
    if let Some(content) = better_content(object.raw("content")) {
        notes.add("contents put into a known form");
        changes.push((Cow::Borrowed("content"), Change::Set(content)));
    }
}

/// A message of the assistant; nothing when it neither says nor calls anything.
fn assistant(
    object: &Object<'_>,
    place: usize,
    manners: Manners,
    changes: &mut Changes,
    notes: &mut Notes,
) -> Option<Kind> {
    let calls = calls(object, place, changes, notes);
    let content = object.raw("content").filter(|raw| *raw != "null");
    let better = content.and_then(|raw| better_content(Some(raw)));
    let says_nothing = match (&better, content) {
        (Some(better), _) => is_empty(better),
        (None, Some(raw)) => is_empty(raw),
        (None, None) => true,
    };
    if says_nothing && calls.is_empty() {
        notes.add("empty assistant messages left out");
        return None;
    }
    if let Some(better) = better {
        notes.add("contents put into a known form");
        changes.push((Cow::Borrowed("content"), Change::Set(better)));
    }
    reasoning(object, !calls.is_empty(), manners, changes);
    if calls.is_empty() {
        Some(Kind::Said)
    } else {
        Some(Kind::Calls(calls))
    }
}

/// Keeps, drops or adds the reasoning of an earlier turn.
fn reasoning(object: &Object<'_>, calls_tools: bool, manners: Manners, changes: &mut Changes) {
    let raw = object.raw("reasoning_content").filter(|raw| *raw != "null");
    let goes_back = match manners.replay {
        Some(ReasoningReplay::Never) => false,
        Some(ReasoningReplay::ToolTurns) => calls_tools,
        Some(ReasoningReplay::Always) | None => true,
    };
    let name = Cow::Borrowed("reasoning_content");
    match raw {
        Some(_) if !goes_back => changes.push((name, Change::Remove)),
        None if manners.backfill => changes.push((name, set(&"".into()))),
        _ => {}
    }
}

/// Whether content says nothing.
fn is_empty(raw: &str) -> bool {
    if !raw.starts_with('[') {
        return raw == "\"\"";
    }
    let parts: Vec<Value> = serde_json::from_str(raw).unwrap_or_default();
    let mut parts = parts.iter();
    parts.all(|part| {
        part.get("type") == Some(&json!("text")) && part.get("text") == Some(&json!(""))
    })
}

/// Returns content that a host accepts, if the written one is not.
fn better_content(raw: Option<&str>) -> Option<String> {
    let raw = raw.unwrap_or("null");
    if raw.starts_with('"') {
        return None;
    }
    match serde_json::from_str::<Value>(raw).ok()? {
        Value::Null => Some("\"\"".to_owned()),
        Value::Array(parts) => better_parts(parts),
        Value::Object(part) if part.contains_key("type") => {
            let parts = vec![Value::Object(part)];
            let fine = Value::Array(parts.clone()).to_string();
            better_parts(parts).or(Some(fine))
        }
        // Something structured, where a text belongs: its JSON is the text.
        other => Some(Value::from(other.to_string()).to_string()),
    }
}

fn better_parts(written: Vec<Value>) -> Option<String> {
    let before = written.clone();
    let parts: Vec<Value> = written.into_iter().filter_map(better_part).collect();
    if parts.is_empty() {
        return Some("\"\"".to_owned());
    }
    (parts != before).then(|| Value::Array(parts).to_string())
}

fn better_part(part: Value) -> Option<Value> {
    let mut part = match part {
        Value::Null => return None,
        Value::Object(part) => part,
        Value::String(text) => return Some(json!({"type": "text", "text": text})),
        other => return Some(json!({"type": "text", "text": other.to_string()})),
    };
    let kind = part.get("type").and_then(Value::as_str).unwrap_or_default();
    match kind {
        "thinking" | "redacted_thinking" | "reasoning" => return None,
        "text" if part.get("text").is_some_and(Value::is_string) => {}
        "text" | "input_text" | "output_text" | "refusal" | "" => {
            let text = part.shift_remove("text");
            let text = text.or_else(|| part.shift_remove("refusal"));
            let text = match text {
                Some(Value::String(text)) => text,
                None | Some(Value::Null) => String::new(),
                Some(other) => other.to_string(),
            };
            part.insert("type".to_owned(), "text".into());
            part.insert("text".to_owned(), text.into());
        }
        _ => {}
    }
    Some(Value::Object(part))
}

/// Reads the calls of an assistant's message and puts them in order.
fn calls(object: &Object<'_>, place: usize, changes: &mut Changes, notes: &mut Notes) -> Vec<Call> {
    let legacy = object.raw("function_call").filter(|raw| *raw != "null");
    let raw = object.raw("tool_calls").filter(|raw| *raw != "null");
    let (Some(raw), None) = (raw, legacy) else {
        return legacy.map_or_else(Vec::new, |legacy| {
            changes.push((Cow::Borrowed("function_call"), Change::Remove));
            let function: Value = serde_json::from_str(legacy).unwrap_or_default();
            let written = vec![json!({"type": "function", "function": function})];
            put_calls(written, true, place, changes, notes)
        });
    };
    let written = serde_json::from_str::<Vec<Value>>(raw);
    let is_list = written.is_ok();
    put_calls(written.unwrap_or_default(), !is_list, place, changes, notes)
}

fn put_calls(
    written: Vec<Value>,
    must_write: bool,
    place: usize,
    changes: &mut Changes,
    notes: &mut Notes,
) -> Vec<Call> {
    let before = written.clone();
    let (mut calls, mut sent) = (Vec::new(), Vec::new());
    for (number, call) in written.into_iter().enumerate() {
        if let Some((value, call)) = tidy_call(call, (place, number), &calls, notes) {
            sent.push(value);
            calls.push(call);
        } else {
            notes.add("calls without a tool's name left out");
        }
    }
    let name = Cow::Borrowed("tool_calls");
    if sent.is_empty() {
        changes.push((name, Change::Remove));
    } else if must_write || sent != before {
        changes.push((name, set(&Value::Array(sent))));
    }
    calls
}

fn tidy_call(
    call: Value,
    (place, number): (usize, usize),
    earlier: &[Call],
    notes: &mut Notes,
) -> Option<(Value, Call)> {
    let Value::Object(mut call) = call else {
        return None;
    };
    let function = call.get_mut("function")?.as_object_mut()?;
    let name = function
        .get("name")?
        .as_str()
        .filter(|name| !name.is_empty())?;
    let name = name.to_owned();
    tidy_arguments(function, notes);
    if call.get("type").and_then(Value::as_str) != Some("function") {
        call.insert("type".to_owned(), "function".into());
    }
    let written_id = call.get("id").and_then(Value::as_str).unwrap_or_default();
    let written_id = written_id.to_owned();
    let is_taken = |id: &str| earlier.iter().any(|call| call.id == id);
    let id = if written_id.is_empty() || is_taken(&written_id) {
        notes.add("ids of calls made up");
        let id = format!("call_{place}_{number}");
        call.insert("id".to_owned(), id.as_str().into());
        id
    } else {
        written_id.clone()
    };
    let seen = Call {
        written_id,
        id,
        name,
    };
    Some((Value::Object(call), seen))
}

fn tidy_arguments(function: &mut Map<String, Value>, notes: &mut Notes) {
    let empty = || "{}".to_owned();
    let read = match function.get("arguments") {
        // Any JSON is accepted; only what is none is looked at closely.
        Some(Value::String(text)) if serde_json::from_str::<IgnoredAny>(text).is_ok() => return,
        Some(Value::String(text)) => Arguments::read(text),
        None | Some(Value::Null) => Arguments::Repaired(empty()),
        Some(other) => Arguments::Repaired(other.to_string()),
    };
    let better = match read {
        Arguments::Valid => return,
        Arguments::Repaired(better) => {
            notes.add("arguments put into the right form");
            better
        }
        Arguments::Invalid => {
            notes.add("arguments that are no JSON replaced by {}");
            empty()
        }
    };
    function.insert("arguments".to_owned(), better.into());
}
