//! Properties over generated JSON5: comments everywhere, every kind of quote, key, number and line end.

use config::{ConfigText, EditError, Segment, ValuePath};
use jsonc_parser::ParseOptions;
use proptest::prelude::*;
use serde_json::{Value, json};

/// Blanks and comments that may stand between any two lexemes.
fn trivia() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        6 => Just(String::new()),
        3 => Just(" ".to_owned()),
        3 => Just("\n  ".to_owned()),
        1 => Just("\r\n\t".to_owned()),
        1 => Just("\u{a0}".to_owned()),
        1 => "/\\*[ a-z{}:,'\"é*]{0,6}\\*/",
        1 => "//[ a-z{}:,'\"é]{0,6}\n",
        1 => Just("// end\r\n".to_owned()),
    ];
    proptest::collection::vec(piece, 0..3).prop_map(|pieces| pieces.concat())
}

/// A number or word and the value it reads as.
fn word() -> impl Strategy<Value = String> {
    let words = [
        "1",
        "-1",
        "0",
        "-0",
        "+1",
        "0x1F",
        "-0x10",
        ".5",
        "5.",
        "1e3",
        "-2.5E-2",
        "null",
        "true",
        "false",
        "Infinity",
        "-Infinity",
        "NaN",
        "18446744073709551615",
        "123456789012345678901234567890",
    ];
    proptest::sample::select(words.to_vec()).prop_map(str::to_owned)
}

fn quoted() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z {}:,/é\u{2028}]{0,6}".prop_map(|text| format!("'{text}\"'")),
        "[a-z {}:,/*é]{0,6}".prop_map(|text| format!("\"{text}'\"")),
        Just(r#""\u0061\x62\n\'""#.to_owned()),
        Just("'one\\\ntwo'".to_owned()),
        Just("'one\\\r\ntwo'".to_owned()),
        Just(r#""sk-\"x\"""#.to_owned()),
    ]
}

/// A key that is different for every number.
fn key(number: usize, form: usize) -> String {
    match form % 5 {
        0 => format!("k{number}"),
        1 => format!("\"k {number}\""),
        2 => format!("'k.{number}'"),
        3 => format!("\\u006b{number}"),
        _ => format!("$_é{number}"),
    }
}

fn value() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![word(), quoted()];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let list = proptest::collection::vec((trivia(), inner.clone(), trivia()), 0..4);
        let object =
            proptest::collection::vec((0..5_usize, trivia(), trivia(), inner, trivia()), 0..4);
        prop_oneof![
            (list, any::<bool>(), trivia()).prop_map(|(items, comma, end)| {
                let items: Vec<_> = items
                    .into_iter()
                    .map(|(a, value, b)| format!("{a}{value}{b}"))
                    .collect();
                close("[", &items, comma, &end, "]")
            }),
            (object, any::<bool>(), trivia())
                .prop_map(|(members, comma, end)| object_text(members, comma, &end)),
        ]
    })
}

type Member = (usize, String, String, String, String);

fn object_text(members: Vec<Member>, comma: bool, end: &str) -> String {
    let member = |(number, (form, a, b, value, c)): (usize, Member)| {
        format!("{a}{}{b}:{b}{value}{c}", key(number, form))
    };
    let members: Vec<_> = members.into_iter().enumerate().map(member).collect();
    close("{", &members, comma, end, "}")
}

fn close(open: &str, items: &[String], comma: bool, end: &str, close: &str) -> String {
    let comma = if comma && !items.is_empty() { "," } else { "" };
    format!("{open}{}{comma}{end}{close}", items.join(","))
}

fn document() -> impl Strategy<Value = String> {
    let members =
        proptest::collection::vec((0..5_usize, trivia(), trivia(), value(), trivia()), 0..5);
    (
        any::<bool>(),
        trivia(),
        members,
        any::<bool>(),
        trivia(),
        trivia(),
    )
        .prop_map(|(bom, before, members, comma, end, after)| {
            let bom = if bom { "\u{feff}" } else { "" };
            format!("{bom}{before}{}{after}", object_text(members, comma, &end))
        })
}

