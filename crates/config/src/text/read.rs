//! From bytes to a value, with an answer to "where" for everything that can be wrong.

use std::path::Path;

use json5::ErrorCode;
use serde_json::Value;

use super::lexeme::{Kind, is_blank, lexemes};
use super::outline::{Node, OutlineError};
use super::parse_error::ParseError;
use super::place::{Place, offset_of_json5};
use super::{DEPTH_MAX, FILE_BYTES_MAX};

const KEY_HINT: &str = "keys with characters other than letters, digits, `_` and `$` need quotes";

/// Returns the bytes as text.
pub(super) fn utf8<'b>(path: &Path, bytes: &'b [u8]) -> Result<&'b str, ParseError> {
    if bytes.len() > FILE_BYTES_MAX {
        let message = format!(
            "the file is larger than {} MiB",
            FILE_BYTES_MAX / 1024 / 1024
        );
        return Err(ParseError::at(path, "", 0, message));
    }
    std::str::from_utf8(bytes).map_err(|error| {
        let good = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let shown = format!("{}\u{fffd}", String::from_utf8_lossy(good));
        let utf16 = bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]);
        let found = bytes.get(error.valid_up_to()).copied().unwrap_or_default();
        let hint = if utf16 {
            "the file is UTF-16; save it as UTF-8"
        } else {
            "save the file as UTF-8"
        };
        ParseError::at(
            path,
            &shown,
            good.len(),
            format!("the byte 0x{found:02x} is not UTF-8"),
        )
        .hint(hint)
    })
}

/// Reads a whole document, whose root must be an object without repeated keys.
pub(super) fn document(path: &Path, text: &str) -> Result<(Value, Node), ParseError> {
    let scan = Scan::of(text);
    if let Some(offset) = scan.too_deep {
        let message = format!("lists and objects are nested deeper than {DEPTH_MAX}");
        return Err(ParseError::at(path, text, offset, message));
    }
    let Some(first) = scan.first else {
        let error = ParseError::at(path, text, 0, "the file is empty".to_owned());
        return Err(error.hint("write `{}` into it, or delete it"));
    };
    let value: Value =
        json5::from_str(text).map_err(|error| malformed(path, text, &error, &scan))?;
    if !value.is_object() {
        let message = format!("the config must be an object, this is {}", kind_of(&value));
        return Err(
            ParseError::at(path, text, first, message).hint("put everything between `{` and `}`")
        );
    }
    let outline = Node::of(text).map_err(|error| unclear(path, text, error))?;
    Ok((value, outline))
}

/// Returns the kind of a value in words.
pub(crate) fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// What a look at the brackets shows, before anything is parsed: the JSON5 reader recurses, so depth is checked first.
struct Scan {
    first: Option<usize>,
    too_deep: Option<usize>,
    /// The last lexeme, which may be a comment.
    last: usize,
    /// Brackets that are open at the end.
    open: Vec<usize>,
}

impl Scan {
    fn of(text: &str) -> Self {
        let mut scan = Self {
            first: None,
            last: 0,
            too_deep: None,
            open: Vec::new(),
        };
        for lexeme in lexemes(text) {
            scan.last = lexeme.range.start;
            match lexeme.kind {
                Kind::LineComment | Kind::BlockComment => continue,
                Kind::Open => scan.open.push(lexeme.range.start),
                Kind::Close => drop(scan.open.pop()),
                Kind::Colon | Kind::Comma | Kind::Text | Kind::Word => {}
            }
            scan.first.get_or_insert(lexeme.range.start);
            if scan.open.len() > DEPTH_MAX {
                scan.too_deep = Some(lexeme.range.start);
                break;
            }
        }
        scan
    }
}

fn malformed(path: &Path, text: &str, error: &json5::Error, scan: &Scan) -> ParseError {
    let offset = match error.code() {
        // When the text ends too early, the reader names the outermost place, if any.
        Some(
            ErrorCode::EofParsingComment
            | ErrorCode::EofParsingString
            | ErrorCode::EofParsingEscapeSequence,
        ) => scan.last,
        Some(
            ErrorCode::EofParsingArray
            | ErrorCode::EofParsingObject
            | ErrorCode::EofParsingIdentifier
            | ErrorCode::EofParsingValue,
        ) => scan.open.last().copied().unwrap_or(scan.last),
        _ => {
            let position = error.position();
            position.map_or(text.trim_end().len(), |position| {
                offset_of_json5(text, position)
            })
        }
    };
    let code = error.code();
    let message = code.map_or_else(
        || "cannot be read".to_owned(),
        |code| describe(code).to_owned(),
    );
    let parse_error = ParseError::at(path, text, offset, message);
    match hint(text, offset, code, scan) {
        Some(hint) => parse_error.hint(hint),
        None => parse_error,
    }
}

