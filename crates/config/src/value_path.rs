//! The place of a value in the config: `models.providers["qwen-portal"].models[0].id`.

use std::fmt;
use std::str::FromStr;

use serde_json::Value;

/// One step of a [`ValuePath`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Segment {
    /// A member of an object. On a list, a key of digits counts as an index.
    Key(String),
    /// An entry of a list, counted from 0.
    Index(usize),
}

/// A path from the root of the config to one value.
///
/// ```
/// use config::ValuePath;
/// let path: ValuePath = r#"agents.defaults.models["qwen/qwen3.5-plus"].alias"#.parse()?;
/// assert_eq!(path.segments().len(), 5);
/// assert_eq!(path.to_string().parse::<ValuePath>()?, path);
/// # Ok::<(), config::PathError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct ValuePath(Vec<Segment>);

/// A text that is not a [`ValuePath`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a path: {why} at character {column}")]
pub struct PathError {
    /// The text as given.
    pub text: String,
    /// What is wrong with it.
    pub why: &'static str,
    /// Where, counted from 1.
    pub column: usize,
}

impl ValuePath {
    /// Returns the path of the whole document; it is written `.`.
    pub fn root() -> Self {
        Self::default()
    }

    /// Builds a path from keys, none of which needs quoting.
    pub fn of<'a>(keys: impl IntoIterator<Item = &'a str>) -> Self {
        Self(
            keys.into_iter()
                .map(|key| Segment::Key(key.to_owned()))
                .collect(),
        )
    }

    /// Returns this path with one more key.
    #[must_use]
    pub fn key(&self, key: impl Into<String>) -> Self {
        let mut segments = self.0.clone();
        segments.push(Segment::Key(key.into()));
        Self(segments)
    }

    /// Returns this path with one more list index, counted from 0.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        let mut segments = self.0.clone();
        segments.push(Segment::Index(index));
        Self(segments)
    }

    /// Returns this path with one more step.
    #[must_use]
    pub(crate) fn step(&self, segment: Segment) -> Self {
        let mut segments = self.0.clone();
        segments.push(segment);
        Self(segments)
    }

    /// Builds a path from steps.
    pub(crate) fn from_segments(segments: &[Segment]) -> Self {
        Self(segments.to_vec())
    }

    /// Returns the steps from the root.
    pub fn segments(&self) -> &[Segment] {
        &self.0
    }

    /// Returns whether this is the path of the whole document.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the path without its last step, or `None` for the root.
    pub fn parent(&self) -> Option<Self> {
        let (_, front) = self.0.split_last()?;
        Some(Self(front.to_vec()))
    }

    /// Returns the value at this path.
    pub fn look_up<'v>(&self, root: &'v Value) -> Option<&'v Value> {
        self.0
            .iter()
            .try_fold(root, |value, segment| segment.step(value))
    }
}

impl Segment {
    /// Returns the index this step means on a list.
    pub(crate) fn as_index(&self) -> Option<usize> {
        match self {
            Self::Index(index) => Some(*index),
            Self::Key(key) if !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_digit()) => {
                key.parse().ok()
            }
            Self::Key(_) => None,
        }
    }

    fn step<'v>(&self, value: &'v Value) -> Option<&'v Value> {
        match (value, self) {
            (Value::Object(members), Self::Key(key)) => members.get(key),
            (Value::Array(items), segment) => items.get(segment.as_index()?),
            _ => None,
        }
    }
}

impl fmt::Display for ValuePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str(".");
        }
        for (position, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Index(index) => write!(f, "[{index}]")?,
                Segment::Key(key) if !is_plain(key) => {
                    write!(f, "[{}]", Value::String(key.clone()))?;
                }
                Segment::Key(key) if position == 0 => f.write_str(key)?,
                Segment::Key(key) => write!(f, ".{key}")?,
            }
        }
        Ok(())
    }
}

impl FromStr for ValuePath {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        if text == "." {
            return Ok(Self::root());
        }
        let mut reader = PathReader { text, rest: text };
        let mut segments = Vec::new();
        loop {
            if let Some(after) = reader.rest.strip_prefix('[') {
                reader.rest = after;
                segments.push(reader.bracket()?);
            } else {
                segments.push(reader.plain_key()?);
            }
            if reader.rest.is_empty() {
                return Ok(Self(segments));
            }
            if let Some(after) = reader.rest.strip_prefix('.') {
                if after.starts_with('[') || after.is_empty() {
                    reader.rest = after;
                    return Err(reader.error("a key is missing after the dot"));
                }
                reader.rest = after;
            } else if !reader.rest.starts_with('[') {
                return Err(reader.error("expected `.` or `[`"));
            }
        }
    }
}

struct PathReader<'a> {
    text: &'a str,
    rest: &'a str,
}