/// Every path of a value, the root included.
fn paths(value: &Value) -> Vec<ValuePath> {
    let mut found = vec![ValuePath::root()];
    let mut open = vec![(ValuePath::root(), value)];
    while let Some((path, value)) = open.pop() {
        let children: Vec<_> = match value {
            Value::Object(members) => members
                .iter()
                .map(|(key, value)| (path.key(key), value))
                .collect(),
            Value::Array(items) => items
                .iter()
                .enumerate()
                .map(|(at, value)| (path.index(at), value))
                .collect(),
            _ => Vec::new(),
        };
        found.extend(children.iter().map(|(path, _)| path.clone()));
        open.extend(children);
    }
    found
}

fn new_value() -> impl Strategy<Value = Value> {
    let values = [
        json!(1),
        json!(-2.5),
        json!("x"),
        json!("it's \"\n\u{2028}"),
        json!(true),
        json!(null),
        json!([]),
        json!({}),
        json!([1, {"a b": []}]),
        json!({"k": {"'": 1}, "x-y": [true]}),
    ];
    proptest::sample::select(values.to_vec())
}

/// The comments of a text, in order.
fn comments(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find(['/', '"', '\'']) {
        let from = &rest[start..];
        let length = match from.as_bytes() {
            [b'/', b'/', ..] => from
                .find(['\n', '\r', '\u{2028}', '\u{2029}'])
                .unwrap_or(from.len()),
            [b'/', ..] => from[2..].find("*/").unwrap() + 4,
            [quote, ..] => quoted_length(from, char::from(*quote)),
            [] => 0,
        };
        if from.starts_with('/') {
            found.push(from[..length].to_owned());
        }
        rest = &from[length..];
    }
    found
}

fn quoted_length(from: &str, quote: char) -> usize {
    let mut chars = from.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => drop(chars.next()),
            c if c == quote => return at + 1,
            _ => {}
        }
    }
    from.len()
}

/// Reads a text with the other parser, if it understands it.
fn second_reader(text: &ConfigText) -> Option<Value> {
    let source = std::str::from_utf8(text.bytes())
        .unwrap()
        .trim_start_matches('\u{feff}');
    // It reads these as texts.
    if source.contains("Infinity") || source.contains("NaN") {
        return None;
    }
    let options = ParseOptions {
        allow_missing_commas: false,
        ..ParseOptions::default()
    };
    jsonc_parser::cst::CstRootNode::parse(source, &options)
        .ok()?
        .to_serde_value()
}

fn parse(source: &str) -> ConfigText {
    ConfigText::parse("openclaw.json", source.as_bytes().to_vec())
        .unwrap_or_else(|error| panic!("{error}\n{source}"))
}

/// Documents per property, unless `PROPTEST_CASES` asks for more: ten thousand in all.
const CASES: u32 = 1_250;

