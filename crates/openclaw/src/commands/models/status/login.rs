//! Whether a credential that can end has ended.

use config::{AuthProfile, Environment};
use credentials::{Credential, Expiry, HeldSecret, Profile};

/// How long before its end a credential is called expiring, in milliseconds: a day.
pub(super) const WARN_AFTER_MS: u64 = 86_400_000;

/// The state of a credential, from best to worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Status {
    /// It has no end.
    Static,
    /// It ends later.
    Ok,
    /// It ends within a day.
    Expiring,
    /// It has ended.
    Expired,
    /// There is none.
    Missing,
}

impl Status {
    /// Returns the word that OpenClaw uses.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Static => "static",
            Self::Ok => "ok",
            Self::Expiring => "expiring",
            Self::Expired => "expired",
            Self::Missing => "missing",
        }
    }

    /// Returns the state of something that ends at a time in milliseconds since 1970 UTC.
    pub(super) fn at(expires_at_ms: Option<u64>, now_ms: u64) -> Self {
        match expires_at_ms {
            None => Self::Static,
            Some(at_ms) if at_ms <= now_ms => Self::Expired,
            Some(at_ms) if at_ms - now_ms <= WARN_AFTER_MS => Self::Expiring,
            Some(_) => Self::Ok,
        }
    }
}

/// One stored credential, or one that only the config names.
#[derive(Debug, Clone)]
pub(super) struct Login {
    pub(super) id: String,
    pub(super) provider: String,
    pub(super) kind: &'static str,
    pub(super) status: Status,
    pub(super) expires_at_ms: Option<u64>,
    pub(super) now_ms: u64,
}

impl Login {
    /// Reads a stored profile.
    pub(super) fn of_profile(profile: &Profile, environment: &Environment, now_ms: u64) -> Self {
        let is_there = match &profile.credential {
            Credential::ApiKey { key } | Credential::Token { token: key, .. } => {
                holds_secret(key, environment)
            }
            Credential::OAuth(login) => login.access.is_some(),
        };
        let expiry = profile.expiry();
        let status = match expiry {
            _ if !is_there => Status::Missing,
            Expiry::Invalid => Status::Expired,
            Expiry::Never | Expiry::AtMs(_) => Status::at(expiry.at_ms(), now_ms),
        };
        Self {
            id: profile.id.to_string(),
            provider: profile.provider.to_string(),
            kind: profile.kind().as_str(),
            status,
            expires_at_ms: expiry.at_ms(),
            now_ms,
        }
    }

    /// Notes a profile that the config names and no store holds.
    pub(super) fn of_config(entry: &AuthProfile, now_ms: u64) -> Self {
        let kind = match entry.mode {
            config::AuthMode::ApiKey => "api_key",
            config::AuthMode::OAuth => "oauth",
            config::AuthMode::Token => "token",
            config::AuthMode::AwsSdk => "aws-sdk",
        };
        Self {
            id: entry.id.to_string(),
            provider: entry.provider.to_string(),
            kind,
            status: Status::Missing,
            expires_at_ms: None,
            now_ms,
        }
    }

    /// Says whether it is of a kind that can end.
    pub(super) fn can_end(&self) -> bool {
        matches!(self.kind, "oauth" | "token")
    }

    /// Returns the milliseconds that are left, negative after the end.
    pub(super) fn remaining_ms(&self) -> Option<i64> {
        let at_ms = i64::try_from(self.expires_at_ms?).ok()?;
        Some(at_ms.saturating_sub(i64::try_from(self.now_ms).ok()?))
    }

    /// Returns when it ends or ended, for people.
    pub(super) fn when(&self) -> String {
        match self.remaining_ms() {
            None => String::new(),
            Some(left) if left > 0 => format!(" expires in {}", span(left.unsigned_abs())),
            Some(past) => format!(" since {}", span(past.unsigned_abs())),
        }
    }
}

/// A reference to a variable that is not set holds nothing; other references are not followed here.
fn holds_secret(held: &HeldSecret, environment: &Environment) -> bool {
    match held {
        HeldSecret::Missing => false,
        HeldSecret::Inline(_) => true,
        HeldSecret::Reference(reference) => {
            let value = environment.get(&reference.id).unwrap_or_default();
            reference.source != config::RefSource::Env || !value.trim().is_empty()
        }
    }
}

/// Returns a length of time in its largest unit.
fn span(ms: u64) -> String {
    const MINUTE_MS: u64 = 60_000;
    const HOUR_MS: u64 = 60 * MINUTE_MS;
    const DAY_MS: u64 = 24 * HOUR_MS;
    match ms {
        _ if ms >= 2 * DAY_MS => format!("{}d", ms / DAY_MS),
        _ if ms >= HOUR_MS => format!("{}h", ms / HOUR_MS),
        _ => format!("{}m", ms / MINUTE_MS),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_in_the_past_is_expired() {
        let now = 1_000_000_000;
        for (at, expected) in [
            (None, Status::Static),
            (Some(now - 1), Status::Expired),
            (Some(now), Status::Expired),
            (Some(now + 1), Status::Expiring),
            (Some(now + WARN_AFTER_MS), Status::Expiring),
            (Some(now + WARN_AFTER_MS + 1), Status::Ok),
        ] {
            assert_eq!(Status::at(at, now), expected, "{at:?}");
        }
    }

    #[test]
    fn spans_have_one_unit() {
        for (ms, expected) in [
            (59_000, "0m"),
            (3_600_000, "1h"),
            (172_800_000, "2d"),
            (100_000_000, "27h"),
        ] {
            assert_eq!(span(ms), expected);
        }
    }
}
