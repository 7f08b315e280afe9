//! What an edit looks like in files of different styles.

use config::{ConfigText, Edit, EditError};
use serde_json::{Value, json};

use crate::{path, source, text};

/// Sets one value and returns the new file.
fn set(before: &str, at: &str, value: Value) -> String {
    source(&text(before).set(&path(at), value).unwrap()).to_owned()
}

fn remove(before: &str, at: &str) -> String {
    source(&text(before).remove(&path(at)).unwrap()).to_owned()
}

#[test]
fn replaces_only_the_value() {
    let cases = [
        ("{a:1}", "a", json!(2), "{a:2}"),
        (
            "{ 'a' : 1 /* one */ , }",
            "a",
            json!(2),
            "{ 'a' : 2 /* one */ , }",
        ),
        (
            "\u{feff}{a: 0x10, b: +.5}\r\n",
            "a",
            json!(2),
            "\u{feff}{a: 2, b: +.5}\r\n",
        ),
        ("{a: 'x'}", "a", json!("y"), "{a: 'y'}"),
        ("{a: 'x'}", "a", json!("it's"), "{a: \"it's\"}"),
        ("{a: [1, 2, 3]}", "a[1]", json!(9), "{a: [1, 9, 3]}"),
        ("{a: [1, 2, 3]}", "a.1", json!(9), "{a: [1, 9, 3]}"),
        (
            "{a: {b: 1}}",
            "a",
            json!({"c": [true, null]}),
            "{a: { c: [true, null] }}",
        ),
        (
            "{\n  a: {\n    b: 1\n  }\n}",
            "a",
            json!({"c": [1]}),
            "{\n  a: {\n    c: [\n      1\n    ]\n  }\n}",
        ),
        ("{a: null}", "a.b.c", json!(1), "{a: { b: { c: 1 } }}"),
        ("{\\u0061: 1}", "a", json!(2), "{\\u0061: 2}"),
        ("{a/*c*/:1}", "a", json!(2), "{a/*c*/:2}"),
        ("{a: Infinity, b: 1}", "b", json!(2), "{a: Infinity, b: 2}"),
        ("{a: Infinity}", "a", json!(2), "{a: 2}"),
        (
            "{'a b': {\"c.d\": 1}}",
            "['a b'][\"c.d\"]",
            json!(2),
            "{'a b': {\"c.d\": 2}}",
        ),
        ("{a: 1}", ".", json!({"b": 2}), "{ b: 2 }"),
    ];
    for (before, at, value, after) in cases {
        assert_eq!(set(before, at, value), after, "{before:?} {at}");
    }
}

#[test]
fn appends_in_the_style_of_the_neighbours() {
    let cases = [
        ("{a:1}", "b", json!(2), "{a:1,b:2}"),
        ("{ a: 1 }", "b", json!("x"), "{ a: 1, b: \"x\" }"),
        ("{ a: 'y', }", "b", json!("x"), "{ a: 'y', b: 'x', }"),
        ("{ \"a\": 1 }", "b", json!(2), "{ \"a\": 1, \"b\": 2 }"),
        ("{ 'a': 1 }", "b", json!(2), "{ 'a': 1, 'b': 2 }"),
        ("{ a: 1 }", "b-c", json!(2), "{ a: 1, \"b-c\": 2 }"),
        (
            "{ a: 1 /* one */ }",
            "b",
            json!(2),
            "{ a: 1, /* one */ b: 2 }",
        ),
        (
            "{ a: 1 // one\n}",
            "b",
            json!(2),
            "{ a: 1, // one\n  b: 2\n}",
        ),
        ("{\n  a: 1\n}\n", "b", json!(2), "{\n  a: 1,\n  b: 2\n}\n"),
        (
            "{\n  a: 1,\n}\n",
            "b",
            json!({"c": 1}),
            "{\n  a: 1,\n  b: {\n    c: 1,\n  },\n}\n",
        ),
        (
            "{\r\n\ta: 1 // x\r\n\t// end\r\n}\r\n",
            "b",
            json!(2),
            "{\r\n\ta: 1, // x\r\n\tb: 2\r\n\t// end\r\n}\r\n",
        ),
        ("{}", "a.b", json!(1), "{\n  \"a\": {\n    \"b\": 1\n  }\n}"),
        (
            "{\n  // nothing yet\n}\n",
            "a",
            json!(1),
            "{\n  // nothing yet\n  \"a\": 1\n}\n",
        ),
        (
            "{ /* nothing */ }",
            "a",
            json!(1),
            "{ /* nothing */\n  \"a\": 1\n}",
        ),
        (
            "{\n  a: {},\n}",
            "a.b",
            json!(1),
            "{\n  a: {\n    b: 1,\n  },\n}",
        ),
        ("{ a: {} }", "a.b", json!(1), "{ a: { b: 1 } }"),
        (
            "{ a: { /* c */ } }",
            "a.b",
            json!(1),
            "{ a: { /* c */ b: 1 } }",
        ),
        ("{ a: [] }", "a[0]", json!(1), "{ a: [1] }"),
    ];
    for (before, at, value, after) in cases {
        assert_eq!(set(before, at, value), after, "{before:?} {at}");
    }
}

