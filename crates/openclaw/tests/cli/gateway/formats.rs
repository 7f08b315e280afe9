//! Clients that speak Responses or Messages, in front of a host that speaks chat completions only.

use std::sync::Mutex;
use std::sync::mpsc::channel;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::any;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use super::client::{Answer, Ask};
use super::scene::{CONTENT, Scene, TOKEN};
use super::streams::RECORDED;

/// Longest wait for the upstream to notice.
const NOTICE_WAIT: Duration = Duration::from_secs(20);

/// What a reply says, whatever its format.
#[derive(Debug, Default, PartialEq, Eq)]
struct Said {
    reasoning: String,
    text: String,
    /// Id, name and arguments of each call.
    calls: Vec<(String, String, String)>,
    input_tokens: u64,
    output_tokens: u64,
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn responses(stream: bool) -> Ask {
    let body = json!({"model": "stub/m", "input": "hello", "stream": stream});
    post("/v1/responses", &body).token(TOKEN)
}

fn messages(stream: bool) -> Ask {
    let ask = json!([{"role": "user", "content": "hello"}]);
    let body = json!({"model": "stub/m", "max_tokens": 64, "messages": ask, "stream": stream});
    post("/v1/messages", &body).header("x-api-key", TOKEN)
}

fn post(path: &str, body: &Value) -> Ask {
    let ask = Ask::new("POST", path).header("Content-Type", "application/json");
    ask.body(body.to_string().as_bytes())
}

fn events(answer: &Answer) -> Vec<Value> {
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(answer.is_whole, "the stream was cut");
    let events = answer.events();
    let events = events
        .iter()
        .map(|data| serde_json::from_str(data).unwrap());
    events.collect()
}

fn base_path(scene: &Scene) -> String {
    let url = scene.stub.base_url();
    let (_, after_scheme) = url.split_once("://").unwrap();
    after_scheme
        .split_once('/')
        .map_or_else(String::new, |(_, path)| format!("/{path}"))
}

/// Reads a chat stream as its own clients do.
fn said_in_chat(stream: &str) -> Said {
    let mut said = Said::default();
    let data = stream
        .lines()
        .filter_map(|line| line.strip_prefix("data: "));
    for chunk in data.filter_map(|data| serde_json::from_str::<Value>(data).ok()) {
        if let Some(usage) = chunk["usage"].as_object() {
            said.input_tokens = usage["prompt_tokens"].as_u64().unwrap();
            said.output_tokens = usage["completion_tokens"].as_u64().unwrap();
        }
        let choices = chunk["choices"].as_array().unwrap();
        for choice in choices.iter().filter(|choice| choice["index"] == 0) {
            let delta = &choice["delta"];
            said.reasoning.push_str(text(&delta["reasoning_content"]));
            said.text.push_str(text(&delta["content"]));
            for call in delta["tool_calls"].as_array().into_iter().flatten() {
                let index = usize::try_from(call["index"].as_u64().unwrap()).unwrap();
                if said.calls.len() <= index {
                    said.calls.resize_with(index + 1, Default::default);
                    said.calls[index].0 = text(&call["id"]).to_owned();
                }
                said.calls[index]
                    .1
                    .push_str(text(&call["function"]["name"]));
                said.calls[index]
                    .2
                    .push_str(text(&call["function"]["arguments"]));
            }
        }
    }
    said
}

/// Reads a Responses stream by its deltas, and checks that its last event says the same.
fn said_in_responses(answer: &Answer) -> Said {
    let mut said = Said::default();
    let events = events(answer);
    for (number, event) in events.iter().enumerate() {
        assert_eq!(event["sequence_number"], number);
        match text(&event["type"]) {
            "response.reasoning_summary_text.delta" => {
                said.reasoning.push_str(text(&event["delta"]));
            }
            "response.output_text.delta" => said.text.push_str(text(&event["delta"])),
            "response.output_item.added" if event["item"]["type"] == "function_call" => {
                let item = &event["item"];
                let call = ["call_id", "name"].map(|key| text(&item[key]).to_owned());
                let [id, name] = call;
                said.calls.push((id, name, String::new()));
            }
            "response.function_call_arguments.delta" => {
                let call = said.calls.last_mut().unwrap();
                call.2.push_str(text(&event["delta"]));
            }
            _ => {}
        }
    }
    let last = events.last().unwrap();
    let ends = ["response.completed", "response.incomplete"];
    assert!(ends.contains(&text(&last["type"])), "{last}");
    let whole = said_in_response(&last["response"]);
    said.input_tokens = whole.input_tokens;
    said.output_tokens = whole.output_tokens;
    assert_eq!(said, whole);
    said
}

fn said_in_response(response: &Value) -> Said {
    let mut said = Said {
        input_tokens: response["usage"]["input_tokens"].as_u64().unwrap(),
        output_tokens: response["usage"]["output_tokens"].as_u64().unwrap(),
        ..Said::default()
    };
    for item in response["output"].as_array().unwrap() {
        match text(&item["type"]) {
            "reasoning" => said.reasoning.push_str(text(&item["summary"][0]["text"])),
            "message" => said.text.push_str(text(&item["content"][0]["text"])),
            _ => {
                let call = ["call_id", "name", "arguments"].map(|key| text(&item[key]).to_owned());
                said.calls.push(call.into());
            }
        }
    }
    said
}

/// Reads a Messages stream as the SDK does: blocks by index.
fn said_in_messages(answer: &Answer) -> Said {
    let mut said = Said::default();
    let mut open = None;
    for event in events(answer) {
        let (block, delta) = (&event["content_block"], &event["delta"]);
        match text(&event["type"]) {
            "content_block_start" => {
                assert_eq!(open.replace(event["index"].clone()), None);
                if block["type"] == "tool_use" {
                    let [id, name] = ["id", "name"].map(|key| text(&block[key]).to_owned());
                    said.calls.push((id, name, String::new()));
                }
            }
            "content_block_delta" => {
                assert_eq!(open.as_ref(), Some(&event["index"]));
                said.reasoning.push_str(text(&delta["thinking"]));
                said.text.push_str(text(&delta["text"]));
                if let Some(call) = said.calls.last_mut() {
                    call.2.push_str(text(&delta["partial_json"]));
                }
            }
            "content_block_stop" => assert_eq!(open.take(), Some(event["index"].clone())),
            "message_delta" => {
                let usage = &event["usage"];
                let count = |key: &str| usage[key].as_u64().unwrap();
                said.input_tokens = count("input_tokens") + count("cache_read_input_tokens");
                said.output_tokens = count("output_tokens");
            }
            _ => {}
        }
    }
    assert_eq!(open, None);
    said
}

#[test]
fn every_recorded_stream_says_the_same_in_every_format_wherever_it_is_cut() {
    let scene = Scene::answering();
    let config = Config {
        cases: 4,
        ..Config::default()
    };
    for (name, stream) in RECORDED {
        let expected = said_in_chat(stream);
        let result = TestRunner::new(config.clone()).run(&vec(any::<usize>(), 0..20), |cuts| {
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (stream.len() + 1)).collect();
            cuts.extend([0, stream.len()]);
            cuts.sort_unstable();
            for (ask, read) in [
                (responses(true), said_in_responses as fn(&Answer) -> Said),
                (messages(true), said_in_messages),
            ] {
                let cuts = cuts.clone();
                scene.stub.now(move |_, wire| {
                    wire.begin_events();
                    for pair in cuts.windows(2) {
                        wire.piece(&stream.as_bytes()[pair[0]..pair[1]]);
                    }
                    wire.end();
                });
                assert_eq!(read(&scene.gateway.ask(&ask)), expected, "{name}");
            }
            Ok(())
        });
        result.unwrap();
    }
    assert_eq!(scene.totals()["usageMissing"], 0);
    scene.finish();
}

