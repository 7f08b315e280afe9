//! The arguments of one streamed call: passed on as they come while they can still become JSON.

use crate::json_prefix::JsonPrefix;
use crate::tool_arguments::Arguments;

use super::repairs::{Repair, Repairs};

/// Most bytes of one call's arguments that are watched; longer ones pass unseen.
const WATCHED_BYTES_MAX: usize = 4 * 1024 * 1024;

/// What has arrived of one call's arguments.
#[derive(Debug, Default)]
pub(super) struct ArgumentText {
    seen: String,
    /// How much of `seen` went on to the client.
    passed_bytes: usize,
    prefix: JsonPrefix,
    /// The host is known to say again all that was said.
    repeats: bool,
    /// Too long to be watched any further.
    is_unwatched: bool,
}

impl ArgumentText {
    pub(super) fn is_empty(&self) -> bool {
        self.seen.is_empty()
    }

    pub(super) fn is_complete(&self) -> bool {
        self.prefix.is_complete()
    }

    /// Takes a piece and returns what goes on to the client of it: nothing once the text cannot become JSON any more,
    /// since it may have to be repaired at the end.
    pub(super) fn push(&mut self, piece: &str, repairs: &mut Repairs) -> String {
        if self.is_unwatched {
            return piece.to_owned();
        }
        let piece = match self.new_part_of(piece) {
            Some(new) => {
                self.repeats = true;
                repairs.add(Repair::ToolArguments);
                new
            }
            None => piece,
        };
        self.seen.push_str(piece);
        self.prefix.push(piece);
        if self.seen.len() > WATCHED_BYTES_MAX {
            return self.give_up();
        }
        if self.prefix.is_dead() {
            return String::new();
        }
        self.passed_bytes = self.seen.len();
        piece.to_owned()
    }

    /// Some hosts say again all that was said: proven, for the rest of the call, when the text with the piece cannot become JSON, and the piece
    /// begins with all of the text.
    fn new_part_of<'a>(&self, piece: &'a str) -> Option<&'a str> {
        if self.seen.trim().is_empty() || self.prefix.is_dead() {
            return None;
        }
        let new = piece.strip_prefix(self.seen.as_str())?;
        if self.repeats {
            return Some(new);
        }
        let mut appended = self.prefix.clone();
        appended.push(piece);
        appended.is_dead().then_some(new)
    }

    fn give_up(&mut self) -> String {
        self.is_unwatched = true;
        let seen = std::mem::take(&mut self.seen);
        seen.get(self.passed_bytes..).unwrap_or_default().to_owned()
    }

    /// Returns what is still to be sent at the end of the call. Nothing is repaired unless `is_whole`: what was cut off
    /// is not wrong but short.
    pub(super) fn finish(&mut self, is_whole: bool, repairs: &mut Repairs) -> String {
        if self.is_unwatched {
            return String::new();
        }
        let passed = self.seen.get(..self.passed_bytes).unwrap_or_default();
        let held = self.seen.get(self.passed_bytes..).unwrap_or_default();
        let rest = match Arguments::read(&self.seen) {
            Arguments::Valid => held.to_owned(),
            Arguments::Repaired(repaired) if is_whole && repaired.starts_with(passed) => {
                repairs.add(Repair::ToolArguments);
                repaired.get(passed.len()..).unwrap_or_default().to_owned()
            }
            Arguments::Repaired(_) | Arguments::Invalid => {
                repairs.add(Repair::InvalidToolArguments);
                held.to_owned()
            }
        };
        self.is_unwatched = true;
        self.seen = String::new();
        rest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn through(pieces: &[&str], is_whole: bool) -> (String, Vec<&'static str>) {
        let (mut text, mut repairs) = (ArgumentText::default(), Repairs::default());
        let mut out: String = pieces
            .iter()
            .map(|piece| text.push(piece, &mut repairs))
            .collect();
        out.push_str(&text.finish(is_whole, &mut repairs));
        (out, repairs.names().collect())
    }

    #[test]
    fn pieces_of_json_pass_as_they_are() {
        for pieces in [
            &["{\"a\": ", "1}"][..],
            &["{}"],
            &["{\"a\":\"{\\\"a", "\\\":1}\"}"],
        ] {
            assert_eq!(through(pieces, true), (pieces.concat(), vec![]));
        }
    }

    #[test]
    fn what_is_said_again_is_said_once() {
        for pieces in [
            &["{\"a\"", ":1}", "{\"a\":1}"][..],
            &["{\"a\"", "{\"a\":", "{\"a\":1}"],
            &["{\"a\":1}{\"a\":1}"],
            &["{\"a\":1}", "{\"a\":1} "],
        ] {
            let (out, names) = through(pieces, true);
            assert_eq!(
                (out.trim(), names),
                ("{\"a\":1}", vec!["tool_arguments"]),
                "{pieces:?}"
            );
        }
    }

    #[test]
    fn a_repair_continues_what_was_sent() {
        for (pieces, expected) in [
            (&[][..], "{}"),
            (&["{", "'a'", ": True}"], "{\"a\": true}"),
            (&["{\"a\": \"1", "\n", "2\"}"], "{\"a\": \"1\\n2\"}"),
            (&["\"{", "}\""], "{}"),
        ] {
            let repaired = (expected.to_owned(), vec!["tool_arguments"]);
            assert_eq!(through(pieces, true), repaired, "{pieces:?}");
            let unchanged = (pieces.concat(), vec!["tool_arguments_invalid"]);
            assert_eq!(through(pieces, false), unchanged, "{pieces:?} cut short");
        }
    }

    #[test]
    fn what_cannot_be_repaired_passes() {
        for pieces in [
            &["{\"a\":1"][..],
            &["{\"a\":1}", "}"],
            &["{\"a\":1,", "}"],
            &["weather ", "in Paris"],
        ] {
            let unchanged = (pieces.concat(), vec!["tool_arguments_invalid"]);
            assert_eq!(through(pieces, true), unchanged);
        }
    }

    #[test]
    fn very_long_ones_are_not_held() {
        let mut text = ArgumentText::default();
        let mut repairs = Repairs::default();
        let piece = "x".repeat(1024 * 1024);
        let out: usize = (0..6).map(|_| text.push(&piece, &mut repairs).len()).sum();
        assert_eq!(out, 6 * piece.len());
        assert_eq!(text.finish(true, &mut repairs), "");
    }
}
