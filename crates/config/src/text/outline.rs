//! The outline of a text that is known to be valid JSON5: which bytes are which value.

use std::iter::Peekable;
use std::ops::Range;

use super::lexeme::{Kind, Lexeme, Lexemes, lexemes};
use crate::value_path::{Segment, ValuePath};

/// A value and its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) range: Range<usize>,
    pub(super) shape: Shape,
}

/// What kind of value a [`Node`] is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shape {
    Object(Vec<Item>),
    List(Vec<Item>),
    Scalar,
}

/// A member of an object or an entry of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Item {
    /// The key of a member.
    pub(super) key: Option<Key>,
    pub(super) value: Node,
    /// The comma behind it.
    pub(super) comma: Option<Range<usize>>,
}

/// The key of a member, decoded, and its bytes with quotes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) name: String,
    pub(super) range: Range<usize>,
}

/// Why there is no outline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum OutlineError {
    /// One object has the same key twice.
    Duplicate {
        name: String,
        first: usize,
        second: usize,
    },
    /// The text is not what the reader said it is.
    Lost { offset: usize },
}

impl Item {
    /// Returns the bytes from the key, if there is one, to the end of the value.
    pub(super) fn range(&self) -> Range<usize> {
        let start = self
            .key
            .as_ref()
            .map_or(self.value.range.start, |key| key.range.start);
        start..self.value.range.end
    }

    /// Returns the end of the item with its comma.
    pub(super) fn end(&self) -> usize {
        self.comma
            .as_ref()
            .map_or(self.value.range.end, |comma| comma.end)
    }
}

impl Node {
    /// Makes the node of `{}`.
    pub(super) fn empty_object(range: Range<usize>) -> Self {
        Self {
            range,
            shape: Shape::Object(Vec::new()),
        }
    }

    /// Returns the members or entries; a scalar has none.
    pub(super) fn items(&self) -> &[Item] {
        match &self.shape {
            Shape::Object(items) | Shape::List(items) => items,
            Shape::Scalar => &[],
        }
    }

    /// Returns the position among the items of what a path step means.
    pub(super) fn position(&self, segment: &Segment) -> Option<usize> {
        match (&self.shape, segment) {
            (Shape::Object(items), Segment::Key(name)) => items
                .iter()
                .position(|item| item.key.as_ref().is_some_and(|key| key.name == *name)),
            (Shape::List(items), segment) => {
                segment.as_index().filter(|index| *index < items.len())
            }
            _ => None,
        }
    }

    /// Returns the item that a path step means.
    pub(super) fn item(&self, segment: &Segment) -> Option<&Item> {
        self.items().get(self.position(segment)?)
    }

    /// Returns the bytes of the deepest part of a path that exists.
    pub(super) fn deepest(&self, path: &ValuePath) -> Range<usize> {
        let mut node = self;
        let mut range = self.range.clone();
        for segment in path.segments() {
            let Some(item) = node.item(segment) else {
                break;
            };
            range = item.range();
            node = &item.value;
        }
        range
    }

    /// Reads the outline of a whole text.
    pub(super) fn of(text: &str) -> Result<Self, OutlineError> {
        let mut walker = Walker {
            text,
            lexemes: lexemes(text).peekable(),
            end: 0,
        };
        let root = walker.value()?;
        match walker.next() {
            None => Ok(root),
            Some(lexeme) => Err(OutlineError::Lost {
                offset: lexeme.range.start,
            }),
        }
    }
}

struct Walker<'a> {
    text: &'a str,
    lexemes: Peekable<Lexemes<'a>>,
    end: usize,
}

