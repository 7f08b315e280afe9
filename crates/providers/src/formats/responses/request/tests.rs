use serde_json::json;

use super::*;

fn chat(body: Value) -> Result<Value, Inexpressible> {
    let Value::Object(members) = body else {
        panic!("a request is an object");
    };
    to_chat(members).map(Value::Object)
}

#[test]
fn a_plain_question_becomes_one_message() {
    let body = json!({"model": "m", "input": "ping", "stream": true, "x_unknown": [1]});
    let expected = json!({"model": "m", "messages": [{"role": "user", "content": "ping"}], "stream": true, "x_unknown": [1]});
    assert_eq!(chat(body), Ok(expected));
}

#[test]
fn a_conversation_with_calls_keeps_its_turns() {
    let body = json!({
        "instructions": "Be short.",
        "input": [
            {"role": "developer", "content": "Use tools."},
            {"type": "message", "role": "user", "content": [
                {"type": "input_text", "text": "look"},
                {"type": "input_image", "image_url": "https://x/y.png", "detail": "high"}]},
            {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "hm"}], "encrypted_content": null},
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "one moment", "annotations": []}]},
            {"type": "function_call", "call_id": "a", "name": "f", "arguments": "{\"x\":1}"},
            {"type": "function_call", "call_id": "b", "name": "g", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "a", "output": "1"},
            {"type": "function_call_output", "call_id": "b", "output": [
                {"type": "input_text", "text": "2"}, {"type": "input_image", "image_url": "data:image/png;base64,AA=="}]},
            {"role": "user", "content": "go on"},
        ],
    });
    let expected = json!({"messages": [
        {"role": "system", "content": "Be short.\nUse tools."},
        {"role": "user", "content": [
            {"type": "text", "text": "look"},
            {"type": "image_url", "image_url": {"url": "https://x/y.png", "detail": "high"}}]},
        {"role": "assistant", "content": "one moment", "reasoning_content": "hm", "tool_calls": [
            {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{\"x\":1}"}},
            {"id": "b", "type": "function", "function": {"name": "g", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "a", "content": "1"},
        {"role": "tool", "tool_call_id": "b", "content": "2"},
        {"role": "user", "content": [
            {"type": "text", "text": "Result of the tool call b:"},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}},
            {"type": "text", "text": "go on"}]},
    ]});
    assert_eq!(chat(body), Ok(expected));
}

#[test]
fn options_have_their_chat_names() {
    let schema = json!({"type": "object", "properties": {}});
    let tool = |name: &str| json!({"type": "function", "name": name, "parameters": schema, "strict": false});
    let body = json!({
        "input": "x", "max_output_tokens": 50, "temperature": 0.7, "parallel_tool_calls": true,
        "reasoning": {"effort": "high", "summary": "auto"}, "enable_thinking": null,
        "text": {"format": {"type": "json_schema", "name": "n", "schema": schema, "strict": true}, "verbosity": "low"},
        "tools": [tool("f"), tool("g")],
        "tool_choice": {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "g"}]},
        "store": false, "include": ["reasoning.encrypted_content"], "metadata": {"a": "b"}, "top_logprobs": 0,
    });
    let expected = json!({
        "messages": [{"role": "user", "content": "x"}],
        "max_completion_tokens": 50, "temperature": 0.7, "parallel_tool_calls": true,
        "reasoning_effort": "high", "verbosity": "low",
        "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": schema, "strict": true}},
        "tools": [{"type": "function", "function": {"name": "g", "parameters": schema}}],
        "tool_choice": "required",
    });
    assert_eq!(chat(body), Ok(expected));
}

#[test]
fn what_cannot_be_said_is_named() {
    let user = json!({"role": "user", "content": "x"});
    for (body, field) in [
        (json!({}), "input"),
        (json!({"input": 1}), "input"),
        (
            json!({"input": "x", "previous_response_id": "resp_1"}),
            "previous_response_id",
        ),
        (
            json!({"input": "x", "conversation": "conv_1"}),
            "conversation",
        ),
        (json!({"input": "x", "prompt": {"id": "p"}}), "prompt"),
        (json!({"input": "x", "background": true}), "background"),
        (json!({"input": "x", "top_logprobs": 3}), "top_logprobs"),
        (json!({"input": "x", "include": [LOGPROBS]}), "include"),
        (json!({"input": "x", "tools": {}}), "tools"),
        (
            json!({"input": "x", "tools": [{"type": "function", "name": "f"}, {"type": "web_search"}]}),
            "tools[1].type",
        ),
        (
            json!({"input": "x", "tools": [{"type": "function"}]}),
            "tools[0].name",
        ),
        (
            json!({"input": "x", "tool_choice": {"type": "web_search"}}),
            "tool_choice.type",
        ),
        (
            json!({"input": "x", "text": {"format": {"type": "grammar"}}}),
            "text.format.type",
        ),
        (
            json!({"input": [user, {"type": "web_search_call"}]}),
            "input[1].type",
        ),
        (
            json!({"input": [{"type": "item_reference", "id": "i"}]}),
            "input[0].type",
        ),
        (
            json!({"input": [{"role": "critic", "content": "x"}]}),
            "input[0].role",
        ),
        (
            json!({"input": [{"role": "user", "content": [{"type": "input_file", "file_id": "f"}]}]}),
            "input[0].content[0].type",
        ),
        (
            json!({"input": [{"role": "user", "content": [{"type": "input_image", "file_id": "f"}]}]}),
            "input[0].content[0].image_url",
        ),
        (json!({"input": [{"role": "user"}]}), "input[0].content"),
        (
            json!({"input": [{"type": "function_call", "name": "f"}]}),
            "input[0].call_id",
        ),
    ] {
        let refused = chat(body.clone()).expect_err(&body.to_string());
        assert_eq!(refused.field, field, "{body}");
    }
}
