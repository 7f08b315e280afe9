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
    }
}

text_enum! {
    /// When the reasoning text of earlier turns goes back to the model.
    pub enum ReasoningReplay {
        /// Never.
        Never => "never",
        /// Only in turns that call tools.
        ToolTurns => "tool-turns",
        /// Always; the model expects all of it.
        Always => "always",
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
    /// Values that `reasoning_effort` accepts; empty means the field is not known.
    #[serde(default)]
    pub efforts: Vec<String>,
    /// Effort used when thinking is wanted without a level.
    #[serde(default)]
    pub default_effort: Option<String>,
    /// Requested level to accepted effort; a level left out is passed as it is.
    #[serde(default)]
    pub level_map: BTreeMap<String, String>,
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
    /// Whether the model keeps earlier reasoning unless told otherwise (`preserve_thinking`).
    #[serde(default)]
    pub preserve_by_default: bool,
    /// When earlier reasoning is sent back.
    #[serde(default = "never")]
    pub replay: ReasoningReplay,
}

impl Default for Thinking {
    fn default() -> Self {
        Self {
            kind: ThinkingKind::None,
            format: ThinkingFormat::None,
            efforts: Vec::new(),
            default_effort: None,
            level_map: BTreeMap::new(),
            effort_budget_tokens: BTreeMap::new(),
            default_budget_tokens: None,
            budget_tokens_max: None,
            effort_excludes_budget: false,
            preserve_by_default: false,
            replay: ReasoningReplay::Never,
        }
    }
}

const fn no_format() -> ThinkingFormat {
    ThinkingFormat::None
}

const fn never() -> ReasoningReplay {
    ReasoningReplay::Never
}
