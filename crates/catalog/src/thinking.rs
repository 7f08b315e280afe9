//! How a model thinks, and which fields steer it.

use std::collections::BTreeMap;

use serde::Deserialize;

text_enum! {
    /// Whether a model thinks before it answers.
    pub enum ThinkingKind {
        /// Never; thinking fields are an error.
        None => "none",
        /// Can be switched on and off per request.
        Hybrid => "hybrid",
        /// Always; switching it off is an error.
        Always => "always",
    }
}

text_enum! {
    /// Which request fields carry the wish to think.
    pub enum ThinkingFormat {
        /// No field.
        None => "none",
        /// Top-level `enable_thinking`, optionally `thinking_budget`.
        EnableThinking => "enable-thinking",
        /// `enable_thinking` and `reasoning_effort`.
        Effort => "effort",
        /// `chat_template_kwargs.enable_thinking`.
        ChatTemplate => "qwen-chat-template",
        /// `reasoning_effort` alone.
        OpenAi => "openai",
        /// `reasoning.effort`.
        OpenRouter => "openrouter",
        /// `reasoning.enabled`, and `reasoning_effort` where efforts are known.
        Together => "together",
        /// `thinking.type` enabled or disabled, and `reasoning_effort` where efforts are known.
        DeepSeek => "deepseek",
        /// `thinking.type` enabled or disabled.
        Zai => "zai",
        /// `thinking.type` adaptive or disabled.
        MiniMax => "minimax",
    }
}

text_enum! {
    /// How long a model is wished to think, from not at all to as long as it can.
    pub enum ThinkingLevel {
        /// Not at all.
        Off => "off",
        /// As little as possible.
        Minimal => "minimal",
        /// A little.
        Low => "low",
        /// Longer.
        Medium => "medium",
        /// Long; what is meant by "think" without a level.
        High => "high",
        /// Very long.
        Xhigh => "xhigh",
        /// As long as the model sees fit.
        Adaptive => "adaptive",
        /// As long as it can.
        Max => "max",
    }
}

impl ThinkingLevel {
    /// Reads a level in any of the spellings that clients use.
    pub fn read(text: &str) -> Option<Self> {
        let text = text.trim().to_ascii_lowercase();
        match text.as_str() {
            "none" | "disabled" | "false" => Some(Self::Off),
            "on" | "enabled" | "true" => Some(Self::High),
            "auto" => Some(Self::Adaptive),
            "ultra" => Some(Self::Max),
            text => text.parse().ok(),
        }
    }
}

text_enum! {
    /// When the reasoning text of earlier turns goes back to the model.
    pub enum ReasoningReplay {
        /// Never.
        Never => "never",
        /// Only in turns that call tools.
        ToolTurns => "tool-turns",
        /// Always, as far as the client sends it.
        Always => "always",
    }
}

text_enum! {
    /// Where reasoning stands in the text of an answer, between `<think>` and `</think>`.
    pub enum ThinkTags {
        /// Nowhere: it comes in a field of its own, or not at all.
        Never => "never",
        /// At the very beginning.
        Leading => "leading",
        /// At the very beginning, without the opening tag, with which the prompt ended.
        Unopened => "unopened",
    }
}

/// What is known about a model's thinking.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Thinking {
    /// Whether it thinks.
    pub kind: ThinkingKind,
    /// Which fields steer it.
    #[serde(default = "no_format")]
    pub format: ThinkingFormat,
    /// Whether it thinks when the request does not say.
    #[serde(default)]
    pub on_by_default: bool,
    /// Whether it can think only while it streams.
    #[serde(default)]
    pub streams_only: bool,
    /// Values that `reasoning_effort` accepts; empty means the field is not known.
    #[serde(default)]
    pub efforts: Vec<String>,
    /// Requested level to accepted effort; a level left out is passed as it is.
    #[serde(default)]
    pub level_map: BTreeMap<String, String>,
    /// Requested level to tokens of thinking, for models without an effort; a level left out has no ceiling.
    #[serde(default)]
    pub level_budget_tokens: BTreeMap<String, u64>,
    /// Tokens of thinking that each effort stands for.
    #[serde(default)]
    pub effort_budget_tokens: BTreeMap<String, u64>,
    /// Tokens of thinking when neither effort nor budget is given.
    #[serde(default)]
    pub default_budget_tokens: Option<u64>,
    /// Largest `thinking_budget` accepted, in tokens.
    #[serde(default)]
    pub budget_tokens_max: Option<u64>,
    /// Whether effort and budget in one request are an error.
    #[serde(default)]
    pub effort_excludes_budget: bool,
    /// Whether a tool may be forced while it thinks.
    #[serde(default)]
    pub forced_tool: bool,
    /// Whether the answer may be asked to be JSON while it thinks.
    #[serde(default)]
    pub json: bool,
    /// Whether the model keeps earlier reasoning unless told otherwise (`preserve_thinking`).
    #[serde(default)]
    pub preserve_by_default: bool,
    /// When earlier reasoning is sent back.
    #[serde(default = "never")]
    pub replay: ReasoningReplay,
    /// Whether an empty reasoning stands for one that the client dropped.
    #[serde(default)]
    pub backfill: bool,
}

impl Default for Thinking {
    fn default() -> Self {
        Self {
            kind: ThinkingKind::None,
            format: ThinkingFormat::None,
            on_by_default: false,
            streams_only: false,
            efforts: Vec::new(),
            level_map: BTreeMap::new(),
            level_budget_tokens: BTreeMap::new(),
            effort_budget_tokens: BTreeMap::new(),
            default_budget_tokens: None,
            budget_tokens_max: None,
            effort_excludes_budget: false,
            forced_tool: false,
            json: false,
            preserve_by_default: false,
            replay: ReasoningReplay::Never,
            backfill: false,
        }
    }
}

const fn no_format() -> ThinkingFormat {
    ThinkingFormat::None
}

const fn never() -> ReasoningReplay {
    ReasoningReplay::Never
}
