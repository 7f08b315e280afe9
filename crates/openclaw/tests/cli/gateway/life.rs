//! One gateway per home: start, stop, restart and status by the lock, and what a service manager is told.

use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use serde_json::{Value, json};

use super::client::Ask;
use super::process::{Gateway, within};
use super::scene::{TOKEN, config};
use crate::home::Home;

/// Longest wait for a message to the service manager.
const MESSAGE_WAIT: Duration = Duration::from_secs(20);

fn home() -> Home {
    Home::with_config(&config("http://127.0.0.1:9/v1"))
}

fn status(home: &Home) -> (i32, Value) {
    let ran = home.run(&["gateway", "status", "--json"]);
    (ran.code, ran.json())
}

#[test]
fn a_second_gateway_learns_who_serves_and_another_home_does_not_mind() {
    let gateway = Gateway::start(home(), &[]);
    let run = ["gateway", "run", "--port", "0"];
    let ran = gateway.home.run(&run).expect_code(1);
    let expected = [
        format!("process {}", gateway.id()),
        gateway.address.to_string(),
        "~/.openclaw".to_owned(),
        "since 20".to_owned(),
    ];
    for part in expected {
        assert!(ran.stderr.contains(&part), "{part}: {ran:?}");
    }
    let mut service = gateway.home.command(&run);
    let output = service.env("OPENCLAW_SERVICE_MARKER", "openclaw").output();
    assert_eq!(output.unwrap().status.code(), Some(78));
    let other = Gateway::start(home(), &[]);
    assert_ne!(other.address, gateway.address);
}

#[test]
fn several_gateways_when_the_person_says_so() {
    let gateway = Gateway::start(home(), &[]);
    let folder = gateway.home.path().to_str().unwrap();
    let second = Home::new()
        .variable("OPENCLAW_HOME", folder)
        .variable("OPENCLAW_ALLOW_MULTI_GATEWAY", "1");
    let second = Gateway::start(second, &[]);
    assert_ne!(second.address, gateway.address);
}

#[test]
fn a_killed_gateway_does_not_hold_its_home() {
    let mut gateway = Gateway::start(home(), &[]);
    let killed = gateway.id();
    gateway.kill_and_start();
    gateway.terminate();
    let log = gateway.wait().log;
    assert!(log.contains(&format!("(process {killed}, since ")), "{log}");
}

#[test]
fn the_whole_life_in_the_background() {
    let home = home().variable("OPENCLAW_GATEWAY_PORT", "0");
    let (code, seen) = status(&home);
    assert_eq!((code, &seen["running"]), (5, &json!(false)));
    let ran = home.run(&["gateway", "stop", "--json"]).expect_code(0);
    assert_eq!(ran.json()["result"], "not-running");

    let started = home.run(&["gateway", "start", "--json"]).expect_code(0);
    let started = started.json();
    assert_eq!(started["result"], "started");
    let again = home.run(&["gateway", "start", "--json"]).expect_code(0);
    assert_eq!(again.json()["pid"], started["pid"]);
    let (code, seen) = status(&home);
    assert_eq!((code, &seen["running"]), (0, &json!(true)));
    assert_eq!(seen["pid"], started["pid"]);
    assert_eq!(seen["rpc"]["ok"], true);
    let models = home.run(&["gateway", "call", "models.list"]).expect_code(0);
    assert!(models.json()["data"].is_array());
    // The log is written a moment after what it tells of.
    let logs = || (home.run(&["gateway", "logs"]).code == 0).then_some(());
    within(logs, "no log");

    let restarted = home.run(&["gateway", "restart", "--json"]).expect_code(0);
    let restarted = restarted.json();
    assert_ne!(restarted["pid"], started["pid"]);
    assert_eq!(restarted["address"], started["address"]);
    let stopped = home.run(&["gateway", "stop", "--json"]).expect_code(0);
    assert_eq!(stopped.json()["pid"], restarted["pid"]);
    assert_eq!(status(&home).0, 5);
    let call = home.run(&["gateway", "call", "health"]).expect_code(5);
    assert!(call.stderr.contains("Gateway call failed"), "{call:?}");
}

#[test]
fn a_start_that_fails_says_why() {
    let mut config = config("http://127.0.0.1:9/v1");
    config["gateway"]["auth"]["token"] = json!("${NO_SUCH_VARIABLE}");
    let home = Home::with_config(&config);
    let ran = home.run(&["gateway", "start"]).expect_code(1);
    assert!(ran.stderr.contains("NO_SUCH_VARIABLE"), "{ran:?}");
}

#[test]
fn a_service_manager_is_told_ready_alive_reloading_and_stopping() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let manager = UnixDatagram::bind(&path).unwrap();
    manager.set_read_timeout(Some(MESSAGE_WAIT)).unwrap();
    let home = home()
        .variable("NOTIFY_SOCKET", path.to_str().unwrap())
        .variable("WATCHDOG_USEC", "400000");
    let gateway = Gateway::start(home, &[]);
    let next = |wanted: &str| {
        within(
            || {
                let mut bytes = [0; 512];
                let length = manager.recv(&mut bytes).unwrap();
                let text = String::from_utf8_lossy(&bytes[..length]).into_owned();
                text.starts_with(wanted).then_some(text)
            },
            wanted,
        )
    };
    assert!(next("READY=1").contains(&gateway.address.to_string()));
    next("WATCHDOG=1");
    let mut changed = config("http://127.0.0.1:9/v1");
    changed["gateway"]["auth"]["token"] = json!("another");
    let text = serde_json::to_string(&changed).unwrap();
    gateway.home.write(".openclaw/openclaw.json", &text);
    next("RELOADING=1");
    next("READY=1");
    next("WATCHDOG=1");
    let old = Ask::new("GET", "/v1/models").token(TOKEN);
    assert_eq!(gateway.ask(&old).status, 401);
    gateway.terminate();
    next("STOPPING=1");
    assert_eq!(gateway.wait().status.code(), Some(0));
}
