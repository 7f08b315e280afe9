//! JSON objects inside any text: bodies, stream events, log lines, and the literals that Python prints.

use serde_json::Value;

/// Most places tried in one text; a broken object costs one read to its end.
const PLACES_MAX: usize = 200;

/// Returns the objects that stand in `text`, outermost ones only, in order.
pub(super) fn objects(text: &str) -> Vec<Value> {
    let mut found = scan(text);
    if found.is_empty() && text.contains("\\\"") {
        found = scan(&text.replace("\\\"", "\""));
    }
    found
}

fn scan(text: &str) -> Vec<Value> {
    let mut found = Vec::new();
    let mut rest = text;
    for _ in 0..PLACES_MAX {
        let Some(start) = rest.find('{') else { break };
        let from = rest.get(start..).unwrap_or_default();
        let (object, length) = match json(from).or_else(|| python(from)) {
            Some((object, length)) => (Some(object), length),
            None => (None, 1),
        };
        found.extend(object);
        rest = from.get(length..).unwrap_or_default();
    }
    found
}

fn json(text: &str) -> Option<(Value, usize)> {
    let mut reader = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    let object = reader.next()?.ok()?;
    Some((object, reader.byte_offset()))
}

/// Reads a dictionary as Python prints it: single quotes, `None`, `True`, tuples.
fn python(text: &str) -> Option<(Value, usize)> {
    let mut out = String::new();
    let mut depth = 0_usize;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '\'' | '"' => string(c, &mut chars, &mut out)?,
            '{' | '[' | '(' => {
                depth += 1;
                out.push(if c == '(' { '[' } else { c });
            }
            '}' | ']' | ')' => {
                depth = depth.checked_sub(1)?;
                out.push(if c == ')' { ']' } else { c });
                if depth == 0 {
                    return Some((serde_json::from_str(&out).ok()?, at + c.len_utf8()));
                }
            }
            c if c.is_ascii_alphabetic() => {
                let mut word = String::from(c);
                while let Some((_, letter)) = chars.next_if(|(_, next)| next.is_ascii_alphabetic())
                {
                    word.push(letter);
                }
                out.push_str(constant(&word)?);
            }
            c => out.push(c),
        }
    }
    None
}

fn constant(word: &str) -> Option<&'static str> {
    match word {
        "None" | "null" => Some("null"),
        "True" | "true" => Some("true"),
        "False" | "false" => Some("false"),
        _ => None,
    }
}

/// Copies a quoted text as a JSON string; the opening quote is read already.
fn string(
    quote: char,
    chars: &mut std::iter::Peekable<std::str::CharIndices<'_>>,
    out: &mut String,
) -> Option<()> {
    let mut text = String::new();
    loop {
        match chars.next()?.1 {
            '\\' => match chars.next()?.1 {
                'n' => text.push('\n'),
                't' => text.push('\t'),
                'r' => text.push('\r'),
                escaped => text.push(escaped),
            },
            c if c == quote => break,
            c => text.push(c),
        }
    }
    out.push_str(&Value::String(text).to_string());
    Some(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::objects;

    #[test]
    fn finds_json_and_python_in_any_text() {
        let cases = [
            (r#"data: {"a": 1}"#, vec![json!({"a": 1})]),
            (
                "Error code: 429 - {'error': {'message': 'it\\'s \"full\"', 'param': None, 'ok': True}}",
                vec![json!({"error": {"message": "it's \"full\"", "param": null, "ok": true}})],
            ),
            (
                r#"{"a":{"b":1}} then {"c":2}"#,
                vec![json!({"a": {"b": 1}}), json!({"c": 2})],
            ),
            (r#"body="{\"error\":\"x\"}""#, vec![json!({"error": "x"})]),
            ("{ not an object { either", vec![]),
            ("{'a': (1, 2)}", vec![json!({"a": [1, 2]})]),
            ("{'a': open(1)}", vec![]),
            ("}{", vec![]),
        ];
        for (text, expected) in cases {
            assert_eq!(objects(text), expected, "{text}");
        }
    }

    #[test]
    fn a_hostile_text_ends() {
        assert_eq!(objects(&"{".repeat(5_000)), Vec::<serde_json::Value>::new());
        assert_eq!(
            objects(&"{'".repeat(5_000)),
            Vec::<serde_json::Value>::new()
        );
    }
}
