//! Requests in the words of each model, and histories that a host accepts: gateway and emulator, which knows nothing of
//! our rules.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use super::client::{Answer, Ask};
use super::process::Gateway;
use crate::home::Home;
use crate::onboard::studio::{Studio, onboard};

/// Histories tried.
const HISTORIES: u32 = 200;

struct Stage {
    studio: Studio,
    gateway: Gateway,
    token: String,
}

impl Stage {
    fn new() -> Self {
        let studio = Studio::start();
        let home = studio.home();
        onboard(
            &home,
            "--modelstudio-standard-api-key sk-emulator-standard-intl",
        )
        .expect_code(0);
        Self::with_home(studio, home)
    }

    fn with_home(studio: Studio, home: Home) -> Self {
        let config: Value = serde_json::from_str(&home.read(".openclaw/openclaw.json")).unwrap();
        let token = config["gateway"]["auth"]["token"].as_str().unwrap();
        let token = token.to_owned();
        let gateway = Gateway::start(home, &[]);
        Self {
            studio,
            gateway,
            token,
        }
    }

    fn ask(&self, body: &Value) -> Answer {
        let ask = Ask::new("POST", "/v1/chat/completions").token(&self.token);
        self.gateway.ask(&ask.body(body.to_string().as_bytes()))
    }

    /// Returns the body of the last request that the emulator got.
    fn sent(&self) -> Value {
        let last = self.studio.emulator.requests().pop().unwrap();
        serde_json::to_value(&last).unwrap()["body"].take()
    }
}

fn asking(model: &str, extra: &Value) -> Value {
    let mut body = json!({"model": model, "messages": [{"role": "user", "content": "hi"}]});
    let members = body.as_object_mut().unwrap();
    members.extend(extra.as_object().unwrap().clone());
    body
}

fn thought(answer: &Answer) -> bool {
    answer.json()["choices"][0]["message"]["reasoning_content"].is_string()
}

#[test]
fn effort_and_level_reach_each_model_in_its_own_words() {
    let stage = Stage::new();
    for (model, wish, thinks) in [
        ("qwen/qwen3.8-max", json!({"reasoning_effort": "low"}), true),
        (
            "qwen/qwen3.8-max",
            json!({"reasoning_effort": "none"}),
            false,
        ),
        (
            "qwen/qwen3.8-max",
            json!({"reasoning_effort": "high", "thinking_budget": 10}),
            true,
        ),
        ("qwen/qwen3.5-plus", json!({"thinking": "high"}), true),
        ("qwen/qwen3.5-plus", json!({"thinking": "off"}), false),
        (
            "qwen/qwen3.5-plus",
            json!({"enable_thinking": true, "reasoning_effort": "none"}),
            true,
        ),
        ("qwen/MiniMax-M2.5", json!({"thinking": "off"}), true),
        ("qwen/MiniMax-M2.5", json!({"enable_thinking": false}), true),
        (
            "qwen/qwen3-coder-plus",
            json!({"reasoning_effort": "high"}),
            false,
        ),
        (
            "qwen/qwen3-coder-plus",
            json!({"enable_thinking": true}),
            false,
        ),
    ] {
        let answer = stage.ask(&asking(model, &wish));
        assert_eq!(answer.status, 200, "{model} {wish}: {}", answer.text());
        assert_eq!(thought(&answer), thinks, "{model} {wish}");
    }
}

#[test]
fn what_was_corrected_is_said_to_the_client_and_in_the_log() {
    let stage = Stage::new();
    let tools = json!([{"type": "function", "function": {"name": "t", "parameters": {}}}]);
    let refused = json!({"temperature": 2, "tool_choice": "required", "tools": tools, "enable_thinking": true});
    let answer = stage.ask(&asking("qwen/qwen3.5-plus", &refused));
    assert_eq!(answer.status, 200, "{}", answer.text());
    let corrections = answer.header("x-openclaw-corrections").unwrap();
    assert!(
        corrections.starts_with("tool_choice: \"auto\""),
        "{corrections}"
    );
    assert!(corrections.contains("; temperature: 1.99"), "{corrections}");
    assert_eq!(stage.sent()["temperature"], 1.99);
    let answer = stage.ask(&asking("qwen/qwen3.5-plus", &json!({"temperature": 1})));
    assert_eq!(answer.header("x-openclaw-corrections"), None);
    stage.gateway.terminate();
    let ended = stage.gateway.wait();
    let noted = ended.requests().remove(0);
    assert_eq!(noted["corrections"].as_array().unwrap().len(), 2, "{noted}");
}