impl Walker<'_> {
    fn skip_comments(&mut self) {
        let comment =
            |lexeme: &Lexeme| matches!(lexeme.kind, Kind::LineComment | Kind::BlockComment);
        while self.lexemes.next_if(comment).is_some() {}
    }

    fn next(&mut self) -> Option<Lexeme> {
        self.skip_comments();
        let lexeme = self.lexemes.next()?;
        self.end = lexeme.range.end;
        Some(lexeme)
    }

    fn next_if(&mut self, kind: Kind) -> Option<Lexeme> {
        self.skip_comments();
        let lexeme = self.lexemes.next_if(|lexeme| lexeme.kind == kind)?;
        self.end = lexeme.range.end;
        Some(lexeme)
    }

    fn lost<T>(&self) -> Result<T, OutlineError> {
        Err(OutlineError::Lost { offset: self.end })
    }

    /// Recursion is bounded: the caller has checked the nesting.
    fn value(&mut self) -> Result<Node, OutlineError> {
        let Some(lexeme) = self.next() else {
            return self.lost();
        };
        match lexeme.kind {
            Kind::Open if self.text.get(lexeme.range.clone()) == Some("{") => {
                self.object(lexeme.range.start)
            }
            Kind::Open => self.list(lexeme.range.start),
            Kind::Text | Kind::Word => Ok(Node {
                range: lexeme.range,
                shape: Shape::Scalar,
            }),
            Kind::Close | Kind::Colon | Kind::Comma | Kind::LineComment | Kind::BlockComment => {
                self.lost()
            }
        }
    }

    fn list(&mut self, start: usize) -> Result<Node, OutlineError> {
        let mut items = Vec::new();
        loop {
            if let Some(close) = self.next_if(Kind::Close) {
                return Ok(Node {
                    range: start..close.range.end,
                    shape: Shape::List(items),
                });
            }
            let value = self.value()?;
            let comma = self.next_if(Kind::Comma).map(|comma| comma.range);
            items.push(Item {
                key: None,
                value,
                comma,
            });
        }
    }

    fn object(&mut self, start: usize) -> Result<Node, OutlineError> {
        let mut items: Vec<Item> = Vec::new();
        let mut seen = std::collections::HashMap::new();
        loop {
            if let Some(close) = self.next_if(Kind::Close) {
                return Ok(Node {
                    range: start..close.range.end,
                    shape: Shape::Object(items),
                });
            }
            let key = self.key()?;
            if let Some(first) = seen.insert(key.name.clone(), key.range.start) {
                return Err(OutlineError::Duplicate {
                    name: key.name,
                    first,
                    second: key.range.start,
                });
            }
            if self.next_if(Kind::Colon).is_none() {
                return self.lost();
            }
            let value = self.value()?;
            let comma = self.next_if(Kind::Comma).map(|comma| comma.range);
            items.push(Item {
                key: Some(key),
                value,
                comma,
            });
        }
    }

    fn key(&mut self) -> Result<Key, OutlineError> {
        let Some(lexeme) = self
            .next()
            .filter(|lexeme| matches!(lexeme.kind, Kind::Text | Kind::Word))
        else {
            return self.lost();
        };
        let written = self.text.get(lexeme.range.clone()).unwrap_or_default();
        let Some(name) = decode_key(written) else {
            return self.lost();
        };
        Ok(Key {
            name,
            range: lexeme.range,
        })
    }
}

/// Returns the name that a key stands for; the JSON5 reader decodes it when it contains escapes.
fn decode_key(written: &str) -> Option<String> {
    if !written.contains('\\') {
        let inside = written
            .strip_prefix(['"', '\''])
            .and_then(|rest| rest.strip_suffix(['"', '\'']));
        return Some(inside.unwrap_or(written).to_owned());
    }
    let object: serde_json::Map<String, serde_json::Value> =
        json5::from_str(&format!("{{{written}:0}}")).ok()?;
    object.into_iter().next().map(|(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_members_and_commas() {
        let text = "{ a: 1, 'b' /* x */ : [2, {c: 3}], }";
        let root = Node::of(text).unwrap();
        let shown: Vec<_> = root
            .items()
            .iter()
            .map(|item| (&text[item.range()], item.comma.is_some()))
            .collect();
        assert_eq!(shown, [("a: 1", true), ("'b' /* x */ : [2, {c: 3}]", true)]);
        let path: ValuePath = "b[1].c".parse().unwrap();
        assert_eq!(Some(&text[root.deepest(&path)]), Some("c: 3"));
        let path: ValuePath = "b[9].c".parse().unwrap();
        assert_eq!(
            Some(&text[root.deepest(&path)]),
            Some("'b' /* x */ : [2, {c: 3}]")
        );
    }

    #[test]
    fn the_same_key_in_two_spellings_is_a_duplicate() {
        let error = Node::of(r#"{a: 1, "\u0061": 2}"#).unwrap_err();
        assert_eq!(
            error,
            OutlineError::Duplicate {
                name: "a".into(),
                first: 1,
                second: 7
            }
        );
        assert!(Node::of("{a: {x: 1}, b: {x: 1}}").is_ok());
    }
}
