//! In which state a stored profile is, as data and for people.

use catalog::Catalog;
use config::{AgentId, Home};
use credentials::oauth::{Identity, LoginState, LoginStore, Margins};
use credentials::{Credential, Expiry, HeldSecret, Login, Profile, Usage};
use serde_json::{Value, json};

use crate::failed::Failed;

/// How long before its end a credential that nothing renews is called expiring, in milliseconds: a day.
const EXPIRING_MS: u64 = 86_400_000;

/// Judges stored profiles: logins by their records too, so that a refused one is never called good.
pub(super) struct Judge {
    logins: LoginStore,
    identities: Vec<Identity>,
    agent: AgentId,
    now_ms: u64,
}

/// What a profile is good for.
pub(super) struct Judgement {
    /// The name of the state, the same in JSON and for people.
    pub(super) state: &'static str,
    /// Whether a token that has ended is replaced when it is wanted.
    pub(super) is_renewable: bool,
    /// When the newest known token ends.
    pub(super) expiry: Expiry,
    /// What the identity server said against it.
    pub(super) refusal: Option<String>,
    /// The command that repairs it.
    pub(super) repair: Option<String>,
}

impl Judge {
    /// Prepares to judge what an agent sees, at a time in milliseconds since 1970 UTC.
    pub(super) fn new(
        home: &Home,
        catalog: &Catalog,
        agent: &AgentId,
        now_ms: u64,
    ) -> Result<Self, Failed> {
        Ok(Self {
            logins: LoginStore::new(home),
            identities: Identity::all_of(catalog)?,
            agent: agent.clone(),
            now_ms,
        })
    }

    /// Judges one profile.
    pub(super) fn of(&self, profile: &Profile) -> Judgement {
        match &profile.credential {
            Credential::OAuth(login) => self.login(profile, login),
            Credential::ApiKey { key } | Credential::Token { token: key, .. } => Judgement {
                state: held(key, profile.expiry(), self.now_ms),
                is_renewable: false,
                expiry: profile.expiry(),
                refusal: None,
                repair: None,
            },
        }
    }

    fn login(&self, profile: &Profile, held: &Login) -> Judgement {
        let served = |identity: &&Identity| identity.serves(&profile.provider);
        let identity = self.identities.iter().find(served);
        let margins = identity.map_or(
            Margins {
                refresh_ms: 0,
                skew_ms: 0,
            },
            Identity::margins,
        );
        // A login whose store cannot be read is judged by what is at hand.
        let stored = self.logins.read(&self.agent, &profile.id).ok().flatten();
        let state = stored.as_ref().map_or_else(
            || LoginState::of(held, self.now_ms, margins),
            |stored| stored.state(self.now_ms, margins),
        );
        let needs_repair = matches!(state, LoginState::Revoked | LoginState::Expired);
        Judgement {
            state: state.as_str(),
            is_renewable: state == LoginState::ExpiredRefreshable,
            expiry: stored
                .as_ref()
                .map_or(held.expiry, |stored| stored.login.expiry),
            refusal: stored.and_then(|stored| stored.revoked).map(|revoked| {
                let code = revoked
                    .code
                    .map(|code| format!(" {code}"))
                    .unwrap_or_default();
                let when = moment(revoked.at_ms, self.now_ms);
                format!("refused with {}{code} {when}", revoked.status)
            }),
            repair: identity
                .filter(|_| needs_repair)
                .map(|identity| identity.server().login_command.clone()),
        }
    }
}

/// Names the state of a secret that nothing renews.
fn held(secret: &HeldSecret, expiry: Expiry, now_ms: u64) -> &'static str {
    match expiry {
        _ if *secret == HeldSecret::Missing => "missing",
        Expiry::Never => "static",
        Expiry::Invalid => "unknown",
        Expiry::AtMs(at_ms) if at_ms <= now_ms => "expired",
        Expiry::AtMs(at_ms) if at_ms - now_ms <= EXPIRING_MS => "expiring",
        Expiry::AtMs(_) => "valid",
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

/// Returns an end for people, when there is one.
pub(super) fn ending(expiry: Expiry, now_ms: u64) -> Option<String> {
    match expiry {
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
    use credentials::Secret;

    use super::*;

    #[test]
    fn states_of_what_nothing_renews_are_told_apart() {
        let now = 10 * EXPIRING_MS;
        let secret = HeldSecret::Inline(Secret::new("t".to_owned()));
        for (expiry, expected) in [
            (Expiry::Never, "static"),
            (Expiry::AtMs(now + EXPIRING_MS + 1), "valid"),
            (Expiry::AtMs(now + EXPIRING_MS), "expiring"),
            (Expiry::AtMs(now), "expired"),
            (Expiry::Invalid, "unknown"),
        ] {
            assert_eq!(held(&secret, expiry, now), expected, "{expiry:?}");
        }
        assert_eq!(held(&HeldSecret::Missing, Expiry::Never, now), "missing");
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
