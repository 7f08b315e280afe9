//! Tells which call a piece belongs to, and gives every call one index, one id and one name.
//!
//! Hosts differ in what they repeat: Model Studio sends an empty id with later pieces, others send the id or the name
//! again, a new id with every piece, no index, or index 0 for all calls at once. Clients join what they get: an index
//! decides where, and strings are appended or overwritten.

use std::hash::{BuildHasher, Hasher, RandomState};

use serde_json::{Value, json};

use super::argument_text::ArgumentText;
use super::repairs::{Repair, Repairs};

/// Most calls of one answer that are told apart; more pass as they are.
const CALLS_MAX: usize = 512;

/// The tool calls of one answer.
#[derive(Debug, Default)]
pub(super) struct ToolCalls {
    calls: Vec<Call>,
    /// The call that the latest piece belonged to.
    latest: Option<usize>,
}

#[derive(Debug)]
struct Call {
    /// The index the host gave it.
    host_index: Option<u64>,
    /// The index the client knows it by.
    index: u64,
    id: String,
    /// Whether the id is ours, because the host gave none.
    has_made_up_id: bool,
    name: String,
    arguments: ArgumentText,
    /// Whether a piece of it went on to the client.
    has_begun: bool,
    /// Whether it is a function call, whose arguments are JSON.
    is_function: bool,
}

/// What one entry of a `tool_calls` list says about whose it is.
struct Piece<'a> {
    index: Option<u64>,
    id: Option<&'a str>,
    name: Option<&'a str>,
    has_arguments: bool,
    /// Its place in the list, when the list holds several.
    place: Option<usize>,
}

impl ToolCalls {
    pub(super) fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    /// Puts the `tool_calls` list of one chunk in order; `None` when it is.
    pub(super) fn take(&mut self, list: &[Value], repairs: &mut Repairs) -> Option<Vec<Value>> {
        let mut out: Vec<(Option<usize>, Value)> = Vec::with_capacity(list.len());
        for (place, entry) in list.iter().enumerate() {
            let place = (list.len() > 1).then_some(place);
            let mut entry = entry.clone();
            let call = self.take_entry(&mut entry, place, repairs);
            let same = out
                .iter_mut()
                .find(|(other, _)| call.is_some() && *other == call);
            match same {
                Some((_, first)) => {
                    repairs.add(Repair::ToolCallsMerged);
                    merge(first, entry);
                }
                None => out.push((call, entry)),
            }
        }
        let out: Vec<Value> = out.into_iter().map(|(_, entry)| entry).collect();
        (out != list).then_some(out)
    }

    /// Puts one entry in order and returns which call it belongs to.
    fn take_entry(
        &mut self,
        entry: &mut Value,
        place: Option<usize>,
        repairs: &mut Repairs,
    ) -> Option<usize> {
        let piece = Piece::read(entry, place)?;
        let at = match self.find(&piece) {
            Some(at) => at,
            None if self.calls.len() < CALLS_MAX => self.begin(&piece, repairs),
            None => return None,
        };
        self.latest = Some(at);
        let call = self.calls.get_mut(at)?;
        call.write_identity(entry);
        call.write_arguments(entry, repairs);
        Some(at)
    }

    /// Finds the call that a piece continues; `None` when it begins one.
    fn find(&self, piece: &Piece<'_>) -> Option<usize> {
        if let Some(id) = piece.id
            && let Some(at) = self.calls.iter().position(|call| call.id == id)
        {
            return Some(at);
        }
        let at = match (piece.index, piece.place) {
            (Some(index), _) => {
                let of_host = |call: &Call| call.host_index == Some(index);
                let ours = |call: &Call| call.index == index && piece.name.is_none();
                let found = self.calls.iter().rposition(of_host);
                found.or_else(|| self.calls.iter().position(ours))?
            }
            (None, Some(place)) if place < self.calls.len() && piece.name.is_none() => place,
            (None, _) => self.latest?,
        };
        let call = self.calls.get(at)?;
        (!call.is_another(piece)).then_some(at)
    }

