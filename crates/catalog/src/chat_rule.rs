//! What a chat request may say: by model, and by family of hosts.

use serde::Deserialize;

use crate::plan::{PerPlan, Plan};
use crate::thinking::{ThinkTags, Thinking, ThinkingFormat};

/// One row about the models of a family.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChatRule {
    /// Unique id of the row.
    pub id: String,
    /// Lower-case texts of which the model's id starts with one; empty when its start does not matter.
    #[serde(default)]
    pub prefixes: Vec<String>,
    /// Lower-case text that the model's id holds.
    #[serde(default)]
    pub contains: Option<String>,
    /// How the models think.
    #[serde(default)]
    pub thinking: Thinking,
    /// Whether the answer can be any JSON object; none when that is not known.
    #[serde(default)]
    pub json_object: Option<bool>,
    /// Whether the answer can follow a JSON schema; none when that is not known.
    #[serde(default)]
    pub json_schema: Option<bool>,
    /// Whether `max_completion_tokens` is obeyed; none when that is not known.
    #[serde(default)]
    pub max_completion_tokens: Option<bool>,
    /// Whether requests without `stream` are refused.
    #[serde(default)]
    pub streams_only: bool,
    /// Whether `tool_stream` goes along with tools, so that their arguments arrive in pieces.
    #[serde(default)]
    pub tool_stream: bool,
    /// Where reasoning stands in the text of an answer; none when that depends on the host.
    #[serde(default)]
    pub think_tags: Option<ThinkTags>,
    /// What differs on one plan.
    #[serde(default = "no_differences")]
    pub on: PerPlan<RuleDifference>,
}

/// What differs on one plan; a field left out is as on the row.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RuleDifference {
    /// Largest `thinking_budget` accepted, in tokens.
    pub budget_tokens_max: Option<u64>,
    /// Which fields steer thinking.
    pub format: Option<ThinkingFormat>,
    /// Whether `tool_stream` goes along with tools.
    pub tool_stream: Option<bool>,
}

/// One row about the hosts of a family; the default refuses nothing.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostRule {
    /// Name of the family.
    pub id: String,
    /// Which fields carry a level of thinking when nothing is known of the model.
    pub thinking_format: ThinkingFormat,
    /// Whether messages may have the role `developer`.
    pub developer_role: bool,
    /// Whether `tool_choice` may be `required`.
    pub tool_choice_required: bool,
    /// Largest `temperature` accepted.
    #[serde(default)]
    pub temperature_max: Option<f64>,
    /// Smallest `top_p` accepted.
    #[serde(default)]
    pub top_p_min: Option<f64>,
    /// Largest `seed` accepted.
    #[serde(default)]
    pub seed_max: Option<u64>,
    /// Most `top_logprobs` accepted.
    #[serde(default)]
    pub top_logprobs_max: Option<u64>,
    /// Whether `max_tokens` above the model's limit is an error.
    #[serde(default)]
    pub output_limit_refused: bool,
    /// Where reasoning stands in the text of an answer, when nothing else is known of the model.
    #[serde(default = "never")]
    pub think_tags: ThinkTags,
}

/// How one model on one host answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplyForm {
    /// Whether it must be asked for a stream even when the client wants the answer in one piece: it refuses other
    /// requests, or refuses to think in them.
    pub streams_only: bool,
    /// Where reasoning stands in the text.
    pub think_tags: ThinkTags,
}

impl Default for HostRule {
    fn default() -> Self {
        Self {
            id: String::new(),
            thinking_format: ThinkingFormat::OpenAi,
            developer_role: true,
            tool_choice_required: true,
            temperature_max: None,
            top_p_min: None,
            seed_max: None,
            top_logprobs_max: None,
            output_limit_refused: false,
            think_tags: ThinkTags::Never,
        }
    }
}

impl ChatRule {
    /// Whether the row is about a lower-case model id; a row without any condition is about none.
    fn fits(&self, id: &str) -> bool {
        let starts = self.prefixes.iter().any(|prefix| id.starts_with(prefix));
        let holds = self.contains.as_deref().map(|text| id.contains(text));
        (starts || self.prefixes.is_empty() && holds.is_some()) && holds.unwrap_or(true)
    }
}

/// Finds the row about a model, with what differs on the plan put in place.
pub(crate) fn find(rules: &[ChatRule], model: &str, plan: Option<Plan>) -> Option<ChatRule> {
    let mut rule = row_about(rules, model)?.clone();
    if let Some(difference) = plan.and_then(|plan| rule.on.get(plan)).cloned() {
        let thinking = &mut rule.thinking;
        thinking.budget_tokens_max = difference.budget_tokens_max.or(thinking.budget_tokens_max);
        thinking.format = difference.format.unwrap_or(thinking.format);
        rule.tool_stream = difference.tool_stream.unwrap_or(rule.tool_stream);
    }
    Some(rule)
}

fn row_about<'a>(rules: &'a [ChatRule], model: &str) -> Option<&'a ChatRule> {
    let name = model.rsplit('/').next().unwrap_or(model);
    let name = name.to_ascii_lowercase();
    rules.iter().find(|rule| rule.fits(&name))
}

/// Finds how a model answers on the hosts that `host` is about.
pub(crate) fn reply_form(rules: &[ChatRule], host: Option<&HostRule>, model: &str) -> ReplyForm {
    let row = row_about(rules, model);
    let of_host = host.map_or(ThinkTags::Never, |host| host.think_tags);
    ReplyForm {
        streams_only: row.is_some_and(|row| row.streams_only || row.thinking.streams_only),
        think_tags: row.and_then(|row| row.think_tags).unwrap_or(of_host),
    }
}

const fn never() -> ThinkTags {
    ThinkTags::Never
}

const fn no_differences() -> PerPlan<RuleDifference> {
    PerPlan {
        standard: None,
        coding: None,
        token: None,
        portal: None,
    }
}