#[test]
fn the_host_gets_a_chat_completion_and_is_asked_for_usage() {
    let scene = Scene::answering();
    scene.gateway.ask(&responses(true));
    let asked = json!([{"role": "user", "content": "hello"}]);
    let expected = json!({"model": "m", "messages": asked, "stream": true, "stream_options": {"include_usage": true}});
    assert_eq!(scene.stub.last().json(), expected);
    let line = format!("POST {}/chat/completions", base_path(&scene));
    assert!(scene.stub.last().raw.starts_with(line.as_bytes()));
    let answer = scene.gateway.ask(&messages(false));
    let expected = json!({"model": "m", "max_tokens": 64, "messages": asked, "stream": false});
    assert_eq!(scene.stub.last().json(), expected);
    assert_eq!(answer.json()["content"][0]["text"], "hi");
    assert_eq!(answer.json()["usage"]["cache_read_input_tokens"], 5);
    assert_eq!(answer.header("request-id"), answer.header("x-request-id"));
    let whole = said_in_response(&scene.gateway.ask(&responses(false)).json());
    assert_eq!((whole.text.as_str(), whole.input_tokens), ("hi", 11));
    let log = scene.finish().log;
    assert_eq!(log.matches("\"outcome\":\"complete\"").count(), 3, "{log}");
    assert!(log.contains("\"cachedTokens\":5"), "{log}");
}

