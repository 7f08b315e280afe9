//! Providers: the vendor surfaces that a model reference can name.

use serde::Deserialize;

use crate::model::ModelKind;
use crate::plan::Plan;

text_enum! {
    /// Whether a provider or an auth choice is meant for new set-ups.
    pub enum Standing {
        /// Offered to everybody.
        Offered => "offered",
        /// Works for those who still have a credential; not offered to new users.
        Legacy => "legacy",
        /// Known, so that its name is taken; nothing can be called with it.
        Later => "later",
        /// Gone; `replaced_by` names what to use.
        Retired => "retired",
    }
}

/// One provider row.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// Canonical id, lower case, as in `qwen/qwen3.5-plus`.
    pub id: String,
    /// Name shown to people.
    pub name: String,
    /// Other ids that mean this provider unless the config defines them itself.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// Plans whose hosts belong to it; the first is the usual one.
    pub plans: Vec<Plan>,
    /// Kinds of model it serves; empty means all.
    #[serde(default)]
    pub model_kinds: Vec<ModelKind>,
    /// Whether new set-ups should use it.
    #[serde(default = "offered")]
    pub status: Standing,
    /// Key under `plugins.entries` that a set-up enables.
    pub plugin_id: String,
    /// Credential profile that a set-up writes.
    pub profile_id: String,
    /// Environment variables that may hold the key; the first that is set wins.
    pub env_vars: Vec<String>,
    /// Names that older releases read for the same credential, asked after `env_vars`.
    #[serde(default)]
    pub legacy_env_vars: Vec<String>,
    /// Model id that a set-up makes primary.
    pub default_model: String,
    /// Alias that a set-up gives to the default model.
    #[serde(default)]
    pub default_model_alias: Option<String>,
    /// Video model used when none is configured.
    #[serde(default)]
    pub default_video_model: Option<String>,
    /// Model that looks at images and videos when none is configured.
    #[serde(default)]
    pub default_vision_model: Option<String>,
    /// Endpoint id that `OpenClaw` assumes when no URL is configured; a guess, to be checked by a probe.
    pub assumed_endpoint: String,
    /// Page where keys are made.
    #[serde(default)]
    pub key_page: Option<String>,
    /// Documentation of the service.
    #[serde(default)]
    pub docs_page: Option<String>,
}

impl Provider {
    /// Whether `text` is the id or an alias, ASCII case ignored.
    pub fn answers_to(&self, text: &str) -> bool {
        self.id.eq_ignore_ascii_case(text)
            || self
                .aliases
                .iter()
                .any(|alias| alias.eq_ignore_ascii_case(text))
    }

    /// Whether it serves models of this kind.
    pub fn serves(&self, kind: ModelKind) -> bool {
        self.model_kinds.is_empty() || self.model_kinds.contains(&kind)
    }

    /// Iterates over every variable that may hold its key, in order of preference.
    pub fn all_env_vars(&self) -> impl Iterator<Item = &str> {
        self.env_vars
            .iter()
            .chain(&self.legacy_env_vars)
            .map(String::as_str)
    }
}

pub(crate) const fn offered() -> Standing {
    Standing::Offered
}
