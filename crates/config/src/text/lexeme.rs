//! Cuts a text into lexemes without judging it: also broken text has brackets, strings and comments.

use std::ops::Range;

/// What a lexeme is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// `{` or `[`.
    Open,
    /// `}` or `]`.
    Close,
    Colon,
    Comma,
    /// A quoted text, closed or not.
    Text,
    /// Anything else that is not blank: a number, a name, a stray character.
    Word,
    LineComment,
    BlockComment,
}

/// A piece of text that is not blank.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lexeme {
    pub(super) kind: Kind,
    pub(super) range: Range<usize>,
}

/// The lexemes of a text, in order.
pub(super) struct Lexemes<'a> {
    text: &'a str,
    offset: usize,
}

/// Returns the lexemes of a text.
pub(super) fn lexemes(text: &str) -> Lexemes<'_> {
    Lexemes { text, offset: 0 }
}

impl Iterator for Lexemes<'_> {
    type Item = Lexeme;

    fn next(&mut self) -> Option<Lexeme> {
        let rest = self.text.get(self.offset..)?;
        let blank = rest.find(|c| !is_blank(c))?;
        let start = self.offset + blank;
        let rest = rest.get(blank..)?;
        let (kind, length) = lexeme(rest)?;
        self.offset = start + length;
        Some(Lexeme {
            kind,
            range: start..self.offset,
        })
    }
}

/// Returns whether JSON5 treats a character as blank.
pub(super) fn is_blank(c: char) -> bool {
    c.is_whitespace() || c == '\u{feff}'
}

fn lexeme(rest: &str) -> Option<(Kind, usize)> {
    Some(match rest.chars().next()? {
        '{' | '[' => (Kind::Open, 1),
        '}' | ']' => (Kind::Close, 1),
        ':' => (Kind::Colon, 1),
        ',' => (Kind::Comma, 1),
        quote @ ('"' | '\'') => (Kind::Text, quoted(rest, quote)),
        '/' if rest.starts_with("//") => {
            let end = rest
                .find(['\n', '\r', '\u{2028}', '\u{2029}'])
                .unwrap_or(rest.len());
            (Kind::LineComment, end)
        }
        '/' if rest.starts_with("/*") => {
            let end = rest
                .get(2..)
                .and_then(|inside| inside.find("*/"))
                .map_or(rest.len(), |end| end + 4);
            (Kind::BlockComment, end)
        }
        first => (Kind::Word, word(rest, first)),
    })
}

/// Returns the length of a quoted text: to its closing quote, or to the line end that JSON5 forbids in it.
fn quoted(rest: &str, quote: char) -> usize {
    let mut chars = rest.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => {
                let continued = chars.next().is_some_and(|(_, escaped)| escaped == '\r');
                if continued {
                    chars.next_if(|(_, c)| *c == '\n');
                }
            }
            '\n' | '\r' => return at,
            c if c == quote => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

fn word(rest: &str, first: char) -> usize {
    let start = first.len_utf8();
    let tail = rest.get(start..).unwrap_or_default();
    let ends = |(at, c): (usize, char)| {
        let comment = || {
            tail.get(at..)
                .is_some_and(|from| from.starts_with("//") || from.starts_with("/*"))
        };
        is_blank(c)
            || matches!(c, '{' | '}' | '[' | ']' | ':' | ',' | '"' | '\'')
            || (c == '/' && comment())
    };
    tail.char_indices()
        .find(|pair| ends(*pair))
        .map_or(rest.len(), |(at, _)| start + at)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cut(text: &str) -> Vec<&str> {
        lexemes(text).map(|lexeme| &text[lexeme.range]).collect()
    }

    #[test]
    fn cuts() {
        assert_eq!(cut("{a/*c*/:1,}"), ["{", "a", "/*c*/", ":", "1", ",", "}"]);
        assert_eq!(cut("'a\\'b' // x\n\"y"), ["'a\\'b'", "// x", "\"y"]);
        assert_eq!(cut("'a\\\r\nb'"), ["'a\\\r\nb'"]);
        assert_eq!(cut("'a\nb'"), ["'a", "b", "'"]);
        assert_eq!(cut("/* open"), ["/* open"]);
        assert_eq!(cut("a/b //"), ["a/b", "//"]);
    }

    proptest! {
        #[test]
        fn covers_everything_but_blanks(text in any::<String>()) {
            let mut end = 0;
            for lexeme in lexemes(&text) {
                prop_assert!(text[end..lexeme.range.start].chars().all(is_blank));
                prop_assert!(!lexeme.range.is_empty());
                end = lexeme.range.end;
            }
            prop_assert!(text[end..].chars().all(is_blank));
        }
    }
}
