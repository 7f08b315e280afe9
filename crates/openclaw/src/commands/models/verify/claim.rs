//! What the catalog claims of a model, and the smallest question that shows whether it is true.

use catalog::{Catalog, ChatRule, ThinkingFormat, ThinkingKind};
use providers::Route;
use providers::directory::ListedModel;
use serde_json::{Value, json};

/// A red square of 32 by 32 pixels: the smallest image that no host finds too small.
const RED_SQUARE: &str = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAACAAAAAgCAIAAAD8GO2jAAAAJ0lEQVR42u3NsQkAAAjAsP7/tF7hIASyp6lTCQQCgUAgEAgEgi/BAjLD/C5w/SM9AAAAAElFTkSuQmCC";
/// Tokens of thinking that are paid for at most, on models that obey a budget.
const THINKING_TOKENS_MAX: u64 = 256;

/// Something a model can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ability {
    /// Answers at all.
    Answer,
    /// Calls a tool.
    Tools,
    /// Thinks when asked to.
    Thinking,
    /// Looks at an image.
    Vision,
    /// Answers with a JSON object.
    Json,
}

/// What the catalog says about an ability.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Claimed {
    Yes,
    No,
    /// It says nothing.
    Open,
}

/// One claim, with its question.
#[derive(Debug, Clone)]
pub(super) struct Claim {
    pub(super) ability: Ability,
    pub(super) claimed: Claimed,
    /// The body of the request.
    pub(super) question: Value,
    /// Most tokens that the answer can cost, thinking included.
    pub(super) output_tokens_max: u64,
}

impl Ability {
    /// Returns its name in texts and JSON.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Answer => "answer",
            Self::Tools => "tools",
            Self::Thinking => "thinking",
            Self::Vision => "vision",
            Self::Json => "json",
        }
    }

    /// Says whether an answer shows it.
    pub(super) fn is_shown_by(self, reply: &Value) -> bool {
        let message = &reply
            .pointer("/choices/0/message")
            .cloned()
            .unwrap_or_default();
        let text = |name: &str| {
            message
                .get(name)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        match self {
            Self::Answer | Self::Vision => !message.is_null(),
            Self::Tools => message
                .pointer("/tool_calls/0/function/name")
                .is_some_and(Value::is_string),
            Self::Thinking => {
                let counted = reply.pointer("/usage/completion_tokens_details/reasoning_tokens");
                !text("reasoning_content").is_empty()
                    || counted.and_then(Value::as_u64).is_some_and(|n| n > 0)
            }
            Self::Json => serde_json::from_str::<Value>(text("content").trim())
                .is_ok_and(|value| value.is_object()),
        }
    }

    /// Says what an answer lacked that does not show it.
    pub(super) fn lack(self) -> &'static str {
        match self {
            Self::Answer | Self::Vision => "the reply holds no message",
            Self::Tools => "it answered without calling the tool",
            Self::Thinking => "it answered without thinking",
            Self::Json => "the answer is not a JSON object",
        }
    }
}

/// Returns the claims about the model of a route, the answer first.
pub(super) fn claims(catalog: &Catalog, route: &Route, listed: Option<&ListedModel>) -> Vec<Claim> {
    let rule = catalog.chat_rule(&route.model, route.plan);
    let thinks = rule.as_ref().map(|rule| rule.thinking.kind);
    let yes_no = |yes: bool| if yes { Claimed::Yes } else { Claimed::No };
    let reasoning = listed.map_or(Claimed::Open, |model| yes_no(model.reasoning));
    let thinking = thinks.map_or(reasoning, |kind| yes_no(kind != ThinkingKind::None));
    let sees = |model: &ListedModel| yes_no(model.input.iter().any(|input| input == "image"));
    let json = rule
        .as_ref()
        .and_then(|rule| rule.json_object)
        .map_or(Claimed::Open, yes_no);
    let ask = Asking {
        rule: rule.as_ref(),
    };
    vec![
        ask.claim(Ability::Answer, Claimed::Yes),
        ask.claim(Ability::Tools, Claimed::Yes),
        ask.claim(Ability::Thinking, thinking),
        ask.claim(Ability::Vision, listed.map_or(Claimed::Open, sees)),
        ask.claim(Ability::Json, json),
    ]
}

/// Makes questions for one model.
struct Asking<'a> {
    rule: Option<&'a ChatRule>,
}

impl Asking<'_> {
    fn claim(&self, ability: Ability, claimed: Claimed) -> Claim {
        let (content, tokens, more) = match ability {
            Ability::Answer => (json!("Reply with the word OK."), 16, json!({})),
            Ability::Tools => {
                let parameters = json!({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]});
                let function = json!({"name": "get_weather", "description": "Tells the weather of a city", "parameters": parameters});
                (
                    json!("Call get_weather for Paris."),
                    96,
                    json!({"tools": [{"type": "function", "function": function}]}),
                )
            }
            Ability::Thinking => (json!("How many days have two weeks?"), 16, self.thinking()),
            Ability::Vision => (
                json!([
                    {"type": "image_url", "image_url": {"url": RED_SQUARE}},
                    {"type": "text", "text": "Which colour is this? One word."},
                ]),
                16,
                json!({}),
            ),
            Ability::Json => (
                json!("Reply with a JSON object that has the one key \"ok\"."),
                48,
                json!({"response_format": {"type": "json_object"}}),
            ),
        };
        let mut question = json!({
            "messages": [{"role": "user", "content": content}],
            "max_tokens": tokens,
            "stream": false,
        });
        let quiet = if ability == Ability::Thinking {
            json!({})
        } else {
            self.quiet()
        };
        for extra in [more, quiet] {
            if let (Some(members), Value::Object(extra)) = (question.as_object_mut(), extra) {
                members.extend(extra);
            }
        }
        Claim {
            ability,
            claimed,
            question,
            output_tokens_max: tokens + self.thinking_tokens(ability),
        }
    }

    /// Returns what makes the model think, as little as it can be told to.
    fn thinking(&self) -> Value {
        match self.rule.map(|rule| rule.thinking.format) {
            Some(ThinkingFormat::EnableThinking) => {
                json!({"enable_thinking": true, "thinking_budget": THINKING_TOKENS_MAX})
            }
            _ => json!({"reasoning_effort": "low"}),
        }
    }

    /// Returns what keeps the model from thinking, where that can be done.
    fn quiet(&self) -> Value {
        match self
            .rule
            .map(|rule| (rule.thinking.kind, rule.thinking.format))
        {
            Some((ThinkingKind::Hybrid, _)) => json!({"reasoning_effort": "none"}),
            Some((ThinkingKind::Always, ThinkingFormat::EnableThinking)) => {
                json!({"thinking_budget": THINKING_TOKENS_MAX})
            }
            _ => json!({}),
        }
    }

    fn thinking_tokens(&self, ability: Ability) -> u64 {
        let Some(thinking) = self.rule.map(|rule| &rule.thinking) else {
            return 0;
        };
        let thinks = match thinking.kind {
            ThinkingKind::None => false,
            ThinkingKind::Hybrid => ability == Ability::Thinking,
            ThinkingKind::Always => true,
        };
        let by_effort = || thinking.effort_budget_tokens.get("low").copied();
        match thinking.format {
            _ if !thinks => 0,
            ThinkingFormat::EnableThinking => THINKING_TOKENS_MAX,
            _ => by_effort()
                .or(thinking.default_budget_tokens)
                .unwrap_or(4096),
        }
    }
}
