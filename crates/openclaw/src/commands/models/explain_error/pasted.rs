//! What somebody pasted, read as a failure: status, code, message, request id, and how it came to light.

use catalog::{Catalog, FailureKind, KEY_PREFIX_BYTES_MAX, KeyFamily};
use providers::failure::ErrorBody;
use serde_json::{Value, json};

use super::{embedded, faults, status};

/// Deepest nesting of errors inside texts inside objects that is followed.
const DEPTH_MAX: usize = 4;
/// Start of every key of the service.
const KEY_START: &str = "sk-";
/// Shortest word that is taken for an error code by its own, in bytes.
const CODE_BYTES_MIN: usize = 5;

/// A pasted error.
#[derive(Debug)]
pub(super) struct Pasted {
    /// What the error says.
    pub(super) body: ErrorBody,
    /// HTTP status.
    pub(super) status: Option<u16>,
    /// How it came to light.
    pub(super) kind: FailureKind,
    /// Whether its form is the vendor's own: code and message without an `error` around them.
    pub(super) is_native: bool,
    /// Whether its form is Anthropic's.
    pub(super) is_anthropic: bool,
    /// Family of the first key in the text.
    pub(super) key: KeyFamily,
    /// Seconds that a `retry-after` header names.
    pub(super) retry_after: Option<u64>,
    /// The text without keys.
    pub(super) text: String,
}

impl Pasted {
    /// Reads a text; `status` is what the person said about it.
    pub(super) fn read(text: &str, status: Option<u16>, catalog: &Catalog) -> Self {
        let text = without_colours(text);
        let key = key_family(&text, catalog);
        let text = without_keys(&text);
        let object = embedded::objects(&text)
            .into_iter()
            .find_map(|object| error_in(object, DEPTH_MAX));
        let status = status.or_else(|| status::find(&text));
        let mut body = match &object {
            Some(object) => ErrorBody::read(object.to_string().as_bytes()),
            None => ErrorBody {
                message: message_of(&text).to_owned(),
                ..ErrorBody::default()
            },
        };
        if object.is_none() || body.code.is_none() {
            body.code = body.code.or_else(|| known_code(&text, catalog));
        }
        body.request_id = body.request_id.or_else(|| header(&text, "x-request-id"));
        Self {
            kind: kind(&text, status, object.as_ref()),
            is_native: object
                .as_ref()
                .is_some_and(|object| object.get("error").is_none()),
            is_anthropic: object
                .as_ref()
                .is_some_and(|object| object["type"] == "error"),
            retry_after: header(&text, "retry-after").and_then(|value| value.parse().ok()),
            body,
            status,
            key,
            text,
        }
    }

    /// Says whether the text holds nothing to go by.
    pub(super) fn is_empty(&self) -> bool {
        self.text.trim().is_empty() && self.status.is_none()
    }
}

/// Finds the error in an object: itself, a member, or an object inside one of its texts.
fn error_in(object: Value, depth: usize) -> Option<Value> {
    if let Some(error) = as_error(&object) {
        return Some(error);
    }
    let depth = depth.checked_sub(1)?;
    let members: Vec<Value> = match object {
        Value::Object(members) => members.into_iter().map(|(_, value)| value).collect(),
        Value::Array(items) => items,
        Value::String(text) => embedded::objects(&text),
        Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
    };
    members.into_iter().find_map(|value| error_in(value, depth))
}

/// Returns an object as an error body, when it has the form of one.
fn as_error(object: &Value) -> Option<Value> {
    let text = |value: &Value, key: &str| value.get(key).is_some_and(Value::is_string);
    if let Some(header) = object
        .get("header")
        .filter(|header| text(header, "error_code"))
    {
        return Some(json!({
            "code": header["error_code"],
            "message": header["error_message"],
            "request_id": header["task_id"],
        }));
    }
    let holds_one = match object.get("error") {
        Some(Value::Object(error)) => !error.is_empty(),
        Some(Value::String(error)) => !error.is_empty(),
        _ => false,
    };
    let is_one = text(object, "code") && object.get("message").is_some();
    (holds_one || is_one).then(|| object.clone())
}

