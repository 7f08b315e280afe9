//! Streams come out as they went in, however they are cut into pieces, apart from the documented patches.

use proptest::collection::vec;
use proptest::prelude::any;
use proptest::sample::select;
use proptest::test_runner::{Config, TestRunner};
use serde_json::json;

use super::scene::{CONTENT, DONE, FINISH, Scene, USAGE, asking};

/// Streams as recorded from the real service; each holds one usage-only event.
pub(super) const RECORDED: [(&str, &str); 8] = [
    (
        "reasoning",
        include_str!("../../data/streams/qwen3-max-reasoning.sse"),
    ),
    (
        "text",
        include_str!("../../data/streams/qwen3-max-text.sse"),
    ),
    (
        "tool call",
        include_str!("../../data/streams/qwen3-max-tool-call.sse"),
    ),
    (
        "plus tool call",
        include_str!("../../data/streams/qwen-plus-tool-call.sse"),
    ),
    (
        "count",
        include_str!("../../data/streams/qwen-turbo-count.sse"),
    ),
    (
        "long text",
        include_str!("../../data/streams/qwen-turbo-long-text.sse"),
    ),
    (
        "memory tool",
        include_str!("../../data/streams/qwen-turbo-memory-tool.sse"),
    ),
    (
        "two choices",
        include_str!("../../data/streams/qwen-turbo-two-choices.sse"),
    ),
];

/// Streams `text` in pieces cut at `cuts` and returns what the client got.
fn through(scene: &Scene, text: &str, cuts: &[usize], asks_usage: bool) -> String {
    let bytes = text.as_bytes().to_vec();
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
    cuts.extend([0, bytes.len()]);
    cuts.sort_unstable();
    scene.stub.now(move |_, wire| {
        wire.begin_events();
        for pair in cuts.windows(2) {
            wire.piece(&bytes[pair[0]..pair[1]]);
        }
        wire.end();
    });
    let mut body = asking(true);
    if asks_usage {
        body["stream_options"] = json!({"include_usage": true});
    }
    let answer = scene.chat(&body);
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(answer.is_whole, "the stream was cut");
    answer.text().to_owned()
}

/// Takes out the usage-only event.
fn without_usage(text: &str) -> String {
    let events = text.split_inclusive("\n\n");
    let kept = events.filter(|event| !event.contains("\"usage\":{"));
    kept.collect()
}

/// Takes the ids and names out with which the service restates a tool call.
fn said_once(text: &str) -> String {
    let mut events = text.split_inclusive("\n\n");
    let begins = |event: &str| event.contains("\"tool_calls\":[{");
    let mut out = String::new();
    for event in events.by_ref() {
        out.push_str(event);
        if begins(event) {
            break;
        }
    }
    for event in events {
        let mut event = event.replace("\"name\":\"\",", "");
        while let Some(at) = event.find("\"id\":\"call_").or(event.find("\"id\":\"\"")) {
            let end = at + event[at..].find(',').unwrap() + 1;
            event.replace_range(at..end, "");
        }
        out.push_str(&event);
    }
    out
}

#[test]
fn every_recorded_stream_is_forwarded_byte_for_byte() {
    let scene = Scene::answering();
    for (name, text) in RECORDED {
        assert_eq!(text.matches("\"usage\":{").count(), 1, "{name}");
        let expected = said_once(text);
        assert_eq!(through(&scene, text, &[], true), expected, "{name}");
        assert_eq!(
            through(&scene, text, &[], false),
            without_usage(&expected),
            "{name}"
        );
    }
    let ended = scene.finish();
    let requests = ended.requests();
    assert_eq!(requests.len(), 2 * RECORDED.len());
    for request in requests {
        assert_eq!(request["outcome"], "complete", "{request}");
        assert!(
            request["usage"]["inputTokens"].as_u64() > Some(0),
            "{request}"
        );
    }
}

#[test]
fn pieces_of_any_size_make_no_difference() {
    let scene = Scene::answering();
    let config = Config {
        cases: 64,
        failure_persistence: None,
        ..Config::default()
    };
    let cuts = vec(any::<usize>(), 0..40);
    let cases = (select(RECORDED.to_vec()), cuts, any::<bool>());
    TestRunner::new(config)
        .run(&cases, |((_, text), cuts, asks_usage)| {
            let expected = if asks_usage {
                said_once(text)
            } else {
                without_usage(&said_once(text))
            };
            proptest::prop_assert_eq!(through(&scene, text, &cuts, asks_usage), expected);
            Ok(())
        })
        .unwrap();
    scene.finish();
}

#[test]
fn single_bytes_make_no_difference() {
    let scene = Scene::answering();
    let (_, text) = RECORDED[4];
    let cuts: Vec<usize> = (0..text.len()).collect();
    assert_eq!(through(&scene, text, &cuts, false), without_usage(text));
    scene.finish();
}

#[test]
fn a_missing_end_marker_is_added_after_a_finish() {
    let scene = Scene::answering();
    let complete = [CONTENT, FINISH, USAGE, DONE].concat();
    for (sent, asks_usage, expected) in [
        ([CONTENT, FINISH, USAGE].concat(), true, complete.clone()),
        (
            [CONTENT, FINISH].concat(),
            false,
            [CONTENT, FINISH, DONE].concat(),
        ),
        (
            [CONTENT, FINISH, USAGE, "data: [DONE]"].concat(),
            true,
            complete.clone(),
        ),
        (
            [CONTENT, FINISH, USAGE, "data: [DONE]\n"].concat(),
            true,
            complete,
        ),
    ] {
        assert_eq!(through(&scene, &sent, &[], asks_usage), expected);
    }
    for request in scene.finish().requests() {
        assert_eq!(request["outcome"], "complete", "{request}");
    }
}

#[test]
fn other_line_ends_comments_and_fields_pass_unchanged() {
    let scene = Scene::answering();
    let plain = [CONTENT, FINISH, USAGE, DONE].concat();
    let decorated =
        format!(": ping\n\nid: 1\nevent: message\n{CONTENT}: ping\n\n{FINISH}{USAGE}{DONE}");
    for text in [
        plain.replace('\n', "\r\n"),
        decorated.clone(),
        plain.replace("data: ", "data:"),
    ] {
        assert_eq!(through(&scene, &text, &[], true), text);
    }
    assert_eq!(
        through(&scene, &decorated, &[], false),
        decorated.replace(USAGE, "")
    );
    let spaced = "data: {\"choices\" : [ ], \"usage\" : {\"prompt_tokens\": 3}}\n\n";
    let text = [CONTENT, FINISH, spaced, DONE].concat();
    assert_eq!(
        through(&scene, &text, &[], false),
        [CONTENT, FINISH, DONE].concat()
    );
    let ended = scene.finish();
    assert_eq!(ended.requests()[4]["usage"]["inputTokens"], 3);
}

#[test]
fn a_slow_stream_arrives_event_by_event() {
    let scene = Scene::answering();
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let wait = std::sync::Mutex::new(wait);
    scene.stub.now(move |_, wire| {
        wire.begin_events();
        for event in ["one", "two", "three"] {
            wire.piece(CONTENT.replace("hi", event).as_bytes());
            // The next event is sent only when the client has seen this one.
            wait.lock().unwrap().recv().unwrap();
        }
        wire.piece([FINISH, DONE].concat().as_bytes());
        wire.end();
    });
    let mut arriving = scene.gateway.open(&super::scene::chat(&asking(true)));
    for event in ["one", "two", "three"] {
        arriving.until(event);
        go.send(()).unwrap();
    }
    assert!(arriving.finish().text().ends_with(DONE));
    scene.finish();
}
