//! How long a branch rests after a failure, and how often it is tried meanwhile.

use std::collections::BTreeMap;
use std::time::Duration;

use catalog::ErrorClass;
use config::Settings;

use crate::failure::Failure;

/// How long a request waits, at most, for a candidate to become free when no other is.
pub const PATIENCE_DEFAULT: Duration = Duration::from_secs(10);
/// The longest wait of a service (`Retry-After`) that is believed.
pub const RETRY_AFTER_MAX: Duration = Duration::from_hours(1);
/// The longest rest of a throttled model: rates are per minute.
const THROTTLED_MAX: Duration = Duration::from_mins(1);
const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);

/// How branches rest. The defaults are those of `OpenClaw` 2026.5.20 where it has any, with two exceptions: a throttled
/// model rests a minute at most, and nothing rests without being tried now and then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// First rest by class, in place of the error atlas's.
    pub first: BTreeMap<ErrorClass, Duration>,
    /// Longest rest by class, in place of the built-in one.
    pub longest: BTreeMap<ErrorClass, Duration>,
    /// After this long without a failure the ladder starts anew.
    pub forget_after: Duration,
    /// How often a single attempt is made within a long rest.
    pub probe_every: Duration,
    /// After this long an attempt that never told how it went does not keep others back any more.
    pub probe_lease: Duration,
    /// How long a request waits for a candidate when none is free.
    pub patience: Duration,
    /// How often a candidate that failed in passing is tried again before the next one is, by class.
    pub retries: BTreeMap<ErrorClass, u32>,
    /// The same for classes not listed.
    pub retries_default: u32,
    /// Whether a hiccup is followed by another try of the same candidate at once.
    pub repeats_hiccups: bool,
    /// Providers whose candidates never rest: they are gateways themselves.
    pub without: Vec<String>,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            first: BTreeMap::new(),
            longest: BTreeMap::new(),
            forget_after: Duration::from_hours(24),
            probe_every: 10 * MINUTE,
            probe_lease: MINUTE,
            patience: PATIENCE_DEFAULT,
            retries: BTreeMap::new(),
            retries_default: 0,
            repeats_hiccups: true,
            without: Vec::new(),
        }
    }
}

/// A ladder of rests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Ladder {
    first: Duration,
    longest: Duration,
    /// Failures in a row before the first rest.
    threshold: u64,
}

impl Rules {
    /// Returns the rules for a provider that is a gateway: it has waited and tried again itself.
    pub fn behind_gateway(provider: &str) -> Self {
        Self {
            patience: Duration::ZERO,
            repeats_hiccups: false,
            without: vec![provider.to_owned()],
            ..Self::default()
        }
    }

    /// Returns the rules of a home, and the words in `routing` that are no failure classes.
    pub fn of(settings: &Settings) -> (Self, Vec<String>) {
        let (routing, cooldowns) = (&settings.routing, &settings.auth.cooldowns);
        let mut rules = Self::default();
        let hours = |hours: f64| seconds(hours * 3600.0);
        let minutes = |minutes: f64| seconds(minutes * 60.0);
        for class in [
            ErrorClass::InvalidKey,
            ErrorClass::WrongPlan,
            ErrorClass::WrongRegion,
        ] {
            set(
                &mut rules.first,
                class,
                cooldowns.auth_first_min.map(minutes),
            );
            set(
                &mut rules.longest,
                class,
                cooldowns.auth_max_min.map(minutes),
            );
        }
        let money = ErrorClass::Arrears;
        set(
            &mut rules.first,
            money,
            cooldowns.billing_first_h.map(hours),
        );
        set(
            &mut rules.longest,
            money,
            cooldowns.billing_max_h.map(hours),
        );
        if let Some(window) = cooldowns.failure_window_h {
            rules.forget_after = hours(window);
        }
        if let Some(patience) = routing.patience_s {
            rules.patience = Duration::from_secs(patience);
        }
        if let Some(every) = routing.probe_every_s {
            rules.probe_every = Duration::from_secs(every);
        }
        let count = |retries: u64| u32::try_from(retries).unwrap_or(u32::MAX);
        rules.retries_default = routing.retries.map(count).unwrap_or_default();
        rules.without.clone_from(&routing.without_breakers);
        let mut unknown = Vec::new();
        let mut by_class = |entries: &[(String, u64)], take: &mut dyn FnMut(ErrorClass, u64)| {
            for (word, value) in entries {
                match word.parse() {
                    Ok(class) => take(class, *value),
                    Err(_) => unknown.push(word.clone()),
                }
            }
        };
        by_class(&routing.retries_by_class, &mut |class, retries| {
            rules.retries.insert(class, count(retries));
        });
        by_class(&routing.wait_s, &mut |class, wait_s| {
            rules.first.insert(class, Duration::from_secs(wait_s));
        });
        by_class(&routing.longest_wait_s, &mut |class, wait_s| {
            rules.longest.insert(class, Duration::from_secs(wait_s));
        });
        (rules, unknown)
    }

