use bytes::Bytes;
use catalog::{Catalog, EndpointFamily, Plan};
use serde_json::{Value, json};

use crate::chat_request::ChatRequest;
use crate::chat_rules::{ChatRules, RuleFacts};

const VENDOR: RuleFacts<'_> = RuleFacts {
    family: EndpointFamily::OpenaiStandard,
    plan: Some(Plan::Standard),
    provider: "qwen",
    model: "",
    row: None,
    params: &[],
    thinking_default: None,
};

fn on(model: &str, plan: Plan) -> RuleFacts<'_> {
    let provider = if plan == Plan::Token {
        "qwen-token-plan"
    } else {
        "qwen"
    };
    RuleFacts {
        plan: Some(plan),
        provider,
        model,
        ..VENDOR
    }
}

/// Sends `extra` with a message; returns what arrives beside model and messages, and the fields that were corrected.
fn sent(facts: &RuleFacts<'_>, extra: &Value) -> Result<(Value, Vec<&'static str>), String> {
    let rules = ChatRules::new(&Catalog::builtin().unwrap(), facts);
    let mut body =
        json!({"model": facts.model, "messages": [{"role": "user", "content": "as JSON"}]});
    let members = body.as_object_mut().unwrap();
    members.extend(extra.as_object().unwrap().clone());
    let request = ChatRequest::parse(Bytes::from(body.to_string())).unwrap();
    let patched = request
        .patched(facts.model, false, Some(&rules))
        .map_err(|refusal| refusal.to_string())?;
    let mut body: Value = serde_json::from_slice(&patched.body).unwrap();
    let members = body.as_object_mut().unwrap();
    members.shift_remove("model");
    members.shift_remove("messages");
    let fields = patched.corrections.iter().map(|done| done.field).collect();
    Ok((body, fields))
}

#[track_caller]
#[expect(clippy::needless_pass_by_value, reason = "made for the call")]
fn check(facts: &RuleFacts<'_>, extra: Value, expected: Value, corrected: &[&str]) {
    let (body, fields) = sent(facts, &extra).unwrap();
    assert_eq!(body, expected, "{} {extra}", facts.model);
    assert_eq!(fields, corrected, "{} {extra}", facts.model);
}

/// Reads one word of the table: what is said to the model.
fn said(word: &str) -> Value {
    match word {
        "nothing" => json!({}),
        "off" => json!({"enable_thinking": false}),
        "on" => json!({"enable_thinking": true}),
        word => match word.parse::<u64>() {
            Ok(budget) => json!({"enable_thinking": true, "thinking_budget": budget}),
            Err(_) => json!({"enable_thinking": true, "reasoning_effort": word}),
        },
    }
}

#[test]
fn levels_become_the_words_of_the_model() {
    let levels = "off minimal low medium high xhigh adaptive max";
    for (model, plan, expected) in [
        (
            "qwen3.8-max",
            Plan::Standard,
            "off low low medium xhigh xhigh on xhigh",
        ),
        (
            "qwen3.5-plus",
            Plan::Standard,
            "off 4096 4096 16384 on on on on",
        ),
        (
            "qwen3-max-2026-01-23",
            Plan::Coding,
            "off 4096 4096 16384 on on on on",
        ),
        ("glm-5", Plan::Standard, "off on on on on on on on"),
        ("glm-5", Plan::Token, "off high high high high max on max"),
        (
            "deepseek-v4-pro",
            Plan::Token,
            "off high high high high max on max",
        ),
        (
            "glm-5.3",
            Plan::Standard,
            "off low low high high max on max",
        ),
        ("kimi-k2.5", Plan::Token, "off on on on on on on on"),
        (
            "MiniMax-M2.5",
            Plan::Coding,
            "nothing nothing nothing nothing nothing nothing nothing nothing",
        ),
        (
            "qwen3-coder-plus",
            Plan::Standard,
            "nothing nothing nothing nothing nothing nothing nothing nothing",
        ),
    ] {
        for (level, expected) in levels.split(' ').zip(expected.split(' ')) {
            for wish in [
                json!({"thinking": level}),
                json!({"reasoning_effort": level}),
                json!({"reasoning": {"effort": level}}),
            ] {
                let (body, _) = sent(&on(model, plan), &wish).unwrap();
                assert_eq!(body, said(expected), "{model} {wish}");
            }
        }
    }
}

