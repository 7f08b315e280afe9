//! Makes a value that satisfies a simple JSON schema.

use serde_json::ser::Formatter;
use serde_json::{Map, Value, json};

/// Deepest nesting of a made value; below it only what is required is filled in.
const DEPTH_MAX: usize = 8;

/// Depth at which even required parts are given up, against endless recursion.
const DEPTH_LIMIT: usize = 32;

/// Most values in one instance.
const VALUES_MAX: usize = 10_000;

/// Most characters or items filled in to reach a minimum.
const FILL_MAX: u64 = 1000;

/// Returns a value that satisfies `schema`, as far as it is simple.
pub(crate) fn make(schema: &Value) -> Value {
    Maker {
        root: schema,
        n_values: 0,
    }
    .make(schema, 0)
}

struct Maker<'a> {
    root: &'a Value,
    n_values: usize,
}

impl<'a> Maker<'a> {
    fn make(&mut self, schema: &'a Value, depth: usize) -> Value {
        self.n_values += 1;
        if depth > DEPTH_LIMIT || self.n_values > VALUES_MAX {
            return Value::Null;
        }
        if let Some(same) = schema.get("const").or_else(|| first(schema, "enum")) {
            return same.clone();
        }
        if let Some(target) = schema.get("$ref").and_then(Value::as_str) {
            let target = self.resolve(target);
            return target.map_or(Value::Null, |target| self.make(target, depth + 1));
        }
        if let Some(parts) = schema.get("allOf").and_then(Value::as_array) {
            return self.make_all(parts, depth);
        }
        let alternative = first(schema, "anyOf").or_else(|| first(schema, "oneOf"));
        if let Some(alternative) = alternative {
            return self.make(alternative, depth + 1);
        }
        match kind(schema) {
            "object" => self.object(schema, depth),
            "array" => self.array(schema, depth),
            "integer" => json!(whole_number(schema)),
            "number" => number(schema),
            "boolean" => json!(true),
            "null" => Value::Null,
            _ => json!(string(schema)),
        }
    }

    fn make_all(&mut self, parts: &'a [Value], depth: usize) -> Value {
        let mut merged = Map::new();
        for part in parts {
            match self.make(part, depth + 1) {
                Value::Object(map) => merged.extend(map),
                other => return other,
            }
        }
        Value::Object(merged)
    }

    fn object(&mut self, schema: &'a Value, depth: usize) -> Value {
        let required: Vec<&str> = schema
            .get("required")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let mut made = Map::new();
        let properties = schema.get("properties").and_then(Value::as_object);
        for (name, property) in properties.into_iter().flatten() {
            if depth < DEPTH_MAX || required.contains(&name.as_str()) {
                made.insert(name.clone(), self.make(property, depth + 1));
            }
        }
        for name in required {
            // Required without a description: anything will do.
            made.entry(name).or_insert_with(|| json!("example"));
        }
        Value::Object(made)
    }

    fn array(&mut self, schema: &'a Value, depth: usize) -> Value {
        let least = schema
            .get("minItems")
            .and_then(Value::as_u64)
            .unwrap_or(0)
            .min(FILL_MAX);
        let most = schema
            .get("maxItems")
            .and_then(Value::as_u64)
            .unwrap_or(u64::MAX);
        let wanted = if depth < DEPTH_MAX {
            least.max(1)
        } else {
            least
        };
        match schema.get("items") {
            Some(items) => (0..wanted.min(most))
                .map(|_| self.make(items, depth + 1))
                .collect(),
            None => (0..least).map(|_| json!("example")).collect(),
        }
    }

    fn resolve(&self, target: &str) -> Option<&'a Value> {
        self.root.pointer(target.strip_prefix('#')?)
    }
}

fn first<'a>(schema: &'a Value, list: &str) -> Option<&'a Value> {
    schema.get(list)?.as_array()?.first()
}

fn kind(schema: &Value) -> &str {
    let named = match schema.get("type") {
        Some(Value::Array(kinds)) => kinds.first().and_then(Value::as_str),
        other => other.and_then(Value::as_str),
    };
    let guessed = if schema.get("properties").is_some() {
        "object"
    } else {
        "string"
    };
    named.unwrap_or(guessed)
}

