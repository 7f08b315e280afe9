//! How deep a JSON5 text nests, told before a reader that recurses sees it.

use std::iter::Peekable;
use std::str::Chars;

/// Returns the deepest nesting of brackets outside strings and comments.
///
/// On text that is not JSON5 the answer may be wrong only after the place where a reader stops.
pub(crate) fn depth(text: &str) -> usize {
    let mut open = 0_usize;
    let mut deepest = 0;
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '[' | '{' => {
                open += 1;
                deepest = deepest.max(open);
            }
            ']' | '}' => open = open.saturating_sub(1),
            '"' | '\'' => skip_string(&mut rest, c),
            '/' => skip_comment(&mut rest),
            _ => {}
        }
    }
    deepest
}

fn skip_string(rest: &mut Peekable<Chars<'_>>, quote: char) {
    while let Some(c) = rest.next() {
        if c == '\\' {
            rest.next();
        } else if c == quote {
            return;
        }
    }
}

fn skip_comment(rest: &mut Peekable<Chars<'_>>) {
    let is_line_end = |c: &char| matches!(c, '\n' | '\r' | '\u{2028}' | '\u{2029}');
    if rest.next_if_eq(&'/').is_some() {
        let _ = rest.find(is_line_end);
    } else if rest.next_if_eq(&'*').is_some() {
        let mut previous = ' ';
        let _ = rest.find(|c| {
            let ends = previous == '*' && *c == '/';
            previous = *c;
            ends
        });
    }
}

#[cfg(test)]
mod tests {
    use super::depth;

    #[test]
    fn counts_only_brackets_that_nest() {
        let cases = [
            ("", 0),
            ("[{a: [1]}, {b: 2}]", 3),
            ("['[[[', \"]{{{\"]", 1),
            (r"['it\'s [[[']", 1),
            ("[ // don't [[[\n [] ]", 2),
            ("[ /* [[[ */ {} /*/ [[ */ ]", 2),
            ("// x\u{2028}[[[]]]", 3),
        ];
        for (text, expected) in cases {
            assert_eq!(depth(text), expected, "{text}");
        }
    }
}
