//! A request on its way to one host: the client's text, and what has to differ from it.

use std::borrow::Cow;
use std::fmt;

use crate::json_span::{Change, Outline};

/// Something the client set and the host would have refused, and what was sent instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Correction {
    /// The request member that was touched.
    pub field: &'static str,
    /// What was done, and why.
    pub note: String,
}

impl fmt::Display for Correction {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.field, self.note)
    }
}

/// Why a request is not sent: no change of ours could make this model answer it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// The request member at fault.
    pub param: &'static str,
    /// What is wrong, and which models could do it.
    pub message: String,
}

/// The top level of a request and the changes to it so far.
pub(crate) struct Draft<'a> {
    text: &'a str,
    outline: &'a Outline,
    changes: Vec<(Cow<'static, str>, Change)>,
    corrections: Vec<Correction>,
}

impl<'a> Draft<'a> {
    pub(crate) fn new(text: &'a str, outline: &'a Outline) -> Self {
        Self {
            text,
            outline,
            changes: Vec::new(),
            corrections: Vec::new(),
        }
    }

    /// Returns the raw value of a member as it stands now; `null` counts as absent.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let changed = self.changes.iter().find(|(changed, _)| changed == name);
        let raw = match changed {
            Some((_, Change::Set(value))) => Some(value.as_str()),
            Some((_, Change::Remove)) => None,
            None => self.outline.raw(self.text, name),
        };
        raw.filter(|raw| *raw != "null")
    }

    /// Returns a string member, its escapes resolved.
    pub(crate) fn string(&self, name: &str) -> Option<Cow<'_, str>> {
        crate::json_span::decode_string(self.get(name)?)
    }

    /// Gives a member this JSON text, unless it has it already.
    pub(crate) fn set(&mut self, name: impl Into<Cow<'static, str>>, value: impl Into<String>) {
        let (name, value) = (name.into(), value.into());
        if self.get(&name) != Some(&value) {
            self.change(name, Change::Set(value));
        }
    }

    /// Takes a member out, if it is there.
    pub(crate) fn remove(&mut self, name: &'static str) {
        if self.outline.find(self.text, name).is_some() {
            self.change(Cow::Borrowed(name), Change::Remove);
        }
    }

    /// Notes that what the client set is not what is sent.
    pub(crate) fn correct(&mut self, field: &'static str, note: impl Into<String>) {
        let note = note.into();
        self.corrections.push(Correction { field, note });
    }

    /// Returns the text to send, if it differs, and what was corrected.
    pub(crate) fn finish(self) -> (Option<String>, Vec<Correction>) {
        let text = if self.changes.is_empty() {
            None
        } else {
            Some(self.outline.edited(self.text, &self.changes))
        };
        (text, self.corrections)
    }

    fn change(&mut self, name: Cow<'static, str>, change: Change) {
        match self.changes.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => *known = change,
            None => self.changes.push((name, change)),
        }
    }
}
