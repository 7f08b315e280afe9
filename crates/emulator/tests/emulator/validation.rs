//! Requests that the service refuses, with its words.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{
    CHAT, Connection, STANDARD, STANDARD_KEY, chat, chat_request, post, request, start,
};

/// Fields added to a good request, and the status, code and part of the message they lead to.
type Case = (Value, u16, &'static str, &'static str);

const INVALID: &str = "invalid_parameter_error";

async fn assert_refused(cases: &[Case]) {
    let emulator = start().await;
    for (extra, status, code, message) in cases {
        let answer = chat(&emulator, &chat_request(extra)).await;
        assert_eq!(answer.status.as_u16(), *status, "{extra}");
        let error = &answer.json()["error"];
        let found = error["message"].as_str().unwrap();
        assert!(found.contains(message), "{extra}: {found}");
        assert_eq!(error["code"].as_str().unwrap_or_default(), *code, "{extra}");
    }
}

fn bad(extra: Value, message: &'static str) -> Case {
    (extra, 400, INVALID, message)
}

#[tokio::test]
async fn refuses_models() {
    let missing = |id: Value, code, message| (json!({"model": id}), 404, code, message);
    assert_refused(&[
        (
            json!({"model": null}),
            400,
            "",
            "you must provide a model parameter.",
        ),
        missing(
            json!("nope"),
            "model_not_found",
            "The model `nope` does not exist or you do not have access to it.",
        ),
        missing(
            json!("QWEN3-max"),
            "model_not_found",
            "The model `QWEN3-max` does not exist",
        ),
        missing(
            json!("text-embedding-v4"),
            "model_not_supported",
            "Unsupported model text-embedding-v4 for OpenAI compatibility mode.",
        ),
    ])
    .await;
}

#[tokio::test]
async fn refuses_conversations() {
    let lone_reply = json!([{"role": "tool", "tool_call_id": "a", "content": "x"}]);
    let developer = json!([{"role": "developer", "content": "x"}]);
    assert_refused(&[
        bad(json!({"messages": []}), "[] is too short"),
        bad(
            json!({"messages": null}),
            "'messages' is a required property",
        ),
        bad(json!({"messages": developer}), "'developer' is not one of"),
        bad(
            json!({"messages": [{"role": "user"}]}),
            "The content field is a required field.",
        ),
        bad(
            json!({"messages": lone_reply}),
            "must be a response to a preceeding message",
        ),
    ])
    .await;
}

#[tokio::test]
async fn refuses_calls_that_are_none() {
    let assistant = |extra: Value| {
        let mut message = json!({"role": "assistant", "content": null});
        let members = message.as_object_mut().unwrap();
        members.extend(extra.as_object().unwrap().clone());
        json!({"messages": [{"role": "user", "content": "x"}, message, {"role": "tool", "tool_call_id": "a", "content": "x"}]})
    };
    let calling = |id: &str, name: &str, arguments: &str| {
        let function = json!({"name": name, "arguments": arguments});
        assistant(json!({"tool_calls": [{"id": id, "type": "function", "function": function}]}))
    };
    let user = json!([{"role": "user", "content": "x", "tool_calls": [{"id": "a"}]}]);
    assert_refused(&[
        bad(
            assistant(json!({})),
            "The content field is a required field.",
        ),
        bad(
            assistant(json!({"tool_calls": []})),
            "[] is too short - 'messages.1.tool_calls'",
        ),
        bad(
            assistant(json!({"tool_calls": {}})),
            "'messages.1.tool_calls' must be Array",
        ),
        bad(
            calling("", "t", "{}"),
            "'id' and 'function.name' are required properties",
        ),
        bad(
            calling("a", "", "{}"),
            "'id' and 'function.name' are required properties",
        ),
        bad(
            calling("a", "t", "{'q': 1}"),
            "parameter of the code model must be in JSON format.",
        ),
        bad(
            json!({"messages": user}),
            "'messages.0.tool_calls' is not allowed here",
        ),
    ])
    .await;
}

