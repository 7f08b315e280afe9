//! Failures of the upstream: before the first content they are answers with a status, after it they are events.

use std::sync::Mutex;
use std::sync::mpsc::channel;

use serde_json::{Value, json};

use super::client::Answer;
use super::process::Gateway;
use super::scene::{CONTENT, DONE, FINISH, KEY, Scene, USAGE, asking, chat, completion, config};
use crate::home::Home;

/// Returns the error body of the service.
fn refusal(code: &str, message: &str) -> Value {
    json!({"error": {"message": message, "type": "invalid_request_error", "param": null, "code": code}, "request_id": "up-9"})
}

fn has_ids(answer: &Answer) {
    assert!(answer.header("x-request-id").unwrap().starts_with("req-"));
    assert_eq!(answer.header("x-upstream-request-id"), Some("up-9"));
}

#[test]
fn nobody_listens_there() {
    let unused = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1", unused.local_addr().unwrap());
    drop(unused);
    let gateway = Gateway::start(Home::with_config(&config(&url)), &[]);
    for stream in [false, true] {
        let error = gateway.ask(&chat(&asking(stream))).error(502, "network");
        assert_eq!(error["class"], "network");
        assert!(
            error["message"]
                .as_str()
                .unwrap()
                .contains("cannot connect to 127.0.0.1"),
            "{error}"
        );
        assert!(error["hint"].is_string());
    }
    gateway.terminate();
    let requests = gateway.wait().requests();
    assert_eq!(requests.len(), 2);
    assert_eq!(
        (&requests[0]["outcome"], &requests[0]["status"]),
        (&json!("network"), &json!(0))
    );
}

/// What the service answers (status, code), what the client must get (status, class, type), and the service's words.
const REFUSALS: &str = "\
401 invalid_api_key         401 invalid_key        authentication_error  Incorrect API key provided. For details, see
400 invalid_parameter_error 400 invalid_parameter  invalid_request_error `seed` is too large
404 model_not_found         404 model_not_found    invalid_request_error The model `m` does not exist
429 limit_requests          429 throttled          rate_limit_error      Requests rate limit exceeded
400 Arrearage               402 arrears            insufficient_quota    Access denied
400 data_inspection_failed  400 content_inspection invalid_request_error inappropriate content
500 internal_error          502 upstream_fault     server_error          An internal error has occurred
503 ModelServingError       503 upstream_fault     server_error          Too busy";

#[test]
fn refusals_keep_their_meaning() {
    let scene = Scene::answering();
    for line in REFUSALS.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let number = |word: &str| word.parse::<u16>().unwrap();
        let (code, message) = (words[1], words[5..].join(" "));
        let (sent, refused) = (number(words[0]), refusal(code, &message));
        scene.stub.now(move |_, wire| wire.json(sent, &refused));
        for stream in [false, true] {
            let answer = scene.chat(&asking(stream));
            let error = answer.error(number(words[2]), code);
            assert_eq!(
                (&error["class"], &error["type"]),
                (&json!(words[3]), &json!(words[4]))
            );
            assert!(
                error["message"].as_str().unwrap().contains(&message),
                "{error}"
            );
            assert!(error["hint"].is_string(), "{error}");
            has_ids(&answer);
        }
    }
    for request in scene.finish().requests() {
        assert_eq!(request["upstreamRequestId"], "up-9");
        assert_ne!(request["outcome"], "complete");
    }
}

#[test]
fn retry_after_is_passed_on() {
    let scene = Scene::answering();
    for (sent, expected) in [("7", Some("7")), ("soon", None)] {
        scene.stub.now(move |_, wire| {
            let body = refusal("limit_requests", "slow down").to_string();
            wire.reply(
                429,
                &[("retry-after", sent), ("content-type", "application/json")],
                body.as_bytes(),
            );
        });
        let answer = scene.chat(&asking(false));
        answer.error(429, "limit_requests");
        assert_eq!(answer.header("retry-after"), expected);
    }
    scene.finish();
}

#[test]
fn a_refusal_without_json_is_still_an_answer() {
    let scene = Scene::answering();
    for (status, body, expected) in [
        (404, "", 400),
        (502, "<html>bad gateway</html>", 502),
        (401, "\u{1}\u{2}", 401),
        (301, "moved", 502),
        (418, "teapot", 502),
    ] {
        scene.stub.now(move |_, wire| {
            wire.reply(status, &[("location", "http://evil.com/")], body.as_bytes());
        });
        let answer = scene.chat(&asking(false));
        assert_eq!(answer.status, expected, "{}", answer.text());
        let error = answer.json()["error"].take();
        assert!(
            error["message"]
                .as_str()
                .is_some_and(|text| !text.is_empty()),
            "{error}"
        );
        assert_eq!(answer.header("location"), None);
    }
    scene.finish();
}