#[test]
fn a_level_that_cannot_be_is_said() {
    for (model, level, fields) in [
        ("MiniMax-M2.5", "off", vec!["thinking"]),
        ("MiniMax-M2.5", "high", vec![]),
        ("qwen3-coder-plus", "high", vec!["thinking"]),
        ("qwen3-coder-plus", "off", vec![]),
        ("qwen3.8-max", "minimal", vec![]),
    ] {
        let (_, corrected) = sent(&on(model, Plan::Standard), &json!({"thinking": level})).unwrap();
        assert_eq!(corrected, fields, "{model} {level}");
    }
    let refused = sent(
        &on("qwen3.5-plus", Plan::Standard),
        &json!({"thinking": "much"}),
    );
    assert!(
        refused
            .unwrap_err()
            .contains("`much` is no level of thinking; known are off, ")
    );
}

#[test]
fn the_services_own_fields_win_over_a_level() {
    let plus = on("qwen3.5-plus", Plan::Coding);
    let raw = json!({"enable_thinking": true, "thinking_budget": 500});
    check(&plus, raw.clone(), raw, &[]);
    let both = json!({"enable_thinking": false, "reasoning_effort": "high"});
    check(&plus, both, json!({"enable_thinking": false}), &[]);
    let off = json!({"enable_thinking": true, "reasoning_effort": "none"});
    check(
        &plus,
        off,
        json!({"enable_thinking": true}),
        &["reasoning_effort"],
    );
    let level = json!({"thinking": "low", "thinking_budget": 100});
    check(
        &plus,
        level,
        json!({"thinking_budget": 100, "enable_thinking": true}),
        &[],
    );
    let object = json!({"thinking": {"type": "enabled", "budget_tokens": 300}});
    check(
        &plus,
        object,
        json!({"enable_thinking": true, "thinking_budget": 300}),
        &[],
    );
    let zero = json!({"thinking_budget": 0});
    check(&plus, zero, json!({"enable_thinking": false}), &[]);
    let budget_alone = json!({"thinking_budget": 100});
    check(&plus, budget_alone.clone(), budget_alone, &[]);
    let garbage = json!({"enable_thinking": "yes", "thinking_budget": -1});
    check(&plus, garbage.clone(), garbage, &[]);
}

#[test]
fn what_the_host_refuses_is_corrected_and_said() {
    let max = on("qwen3.8-max", Plan::Standard);
    let both = json!({"reasoning_effort": "low", "thinking_budget": 100});
    check(
        &max,
        both,
        json!({"thinking_budget": 100, "enable_thinking": true}),
        &["reasoning_effort"],
    );
    let plus = on("qwen3.6-plus", Plan::Coding);
    let much = json!({"enable_thinking": true, "thinking_budget": 100_000});
    check(
        &plus,
        much,
        json!({"enable_thinking": true, "thinking_budget": 81_920}),
        &["thinking_budget"],
    );
    let only = on("qwq-plus", Plan::Standard);
    check(
        &only,
        json!({"enable_thinking": false}),
        json!({}),
        &["enable_thinking"],
    );
    check(
        &only,
        json!({"enable_thinking": true}),
        json!({"enable_thinking": true}),
        &[],
    );
    let coder = on("qwen3-coder-plus", Plan::Coding);
    check(
        &coder,
        json!({"enable_thinking": true, "thinking_budget": 5}),
        json!({}),
        &["enable_thinking", "thinking_budget"],
    );
    check(&coder, json!({"enable_thinking": false}), json!({}), &[]);
}

#[test]
fn a_forced_tool_and_json_switch_thinking_off() {
    let tool = json!({"type": "function", "function": {"name": "t"}});
    let plus = on("qwen3.7-plus", Plan::Standard);
    let forced = json!({"tool_choice": tool, "enable_thinking": true});
    check(
        &plus,
        forced,
        json!({"tool_choice": tool, "enable_thinking": false}),
        &["enable_thinking"],
    );
    // It would think unless told not to, so it is told.
    check(
        &plus,
        json!({"tool_choice": tool}),
        json!({"tool_choice": tool, "enable_thinking": false}),
        &[],
    );
    let max = on("qwen3-max", Plan::Standard);
    check(
        &max,
        json!({"tool_choice": tool}),
        json!({"tool_choice": tool}),
        &[],
    );
    let minimax = on("MiniMax-M2.5", Plan::Standard);
    check(
        &minimax,
        json!({"tool_choice": tool}),
        json!({"tool_choice": "auto"}),
        &["tool_choice"],
    );
    check(
        &max,
        json!({"tool_choice": "required"}),
        json!({"tool_choice": "auto"}),
        &["tool_choice"],
    );
    check(
        &plus,
        json!({"tool_choice": "none"}),
        json!({"tool_choice": "none"}),
        &[],
    );
    let format = json!({"type": "json_object"});
    check(
        &plus,
        json!({"response_format": format, "reasoning_effort": "high"}),
        json!({"response_format": format, "enable_thinking": false}),
        &["thinking"],
    );
    check(
        &max,
        json!({"response_format": format}),
        json!({"response_format": format}),
        &[],
    );
}