#[test]
fn errors_are_said_in_the_format_of_the_client() {
    let scene = Scene::answering();
    let refuse = |code: &'static str, status: u16| {
        let body = json!({"error": {"message": "no", "type": "t", "param": null, "code": code}});
        scene.stub.now(move |_, wire| wire.json(status, &body));
    };
    for (status, code, expected, kind) in [
        (401, "invalid_api_key", 401, "authentication_error"),
        (429, "limit_requests", 429, "rate_limit_error"),
        (400, "invalid_parameter_error", 400, "invalid_request_error"),
        (404, "model_not_found", 404, "not_found_error"),
        (500, "internal_error", 502, "api_error"),
    ] {
        for stream in [false, true] {
            refuse(code, status);
            let answer = scene.gateway.ask(&messages(stream));
            let body = answer.json();
            assert_eq!(
                (answer.status, &body["type"]),
                (expected, &json!("error")),
                "{body}"
            );
            assert_eq!(body["error"]["type"], kind, "{body}");
            assert!(body["error"]["message"].is_string());
            assert_eq!(body["request_id"].as_str(), answer.header("request-id"));
            refuse(code, status);
            scene.gateway.ask(&responses(stream)).error(expected, code);
        }
    }
    let nobody = messages(false).header("Authorization", "Bearer wrong");
    let answer = scene.gateway.ask(&nobody);
    assert_eq!(
        (answer.status, &answer.json()["error"]["type"]),
        (401, &json!("authentication_error"))
    );
    scene.finish();
}

#[test]
fn what_a_chat_cannot_say_is_refused_by_name_and_not_sent() {
    let scene = Scene::answering();
    let body = json!({"model": "stub/m", "input": "x", "tools": [{"type": "web_search"}]});
    let answer = scene
        .gateway
        .ask(&post("/v1/responses", &body).token(TOKEN));
    let error = answer.error(400, "untranslatable_request");
    assert_eq!(error["param"], "tools[0].type");
    assert!(text(&error["message"]).contains("web_search"), "{error}");
    let ask = json!([{"role": "user", "content": [{"type": "image", "source": {"type": "file", "file_id": "f"}}]}]);
    let body = json!({"model": "stub/m", "max_tokens": 9, "messages": ask});
    let answer = scene.gateway.ask(&post("/v1/messages", &body).token(TOKEN));
    let error = &answer.json()["error"];
    assert_eq!(answer.status, 400);
    assert_eq!(error["type"], "invalid_request_error");
    assert_eq!(error["param"], "messages[0].content[0].source.type");
    assert!(scene.stub.seen().is_empty(), "nothing may be sent");
    scene.finish();
}

