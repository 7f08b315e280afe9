//! Who gets in: the token on every route, and the `Host` and `Origin` a browser may come from.

use serde_json::json;

use super::client::Ask;
use super::process::Gateway;
use super::scene::{Scene, TOKEN, asking, chat, config};
use crate::home::Home;

/// Routes that take a verified caller, and the status for one.
const GUARDED: [(&str, &str, u16); 5] = [
    ("GET", "/v1/models", 200),
    ("GET", "/v1/models/stub/m", 200),
    ("GET", "/v1/models/nobody", 404),
    ("GET", "/openclaw/status", 200),
    ("POST", "/v1/chat/completions", 200),
];

fn ask(method: &str, path: &str) -> Ask {
    let ask = Ask::new(method, path);
    if method == "POST" {
        ask.body(asking(false).to_string().as_bytes())
    } else {
        ask
    }
}

#[test]
fn every_route_but_the_probes_wants_the_token() {
    let scene = Scene::answering();
    for (method, path, status) in GUARDED {
        let gateway = &scene.gateway;
        let plain = || ask(method, path);
        for refused in [
            plain(),
            plain().token("wrong"),
            plain().token(""),
            plain().token(&TOKEN[1..]),
            plain().token(&TOKEN.to_uppercase()),
            plain().header("x-api-key", "wrong"),
            plain().header("Authorization", &format!("Basic {TOKEN}")),
            plain().header("Cookie", &format!("token={TOKEN}")),
            plain().token("wrong").header("x-api-key", TOKEN),
        ] {
            let error = gateway.ask(&refused).error(401, "invalid_gateway_token");
            assert_eq!(error["type"], "authentication_error", "{method} {path}");
        }
        for admitted in [
            plain().token(TOKEN),
            plain().header("authorization", &format!("bearer {TOKEN}")),
            plain().header("x-api-key", TOKEN),
        ] {
            let answer = gateway.ask(&admitted);
            assert_eq!(answer.status, status, "{method} {path}");
            assert!(answer.header("x-request-id").is_some(), "{method} {path}");
        }
        let in_target = ask(method, &format!("{path}?token={TOKEN}&api_key={TOKEN}"));
        assert_eq!(gateway.ask(&in_target).status, 401, "{method} {path}");
    }
    assert_eq!(scene.stub.seen().len(), 3);
    scene.finish();
}

#[test]
fn probes_answer_anybody_and_tell_nothing() {
    let scene = Scene::answering();
    for path in ["/health", "/healthz", "/ready", "/readyz"] {
        let answer = scene.gateway.ask(&Ask::new("GET", path));
        assert_eq!(answer.status, 200, "{path}");
        assert!(answer.header("x-request-id").is_some(), "{path}");
        let text = answer.text();
        assert!(
            !text.contains("stub") && !text.contains("127.0.0.1"),
            "{text}"
        );
    }
    scene.finish();
}

#[test]
fn unknown_paths_and_methods_are_named() {
    let scene = Scene::answering();
    for (method, path) in [
        ("GET", "/"),
        ("GET", "/v1"),
        ("POST", "/v1/completions"),
        ("POST", "/chat/completions"),
        ("GET", "/v1/models/"),
        ("GET", "/v1/../openclaw/status"),
        ("GET", "/v1/chat/completions/"),
    ] {
        let answer = scene
            .gateway
            .ask(&Ask::new(method, path).token(TOKEN).body(b""));
        let error = answer.error(404, "not_found");
        let message = error["message"].as_str().unwrap();
        assert!(
            message.contains(method) && message.contains(path),
            "{message}"
        );
    }
    for (method, path, allow) in [
        ("GET", "/v1/chat/completions", "POST"),
        ("DELETE", "/v1/models", "GET,HEAD"),
        ("POST", "/healthz", "GET,HEAD"),
        ("OPTIONS", "/v1/chat/completions", "POST"),
    ] {
        let answer = scene
            .gateway
            .ask(&Ask::new(method, path).token(TOKEN).body(b""));
        answer.error(405, "method_not_allowed");
        assert_eq!(answer.header("allow"), Some(allow), "{method} {path}");
    }
    let bad = Ask::new("GET", "/v1/models/%ff").token(TOKEN);
    scene.gateway.ask(&bad).error(404, "model_not_found");
    scene.finish();
}

/// Names that are not this gateway, however much they look like it.
const FOREIGN: &str = "evil.com 127.evil.com 127.0.0.1.evil.com localhost.evil.com evil.com:80 192.168.1.5 \
    169.254.169.254 [::1].evil.com localhost@evil.com 0.0.0.0 [::ffff:8.8.8.8] 2130706433 127.0.0.1:1:2 \
    localhost:99999 localhost. 127.1";

#[test]
fn own_hosts_and_origins_pass() {
    let scene = Scene::answering();
    let port = scene.gateway.address.port();
    let status = |ask: Ask| scene.gateway.ask(&ask).status;
    for host in ["127.0.0.1", "localhost", "[::1]"] {
        for host in [host.to_owned(), format!("{host}:{port}")] {
            let origin = format!("http://{host}");
            assert_eq!(status(chat(&asking(false)).header("Host", &host)), 200);
            assert_eq!(status(chat(&asking(false)).header("Origin", &origin)), 200);
        }
    }
    scene.finish();
}

#[test]
fn foreign_hosts_and_origins_are_refused() {
    let scene = Scene::answering();
    let refused = |ask: &Ask| {
        let error = scene.gateway.ask(ask).error(403, "forbidden_origin");
        assert_eq!(error["type"], "permission_error");
    };
    for host in FOREIGN.split(' ').chain([""]) {
        for path in ["/v1/models", "/healthz"] {
            let ask = Ask::new("GET", path).token(TOKEN);
            refused(&ask.clone().header("Host", host));
            refused(&ask.header("Origin", &format!("https://{host}")));
        }
        refused(&chat(&asking(false)).header("Host", host));
    }
    for origin in ["null", "file://", "http://", "chrome-extension://abc", "*"] {
        refused(&chat(&asking(false)).header("Origin", origin));
    }
    let twice = "GET /v1/models HTTP/1.1\r\nHost: localhost\r\nHost: evil.com\r\n\r\n";
    let answer = scene.gateway.raw(twice.as_bytes());
    answer.error(403, "forbidden_origin");
    let own = Ask::new("GET", "/v1/models").header("Origin", "http://localhost");
    refused(&own.header("Origin", "http://evil.com"));
    assert!(scene.stub.seen().is_empty());
    scene.finish();
}

#[test]
fn without_authentication_the_origin_is_still_checked() {
    let mut config = config("http://127.0.0.1:9/v1");
    config["gateway"]["auth"] = json!({"mode": "none"});
    let gateway = Gateway::start(Home::with_config(&config), &[]);
    assert_eq!(gateway.ask(&Ask::new("GET", "/v1/models")).status, 200);
    let foreign = Ask::new("GET", "/v1/models").header("Origin", "http://evil.com");
    gateway.ask(&foreign).error(403, "forbidden_origin");
}