#[test]
fn forms_that_a_model_cannot_give_are_refused_with_those_that_can() {
    let schema = json!({"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {}}}});
    let refused = sent(&on("qwen3-coder-plus", Plan::Standard), &schema).unwrap_err();
    assert!(
        refused.contains("qwen/qwen3-coder-plus cannot answer"),
        "{refused}"
    );
    assert!(
        refused.contains("these models can: qwen/qwen3.8-max"),
        "{refused}"
    );
    assert!(sent(&on("qwen3.8-max", Plan::Standard), &schema).is_ok());
    assert!(sent(&on("nobody-knows", Plan::Standard), &schema).is_ok());
    let object = json!({"response_format": {"type": "json_object"}});
    let refused = sent(&on("MiniMax-M2.5", Plan::Coding), &object).unwrap_err();
    assert!(refused.contains("always thinks"), "{refused}");
    let wordless = json!({"response_format": {"type": "json_object"}, "messages": [{"role": "user", "content": "hi"}]});
    let refused = sent(&on("qwen3-max", Plan::Standard), &wordless).unwrap_err();
    assert!(refused.contains("needs the word JSON"), "{refused}");
    let other = RuleFacts {
        family: EndpointFamily::OpenaiCustom,
        plan: None,
        ..on("x", Plan::Standard)
    };
    assert!(sent(&other, &wordless).is_ok());
}

#[test]
fn limits_of_the_host_are_kept() {
    let plus = on("qwen3.5-plus", Plan::Standard);
    check(
        &plus,
        json!({"temperature": 2, "top_p": 0, "top_logprobs": 20, "seed": 4_294_967_297_u64}),
        json!({"temperature": 1.99, "top_p": 0.01, "top_logprobs": 5, "seed": 1}),
        &["temperature", "top_p", "top_logprobs", "seed"],
    );
    let fine =
        json!({"temperature": 1.9, "top_p": 0.5, "top_logprobs": 5, "seed": 7, "max_tokens": 100});
    check(&plus, fine.clone(), fine, &[]);
    // Nobody can mean this, so the host gets to say it.
    check(
        &plus,
        json!({"temperature": 3}),
        json!({"temperature": 3}),
        &[],
    );
    check(
        &plus,
        json!({"max_tokens": 1_000_000}),
        json!({"max_tokens": 65_536}),
        &["max_tokens"],
    );
    let kept = json!({"max_completion_tokens": 1000});
    check(&plus, kept.clone(), kept, &[]);
    let coder = on("qwen3-coder-plus", Plan::Standard);
    check(
        &coder,
        json!({"max_completion_tokens": 1000}),
        json!({"max_tokens": 1000}),
        &[],
    );
    let other = RuleFacts {
        family: EndpointFamily::OpenaiCustom,
        plan: None,
        ..on("x", Plan::Standard)
    };
    let anything = json!({"temperature": 2, "top_p": 0, "seed": -1, "tool_choice": "required", "max_tokens": 999_999_999});
    check(&other, anything.clone(), anything, &[]);
}

#[test]
fn an_unknown_model_gets_what_the_client_wrote() {
    let vendor = on("nobody-knows", Plan::Standard);
    let raw = json!({"reasoning_effort": "high", "enable_thinking": true, "thinking_budget": 1});
    check(&vendor, raw.clone(), raw.clone(), &[]);
    check(
        &vendor,
        json!({"thinking": "high"}),
        json!({"enable_thinking": true}),
        &[],
    );
    let other = RuleFacts {
        family: EndpointFamily::OpenaiCustom,
        plan: None,
        ..vendor
    };
    check(&other, raw.clone(), raw, &[]);
    check(
        &other,
        json!({"thinking": "medium"}),
        json!({"reasoning_effort": "medium"}),
        &[],
    );
    check(&other, json!({"thinking": "off"}), json!({}), &[]);
}

fn with_row(row: &Value, check: impl FnOnce(&RuleFacts<'_>)) {
    let text =
        json!({"models": {"providers": {"own": {"baseUrl": "http://h/v1", "models": [row]}}}});
    let text = config::ConfigText::parse("openclaw.json", text.to_string().into_bytes()).unwrap();
    let (settings, problems) = config::Settings::read(&text);
    assert_eq!(problems.len(), 0, "{problems:?}");
    let row = settings.models.providers.first().unwrap().models.first();
    let facts = RuleFacts {
        family: EndpointFamily::OpenaiCustom,
        plan: None,
        provider: "own",
        row,
        ..on("m", Plan::Standard)
    };
    check(&facts);
}

#[test]
fn the_configs_row_says_what_its_host_wants() {
    let wish = json!({"thinking": "high"});
    for (compat, expected) in [
        (
            json!({"thinkingFormat": "qwen"}),
            json!({"enable_thinking": true}),
        ),
        (
            json!({"thinkingFormat": "qwen-chat-template"}),
            json!({"chat_template_kwargs": {"enable_thinking": true, "preserve_thinking": true}}),
        ),
        (
            json!({"thinkingFormat": "openai"}),
            json!({"reasoning_effort": "high"}),
        ),
        (
            json!({"thinkingFormat": "openrouter"}),
            json!({"reasoning": {"effort": "high"}}),
        ),
        (
            json!({"thinkingFormat": "together"}),
            json!({"reasoning": {"enabled": true}}),
        ),
        (
            json!({"thinkingFormat": "zai"}),
            json!({"thinking": {"type": "enabled"}}),
        ),
        (
            json!({"thinkingFormat": "deepseek"}),
            json!({"thinking": {"type": "enabled"}}),
        ),
        (
            json!({"supportsReasoningEffort": true}),
            json!({"reasoning_effort": "high"}),
        ),
        (json!({"supportsReasoningEffort": false}), json!({})),
        (
            json!({"supportsReasoningEffort": true, "supportedReasoningEfforts": ["low", "max"]}),
            json!({"reasoning_effort": "max"}),
        ),
        (
            json!({"supportsReasoningEffort": true, "reasoningEffortMap": {"high": "deep"}}),
            json!({"reasoning_effort": "deep"}),
        ),
    ] {
        let row = json!({"id": "m", "name": "m", "reasoning": true, "compat": compat});
        with_row(&row, |facts| {
            check(facts, wish.clone(), expected.clone(), &[]);
        });
    }
}

#[test]
fn the_configs_row_takes_levels_and_names_away() {
    let row = json!({"id": "m", "name": "m", "compat": {"thinkingFormat": "qwen"},
        "thinkingLevelMap": {"off": null}});
    with_row(&row, |facts| {
        check(facts, json!({"thinking": "off"}), json!({}), &["thinking"]);
    });
    let row = json!({"id": "m", "name": "m", "compat": {"maxTokensField": "max_tokens"}});
    with_row(&row, |facts| {
        check(
            facts,
            json!({"max_completion_tokens": 9}),
            json!({"max_tokens": 9}),
            &[],
        );
    });
    let row = json!({"id": "m", "name": "m", "compat": {"thinkingFormat": "qwen-chat-template"}});
    let known =
        json!({"thinking": "off", "chat_template_kwargs": {"x": 1, "preserve_thinking": false}});
    let expected = json!({"chat_template_kwargs": {"x": 1, "preserve_thinking": false, "enable_thinking": false}});
    with_row(&row, |facts| check(facts, known, expected, &[]));
}

#[test]
fn the_configs_parameters_stand_behind_those_of_the_request() {
    let (first, second) = (
        json!({"temperature": 0.1, "maxTokens": 50, "cacheRetention": "long", "thinking": "low"}),
        json!({"temperature": 0.2, "extra_body": {"enable_search": true, "model": "x"}}),
    );
    let params = [&first, &second];
    let facts = RuleFacts {
        params: &params,
        thinking_default: Some("high"),
        ..on("qwen3.5-plus", Plan::Standard)
    };
    check(
        &facts,
        json!({}),
        json!({"temperature": 0.2, "max_tokens": 50, "enable_search": true, "enable_thinking": true, "thinking_budget": 4096}),
        &[],
    );
    check(
        &facts,
        json!({"temperature": 1, "max_completion_tokens": 9, "enable_search": false, "enable_thinking": false}),
        json!({"temperature": 1, "max_completion_tokens": 9, "enable_search": false, "enable_thinking": false}),
        &[],
    );
    let default = RuleFacts {
        thinking_default: Some("xhigh"),
        ..on("qwen3.8-flash", Plan::Token)
    };
    check(
        &default,
        json!({}),
        json!({"enable_thinking": true, "reasoning_effort": "xhigh"}),
        &[],
    );
    check(
        &default,
        json!({"enable_thinking": false}),
        json!({"enable_thinking": false}),
        &[],
    );
}

#[test]
fn tool_stream_goes_along_where_it_is_known() {
    let tools = json!([{"type": "function", "function": {"name": "t"}}]);
    check(
        &on("glm-5", Plan::Token),
        json!({"tools": tools}),
        json!({"tools": tools, "tool_stream": true}),
        &[],
    );
    check(
        &on("glm-5", Plan::Coding),
        json!({"tools": tools}),
        json!({"tools": tools}),
        &[],
    );
    check(&on("glm-5", Plan::Token), json!({}), json!({}), &[]);
}
