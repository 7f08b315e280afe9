//! Puts chat replies in order, so that every client reads the same out of them.
//!
//! Tool calls get one index, one id and one name each, and arguments that are JSON where only one reading is possible;
//! a finish reason that denies the calls is corrected; reasoning that a host writes into the text is delivered as
//! reasoning. What is in order is not touched, and what changes is spliced into the chunk, so that members unknown to
//! us stay.

use std::ops::Range;

use catalog::ThinkTags;
use serde_json::{Value, json};

use crate::json_span::{Object, array_items, decode_string, splice};
use crate::think_tags::{Parted, TagSplitter};

mod argument_text;
mod repairs;
mod tool_calls;
mod whole;

pub use repairs::{Repair, Repairs};
use tool_calls::ToolCalls;
pub(crate) use whole::whole_reply;

/// Most answers of one reply that are put in order; Model Studio gives at most four.
const CHOICES_MAX: usize = 128;

/// Puts the chunks of one stream in order.
pub(crate) struct StreamRepair {
    tags: ThinkTags,
    /// What an added chunk repeats of the first one: all members but the answers and the usage.
    head: Option<String>,
    choices: Vec<Choice>,
    repairs: Repairs,
}

/// What is known of one answer so far.
struct Choice {
    index: u64,
    tags: TagSplitter,
    calls: ToolCalls,
    is_finished: bool,
}

/// What goes on instead of a chunk.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Rewritten {
    /// Chunks that go before it.
    pub(crate) before: Vec<String>,
    /// The chunk with its changes; none when it stays as it is.
    pub(crate) chunk: Option<Vec<u8>>,
}

type Edit = (Range<usize>, String);

/// What is to be done with one answer of a chunk.
#[derive(Default)]
struct Changes {
    edits: Vec<Edit>,
    /// Deltas that go before the chunk.
    before: Vec<Value>,
    repairs: Repairs,
}

/// One JSON object inside a chunk, and where it stands.
struct Part<'a> {
    text: &'a str,
    at: usize,
    object: Object<'a>,
}

impl<'a> Part<'a> {
    fn read(text: &'a str, at: usize) -> Option<Self> {
        let object = Object::scan(text).ok()?;
        Some(Self { text, at, object })
    }

    fn child(&self, key: &str) -> Option<Self> {
        let span = self.object.span(key)?;
        Self::read(self.text.get(span.clone())?, self.at + span.start)
    }

    /// Returns a non-empty text member.
    fn text_of(&self, key: &str) -> Option<String> {
        let text = decode_string(self.object.raw(key)?)?;
        (!text.is_empty()).then(|| text.into_owned())
    }

    fn number_of(&self, key: &str) -> Option<u64> {
        self.object.raw(key)?.parse().ok()
    }

    fn span(&self, key: &str) -> Option<Range<usize>> {
        let span = self.object.span(key)?;
        Some(self.at + span.start..self.at + span.end)
    }

    fn list(&self, key: &str) -> Vec<Value> {
        let list = self.object.raw(key).filter(|raw| raw.starts_with('['));
        list.and_then(|raw| serde_json::from_str(raw).ok())
            .unwrap_or_default()
    }

    /// Sets a member that is there, or adds it at the end.
    fn set(&self, key: &str, raw: String, edits: &mut Vec<Edit>) {
        if let Some(span) = self.span(key) {
            edits.push((span, raw));
            return;
        }
        let outline = self.object.outline();
        let close = self.at + outline.close;
        let comma = if outline.members.is_empty() { "" } else { "," };
        edits.push((close..close, format!("{comma}\"{key}\":{raw}")));
    }
}

impl StreamRepair {
    pub(crate) fn new(tags: ThinkTags) -> Self {
        Self {
            tags,
            head: None,
            choices: Vec::new(),
            repairs: Repairs::default(),
        }
    }