#[test]
fn a_new_entry_stays_on_the_line_where_its_neighbours_are() {
    let cases = [
        ("{ a: [1, 2] }", "a[2]", json!(3), "{ a: [1, 2, 3] }"),
        (
            "{ a: [\n  'x'\n] }",
            "a[1]",
            json!("y"),
            "{ a: [\n  'x',\n  'y'\n] }",
        ),
        (
            "{ m: { mode: 'l', port: 1 },\n  b: 2 }",
            "m.bind",
            json!("lan"),
            "{ m: { mode: 'l', port: 1, bind: 'lan' },\n  b: 2 }",
        ),
        (
            "{\n  m: {\n    \"a/b\": { alias: \"x\" },\n  },\n}",
            "m['c/d']",
            json!({"alias": "y"}),
            "{\n  m: {\n    \"a/b\": { alias: \"x\" },\n    \"c/d\": { alias: \"y\" },\n  },\n}",
        ),
    ];
    for (before, at, value, after) in cases {
        assert_eq!(set(before, at, value), after, "{before:?} {at}");
    }
}

#[test]
fn removes_the_entry_and_its_comma() {
    let cases = [
        ("{a:1}", "a", "{}"),
        ("{ a: 1, b: 2, c: 3 }", "a", "{ b: 2, c: 3 }"),
        ("{ a: 1, b: 2, c: 3 }", "b", "{ a: 1, c: 3 }"),
        ("{ a: 1, b: 2, c: 3 }", "c", "{ a: 1, b: 2 }"),
        ("{ a: 1, b: 2, }", "b", "{ a: 1, }"),
        ("{ a: 1, /* x */ b: 2 }", "b", "{ a: 1 /* x */  }"),
        ("{ a: 1, /* x */ b: 2 }", "a", "{  /* x */ b: 2 }"),
        (
            "{\n  a: 1, // one\n  // two\n  b: 2\n}",
            "a",
            "{\n  // two\n  b: 2\n}",
        ),
        ("{\n  a: 1,\n  b: 2\n}\n", "b", "{\n  a: 1\n}\n"),
        (
            "{\r\n  a: 1,\r\n  b: 2\r\n}\r\n",
            "a",
            "{\r\n  b: 2\r\n}\r\n",
        ),
        ("{\n  a: 1,\n  b: 2,\n}\n", "b", "{\n  a: 1,\n}\n"),
        ("{\n  a: {\n    b: 1,\n  },\n}\n", "a.b", "{\n  a: {},\n}\n"),
        ("{\n  // why\n  a: 1\n}\n", "a", "{\n  // why\n}\n"),
        ("{ a: [1, 2, 3] }", "a[1]", "{ a: [1, 3] }"),
    ];
    for (before, at, after) in cases {
        assert_eq!(remove(before, at), after, "{before:?} {at}");
    }
}

#[test]
fn a_value_that_is_there_already_changes_nothing() {
    let before = text("{ a : 0x10 , // sixteen\n b:{c:'x'} }");
    for (at, value) in [
        ("a", json!(16)),
        ("b", json!({"c": "x"})),
        ("b.c", json!("x")),
    ] {
        assert_eq!(
            before.set(&path(at), value).unwrap().bytes(),
            before.bytes(),
            "{at}"
        );
    }
}

