//! What a failure means for the requests after it: the narrowest branch rests, single probes find out, and people can see
//! and touch it.

use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::client::Answer;
use super::process::{Gateway, within};
use super::scene::{KEY, TOKEN, answer, asking, chat, completion};
use super::stub::{Seen, Stub, Wire};
use crate::home::Home;

/// Returns a home in front of `stub` with two models of one key.
fn home(stub: &Stub, routing: &Value) -> Home {
    Home::with_config(&json!({
        "gateway": {"mode": "local", "auth": {"mode": "token", "token": TOKEN}},
        "models": {"providers": {"stub": {
            "baseUrl": stub.base_url(), "apiKey": KEY, "api": "openai-completions",
            "models": [{"id": "m", "name": "m"}, {"id": "other", "name": "other"}],
        }}},
        "agents": {"defaults": {"model": {"primary": "stub/m"}}},
        "routing": routing,
    }))
}

fn ask(gateway: &Gateway, model: &str) -> Answer {
    let mut body = asking(false);
    body["model"] = model.into();
    gateway.ask(&chat(&body))
}

fn refuse(status: u16, code: &'static str) -> impl Fn(&Seen, &mut Wire) + Send + Sync + 'static {
    move |_, wire| {
        let body = json!({"error": {"message": "not now", "code": code}});
        wire.json(status, &body);
    }
}

/// Refuses the model `m` and answers for others.
fn refuse_m(seen: &Seen, wire: &mut Wire) {
    if seen.json()["model"] == "m" {
        let message =
            "Access to model denied. Please make sure you are eligible for using the model.";
        wire.json(
            403,
            &json!({"error": {"message": message, "code": "access_denied"}}),
        );
    } else {
        wire.json(200, &completion());
    }
}

fn breakers(gateway: &Gateway) -> Vec<Value> {
    let status = gateway
        .home
        .run(&["models", "status", "--json"])
        .expect_code(0);
    status.json()["breakers"].as_array().unwrap().clone()
}

#[test]
fn a_403_for_one_model_leaves_the_others_of_the_key_alone() {
    let stub = Stub::start(refuse_m);
    let gateway = Gateway::start(home(&stub, &json!({})), &[]);
    assert_eq!(ask(&gateway, "stub/m").status, 403);
    assert_eq!(ask(&gateway, "stub/other").status, 200);
    let again = ask(&gateway, "stub/m");
    let error = again.error(403, "access_denied");
    assert!(
        error["message"].as_str().unwrap().contains("not asked"),
        "{error}"
    );
    assert_eq!(stub.seen().len(), 2, "what is known is not asked again");
    let known = breakers(&gateway);
    assert_eq!(known.len(), 1);
    assert_eq!(
        (&known[0]["scope"], &known[0]["class"]),
        (&json!("model"), &json!("not_entitled"))
    );
    assert_eq!(
        (&known[0]["model"], &known[0]["status"]),
        (&json!("m"), &json!(403))
    );
    let list = gateway
        .home
        .run(&["models", "list", "--json"])
        .expect_code(0);
    let rows = list.json()["models"].clone();
    let row = |key: &str| {
        let mut rows = rows.as_array().unwrap().iter();
        rows.find(|row| row["key"] == key).unwrap().clone()
    };
    assert_eq!(
        (&row("stub/m")["available"], &row("stub/other")["available"]),
        (&json!(false), &json!(true))
    );
    for time in ["since", "until", "nextProbe"] {
        assert!(known[0][time].as_u64().is_some(), "{time}");
    }
}

#[test]
fn what_was_learned_survives_a_restart_and_a_person_can_undo_it() {
    let stub = Stub::start(refuse(401, "invalid_api_key"));
    let mut gateway = Gateway::start(home(&stub, &json!({})), &[]);
    ask(&gateway, "stub/m").error(401, "invalid_api_key");
    gateway.restart();
    ask(&gateway, "stub/other").error(401, "invalid_api_key");
    assert_eq!(stub.seen().len(), 1, "the key rests for every model");
    let id = breakers(&gateway)[0]["id"].as_str().unwrap().to_owned();
    assert!(id.starts_with("key:") && !id.contains(KEY), "{id}");
    let home = &gateway.home;
    let dry = home
        .run(&["models", "unblock", &id, "--dry-run", "--json"])
        .expect_code(0);
    assert_eq!(dry.json()["unblocked"][0]["id"], json!(id));
    assert_eq!(breakers(&gateway).len(), 1);
    home.run(&["models", "unblock", "nothing"]).expect_code(1);
    home.run(&["models", "unblock", &id]).expect_code(0);
    assert_eq!(breakers(&gateway).len(), 0);
    stub.now(answer);
    // The gateway looks at the file of its own accord, four times a second.
    let answered = || (ask(&gateway, "stub/m").status == 200).then_some(());
    within(answered, "does not see that it was unblocked");
}

#[test]
fn a_new_key_has_no_past() {
    let stub = Stub::start(refuse(401, "invalid_api_key"));
    let mut gateway = Gateway::start(home(&stub, &json!({})), &[]);
    ask(&gateway, "stub/m").error(401, "invalid_api_key");
    stub.now(answer);
    let path = "models.providers.stub.apiKey";
    gateway
        .home
        .run(&["config", "set", path, "sk-canary-of-another-key-77"])
        .expect_code(0);
    gateway.restart();
    assert_eq!(ask(&gateway, "stub/m").status, 200);
}

#[test]
fn concurrent_requests_make_one_probe_per_window() {
    let stub = Stub::start(refuse(429, "limit_requests"));
    let routing = json!({"waitSeconds": {"throttled": 1}, "longestWaitSeconds": {"throttled": 1}, "patienceSeconds": 3});
    let gateway = Gateway::start(home(&stub, &routing), &[]);
    let started = Instant::now();
    let (done, answers) = channel();
    std::thread::scope(|scope| {
        for _ in 0..20 {
            let (gateway, done) = (&gateway, done.clone());
            scope.spawn(move || done.send(ask(gateway, "stub/m").status).unwrap());
        }
    });
    drop(done);
    assert!(answers.iter().all(|status| status == 429));
    let windows = started.elapsed().as_millis() / 900 + 1;
    // Those under way when the first refusal came count as one window.
    let probes = stub.seen().len().saturating_sub(20) as u128;
    assert!(probes <= windows, "{probes} probes in {windows} windows");
    assert!(started.elapsed() >= Duration::from_secs(2), "they waited");
    stub.now(answer);
    assert_eq!(ask(&gateway, "stub/m").status, 200, "a probe found out");
    assert_eq!(breakers(&gateway), [] as [Value; 0]);
}

#[test]
fn a_short_wait_is_waited_for_when_nobody_else_is_free() {
    let stub = Stub::start(|_, wire| {
        let body = json!({"error": {"message": "slow down", "code": "limit_requests"}});
        wire.reply(429, &[("retry-after", "1")], body.to_string().as_bytes());
    });
    let gateway = Gateway::start(home(&stub, &json!({})), &[]);
    let (done, status) = channel();
    std::thread::scope(|scope| {
        scope.spawn(|| done.send(ask(&gateway, "stub/m").status).unwrap());
        within(|| (!stub.seen().is_empty()).then_some(()), "is not asked");
        stub.now(answer);
    });
    assert_eq!(status.recv().unwrap(), 200);
    gateway.terminate();
    let requests = gateway.wait().requests();
    let steps: Vec<&Value> = requests[0]["trace"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| &step["step"])
        .collect();
    assert_eq!(steps, [&json!("failed"), &json!("waited")]);
}

#[test]
fn trace_tells_what_was_decided() {
    let stub = Stub::start(refuse(401, "invalid_api_key"));
    let gateway = Gateway::start(home(&stub, &json!({})), &[]);
    let failed = ask(&gateway, "stub/m");
    let id = failed.header("x-request-id").unwrap().to_owned();
    let home = &gateway.home;
    // The log is written a few times a second.
    let found = || Some(home.run(&["trace", &id])).filter(|run| run.code == 0);
    let run = within(found, "is not in the log");
    for part in [
        "asked stub/m at 127.0.0.1",
        "401 invalid_key",
        "scope key",
        "Outcome",
    ] {
        assert!(
            run.stdout.contains(part),
            "`{part}` is missing: {}",
            run.stdout
        );
    }
    assert!(!run.stdout.contains(KEY));
    let record = home.run(&["trace", &id, "--json"]).expect_code(0).json();
    assert_eq!(record["trace"][0]["rule"], "key-refused");
    home.run(&["trace", "req-00000000-1"]).expect_code(1);
}