    /// Returns how long the branch rests after the `n`th failure in a row, which counts from 1; none when it does not.
    pub fn rest(&self, failure: &Failure, n: u64) -> Option<Duration> {
        let asked = failure
            .retry_after
            .map(|seconds| Duration::from_secs(seconds.into()).min(RETRY_AFTER_MAX));
        let ladder = self.ladder(failure)?;
        let step = n.checked_sub(ladder.threshold);
        // The service knows better than any ladder, and its word is good at once, whatever the count.
        asked.or_else(|| step.map(|step| ladder.rest(step)))
    }

    fn ladder(&self, failure: &Failure) -> Option<Ladder> {
        let class = failure.class;
        let ordinary = (Duration::from_secs(30), 5 * MINUTE);
        let (first, longest) = match class {
            ErrorClass::InvalidKey | ErrorClass::WrongPlan | ErrorClass::WrongRegion => ordinary,
            ErrorClass::Throttled => (Duration::from_secs(30), THROTTLED_MAX),
            ErrorClass::QuotaWindow => (5 * MINUTE, HOUR),
            ErrorClass::Arrears => (5 * HOUR, 24 * HOUR),
            ErrorClass::FreeTierExhausted => (HOUR, 24 * HOUR),
            ErrorClass::NotEntitled | ErrorClass::ModelNotFound => (10 * MINUTE, 6 * HOUR),
            ErrorClass::UpstreamFault => (Duration::from_secs(10), 5 * MINUTE),
            ErrorClass::Network => (Duration::from_secs(5), MINUTE),
            _ => return None,
        };
        // The atlas knows better than the class, but for money: its wait is the time to the first probe.
        let of_row = failure.wait.filter(|_| class != ErrorClass::Arrears);
        let first = self.first.get(&class).copied().or(of_row).unwrap_or(first);
        Some(Ladder {
            first,
            longest: self
                .longest
                .get(&class)
                .copied()
                .unwrap_or(longest)
                .max(first),
            // What may be a hiccup has to happen twice; what the service says in words does not.
            threshold: match class {
                ErrorClass::UpstreamFault | ErrorClass::Network => 2,
                _ => 1,
            },
        })
    }

    /// Returns how often a candidate is tried again, after a pause, before the next one is.
    pub fn retries(&self, class: ErrorClass) -> u32 {
        self.retries
            .get(&class)
            .copied()
            .unwrap_or(self.retries_default)
    }
}

fn set(map: &mut BTreeMap<ErrorClass, Duration>, class: ErrorClass, value: Option<Duration>) {
    if let Some(value) = value {
        map.insert(class, value);
    }
}

/// Returns a duration; one that is too long for any clock is a century.
fn seconds(seconds: f64) -> Duration {
    let century = 100.0 * 365.0 * 24.0 * 3600.0;
    Duration::try_from_secs_f64(seconds.min(century)).unwrap_or_default()
}

impl Ladder {
    /// Returns the rest on a step: one, two and ten times the first, which for 30 s is the ladder of the original, and
    /// then doubled.
    fn rest(self, step: u64) -> Duration {
        let factor = match step {
            0 => 1,
            1 => 2,
            2 => 10,
            // Far enough for any ladder to reach its end.
            step => 10_u32.saturating_mul(1 << (step - 2).min(16)),
        };
        self.first.saturating_mul(factor).min(self.longest)
    }
}

/// Says whether the trouble may be over within seconds, so that waiting for it makes sense.
pub(crate) fn is_passing(class: ErrorClass) -> bool {
    matches!(
        class,
        ErrorClass::Throttled | ErrorClass::UpstreamFault | ErrorClass::Network
    )
}