fn config() -> ProptestConfig {
    let config = ProptestConfig::default();
    ProptestConfig {
        cases: config.cases.max(CASES),
        ..config
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn echo_is_exact(source in document()) {
        let text = parse(&source);
        prop_assert_eq!(text.bytes(), source.as_bytes());
        // Two parsers read the same, where the second one can.
        if let Some(second) = second_reader(&text) {
            prop_assert_eq!(normal(&second), normal(text.value()));
        }
    }

    #[test]
    fn every_value_has_its_place(source in document()) {
        let text = parse(&source);
        let body = source.trim_start_matches('\u{feff}');
        for path in paths(text.value()) {
            let location = text.locate(&path).unwrap();
            let written = &body[location.range.clone()];
            let read = match path.segments().last() {
                Some(Segment::Key(key)) => {
                    let member: Value = json5::from_str(&format!("{{{written}\n}}")).unwrap();
                    member.get(key).cloned()
                }
                _ => json5::from_str(written).ok(),
            };
            prop_assert_eq!(read.as_ref(), text.get(&path), "{} {}", path, written);
        }
    }

    #[test]
    fn replacing_a_value_changes_its_bytes_only(
        source in document(), pick in any::<prop::sample::Index>(), value in new_value(),
    ) {
        let text = parse(&source);
        let all = paths(text.value());
        let path = pick.get(&all);
        if path.is_root() {
            return Ok(());
        }
        let new = text.set(path, value.clone()).unwrap();
        prop_assert_eq!(new.get(path), Some(&value));
        let body = source.trim_start_matches('\u{feff}');
        let range = text.locate(path).unwrap().range;
        let after = crate::source(&new).trim_start_matches('\u{feff}');
        prop_assert!(after.starts_with(&body[..range.start]) && after.ends_with(&body[range.end..]));
    }

    #[test]
    fn adding_a_value_only_inserts(
        source in document(), pick in any::<prop::sample::Index>(), value in new_value(), deeper in any::<bool>(),
    ) {
        let text = parse(&source);
        let containers: Vec<_> = paths(text.value())
            .into_iter()
            .filter(|path| text.get(path).is_some_and(|value| value.is_object() || value.is_array()))
            .collect();
        let container = pick.get(&containers);
        let path = match text.get(container) {
            Some(Value::Array(items)) => container.index(items.len()),
            _ => container.key("brand new"),
        };
        let path = if deeper { path.key("a").index(0) } else { path };
        let new = text.set(&path, value.clone()).unwrap();
        prop_assert_eq!(new.get(&path), Some(&value));
        prop_assert_eq!(comments(crate::source(&new)), comments(&source));
        // Nothing but blanks inside the container may go, and only when it was empty.
        prop_assert!(is_subsequence(&solid(&source), &solid(crate::source(&new))));
        let back = new.remove(&container.key("brand new"));
        if !deeper && text.get(container).is_some_and(Value::is_object) {
            let back = back.unwrap();
            prop_assert_eq!(back.value(), text.value());
        }
    }

    #[test]
    fn removing_a_value_only_deletes(source in document(), pick in any::<prop::sample::Index>()) {
        let text = parse(&source);
        let all = paths(text.value());
        let path = pick.get(&all);
        match text.remove(path) {
            Ok(new) => {
                prop_assert!(is_subsequence(crate::source(&new), &source));
                let mut left = paths(new.value());
                left.retain(|other| new.get(other) != text.get(other));
                let parent = path.parent().unwrap();
                // What differs lies on the way to the removed value or, in a list, behind it.
                prop_assert!(left.iter().all(|other| parent.segments().starts_with(other.segments())
                    || other.segments().starts_with(parent.segments())));
            }
            Err(EditError::Refused { .. }) => prop_assert!(path.is_root()),
            Err(error) => return Err(TestCaseError::fail(error.to_string())),
        }
    }

    #[test]
    fn edits_read_the_same_with_a_second_parser(
        source in document(), value in new_value(), pick in any::<prop::sample::Index>(),
    ) {
        let text = parse(&source);
        if second_reader(&text).is_none() {
            return Ok(());
        }
        let all = paths(text.value());
        let path = pick.get(&all).key("0");
        if let Ok(new) = text.set(&path, value) {
            prop_assert_eq!(second_reader(&new).as_ref().map(normal), Some(normal(new.value())));
        }
    }

    #[test]
    fn never_panics_on_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        let _ = ConfigText::parse("x", bytes);
    }

    #[test]
    fn never_panics_on_soup(pieces in proptest::collection::vec(
        prop_oneof![word(), quoted(), trivia(), "[\\[\\]{}:,'\"/*\\\\a\r\n\u{2028}é]{0,3}"], 0..24,
    )) {
        match ConfigText::parse("x", pieces.concat().into_bytes()) {
            Ok(text) => {
                let _ = config::Settings::read(&text);
            }
            Err(error) => prop_assert!(error.line >= 1 && error.column >= 1 && error.excerpt().contains('^')),
        }
    }

    #[test]
    fn never_panics_on_cut_documents(source in document(), at in any::<prop::sample::Index>()) {
        let at = at.index(source.len() + 1);
        let _ = ConfigText::parse("x", source.as_bytes()[..at].to_vec());
    }
}

/// A value in which every number is a float: the second parser keeps other kinds of numbers apart.
fn normal(value: &Value) -> Value {
    match value {
        Value::Number(number) => json!(number.as_f64()),
        Value::Array(items) => items.iter().map(normal).collect(),
        Value::Object(members) => members
            .iter()
            .map(|(key, value)| (key.clone(), normal(value)))
            .collect(),
        other => other.clone(),
    }
}

fn solid(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

fn is_subsequence(small: &str, large: &str) -> bool {
    let mut large = large.chars();
    small.chars().all(|c| large.any(|other| other == c))
}