impl PathReader<'_> {
    fn error(&self, why: &'static str) -> PathError {
        let read = self.text.len().saturating_sub(self.rest.len());
        let column = self.text.get(..read).unwrap_or_default().chars().count() + 1;
        PathError {
            text: self.text.to_owned(),
            why,
            column,
        }
    }

    fn plain_key(&mut self) -> Result<Segment, PathError> {
        let end = self.rest.find(['.', '[', ']']).unwrap_or(self.rest.len());
        let (key, rest) = self.rest.split_at(end);
        if key.is_empty() {
            return Err(self.error("a key is missing"));
        }
        self.rest = rest;
        Ok(Segment::Key(key.to_owned()))
    }

    fn bracket(&mut self) -> Result<Segment, PathError> {
        let Some(quote) = self.rest.chars().next().filter(|c| matches!(c, '"' | '\'')) else {
            return self.index();
        };
        let end = closing_quote(self.rest, quote)
            .ok_or_else(|| self.error("the quoted key is not closed"))?;
        let (quoted, rest) = self.rest.split_at(end);
        // JSON5 knows both quotes and all escapes.
        let key = json5::from_str::<String>(quoted)
            .map_err(|_| self.error("the quoted key has a bad escape"))?;
        self.rest = rest;
        self.close()?;
        Ok(Segment::Key(key))
    }

    fn index(&mut self) -> Result<Segment, PathError> {
        let end = self
            .rest
            .find(']')
            .ok_or_else(|| self.error("`]` is missing"))?;
        let (inside, rest) = self.rest.split_at(end);
        let segment = if !inside.is_empty() && inside.bytes().all(|byte| byte.is_ascii_digit()) {
            Segment::Index(
                inside
                    .parse()
                    .map_err(|_| self.error("the index is too large"))?,
            )
        } else if !inside.is_empty() && is_plain(inside) {
            Segment::Key(inside.to_owned())
        } else {
            return Err(self.error("expected an index or a quoted key"));
        };
        self.rest = rest;
        self.close()?;
        Ok(segment)
    }

    fn close(&mut self) -> Result<(), PathError> {
        self.rest = self
            .rest
            .strip_prefix(']')
            .ok_or_else(|| self.error("`]` is missing"))?;
        Ok(())
    }
}

/// Returns the end (exclusive) of the quoted text that `text` starts with.
fn closing_quote(text: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    for (offset, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return Some(offset + c.len_utf8()),
            _ => {}
        }
    }
    None
}

/// Returns whether a key can be written after a dot: ids with colons and dashes may, anything with a dot, bracket,
/// slash, quote or space is quoted.
fn is_plain(key: &str) -> bool {
    !key.is_empty()
        && key
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '$' | ':' | '@' | '+'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn path(text: &str) -> ValuePath {
        text.parse().unwrap()
    }

    #[test]
    fn reads_dots_and_brackets() {
        let key = |text: &str| Segment::Key(text.to_owned());
        let cases = [
            (
                "a.b[0].c",
                vec![key("a"), key("b"), Segment::Index(0), key("c")],
            ),
            (
                r#"models.providers["qwen-portal"].baseUrl"#,
                vec![
                    key("models"),
                    key("providers"),
                    key("qwen-portal"),
                    key("baseUrl"),
                ],
            ),
            (
                "auth.profiles['qwen:default']",
                vec![key("auth"), key("profiles"), key("qwen:default")],
            ),
            (
                "auth.profiles.qwen:default",
                vec![key("auth"), key("profiles"), key("qwen:default")],
            ),
            ("list[qwen]", vec![key("list"), key("qwen")]),
            (r#"["a b"]["c.d"]"#, vec![key("a b"), key("c.d")]),
            (r#"a["\"q\""]"#, vec![key("a"), key("\"q\"")]),
            (r#"a[""]"#, vec![key("a"), key("")]),
        ];
        for (text, expected) in cases {
            assert_eq!(path(text).segments(), expected, "{text}");
        }
    }

    #[test]
    fn refuses_and_says_where() {
        let cases = [
            ("", 1),
            ("a..b", 3),
            ("a.", 3),
            (".a", 1),
            ("a[", 3),
            ("a[1", 3),
            ("a[\"x]", 3),
            ("a]b", 2),
            ("a[0]b", 5),
            ("a[99999999999999999999999]", 3),
            ("a.[0]", 3),
        ];
        for (text, column) in cases {
            let error = text.parse::<ValuePath>().unwrap_err();
            assert_eq!(error.column, column, "{text}: {error}");
        }
    }

    #[test]
    fn digits_after_a_dot_count_on_a_list() {
        let value = serde_json::json!({"list": [{"id": "a"}], "0": 7});
        assert_eq!(
            path("list.0.id").look_up(&value),
            Some(&serde_json::json!("a"))
        );
        assert_eq!(
            path("list[0].id").look_up(&value),
            Some(&serde_json::json!("a"))
        );
        assert_eq!(path("0").look_up(&value), Some(&serde_json::json!(7)));
        assert_eq!(path("list.1").look_up(&value), None);
    }

    proptest! {
        #[test]
        fn display_round_trips(
            segments in proptest::collection::vec(
                prop_oneof![any::<String>().prop_map(Segment::Key), any::<usize>().prop_map(Segment::Index)],
                0..6,
            )
        ) {
            let path = ValuePath(segments);
            prop_assert_eq!(path.to_string().parse::<ValuePath>(), Ok(path));
        }

        #[test]
        fn never_panics(text in any::<String>()) {
            let _ = text.parse::<ValuePath>();
        }
    }
}
