//! Identity servers: where a login is made and how it is renewed.

use serde::Deserialize;

/// One identity-server row.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OauthServer {
    /// Unique id.
    pub id: String,
    /// Provider id whose requests carry the tokens.
    pub provider: String,
    /// Where a device asks for a code (RFC 8628, section 3.1).
    pub device_url: String,
    /// Where codes and refresh tokens are exchanged.
    pub token_url: String,
    /// The public client id.
    pub client_id: String,
    /// What a login asks for.
    pub scopes: Vec<String>,
    /// Base URL for tokens that name no host of their own.
    pub default_resource_url: String,
    /// Wait between two questions for the outcome of a login, in milliseconds, when the server names none.
    pub poll_interval_ms: u64,
    /// The longest such wait, in milliseconds.
    pub poll_interval_max_ms: u64,
    /// What `slow_down` makes of the wait, in percent; above 100.
    pub slow_down_percent: u64,
    /// How long a code is good for, in milliseconds, when the server does not say.
    pub code_lifetime_ms: u64,
    /// How long before its end a token is renewed, in milliseconds; short-lived tokens are renewed later.
    pub refresh_margin_ms: u64,
    /// How far the clocks of the server and of this machine may differ, in milliseconds.
    pub clock_skew_ms: u64,
    /// Command that makes a new login.
    pub login_command: String,
}

impl OauthServer {
    /// Whether its URLs keep tokens private: `https`, or a server on this very machine.
    pub(crate) fn is_private(&self) -> bool {
        [
            &self.device_url,
            &self.token_url,
            &self.default_resource_url,
        ]
        .into_iter()
        .all(|url| crate::url::is_private(url))
    }
}