#[tokio::test]
async fn refuses_schemas_of_models_that_know_none() {
    let format =
        json!({"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}});
    let asking = |model: &str| json!({"model": model, "response_format": format});
    let refused = "json_schema is not supported by qwen3-coder-plus";
    assert_refused(&[bad(asking("qwen3-coder-plus"), refused)]).await;
    let emulator = start().await;
    let answer = chat(&emulator, &chat_request(&asking("qwen3-max"))).await;
    assert_eq!(answer.status.as_u16(), 200);
}

#[tokio::test]
async fn refuses_sampling_out_of_range() {
    assert_refused(&[
        bad(
            json!({"temperature": 2.0}),
            "'temperature' must be in [0.0, 2.0)",
        ),
        bad(json!({"temperature": "hot"}), "'temperature' must be Float"),
        bad(json!({"top_p": 0}), "Range of top_p should be (0.0, 1.0]"),
        bad(
            json!({"presence_penalty": 2.5}),
            "Range of presence_penalty",
        ),
        bad(
            json!({"top_logprobs": 6}),
            "Range of top_logprobs should be [0, 5]",
        ),
        (json!({"seed": -1}), 400, "invalid_value", "Range of seed"),
        bad(json!({"n": 5}), "Range of n should be [1, 4]"),
        bad(
            json!({"max_tokens": 65_537}),
            "Range of max_tokens should be [1, 65536]",
        ),
        bad(
            json!({"max_tokens": 0}),
            "Range of max_tokens should be [1, 65536]",
        ),
        bad(json!({"stop": 3}), "'stop' must be"),
    ])
    .await;
}

#[tokio::test]
async fn refuses_tools_and_formats() {
    let weather = json!([{"type": "function", "function": {"name": "weather"}}]);
    let forced = json!({"type": "function", "function": {"name": "weather"}});
    let object = json!({"type": "json_object"});
    assert_refused(&[
        bad(json!({"n": 2, "tools": weather}), "n parameter must be 1"),
        bad(
            json!({"tools": [{"type": "function"}]}),
            "'tools' must be a list",
        ),
        bad(
            json!({"tools": weather, "tool_choice": "required"}),
            "should be [\"none\",\"auto\"]",
        ),
        bad(
            json!({"tools": weather, "tool_choice": forced, "enable_thinking": true}),
            "in thinking mode",
        ),
        bad(
            json!({"response_format": object}),
            "must contain the word 'json'",
        ),
        bad(
            json!({"response_format": object, "enable_thinking": true}),
            "Json mode response is not supported when enable_thinking is true",
        ),
        bad(
            json!({"response_format": {"type": "json_schema"}}),
            "is a required property",
        ),
    ])
    .await;
}

#[tokio::test]
async fn refuses_thinking_the_model_cannot_do() {
    let unsupported = "InvalidParameter.NotSupportEnableThinking";
    assert_refused(&[
        bad(json!({"thinking_budget": 300_000}), "not greater than 262144"),
        (json!({"model": "qwen3-coder-plus", "enable_thinking": true}), 400, unsupported, "enable_thinking"),
        bad(json!({"model": "MiniMax-M2.5", "enable_thinking": false}), "The value of the enable_thinking parameter is restricted to True."),
        bad(json!({"model": "qwen3-32b"}), "enable_thinking must be set to false for non-streaming calls"),
        bad(json!({"model": "qwq-plus"}), "This model only support stream mode, please enable the stream parameter to access the model."),
        bad(json!({"model": "qwen3.8-max", "reasoning_effort": "low", "thinking_budget": 9}), "reasoning_effort"),
    ])
    .await;
}

#[tokio::test]
async fn a_stream_that_is_refused_is_refused_before_it_starts() {
    let emulator = start().await;
    let answer = chat(
        &emulator,
        &chat_request(&json!({"stream": true, "temperature": 3})),
    )
    .await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("content-type")),
        (400, "application/json")
    );
}

#[tokio::test]
async fn older_hybrids_think_only_while_streaming() {
    let emulator = start().await;
    let ask = |extra: Value| {
        let mut body = chat_request(&json!({"model": "qwen3-32b"}));
        body.as_object_mut()
            .unwrap()
            .extend(extra.as_object().unwrap().clone());
        body
    };
    assert_eq!(
        chat(&emulator, &ask(json!({"enable_thinking": false})))
            .await
            .status
            .as_u16(),
        200
    );
    let streamed = chat(&emulator, &ask(json!({"stream": true})))
        .await
        .chunks();
    assert_eq!(streamed[0]["choices"][0]["delta"]["reasoning_content"], "");
}

#[tokio::test]
async fn a_body_that_is_no_json_is_refused() {
    let emulator = start().await;
    for body in ["", "{", "[]", "\"text\"", "{\"model\":\u{0}}"] {
        let mut connection = Connection::open(emulator.addr()).await;
        let sent = request(
            Method::POST,
            &format!("/{STANDARD}{CHAT}"),
            STANDARD_KEY,
            body,
        );
        let answer = connection.send(sent).await.unwrap().read().await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{body:?}");
        assert_eq!(
            answer.json()["error"]["message"],
            "Required body invalid, please check the request body format."
        );
    }
}

#[tokio::test]
async fn unknown_models_are_refused_as_the_plan_does() {
    let emulator = start().await;
    let ask = json!({"model": "qwen3.7-max", "messages": [{"role": "user", "content": "hi"}]});
    for (host, path, key, status, message) in [
        (
            "coding.dashscope.aliyuncs.com",
            "/v1/chat/completions",
            "sk-sp-emulator-coding-cn",
            400,
            "model 'qwen3.7-max' is not supported",
        ),
        (
            "token-plan.cn-beijing.maas.aliyuncs.com",
            CHAT,
            "sk-sp-emulator-token-cn",
            404,
            "model 'qwen3.7-max' not found or not supported",
        ),
    ] {
        let answer = post(&emulator, &format!("/{host}{path}"), key, &ask).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.json()["error"]["message"]),
            (status, &json!(message))
        );
    }
}
