//! What one model on one host may be asked in a chat: catalog, host and config put together, once per route.

use catalog::{
    Catalog, ChatRule, EndpointFamily, HostRule, Plan, ReasoningReplay, Thinking, ThinkingFormat,
    ThinkingKind, ThinkingLevel,
};
use serde_json::{Map, Value};

use crate::chat_request::Manners;

/// Most models named in a refusal.
const NAMED_MODELS_MAX: usize = 6;
/// Config parameters whose name in a request differs.
const PARAM_NAMES: [(&str, &str); 6] = [
    ("maxTokens", "max_tokens"),
    ("topP", "top_p"),
    ("topK", "top_k"),
    ("presencePenalty", "presence_penalty"),
    ("frequencyPenalty", "frequency_penalty"),
    ("parallelToolCalls", "parallel_tool_calls"),
];
/// Config parameters that are request fields under their own name. What is not here steers other parts of `OpenClaw`;
/// `extra_body` takes any field.
const PARAM_FIELDS: [&str; 22] = [
    "chat_template_kwargs",
    "enable_code_interpreter",
    "enable_search",
    "enable_thinking",
    "frequency_penalty",
    "max_completion_tokens",
    "max_tokens",
    "parallel_tool_calls",
    "presence_penalty",
    "preserve_thinking",
    "reasoning_effort",
    "repetition_penalty",
    "response_format",
    "search_options",
    "seed",
    "stop",
    "temperature",
    "thinking_budget",
    "tool_stream",
    "top_k",
    "top_p",
    "vl_high_resolution_images",
];

/// What is known about one model on one host.
#[derive(Debug, Clone)]
pub struct ChatRules {
    /// `provider/model`, for messages.
    pub(crate) model: String,
    /// Whether the host is the service itself.
    pub(crate) is_vendor: bool,
    /// How the model thinks; none when that is not known.
    pub(crate) thinking: Option<Thinking>,
    pub(crate) host: HostRule,
    pub(crate) json_object: Option<bool>,
    pub(crate) json_schema: Option<bool>,
    pub(crate) json_object_models: Vec<String>,
    pub(crate) json_schema_models: Vec<String>,
    /// The name of the answer's limit, where it matters.
    pub(crate) output_field: Option<OutputField>,
    /// Longest answer in tokens, when known.
    pub(crate) output_tokens_max: Option<u64>,
    pub(crate) tool_stream: bool,
    pub(crate) streams_only: bool,
    /// Level of thinking when the request names none.
    pub(crate) level: Option<ThinkingLevel>,
    /// Request fields that the config adds where the request has none, as JSON text.
    pub(crate) params: Vec<(String, String)>,
}

/// Which name the answer's limit has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OutputField {
    /// The config says that the host only knows `max_tokens`.
    OnlyMaxTokens,
    /// The config says that the host only knows `max_completion_tokens`.
    OnlyMaxCompletionTokens,
    /// The model does not obey `max_completion_tokens`.
    IgnoresCompletion,
}

impl OutputField {
    /// Returns the name that is replaced, and the one that replaces it.
    pub(crate) fn rename(self) -> (&'static str, &'static str) {
        match self {
            Self::OnlyMaxTokens | Self::IgnoresCompletion => {
                ("max_completion_tokens", "max_tokens")
            }
            Self::OnlyMaxCompletionTokens => ("max_tokens", "max_completion_tokens"),
        }
    }

    /// Whether the operator asked for it, so that the value does not matter.
    pub(crate) fn is_asked_for(self) -> bool {
        self != Self::IgnoresCompletion
    }
}

/// What rules are made from.
#[derive(Debug, Clone, Copy)]
pub struct RuleFacts<'a> {
    /// What the host speaks.
    pub family: EndpointFamily,
    /// Plan of the host.
    pub plan: Option<Plan>,
    /// Provider id.
    pub provider: &'a str,
    /// Model id as the host knows it.
    pub model: &'a str,
    /// The config's row of the model.
    pub row: Option<&'a config::ModelRow>,
    /// `params` of the config, the ones that count more later.
    pub params: &'a [&'a Value],
    /// `thinkingDefault` of the config.
    pub thinking_default: Option<&'a str>,
}

