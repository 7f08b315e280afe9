//! What the gateway changes on the way up and down, and what it must leave alone.

use serde_json::json;

use super::scene::{CONTENT, DONE, FINISH, KEY, Scene, TOKEN, asking, chat, completion};

#[test]
fn only_model_and_usage_are_patched_in_a_request() {
    let scene = Scene::answering();
    let body = r#"{ "model" : "stub/m", "x_unknown" : {"deep":[1, 2.50, "\u00e9"]},  "messages":[{"role":"user","content":"a\tb","cache_control":{"type":"ephemeral"}}], "seed":18446744073709551615, "enable_thinking":true, "stream" : false }"#;
    scene
        .gateway
        .ask(&super::scene::chat_bytes(body.as_bytes()));
    let sent = String::from_utf8(scene.stub.last().body).unwrap();
    assert_eq!(sent, body.replace("stub/m", "m"));
    let streaming = body.replace("\"stream\" : false", "\"stream\" : true");
    scene
        .gateway
        .ask(&super::scene::chat_bytes(streaming.as_bytes()));
    let sent = String::from_utf8(scene.stub.last().body).unwrap();
    let usage = r#","stream_options":{"include_usage":true}}"#;
    let expected = streaming
        .replace("stub/m", "m")
        .trim_end_matches('}')
        .to_owned()
        + usage;
    assert_eq!(sent, expected);
    scene.finish();
}

#[test]
fn stream_options_of_the_client_are_kept() {
    let scene = Scene::answering();
    for (given, expected) in [
        (
            json!({"include_usage": false, "x": 1}),
            json!({"include_usage": true, "x": 1}),
        ),
        (
            json!({"include_usage": true}),
            json!({"include_usage": true}),
        ),
        (json!({"x": 1}), json!({"include_usage": true, "x": 1})),
        (json!(null), json!({"include_usage": true})),
    ] {
        let mut body = asking(true);
        body["stream_options"] = given;
        scene.chat(&body);
        assert_eq!(scene.stub.last().json()["stream_options"], expected);
    }
    let mut body = asking(false);
    body["stream_options"] = json!(null);
    scene.chat(&body);
    assert_eq!(scene.stub.last().json()["stream_options"], json!(null));
    scene.finish();
}

#[test]
fn unknown_fields_of_a_reply_reach_the_client_unchanged() {
    let scene = Scene::answering();
    let body = br#"{"z_first":1.0,"choices":[{"message":{"content":"\u00e9","reasoning_content":"r"},"new":{}}],"usage":null ,"id":"x"}"#;
    scene
        .stub
        .now(|_, wire| wire.reply(200, &[("content-type", "application/json")], body));
    let answer = scene.chat(&asking(false));
    assert_eq!(
        (answer.status, answer.body.as_slice()),
        (200, body.as_slice())
    );
    scene.finish();
}

#[test]
fn only_listed_headers_of_a_request_go_up() {
    let scene = Scene::answering();
    let ask = chat(&asking(false))
        .header("X-DashScope-DataInspection", r#"{"input":"cip"}"#)
        .header("x-dashscope-session", "s1")
        .header(
            "traceparent",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        )
        .header("Cookie", "session=secret")
        .header("X-Api-Key", TOKEN)
        .header("X-Forwarded-For", "10.0.0.1")
        .header("OpenAI-Organization", "org-1")
        .header("Accept-Encoding", "gzip, br")
        .header("x-openclaw-model", "stub/m")
        .header("User-Agent", "client/1");
    assert_eq!(scene.gateway.ask(&ask).status, 200);
    let seen = scene.stub.last();
    assert_eq!(
        seen.header("x-dashscope-datainspection"),
        Some(r#"{"input":"cip"}"#)
    );
    assert_eq!(seen.header("x-dashscope-session"), Some("s1"));
    assert!(seen.header("traceparent").is_some());
    assert_eq!(seen.header("content-type"), Some("application/json"));
    assert!(seen.header("user-agent").unwrap().starts_with("openclaw"));
    let authorization = format!("Bearer {KEY}");
    assert_eq!(seen.header("authorization"), Some(authorization.as_str()));
    let mut names: Vec<&str> = seen.headers.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    let expected = [
        "accept",
        "authorization",
        "content-length",
        "content-type",
        "host",
        "traceparent",
        "user-agent",
        "x-dashscope-datainspection",
        "x-dashscope-session",
    ];
    assert_eq!(names, expected);
    scene.finish();
}

#[test]
fn headers_of_a_reply_lose_connection_matters_cookies_and_identity() {
    const HEADERS: [(&str, &str); 11] = [
        ("content-type", "application/json"),
        ("x-request-id", "upstream-42"),
        ("x-dashscope-call-gateway", "true"),
        ("req-cost-time", "23"),
        ("set-cookie", "acw_tc=abc;path=/"),
        ("server", "istio-envoy"),
        ("keep-alive", "timeout=5"),
        ("access-control-allow-origin", "*"),
        ("alt-svc", "h3=\":443\""),
        ("connection", "x-hop"),
        ("x-hop", "1"),
    ];
    let scene = Scene::answering();
    scene
        .stub
        .now(|_, wire| wire.reply(200, &HEADERS, completion().to_string().as_bytes()));
    let answer = scene.chat(&asking(false));
    assert_eq!(answer.header("x-upstream-request-id"), Some("upstream-42"));
    assert!(answer.header("x-request-id").unwrap().starts_with("req-"));
    assert_eq!(answer.header("x-openclaw-routed-model"), Some("stub/m"));
    assert_eq!(answer.header("x-dashscope-call-gateway"), Some("true"));
    assert_eq!(answer.header("req-cost-time"), Some("23"));
    for name in [
        "set-cookie",
        "server",
        "keep-alive",
        "access-control-allow-origin",
        "alt-svc",
        "connection",
        "x-hop",
    ] {
        assert_eq!(answer.header(name), None, "{name}");
    }
    scene.finish();
}

#[test]
fn a_stream_carries_both_request_ids() {
    let scene = Scene::answering();
    let answer = scene.chat(&asking(true));
    assert_eq!(answer.text(), [CONTENT, FINISH, DONE].concat());
    assert_eq!(
        answer.header("content-type"),
        Some("text/event-stream;charset=UTF-8")
    );
    assert_eq!(answer.header("x-upstream-request-id"), Some("upstream-7"));
    let id = answer.header("x-request-id").unwrap().to_owned();
    let ended = scene.finish();
    let request = ended.requests().remove(0);
    assert_eq!(request["requestId"], id);
    assert_eq!(request["upstreamRequestId"], "upstream-7");
}
