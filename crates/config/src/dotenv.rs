//! Reads `.env` files.
//!
//! The form is the common one: `NAME=value` per line, `export` allowed, `#` comments, single quotes for literal text,
//! double quotes with `\n`, `\r`, `\t`, `\\`, `\"` escapes. Quoted values may span lines. A line that makes no sense
//! is skipped and its number reported, so that one typo does not hide a key.

use crate::secret::Hidden;

/// The variables of one `.env` file, in file order, and the lines that were skipped.
#[derive(Debug, Default)]
pub struct Dotenv {
    /// Name and value of each variable; a later line with the same name wins.
    pub variables: Vec<(String, Hidden)>,
    /// Lines that are not assignments.
    pub bad_lines: Vec<BadLine>,
}

/// A skipped line of a `.env` file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadLine {
    /// The line, counted from 1.
    pub line: usize,
    /// Why it was skipped; never contains the text of the line, which may be a key.
    pub why: &'static str,
}

impl Dotenv {
    /// Reads the text of a file; a byte order mark is ignored.
    pub fn parse(text: &str) -> Self {
        let mut dotenv = Self::default();
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut lines = Lines {
            rest: text,
            number: 0,
        };
        while let Some(line) = lines.next_line() {
            let number = lines.number;
            match assignment(line, &mut lines) {
                Ok(Some((name, value))) => dotenv.put(name, value),
                Ok(None) => {}
                Err(why) => dotenv.bad_lines.push(BadLine { line: number, why }),
            }
        }
        dotenv
    }

    fn put(&mut self, name: &str, value: String) {
        self.variables.retain(|(known, _)| known != name);
        self.variables.push((name.to_owned(), Hidden::new(value)));
    }
}

struct Lines<'a> {
    rest: &'a str,
    number: usize,
}

impl<'a> Lines<'a> {
    fn next_line(&mut self) -> Option<&'a str> {
        if self.rest.is_empty() {
            return None;
        }
        self.number += 1;
        let (line, rest) = self.rest.split_once('\n').unwrap_or((self.rest, ""));
        self.rest = rest;
        Some(line.strip_suffix('\r').unwrap_or(line))
    }
}

type Assignment<'a> = Option<(&'a str, String)>;

fn assignment<'a>(line: &'a str, lines: &mut Lines<'a>) -> Result<Assignment<'a>, &'static str> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    let line = line
        .strip_prefix("export")
        .filter(|rest| rest.starts_with([' ', '\t']))
        .map_or(line, str::trim_start);
    let (name, value) = line.split_once('=').ok_or("no `=` in the line")?;
    let name = name.trim_end();
    if !is_name(name) {
        return Err("the name before `=` is not a variable name");
    }
    let value = value.trim_start();
    let value = match value.chars().next() {
        Some(quote @ ('"' | '\'')) => quoted(value, quote, lines)?,
        _ => unquoted(value).to_owned(),
    };
    Ok(Some((name, value)))
}

fn is_name(name: &str) -> bool {
    let mut chars = name.chars();
    chars
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'))
}

/// Returns the text up to a comment: a `#` that starts the value or follows a blank.
fn unquoted(value: &str) -> &str {
    let mut before = ' ';
    for (offset, c) in value.char_indices() {
        if c == '#' && before.is_whitespace() {
            return value.get(..offset).unwrap_or_default().trim_end();
        }
        before = c;
    }
    value.trim_end()
}

/// Reads a quoted value that starts in `first`, taking more lines when it does not end there. When it never ends, no
/// further line is consumed.
fn quoted<'a>(first: &'a str, quote: char, lines: &mut Lines<'a>) -> Result<String, &'static str> {
    let (rest, number) = (lines.rest, lines.number);
    let mut value = String::new();
    let mut line = first.get(1..).unwrap_or_default();
    loop {
        if let Some(after) = take_until_quote(line, quote, &mut value) {
            let after = after.trim_start();
            return if after.is_empty() || after.starts_with('#') {
                Ok(value)
            } else {
                Err("there is text after the closing quote")
            };
        }
        let Some(next) = lines.next_line() else {
            (lines.rest, lines.number) = (rest, number);
            return Err("the quote is never closed");
        };
        value.push('\n');
        line = next;
    }
}

/// Appends the text before the closing quote to `value` and returns what follows it, or `None` when the line ends
/// first.
fn take_until_quote<'a>(line: &'a str, quote: char, value: &mut String) -> Option<&'a str> {
    let mut chars = line.char_indices();
    while let Some((offset, c)) = chars.next() {
        if c == quote {
            return line.get(offset + 1..);
        }
        if c != '\\' || quote == '\'' {
            value.push(c);
            continue;
        }
        match chars.next().map(|(_, escaped)| escaped) {
            Some('n') => value.push('\n'),
            Some('r') => value.push('\r'),
            Some('t') => value.push('\t'),
            Some(kept @ ('\\' | '"' | '$')) => value.push(kept),
            Some(other) => value.extend(['\\', other]),
            None => value.push('\\'),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Vec<(String, String)> {
        let dotenv = Dotenv::parse(text);
        dotenv
            .variables
            .into_iter()
            .map(|(name, value)| (name, value.expose().to_owned()))
            .collect()
    }

    #[test]
    fn reads_each_form() {
        let cases = [
            ("A=1", "A", "1"),
            ("  A = 1  ", "A", "1"),
            ("export A=1", "A", "1"),
            ("export\tA=1", "A", "1"),
            ("exported=1", "exported", "1"),
            ("A=", "A", ""),
            ("A=# nothing", "A", ""),
            ("A=1 # one", "A", "1"),
            ("A=a#b", "A", "a#b"),
            ("A=a=b", "A", "a=b"),
            ("A='x # y'", "A", "x # y"),
            (r"A='x\ny'", "A", r"x\ny"),
            (r#"A="x\ny""#, "A", "x\ny"),
            (r#"A="x \" y" # z"#, "A", "x \" y"),
            (r#"A="\q""#, "A", r"\q"),
            ("A=\"one\ntwo\"", "A", "one\ntwo"),
            ("A=1\r\n", "A", "1"),
            ("\u{feff}A=1", "A", "1"),
            ("# c\n\nA=1", "A", "1"),
            ("A=1\nA=2", "A", "2"),
        ];
        for (text, name, value) in cases {
            assert_eq!(
                read(text),
                [(name.to_owned(), value.to_owned())],
                "{text:?}"
            );
        }
    }

    #[test]
    fn skips_bad_lines_with_their_number() {
        let text = "A=1\nnonsense\n=x\n1A=2\nB='open\nC=3\nD='a' b\n";
        let dotenv = Dotenv::parse(text);
        let lines: Vec<usize> = dotenv.bad_lines.iter().map(|bad| bad.line).collect();
        assert_eq!(lines, [2, 3, 4, 5]);
        assert_eq!(read("B='open\nC=3"), [("C".to_owned(), "3".to_owned())]);
    }

    #[test]
    fn debug_shows_no_value() {
        let shown = format!("{:?}", Dotenv::parse("QWEN_API_KEY=sk-secret"));
        assert!(!shown.contains("sk-secret"), "{shown}");
    }

    proptest! {
        #[test]
        fn never_panics(text in any::<String>()) {
            let _ = Dotenv::parse(&text);
        }

        #[test]
        fn a_double_quoted_value_comes_back(value in "[^\r\\x00]{0,40}") {
            let escaped = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            prop_assert_eq!(read(&format!("A=\"{escaped}\"")), [("A".to_owned(), value)]);
        }
    }
}
