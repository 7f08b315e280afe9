//! In which state a stored profile is, as data and for people.

use credentials::{Credential, Expiry, HeldSecret, Profile, Usage};
use serde_json::{Value, json};

/// What can be said about the end of a profile without asking anybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// It has no end.
    Static,
    /// It ends later.
    Valid,
    /// It ends within a day, and nothing renews it.
    Expiring,
    /// Its access token has ended; a refresh token buys the next.
    ExpiredRefreshable,
    /// It has ended for good.
    Expired,
    /// It names an end that is no time.
    Unknown,
    /// It holds no secret.
    Missing,
}

/// How long before its end a credential is called expiring, in milliseconds: a day.
const EXPIRING_MS: u64 = 86_400_000;

impl State {
    /// Judges a profile at a time in milliseconds since 1970 UTC.
    pub(super) fn of(profile: &Profile, now_ms: u64) -> Self {
        let (is_missing, refreshes) = match &profile.credential {
            Credential::ApiKey { key } | Credential::Token { token: key, .. } => {
                (*key == HeldSecret::Missing, false)
            }
            Credential::OAuth(login) => (
                login.access.is_none() && login.refresh.is_none(),
                login.refresh.is_some(),
            ),
        };
        if is_missing {
            return Self::Missing;
        }
        match profile.expiry() {
            Expiry::Never => Self::Static,
            Expiry::Invalid if refreshes => Self::ExpiredRefreshable,
            Expiry::Invalid => Self::Unknown,
            Expiry::AtMs(at_ms) if at_ms <= now_ms && refreshes => Self::ExpiredRefreshable,
            Expiry::AtMs(at_ms) if at_ms <= now_ms => Self::Expired,
            Expiry::AtMs(at_ms) if !refreshes && at_ms - now_ms <= EXPIRING_MS => Self::Expiring,
            Expiry::AtMs(_) => Self::Valid,
        }
    }

    /// Returns the word for it, the same in JSON and for people.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Static => "static",
            Self::Valid => "valid",
            Self::Expiring => "expiring",
            Self::ExpiredRefreshable => "expired-refreshable",
            Self::Expired => "expired",
            Self::Unknown => "unknown",
            Self::Missing => "missing",
        }
    }
}

/// Returns what people may see of a profile's secret: its mask, or where it is.
pub(super) fn fingerprint(profile: &Profile) -> Option<String> {
    let held = match &profile.credential {
        Credential::ApiKey { key } | Credential::Token { token: key, .. } => key,
        Credential::OAuth(login) => return Some(login.access.as_ref()?.mask()),
    };
    match held {
        HeldSecret::Inline(secret) => Some(secret.mask()),
        HeldSecret::Reference(reference) => {
            Some(format!("{}:{}", reference.source.as_str(), reference.id))
        }
        HeldSecret::Missing => None,
    }
}

/// Returns a time for people: the moment in UTC and how far away it is.
pub(super) fn moment(at_ms: u64, now_ms: u64) -> String {
    let at = i64::try_from(at_ms)
        .ok()
        .and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    // Seconds are enough for people.
    let at = at.map_or_else(
        || at_ms.to_string(),
        |at| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
    );
    if at_ms > now_ms {
        format!("{at} (in {})", span(at_ms - now_ms))
    } else {
        format!("{at} ({} ago)", span(now_ms - at_ms))
    }
}

/// Returns a length of time in its largest unit.
pub(super) fn span(ms: u64) -> String {
    const UNITS: [(u64, &str); 4] = [
        (86_400_000, "d"),
        (3_600_000, "h"),
        (60_000, "m"),
        (1000, "s"),
    ];
    let unit = UNITS.iter().find(|(length, _)| ms >= *length);
    unit.map_or_else(
        || "0s".to_owned(),
        |(length, name)| format!("{}{name}", ms / length),
    )
}

/// Returns the end of a profile for people, when it has one.
pub(super) fn ending(profile: &Profile, now_ms: u64) -> Option<String> {
    match profile.expiry() {
        Expiry::AtMs(at_ms) if at_ms > now_ms => Some(format!("expires {}", moment(at_ms, now_ms))),
        Expiry::AtMs(at_ms) => Some(format!("expired {}", moment(at_ms, now_ms))),
        Expiry::Invalid => Some("its `expires` is not a time".to_owned()),
        Expiry::Never => None,
    }
}

/// Returns why and until when a profile rests.
pub(super) fn resting(usage: &Usage, now_ms: u64) -> Option<String> {
    let window = |name: &str, until: Option<u64>, reason: &Option<String>| {
        let until = until.filter(|until| *until > now_ms)?;
        let reason = reason
            .as_deref()
            .map(|reason| format!(" ({reason})"))
            .unwrap_or_default();
        Some(format!("{name}{reason} until {}", moment(until, now_ms)))
    };
    window("disabled", usage.disabled_until_ms, &usage.disabled_reason)
        .or_else(|| window("cooldown", usage.cooldown_until_ms, &usage.cooldown_reason))
}

/// Returns a rest as data.
pub(super) fn resting_json(usage: &Usage, now_ms: u64) -> Value {
    let later = |until: Option<u64>| until.filter(|until| *until > now_ms);
    json!({
        "cooldownUntil": later(usage.cooldown_until_ms),
        "cooldownReason": later(usage.cooldown_until_ms).and(usage.cooldown_reason.as_deref()),
        "disabledUntil": later(usage.disabled_until_ms),
        "disabledReason": later(usage.disabled_until_ms).and(usage.disabled_reason.as_deref()),
        "errorCount": usage.error_count,
    })
}

#[cfg(test)]
mod tests {
    use config::{ProfileId, ProviderId};
    use credentials::{Login, Secret, UnknownFields};

    use super::*;

    fn login(expiry: Expiry, refresh: bool) -> Profile {
        Profile {
            id: ProfileId::new("p:d").unwrap(),
            provider: ProviderId::new("p").unwrap(),
            credential: Credential::OAuth(Login {
                access: Some(Secret::new("at-1".to_owned())),
                refresh: refresh.then(|| Secret::new("rt-1".to_owned())),
                expiry,
            }),
            unknown: UnknownFields::default(),
        }
    }

    #[test]
    fn states_are_told_apart() {
        let now = 10 * EXPIRING_MS;
        for (expiry, refreshes, expected) in [
            (Expiry::Never, true, "static"),
            (Expiry::AtMs(now + 1), true, "valid"),
            (Expiry::AtMs(now + 1), false, "expiring"),
            (Expiry::AtMs(now + EXPIRING_MS + 1), false, "valid"),
            (Expiry::AtMs(now), true, "expired-refreshable"),
            (Expiry::AtMs(now), false, "expired"),
            (Expiry::Invalid, true, "expired-refreshable"),
            (Expiry::Invalid, false, "unknown"),
        ] {
            let state = State::of(&login(expiry, refreshes), now);
            assert_eq!(state.as_str(), expected, "{expiry:?} {refreshes}");
        }
    }

    #[test]
    fn spans_have_one_unit() {
        for (ms, expected) in [
            (999, "0s"),
            (59_000, "59s"),
            (3_599_000, "59m"),
            (90_000_000, "1d"),
        ] {
            assert_eq!(span(ms), expected);
        }
    }
}
