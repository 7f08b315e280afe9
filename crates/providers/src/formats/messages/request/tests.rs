use serde_json::json;

use super::*;

fn chat(mut body: Value) -> Result<Value, Inexpressible> {
    let members = body.as_object_mut().expect("a request is an object");
    members.entry("max_tokens").or_insert(json!(64));
    to_chat(std::mem::take(members)).map(Value::Object)
}

#[test]
fn a_conversation_with_calls_keeps_its_turns() {
    let mark = json!({"type": "ephemeral", "ttl": "1h"});
    let body = json!({
        "system": [{"type": "text", "text": "Be short.", "cache_control": mark}],
        "messages": [
            {"role": "user", "content": "look"},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "hm", "signature": ""},
                {"type": "redacted_thinking", "data": "AA=="},
                {"type": "text", "text": "one moment"},
                {"type": "tool_use", "id": "a", "name": "f", "input": {"x": 1}},
                {"type": "tool_use", "id": "b", "name": "g", "input": {}}]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "a", "content": "1", "is_error": true},
                {"type": "tool_result", "tool_use_id": "b", "content": [
                    {"type": "text", "text": "2"},
                    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AA=="}}]},
                {"type": "text", "text": "go on"}]},
        ],
    });
    let expected = json!({
        "messages": [
            {"role": "system", "content": [{"type": "text", "text": "Be short.", "cache_control": {"type": "ephemeral"}}]},
            {"role": "user", "content": "look"},
            {"role": "assistant", "content": "one moment", "reasoning_content": "hm", "tool_calls": [
                {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{\"x\":1}"}},
                {"id": "b", "type": "function", "function": {"name": "g", "arguments": "{}"}}]},
            {"role": "tool", "tool_call_id": "a", "content": "Error:\n1"},
            {"role": "tool", "tool_call_id": "b", "content": "2"},
            {"role": "user", "content": [
                {"type": "text", "text": "Result of the tool call b:"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}},
                {"type": "text", "text": "go on"}]},
        ],
        "max_tokens": 64,
    });
    assert_eq!(chat(body), Ok(expected));
}

#[test]
fn options_have_their_chat_names() {
    let schema = json!({"type": "object", "properties": {}});
    let ask = json!([{"role": "user", "content": "x"}]);
    let body = json!({
        "model": "m", "messages": ask, "stop_sequences": ["END"], "top_k": 5, "stream": true,
        "tools": [{"name": "f", "description": "d", "input_schema": schema, "cache_control": {"type": "ephemeral"}}],
        "tool_choice": {"type": "any", "disable_parallel_tool_use": true},
        "output_config": {"format": {"type": "json_schema", "schema": schema}},
        "metadata": {"user_id": "u"}, "context_management": {"edits": []}, "mcp_servers": [],
    });
    let expected = json!({
        "model": "m", "messages": ask, "stop": ["END"], "top_k": 5, "stream": true,
        "tools": [{"type": "function", "function": {"name": "f", "description": "d", "parameters": schema}}],
        "parallel_tool_calls": false, "tool_choice": "required",
        "response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema, "strict": true}},
        "max_tokens": 64,
    });
    assert_eq!(chat(body), Ok(expected));
    for (choice, expected) in [
        (json!({"type": "auto"}), json!("auto")),
        (json!({"type": "none"}), json!("none")),
        (
            json!({"type": "tool", "name": "f"}),
            json!({"type": "function", "function": {"name": "f"}}),
        ),
    ] {
        let chat = chat(json!({"messages": ask, "tool_choice": choice})).unwrap();
        assert_eq!(chat["tool_choice"], expected);
    }
}

#[test]
fn a_budget_becomes_an_effort() {
    let ask = json!([{"role": "user", "content": "x"}]);
    for (thinking, output, effort) in [
        (json!({"type": "disabled"}), json!({}), json!("none")),
        (
            json!({"type": "disabled"}),
            json!({"effort": "high"}),
            json!("none"),
        ),
        (
            json!({"type": "enabled", "budget_tokens": 1024}),
            json!({}),
            json!("low"),
        ),
        (
            json!({"type": "enabled", "budget_tokens": 4097}),
            json!({}),
            json!("medium"),
        ),
        (
            json!({"type": "enabled", "budget_tokens": 31999}),
            json!({}),
            json!("high"),
        ),
        (
            json!({"type": "enabled", "budget_tokens": 200_000}),
            json!({}),
            json!("xhigh"),
        ),
        (
            json!({"type": "enabled", "budget_tokens": 1024}),
            json!({"effort": "max"}),
            json!("max"),
        ),
        (
            json!({"type": "adaptive"}),
            json!({"effort": "low"}),
            json!("low"),
        ),
        (json!({"type": "adaptive"}), json!({}), json!(null)),
    ] {
        let both = json!({"messages": ask, "thinking": thinking, "output_config": output});
        let turned = json!({"messages": ask, "output_config": output, "thinking": thinking});
        for body in [both, turned] {
            assert_eq!(
                chat(body).unwrap()["reasoning_effort"],
                effort,
                "{thinking} {output}"
            );
        }
    }
    let adaptive = chat(json!({"messages": ask, "thinking": {"type": "adaptive"}})).unwrap();
    assert_eq!(adaptive["enable_thinking"], true);
}

#[test]
fn an_answer_that_was_begun_is_marked() {
    let body = json!({"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": "{"}]});
    let expected = json!({"role": "assistant", "content": "{", "partial": true});
    assert_eq!(chat(body).unwrap()["messages"][1], expected);
}

#[test]
fn what_cannot_be_said_is_named() {
    let user = |content: Value| json!({"messages": [{"role": "user", "content": content}]});
    let with = |key: &str, value: Value| {
        let mut body = user(json!("x"));
        body[key] = value;
        body
    };
    for (body, field) in [
        (json!({}), "messages"),
        (json!({"messages": []}), "messages"),
        (with("max_tokens", json!("many")), "max_tokens"),
        (
            with(
                "tools",
                json!([{"type": "web_search_20250305", "name": "web_search"}]),
            ),
            "tools[0].type",
        ),
        (
            with("tools", json!([{"input_schema": {}}])),
            "tools[0].name",
        ),
        (
            with("tool_choice", json!({"type": "some"})),
            "tool_choice.type",
        ),
        (
            with("thinking", json!({"type": "enabled"})),
            "thinking.budget_tokens",
        ),
        (with("thinking", json!({"type": "on"})), "thinking.type"),
        (with("mcp_servers", json!([{}])), "mcp_servers"),
        (with("container", json!("c")), "container"),
        (
            with("output_config", json!({"format": {"type": "xml"}})),
            "output_config.format.type",
        ),
        (with("system", json!(1)), "system"),
        (
            json!({"messages": [{"role": "critic", "content": "x"}]}),
            "messages[0].role",
        ),
        (user(json!(1)), "messages[0].content"),
        (
            user(json!([{"type": "document", "source": {"type": "base64"}}])),
            "messages[0].content[0].source.type",
        ),
        (
            user(json!([{"type": "image", "source": {"type": "file"}}])),
            "messages[0].content[0].source.type",
        ),
        (
            user(json!([{"type": "search_result"}])),
            "messages[0].content[0].type",
        ),
        (
            user(json!([{"type": "tool_result", "content": "x"}])),
            "messages[0].content[0].tool_use_id",
        ),
    ] {
        let refused = chat(body.clone()).expect_err(&body.to_string());
        assert_eq!(refused.field, field, "{body}");
    }
}