#[test]
fn refuses_and_says_where() {
    let cases = [
        (
            "{\n  a: 1 }",
            "a.b",
            "openclaw.json:2:3: cannot change `a.b`: `a` is not an object",
        ),
        (
            "{ a: [1] }",
            "a[3]",
            "openclaw.json:1:3: cannot change `a[3]`: the list has 1 entries, the next index is 1",
        ),
        (
            "{ a: [1] }",
            "a.b",
            "openclaw.json:1:3: cannot change `a.b`: a list is there, not an object",
        ),
        (
            "{ a: {} }",
            "a[0]",
            "openclaw.json:1:3: cannot change `a[0]`: an object is there, not a list",
        ),
        (
            "{ }",
            "a[1]",
            "openclaw.json:1:1: cannot change `a[1]`: a new list starts at index 0, not 1",
        ),
        (
            "{ }",
            ".",
            "openclaw.json:1:1: cannot change `.`: the config must be an object, this is a text",
        ),
    ];
    for (before, at, message) in cases {
        let error = text(before).set(&path(at), "x").unwrap_err();
        assert_eq!(error.to_string(), message);
    }
    let error = text("{ gateway: 1 }")
        .set(&path("gateway.token"), "s3cret")
        .unwrap_err();
    assert_eq!(
        error.hint().unwrap(),
        r#"write it by hand: "token": "******""#
    );
    assert!(!format!("{error} {error:?}").contains("s3cret"));
}

#[test]
fn removing_nothing_is_an_error() {
    for at in ["b", "a.x", "l[1]", "l.x"] {
        let error = text("{ a: 1, l: [0] }").remove(&path(at)).unwrap_err();
        assert_eq!(error, EditError::Missing { path: path(at) });
    }
    assert!(matches!(
        text("{}").remove(&path(".")),
        Err(EditError::Refused { .. })
    ));
}

#[test]
fn several_edits_at_once_and_none_when_one_fails() {
    let before = text("{ a: 1 }");
    let good = [
        Edit::Set {
            path: path("b"),
            value: json!(2),
        },
        Edit::Remove { path: path("a") },
        Edit::Set {
            path: path("c"),
            value: json!(3),
        },
    ];
    assert_eq!(source(&before.apply(&good).unwrap()), "{ b: 2, c: 3 }");
    let bad = [
        Edit::Remove { path: path("a") },
        Edit::Remove { path: path("a") },
    ];
    assert_eq!(
        before.apply(&bad).unwrap_err(),
        EditError::Missing { path: path("a") }
    );
}

#[test]
fn nothing_deeper_than_the_limit_is_written() {
    let deep = (0..config::DEPTH_MAX).fold(json!(1), |inner, _| json!([inner]));
    let error = text("{}").set(&path("a"), deep).unwrap_err();
    assert!(error.to_string().contains("deeper than 128"), "{error}");
}

#[test]
fn the_file_written_by_hand_keeps_its_face() {
    let before = include_str!("../data/by-hand.json5");
    let config = text(before);
    let after = config.set(&path("gateway.bind"), "lan").unwrap();
    assert_eq!(
        source(&after),
        before.replace("bind: \"loopback\"", "bind: \"lan\"")
    );
    let after = config
        .set(&path("gateway.customBindHost"), "10.0.0.1")
        .unwrap();
    let expected = before.replace(
        "\"tok-abc\" } }",
        "\"tok-abc\" }, customBindHost: \"10.0.0.1\" }",
    );
    assert_eq!(source(&after), expected);
    let after = config
        .remove(&path("models.providers[\"qwen-portal\"].apiKey"))
        .unwrap();
    assert_eq!(
        source(&after),
        before.replace("        apiKey: \"qwen-oauth\",\n", "")
    );
    let row = json!({"alias": "q"});
    let after = config
        .set(&path("agents.defaults.models[\"qwen/qwen3.5-plus\"]"), row)
        .unwrap();
    let expected = before.replace(
        "\"qwen-portal/vision-model\": {} }",
        "\"qwen-portal/vision-model\": {}, \"qwen/qwen3.5-plus\": { alias: \"q\" } }",
    );
    assert_eq!(source(&after), expected);
}

#[test]
fn a_fresh_file_looks_like_the_original_programs() {
    let expected = include_str!("../data/homes/2026.5.20-qwen-standard-api-key.json");
    let model = text(expected);
    let mut fresh = ConfigText::new("openclaw.json");
    for (key, value) in model.value().as_object().unwrap() {
        fresh = fresh
            .set(&config::ValuePath::root().key(key), value.clone())
            .unwrap();
    }
    assert_eq!(source(&fresh), expected);
    assert!(!fresh.is_on_disk());
}
