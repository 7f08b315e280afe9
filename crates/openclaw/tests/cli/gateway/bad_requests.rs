//! Requests at fault: each gets its status, a clear sentence, and never reaches the upstream.

use std::io::Write;

use serde_json::{Value, json};

use super::client::Ask;
use super::scene::{Scene, TOKEN, asking, chat, chat_bytes};

/// The documented limit of a request body, in bytes.
const BODY_MAX: usize = 32 * 1024 * 1024;

#[test]
fn malformed_bodies_are_explained() {
    let scene = Scene::answering();
    let deep = format!(
        r#"{{"model":"stub/m","a":{}{}}}"#,
        "[".repeat(1000),
        "]".repeat(1000)
    );
    let cases: [(&[u8], Value, &str); 13] = [
        (b"", json!(null), "JSON object"),
        (b"[]", json!(null), "JSON object"),
        (b"null", json!(null), "JSON object"),
        (b"hello", json!(null), "JSON object"),
        (b"{\"model\":\"m\",}", json!(null), "byte 13"),
        (b"{\"model\":\"m\"", json!(null), "ends too early"),
        (b"{\"model\":\"m\"}{}", json!(null), "byte 13"),
        (b"{\"model\":\"\xff\"}", json!(null), "UTF-8"),
        (b"\x1f\x8b\x08\x00", json!(null), "UTF-8"),
        (deep.as_bytes(), json!(null), "nested deeper"),
        (br#"{"model":5}"#, json!("model"), "must be a string"),
        (
            br#"{"model":"a","model":"stub/m"}"#,
            json!("model"),
            "more than once",
        ),
        (
            br#"{"model":"stub/m","stream":"yes"}"#,
            json!("stream"),
            "boolean",
        ),
    ];
    for (body, param, message) in cases {
        let error = scene
            .gateway
            .ask(&chat_bytes(body))
            .error(400, "invalid_request_body");
        assert_eq!(error["param"], param, "{error}");
        assert_eq!(error["type"], "invalid_request_error");
        assert!(
            error["message"].as_str().unwrap().contains(message),
            "{error}"
        );
    }
    assert!(scene.stub.seen().is_empty());
    scene.finish();
}

#[test]
fn a_missing_model_is_named() {
    let scene = Scene::answering();
    for body in [&b"{}"[..], br#"{"model":""}"#, br#"{"messages":[]}"#] {
        let error = scene
            .gateway
            .ask(&chat_bytes(body))
            .error(400, "missing_model");
        assert_eq!(error["param"], "model");
    }
    scene.finish();
}

#[test]
fn an_unknown_model_gets_suggestions() {
    let scene = Scene::answering();
    let mut body = asking(false);
    for (model, suggestion) in [("vendor/larg", "stub/vendor/large"), ("bigg", "`big`")] {
        body["model"] = json!(model);
        let error = scene.chat(&body).error(404, "model_not_found");
        assert_eq!(error["type"], "invalid_request_error");
        assert_eq!(error["param"], "model");
        assert!(
            error["message"].as_str().unwrap().contains(model),
            "{error}"
        );
        assert!(
            error["hint"].as_str().unwrap().contains(suggestion),
            "{error}"
        );
    }
    body["model"] = json!("openclaw/nobody");
    scene.chat(&body).error(404, "model_not_found");
    body["model"] = json!("x".repeat(1_000_000));
    let error = scene.chat(&body).error(404, "model_not_found");
    assert!(error["message"].as_str().unwrap().len() < 1000);
    let path = Ask::new("GET", "/v1/models/stub/vendor/larg").token(TOKEN);
    let error = scene.gateway.ask(&path).error(404, "model_not_found");
    assert!(
        error["hint"]
            .as_str()
            .unwrap()
            .contains("stub/vendor/large")
    );
    assert!(scene.stub.seen().is_empty());
    assert!(
        scene.finish().log.len() < 20_000,
        "a name from a client fills the log"
    );
}

#[test]
fn a_model_without_a_key_says_so() {
    let scene = Scene::answering();
    let mut body = asking(false);
    body["model"] = json!("qwen/qwen-plus");
    let error = scene.chat(&body).error(503, "no_credential");
    assert!(
        error["hint"].as_str().unwrap().contains("openclaw onboard"),
        "{error}"
    );
    scene.finish();
}

#[test]
fn a_model_answers_to_all_its_names() {
    let scene = Scene::answering();
    let mut body = asking(false);
    for (name, model) in [
        ("stub/m", "m"),
        ("m", "m"),
        ("openclaw", "m"),
        ("openclaw/main", "m"),
        ("openclaw/default", "m"),
        ("big", "vendor/large"),
        ("vendor/large", "vendor/large"),
        ("stub/vendor/large", "vendor/large"),
        (" stub/m ", "m"),
    ] {
        body["model"] = json!(name);
        let answer = scene.chat(&body);
        assert_eq!(answer.status, 200, "{name}: {}", answer.text());
        assert_eq!(scene.stub.last().json()["model"], model, "{name}");
        let routed = format!("stub/{model}");
        assert_eq!(
            answer.header("x-openclaw-routed-model"),
            Some(routed.as_str())
        );
    }
    scene.finish();
}

#[test]
fn the_model_header_overrides_the_body() {
    let scene = Scene::answering();
    let ask = chat(&asking(false)).header("x-openclaw-model", "big");
    assert_eq!(scene.gateway.ask(&ask).status, 200);
    assert_eq!(scene.stub.last().json()["model"], "vendor/large");
    let without = chat(&json!({"messages": []})).header("x-openclaw-model", "big");
    assert_eq!(scene.gateway.ask(&without).status, 200);
    assert_eq!(scene.stub.last().json()["model"], "vendor/large");
    let empty = chat(&asking(false)).header("x-openclaw-model", " ");
    assert_eq!(scene.gateway.ask(&empty).status, 200);
    assert_eq!(scene.stub.last().json()["model"], "m");
    let unknown = chat(&asking(false)).header("x-openclaw-model", "nobody");
    scene.gateway.ask(&unknown).error(404, "model_not_found");
    scene.finish();
}

#[test]
fn the_list_holds_every_name_once() {
    let scene = Scene::answering();
    let list = scene
        .gateway
        .ask(&Ask::new("GET", "/v1/models").token(TOKEN))
        .json();
    assert_eq!(list["object"], "list");
    let rows = list["data"].as_array().unwrap();
    let ids: Vec<&str> = rows.iter().map(|row| row["id"].as_str().unwrap()).collect();
    let expected = [
        "openclaw",
        "openclaw/default",
        "openclaw/main",
        "stub/m",
        "stub/vendor/large",
    ];
    assert_eq!(ids, expected);
    for row in rows {
        assert_eq!(row["object"], "model");
        assert!(
            row["created"].is_u64() && row["owned_by"].is_string(),
            "{row}"
        );
        let id = row["id"].as_str().unwrap();
        for path in [
            format!("/v1/models/{id}"),
            format!("/v1/models/{}", id.replace('/', "%2F")),
        ] {
            assert_eq!(
                scene
                    .gateway
                    .ask(&Ask::new("GET", &path).token(TOKEN))
                    .json(),
                *row
            );
        }
    }
    scene.finish();
}

#[test]
fn a_body_over_the_limit_is_refused_before_it_is_read() {
    let scene = Scene::answering();
    let announced = Ask::new("POST", "/v1/chat/completions").token(TOKEN);
    let announced = announced.header("Content-Length", &(BODY_MAX + 1).to_string());
    let expecting = announced.header("Expect", "100-continue");
    let error = scene
        .gateway
        .ask(&expecting)
        .error(413, "request_too_large");
    assert!(
        error["message"].as_str().unwrap().contains("32 MiB"),
        "{error}"
    );
    assert!(scene.stub.seen().is_empty());
    scene.finish();
}

#[test]
fn a_client_that_sends_too_much_still_reads_why() {
    let scene = Scene::answering();
    let body = vec![b' '; BODY_MAX + 4 * 1024 * 1024];
    scene
        .gateway
        .ask(&chat_bytes(&body))
        .error(413, "request_too_large");
    let mut stream = scene.gateway.connect();
    let chunked = Ask::new("POST", "/v1/chat/completions").token(TOKEN);
    let chunked = chunked.header("Transfer-Encoding", "chunked");
    stream.write_all(&chunked.bytes()).unwrap();
    for piece in body.chunks(1024 * 1024) {
        stream
            .write_all(format!("{:x}\r\n", piece.len()).as_bytes())
            .unwrap();
        stream.write_all(piece).unwrap();
        stream.write_all(b"\r\n").unwrap();
    }
    stream.write_all(b"0\r\n\r\n").unwrap();
    scene
        .gateway
        .answer_on(stream)
        .error(413, "request_too_large");
    let wrong = Ask::new("POST", "/v1/chat/completions")
        .token("wrong")
        .body(&body);
    scene
        .gateway
        .ask(&wrong)
        .error(401, "invalid_gateway_token");
    assert!(scene.stub.seen().is_empty());
    scene.finish();
}

#[test]
fn a_large_body_within_the_limit_passes() {
    let scene = Scene::answering();
    let mut body = asking(false);
    body["messages"][0]["content"] = json!("x".repeat(20 * 1024 * 1024));
    assert_eq!(scene.chat(&body).status, 200);
    body["model"] = json!("m");
    assert_eq!(scene.stub.last().json(), body);
    scene.finish();
}

#[test]
fn a_body_that_breaks_off_harms_nobody() {
    let scene = Scene::answering();
    let mut stream = scene.gateway.connect();
    let ask = Ask::new("POST", "/v1/chat/completions")
        .token(TOKEN)
        .header("Content-Length", "100");
    stream.write_all(&ask.bytes()).unwrap();
    stream.write_all(b"{\"model\"").unwrap();
    drop(stream);
    assert_eq!(scene.chat(&asking(false)).status, 200);
    assert_eq!(scene.stub.seen().len(), 1);
    scene.finish();
}

#[test]
fn bytes_that_are_no_http_are_refused() {
    let scene = Scene::answering();
    for bytes in [
        &b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n"[..],
        b"HELLO\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
    ] {
        assert_eq!(scene.gateway.raw(bytes).status, 400);
    }
    assert_eq!(scene.chat(&asking(false)).status, 200);
    scene.finish();
}