    /// Says whether every chunk with an answer must be looked at: reasoning may stand in its text.
    pub(crate) fn reads_all(&self) -> bool {
        self.tags != ThinkTags::Never
            && (self.choices.is_empty() || self.choices.iter().any(|choice| !choice.tags.is_done()))
    }

    /// Returns what was put in order so far.
    pub(crate) fn repairs(&self) -> Repairs {
        self.repairs
    }

    /// Returns how many answers have ended.
    pub(crate) fn n_finished(&self) -> u64 {
        self.choices
            .iter()
            .map(|choice| u64::from(choice.is_finished))
            .sum()
    }

    /// Looks at a chunk; `None` when it goes on as it is.
    pub(crate) fn look(&mut self, data: &[u8]) -> Option<Rewritten> {
        let chunk = Part::read(std::str::from_utf8(data).ok()?, 0)?;
        let list = chunk.span("choices")?;
        let text = chunk.text.get(list.clone())?;
        let mut out = Rewritten::default();
        let mut edits = Vec::new();
        for item in array_items(text).ok()? {
            let Some(part) = text
                .get(item.clone())
                .and_then(|text| Part::read(text, list.start + item.start))
            else {
                continue;
            };
            let changes = self.look_at_choice(&part);
            let index = part.number_of("index").unwrap_or_default();
            for delta in changes.before {
                let chunk = added_chunk(self.head_of(&chunk), index, &delta);
                out.before.push(chunk);
            }
            self.repairs.extend(changes.repairs);
            edits.extend(changes.edits);
        }
        self.head_of(&chunk);
        if !edits.is_empty() {
            out.chunk = Some(splice(data, edits));
        }
        (!out.before.is_empty() || out.chunk.is_some()).then_some(out)
    }

    /// Looks at one answer of a chunk.
    fn look_at_choice(&mut self, part: &Part<'_>) -> Changes {
        let mut changes = Changes::default();
        let index = part.number_of("index").unwrap_or_default();
        let at = self.choice(index);
        let Some(choice) = at.and_then(|at| self.choices.get_mut(at)) else {
            return changes;
        };
        // Some hosts write "" or "null" where they mean that the answer goes on.
        let reason = part
            .text_of("finish_reason")
            .filter(|reason| reason != "null");
        choice.is_finished |= reason.is_some();
        if let Some(delta) = part.child("delta") {
            choice.look_at_text(&delta, reason.is_some(), &mut changes);
            choice.look_at_calls(&delta, reason.as_deref(), &mut changes);
        }
        let denies_calls = reason.as_deref() == Some("stop") && !choice.calls.is_empty();
        if let (true, Some(span)) = (denies_calls, part.span("finish_reason")) {
            changes.repairs.add(Repair::FinishReason);
            changes.edits.push((span, "\"tool_calls\"".to_owned()));
        }
        changes
    }

    fn choice(&mut self, index: u64) -> Option<usize> {
        let known = self.choices.iter().position(|choice| choice.index == index);
        if known.is_none() && self.choices.len() < CHOICES_MAX {
            self.choices.push(Choice {
                index,
                tags: TagSplitter::new(self.tags),
                calls: ToolCalls::default(),
                is_finished: false,
            });
            return Some(self.choices.len() - 1);
        }
        known
    }

    fn head_of(&mut self, chunk: &Part<'_>) -> &str {
        self.head.get_or_insert_with(|| {
            let mut head = String::with_capacity(192);
            for (key, raw) in chunk.object.members() {
                if key != "choices" && key != "usage" {
                    head.push_str(&json!(key).to_string());
                    head.push(':');
                    head.push_str(raw);
                    head.push(',');
                }
            }
            head
        })
    }

