//! Files that change under a running gateway: taken over without dropping a stream, or not at all.

use std::process::Command;

use serde_json::{Value, json};

use super::client::Ask;
use super::process::{Gateway, within};
use super::scene::{CONTENT, DONE, FINISH, KEY, TOKEN, answer, asking, chat, config};
use super::stub::{Gate, Seen, Stub, Wire};
use crate::home::Home;

const CONFIG: &str = ".openclaw/openclaw.json";
const OTHER_KEY: &str = "sk-canary-of-another-key-4411";

fn start(stub: &Stub) -> Gateway {
    Gateway::start(Home::with_config(&config(&stub.base_url())), &[])
}

fn reloads(gateway: &Gateway) -> Value {
    let ask = Ask::new("GET", "/openclaw/status").token(TOKEN);
    gateway.ask(&ask).json()["reloads"].clone()
}

fn wait_applied(gateway: &Gateway, n: u64) {
    let applied = || (reloads(gateway)["applied"].as_u64()? >= n).then_some(());
    within(applied, "the change is not taken over");
}

fn authorization(seen: &Seen) -> String {
    seen.header("authorization").unwrap_or_default().to_owned()
}

#[test]
fn a_new_key_is_used_and_an_open_stream_goes_on() {
    let gate = Gate::default();
    let upstream = gate.clone();
    let stub = Stub::start(move |_, wire: &mut Wire| {
        wire.begin_events();
        wire.piece(CONTENT.as_bytes());
        // The rest comes when the client has seen the reload.
        upstream.wait();
        wire.piece([FINISH, DONE].concat().as_bytes());
        wire.end();
    });
    let gateway = start(&stub);
    let mut stream = gateway.open(&chat(&asking(true)));
    stream.until("hi");
    stub.now(answer);
    let set = ["config", "set", "models.providers.stub.apiKey", OTHER_KEY];
    gateway.home.run(&set).expect_code(0);
    wait_applied(&gateway, 1);
    assert_eq!(gateway.ask(&chat(&asking(false))).status, 200);
    assert_eq!(authorization(&stub.last()), format!("Bearer {OTHER_KEY}"));
    gate.open();
    assert!(stream.finish().text().contains("[DONE]"));
    assert_eq!(authorization(&stub.seen()[0]), format!("Bearer {KEY}"));
}

#[test]
fn a_rotated_token_is_refused_at_once_and_its_connections_close() {
    let stub = Stub::start(answer);
    let gateway = start(&stub);
    let models = |token: &str| {
        gateway
            .ask(&Ask::new("GET", "/v1/models").token(token))
            .status
    };
    assert_eq!(models(TOKEN), 200);
    let idle = gateway.connect();
    let new = "canary-of-the-next-token";
    let set = ["config", "set", "gateway.auth.token", new];
    gateway.home.run(&set).expect_code(0);
    within(
        || (models(new) == 200).then_some(()),
        "the new token is refused",
    );
    assert_eq!(models(TOKEN), 401);
    let mut byte = [0];
    let closed = std::io::Read::read(&mut &idle, &mut byte).unwrap();
    assert_eq!(closed, 0, "a connection from before is closed");
}

#[test]
fn what_cannot_be_used_changes_nothing() {
    let stub = Stub::start(answer);
    let gateway = start(&stub);
    let good = gateway.home.read(CONFIG);
    for (bad, part) in [
        ("{ gateway: { mode: 'local'", "inside an object"),
        ("{ gateway: { port: 'many' } }", "port"),
    ] {
        gateway.home.write(CONFIG, bad);
        let said = || reloads(&gateway)["problem"].as_str().map(str::to_owned);
        let told = || said().filter(|text| text.contains(part));
        let problem = within(told, &format!("`{part}` is not told"));
        assert!(!problem.contains(KEY), "{problem}");
        assert_eq!(gateway.ask(&chat(&asking(false))).status, 200);
        assert_eq!(gateway.home.read(CONFIG), bad, "the file is the user's");
    }
    gateway.home.write(CONFIG, &good);
    within(
        || reloads(&gateway)["problem"].is_null().then_some(()),
        "the good file is not used",
    );
}

#[test]
fn a_credential_stored_later_is_found() {
    let stub = Stub::start(answer);
    let mut document = config(&stub.base_url());
    document["models"]["providers"]["stub"]
        .as_object_mut()
        .unwrap()
        .remove("apiKey");
    document["auth"] =
        json!({"profiles": {"stub:default": {"provider": "stub", "mode": "api_key"}}});
    let gateway = Gateway::start(Home::with_config(&document), &[]);
    gateway.ask(&chat(&asking(false)));
    let profile = json!({"type": "api_key", "provider": "stub", "key": OTHER_KEY});
    gateway.home.write(
        ".openclaw/agents/main/agent/auth-profiles.json",
        &json!({"version": 1, "profiles": {"stub:default": profile}}).to_string(),
    );
    wait_applied(&gateway, 1);
    assert_eq!(gateway.ask(&chat(&asking(false))).status, 200);
    assert_eq!(authorization(&stub.last()), format!("Bearer {OTHER_KEY}"));
}

#[test]
fn a_signal_reloads_when_nothing_else_does() {
    let stub = Stub::start(answer);
    let mut document = config(&stub.base_url());
    document["gateway"]["reload"] = json!({"mode": "off"});
    let gateway = Gateway::start(Home::with_config(&document), &[]);
    let id = gateway.id().to_string();
    let sent = Command::new("kill").args(["-HUP", &id]).status();
    assert!(sent.unwrap().success());
    wait_applied(&gateway, 1);
    assert_eq!(gateway.ask(&chat(&asking(false))).status, 200);
}
