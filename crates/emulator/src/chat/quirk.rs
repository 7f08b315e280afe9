//! Ways in which servers are known to write chat completions that clients do not expect.
//!
//! A quirk changes chunks and whole replies after they are made, so that every model and stack can have it.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

/// Where the arguments of a call stand.
const ARGUMENTS: &str = "/function/arguments";

/// One such way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Quirk {
    /// All tool calls have index 0.
    ZeroIndex,
    /// Tool calls have no index.
    NoIndex,
    /// Tool calls have no id.
    NoCallId,
    /// Every piece of a tool call has another id.
    NewCallIds,
    /// Every piece of a tool call says id and name again.
    RestatedCalls,
    /// A piece of a tool call comes as two entries of one list.
    SplitEntries,
    /// Arguments come as an object, not as text.
    ArgumentsObject,
    /// Arguments are quoted as Python does.
    ArgumentsPython,
    /// All arguments come once more at the end.
    ArgumentsTwice,
    /// The last character of the arguments is missing.
    ArgumentsCut,
    /// The answer ends with `stop` although it calls tools.
    FinishStop,
    /// The answer ends without a reason.
    NoFinish,
    /// Reasoning stands in the text, between tags.
    ThinkTags,
    /// A stream that was asked for comes as one object.
    WholeForStream,
    /// A whole reply that was asked for comes as a stream.
    StreamForWhole,
    /// A stream is called `text/plain`.
    PlainContentType,
    /// Requests without `stream` are refused.
    StreamOnly,
}

/// The quirks of one reply, and what they must know of what was written before.
#[derive(Default)]
pub(crate) struct Quirks {
    list: Vec<Quirk>,
    /// The calls so far, by index.
    calls: BTreeMap<u64, Said>,
    is_thinking: bool,
    n_ids: u64,
}

/// What was said of one call.
#[derive(Default)]
struct Said {
    id: String,
    name: String,
    arguments: String,
}