#[test]
fn an_error_as_first_event_is_an_answer_with_a_status() {
    let scene = Scene::answering();
    let openai = format!("data: {}\n\n", refusal("limit_requests", "slow down"));
    let native = "id:1\nevent:error\n:HTTP_STATUS/429\ndata:{\"code\":\"Throttling.RateQuota\",\"message\":\"slow down\",\"request_id\":\"up-9\"}\n\n";
    for (text, code) in [
        (openai.clone(), "limit_requests"),
        (format!(": ping\n\n{openai}{DONE}"), "limit_requests"),
        (native.to_owned(), "Throttling.RateQuota"),
        (openai.trim_end().to_owned(), "limit_requests"),
    ] {
        scene.stub.now(move |_, wire| wire.events(&text));
        let answer = scene.chat(&asking(true));
        let error = answer.error(429, code);
        assert_eq!(error["message"], "slow down (127.0.0.1 answered 200)");
        assert_eq!(answer.header("x-upstream-request-id"), Some("upstream-7"));
    }
    for request in scene.finish().requests() {
        assert_eq!(request["outcome"], "throttled");
    }
}

#[test]
fn an_error_in_a_whole_200_reply_is_an_answer_with_a_status() {
    let scene = Scene::answering();
    for stream in [false, true] {
        scene
            .stub
            .now(|_, wire| wire.json(200, &refusal("model_not_found", "no such model")));
        let answer = scene.chat(&asking(stream));
        answer.error(404, "model_not_found");
        has_ids(&answer);
    }
    scene.stub.now(|_, wire| {
        let mut body = completion();
        body["error"] = json!(null);
        wire.json(200, &body);
    });
    assert_eq!(scene.chat(&asking(false)).status, 200);
    scene.finish();
}

#[test]
fn an_error_event_after_content_is_forwarded() {
    let scene = Scene::answering();
    let openai = format!("data: {}\n\n", refusal("internal_error", "sorry"));
    let answer = after_content(&scene, &openai);
    assert_eq!(answer.text(), [CONTENT, &openai].concat());
    let native = "event:error\ndata:{\"code\":\"internal_error\",\"message\":\"sorry\"}\n\n";
    let repeated = openai.replace("sorry", &format!("{KEY} is wrong"));
    for (event, message) in [
        (native, "sorry"),
        (native.trim_end(), "sorry"),
        (&repeated, "[redacted] is wrong"),
    ] {
        let answer = after_content(&scene, event);
        let error = answer.last_error_event();
        assert_eq!(answer.events().len(), 2, "{}", answer.text());
        assert_eq!(error["code"], "internal_error");
        assert_eq!(error["message"], message);
    }
    for request in scene.finish().requests() {
        assert_eq!(request["outcome"], "upstream_error");
    }
}

/// Streams `event` once the client has seen some content.
fn after_content(scene: &Scene, event: &str) -> Answer {
    let (go, wait) = channel();
    let (wait, event) = (Mutex::new(wait), event.to_owned());
    scene.stub.now(move |_, wire| {
        wire.begin_events();
        wire.piece(CONTENT.as_bytes());
        wait.lock().unwrap().recv().unwrap();
        wire.piece(event.as_bytes());
        wire.end();
    });
    let mut arriving = scene.gateway.open(&chat(&asking(true)));
    arriving.until("hi");
    go.send(()).unwrap();
    arriving.finish()
}

#[test]
fn a_stream_that_is_cut_says_so() {
    let scene = Scene::answering();
    for (sent, forwarded) in [
        (CONTENT.to_owned(), CONTENT),
        (
            format!("{CONTENT}data: {{\"choices\":[{{\"delta\":{{\"con"),
            CONTENT,
        ),
        (format!("{CONTENT}\u{fffd}garbage\n"), CONTENT),
    ] {
        for is_cut in [true, false] {
            let sent = sent.clone();
            scene.stub.now(move |_, wire| {
                wire.begin_events();
                wire.piece(sent.as_bytes());
                if is_cut { wire.cut() } else { wire.end() }
            });
            let answer = scene.chat(&asking(true));
            assert_eq!(answer.last_error_event()["code"], "stream_error");
            let events = answer.text().matches("data: ").count();
            assert!(
                answer.text().starts_with(forwarded) && events == 2,
                "{}",
                answer.text()
            );
        }
    }
    for request in scene.finish().requests() {
        assert_eq!(request["outcome"], "upstream_cut");
    }
}

