//! Line and column of an offset.

/// A place in a text, both counted from 1, the column in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) line: usize,
    pub(super) column: usize,
}

impl Place {
    /// Returns the place of a byte offset; offsets behind the end count as the end.
    pub(super) fn of(text: &str, offset: usize) -> Self {
        let mut place = Self { line: 1, column: 1 };
        let mut chars = text.char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            if at >= offset {
                break;
            }
            // Editors count CR LF as one line end, and a lone CR as one too.
            let ends_line =
                c == '\n' || (c == '\r' && chars.peek().is_none_or(|(_, next)| *next != '\n'));
            if ends_line {
                place = Self {
                    line: place.line + 1,
                    column: 1,
                };
            } else {
                place.column += 1;
            }
        }
        place
    }
}

/// Returns the text of a line, counted from 1, without its end.
pub(super) fn line_text(text: &str, line: usize) -> &str {
    let mut rest = text;
    for _ in 1..line {
        let Some(end) = rest.find(['\n', '\r']) else {
            return "";
        };
        let skip = if rest.get(end..).is_some_and(|tail| tail.starts_with("\r\n")) {
            2
        } else {
            1
        };
        rest = rest.get(end + skip..).unwrap_or_default();
    }
    rest.find(['\n', '\r'])
        .and_then(|end| rest.get(..end))
        .unwrap_or(rest)
}

/// Returns the byte offset of a zero-based position as the JSON5 reader counts it: U+2028 and U+2029 end lines too.
pub(super) fn offset_of_json5(text: &str, position: json5::Position) -> usize {
    let (mut line, mut column) = (0, 0);
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        if (line, column) >= (position.line, position.column) {
            return at;
        }
        match c {
            '\r' if chars.peek().is_some_and(|(_, next)| *next == '\n') => {}
            '\n' | '\r' | '\u{2028}' | '\u{2029}' => (line, column) = (line + 1, 0),
            _ => column += 1,
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_every_line_end_once() {
        let text = "a\r\nbé\rc\n\nd";
        let places: Vec<_> = text
            .char_indices()
            .map(|(at, _)| Place::of(text, at))
            .collect();
        let pairs: Vec<_> = places
            .iter()
            .map(|place| (place.line, place.column))
            .collect();
        assert_eq!(
            pairs,
            [
                (1, 1),
                (1, 2),
                (1, 3),
                (2, 1),
                (2, 2),
                (2, 3),
                (3, 1),
                (3, 2),
                (4, 1),
                (5, 1)
            ]
        );
        let lines: Vec<_> = (1..=6).map(|line| line_text(text, line)).collect();
        assert_eq!(lines, ["a", "bé", "c", "", "d", ""]);
    }
}