fn whole_number(schema: &Value) -> i64 {
    let least = schema.get("minimum").and_then(Value::as_i64);
    let above = schema
        .get("exclusiveMinimum")
        .and_then(Value::as_i64)
        .map(|above| above + 1);
    let most = schema.get("maximum").and_then(Value::as_i64);
    let under = schema
        .get("exclusiveMaximum")
        .and_then(Value::as_i64)
        .map(|under| under - 1);
    let chosen = 1.max(least.unwrap_or(1)).max(above.unwrap_or(1));
    chosen
        .min(most.unwrap_or(i64::MAX))
        .min(under.unwrap_or(i64::MAX))
}

fn number(schema: &Value) -> Value {
    let at = |name: &str| schema.get(name).and_then(Value::as_f64);
    let chosen = at("minimum").unwrap_or(f64::MIN).max(1.5);
    json!(chosen.min(at("maximum").unwrap_or(f64::MAX)))
}

fn string(schema: &Value) -> String {
    let formatted = match schema.get("format").and_then(Value::as_str) {
        Some("date") => "2026-01-01",
        Some("date-time") => "2026-01-01T00:00:00Z",
        Some("time") => "00:00:00Z",
        Some("email") => "someone@example.com",
        Some("uri") => "https://example.com/",
        Some("uuid") => "00000000-0000-4000-8000-000000000000",
        _ => "example",
    };
    let length = |name: &str| schema.get(name).and_then(Value::as_u64);
    let least = usize::try_from(length("minLength").unwrap_or(0).min(FILL_MAX)).unwrap_or(0);
    let most = length("maxLength").map_or(usize::MAX, |most| {
        usize::try_from(most).unwrap_or(usize::MAX)
    });
    let mut text: String = formatted.chars().take(most).collect();
    text.extend(std::iter::repeat_n('x', least.saturating_sub(text.len())));
    text
}

/// Writes JSON with a blank behind `:` and `,`, as the service writes tool arguments.
pub(crate) fn spaced(value: &Value) -> String {
    let mut written = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut written, Spaced);
    // A Value written to memory has no way to fail.
    let _ = serde::Serialize::serialize(value, &mut serializer);
    String::from_utf8(written).unwrap_or_default()
}

struct Spaced;

impl Formatter for Spaced {
    fn begin_array_value<W: ?Sized + std::io::Write>(
        &mut self,
        out: &mut W,
        first: bool,
    ) -> std::io::Result<()> {
        if first { Ok(()) } else { out.write_all(b", ") }
    }

    fn begin_object_key<W: ?Sized + std::io::Write>(
        &mut self,
        out: &mut W,
        first: bool,
    ) -> std::io::Result<()> {
        if first { Ok(()) } else { out.write_all(b", ") }
    }

    fn begin_object_value<W: ?Sized + std::io::Write>(
        &mut self,
        out: &mut W,
    ) -> std::io::Result<()> {
        out.write_all(b": ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fills_every_simple_kind() {
        let schema = json!({
            "type": "object",
            "required": ["name", "extra"],
            "properties": {
                "name": {"type": "string", "maxLength": 4},
                "age": {"type": "integer", "minimum": 18},
                "score": {"type": "number", "maximum": 1},
                "ok": {"type": "boolean"},
                "kind": {"enum": ["a", "b"]},
                "maybe": {"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]},
                "list": {"type": "array", "minItems": 2, "items": {"$ref": "#/$defs/point"}},
                "nothing": {"type": ["null", "string"]},
            },
            "$defs": {"point": {"type": "object", "properties": {"x": {"type": "integer", "exclusiveMaximum": 0}}}},
        });
        let expected = json!({
            "name": "exam", "age": 18, "score": 1.0, "ok": true, "kind": "a", "maybe": "2026-01-01",
            "list": [{"x": -1}, {"x": -1}], "nothing": null, "extra": "example",
        });
        assert_eq!(make(&schema), expected);
    }

    #[test]
    fn ends_on_recursive_schemas() {
        let tree = json!({
            "$ref": "#/$defs/node",
            "$defs": {"node": {"type": "object", "properties": {
                "left": {"$ref": "#/$defs/node"}, "right": {"$ref": "#/$defs/node"},
            }}},
        });
        assert!(make(&tree).is_object());
        assert_eq!(make(&json!({"$ref": "#"})), Value::Null);
    }

    #[test]
    fn writes_blanks_like_the_service() {
        assert_eq!(
            spaced(&json!({"a": [1, 2], "b": {}})),
            r#"{"a": [1, 2], "b": {}}"#
        );
    }
}
