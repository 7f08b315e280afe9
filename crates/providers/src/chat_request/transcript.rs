//! Any history a client sends becomes one that a host accepts.
//!
//! Sessions break: a tool is interrupted, a client forgets an id, a model writes arguments that are no JSON, and from
//! then on the host refuses the whole conversation. [`survey`] looks at every request and finds almost all of them
//! healthy; those are sent as they came. [`repair`] rewrites the messages that need it and no others.

mod message;
mod pairing;
mod survey;

use catalog::ReasoningReplay;
use serde_json::value::RawValue;

use super::draft::Correction;
pub(crate) use survey::{Survey, survey};

/// What a host wants of a history beyond what every host wants.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Manners {
    /// Whether messages may have the role `developer`.
    pub(crate) developer_role: bool,
    /// When earlier reasoning goes back; none leaves it as it is.
    pub(crate) replay: Option<ReasoningReplay>,
    /// Whether an empty reasoning stands for one that is missing.
    pub(crate) backfill: bool,
}

impl Default for Manners {
    fn default() -> Self {
        Self {
            developer_role: true,
            replay: None,
            backfill: false,
        }
    }
}

impl Manners {
    /// Whether a history with these marks has to be gone through.
    pub(crate) fn concern(self, survey: Survey) -> bool {
        let drops_reasoning = matches!(
            self.replay,
            Some(ReasoningReplay::Never | ReasoningReplay::ToolTurns)
        );
        survey.is_odd
            || survey.has_developer && !self.developer_role
            || survey.has_reasoning && drops_reasoning
            || survey.lacks_reasoning && self.backfill
    }
}

/// What was repaired, and how often.
#[derive(Debug, Default)]
struct Notes(Vec<(&'static str, usize)>);

impl Notes {
    fn add(&mut self, what: &'static str) {
        match self.0.iter_mut().find(|(known, _)| *known == what) {
            Some((_, times)) => *times += 1,
            None => self.0.push((what, 1)),
        }
    }

    fn into_corrections(self) -> Vec<Correction> {
        let notes = self.0.into_iter().map(|(what, times)| Correction {
            field: "messages",
            note: format!("{what} ({times})"),
        });
        notes.collect()
    }
}

/// Returns `messages` (JSON text) in a form that a host accepts, and what was repaired; nothing when it is in one
/// already, or is no list at all, which the host has to name.
pub(crate) fn repair(messages: &str, manners: Manners) -> Option<(String, Vec<Correction>)> {
    let elements: Vec<&RawValue> = serde_json::from_str(messages).ok()?;
    let mut notes = Notes::default();
    let tidied = elements
        .iter()
        .enumerate()
        .filter_map(|(place, element)| message::tidy(element.get(), place, manners, &mut notes));
    let tidied: Vec<message::Item<'_>> = tidied.collect();
    let n_before = elements.len();
    let paired = pairing::pair(tidied, &mut notes);
    let is_untouched = paired.len() == n_before
        && paired
            .iter()
            .enumerate()
            .all(|(place, item)| item.is_untouched_at(place));
    if is_untouched || n_before == 0 {
        return None;
    }
    let texts: Vec<&str> = paired.iter().map(|item| item.text.as_ref()).collect();
    let text = if texts.is_empty() {
        // A conversation of nothing but lost results still has to ask something.
        notes.add("an empty conversation begun again");
        r#"[{"role":"user","content":""}]"#.to_owned()
    } else {
        format!("[{}]", texts.join(","))
    };
    Some((text, notes.into_corrections()))
}

#[cfg(test)]
mod tests;