fn hint(text: &str, offset: usize, code: Option<ErrorCode>, scan: &Scan) -> Option<String> {
    match code? {
        ErrorCode::ExpectedComma
        | ErrorCode::ExpectedClosingBrace
        | ErrorCode::ExpectedClosingBracket => {
            let before = text.get(..offset)?;
            let fresh_line = before
                .rfind('\n')
                .is_some_and(|end| before.get(end..).is_some_and(|gap| gap.trim().is_empty()));
            let hint = if fresh_line {
                "a comma may be missing at the end of the entry before"
            } else {
                "a comma may be missing before it"
            };
            Some(hint.to_owned())
        }
        ErrorCode::EofParsingArray
        | ErrorCode::EofParsingObject
        | ErrorCode::EofParsingValue
        | ErrorCode::EofParsingIdentifier => {
            let open = *scan.open.last()?;
            let bracket = text.get(open..=open)?;
            Some(format!(
                "the `{bracket}` of line {} is never closed",
                Place::of(text, open).line
            ))
        }
        ErrorCode::EofParsingComment => Some("close the comment with `*/`".to_owned()),
        ErrorCode::EofParsingString | ErrorCode::LineTerminatorInString => {
            Some("close the text with its quote".to_owned())
        }
        ErrorCode::ExpectedColon if text.get(offset..)?.starts_with(|c: char| !is_blank(c)) => {
            Some(KEY_HINT.to_owned())
        }
        ErrorCode::ExpectedIdentifier | ErrorCode::InvalidKey => Some(KEY_HINT.to_owned()),
        _ => None,
    }
}

fn describe(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::EofParsingArray => "the file ends inside a list",
        ErrorCode::EofParsingObject | ErrorCode::EofParsingIdentifier => {
            "the file ends inside an object"
        }
        ErrorCode::EofParsingComment => "the file ends inside a comment",
        ErrorCode::EofParsingString | ErrorCode::EofParsingEscapeSequence => {
            "the file ends inside a text"
        }
        ErrorCode::EofParsingBool | ErrorCode::EofParsingNull | ErrorCode::EofParsingNumber => {
            "the file ends inside a word"
        }
        ErrorCode::EofParsingValue => "a value is missing at the end of the file",
        ErrorCode::ExpectedClosingBrace => "expected `,` or `}`",
        ErrorCode::ExpectedClosingBracket => "expected `,` or `]`",
        ErrorCode::ExpectedColon => "expected `:` after the key",
        ErrorCode::ExpectedComma => "expected `,`",
        ErrorCode::ExpectedComment => "a single `/` is not a comment",
        ErrorCode::ExpectedIdentifier | ErrorCode::InvalidKey => "expected a key",
        ErrorCode::ExpectedBool
        | ErrorCode::ExpectedNull
        | ErrorCode::ExpectedNumber
        | ErrorCode::ExpectedOpeningBrace
        | ErrorCode::ExpectedOpeningBracket
        | ErrorCode::ExpectedString
        | ErrorCode::ExpectedStringOrObject
        | ErrorCode::ExpectedValue => "expected a value",
        ErrorCode::InvalidBytes | ErrorCode::InvalidEscapeSequence => {
            "this escape is not known in JSON5"
        }
        ErrorCode::LeadingZero => "a number must not start with 0",
        ErrorCode::LineTerminatorInString => "the text is not closed on its line",
        ErrorCode::OverflowParsingNumber => "the number is too large",
        ErrorCode::TrailingCharacters => "there is something after the end of the config",
    }
}

fn unclear(path: &Path, text: &str, error: OutlineError) -> ParseError {
    match error {
        OutlineError::Lost { offset } => ParseError::at(
            path,
            text,
            offset,
            "the structure is unclear here".to_owned(),
        ),
        OutlineError::Duplicate {
            name,
            first,
            second,
        } => {
            let place = Place::of(text, first);
            let message = format!(
                "the key `{name}` is already given at line {}, column {}",
                place.line, place.column
            );
            ParseError::at(path, text, second, message).hint("keep one of the two")
        }
    }
}
