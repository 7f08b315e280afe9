//! A text that is not a config, and where.

use std::fmt;
use std::path::{Path, PathBuf};

use super::place::{Place, line_text};

/// The most characters of a source line that an excerpt shows; minified files have one very long line.
const EXCERPT_CHARS_MAX: usize = 100;

/// Why a text is not a config. Displays as one line, `path:line:column: message`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ParseError {
    /// The file.
    pub path: PathBuf,
    /// The line, counted from 1.
    pub line: usize,
    /// The column in characters, counted from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    excerpt: String,
}

impl ParseError {
    pub(super) fn at(path: &Path, text: &str, offset: usize, message: String) -> Self {
        let Place { line, column } = Place::of(text, offset);
        let excerpt = excerpt_of(text, line, column);
        Self {
            path: path.to_owned(),
            line,
            column,
            message,
            hint: None,
            excerpt,
        }
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Returns the source line with its number and a caret under the place; values of secret keys are masked.
    pub fn excerpt(&self) -> &str {
        &self.excerpt
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}:{}:{}: {}",
            self.path.display(),
            self.line,
            self.column,
            self.message
        )
    }
}

impl std::error::Error for ParseError {}

/// Returns line `line` of a text with a caret under column `column`, both counted from 1.
///
/// What looks like the value of a secret key is replaced by `*`, so that the excerpt may be logged or pasted.
pub fn excerpt_of(text: &str, line: usize, column: usize) -> String {
    let masked = mask(line_text(text, line));
    let chars: Vec<char> = masked
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let caret = column.saturating_sub(1).min(chars.len());
    let from = if chars.len() > EXCERPT_CHARS_MAX {
        caret.saturating_sub(EXCERPT_CHARS_MAX / 2)
    } else {
        0
    };
    let to = chars.len().min(from + EXCERPT_CHARS_MAX);
    let cut = |shown: bool| if shown { "…" } else { "" };
    let (before, after) = (cut(from > 0), cut(to < chars.len()));
    let shown: String = chars.get(from..to).unwrap_or_default().iter().collect();
    // Wide characters take two cells; an ideographic space keeps the caret below them.
    let pad: String = chars
        .get(from..caret)
        .unwrap_or_default()
        .iter()
        .map(|c| if is_wide(*c) { '\u{3000}' } else { ' ' })
        .collect();
    let margin = " ".repeat(line.to_string().len());
    let first = format!("{line} | {before}{shown}{after}");
    let second = format!("{margin} | {}{pad}^", " ".repeat(before.chars().count()));
    format!("{}\n{second}", first.trim_end())
}

fn is_wide(c: char) -> bool {
    matches!(c, '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{a4cf}' | '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}'
        | '\u{fe30}'..='\u{fe6f}' | '\u{ff00}'..='\u{ff60}' | '\u{ffe0}'..='\u{ffe6}' | '\u{1f300}'..='\u{1faff}'
        | '\u{20000}'..='\u{3fffd}')
}

/// Replaces what follows a secret key on the line, character by character, so that columns stay.
pub(super) fn mask(line: &str) -> String {
    const SECRET_WORDS: [&str; 6] = [
        "key",
        "token",
        "password",
        "secret",
        "authorization",
        "cookie",
    ];
    let mut masked = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(colon) = rest.find(':') {
        let (before, after) = rest.split_at(colon + 1);
        masked.push_str(before);
        let key = before
            .trim_end_matches([':', ' ', '\t', '"', '\''])
            .to_ascii_lowercase();
        rest = after;
        if SECRET_WORDS.iter().any(|word| key.ends_with(word)) {
            rest = mask_value(after, &mut masked);
        }
    }
    masked.push_str(rest);
    masked
}

fn mask_value<'a>(text: &'a str, masked: &mut String) -> &'a str {
    let blank = text.len() - text.trim_start().len();
    let (gap, value) = text.split_at(blank);
    masked.push_str(gap);
    let Some(quote) = value.chars().next().filter(|c| matches!(c, '"' | '\'')) else {
        return value;
    };
    masked.push(quote);
    let inside = value.get(1..).unwrap_or_default();
    let end = inside.find(quote).unwrap_or(inside.len());
    let (secret, rest) = inside.split_at(end);
    masked.extend(secret.chars().map(|_| '*'));
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_secrets_and_keeps_columns() {
        let cases = [
            (
                r#"{ apiKey: "sk-abc", port: 1 }"#,
                r#"{ apiKey: "******", port: 1 }"#,
            ),
            (r#""token": "abc"#, r#""token": "***"#),
            ("{a:{'password':'p'}}", "{a:{'password':'*'}}"),
            ("name: 'x', alias: 'y'", "name: 'x', alias: 'y'"),
            ("QWEN_API_KEY: \"é1\"", "QWEN_API_KEY: \"**\""),
            ("token: ${X}", "token: ${X}"),
        ];
        for (line, expected) in cases {
            assert_eq!(mask(line), expected);
            assert_eq!(mask(line).chars().count(), line.chars().count());
        }
    }

    #[test]
    fn long_lines_are_cut_around_the_place() {
        let text = format!("{}!{}", "a".repeat(200), "b".repeat(200));
        let excerpt = excerpt_of(&text, 1, 201);
        let (line, caret) = excerpt.split_once('\n').unwrap();
        assert_eq!(line.chars().count(), 4 + 1 + EXCERPT_CHARS_MAX + 1);
        assert_eq!(line.chars().nth(caret.chars().count() - 1), Some('!'));
    }

    #[test]
    fn the_caret_stands_under_wide_characters() {
        assert_eq!(excerpt_of("名: ,", 1, 4), "1 | 名: ,\n  | \u{3000}  ^");
    }
}
