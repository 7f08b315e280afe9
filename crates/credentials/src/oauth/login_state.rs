//! What a stored login is good for at a moment.

use std::fmt;

use crate::profile::{Expiry, Login};

/// The part of a token's life that the margin may take, as a divisor: short-lived tokens are not renewed all the time.
const MARGIN_DIVISOR: u64 = 10;

/// The part of a token's life that the tolerance for clocks may take, as a divisor.
const SKEW_DIVISOR: u64 = 20;

/// What a login is good for; the states are never conflated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LoginState {
    /// The access token is good for a while.
    Valid,
    /// The access token is good, and it is time to renew it.
    Expiring,
    /// The access token has ended, and there is a refresh token that nobody has refused yet.
    ExpiredRefreshable,
    /// The access token has ended, and there is no way to renew it.
    Expired,
    /// The identity server has refused the refresh token.
    Revoked,
    /// The store does not say when the access token ends.
    Unknown,
}

impl LoginState {
    /// Returns the name of the state, as commands show it and as `--json` has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Expiring => "expiring",
            Self::ExpiredRefreshable => "expired-refreshable",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::Unknown => "unknown",
        }
    }

    /// Judges a login whose refresh token has not been refused.
    pub fn of(login: &Login, now_ms: u64, margins: Margins) -> Self {
        let ended = if login.refresh.is_some() {
            Self::ExpiredRefreshable
        } else {
            Self::Expired
        };
        if login.access.is_none() {
            return ended;
        }
        match login.expiry {
            Expiry::Never | Expiry::Invalid => Self::Unknown,
            Expiry::AtMs(at_ms) if at_ms <= now_ms => ended,
            Expiry::AtMs(at_ms) if at_ms - now_ms <= margins.refresh_ms => Self::Expiring,
            Expiry::AtMs(_) => Self::Valid,
        }
    }
}

impl fmt::Display for LoginState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

/// How early tokens are renewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Margins {
    /// How long before its end a token is renewed, in milliseconds.
    pub refresh_ms: u64,
    /// How far before its end a token is not sent any more while a new one can be had, in milliseconds: the clock of
    /// the server may be ahead.
    pub skew_ms: u64,
}

impl Margins {
    /// Returns the margins for a token that lives this long; a tenth of its life at most, and a twentieth.
    #[must_use]
    pub fn for_lifetime(self, lifetime_ms: Option<u64>) -> Self {
        let Some(lifetime_ms) = lifetime_ms else {
            return self;
        };
        Self {
            refresh_ms: self.refresh_ms.min(lifetime_ms / MARGIN_DIVISOR),
            skew_ms: self.skew_ms.min(lifetime_ms / SKEW_DIVISOR),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    const MARGINS: Margins = Margins {
        refresh_ms: 300_000,
        skew_ms: 30_000,
    };
    const NOW_MS: u64 = 1_800_000_000_000;

    fn state(access: bool, refresh: bool, expiry: Expiry) -> LoginState {
        let secret = |is_there: bool| is_there.then(|| Secret::new("t".to_owned()));
        let login = Login {
            access: secret(access),
            refresh: secret(refresh),
            expiry,
        };
        LoginState::of(&login, NOW_MS, MARGINS)
    }

    #[test]
    fn states_are_told_apart() {
        use LoginState as S;
        let at = |offset_ms: i64| Expiry::AtMs(NOW_MS.saturating_add_signed(offset_ms));
        for (access, refresh, expiry, expected) in [
            (true, true, at(360_000), S::Valid),
            (true, false, at(360_000), S::Valid),
            (true, true, at(300_001), S::Valid),
            (true, true, at(300_000), S::Expiring),
            (true, true, at(1), S::Expiring),
            (true, true, at(0), S::ExpiredRefreshable),
            (true, false, at(0), S::Expired),
            (false, true, at(360_000), S::ExpiredRefreshable),
            (false, false, at(360_000), S::Expired),
            (true, true, Expiry::Never, S::Unknown),
            (true, true, Expiry::Invalid, S::Unknown),
        ] {
            assert_eq!(
                state(access, refresh, expiry),
                expected,
                "{access} {refresh} {expiry:?}"
            );
        }
    }

    #[test]
    fn short_lives_have_short_margins() {
        let short = MARGINS.for_lifetime(Some(60_000));
        assert_eq!((short.refresh_ms, short.skew_ms), (6_000, 3_000));
        assert_eq!(MARGINS.for_lifetime(Some(21_600_000)), MARGINS);
        assert_eq!(MARGINS.for_lifetime(None), MARGINS);
    }
}