#[test]
fn a_stream_that_breaks_off_says_so_in_its_format() {
    let scene = Scene::answering();
    let error =
        "data: {\"error\":{\"message\":\"inspection\",\"code\":\"data_inspection_failed\"}}\n\n";
    for (rest, message) in [(error, "inspection"), ("", "closed")] {
        for (ask, seen) in [
            (responses(true), "output_text.delta"),
            (messages(true), "text_delta"),
        ] {
            // The rest is sent once the client has seen the first piece.
            let (go_on, wait) = channel::<()>();
            let wait = Mutex::new(wait);
            scene.stub.now(move |_, wire| {
                wire.begin_events();
                wire.piece(CONTENT.as_bytes());
                wait.lock().unwrap().recv_timeout(NOTICE_WAIT).unwrap();
                wire.piece(rest.as_bytes());
                wire.end();
            });
            let mut arriving = scene.gateway.open(&ask);
            arriving.until(seen);
            go_on.send(()).unwrap();
            let events = events(&arriving.finish());
            let last = events.last().unwrap();
            let error = match text(&last["type"]) {
                "response.failed" => &last["response"]["error"],
                "error" => &last["error"],
                other => panic!("the last event is {other}"),
            };
            assert!(text(&error["message"]).contains(message), "{error}");
        }
    }
    // An error in place of the first event is still a status.
    let at_once = format!(
        "data: {}\n\n",
        json!({"error": {"message": "slow down", "code": "limit_requests"}})
    );
    scene.stub.now(move |_, wire| wire.events(&at_once));
    assert_eq!(scene.gateway.ask(&messages(true)).status, 429);
    scene.finish();
}

#[test]
fn a_host_that_does_not_stream_is_streamed_for_it() {
    let scene = Scene::answering();
    scene
        .stub
        .now(|_, wire| wire.json(200, &super::scene::completion()));
    let said = said_in_messages(&scene.gateway.ask(&messages(true)));
    assert_eq!((said.text.as_str(), said.output_tokens), ("hi", 7));
    scene
        .stub
        .now(|_, wire| wire.json(200, &json!({"choices": []})));
    let answer = scene.gateway.ask(&messages(false));
    assert_eq!(
        (answer.status, &answer.json()["error"]["type"]),
        (502, &json!("api_error"))
    );
    scene.finish();
}

#[test]
fn tokens_are_counted_before_an_answer_and_called_an_estimate() {
    let scene = Scene::answering();
    let ask = json!([{"role": "user", "content": "word ".repeat(80)}]);
    let count = |body: &Value| {
        scene
            .gateway
            .ask(&post("/v1/messages/count_tokens", body).token(TOKEN))
    };
    let answer = count(&json!({"model": "stub/m", "messages": ask}));
    assert_eq!(
        (answer.status, answer.header("x-openclaw-estimate")),
        (200, Some("true"))
    );
    assert_eq!(answer.json()["estimated"], true);
    assert!((100..120).contains(&answer.json()["input_tokens"].as_u64().unwrap()));
    let unknown = count(&json!({"model": "nobody/x", "messages": ask}));
    assert_eq!(unknown.status, 404, "{}", unknown.text());
    assert_eq!(
        count(&json!({"model": "stub/m"})).json()["error"]["type"],
        "invalid_request_error"
    );
    assert!(scene.stub.seen().is_empty());
    scene.finish();
}

#[test]
fn a_client_that_leaves_a_translated_stream_cancels_the_upstream() {
    let (closed, seen_closed) = channel();
    let closed = Mutex::new(closed);
    let scene = Scene::new(move |_, wire| {
        wire.begin_events();
        wire.piece(CONTENT.as_bytes());
        closed.lock().unwrap().send(wire.wait_closed()).unwrap();
    });
    let mut arriving = scene.gateway.open(&messages(true));
    arriving.until("text_delta");
    drop(arriving);
    assert_eq!(seen_closed.recv_timeout(NOTICE_WAIT), Ok(true));
    assert_eq!(scene.finish().requests()[0]["outcome"], "client_gone");
}
