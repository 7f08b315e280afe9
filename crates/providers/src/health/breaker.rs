//! One breaker: a state machine without a clock.
//!
//! A breaker has no window (all is well), or one. In a window nothing is sent, but for a single attempt now and then when
//! the window is long. After it, one attempt at a time is sent until one succeeds. A failed attempt after the window
//! opens the next, longer one; a failed attempt within it changes nothing, so that the many requests that were under way
//! when trouble began count once. Only a real attempt can change a window; a request that is turned away never does.

use std::time::Duration;

use catalog::ErrorClass;
use serde::{Deserialize, Serialize};

use super::rules::Rules;
use super::scope::Scope;
use crate::failure::Failure;

/// Longest upstream message kept as evidence, in characters.
const EVIDENCE_CHARS_MAX: usize = 300;

/// Whether a request may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// It may.
    Ready,
    /// It may, alone, to see whether things are better.
    Probe,
    /// It may not.
    Resting {
        /// When somebody may try again, in milliseconds since 1970 UTC.
        retry_ms: u64,
    },
}

/// What is known about a branch that had trouble. Times are milliseconds since 1970 UTC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Breaker {
    /// What it is about.
    #[serde(flatten)]
    pub scope: Scope,
    /// The last failure that counted.
    pub evidence: Evidence,
    /// Failures in a row.
    pub failures: u64,
    /// When the first of them was.
    pub since_ms: u64,
    /// When the last of them was.
    pub last_failure_ms: u64,
    /// When the window ends; zero when it has not come to one yet.
    pub until_ms: u64,
    /// When the next attempt within the window may be made.
    pub next_probe_ms: u64,
    /// How long the window is, in milliseconds.
    pub length_ms: u64,
    /// Until when an attempt that is under way keeps others back; zero when none is.
    #[serde(default)]
    pub probe_lease_ms: u64,
}

/// What the service said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Evidence {
    /// What went wrong.
    pub class: ErrorClass,
    /// Finer word within the class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// HTTP status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The service's code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The service's words, shortened.
    pub message: String,
    /// What to do about it.
    pub hint: String,
    /// Name and masked end of the credential.
    pub credential: String,
    /// The stored profile, when it is one: `agent/profile`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// The provider.
    pub provider: String,
    /// The model that was asked for.
    pub model: String,
    /// The service's request id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upstream_request_id: Option<String>,
}

impl Evidence {
    /// Takes from a failure what is worth keeping.
    pub(super) fn of(failure: &Failure, route: &crate::Route) -> Self {
        Self {
            class: failure.class,
            detail: failure.detail.clone(),
            status: failure.status,
            code: failure.code.clone(),
            message: failure.message.chars().take(EVIDENCE_CHARS_MAX).collect(),
            hint: failure.hint().to_owned(),
            credential: route.credential.to_string(),
            profile: route
                .profile()
                .map(|profile| format!("{}/{}", profile.agent, profile.id)),
            provider: route.provider.to_string(),
            model: route.model.to_string(),
            upstream_request_id: failure.upstream_request_id.clone(),
        }
    }
}

/// A failure, as a breaker sees it.
pub(super) struct Event<'a> {
    pub(super) failure: &'a Failure,
    pub(super) evidence: Evidence,
    pub(super) now_ms: u64,
    /// Whether the request that failed was the only one that was let through.
    pub(super) is_probe: bool,
    /// Shortens the rest by up to a tenth, in thousandths of it, so that processes do not march in step.
    pub(super) spread: u64,
}

impl Breaker {
    /// Makes the breaker of a branch that fails for the first time.
    pub(super) fn new(scope: Scope, event: &Event<'_>) -> Self {
        let now_ms = event.now_ms;
        Self {
            scope,
            evidence: event.evidence.clone(),
            failures: 0,
            since_ms: now_ms,
            last_failure_ms: now_ms,
            until_ms: 0,
            next_probe_ms: 0,
            length_ms: 0,
            probe_lease_ms: 0,
        }
    }

    /// Says whether there is a window that has not been closed by a success.
    pub fn is_open(&self) -> bool {
        self.until_ms > 0
    }

    /// Says whether a request may go; changes nothing.
    pub fn peek(&self, now_ms: u64) -> Admission {
        if !self.is_open() {
            return Admission::Ready;
        }
        if now_ms < self.probe_lease_ms {
            return Admission::Resting {
                retry_ms: self.probe_lease_ms,
            };
        }
        let retry_ms = self.until_ms.min(self.next_probe_ms);
        if now_ms >= retry_ms {
            Admission::Probe
        } else {
            Admission::Resting { retry_ms }
        }
    }

    /// Notes that an attempt is under way.
    pub(super) fn begin_probe(&mut self, rules: &Rules, now_ms: u64) {
        self.probe_lease_ms = now_ms.saturating_add(millis(rules.probe_lease));
        self.next_probe_ms = now_ms.saturating_add(millis(rules.probe_every));
    }

    /// Notes that an attempt has ended with something that says nothing about this branch: the next one may be made.
    pub(super) fn abandon_probe(&mut self, now_ms: u64) {
        self.probe_lease_ms = 0;
        self.next_probe_ms = self.next_probe_ms.min(now_ms);
    }

    /// Notes a failure. Says whether anything changed that others should know.
    pub(super) fn fail(&mut self, rules: &Rules, event: Event<'_>) -> bool {
        let Event {
            failure,
            evidence,
            now_ms,
            is_probe,
            spread,
        } = event;
        self.probe_lease_ms = 0;
        let is_within = self.is_open() && now_ms < self.until_ms;
        if is_within && !self.is_worse(rules, failure, now_ms) {
            if is_probe {
                self.next_probe_ms = now_ms.saturating_add(millis(rules.probe_every));
            }
            return is_probe;
        }
        if is_within || self.is_long_past(rules, now_ms) {
            self.failures = 0;
            self.since_ms = now_ms;
        }
        self.failures += 1;
        self.last_failure_ms = now_ms;
        self.evidence = evidence;
        if let Some(rest) = rules.rest(failure, self.failures) {
            let rest_ms = millis(rest);
            // What the service asked for is never shortened.
            let spread_ms = if failure.retry_after.is_some() {
                0
            } else {
                rest_ms / 10 * spread.min(1000) / 1000
            };
            self.length_ms = rest_ms;
            self.until_ms = self
                .until_ms
                .max(now_ms.saturating_add(rest_ms - spread_ms));
            self.next_probe_ms = now_ms.saturating_add(millis(rules.probe_every));
        }
        true
    }

    /// Says whether a failure within a window is of a worse kind, which counts; the same once more does not.
    fn is_worse(&self, rules: &Rules, failure: &Failure, now_ms: u64) -> bool {
        let until_ms = rules
            .rest(failure, 1)
            .map(|rest| now_ms.saturating_add(millis(rest)));
        failure.class != self.evidence.class
            && until_ms.is_some_and(|until_ms| until_ms > self.until_ms)
    }

    /// Tells whether the last trouble is over: the branch has been free for as long as it rested, or for a day.
    fn is_long_past(&self, rules: &Rules, now_ms: u64) -> bool {
        let free_since_ms = self.until_ms.max(self.last_failure_ms);
        let calm_ms = self.length_ms.max(MINUTE_MS);
        now_ms >= free_since_ms.saturating_add(calm_ms)
            || now_ms
                >= self
                    .last_failure_ms
                    .saturating_add(millis(rules.forget_after))
    }
}

/// Failures this far apart are not in a row, in milliseconds.
const MINUTE_MS: u64 = 60_000;

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