    fn begin(&mut self, piece: &Piece<'_>, repairs: &mut Repairs) -> usize {
        let is_free = |index: &u64| self.calls.iter().all(|call| call.index != *index);
        let index = piece.index.filter(is_free).unwrap_or_else(|| {
            repairs.add(Repair::ToolCallIndex);
            let last = self.calls.iter().map(|call| call.index).max();
            last.map_or(0, |last| last.saturating_add(1))
        });
        if piece.id.is_none() {
            repairs.add(Repair::ToolCallId);
        }
        self.calls.push(Call {
            host_index: piece.index,
            index,
            id: piece.id.map_or_else(made_up_id, str::to_owned),
            has_made_up_id: piece.id.is_none(),
            name: String::new(),
            arguments: ArgumentText::default(),
            has_begun: false,
            is_function: false,
        });
        self.calls.len() - 1
    }

    /// Puts the calls of a whole reply in order, each of which is one entry; `None` when they are.
    pub(super) fn whole(
        list: &[Value],
        is_whole: bool,
        repairs: &mut Repairs,
    ) -> Option<Vec<Value>> {
        let mut out = list.to_vec();
        let mut indexes = Vec::new();
        for (place, entry) in (0_u64..).zip(&mut out) {
            let Some(piece) = Piece::read(entry, None) else {
                continue;
            };
            let id = piece.id.is_none().then(made_up_id);
            let index = piece.index;
            let (Some(entry), mut text) = (entry.as_object_mut(), ArgumentText::default()) else {
                continue;
            };
            if let Some(id) = id {
                repairs.add(Repair::ToolCallId);
                entry.insert("id".to_owned(), json!(id));
            }
            if index.is_some_and(|index| indexes.contains(&index)) {
                repairs.add(Repair::ToolCallIndex);
                entry.insert("index".to_owned(), json!(place));
            }
            indexes.extend(index);
            if let Some(function) = entry.get_mut("function").and_then(Value::as_object_mut) {
                let written = function.entry("arguments").or_insert(Value::Null);
                let arguments = text_of(written, repairs);
                let mut arguments = text.push(&arguments, repairs);
                arguments.push_str(&text.finish(is_whole, repairs));
                *written = Value::String(arguments);
            }
        }
        (out != list).then_some(out)
    }

    /// Ends all calls: what is still to be sent goes into the entries of `list` that belong to them, else into
    /// entries of their own, which are returned.
    pub(super) fn finish(
        &mut self,
        list: &mut [Value],
        is_whole: bool,
        repairs: &mut Repairs,
    ) -> Vec<Value> {
        let mut others = Vec::new();
        for call in self.calls.iter_mut().filter(|call| call.is_function) {
            let rest = call.arguments.finish(is_whole, repairs);
            if rest.is_empty() {
                continue;
            }
            let entry = json!({"index": call.index, "function": {"arguments": rest}});
            let same = |other: &&mut Value| other.get("index") == Some(&json!(call.index));
            match list.iter_mut().find(same) {
                Some(first) => merge(first, entry),
                None => others.push(entry),
            }
        }
        others
    }
}

impl<'a> Piece<'a> {
    fn read(entry: &'a Value, place: Option<usize>) -> Option<Self> {
        entry.as_object()?;
        let function = entry.get("function");
        let arguments = function.and_then(|function| function.get("arguments"));
        Some(Self {
            index: entry.get("index").and_then(Value::as_u64),
            id: non_empty(entry.get("id")),
            name: non_empty(function.and_then(|function| function.get("name"))),
            has_arguments: match arguments {
                None | Some(Value::Null) => false,
                Some(Value::String(text)) => !text.is_empty(),
                Some(_) => true,
            },
            place,
        })
    }
}