#[test]
fn a_cut_after_the_end_marker_harms_nobody() {
    let scene = Scene::answering();
    let text = [CONTENT, FINISH, USAGE, DONE].concat();
    scene.stub.now(move |_, wire| {
        wire.begin_events();
        wire.piece(text.as_bytes());
        wire.cut();
    });
    assert_eq!(
        scene.chat(&asking(true)).text(),
        [CONTENT, FINISH, DONE].concat()
    );
    assert_eq!(scene.finish().requests()[0]["outcome"], "complete");
}

#[test]
fn no_answer_at_all_is_a_bad_gateway() {
    let scene = Scene::answering();
    scene.stub.now(|_, wire| wire.cut());
    scene.chat(&asking(false)).error(502, "network");
    scene.stub.now(|_, wire| {
        wire.begin_events();
        wire.cut();
    });
    scene.chat(&asking(true)).error(502, "stream_error");
    scene
        .stub
        .now(|_, wire| wire.events(": only a comment\n\n"));
    scene.chat(&asking(true)).error(502, "stream_error");
    scene.stub.now(|_, wire| {
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{\"choices\"";
        wire.raw(head.as_bytes());
        wire.cut();
    });
    scene.chat(&asking(false)).error(502, "stream_error");
    scene.finish();
}

#[test]
fn garbage_is_a_bad_gateway() {
    let scene = Scene::answering();
    scene
        .stub
        .now(|_, wire| wire.raw(b"\x16\x03\x01 no http\r\n\r\n"));
    scene.chat(&asking(false)).error(502, "network");
    for body in [
        &b"<html>hello</html>"[..],
        b"{\"choices\":",
        b"\xff\xfe",
        b"",
        b"[]",
    ] {
        for content_type in ["application/json", "text/html", "text/event-stream"] {
            scene
                .stub
                .now(move |_, wire| wire.reply(200, &[("content-type", content_type)], body));
            scene.chat(&asking(false)).error(502, "stream_error");
            scene.chat(&asking(true)).error(502, "stream_error");
        }
    }
    scene.stub.now(|_, wire| {
        wire.begin_events();
        wire.piece(b"data: {\"choices\":[{\"delta\":{\"content\":\"\xff\xfe\n\n<html>");
        wire.end();
    });
    scene.chat(&asking(true)).error(502, "stream_error");
    for request in scene.finish().requests() {
        assert_ne!(request["outcome"], "complete", "{request}");
    }
}

#[test]
fn a_stream_without_events_is_not_collected_for_ever() {
    let scene = Scene::answering();
    scene.stub.now(|_, wire| {
        wire.begin_events();
        // Far more than the gateway may hold; it hangs up long before the end.
        for _ in 0..64 {
            wire.piece(&vec![b'x'; 256 * 1024]);
        }
        assert!(wire.wait_closed());
    });
    scene.chat(&asking(true)).error(502, "stream_error");
    scene.finish();
}

#[test]
fn a_key_that_the_upstream_repeats_is_redacted() {
    let scene = Scene::answering();
    let echo = format!("Incorrect API key provided: {KEY}.");
    let body = refusal("invalid_api_key", &echo);
    let long = format!("{}{KEY}", "x".repeat(1990));
    for (status, text) in [
        (401, body.to_string()),
        (401, echo.clone()),
        (500, long),
        (401, refusal(KEY, "see code").to_string()),
        (
            401,
            json!({"error": {"message": "see param", "param": KEY}}).to_string(),
        ),
    ] {
        scene
            .stub
            .now(move |_, wire| wire.reply(status, &[], text.as_bytes()));
        let answer = scene.chat(&asking(false));
        let text = answer.text();
        assert!(
            text.contains("[redacted]") || text.contains(&"x".repeat(1990)),
            "{text}"
        );
        assert!(
            !text.contains(&KEY[..9]),
            "a part of the key is left: {text}"
        );
    }
    scene
        .stub
        .now(move |_, wire| wire.events(&format!("data: {body}\n\n")));
    let error = scene.chat(&asking(true)).error(401, "invalid_api_key");
    assert!(error["message"].as_str().unwrap().contains("[redacted]"));
    scene.finish();
}
