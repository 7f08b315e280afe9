//! Several candidates: the next one is asked at once, a named model is alone, and an exhausted chain names everyone.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::process::Gateway;
use super::scene::{CONTENT, KEY, TOKEN, answer, asking, chat};
use super::stub::{Seen, Stub, Wire};
use crate::home::Home;

/// Longest time from the failure of the first candidate to the answer of the second.
const FAILOVER_MAX: Duration = Duration::from_secs(2);

/// Two upstreams behind one gateway; the agent's model is on the first, its fallback on the second.
struct Pair {
    first: Stub,
    second: Stub,
    gateway: Gateway,
}

impl Pair {
    fn new(first: impl Fn(&Seen, &mut Wire) + Send + Sync + 'static) -> Self {
        let (first, second) = (Stub::start(first), Stub::start(answer));
        let provider = |stub: &Stub| json!({"baseUrl": stub.base_url(), "apiKey": KEY, "api": "openai-completions", "models": [{"id": "m", "name": "m"}]});
        let home = Home::with_config(&json!({
            "gateway": {"mode": "local", "auth": {"mode": "token", "token": TOKEN}},
            "models": {"providers": {"one": provider(&first), "two": provider(&second)}},
            "agents": {"defaults": {"model": {"primary": "one/m", "fallbacks": ["two/m", "nobody/x"]}}},
        }));
        let gateway = Gateway::start(home, &[]);
        Self {
            first,
            second,
            gateway,
        }
    }

    fn ask(&self, model: &str, stream: bool) -> super::client::Answer {
        let mut body = asking(stream);
        body["model"] = model.into();
        self.gateway.ask(&chat(&body))
    }
}

fn throttled(_: &Seen, wire: &mut Wire) {
    let body =
        json!({"error": {"message": "Requests rate limit exceeded", "code": "limit_requests"}});
    wire.reply(429, &[("retry-after", "600")], body.to_string().as_bytes());
}

#[test]
fn a_fallback_answers_at_once_whatever_the_wait() {
    let pair = Pair::new(throttled);
    for stream in [false, true] {
        let started = Instant::now();
        let answer = pair.ask("openclaw", stream);
        assert!(started.elapsed() < FAILOVER_MAX, "{:?}", started.elapsed());
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("x-openclaw-routed-model"), Some("two/m"));
    }
    let seen = (pair.first.seen().len(), pair.second.seen().len());
    assert_eq!(seen, (1, 2), "the first is not asked again within its wait");
    pair.gateway.terminate();
    let ended = pair.gateway.wait();
    let requests = ended.requests();
    assert!(
        requests
            .iter()
            .all(|request| request["provider"] == "two" && request["outcome"] == "complete")
    );
    let failed = ended
        .lines()
        .into_iter()
        .filter(|line| line["message"] == "a candidate failed");
    let classes: Vec<Value> = failed.map(|line| line["class"].clone()).collect();
    assert_eq!(classes, ["throttled"]);
    for (request, step) in requests.iter().zip(["failed", "rested"]) {
        let trace = &request["trace"][0];
        assert_eq!(
            (&trace["step"], &trace["model"]),
            (&json!(step), &json!("one/m"))
        );
        assert_eq!(
            (&trace["class"], &trace["scope"]),
            (&json!("throttled"), &json!("model"))
        );
    }
}

#[test]
fn an_error_inside_a_stream_still_moves_on_before_content() {
    let pair = Pair::new(|_, wire| {
        wire.events("data: {\"error\":{\"code\":\"internal_error\",\"message\":\"x\"}}\n\n");
    });
    let answer = pair.ask("openclaw", true);
    assert_eq!(
        (answer.status, answer.header("x-openclaw-routed-model")),
        (200, Some("two/m"))
    );
}

#[test]
fn after_content_a_request_stays_where_it_is() {
    let pair = Pair::new(|_, wire| {
        wire.begin_events();
        wire.piece(CONTENT.as_bytes());
        wire.cut();
    });
    let answer = pair.ask("openclaw", true);
    assert_eq!(answer.last_error_event()["code"], "stream_error");
    assert!(pair.second.seen().is_empty());
}

#[test]
fn a_named_model_is_alone() {
    let pair = Pair::new(throttled);
    let answer = pair.ask("one/m", false);
    assert_eq!(
        (answer.status, answer.header("retry-after")),
        (429, Some("600"))
    );
    assert!(pair.second.seen().is_empty());
}

#[test]
fn a_fault_of_the_request_is_not_repeated_elsewhere() {
    let pair = Pair::new(|_, wire| {
        wire.json(400, &json!({"error": {"message": "`seed` is too large", "code": "invalid_parameter_error"}}));
    });
    let error = pair
        .ask("openclaw", false)
        .error(400, "invalid_parameter_error");
    assert_eq!(error["message"], "`seed` is too large");
    assert!(pair.second.seen().is_empty());
}

#[test]
fn an_exhausted_chain_names_every_candidate_and_why() {
    let pair = Pair::new(throttled);
    pair.second.now(|_, wire| {
        wire.json(
            401,
            &json!({"error": {"message": "Incorrect API key provided", "code": "invalid_api_key"}}),
        );
    });
    let answer = pair.ask("openclaw", false);
    let error = answer.error(429, "limit_requests");
    let message = error["message"].as_str().unwrap();
    for part in [
        "none of 3 candidates",
        "one/m",
        "throttled",
        "two/m",
        "invalid_key",
        "nobody/x not tried",
    ] {
        assert!(message.contains(part), "`{part}` is missing: {message}");
    }
    assert!(!message.contains(KEY));
}