fn kind(text: &str, status: Option<u16>, object: Option<&Value>) -> FailureKind {
    let own = object.and_then(own_kind);
    let is_event = text
        .lines()
        .any(|line| line.starts_with("data:") || line.trim() == "event:error");
    match (own, status) {
        (Some(kind), _) => kind,
        (None, Some(400..)) => FailureKind::Response,
        (None, _) if object.is_some() && is_event => FailureKind::StreamEvent,
        (None, None) if object.is_none() => faults::kind_of(text).unwrap_or(FailureKind::Response),
        (None, _) => FailureKind::Response,
    }
}

/// Reads the class that this program's gateway puts beside a code, for failures without an answer of the service.
fn own_kind(object: &Value) -> Option<FailureKind> {
    match object.get("error")?.get("class")?.as_str()? {
        "network" => Some(FailureKind::Network),
        "local_timeout" => Some(FailureKind::LocalTimeout),
        "stream_error" => Some(FailureKind::StreamCut),
        _ => None,
    }
}

/// Returns what a text without an object says: its last line after a traceback, what follows the headers, or all.
fn message_of(text: &str) -> &str {
    let text = text.trim();
    let after_headers = text.starts_with("HTTP/").then(|| {
        text.split_once("\n\n")
            .or_else(|| text.split_once("\r\n\r\n"))
    });
    let message = match after_headers {
        Some(Some((_, body))) => body.trim(),
        Some(None) => "",
        None if text.contains("Traceback (most recent call last)") => {
            text.lines().next_back().unwrap_or_default().trim()
        }
        None => text,
    };
    if message.contains("(no body)") {
        ""
    } else {
        message
    }
}

/// Finds a word that the error atlas knows as a code.
fn known_code(text: &str, catalog: &Catalog) -> Option<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '_' | '.'));
    let words = words.map(|word| word.trim_matches('.'));
    let looks_like_one = |word: &&str| {
        word.len() >= CODE_BYTES_MIN
            && (word.contains(['_', '.']) || word.chars().skip(1).any(|c| c.is_ascii_uppercase()))
    };
    let is_known = |word: &&str| {
        let rows = catalog.error_rows().iter();
        rows.flat_map(|row| &row.codes)
            .any(|code| code.trim_end_matches(".*") == *word)
    };
    words
        .filter(looks_like_one)
        .find(is_known)
        .map(str::to_owned)
}

fn header(text: &str, name: &str) -> Option<String> {
    text.lines().find_map(|line| {
        let (found, value) = line.trim_start_matches(['<', ' ']).split_once(':')?;
        found
            .trim()
            .eq_ignore_ascii_case(name)
            .then(|| value.trim().to_owned())
    })
}

fn key_family(text: &str, catalog: &Catalog) -> KeyFamily {
    let Some(at) = text.find(KEY_START) else {
        return KeyFamily::Unknown;
    };
    let rest = text.get(at..).unwrap_or_default();
    let head: String = rest
        .chars()
        .take(KEY_PREFIX_BYTES_MAX)
        .filter(char::is_ascii)
        .collect();
    catalog.key_family(&head)
}

/// Replaces what looks like a key, so that it is never printed again.
fn without_keys(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(KEY_START) {
        let (before, key) = rest.split_at(at);
        out.push_str(before);
        out.push_str("sk-[redacted]");
        let end = key.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '_' | '*'));
        rest = key.get(end.unwrap_or(key.len())..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

/// Takes out the colours of a terminal.
fn without_colours(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        out.push_str(before);
        let end = after
            .find(|c: char| c.is_ascii_alphabetic())
            .map_or(after.len(), |at| at + 1);
        rest = after.get(end..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}