impl ChatRules {
    /// Puts together what is known.
    pub fn new(catalog: &Catalog, facts: &RuleFacts<'_>) -> Self {
        let is_vendor = facts.family != EndpointFamily::OpenaiCustom;
        let known = catalog
            .chat_rule(facts.model, facts.plan)
            .filter(|_| is_vendor);
        let host = catalog.host_rule(facts.family);
        let row = catalog.model(facts.provider, facts.model, facts.plan);
        let in_catalog = row.and_then(|row| row.max_output_tokens);
        let in_config = facts.row.and_then(|row| row.max_tokens);
        let ignores = known
            .as_ref()
            .is_some_and(|rule| rule.max_completion_tokens == Some(false));
        let can = |can: fn(&ChatRule) -> Option<bool>| known.as_ref().and_then(can);
        let mut rules = Self {
            model: format!("{}/{}", facts.provider, facts.model),
            is_vendor,
            host,
            json_object: can(|rule| rule.json_object),
            json_schema: can(|rule| rule.json_schema),
            json_object_models: Vec::new(),
            json_schema_models: Vec::new(),
            output_field: ignores.then_some(OutputField::IgnoresCompletion),
            output_tokens_max: in_catalog.or(in_config),
            tool_stream: known.as_ref().is_some_and(|rule| rule.tool_stream),
            streams_only: known.as_ref().is_some_and(|rule| rule.streams_only),
            thinking: known.map(|rule| rule.thinking),
            level: facts.thinking_default.and_then(ThinkingLevel::read),
            params: Vec::new(),
        };
        if rules.json_object == Some(false) {
            rules.json_object_models = models_that(catalog, facts, |rule| rule.json_object);
        }
        if rules.json_schema == Some(false) {
            rules.json_schema_models = models_that(catalog, facts, |rule| rule.json_schema);
        }
        if let Some(row) = facts.row {
            rules.lay_over(row);
        }
        for params in facts.params {
            rules.add_params(params);
        }
        rules
    }

    /// Says when earlier reasoning goes back; none leaves it as the client sends it.
    pub(crate) fn replay(&self) -> Option<ReasoningReplay> {
        self.thinking.as_ref().map(|thinking| thinking.replay)
    }

    /// Says whether requests have to stream, always or when the model thinks.
    pub fn streams_only(&self) -> bool {
        self.streams_only
    }

    /// What the history has to look like when the request says nothing about thinking.
    pub(crate) fn manners(&self) -> Manners {
        let thinking = self.thinking.as_ref();
        Manners {
            developer_role: self.host.developer_role,
            replay: self.replay(),
            backfill: thinking.is_some_and(|thinking| thinking.backfill),
        }
    }

    /// Whether something is sent although the request does not name it.
    pub(crate) fn adds(&self) -> bool {
        self.level.is_some() || !self.params.is_empty() || self.tool_stream
    }

    /// Lays what the config's row says over what the catalog says.
    fn lay_over(&mut self, row: &config::ModelRow) {
        let nothing = Map::new();
        let compat = row.compat.as_ref().and_then(Value::as_object);
        let compat = compat.unwrap_or(&nothing);
        let flag = |name: &str| compat.get(name).and_then(Value::as_bool);
        if let Some(developer_role) = flag("supportsDeveloperRole") {
            self.host.developer_role = developer_role;
        }
        match compat.get("maxTokensField").and_then(Value::as_str) {
            Some("max_tokens") => self.output_field = Some(OutputField::OnlyMaxTokens),
            Some("max_completion_tokens") => {
                self.output_field = Some(OutputField::OnlyMaxCompletionTokens);
            }
            _ => {}
        }
        if let Some(supported) = flag("supportsJsonSchemaResponseFormat") {
            self.json_schema = Some(supported);
        }
        self.lay_thinking_over(row, compat);
    }

