//! How a file is written, and new values written the same way.

use serde_json::Value;

use super::outline::{Item, Node};

/// The habits of a file around one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Style {
    pub(super) newline: &'static str,
    /// One step of indentation.
    pub(super) unit: String,
    /// Whether a blank follows `:` and `,`.
    pub(super) spaced: bool,
    /// Whether the last entry of a list over several lines has a comma.
    pub(super) trailing_comma: bool,
    bare_keys: bool,
    quote: char,
}

/// How a value is spread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Layout {
    /// All on one line.
    Inline,
    /// One entry per line; the text is the indentation of the line the value starts on.
    Lines(String),
}

impl Style {
    /// Returns the style in the innermost of nested containers, which may be empty: then the outer ones show it.
    pub(super) fn of(text: &str, chain: &[&Node]) -> Self {
        let slice = |range| text.get(range).unwrap_or_default();
        let keys = || {
            let items = chain
                .iter()
                .rev()
                .flat_map(|node| node.items().iter().rev());
            items.filter_map(|item| Some((item.key.as_ref()?, item)))
        };
        // A key that needs quotes says nothing about the others.
        let free = keys().find(|(key, _)| is_identifier(&key.name));
        let lined = |node: &&&Node| slice(node.range.clone()).contains(['\n', '\r']);
        let last = |node: &&Node| node.items().last().map(|item| item.comma.is_some());
        Self {
            newline: newline(text),
            unit: unit(text),
            spaced: keys().next().is_none_or(|(key, item)| {
                !slice(key.range.end..item.value.range.start).ends_with(':')
            }),
            trailing_comma: chain
                .iter()
                .rev()
                .filter(lined)
                .find_map(last)
                .unwrap_or(false),
            bare_keys: free
                .is_some_and(|(key, _)| !slice(key.range.clone()).starts_with(['"', '\''])),
            quote: quote(text, chain),
        }
    }

    /// Returns `key: value`, or the value alone for a list.
    pub(super) fn entry(&self, key: Option<&str>, value: &Value, layout: &Layout) -> String {
        let value = self.value(value, layout);
        match key {
            Some(key) => format!("{}:{}{value}", self.key(key), self.blank()),
            None => value,
        }
    }

    /// Returns the text of a value.
    pub(super) fn value(&self, value: &Value, layout: &Layout) -> String {
        match value {
            Value::String(text) => self.quoted(text),
            Value::Array(items) => {
                let entries: Vec<_> = items.iter().map(|item| (None, item)).collect();
                self.container(("[", "]"), &entries, layout)
            }
            Value::Object(members) => {
                let entries: Vec<_> = members
                    .iter()
                    .map(|(key, value)| (Some(key.as_str()), value))
                    .collect();
                self.container(("{", "}"), &entries, layout)
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
        }
    }

    fn container(
        &self,
        brackets: (&str, &str),
        entries: &[(Option<&str>, &Value)],
        layout: &Layout,
    ) -> String {
        let (open, close) = brackets;
        if entries.is_empty() {
            return format!("{open}{close}");
        }
        let texts = |layout: &Layout| -> Vec<String> {
            entries
                .iter()
                .map(|(key, value)| self.entry(*key, value, layout))
                .collect()
        };
        match layout {
            Layout::Inline => {
                let pad = if open == "{" { self.blank() } else { "" };
                let separator = format!(",{}", self.blank());
                format!("{open}{pad}{}{pad}{close}", texts(layout).join(&separator))
            }
            Layout::Lines(indent) => {
                let (newline, deeper) = (self.newline, format!("{indent}{}", self.unit));
                let separator = format!(",{newline}{deeper}");
                let comma = if self.trailing_comma { "," } else { "" };
                let texts = texts(&Layout::Lines(deeper.clone())).join(&separator);
                format!("{open}{newline}{deeper}{texts}{comma}{newline}{indent}{close}")
            }
        }
    }

    /// Returns the blank after `:` and `,`.
    pub(super) fn blank(&self) -> &'static str {
        if self.spaced { " " } else { "" }
    }

    fn key(&self, key: &str) -> String {
        if self.bare_keys && is_identifier(key) {
            key.to_owned()
        } else {
            self.quoted(key)
        }
    }

    fn quoted(&self, text: &str) -> String {
        let json = Value::String(text.to_owned()).to_string();
        // A text with quotes or escapes is safest as JSON writes it.
        if self.quote == '"' || text.contains('\'') || json.contains('\\') {
            return json;
        }
        format!("'{text}'")
    }
}

fn is_identifier(key: &str) -> bool {
    let start = |c: char| c.is_ascii_alphabetic() || matches!(c, '_' | '$');
    key.starts_with(start) && key.chars().all(|c| start(c) || c.is_ascii_digit())
}

fn newline(text: &str) -> &'static str {
    match text.find(['\n', '\r']).and_then(|end| text.get(end..)) {
        Some(from) if from.starts_with("\r\n") => "\r\n",
        Some(from) if from.starts_with('\r') => "\r",
        _ => "\n",
    }
}

/// Returns the smallest indentation in the file; two spaces when nothing is indented.
fn unit(text: &str) -> String {
    let indent = |line: &str| {
        let content = line.trim_start_matches([' ', '\t']);
        // Lines that continue a block comment are often off by one.
        let counts = !content.is_empty() && !content.starts_with('*');
        counts.then(|| {
            line.get(..line.len() - content.len())
                .unwrap_or_default()
                .to_owned()
        })
    };
    let indents = text
        .split(['\n', '\r'])
        .filter_map(indent)
        .filter(|indent| !indent.is_empty());
    indents
        .min_by_key(String::len)
        .unwrap_or_else(|| "  ".to_owned())
}

/// Returns the quote that most texts near the place have; the innermost container with any text decides.
fn quote(text: &str, chain: &[&Node]) -> char {
    let count = |node: &Node, quote: char| {
        let starts = |range: std::ops::Range<usize>| {
            text.get(range).is_some_and(|text| text.starts_with(quote))
        };
        let in_item = |item: &Item| {
            let key = item
                .key
                .as_ref()
                .is_some_and(|key| starts(key.range.clone()));
            usize::from(key) + usize::from(starts(item.value.range.clone()))
        };
        node.items().iter().map(in_item).sum::<usize>()
    };
    let decide = |node: &&Node| {
        let (single, double) = (count(node, '\''), count(node, '"'));
        (single + double > 0).then_some(if single > double { '\'' } else { '"' })
    };
    // Then any text of the file: the first quote that opens one.
    chain.iter().rev().find_map(decide).unwrap_or_else(|| {
        let mut texts =
            super::lexeme::lexemes(text).filter(|lexeme| lexeme.kind == super::lexeme::Kind::Text);
        let first = texts.next().and_then(|lexeme| text.get(lexeme.range));
        if first.is_some_and(|text| text.starts_with('\'')) {
            '\''
        } else {
            '"'
        }
    })
}
