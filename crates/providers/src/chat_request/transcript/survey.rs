//! One walk over the messages, that builds nothing: is there anything to repair?

use serde::de::IgnoredAny;

use crate::json_span::{Scanner, SpanError, decode_string};

/// What one walk over the messages found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Survey {
    /// Something is not as every host wants it, or could not be read.
    pub(crate) is_odd: bool,
    /// A message has the role `developer`.
    pub(crate) has_developer: bool,
    /// An assistant's message brings reasoning along.
    pub(crate) has_reasoning: bool,
    /// An assistant's message brings none.
    pub(crate) lacks_reasoning: bool,
}

/// Kinds of content parts that a host does not know, or that mean text under another name.
const FOREIGN_PARTS: [&str; 6] = [
    "\"input_text\"",
    "\"output_text\"",
    "\"refusal\"",
    "\"thinking\"",
    "\"redacted_thinking\"",
    "\"reasoning\"",
];

/// What stands in `content`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Content {
    #[default]
    Nothing,
    EmptyText,
    Filled,
    Odd,
}

/// What stands in `tool_calls`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Calls {
    #[default]
    Nothing,
    Some,
    Odd,
}

/// One message as far as it matters here.
#[derive(Debug, Default)]
struct Seen<'a> {
    role: &'a str,
    content: Content,
    calls: Calls,
    answers: &'a str,
    reasons: bool,
    is_legacy: bool,
}

/// Calls that wait for their results, as raw JSON strings.
#[derive(Debug, Default)]
struct Open<'a>(Vec<&'a str>);

/// Looks at `messages` (JSON text).
pub(crate) fn survey(messages: &str) -> Survey {
    let mut found = Survey::default();
    let mut open = Open::default();
    let mut n_messages = 0;
    let mut scanner = Scanner::new(messages);
    let walked = scanner.elements(|scanner| {
        n_messages += 1;
        if scanner.peek() != Some(b'{') {
            found.is_odd = true;
            return scanner.value();
        }
        let mut called = Vec::new();
        let seen = message(scanner, &mut called)?;
        found.note(&seen, called, &mut open);
        Ok(())
    });
    // An empty list cannot be repaired, so it is not looked at again.
    found.is_odd |= walked.is_err() || !open.0.is_empty();
    found.is_odd &= n_messages > 0;
    found
}

impl Survey {
    fn note<'a>(&mut self, seen: &Seen<'a>, called: Vec<&'a str>, open: &mut Open<'a>) {
        let has_content = matches!(seen.content, Content::EmptyText | Content::Filled);
        let is_fine = match seen.role {
            "\"user\"" | "\"system\"" | "\"developer\"" => {
                self.has_developer |= seen.role == "\"developer\"";
                has_content && seen.calls == Calls::Nothing && open.0.is_empty()
            }
            "\"assistant\"" => {
                self.has_reasoning |= seen.reasons;
                self.lacks_reasoning |= !seen.reasons;
                let is_filled = match seen.calls {
                    Calls::Nothing => seen.content == Content::Filled,
                    Calls::Some => seen.content != Content::Odd,
                    Calls::Odd => false,
                };
                let was_answered = open.0.is_empty();
                open.0 = called;
                is_filled && was_answered
            }
            "\"tool\"" => {
                let at = open.0.iter().position(|id| *id == seen.answers);
                if let Some(at) = at {
                    open.0.swap_remove(at);
                }
                has_content && at.is_some() && seen.calls == Calls::Nothing
            }
            _ => false,
        };
        self.is_odd |= !is_fine || seen.is_legacy;
    }
}

fn message<'a>(
    scanner: &mut Scanner<'a>,
    called: &mut Vec<&'a str>,
) -> Result<Seen<'a>, SpanError> {
    let mut seen = Seen::default();
    scanner.members(|scanner, key| {
        let start = scanner.at();
        match scanner.since(key.start).split('"').nth(1) {
            Some("role") => {
                scanner.value()?;
                seen.role = scanner.since(start);
            }
            Some("content") => seen.content = content(scanner)?,
            Some("tool_calls") => seen.calls = calls(scanner, called)?,
            Some("tool_call_id") => {
                scanner.value()?;
                seen.answers = scanner.since(start);
            }
            Some("reasoning_content") => {
                scanner.value()?;
                seen.reasons = scanner.since(start).starts_with('"');
            }
            Some("function_call") => {
                scanner.value()?;
                seen.is_legacy = scanner.since(start) != "null";
            }
            _ => scanner.value()?,
        }
        Ok(())
    })?;
    Ok(seen)
}