    fn lay_thinking_over(&mut self, row: &config::ModelRow, compat: &Map<String, Value>) {
        let format = compat.get("thinkingFormat").and_then(Value::as_str);
        let format = format.and_then(format_of_config);
        let efforts = compat
            .get("supportsReasoningEffort")
            .and_then(Value::as_bool);
        if self.thinking.is_none() && (format.is_some() || efforts.is_some()) {
            let can_think = row.reasoning != Some(false);
            let kind = if can_think {
                ThinkingKind::Hybrid
            } else {
                ThinkingKind::None
            };
            let format = if efforts == Some(false) {
                ThinkingFormat::None
            } else {
                ThinkingFormat::OpenAi
            };
            self.thinking = Some(Thinking {
                kind,
                format,
                replay: ReasoningReplay::Always,
                forced_tool: true,
                json: true,
                ..Thinking::default()
            });
        }
        let Some(thinking) = &mut self.thinking else {
            return;
        };
        if let Some(format) = format {
            thinking.format = format;
        } else if efforts == Some(false) && thinking.format == ThinkingFormat::Effort {
            thinking.format = ThinkingFormat::EnableThinking;
        }
        if let Some(Value::Array(efforts)) = compat.get("supportedReasoningEfforts") {
            let efforts = efforts.iter().filter_map(Value::as_str);
            thinking.efforts = efforts.map(str::to_owned).collect();
            thinking.level_map.clear();
        }
        let replays = compat.get("requiresReasoningContentOnAssistantMessages");
        if replays.and_then(Value::as_bool) == Some(true) {
            (thinking.replay, thinking.backfill) = (ReasoningReplay::Always, true);
        }
        let maps = [
            compat.get("thinkingLevelMap"),
            row.thinking_level_map.as_ref(),
            compat.get("reasoningEffortMap"),
        ];
        for map in maps.into_iter().flatten().filter_map(Value::as_object) {
            lay_levels_over(thinking, map);
        }
    }

    /// Adds `params` of the config: what is no request field stays out, `null` takes a field out again.
    fn add_params(&mut self, params: &Value) {
        let Some(params) = params.as_object() else {
            return;
        };
        for (name, value) in params {
            if name == "thinking" {
                let level = value.as_str().and_then(ThinkingLevel::read);
                self.level = level.or(self.level);
            } else if matches!(name.as_str(), "extra_body" | "extraBody") {
                for (name, value) in value.as_object().into_iter().flatten() {
                    self.add_param(name, value);
                }
            } else if let Some((_, field)) = PARAM_NAMES.iter().find(|(own, _)| own == name) {
                self.add_param(field, value);
            } else if PARAM_FIELDS.contains(&name.as_str()) {
                self.add_param(name, value);
            }
        }
    }

    fn add_param(&mut self, name: &str, value: &Value) {
        self.params.retain(|(known, _)| known != name);
        let is_ours = matches!(name, "model" | "messages" | "stream" | "stream_options");
        if !value.is_null() && !is_ours {
            self.params.push((name.to_owned(), value.to_string()));
        }
    }
}

/// Takes over a map of levels: a text is the effort for it, null takes the level away.
fn lay_levels_over(thinking: &mut Thinking, map: &Map<String, Value>) {
    for (level, effort) in map {
        let off = level == "off" || level == "none";
        match effort {
            Value::Null if off && thinking.kind == ThinkingKind::Hybrid => {
                thinking.kind = ThinkingKind::Always;
            }
            Value::Null => {
                thinking.level_map.remove(level);
                thinking.efforts.retain(|known| known != level);
            }
            Value::String(effort) if !off => {
                if !thinking.efforts.is_empty() && !thinking.efforts.contains(effort) {
                    thinking.efforts.push(effort.clone());
                }
                thinking.level_map.insert(level.clone(), effort.clone());
            }
            _ => {}
        }
    }
}

/// Reads `compat.thinkingFormat`.
fn format_of_config(text: &str) -> Option<ThinkingFormat> {
    match text {
        "qwen" => Some(ThinkingFormat::EnableThinking),
        text => text.parse().ok(),
    }
}

/// Names models of the provider that can do something on the plan.
fn models_that(
    catalog: &Catalog,
    facts: &RuleFacts<'_>,
    can: fn(&ChatRule) -> Option<bool>,
) -> Vec<String> {
    let rows = catalog.models(facts.provider, facts.plan);
    let able = rows.filter(|row| {
        let rule = catalog.chat_rule(row.id(), facts.plan);
        rule.and_then(|rule| can(&rule)) == Some(true)
    });
    let names = able.map(|row| format!("{}/{}", facts.provider, row.id()));
    names.take(NAMED_MODELS_MAX).collect()
}