#[test]
fn what_a_model_cannot_do_is_refused_here_or_done_by_a_fallback() {
    let studio = Studio::start();
    let home = studio.home();
    onboard(
        &home,
        "--modelstudio-standard-api-key sk-emulator-standard-intl",
    )
    .expect_code(0);
    for (path, value) in [
        ("agents.defaults.model.primary", "\"qwen/qwen3-coder-plus\""),
        ("agents.defaults.model.fallbacks", "[\"qwen/qwen3.8-max\"]"),
    ] {
        home.run(&["config", "set", path, value, "--strict-json"])
            .expect_code(0);
    }
    let stage = Stage::with_home(studio, home);
    let schema = json!({"type": "object", "properties": {"a": {"type": "string"}}});
    let format = json!({"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}}});
    let before = stage.studio.emulator.requests().len();
    let answer = stage.ask(&asking("qwen/qwen3-coder-plus", &format));
    let error = &answer.json()["error"];
    assert_eq!(
        (answer.status, error["class"].as_str()),
        (400, Some("invalid_parameter"))
    );
    assert_eq!(error["param"], "response_format");
    let message = error["message"].as_str().unwrap();
    assert!(
        message.contains("these models can: qwen/qwen3.8-max"),
        "{message}"
    );
    assert_eq!(
        stage.studio.emulator.requests().len(),
        before,
        "nothing was sent"
    );
    let answer = stage.ask(&asking("openclaw", &format));
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(
        answer.header("x-openclaw-routed-model"),
        Some("qwen/qwen3.8-max")
    );
}

#[test]
fn a_level_can_be_given_on_the_command_line_and_in_the_config() {
    let studio = Studio::start();
    let home = studio.home();
    onboard(
        &home,
        "--modelstudio-standard-api-key sk-emulator-standard-intl",
    )
    .expect_code(0);
    let last = || {
        let last = studio.emulator.requests().pop().unwrap();
        serde_json::to_value(&last).unwrap()["body"].take()
    };
    let model = ["--model", "qwen/qwen3.8-max"];
    home.run(
        &[
            &["agent", "--local", "-m", "x", "--thinking", "low"][..],
            &model,
        ]
        .concat(),
    )
    .expect_code(0);
    assert_eq!(last()["reasoning_effort"], "low");
    home.run(&["config", "set", "agents.defaults.thinkingDefault", "medium"])
        .expect_code(0);
    home.run(
        &[
            &["infer", "model", "run", "--local", "--prompt", "x"][..],
            &model,
        ]
        .concat(),
    )
    .expect_code(0);
    assert_eq!(last()["reasoning_effort"], "medium");
    let ran = home.run(&[
        "agent",
        "--local",
        "-m",
        "x",
        "--json",
        "--thinking",
        "off",
        "--model",
        "qwen/MiniMax-M2.5",
    ]);
    let answer = ran.expect_code(0).json();
    let corrections = &answer["result"]["meta"]["corrections"];
    assert_eq!(
        corrections,
        &json!(["thinking: left out, this model always thinks"])
    );
    let ran = home.run(&["agent", "--local", "-m", "x", "--thinking", "loads"]);
    assert!(ran.expect_code(1).stderr.contains("known are off, minimal"));
}

fn message() -> impl Strategy<Value = Value> {
    let id = || {
        prop_oneof![
            Just(json!("a")),
            Just(json!("b")),
            Just(json!("")),
            Just(json!(null))
        ]
    };
    let content = prop_oneof![
        3 => Just(json!("x")),
        1 => Just(json!("")),
        1 => Just(json!(null)),
        1 => Just(json!(7)),
        1 => Just(json!({"found": 1})),
        1 => Just(json!([])),
        1 => Just(json!(["x", null, {"type": "output_text", "text": "x"}, {"type": "thinking", "thinking": "x"}])),
    ];
    let arguments = prop_oneof![
        Just(json!("{}")),
        Just(json!("{'q")),
        Just(json!({"q": 1})),
        Just(json!(null))
    ];
    let call = (id(), prop_oneof![4 => Just("t"), 1 => Just("")], arguments).prop_map(|(id, name, arguments)| {
        json!({"id": id, "type": "function", "function": {"name": name, "arguments": arguments}})
    });
    let calls = prop_oneof![
        2 => Just(json!(null)),
        3 => prop::collection::vec(call, 0..3).prop_map(Value::from),
    ];
    let role = prop_oneof![
        4 => Just(json!("assistant")),
        4 => Just(json!("tool")),
        2 => Just(json!("user")),
        1 => Just(json!("system")),
        1 => Just(json!("developer")),
        1 => Just(json!("function")),
        1 => Just(json!("human")),
        1 => Just(json!(null)),
    ];
    let whole = (role, content, calls, id()).prop_map(|(role, content, calls, answers)| {
        json!({"role": role, "content": content, "tool_calls": calls, "tool_call_id": answers, "reasoning_content": "r"})
    });
    prop_oneof![20 => whole, 1 => Just(json!(null)), 1 => Just(json!("x"))]
}

#[test]
fn any_history_is_accepted() {
    let stage = Stage::new();
    let config = Config {
        cases: HISTORIES,
        failure_persistence: None,
        ..Config::default()
    };
    let histories = prop::collection::vec(message(), 1..8);
    let mut runner = TestRunner::new(config);
    let outcome = runner.run(&histories, |history| {
        let answer = stage.ask(&json!({"model": "qwen/qwen3.5-plus", "messages": history}));
        prop_assert_eq!(answer.status, 200, "{}", answer.text());
        Ok(())
    });
    outcome.unwrap();
}
