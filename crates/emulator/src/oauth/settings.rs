//! How the identity server behaves.

use serde::{Deserialize, Serialize};

/// Longest wait that can be asked for, in milliseconds.
const DELAY_MS_MAX: u64 = 600_000;

/// Longest `resource_url`, in bytes.
const RESOURCE_URL_BYTES_MAX: usize = 2048;

/// How the identity server behaves; a reset brings back the defaults.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    /// Life of an access token, in milliseconds. Default 6 hours.
    pub(super) access_ttl_ms: u64,
    /// Life of a device code, in milliseconds. Default 15 minutes.
    pub(super) device_ttl_ms: u64,
    /// Whether a refresh token is good for one use only. Default yes.
    pub(super) rotate: bool,
    /// How long a used refresh token may be used again, in milliseconds. Default 0.
    pub(super) grace_ms: u64,
    /// Leave `refresh_token` out of refresh replies; it is then not rotated.
    pub(super) omit_refresh_token: bool,
    /// End a login when one of its used refresh tokens comes back after the grace.
    pub(super) revoke_on_reuse: bool,
    /// Approve a login by itself after this many polls.
    pub(super) approve_after_polls: Option<u64>,
    /// `interval` of device code replies, in seconds; nothing leaves it out.
    pub(super) interval_s: Option<u64>,
    /// How many first polls of a login are told to slow down.
    pub(super) slow_down_polls: u64,
    /// `resource_url` of token replies; nothing leaves it out.
    pub(super) resource_url: Option<String>,
    /// How many next refreshes fail with 503 before anything is changed.
    pub(super) fail_before_rotation: u64,
    /// How many next refreshes are carried out, and the connection cut instead of a reply.
    pub(super) fail_after_rotation: u64,
    /// Wait before a token request is looked at, in milliseconds.
    pub(super) delay_ms: u64,
    /// Wait between what a token request changes and its reply, in milliseconds.
    pub(super) reply_delay_ms: u64,
    /// Whether the server's clock moves only when told to.
    pub(super) frozen: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            access_ttl_ms: 6 * 60 * 60 * 1000,
            device_ttl_ms: 15 * 60 * 1000,
            rotate: true,
            grace_ms: 0,
            omit_refresh_token: false,
            revoke_on_reuse: false,
            approve_after_polls: None,
            interval_s: None,
            slow_down_polls: 0,
            resource_url: Some("portal.qwen.ai".to_owned()),
            fail_before_rotation: 0,
            fail_after_rotation: 0,
            delay_ms: 0,
            reply_delay_ms: 0,
            frozen: false,
        }
    }
}

impl Settings {
    pub(super) fn check(&self) -> Result<(), String> {
        if self.delay_ms.max(self.reply_delay_ms) > DELAY_MS_MAX {
            return Err(format!("a wait is longer than {DELAY_MS_MAX} ms"));
        }
        let url_bytes = self.resource_url.as_ref().map_or(0, String::len);
        if url_bytes > RESOURCE_URL_BYTES_MAX {
            return Err("`resource_url` is too long".to_owned());
        }
        Ok(())
    }

    /// Uses up one failure before the rotation, if one is due.
    pub(super) fn take_failure_before(&mut self) -> bool {
        take(&mut self.fail_before_rotation)
    }

    /// Uses up one failure after the rotation, if one is due.
    pub(super) fn take_failure_after(&mut self) -> bool {
        take(&mut self.fail_after_rotation)
    }
}

fn take(left: &mut u64) -> bool {
    let due = *left > 0;
    *left = left.saturating_sub(1);
    due
}
