//! The portal: logging in, refreshing, and what the tokens open.

mod faults;
mod login;
mod portal;
mod recorded;
mod refresh;
mod steering;

use bytes::Bytes;
use emulator::{Emulator, IssuedLogin, LoginWish};
use http::{Method, Request};
use http_body_util::Full;
use serde_json::{Value, json};

use crate::support::{Answer, Connection, start};

const CLIENT: &str = "f0304373b74a44d2b584a3fb70ca9e56";
const SCOPE: &str = "openid profile email model.completion";
const DEVICE: &str = "/chat.qwen.ai/api/v1/oauth2/device/code";
const TOKEN: &str = "/chat.qwen.ai/api/v1/oauth2/token";
const PORTAL_CHAT: &str = "/portal.qwen.ai/v1/chat/completions";
const DEVICE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// The pair of RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// Starts an emulator whose identity server's clock only moves when told to.
async fn frozen(settings: Value) -> Emulator {
    let emulator = start().await;
    emulator
        .oauth()
        .configure(&json!({"frozen": true}))
        .unwrap();
    emulator.oauth().configure(&settings).unwrap();
    emulator
}

fn form_request(target: &str, fields: &[(&str, &str)]) -> Request<Full<Bytes>> {
    let encoded: Vec<String> = fields
        .iter()
        .map(|(name, value)| format!("{name}={}", value.replace(':', "%3A").replace(' ', "%20")))
        .collect();
    Request::builder()
        .method(Method::POST)
        .uri(target)
        .header("host", "localhost")
        .header("content-type", "application/x-www-form-urlencoded")
        .header("accept", "application/json")
        .body(Full::new(Bytes::from(encoded.join("&"))))
        .unwrap()
}

/// Sends a request on a connection of its own; an error is a connection cut before a reply.
async fn send(emulator: &Emulator, request: Request<Full<Bytes>>) -> hyper::Result<Answer> {
    let mut connection = Connection::open(emulator.addr()).await;
    Ok(connection.send(request).await?.read().await)
}

async fn post_form(emulator: &Emulator, target: &str, fields: &[(&str, &str)]) -> Answer {
    let request = form_request(target, fields);
    send(emulator, request).await.unwrap()
}

/// Begins a login and returns its device code and user code.
async fn begin(emulator: &Emulator) -> (String, String) {
    let answer = post_form(emulator, DEVICE, &device_fields()).await;
    assert_eq!(answer.status.as_u16(), 200, "{}", answer.text());
    let text = |name: &str| answer.json()[name].as_str().unwrap().to_owned();
    (text("device_code"), text("user_code"))
}

fn device_fields() -> [(&'static str, &'static str); 4] {
    [
        ("client_id", CLIENT),
        ("scope", SCOPE),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ]
}

fn poll_fields<'a>(device_code: &'a str, verifier: &'a str) -> [(&'static str, &'a str); 4] {
    [
        ("grant_type", DEVICE_GRANT),
        ("client_id", CLIENT),
        ("device_code", device_code),
        ("code_verifier", verifier),
    ]
}

async fn poll(emulator: &Emulator, device_code: &str) -> Answer {
    post_form(emulator, TOKEN, &poll_fields(device_code, VERIFIER)).await
}

fn refresh_fields(refresh_token: &str) -> [(&'static str, &str); 3] {
    [
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh_token),
        ("client_id", CLIENT),
    ]
}

async fn refresh(emulator: &Emulator, refresh_token: &str) -> Answer {
    post_form(emulator, TOKEN, &refresh_fields(refresh_token)).await
}

/// Refreshes and returns the new access and refresh tokens.
async fn refreshed(emulator: &Emulator, refresh_token: &str) -> (String, String) {
    let answer = refresh(emulator, refresh_token).await;
    assert_eq!(answer.status.as_u16(), 200, "{}", answer.text());
    let text = |name: &str| answer.json()[name].as_str().unwrap().to_owned();
    (text("access_token"), text("refresh_token"))
}

fn issue(emulator: &Emulator) -> IssuedLogin {
    emulator.oauth().issue(LoginWish::default()).unwrap()
}

fn is_error(answer: &Answer, status: u16, code: &str) {
    assert_eq!(answer.status.as_u16(), status, "{}", answer.text());
    assert_eq!(answer.json()["error"], code);
    assert!(answer.json()["error_description"].is_string());
    assert_eq!(answer.header("x-openclaw-emulator"), "1");
}

/// Sends a chat completion to the portal and returns its status.
async fn chat_status(emulator: &Emulator, access_token: &str) -> u16 {
    let body = json!({"model": "coder-model", "messages": [{"role": "user", "content": "hi"}]});
    let answer = crate::support::post(emulator, PORTAL_CHAT, access_token, &body).await;
    answer.status.as_u16()
}