impl Quirks {
    pub(crate) fn new(list: &[Quirk]) -> Self {
        Self {
            list: list.to_vec(),
            ..Self::default()
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub(crate) fn has(&self, quirk: Quirk) -> bool {
        self.list.contains(&quirk)
    }

    /// Changes a whole reply.
    pub(crate) fn whole(&mut self, mut reply: Value) -> Value {
        for choice in items(&mut reply, "choices") {
            if let Some(message) = choice.get_mut("message") {
                self.change_message(message);
            }
            self.change_reason(choice);
        }
        reply
    }

    fn change_message(&mut self, message: &mut Value) {
        if self.has(Quirk::ThinkTags)
            && let Some(reasoning) = take_text(message, "reasoning_content")
        {
            let text = text(message, "/content");
            put(
                message,
                "content",
                format!("<think>\n{reasoning}\n</think>\n\n{text}"),
            );
        }
        for call in items(message, "tool_calls") {
            self.change_call(call);
            let arguments = self.at_end(&text(call, ARGUMENTS), true);
            put_arguments(call, arguments);
        }
    }

    /// Changes one chunk, into several if need be.
    pub(crate) fn chunk(&mut self, mut chunk: Value) -> Vec<Value> {
        let mut chunks = Vec::new();
        if let Some(choice) = chunk.pointer_mut("/choices/0") {
            if let Some(delta) = choice.get_mut("delta") {
                self.change_delta(delta);
            }
            let ends = choice.get("finish_reason") == Some(&json!("tool_calls"));
            self.change_reason(choice);
            if ends {
                chunks = self.last_pieces(&chunk);
            }
        }
        chunks.push(chunk);
        chunks
    }

    fn change_delta(&mut self, delta: &mut Value) {
        if let Some(Value::Array(list)) = delta.get_mut("tool_calls") {
            let pieces = std::mem::take(list).into_iter();
            *list = pieces.flat_map(|call| self.piece(call)).collect();
        }
        if self.has(Quirk::ThinkTags) {
            self.write_tags(delta);
        }
    }

    fn change_reason(&self, choice: &mut Value) {
        let calls_tools = choice.get("finish_reason") == Some(&json!("tool_calls"));
        if self.has(Quirk::NoFinish) {
            put(choice, "finish_reason", Value::Null);
        } else if self.has(Quirk::FinishStop) && calls_tools {
            put(choice, "finish_reason", "stop");
        }
    }

    /// Changes one piece of a call, into one or two entries.
    fn piece(&mut self, mut call: Value) -> Vec<Value> {
        let index = call
            .get("index")
            .and_then(Value::as_u64)
            .unwrap_or_default();
        let arguments = text(&call, ARGUMENTS);
        let known = self.calls.entry(index).or_default();
        if known.id.is_empty() {
            known.id = text(&call, "/id");
            known.name = text(&call, "/function/name");
        }
        known.arguments.push_str(&arguments);
        let (id, name) = (known.id.clone(), known.name.clone());
        if self.has(Quirk::RestatedCalls) {
            put(&mut call, "id", id);
            if let Some(function) = call.get_mut("function") {
                put(function, "name", name);
            }
        }
        if self.has(Quirk::ArgumentsObject) || self.has(Quirk::ArgumentsCut) {
            put_arguments(&mut call, json!(""));
        }
        if self.has(Quirk::ArgumentsPython) {
            put_arguments(&mut call, json!(arguments.replace('"', "'")));
        }
        self.change_call(&mut call);
        if self.has(Quirk::SplitEntries) && !arguments.is_empty() {
            let mut first = call.clone();
            put_arguments(&mut first, json!(""));
            return vec![first, call];
        }
        vec![call]
    }

    /// Changes whose a call or a piece of it is.
    fn change_call(&mut self, call: &mut Value) {
        if self.has(Quirk::NewCallIds) {
            self.n_ids += 1;
            put(call, "id", format!("call_new_{}", self.n_ids));
        }
        if self.has(Quirk::ZeroIndex) {
            put(call, "index", 0);
        }
        let Some(call) = call.as_object_mut() else {
            return;
        };
        if self.has(Quirk::NoIndex) {
            call.shift_remove("index");
        }
        if self.has(Quirk::NoCallId) {
            call.shift_remove("id");
        }
    }

    /// Returns the pieces that come after all others.
    fn last_pieces(&mut self, chunk: &Value) -> Vec<Value> {
        let late = [
            Quirk::ArgumentsObject,
            Quirk::ArgumentsTwice,
            Quirk::ArgumentsCut,
        ];
        if !late.iter().any(|quirk| self.has(*quirk)) {
            return Vec::new();
        }
        let calls = std::mem::take(&mut self.calls);
        let chunks = calls.iter().map(|(index, call)| {
            let arguments = self.at_end(&call.arguments, false);
            let call = json!({"index": index, "id": "", "type": "function", "function": {"arguments": arguments}});
            let mut added = chunk.clone();
            let delta = json!({"tool_calls": [call]});
            put(&mut added, "choices", json!([{"index": 0, "delta": delta, "finish_reason": null}]));
            added
        });
        chunks.collect()
    }

    /// Writes all arguments of a call as they come at its end.
    fn at_end(&self, arguments: &str, is_whole: bool) -> Value {
        if self.has(Quirk::ArgumentsObject) {
            return serde_json::from_str(arguments).unwrap_or_default();
        }
        let mut text = arguments.to_owned();
        if self.has(Quirk::ArgumentsCut) {
            text.pop();
        }
        if is_whole && self.has(Quirk::ArgumentsPython) {
            text = text.replace('"', "'");
        }
        if is_whole && self.has(Quirk::ArgumentsTwice) {
            text = text.repeat(2);
        }
        json!(text)
    }

    fn write_tags(&mut self, delta: &mut Value) {
        let text = text(delta, "/content");
        let written = match take_text(delta, "reasoning_content") {
            Some(reasoning) if self.is_thinking => reasoning,
            Some(reasoning) => {
                self.is_thinking = true;
                format!("<think>\n{reasoning}")
            }
            None if self.is_thinking && !text.is_empty() => {
                self.is_thinking = false;
                format!("\n</think>\n\n{text}")
            }
            None => return,
        };
        put(delta, "content", written);
    }
}

fn items<'a>(object: &'a mut Value, key: &str) -> impl Iterator<Item = &'a mut Value> {
    let list = object.get_mut(key).and_then(Value::as_array_mut);
    list.into_iter().flatten()
}

fn text(value: &Value, pointer: &str) -> String {
    let text = value.pointer(pointer).and_then(Value::as_str);
    text.unwrap_or_default().to_owned()
}

fn put(object: &mut Value, key: &str, value: impl Into<Value>) {
    if let Some(object) = object.as_object_mut() {
        object.insert(key.to_owned(), value.into());
    }
}

fn put_arguments(call: &mut Value, arguments: Value) {
    if let Some(function) = call.get_mut("function") {
        put(function, "arguments", arguments);
    }
}

/// Takes a member out; none when it is no text or empty.
fn take_text(object: &mut Value, key: &str) -> Option<String> {
    let taken = object.as_object_mut()?.shift_remove(key)?;
    let text = taken.as_str().filter(|text| !text.is_empty());
    text.map(str::to_owned)
}