fn content(scanner: &mut Scanner<'_>) -> Result<Content, SpanError> {
    let start = scanner.at();
    match scanner.peek() {
        Some(b'"') => {
            scanner.value()?;
            let is_empty = scanner.since(start) == "\"\"";
            Ok(if is_empty {
                Content::EmptyText
            } else {
                Content::Filled
            })
        }
        Some(b'[') => parts(scanner),
        _ => {
            scanner.value()?;
            let is_null = scanner.since(start) == "null";
            Ok(if is_null {
                Content::Nothing
            } else {
                Content::Odd
            })
        }
    }
}

fn parts(scanner: &mut Scanner<'_>) -> Result<Content, SpanError> {
    let (mut is_odd, mut is_filled) = (false, false);
    scanner.elements(|scanner| {
        if scanner.peek() != Some(b'{') {
            is_odd = true;
            return scanner.value();
        }
        let (mut kind, mut text) = ("", "");
        scanner.members(|scanner, key| {
            let start = scanner.at();
            let name = scanner.since(key.start).split('"').nth(1);
            scanner.value()?;
            match name {
                Some("type") => kind = scanner.since(start),
                Some("text") => text = scanner.since(start),
                _ => {}
            }
            Ok(())
        })?;
        let is_text = kind == "\"text\"";
        is_odd |=
            kind.is_empty() || FOREIGN_PARTS.contains(&kind) || is_text && !text.starts_with('"');
        is_filled |= !is_text || text != "\"\"";
        Ok(())
    })?;
    // Parts that say nothing are as good as none, and an assistant may not say nothing.
    Ok(match (is_odd, is_filled) {
        (true, _) => Content::Odd,
        (false, true) => Content::Filled,
        (false, false) => Content::Nothing,
    })
}

fn calls<'a>(scanner: &mut Scanner<'a>, called: &mut Vec<&'a str>) -> Result<Calls, SpanError> {
    if scanner.peek() != Some(b'[') {
        let start = scanner.at();
        scanner.value()?;
        let is_null = scanner.since(start) == "null";
        return Ok(if is_null { Calls::Nothing } else { Calls::Odd });
    }
    let mut is_odd = false;
    scanner.elements(|scanner| {
        if scanner.peek() != Some(b'{') {
            is_odd = true;
            return scanner.value();
        }
        let id = call(scanner)?;
        is_odd |= id.is_none_or(|id| called.contains(&id));
        called.extend(id);
        Ok(())
    })?;
    is_odd |= called.is_empty();
    Ok(if is_odd { Calls::Odd } else { Calls::Some })
}

/// Returns the raw id of a call that is as it should be.
fn call<'a>(scanner: &mut Scanner<'a>) -> Result<Option<&'a str>, SpanError> {
    let (mut id, mut kind, mut is_fine) = ("", "", false);
    scanner.members(|scanner, key| {
        let start = scanner.at();
        match scanner.since(key.start).split('"').nth(1) {
            Some("id") => {
                scanner.value()?;
                id = scanner.since(start);
            }
            Some("type") => {
                scanner.value()?;
                kind = scanner.since(start);
            }
            Some("function") if scanner.peek() == Some(b'{') => is_fine = function(scanner)?,
            _ => scanner.value()?,
        }
        Ok(())
    })?;
    let is_text = id.starts_with('"') && id.len() > 2;
    Ok((is_fine && is_text && kind == "\"function\"").then_some(id))
}

fn function(scanner: &mut Scanner<'_>) -> Result<bool, SpanError> {
    let (mut name, mut arguments) = ("", "");
    scanner.members(|scanner, key| {
        let start = scanner.at();
        let member = scanner.since(key.start).split('"').nth(1);
        scanner.value()?;
        match member {
            Some("name") => name = scanner.since(start),
            Some("arguments") => arguments = scanner.since(start),
            _ => {}
        }
        Ok(())
    })?;
    let is_named = name.starts_with('"') && name.len() > 2;
    let arguments = decode_string(arguments);
    let is_json = |text: &str| serde_json::from_str::<IgnoredAny>(text).is_ok();
    Ok(is_named && arguments.is_some_and(|text| is_json(&text)))
}
