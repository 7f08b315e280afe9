use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const VENDOR: Manners = Manners {
    developer_role: false,
    replay: None,
    backfill: false,
};

fn call(id: &str, arguments: &str) -> Value {
    json!({"id": id, "type": "function", "function": {"name": "t", "arguments": arguments}})
}

fn calls(calls: &[Value]) -> Value {
    json!({"role": "assistant", "content": "", "tool_calls": calls})
}

fn result(id: &str) -> Value {
    json!({"role": "tool", "tool_call_id": id, "content": "r"})
}

fn user(text: &str) -> Value {
    json!({"role": "user", "content": text})
}

/// Repairs as a request would: only when the survey says so.
fn repaired(messages: &Value, manners: Manners) -> Option<Value> {
    let text = messages.to_string();
    if !manners.concern(survey(&text)) {
        return None;
    }
    let (text, _) = repair(&text, manners)?;
    Some(serde_json::from_str(&text).unwrap())
}

#[track_caller]
#[expect(clippy::needless_pass_by_value, reason = "made for the call")]
fn check(messages: Value, expected: Value) {
    assert_eq!(repaired(&messages, VENDOR), Some(expected), "{messages}");
}

#[test]
fn healthy_histories_are_left_alone() {
    for messages in [
        json!([user("x")]),
        json!([{"role": "system", "content": [{"type": "text", "text": "s", "cache_control": {"type": "ephemeral"}}]}, user("")]),
        json!([
            user("x"),
            calls(&[call("a", "{}"), call("b", r#"{"q":"\"}"}"#)]),
            result("b"),
            result("a"),
            user("y")
        ]),
        json!([user("x"), {"role": "assistant", "content": null, "tool_calls": [call("a", "[]")]}, result("a")]),
        json!([user("x"), {"role": "assistant", "content": "y", "tool_calls": null, "refusal": null, "audio": null}]),
        json!([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:"}}, {"type": "text", "text": "?"}]}]),
        // The same ids again, in a later turn.
        json!([
            user("x"),
            calls(&[call("a", "{}")]),
            result("a"),
            calls(&[call("a", "{}")]),
            result("a")
        ]),
    ] {
        let text = messages.to_string();
        assert!(!VENDOR.concern(survey(&text)), "{messages}");
        assert_eq!(repair(&text, VENDOR), None, "{messages}");
    }
    // Not for us to say.
    for text in ["[]", "null", "{}", "[{]", "7"] {
        assert_eq!(repair(text, VENDOR), None, "{text}");
    }
}

#[test]
fn results_find_their_calls() {
    let one = calls(&[call("a", "{}")]);
    let nothing = json!({"role": "tool", "tool_call_id": "a", "content": "[no result: the call was interrupted]"});
    check(json!([user("x"), result("a")]), json!([user("x")]));
    check(json!([user("x"), one]), json!([user("x"), one, nothing]));
    check(
        json!([user("x"), one, user("y")]),
        json!([user("x"), one, nothing, user("y")]),
    );
    check(
        json!([one, result("a"), result("a"), user("y")]),
        json!([one, result("a"), user("y")]),
    );
    check(
        json!([one, user("y"), result("a")]),
        json!([one, result("a"), user("y")]),
    );
    // A later call of the same name gets the later result.
    check(
        json!([one, user("y"), one, result("a")]),
        json!([one, nothing, user("y"), one, result("a")]),
    );
    check(json!([result("a")]), json!([user("")]));
}

#[test]
fn ids_are_made_up_where_they_are_missing() {
    let without = |content: &str| json!({"role": "tool", "content": content});
    let with =
        |id: &str, content: &str| json!({"role": "tool", "content": content, "tool_call_id": id});
    let nameless = json!({"type": "function", "function": {"name": "t", "arguments": "{}"}});
    let named = |id: &str| json!({"type": "function", "function": {"name": "t", "arguments": "{}"}, "id": id});
    check(
        json!([
            user("x"),
            calls(&[nameless.clone(), nameless]),
            without("1"),
            without("2")
        ]),
        json!([
            user("x"),
            calls(&[named("call_1_0"), named("call_1_1")]),
            with("call_1_0", "1"),
            with("call_1_1", "2")
        ]),
    );
    check(
        json!([
            calls(&[call("a", "{}"), call("a", "{}")]),
            result("a"),
            result("a")
        ]),
        json!([
            calls(&[call("a", "{}"), call("call_0_1", "{}")]),
            result("a"),
            result("call_0_1")
        ]),
    );
    // The empty id that later pieces of a stream carry.
    check(
        json!([calls(&[call("", "{}")]), result("")]),
        json!([calls(&[call("call_0_0", "{}")]), result("call_0_0")]),
    );
    check(
        json!([calls(&[call("", "{}")]), result("kept")]),
        json!([calls(&[call("call_0_0", "{}")]), result("call_0_0")]),
    );
}

#[test]
fn messages_get_a_form_that_hosts_know() {
    let text = |text: &str| json!({"type": "text", "text": text});
    for (message, expected) in [
        (
            json!({"role": "user", "content": null, "name": "n"}),
            json!({"role": "user", "content": "", "name": "n"}),
        ),
        (
            json!({"role": "user"}),
            json!({"role": "user", "content": ""}),
        ),
        (json!({"role": "user", "content": []}), user("")),
        (json!({"role": "user", "content": 7}), user("7")),
        (
            json!({"role": "user", "content": {"a": 1}}),
            user(r#"{"a":1}"#),
        ),
        (
            json!({"role": "user", "content": text("x")}),
            json!({"role": "user", "content": [text("x")]}),
        ),
        (
            json!({"role": "user", "content": ["x", null]}),
            json!({"role": "user", "content": [text("x")]}),
        ),
        (
            json!({"role": "user", "content": [{"type": "input_text", "text": "x"}]}),
            json!({"role": "user", "content": [text("x")]}),
        ),
        (
            json!({"role": "assistant", "content": [{"type": "thinking", "thinking": "t"}, text("x")]}),
            json!({"role": "assistant", "content": [text("x")]}),
        ),
        (
            json!({"role": "developer", "content": "s"}),
            json!({"role": "system", "content": "s"}),
        ),
        (json!({"role": "human", "content": "s"}), user("s")),
        (json!({"content": "s"}), user("s")),
        (json!("s"), user("s")),
        (
            json!({"role": "user", "content": "x", "tool_calls": [call("a", "{}")]}),
            user("x"),
        ),
        (
            json!({"role": "assistant", "content": "x", "tool_calls": []}),
            json!({"role": "assistant", "content": "x"}),
        ),
        (
            json!({"role": "assistant", "content": "x", "tool_calls": [{"id": "a", "function": {"arguments": "{}"}}]}),
            json!({"role": "assistant", "content": "x"}),
        ),
    ] {
        check(json!([user("a"), message]), json!([user("a"), expected]));
    }
    for empty in [
        json!({"role": "assistant", "content": ""}),
        json!({"role": "assistant"}),
        json!({"role": "assistant", "content": [{"type": "text", "text": ""}]}),
        json!(null),
    ] {
        check(
            json!([user("a"), empty, user("b")]),
            json!([user("a"), user("b")]),
        );
    }
}

#[test]
fn old_functions_become_tools() {
    check(
        json!([
            {"role": "assistant", "content": null, "function_call": {"name": "t", "arguments": "{}"}},
            {"role": "function", "name": "t", "content": "r"},
        ]),
        json!([
            {"role": "assistant", "content": null, "tool_calls": [
                {"type": "function", "function": {"name": "t", "arguments": "{}"}, "id": "call_0_0"}]},
            {"role": "tool", "name": "t", "content": "r", "tool_call_id": "call_0_0"},
        ]),
    );
}

#[test]
fn arguments_become_json() {
    for (written, sent) in [
        (json!({"a": 1}), r#"{"a":1}"#),
        (json!(""), "{}"),
        (json!(null), "{}"),
        (json!("{'a': True}"), r#"{"a": true}"#),
        (json!("{'a':"), "{}"),
    ] {
        let mut broken = call("a", "");
        broken["function"]["arguments"] = written;
        check(
            json!([calls(&[broken]), result("a")]),
            json!([calls(&[call("a", sent)]), result("a")]),
        );
    }
}

#[test]
fn what_needs_no_repair_keeps_its_bytes() {
    let text = r#"[ {"role" : "user", "content":"\u00e9", "x": 1.50} ,{"role":"assistant","content":null}, {"content" :"r" ,"role":"tool"}, {"role":"user","content":"y","z":18446744073709551617}]"#;
    let (repaired, corrections) = repair(text, VENDOR).unwrap();
    assert_eq!(
        repaired,
        r#"[{"role" : "user", "content":"\u00e9", "x": 1.50},{"role":"user","content":"y","z":18446744073709551617}]"#
    );
    let notes: Vec<String> = corrections.iter().map(ToString::to_string).collect();
    assert_eq!(
        notes,
        [
            "messages: empty assistant messages left out (1)",
            "messages: tool results without a call left out (1)"
        ]
    );
}

#[test]
fn reasoning_goes_back_as_the_model_wants_it() {
    let thought = |mut message: Value| {
        message["reasoning_content"] = "because".into();
        message
    };
    let said = json!({"role": "assistant", "content": "x"});
    let history = json!([
        user("a"),
        thought(calls(&[call("a", "{}")])),
        result("a"),
        thought(said.clone()),
        user("b")
    ]);
    let with = |replay| Manners {
        replay: Some(replay),
        ..VENDOR
    };
    assert_eq!(repaired(&history, with(ReasoningReplay::Always)), None);
    assert_eq!(repaired(&history, VENDOR), None);
    assert_eq!(
        repaired(&history, with(ReasoningReplay::ToolTurns)),
        Some(json!([
            user("a"),
            thought(calls(&[call("a", "{}")])),
            result("a"),
            said,
            user("b")
        ]))
    );
    assert_eq!(
        repaired(&history, with(ReasoningReplay::Never)),
        Some(json!([
            user("a"),
            calls(&[call("a", "{}")]),
            result("a"),
            said,
            user("b")
        ]))
    );
    let backfill = Manners {
        backfill: true,
        ..with(ReasoningReplay::Always)
    };
    let mut filled = said.clone();
    filled["reasoning_content"] = "".into();
    assert_eq!(
        repaired(&json!([user("a"), said]), backfill),
        Some(json!([user("a"), filled]))
    );
    assert_eq!(repaired(&json!([user("a"), filled]), backfill), None);
}

fn id() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!("a")),
        Just(json!("b")),
        Just(json!("")),
        Just(json!(null)),
        Just(json!(7))
    ]
}

fn content() -> impl Strategy<Value = Value> {
    let part = prop_oneof![
        Just(json!("x")),
        Just(json!(null)),
        Just(json!({"type": "text", "text": "x"})),
        Just(json!({"type": "text", "text": ""})),
        Just(json!({"type": "text"})),
        Just(json!({"type": "output_text", "text": "x"})),
        Just(json!({"type": "thinking", "thinking": "x"})),
        Just(json!({"text": "x"})),
    ];
    prop_oneof![
        Just(json!("x")),
        Just(json!("")),
        Just(json!(null)),
        Just(json!(7)),
        Just(json!({"a": 1})),
        prop::collection::vec(part, 0..3).prop_map(Value::from),
    ]
}

fn a_call() -> impl Strategy<Value = Value> {
    let arguments = prop_oneof![
        Just(json!("{}")),
        Just(json!("{")),
        Just(json!({"a": 1})),
        Just(json!(null))
    ];
    let function = prop_oneof![
        (Just(json!("t")), arguments)
            .prop_map(|(name, arguments)| json!({"name": name, "arguments": arguments})),
        Just(json!({})),
        Just(json!("t")),
    ];
    (id(), function)
        .prop_map(|(id, function)| json!({"id": id, "type": "function", "function": function}))
}

fn a_message() -> impl Strategy<Value = Value> {
    let role = prop_oneof![
        3 => Just(json!("assistant")),
        3 => Just(json!("tool")),
        2 => Just(json!("user")),
        1 => Just(json!("system")),
        1 => Just(json!("developer")),
        1 => Just(json!("function")),
        1 => Just(json!("stranger")),
        1 => Just(json!(null)),
    ];
    let tool_calls = prop_oneof![
        3 => Just(None),
        1 => Just(Some(json!(null))),
        1 => Just(Some(json!({}))),
        3 => prop::collection::vec(a_call(), 0..3).prop_map(|calls| Some(Value::from(calls))),
    ];
    let whole = (
        role,
        prop::option::of(content()),
        tool_calls,
        prop::option::of(id()),
        any::<bool>(),
    )
        .prop_map(|(role, content, calls, answers, reasons)| {
            let mut message = json!({"role": role, "own": 1});
            if let Some(content) = content {
                message["content"] = content;
            }
            if let Some(calls) = calls {
                message["tool_calls"] = calls;
            }
            if let Some(answers) = answers {
                message["tool_call_id"] = answers;
            }
            if reasons {
                message["reasoning_content"] = "why".into();
            }
            message
        });
    prop_oneof![20 => whole, 1 => Just(json!(null)), 1 => Just(json!("x")), 1 => Just(json!([]))]
}

proptest! {
    #[test]
    fn any_history_is_healthy_after_one_repair(history in prop::collection::vec(a_message(), 1..8), replay in 0..3_usize) {
        let manners = Manners { replay: ReasoningReplay::ALL.get(replay).copied(), ..VENDOR };
        let history = Value::from(history);
        let text = history.to_string();
        let text = match repair(&text, manners) {
            Some((text, _)) => text,
            None => text,
        };
        prop_assert_eq!(repair(&text, manners), None, "{}", text);
        // A healthy survey must mean a healthy history, or broken ones would be sent.
        if !manners.concern(survey(&history.to_string())) {
            prop_assert_eq!(repair(&history.to_string(), manners), None, "{}", history);
        }
    }
}
