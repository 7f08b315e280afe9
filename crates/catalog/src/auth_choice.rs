//! Auth choices: the ways to set up a key that `onboard` offers.

use serde::Deserialize;

use crate::provider::{Standing, offered};

text_enum! {
    /// Type of the credential profile that a choice writes.
    pub enum ProfileMode {
        /// A key that does not expire by itself.
        ApiKey => "api_key",
        /// A pasted bearer token.
        Token => "token",
        /// A login with refresh.
        Oauth => "oauth",
    }
}

/// One auth-choice row.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthChoice {
    /// Canonical id for `--auth-choice`.
    pub id: String,
    /// Older ids that mean the same and deserve a warning.
    #[serde(default)]
    pub deprecated_ids: Vec<String>,
    /// Provider id that the credential is stored under.
    pub provider: String,
    /// Endpoint id that the choice configures.
    pub endpoint: String,
    /// Flag that carries the key, with its two dashes.
    #[serde(default)]
    pub flag: Option<String>,
    /// Name of the choice among the provider's login methods.
    pub method: String,
    /// Heading in menus.
    pub group: String,
    /// One line in menus.
    pub label: String,
    /// Second, quieter piece of the line in menus.
    pub hint: String,
    /// Credential profile that the choice writes.
    pub profile_id: String,
    /// Type of that profile.
    #[serde(default = "api_key")]
    pub mode: ProfileMode,
    /// Whether the choice can be used, and by whom.
    #[serde(default = "offered")]
    pub status: Standing,
    /// Choice id to use instead, for retired ones.
    #[serde(default)]
    pub replaced_by: Option<String>,
}

/// An auth choice found by one of its names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChoiceMatch<'a> {
    /// The choice.
    pub choice: &'a AuthChoice,
    /// Whether the name that was asked for is a deprecated one.
    pub deprecated: bool,
}

const fn api_key() -> ProfileMode {
    ProfileMode::ApiKey
}
