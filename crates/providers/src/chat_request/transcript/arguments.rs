//! Arguments of a call: JSON in a string, or what can be made of it.

use serde::de::IgnoredAny;
use serde_json::Value;

/// What became of the arguments of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Arguments {
    /// They are JSON as they are.
    Fine,
    /// They say the same in the right form.
    Reworded(String),
    /// What they meant cannot be known; the call stays, without them.
    Lost,
}

/// Looks at `function.arguments`.
pub(super) fn read(written: Option<&Value>) -> Arguments {
    let text = match written {
        None | Some(Value::Null) => return Arguments::Reworded("{}".to_owned()),
        Some(Value::String(text)) => text,
        Some(other) => return Arguments::Reworded(other.to_string()),
    };
    if is_json(text) {
        return Arguments::Fine;
    }
    if text.trim().is_empty() {
        return Arguments::Reworded("{}".to_owned());
    }
    match said_twice(text) {
        Some(once) => Arguments::Reworded(once.to_owned()),
        None => Arguments::Lost,
    }
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(text).is_ok()
}

/// Some streams end with all arguments once more; the same object twice means it once. A client that began with `{}`
/// and then added what arrived means what arrived.
fn said_twice(text: &str) -> Option<&str> {
    if let Some(rest) = text.trim().strip_prefix("{}")
        && rest.trim_start().starts_with('{')
        && is_json(rest)
    {
        return Some(rest.trim());
    }
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    let first = values.next()?.ok()?;
    let end = values.byte_offset();
    let same = |value: Result<Value, _>| value.is_ok_and(|value| value == first);
    (first.is_object() && values.all(same)).then(|| text.get(..end))?
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn rewords_only_what_is_not_ambiguous() {
        let reworded = |text: &str| Arguments::Reworded(text.to_owned());
        for (written, expected) in [
            (json!(r#"{"a": 1}"#), Arguments::Fine),
            (json!({"a": 1}), reworded(r#"{"a":1}"#)),
            (json!(null), reworded("{}")),
            (json!(" "), reworded("{}")),
            (json!(r#"{"a": 1}{"a":1}"#), reworded(r#"{"a": 1}"#)),
            (json!(r#"{}{"a":1}"#), reworded(r#"{"a":1}"#)),
            (json!(r#"{"a":1}{"a":2}"#), Arguments::Lost),
            (json!(r#"{"a":"#), Arguments::Lost),
            (json!("rm -rf"), Arguments::Lost),
        ] {
            assert_eq!(read(Some(&written)), expected, "{written}");
        }
    }
}
