//! How long a profile rests after a failure, and how it comes back.
//!
//! A breaker has no window (all is well), or one. In a window nothing is sent, but for a single attempt now and then when
//! the window is long. After it, one attempt at a time is sent until one succeeds. A failed attempt after the window
//! opens the next, longer one; a failed attempt within it changes nothing, so that the many requests that were under way
//! when trouble began count once.

use crate::profile_state::Usage;

/// Why a request failed, as far as resting is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum FailureReason {
    /// The service does not accept the credential at the moment.
    Auth,
    /// The service says that the credential is invalid for good.
    AuthPermanent,
    /// There is no money left.
    Billing,
    /// Too many requests or tokens.
    RateLimit,
    /// The plan of the credential does not include the model.
    NotEntitled,
    /// The service is overloaded.
    Overloaded,
    /// The service did not answer in time.
    Timeout,
    /// The service failed.
    ServerError,
    /// The service does not know the model.
    ModelNotFound,
    /// The service does not understand the request.
    Format,
    /// None of the others.
    Unknown,
}

impl FailureReason {
    const ALL: [Self; 11] = [
        Self::Auth,
        Self::AuthPermanent,
        Self::Billing,
        Self::RateLimit,
        Self::NotEntitled,
        Self::Overloaded,
        Self::Timeout,
        Self::ServerError,
        Self::ModelNotFound,
        Self::Format,
        Self::Unknown,
    ];

    /// Returns the word for it in `auth-state.json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::AuthPermanent => "auth_permanent",
            Self::Billing => "billing",
            Self::RateLimit => "rate_limit",
            Self::NotEntitled => "not_entitled",
            Self::Overloaded => "overloaded",
            Self::Timeout => "timeout",
            Self::ServerError => "server_error",
            Self::ModelNotFound => "model_not_found",
            Self::Format => "format",
            Self::Unknown => "unknown",
        }
    }

    fn from_word(word: &str) -> Self {
        Self::ALL
            .into_iter()
            .find(|reason| reason.as_str() == word)
            .unwrap_or(Self::Unknown)
    }

    /// Whether the state file has it under `disabledUntil` instead of `cooldownUntil`.
    fn disables(self) -> bool {
        matches!(self, Self::Billing | Self::AuthPermanent)
    }
}

/// What rests after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Nothing: the failure is the request's own.
    None,
    /// The profile with this one model.
    Model,
    /// The profile with all models.
    Profile,
}

/// Whether a request may use a profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// It may.
    Ready,
    /// It may, alone, to see whether things are better.
    Probe,
    /// It may not.
    Resting {
        /// Until when, in milliseconds since 1970 UTC, unless a probe succeeds before.
        until_ms: u64,
        /// Why the profile rests.
        reason: FailureReason,
    },
}

/// How long profiles rest; the defaults are those of `OpenClaw` 2026.5.20.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CooldownRules {
    /// The rests after the first failure, the second and so on, in milliseconds; the last one repeats.
    pub ordinary_ms: Vec<u64>,
    /// The first rest for want of money, in milliseconds; it doubles.
    pub billing_first_ms: u64,
    /// The longest such rest, in milliseconds.
    pub billing_max_ms: u64,
    /// The first rest of a credential that is invalid for good, in milliseconds; it doubles.
    pub auth_permanent_first_ms: u64,
    /// The longest such rest, in milliseconds.
    pub auth_permanent_max_ms: u64,
    /// After this long without a failure the ladder starts anew, in milliseconds.
    pub counter_reset_ms: u64,
    /// How often a single attempt is made within a long rest, in milliseconds.
    pub probe_every_ms: u64,
    /// After this long an attempt that never told how it went does not keep others back any more, in milliseconds.
    pub probe_lease_ms: u64,
    /// The failures after which only the model rests.
    pub model_scoped: Vec<FailureReason>,
}

impl Default for CooldownRules {
    fn default() -> Self {
        const MINUTE_MS: u64 = 60_000;
        const HOUR_MS: u64 = 60 * MINUTE_MS;
        Self {
            ordinary_ms: vec![30_000, MINUTE_MS, 5 * MINUTE_MS],
            billing_first_ms: 5 * HOUR_MS,
            billing_max_ms: 24 * HOUR_MS,
            auth_permanent_first_ms: 10 * MINUTE_MS,
            auth_permanent_max_ms: HOUR_MS,
            counter_reset_ms: 24 * HOUR_MS,
            probe_every_ms: 10 * MINUTE_MS,
            probe_lease_ms: 2 * MINUTE_MS,
            model_scoped: vec![FailureReason::RateLimit, FailureReason::NotEntitled],
        }
    }
}

impl CooldownRules {
    /// Returns what rests after a failure.
    pub fn scope(&self, reason: FailureReason) -> Scope {
        match reason {
            FailureReason::ModelNotFound | FailureReason::Format => Scope::None,
            reason if self.model_scoped.contains(&reason) => Scope::Model,
            _ => Scope::Profile,
        }
    }

