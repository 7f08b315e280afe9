//! The arguments of a tool call: a JSON object in a string, which models now and then get wrong.
//!
//! A text is repaired only where one reading is possible, and whoever repairs says so. What could mean two things, such
//! as a text that ends too early, stays as it is.

use serde::de::IgnoredAny;
use serde_json::{Map, Value};

/// What a text of arguments is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Arguments {
    /// A JSON object.
    Valid,
    /// Not a JSON object, but this one is meant.
    Repaired(String),
    /// Not a JSON object, and nobody can tell which one is meant.
    Invalid,
}

impl Arguments {
    /// Reads `text`.
    ///
    /// Repaired are: no text and `null` (a call without arguments), an object inside a JSON string, the same object
    /// written several times, Python's quotes and words for JSON's, a trailing comma, and raw control characters or
    /// an escaped apostrophe in a string.
    pub fn read(text: &str) -> Self {
        if is_object(text) {
            return Self::Valid;
        }
        match text.trim() {
            "" | "null" => Self::Repaired("{}".to_owned()),
            trimmed => unwrapped(trimmed)
                .or_else(|| said_once(trimmed))
                .or_else(|| respelled(trimmed))
                .map_or(Self::Invalid, Self::Repaired),
        }
    }
}

fn is_object(text: &str) -> bool {
    text.trim_start().starts_with('{') && serde_json::from_str::<IgnoredAny>(text).is_ok()
}

/// Takes an object out of a JSON string.
fn unwrapped(text: &str) -> Option<String> {
    let inner: String = serde_json::from_str(text).ok()?;
    is_object(&inner).then_some(inner)
}

/// Takes one of several equal objects that stand in a row.
fn said_once(text: &str) -> Option<String> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<Map<String, Value>>();
    let first = values.next()?.ok()?;
    let end = values.byte_offset();
    let others: Vec<_> = values.collect::<Result<_, _>>().ok()?;
    let all_equal = !others.is_empty() && others.iter().all(|other| *other == first);
    all_equal.then(|| text.get(..end).map(str::to_owned))?
}

/// Respells what is no JSON token in JSON; the result counts only when it then is an object.
fn respelled(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len() + 8);
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        rest = match next {
            '"' | '\'' => respell_string(rest, next, &mut out)?,
            ',' => {
                let after = rest.get(1..)?;
                if !after.trim_start().starts_with(['}', ']']) {
                    out.push(',');
                }
                after
            }
            'A'..='Z' | 'a'..='z' => {
                let end = rest
                    .find(|c: char| !c.is_ascii_alphanumeric())
                    .unwrap_or(rest.len());
                let (word, after) = rest.split_at_checked(end)?;
                out.push_str(match word {
                    "True" => "true",
                    "False" => "false",
                    "None" => "null",
                    other => other,
                });
                after
            }
            other => {
                out.push(other);
                rest.get(other.len_utf8()..)?
            }
        };
    }
    is_object(&out).then_some(out)
}

/// Writes the string at the start of `text` in JSON's way; returns what follows it.
fn respell_string<'a>(text: &'a str, quote: char, out: &mut String) -> Option<&'a str> {
    out.push('"');
    let mut characters = text.char_indices().skip(1);
    while let Some((at, next)) = characters.next() {
        match next {
            _ if next == quote => {
                out.push('"');
                return text.get(at + 1..);
            }
            '"' => out.push_str("\\\""),
            '\\' => match characters.next()?.1 {
                '\'' => out.push('\''),
                escaped => {
                    out.push('\\');
                    out.push(escaped);
                }
            },
            '\u{0}'..='\u{1f}' => {
                let escaped = serde_json::to_string(&next).ok()?;
                out.push_str(escaped.trim_matches('"'));
            }
            other => out.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_can_mean_one_thing_is_repaired() {
        for (text, meant) in [
            ("", "{}"),
            (" \n", "{}"),
            ("null", "{}"),
            (r#""{\"a\": 1}""#, r#"{"a": 1}"#),
            (r#"{"a": 1}{"a":1}"#, r#"{"a": 1}"#),
            (
                r#"{'a': 'it is "b"', 'c': [True, None]}"#,
                r#"{"a": "it is \"b\"", "c": [true, null]}"#,
            ),
            (r#"{"a": [1, 2,], }"#, r#"{"a": [1, 2] }"#),
            ("{\"a\": \"1\n\t2\"}", r#"{"a": "1\n\t2"}"#),
            (r#"{"a": "it\'s"}"#, r#"{"a": "it's"}"#),
            (r"{'a': 'it\'s'}", r#"{"a": "it's"}"#),
            (
                r#"{"True": "None", "n": 12345678901234567890.10, "x": False}"#,
                r#"{"True": "None", "n": 12345678901234567890.10, "x": false}"#,
            ),
        ] {
            assert_eq!(
                Arguments::read(text),
                Arguments::Repaired(meant.to_owned()),
                "{text}"
            );
        }
    }

    #[test]
    fn what_can_mean_two_things_is_left_alone() {
        for text in [
            r#"{"a": 1"#,
            r#"{"a": "b"#,
            r#"{"a": {"b": 1}"#,
            r#"{"a": 1}}"#,
            r#"{"a": 1}{"a": 2}"#,
            "{'a': 'it's'}",
            r#"{"a": "\d"}"#,
            "{a: 1}",
            r#"{"a": nan}"#,
            "[1]",
            "1",
            r#""text""#,
            "weather in Paris",
        ] {
            assert_eq!(Arguments::read(text), Arguments::Invalid, "{text}");
        }
    }

    #[test]
    fn an_object_is_valid() {
        for text in ["{}", " {\"a\":[1,{}]} ", "{\"\\u00e9\":\"é\"}"] {
            assert_eq!(Arguments::read(text), Arguments::Valid, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_repair_is_valid_and_needs_no_other(text in "[\\{\\}\\[\\]\"':,\\\\aTrue1N \n]{0,24}") {
            if let Arguments::Repaired(repaired) = Arguments::read(&text) {
                prop_assert_eq!(Arguments::read(&repaired), Arguments::Valid);
            }
        }

        #[test]
        fn python_spelling_gives_the_same_value(
            map in prop::collection::btree_map("[a-z]{1,5}", prop_oneof![
                any::<bool>().prop_map(Value::from), Just(Value::Null), any::<i32>().prop_map(Value::from),
                "[a-zé\"]{0,6}".prop_map(Value::from),
            ], 1..5),
        ) {
            let python: Vec<String> = map.iter().map(|(key, value)| format!("'{key}': {}", match value {
                Value::Bool(true) => "True".to_owned(),
                Value::Bool(false) => "False".to_owned(),
                Value::Null => "None".to_owned(),
                Value::String(text) => format!("'{text}'"),
                other => other.to_string(),
            })).collect();
            let Arguments::Repaired(repaired) = Arguments::read(&format!("{{{}}}", python.join(", "))) else {
                panic!("not repaired");
            };
            let read: Map<String, Value> = serde_json::from_str(&repaired).unwrap();
            prop_assert_eq!(read, map.into_iter().collect::<Map<_, _>>());
        }
    }
}
