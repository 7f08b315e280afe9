use super::*;
use crate::chat_delta::Delta;

/// A chunk with these pieces of tool calls.
fn calls(pieces: &Value) -> Value {
    json!({"id": "chatcmpl-1", "model": "m", "x": 1.50, "choices": [
        {"index": 0, "delta": {"content": null, "tool_calls": pieces}, "finish_reason": null}], "usage": null})
}

fn text(content: &str) -> Value {
    json!({"id": "chatcmpl-1", "choices": [{"index": 0, "delta": {"content": content}, "finish_reason": null}]})
}

fn finish(reason: &str) -> Value {
    json!({"id": "chatcmpl-1", "choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
}

fn piece(index: impl Into<Value>, id: &str, name: &str, arguments: &str) -> Value {
    json!({"index": index.into(), "id": id, "type": "function", "function": {"name": name, "arguments": arguments}})
}

/// Runs chunks through and returns what goes on, and what was put in order.
fn through(tags: ThinkTags, chunks: &[Value]) -> (Vec<Value>, Vec<&'static str>) {
    let mut repair = StreamRepair::new(tags);
    let mut out = Vec::new();
    let read = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    for chunk in chunks {
        let chunk = chunk.to_string();
        match repair.look(chunk.as_bytes()) {
            None => out.push(read(&chunk)),
            Some(rewritten) => {
                out.extend(rewritten.before.iter().map(|chunk| read(chunk)));
                let own = rewritten.chunk.unwrap_or_else(|| chunk.into_bytes());
                out.push(serde_json::from_slice(&own).unwrap());
            }
        }
    }
    out.extend(repair.end(true).iter().map(|chunk| read(chunk)));
    (out, repair.repairs().names().collect())
}

/// Puts the pieces together as the official SDK for Python does: strings are appended, `index` and `type` replaced.
#[derive(Debug, Default, PartialEq, Eq)]
struct Read {
    text: String,
    reasoning: String,
    /// Index, id, name, arguments.
    calls: Vec<(u64, String, String, String)>,
    reason: String,
}

fn read(chunks: &[Value]) -> Read {
    let mut read = Read::default();
    for chunk in chunks {
        let choice = &chunk["choices"][0];
        let string = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        read.text += &string(&choice["delta"]["content"]);
        read.reasoning += &string(&choice["delta"]["reasoning_content"]);
        read.reason += &string(&choice["finish_reason"]);
        for entry in choice["delta"]["tool_calls"]
            .as_array()
            .into_iter()
            .flatten()
        {
            let index = entry["index"].as_u64().expect("an index");
            if read.calls.iter().all(|call| call.0 != index) {
                read.calls
                    .push((index, String::new(), String::new(), String::new()));
            }
            let call = read.calls.iter_mut().find(|call| call.0 == index).unwrap();
            call.1 += &string(&entry["id"]);
            call.2 += &string(&entry["function"]["name"]);
            call.3 += &string(&entry["function"]["arguments"]);
        }
    }
    read
}

fn call(index: u64, id: &str, name: &str, arguments: &str) -> (u64, String, String, String) {
    (index, id.into(), name.into(), arguments.into())
}

#[test]
fn what_is_in_order_is_not_touched() {
    let mut repair = StreamRepair::new(ThinkTags::Leading);
    let later = json!([{"index": 0, "function": {"arguments": "{}"}, "type": "function"}]);
    for chunk in [
        text("hi"),
        calls(&json!([piece(0, "call_1", "f", "")])),
        calls(&later),
        finish("tool_calls"),
    ] {
        assert_eq!(repair.look(chunk.to_string().as_bytes()), None, "{chunk}");
    }
    assert!(repair.end(true).is_empty());
    assert!(repair.repairs().is_empty());
}

#[test]
fn empty_and_repeated_identities_are_taken_out() {
    for later in [
        piece(0, "", "", "{}"),
        piece(0, "call_1", "f", "{}"),
        piece(0, "call_1", "", "{}"),
        piece(0, "other", "", "{}"),
        json!({"index": 0, "id": "", "type": "", "function": {"arguments": "{}"}}),
        json!({"index": 0, "id": null, "function": {"name": null, "arguments": "{}"}}),
    ] {
        let chunks = [
            calls(&json!([piece(0, "call_1", "f", "")])),
            calls(&json!([later])),
            finish("tool_calls"),
        ];
        let (out, repairs) = through(ThinkTags::Never, &chunks);
        assert_eq!(read(&out).calls, [call(0, "call_1", "f", "{}")], "{later}");
        assert_eq!(repairs, [""; 0]);
    }
}

#[test]
fn the_rest_of_a_chunk_stays_as_it_was() {
    let mut repair = StreamRepair::new(ThinkTags::Never);
    let chunk = r#"{"id": "c", "x": 1.50, "choices": [{"delta": {"y": [1e2],  "tool_calls": [{"id":"","index":0,"z":1.0,"function":{"name":"f","arguments":"{}"}}]}}]}"#;
    let rewritten = repair.look(chunk.as_bytes()).unwrap();
    let text = String::from_utf8(rewritten.chunk.unwrap()).unwrap();
    assert!(text.starts_with(
        r#"{"id": "c", "x": 1.50, "choices": [{"delta": {"y": [1e2],  "tool_calls": [{"id":"call_"#
    ));
    assert!(text.contains(
        r#""index":0,"z":1.0,"function":{"name":"f","arguments":"{}"},"type":"function"}]}}]}"#
    ));
}

#[test]
fn every_call_gets_an_index_of_its_own() {
    let both = [
        call(0, "a", "f", "{\"x\":1}"),
        call(1, "b", "f", "{\"x\":2}"),
    ];
    let null = Value::Null;
    for chunks in [
        // All at index 0, one after the other.
        vec![
            json!([piece(0, "a", "f", "{\"x\":1}")]),
            json!([piece(0, "b", "f", "{\"x\":2}")]),
        ],
        // All at index 0, in pieces.
        vec![
            json!([piece(0, "a", "f", "{\"x\"")]),
            json!([piece(0, "", "", ":1}")]),
            json!([piece(0, "b", "f", "")]),
            json!([piece(0, "", "", "{\"x\":2}")]),
        ],
        // No index.
        vec![json!([
            piece(null.clone(), "a", "f", "{\"x\":1}"),
            piece(null.clone(), "b", "f", "{\"x\":2}")
        ])],
        vec![
            json!([
                piece(null.clone(), "a", "f", ""),
                piece(null.clone(), "b", "f", "")
            ]),
            json!([
                piece(null.clone(), "", "", "{\"x\":1}"),
                piece(null.clone(), "", "", "{\"x\":2}")
            ]),
        ],
        vec![
            json!([piece(null.clone(), "a", "f", "{\"x\":")]),
            json!([piece(null.clone(), "", "", "1}")]),
            json!([piece(null.clone(), "b", "f", "{\"x\":")]),
            json!([piece(null, "", "", "2}")]),
        ],
        // The index stands in later pieces only.
        vec![
            json!([{"id": "a", "function": {"name": "f", "arguments": ""}}]),
            json!([piece(0, "", "", "{\"x\":1}")]),
            json!([{"id": "b", "function": {"name": "f", "arguments": ""}}]),
            json!([piece(1, "", "", "{\"x\":2}")]),
        ],
    ] {
        let mut chunks: Vec<Value> = chunks.iter().map(calls).collect();
        chunks.push(finish("tool_calls"));
        let (out, repairs) = through(ThinkTags::Never, &chunks);
        assert_eq!(read(&out).calls, both, "{chunks:?}");
        assert_eq!(repairs, ["tool_call_index"], "{chunks:?}");
    }
}

#[test]
fn calls_without_ids_get_one() {
    let entry = |name: &str| json!({"index": 0, "function": {"name": name, "arguments": "{}"}});
    let chunks = [
        calls(&json!([entry("f")])),
        calls(&json!([entry("f"), entry("g")])),
        finish("tool_calls"),
    ];
    let (out, repairs) = through(ThinkTags::Never, &chunks);
    let read = read(&out);
    let names: Vec<&str> = read.calls.iter().map(|call| call.2.as_str()).collect();
    assert_eq!(names, ["f", "f", "g"]);
    let mut ids: Vec<&str> = read.calls.iter().map(|call| call.1.as_str()).collect();
    assert!(
        ids.iter()
            .all(|id| id.starts_with("call_") && id.len() == 29),
        "{ids:?}"
    );
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 3);
    assert_eq!(repairs, ["tool_call_index", "tool_call_id"]);
}

#[test]
fn several_pieces_of_one_call_in_one_chunk_become_one() {
    let chunk = calls(&json!([
        piece(0, "a", "f", ""),
        piece(0, "", "", "{\"x\""),
        piece(1, "b", "g", "{}"),
        piece(0, "", "", ":1}")
    ]));
    let (out, repairs) = through(ThinkTags::Never, &[chunk, finish("tool_calls")]);
    assert_eq!(
        out[0]["choices"][0]["delta"]["tool_calls"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    assert_eq!(
        read(&out).calls,
        [call(0, "a", "f", "{\"x\":1}"), call(1, "b", "g", "{}")]
    );
    assert_eq!(repairs, ["tool_calls_merged"]);
}

#[test]
fn a_name_may_come_in_pieces() {
    let chunks = [
        calls(&json!([piece(0, "a", "get_", "")])),
        calls(&json!([piece(0, "", "weather", "{}")])),
        finish("tool_calls"),
    ];
    assert_eq!(
        read(&through(ThinkTags::Never, &chunks).0).calls,
        [call(0, "a", "get_weather", "{}")]
    );
}

#[test]
fn the_reason_does_not_deny_the_calls() {
    let begin = calls(&json!([piece(0, "a", "f", "{}")]));
    for (reason, expected) in [
        ("stop", "tool_calls"),
        ("length", "length"),
        ("tool_calls", "tool_calls"),
    ] {
        let (out, repairs) = through(ThinkTags::Never, &[begin.clone(), finish(reason)]);
        assert_eq!(read(&out).reason, expected);
        assert_eq!(repairs.contains(&"finish_reason"), reason == "stop");
    }
    let (out, repairs) = through(ThinkTags::Never, &[begin]);
    assert_eq!(
        (read(&out).reason.as_str(), repairs),
        ("tool_calls", vec!["finish_reason"])
    );
    assert_eq!(
        out[1]["id"], "chatcmpl-1",
        "an added chunk belongs to the same reply"
    );
    let (out, _) = through(ThinkTags::Never, &[text("hi"), finish("stop")]);
    assert_eq!(read(&out).reason, "stop");
}

#[test]
fn arguments_are_repaired_before_the_end_is_said() {
    let begin = calls(&json!([piece(0, "a", "f", "{"), piece(1, "b", "g", "")]));
    let (out, repairs) = through(
        ThinkTags::Never,
        &[
            begin,
            calls(&json!([piece(0, "", "", "'x': True}")])),
            finish("tool_calls"),
        ],
    );
    assert_eq!(
        read(&out).calls,
        [call(0, "a", "f", "{\"x\": true}"), call(1, "b", "g", "{}")]
    );
    assert_eq!(
        out.last().unwrap()["choices"][0]["finish_reason"],
        "tool_calls"
    );
    assert_eq!(repairs, ["tool_arguments"]);
    // The last piece and the end in one chunk.
    let last = json!({"choices": [{"index": 0, "finish_reason": "stop", "delta": {"tool_calls": [
        piece(0, "a", "f", "{'x': 1}"), piece(1, "b", "g", "{\"x\": 1")]}}]});
    let (out, repairs) = through(ThinkTags::Never, &[last]);
    assert_eq!(out.len(), 1);
    assert_eq!(
        read(&out).calls,
        [
            call(0, "a", "f", "{\"x\": 1}"),
            call(1, "b", "g", "{\"x\": 1")
        ]
    );
    assert_eq!(
        repairs,
        ["finish_reason", "tool_arguments", "tool_arguments_invalid"]
    );
    let object = json!([{"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": {"x": 1}}}]);
    let (out, _) = through(ThinkTags::Never, &[calls(&object), finish("tool_calls")]);
    assert_eq!(read(&out).calls, [call(0, "a", "f", "{\"x\":1}")]);
}

#[test]
fn reasoning_in_the_text_becomes_reasoning() {
    let whole = "<think>\nhm\n</think>\n\nhi";
    for pieces in [
        vec![whole],
        whole.split_inclusive(['\n', '>']).collect(),
        whole.split("").collect(),
    ] {
        let mut chunks: Vec<Value> = pieces.iter().map(|piece| text(piece)).collect();
        chunks.push(finish("stop"));
        let (out, repairs) = through(ThinkTags::Leading, &chunks);
        let read = read(&out);
        assert_eq!(
            (read.reasoning.as_str(), read.text.as_str()),
            ("hm", "hi"),
            "{pieces:?}"
        );
        assert_eq!(repairs, ["think_tags"]);
    }
    let own = json!({"choices": [{"delta": {"reasoning_content": "hm"}}]});
    let (out, repairs) = through(
        ThinkTags::Leading,
        &[own, text("<think>x</think>"), finish("stop")],
    );
    assert_eq!(
        read(&out).text,
        "<think>x</think>",
        "a host with a field of its own is believed"
    );
    assert!(repairs.is_empty());
    let (out, _) = through(ThinkTags::Leading, &[text("<think>hm"), text("\n</thi")]);
    assert_eq!(
        read(&out).reasoning,
        "hm\n</thi",
        "nothing is lost when it is never closed"
    );
    let call_after = [
        text("<think>hm</think>\n"),
        calls(&json!([piece(0, "a", "f", "{}")])),
        finish("tool_calls"),
    ];
    let read = read(&through(ThinkTags::Leading, &call_after).0);
    assert_eq!(
        (
            read.reasoning.as_str(),
            read.text.as_str(),
            read.calls.len()
        ),
        ("hm", "", 1)
    );
}

#[test]
fn answers_are_told_apart() {
    let one = |index: u64, content: &str, reason: Value| json!({"choices": [{"index": index, "delta": {"content": content}, "finish_reason": reason}]});
    let mut repair = StreamRepair::new(ThinkTags::Leading);
    let mut all = Vec::new();
    for chunk in [
        one(0, "<think>a", Value::Null),
        one(1, "b", Value::Null),
        one(0, "</think>c", json!("stop")),
        one(1, "d", json!("")),
        one(1, "e", json!("null")),
    ] {
        let chunk = chunk.to_string();
        let (before, own) = match repair.look(chunk.as_bytes()) {
            None => (vec![], chunk.into_bytes()),
            Some(rewritten) => (
                rewritten.before,
                rewritten.chunk.unwrap_or(chunk.into_bytes()),
            ),
        };
        for chunk in before.iter().map(String::as_bytes).chain([own.as_slice()]) {
            all.extend(Delta::read(chunk));
        }
    }
    let text = |choice: u64| {
        all.iter()
            .filter_map(move |delta| match delta {
                Delta::Text { choice: own, text } if *own == choice => Some(text.as_str()),
                _ => None,
            })
            .collect::<String>()
    };
    assert_eq!((text(0).as_str(), text(1).as_str()), ("c", "bde"));
    assert_eq!(
        repair.n_finished(),
        1,
        "an empty reason and `null` are none"
    );
}

#[test]
fn whole_replies_are_put_in_order_too() {
    let reply = |message: &Value, reason: &str| {
        let reply = json!({"id": "c", "choices": [{"index": 0, "message": message, "finish_reason": reason}], "usage": {"x": 1}});
        bytes::Bytes::from(reply.to_string())
    };
    let run = |tags, body: &bytes::Bytes| {
        let mut repairs = Repairs::default();
        let out = whole_reply(body, tags, &mut repairs);
        let value: Value = serde_json::from_slice(&out).unwrap();
        (
            value["choices"][0].clone(),
            out == *body,
            repairs.names().collect::<Vec<_>>(),
        )
    };
    let good = reply(
        &json!({"content": "", "tool_calls": [piece(0, "a", "f", "{}")]}),
        "tool_calls",
    );
    assert!(run(ThinkTags::Leading, &good).1);
    let bad = reply(
        &json!({"content": null, "tool_calls": [
        {"function": {"name": "f", "arguments": {"x": 1}}}, piece(0, "b", "g", "{'x': 1}"), piece(0, "c", "h", "{")]}),
        "stop",
    );
    let (choice, _, repairs) = run(ThinkTags::Never, &bad);
    assert_eq!(choice["finish_reason"], "tool_calls");
    let calls = &choice["message"]["tool_calls"];
    assert!(calls[0]["id"].as_str().unwrap().starts_with("call_"));
    assert_eq!(calls[0]["function"]["arguments"], "{\"x\":1}");
    assert_eq!(calls[1]["function"]["arguments"], "{\"x\": 1}");
    assert_eq!(
        (&calls[2]["function"]["arguments"], &calls[2]["index"]),
        (&json!("{"), &json!(2))
    );
    assert_eq!(
        repairs,
        [
            "tool_call_index",
            "tool_call_id",
            "finish_reason",
            "tool_arguments",
            "tool_arguments_invalid"
        ]
    );
    let glued = reply(
        &json!({"role": "assistant", "content": "<think>\nhm\n</think>\n\nhi"}),
        "stop",
    );
    let (choice, _, repairs) = run(ThinkTags::Leading, &glued);
    assert_eq!(
        (
            &choice["message"]["content"],
            &choice["message"]["reasoning_content"]
        ),
        (&json!("hi"), &json!("hm"))
    );
    assert_eq!(repairs, ["think_tags"]);
    assert!(run(ThinkTags::Never, &glued).1);
}