    /// Returns how long the rest after the `n`th failure in a row is, in milliseconds; `n` counts from 1.
    pub fn window_ms(&self, reason: FailureReason, n: u64) -> u64 {
        let n_before = n.saturating_sub(1);
        let doubled = |first_ms: u64, max_ms: u64| {
            let factor = 1_u64 << n_before.min(32);
            first_ms.saturating_mul(factor).min(max_ms)
        };
        match reason {
            FailureReason::Billing => doubled(self.billing_first_ms, self.billing_max_ms),
            FailureReason::AuthPermanent => {
                doubled(self.auth_permanent_first_ms, self.auth_permanent_max_ms)
            }
            _ => {
                let step = usize::try_from(n_before).unwrap_or(usize::MAX);
                let ladder = &self.ordinary_ms;
                ladder.get(step).or(ladder.last()).copied().unwrap_or(0)
            }
        }
    }
}

/// The state of one profile, or of one model with it.
#[derive(Debug, Clone, Default)]
pub(super) struct Breaker {
    n_failures: u64,
    last_failure_ms: u64,
    window: Option<Window>,
}

/// A time of rest.
#[derive(Debug, Clone, Copy)]
struct Window {
    reason: FailureReason,
    length_ms: u64,
    until_ms: u64,
    /// When the next attempt within the window may be made.
    next_probe_ms: u64,
    /// Until when an attempt that is under way keeps others back.
    probing_until_ms: Option<u64>,
}

impl Breaker {
    /// Says what [`Breaker::begin_probe`] would be for; changes nothing.
    pub(super) fn peek(&self, now_ms: u64) -> Admission {
        let Some(window) = self.window else {
            return Admission::Ready;
        };
        let is_probing = window
            .probing_until_ms
            .is_some_and(|until_ms| now_ms < until_ms);
        if !is_probing && (now_ms >= window.until_ms || now_ms >= window.next_probe_ms) {
            return Admission::Probe;
        }
        Admission::Resting {
            until_ms: window.until_ms,
            reason: window.reason,
        }
    }

    /// Notes that an attempt is under way.
    pub(super) fn begin_probe(&mut self, rules: &CooldownRules, now_ms: u64) {
        if let Some(window) = &mut self.window {
            window.probing_until_ms = Some(now_ms.saturating_add(rules.probe_lease_ms));
            window.next_probe_ms = now_ms.saturating_add(rules.probe_every_ms);
        }
    }

    /// Notes that an attempt has ended with something that says nothing about this breaker.
    pub(super) fn end_probe(&mut self) {
        if let Some(window) = &mut self.window {
            window.probing_until_ms = None;
        }
    }

    /// Notes a failure.
    pub(super) fn fail(&mut self, rules: &CooldownRules, reason: FailureReason, now_ms: u64) {
        if let Some(window) = &mut self.window
            && now_ms < window.until_ms
        {
            window.probing_until_ms = None;
            let length_ms = rules.window_ms(reason, 1);
            // A worse failure of another kind counts; the same one once more does not.
            if !reason.disables() || window.reason.disables() || length_ms <= window.length_ms {
                return;
            }
            self.n_failures = 0;
        } else if self.is_long_past(rules, now_ms) {
            self.n_failures = 0;
        }
        self.n_failures += 1;
        self.last_failure_ms = now_ms;
        let length_ms = rules.window_ms(reason, self.n_failures);
        let before_ms = self.until_ms().unwrap_or_default();
        self.window = Some(Window {
            reason,
            length_ms,
            until_ms: now_ms.saturating_add(length_ms).max(before_ms),
            next_probe_ms: now_ms.saturating_add(rules.probe_every_ms),
            probing_until_ms: None,
        });
    }

    /// Tells whether the last trouble is over: the profile has been free for as long as it rested, or for a day.
    fn is_long_past(&self, rules: &CooldownRules, now_ms: u64) -> bool {
        let Some(window) = self.window else {
            return true;
        };
        now_ms >= window.until_ms.saturating_add(window.length_ms)
            || now_ms >= self.last_failure_ms.saturating_add(rules.counter_reset_ms)
    }

    /// Returns the end of the window.
    pub(super) fn until_ms(&self) -> Option<u64> {
        self.window.map(|window| window.until_ms)
    }

    /// Takes over a window of `auth-state.json` that has not passed.
    pub(super) fn restore(
        &mut self,
        rules: &CooldownRules,
        window: (Option<u64>, Option<&str>),
        usage: &Usage,
        now_ms: u64,
    ) {
        let (until_ms, reason) = window;
        let Some(until_ms) = until_ms.filter(|until_ms| now_ms < *until_ms) else {
            return;
        };
        self.n_failures = usage.error_count.max(1);
        self.last_failure_ms = usage.last_failure_ms.unwrap_or(now_ms);
        let before_ms = self.until_ms().unwrap_or_default();
        self.window = Some(Window {
            reason: reason.map_or(FailureReason::Unknown, FailureReason::from_word),
            length_ms: until_ms.saturating_sub(self.last_failure_ms),
            until_ms: until_ms.max(before_ms),
            next_probe_ms: self.last_failure_ms.saturating_add(rules.probe_every_ms),
            probing_until_ms: None,
        });
    }

    /// Writes the window down as `auth-state.json` has it.
    pub(super) fn describe(&self, usage: &mut Usage) {
        let Some(window) = self.window else {
            return;
        };
        usage.error_count = self.n_failures;
        usage.last_failure_ms = Some(self.last_failure_ms);
        let (until_ms, reason) = (Some(window.until_ms), Some(window.reason.as_str().into()));
        if window.reason.disables() {
            (usage.disabled_until_ms, usage.disabled_reason) = (until_ms, reason);
        } else {
            (usage.cooldown_until_ms, usage.cooldown_reason) = (until_ms, reason);
        }
    }
}