impl Call {
    /// Says whether a piece that seems to continue this call begins another one.
    fn is_another(&self, piece: &Piece<'_>) -> bool {
        let Some(name) = piece.name else {
            // A new id without a name: some hosts make one up for every piece.
            return false;
        };
        if self.name.is_empty() {
            return false;
        }
        let is_under_way = !self.arguments.is_empty() && !self.arguments.is_complete();
        match piece.id {
            Some(_) if self.has_made_up_id => name != self.name || self.arguments.is_complete(),
            Some(_) => name != self.name || !is_under_way,
            None if name == self.name => self.arguments.is_complete() && piece.has_arguments,
            // The name of a call may come in pieces, before its arguments.
            None => piece.index.is_none() || !self.arguments.is_empty(),
        }
    }

    /// Lets an entry say who it belongs to exactly once: index always, id and name with the first piece that has them.
    fn write_identity(&mut self, entry: &mut Value) {
        let is_first = !std::mem::replace(&mut self.has_begun, true);
        let Some(entry) = entry.as_object_mut() else {
            return;
        };
        entry.insert("index".to_owned(), json!(self.index));
        if is_first {
            entry.insert("id".to_owned(), json!(self.id));
        } else if entry.get("id").is_some_and(|id| !id.is_null()) {
            entry.shift_remove("id");
        }
        if entry.get("type") == Some(&json!("")) {
            entry.shift_remove("type");
        }
        let Some(function) = entry.get_mut("function").and_then(Value::as_object_mut) else {
            return;
        };
        self.is_function = true;
        let is_said = match function.get("name").and_then(Value::as_str) {
            Some(name) if name.is_empty() || name == self.name => true,
            Some(name) => {
                self.name.push_str(name);
                false
            }
            None => false,
        };
        if is_said {
            function.shift_remove("name");
        }
        if is_first && !entry.contains_key("type") {
            entry.insert("type".to_owned(), json!("function"));
        }
    }

    /// Makes arguments text, and the text one that can become JSON.
    fn write_arguments(&mut self, entry: &mut Value, repairs: &mut Repairs) {
        let function = entry.get_mut("function").and_then(Value::as_object_mut);
        let Some(arguments) = function.and_then(|function| function.get_mut("arguments")) else {
            return;
        };
        let piece = text_of(arguments, repairs);
        *arguments = Value::String(self.arguments.push(&piece, repairs));
    }
}

/// Takes arguments out as text; some hosts send the object itself.
fn text_of(arguments: &mut Value, repairs: &mut Repairs) -> String {
    match arguments {
        Value::Null => String::new(),
        Value::String(text) => std::mem::take(text),
        object => {
            repairs.add(Repair::ToolArguments);
            object.to_string()
        }
    }
}

fn non_empty(value: Option<&Value>) -> Option<&str> {
    value?.as_str().filter(|text| !text.is_empty())
}

/// Adds a further piece of the same call to the first one.
fn merge(first: &mut Value, mut other: Value) {
    let added = other
        .pointer_mut("/function/arguments")
        .map(Value::take)
        .unwrap_or_default();
    let added = added.as_str().unwrap_or_default();
    match first.pointer_mut("/function/arguments") {
        Some(Value::String(text)) => text.push_str(added),
        Some(place) => *place = json!(added),
        None => {
            if let Some(function) = first.get_mut("function").and_then(Value::as_object_mut) {
                function.insert("arguments".to_owned(), json!(added));
            }
        }
    }
    // A name that came in pieces.
    if let Some(name) = other.pointer("/function/name").and_then(Value::as_str)
        && let Some(function) = first.get_mut("function").and_then(Value::as_object_mut)
    {
        let said = function.get("name").and_then(Value::as_str);
        let name = [said.unwrap_or_default(), name].concat();
        function.insert("name".to_owned(), json!(name));
    }
}

/// Makes an id in the form of the service, for a call that has none: its result must refer to something.
pub(super) fn made_up_id() -> String {
    let random = || RandomState::new().build_hasher().finish();
    format!("call_{:016x}{:08x}", random(), random() >> 32)
}