    /// Returns the chunks that must go before the end mark, or before the error when `is_whole` is false: what was held
    /// back, and the finish reason of answers that called tools and never said that they ended.
    pub(crate) fn end(&mut self, is_whole: bool) -> Vec<String> {
        let head = self.head.as_deref().unwrap_or_default();
        let mut chunks = Vec::new();
        for choice in self.choices.iter_mut().filter(|choice| !choice.is_finished) {
            choice.is_finished = is_whole;
            let deltas = parted_deltas(&choice.tags.finish());
            let rest = choice.calls.finish(&mut [], is_whole, &mut self.repairs);
            let rest = rest.into_iter().map(|entry| json!({"tool_calls": [entry]}));
            for delta in deltas.into_iter().chain(rest) {
                chunks.push(added_chunk(head, choice.index, &delta));
            }
            if is_whole && !choice.calls.is_empty() {
                self.repairs.add(Repair::FinishReason);
                chunks.push(chunk_of(
                    head,
                    &json!({"index": choice.index, "delta": {}, "finish_reason": "tool_calls"}),
                ));
            }
        }
        chunks
    }
}

impl Choice {
    /// Takes reasoning out of the text of a delta.
    fn look_at_text(&mut self, delta: &Part<'_>, ends: bool, changes: &mut Changes) {
        if self.tags.is_done() {
            return;
        }
        let has_own_reasoning =
            delta.text_of("reasoning_content").is_some() || delta.text_of("reasoning").is_some();
        let content = delta.text_of("content");
        let mut parted = match &content {
            // A host with a field for reasoning does not write it into the text.
            Some(text) if !has_own_reasoning => self.tags.push(text),
            _ => Parted::default(),
        };
        if ends || has_own_reasoning {
            let held = self.tags.finish();
            parted.reasoning.push_str(&held.reasoning);
            parted.text.push_str(&held.text);
        }
        let Some(content) = content.filter(|_| !has_own_reasoning) else {
            changes.before.extend(parted_deltas(&parted));
            return;
        };
        if parted.text == content {
            return;
        }
        changes.repairs.add(Repair::ThinkTags);
        if !parted.text.is_empty() && !parted.reasoning.is_empty() {
            changes
                .before
                .push(json!({"reasoning_content": std::mem::take(&mut parted.reasoning)}));
        }
        if parted.reasoning.is_empty() {
            delta.set(
                "content",
                json!(parted.text).to_string(),
                &mut changes.edits,
            );
        } else {
            delta.set("content", "null".to_owned(), &mut changes.edits);
            delta.set(
                "reasoning_content",
                json!(parted.reasoning).to_string(),
                &mut changes.edits,
            );
        }
    }

    /// Puts the tool calls of a delta in order.
    fn look_at_calls(&mut self, delta: &Part<'_>, reason: Option<&str>, changes: &mut Changes) {
        let list = delta.list("tool_calls");
        let mut ordered = self
            .calls
            .take(&list, &mut changes.repairs)
            .unwrap_or_else(|| list.clone());
        if let Some(reason) = reason {
            let rest = self
                .calls
                .finish(&mut ordered, is_whole(reason), &mut changes.repairs);
            changes
                .before
                .extend(rest.into_iter().map(|entry| json!({"tool_calls": [entry]})));
        }
        if ordered != list {
            delta.set("tool_calls", json!(ordered).to_string(), &mut changes.edits);
        }
    }
}

/// Says whether an answer that ended for `reason` was not cut off.
fn is_whole(reason: &str) -> bool {
    matches!(reason, "stop" | "tool_calls" | "function_call")
}

fn parted_deltas(parted: &Parted) -> Vec<Value> {
    let reasoning =
        (!parted.reasoning.is_empty()).then(|| json!({"reasoning_content": parted.reasoning}));
    let text = (!parted.text.is_empty()).then(|| json!({"content": parted.text}));
    reasoning.into_iter().chain(text).collect()
}

fn added_chunk(head: &str, index: u64, delta: &Value) -> String {
    chunk_of(
        head,
        &json!({"index": index, "delta": delta, "finish_reason": null}),
    )
}

fn chunk_of(head: &str, choice: &Value) -> String {
    format!("{{{head}\"choices\":[{choice}]}}")
}

#[cfg(test)]
mod tests;
