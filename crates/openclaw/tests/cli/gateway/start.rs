//! Starts that must fail: one line that says why, a hint, the documented exit code, and nothing written.

use std::net::TcpListener;

use serde_json::{Value, json};

use super::client::Ask;
use super::process::Gateway;
use super::scene::{KEY, TOKEN, config};
use crate::home::{Home, Ran};

/// Runs `gateway run` in a home with this config and checks that it refuses without changing a file.
#[track_caller]
fn refused(home: &Home, arguments: &[&str], code: i32, message: &str) -> Ran {
    let before = home.files();
    let all = [&["gateway", "run"], arguments].concat();
    let ran = home.run(&all).expect_code(code);
    assert_eq!(home.files(), before, "{ran:?}");
    assert_eq!(ran.stdout, "");
    let errors: Vec<&str> = ran
        .stderr
        .lines()
        .filter(|line| line.starts_with("error: "))
        .collect();
    assert_eq!(errors.len(), 1, "{ran:?}");
    assert!(errors[0].contains(message), "{ran:?}");
    assert!(ran.stderr.contains("hint: "), "{ran:?}");
    assert!(!ran.stderr.contains("panicked"), "{ran:?}");
    for secret in [KEY, TOKEN] {
        assert!(!ran.stderr.contains(secret), "{ran:?}");
    }
    ran
}

fn changed(change: impl Fn(&mut Value)) -> Home {
    let mut config = config("http://127.0.0.1:9/v1");
    change(&mut config);
    Home::with_config(&config)
}

#[test]
fn a_port_in_use() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let home = changed(|config| config["gateway"]["port"] = json!(port));
    let message = format!("port {port} on 127.0.0.1 is already in use");
    refused(&home, &[], 5, &message);
    let home = changed(|_| {});
    refused(&home, &["--port", &port.to_string()], 5, &message);
}

#[test]
fn an_address_that_is_not_ours() {
    let home = changed(|config| {
        config["gateway"]["bind"] = json!("custom");
        config["gateway"]["customBindHost"] = json!("192.0.2.1");
    });
    refused(&home, &["--port", "0"], 5, "cannot listen on 192.0.2.1:0");
    refused(
        &changed(|_| {}),
        &["--bind", "nowhere"],
        1,
        "`nowhere` is not an IP address",
    );
}

#[test]
fn an_open_door_beyond_this_machine() {
    let home = changed(|config| config["gateway"]["auth"] = json!({"mode": "none"}));
    refused(
        &home,
        &["--bind", "lan", "--port", "0"],
        1,
        "without authentication",
    );
    let home = changed(|config| {
        config["gateway"]["auth"] = json!({"mode": "none"});
        config["gateway"]["bind"] = json!("lan");
    });
    refused(&home, &["--port", "0"], 1, "without authentication");
    refused(
        &home,
        &["--port", "0", "--allow-unconfigured"],
        1,
        "without authentication",
    );
}

#[test]
fn an_empty_or_missing_token() {
    let home =
        changed(|config| config["gateway"]["auth"] = json!({"mode": "token", "token": "  "}));
    refused(&home, &["--port", "0"], 3, "`gateway.auth.token` is empty");
    let home = changed(|config| config["gateway"]["auth"] = json!({"mode": "token"}));
    refused(&home, &["--port", "0"], 3, "no gateway token is configured");
    let home = changed(|config| config["gateway"]["auth"] = json!({"mode": "password"}));
    refused(&home, &["--port", "0"], 3, "no gateway token is configured");
    let home = changed(|config| {
        config["gateway"]["auth"] = json!({"mode": "token", "token": "${NO_SUCH_VARIABLE}"});
    });
    refused(&home, &["--port", "0"], 1, "NO_SUCH_VARIABLE");
}

#[test]
fn no_config_or_a_broken_one() {
    let home = Home::new();
    refused(&home, &["--port", "0"], 1, "there is no config at");
    home.write(".openclaw/openclaw.json", "{\n  \"gateway\": {\n");
    let ran = refused(&home, &["--port", "0"], 1, "openclaw.json:2:14");
    assert!(
        ran.stderr.contains("\"gateway\""),
        "the source line is shown: {ran:?}"
    );
    let home = Home::new();
    home.write(".openclaw/openclaw.json/x", "a folder in place of the file");
    refused(&home, &["--port", "0"], 1, "openclaw.json");
}

#[test]
fn a_home_that_uses_another_gateway() {
    let home = changed(|config| config["gateway"]["mode"] = json!("remote"));
    refused(&home, &["--port", "0"], 1, "`gateway.mode` is `remote`");
}

#[test]
fn a_token_of_the_environment_wins() {
    let home = changed(|_| {}).variable("OPENCLAW_GATEWAY_TOKEN", "from-the-environment");
    let gateway = Gateway::start(home, &[]);
    let ask = Ask::new("GET", "/v1/models");
    assert_eq!(
        gateway
            .ask(&ask.clone().token("from-the-environment"))
            .status,
        200
    );
    assert_eq!(gateway.ask(&ask.token(TOKEN)).status, 401);
}

#[test]
fn an_unconfigured_home_may_serve_this_machine_with_a_token_for_the_run() {
    let gateway = Gateway::start(Home::new(), &["--allow-unconfigured"]);
    assert_eq!(gateway.ask(&Ask::new("GET", "/v1/models")).status, 401);
    gateway.terminate();
    let ended = gateway.wait();
    assert_eq!(ended.status.code(), Some(0));
    let token = ended
        .printed
        .lines()
        .find_map(|line| line.split_once("token for this run: "));
    let (_, token) = token.expect("the token is shown");
    assert!(token.len() >= 48, "{token}");
    assert!(!ended.log.contains(token));
}
