//! The text of parse errors, word for word.

use config::{ConfigText, DEPTH_MAX, FILE_BYTES_MAX, ParseError};

fn error(bytes: impl Into<Vec<u8>>) -> ParseError {
    ConfigText::parse("openclaw.json", bytes.into()).unwrap_err()
}

/// The message, the excerpt and the hint, as a person sees them.
fn shown(bytes: impl Into<Vec<u8>>) -> String {
    let error = error(bytes);
    let hint = error
        .hint
        .as_deref()
        .map(|hint| format!("\nhint: {hint}"))
        .unwrap_or_default();
    format!("{error}\n{}{hint}", error.excerpt())
}

#[test]
fn malformed_text() {
    let cases = [
        (
            "{\n  port: ,\n}",
            "openclaw.json:2:9: expected a value\n2 |   port: ,\n  |         ^",
        ),
        (
            "{\n  a: 1\n  b: 2\n}",
            "openclaw.json:3:3: expected `,`\n3 |   b: 2\n  |   ^\nhint: a comma may be missing at the end of the entry before",
        ),
        (
            "{ a: [1 2] }",
            "openclaw.json:1:9: expected `,`\n1 | { a: [1 2] }\n  |         ^\nhint: a comma may be missing before it",
        ),
        (
            "{\n  a: {\n    b: 1,\n",
            "openclaw.json:2:6: the file ends inside an object\n2 |   a: {\n  |      ^\nhint: the `{` of line 2 is never closed",
        ),
        (
            "{ a: 'x\n}",
            "openclaw.json:1:8: the text is not closed on its line\n1 | { a: 'x\n  |        ^\nhint: close the text with its quote",
        ),
        (
            "{ base-url: 1 }",
            "openclaw.json:1:7: expected `:` after the key\n1 | { base-url: 1 }\n  |       ^\nhint: keys with characters other than letters, digits, `_` and `$` need quotes",
        ),
        (
            "{ a: 01 }",
            "openclaw.json:1:6: a number must not start with 0\n1 | { a: 01 }\n  |      ^",
        ),
        (
            "{}\n}",
            "openclaw.json:2:1: there is something after the end of the config\n2 | }\n  | ^",
        ),
        (
            "{ /* a",
            "openclaw.json:1:3: the file ends inside a comment\n1 | { /* a\n  |   ^\nhint: close the comment with `*/`",
        ),
        (
            "{ # a\n}",
            "openclaw.json:1:3: expected a key\n1 | { # a\n  |   ^\nhint: keys with characters other than letters, digits, `_` and `$` need quotes",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(shown(text), expected, "{text:?}");
    }
}

#[test]
fn wrong_as_a_whole() {
    let cases: [(&[u8], &str); 8] = [
        (
            b"",
            "openclaw.json:1:1: the file is empty\n1 |\n  | ^\nhint: write `{}` into it, or delete it",
        ),
        (
            b"// only\n",
            "openclaw.json:1:1: the file is empty\n1 | // only\n  | ^\nhint: write `{}` into it, or delete it",
        ),
        (
            b"// x\n [1]",
            "openclaw.json:2:2: the config must be an object, this is a list\n2 |  [1]\n  |  ^\nhint: put everything between `{` and `}`",
        ),
        (
            b"'x'",
            "openclaw.json:1:1: the config must be an object, this is a text\n1 | 'x'\n  | ^\nhint: put everything between `{` and `}`",
        ),
        (
            b"{\n a: '\xff'}",
            "openclaw.json:2:6: the byte 0xff is not UTF-8\n2 |  a: '\u{fffd}\n  |      ^\nhint: save the file as UTF-8",
        ),
        (
            b"\xff\xfe{\x00}\x00",
            "openclaw.json:1:1: the byte 0xff is not UTF-8\n1 | \u{fffd}\n  | ^\nhint: the file is UTF-16; save it as UTF-8",
        ),
        (
            b"{\n  a: 1,\n  \"\\u0061\": 2,\n}",
            "openclaw.json:3:3: the key `a` is already given at line 2, column 3\n3 |   \"\\u0061\": 2,\n  |   ^\nhint: keep one of the two",
        ),
        (
            b"{\n  apiKey: \"sk-very-secret,\n}",
            "openclaw.json:2:27: the text is not closed on its line\n2 |   apiKey: \"***************\n  |                           ^\nhint: close the text with its quote",
        ),
    ];
    for (bytes, expected) in cases {
        assert_eq!(shown(bytes), expected, "{}", String::from_utf8_lossy(bytes));
    }
}

#[test]
fn the_limits() {
    let nested = |depth: usize| format!("{{a:{}{}}}", "[".repeat(depth - 1), "]".repeat(depth - 1));
    assert!(ConfigText::parse("x", nested(DEPTH_MAX).into_bytes()).is_ok());
    let too_deep = error(nested(DEPTH_MAX + 1));
    assert_eq!((too_deep.line, too_deep.column), (1, DEPTH_MAX + 3));
    assert_eq!(
        too_deep.message,
        "lists and objects are nested deeper than 128"
    );
    // Brackets that never end must not exhaust the stack either, and those in texts and comments do not count.
    assert_eq!(error("[".repeat(1_000_000)).message, too_deep.message);
    let quoted = format!("{{a: '{}' /* {} */}}", "[".repeat(500), "{".repeat(500));
    assert!(ConfigText::parse("x", quoted.into_bytes()).is_ok());

    let padded = |length: usize| format!("{{{}}}", " ".repeat(length - 2)).into_bytes();
    assert!(ConfigText::parse("x", padded(FILE_BYTES_MAX)).is_ok());
    assert_eq!(
        error(padded(FILE_BYTES_MAX + 1)).message,
        "the file is larger than 10 MiB"
    );
}

#[test]
fn numbers_that_json_lacks_read_as_null_and_keep_their_bytes() {
    let text = crate::text("{ a: Infinity, b: -NaN, c: 0x1F, d: +.5, e: 5. }");
    assert_eq!(
        text.value(),
        &serde_json::json!({"a": null, "b": null, "c": 31, "d": 0.5, "e": 5.0})
    );
}

#[test]
fn places_of_values() {
    let text = crate::text("\u{feff}{\n  a: { b: [1, {c: 2}] },\n}");
    let place = |at: &str| {
        let location = text.locate(&crate::path(at)).unwrap();
        (location.line, location.column)
    };
    assert_eq!(place("a"), (2, 3));
    assert_eq!(place("a.b[1].c"), (2, 16));
    assert_eq!(place("a.b[1].zz"), (2, 15));
    assert_eq!(place("zz"), (1, 1));
    let location = text.locate(&crate::path("a.b[1].c")).unwrap();
    assert_eq!(
        text.excerpt(&location),
        "2 |   a: { b: [1, {c: 2}] },\n  |                ^"
    );
}
