//! Which of several profiles of a provider is next, and which of them rest.
//!
//! A pure state machine: it is told what happened and what time it is, and decides. A breaker per profile,
//! and one per profile and model, rests after a failure; when its window has passed, or now and then within a long one,
//! a single request may try whether things are better. Only such a real attempt can change a window; a request that is
//! turned away here never does.
//!
//! ```
//! use credentials::rotation::{Admission, CooldownRules, FailureReason, Rotation};
//!
//! let mut rotation = Rotation::new(CooldownRules::default());
//! let id = config::ProfileId::new("qwen:default")?;
//! rotation.failed(&id, None, FailureReason::Auth, 1_000);
//! assert!(matches!(rotation.admit(&id, None, 2_000), Admission::Resting { until_ms: 31_000, .. }));
//! assert_eq!(rotation.admit(&id, None, 31_000), Admission::Probe);
//! rotation.succeeded(&id, None, 31_500);
//! assert_eq!(rotation.admit(&id, None, 31_600), Admission::Ready);
//! # Ok::<(), config::Error>(())
//! ```

mod cooldown;
mod order;

use std::collections::{BTreeMap, HashMap};

use config::{ModelId, ProfileId};

use crate::profile_state::{ProfileState, Usage};

pub use self::cooldown::{Admission, CooldownRules, FailureReason, Scope};
pub use self::order::Turn;

use self::cooldown::Breaker;

/// How many sessions are remembered with the profile that served them last.
pub const SESSIONS_MAX: usize = 10_000;

/// How many models of one profile have a breaker of their own.
pub const MODELS_MAX: usize = 256;

/// The health of all profiles, and who is next.
#[derive(Debug, Clone, Default)]
pub struct Rotation {
    rules: CooldownRules,
    profiles: BTreeMap<ProfileId, Health>,
    sessions: HashMap<String, Sticky>,
    n_turns: u64,
}

/// What is known about one profile.
#[derive(Debug, Clone, Default)]
struct Health {
    account: Breaker,
    models: BTreeMap<ModelId, Breaker>,
    failure_counts: BTreeMap<String, u64>,
    last_used_ms: Option<u64>,
    last_turn: u64,
}

/// The profile that served a session last.
#[derive(Debug, Clone)]
struct Sticky {
    profile: ProfileId,
    turn: u64,
}

impl Rotation {
    /// Starts with profiles that are all well.
    pub fn new(rules: CooldownRules) -> Self {
        Self {
            rules,
            ..Self::default()
        }
    }

    /// Takes over what `auth-state.json` says; windows that have passed are nothing.
    pub fn restore(&mut self, state: &ProfileState, now_ms: u64) {
        for (id, usage) in &state.usage {
            let mut health = Health {
                last_used_ms: usage.last_used_ms,
                failure_counts: usage.failure_counts.clone(),
                ..Health::default()
            };
            let model = usage
                .cooldown_model
                .as_deref()
                .and_then(|model| ModelId::new(model).ok());
            let breaker = match model {
                Some(model) => health.models.entry(model).or_default(),
                None => &mut health.account,
            };
            let reason = usage.cooldown_reason.as_deref();
            let window = (usage.cooldown_until_ms, reason);
            breaker.restore(&self.rules, window, usage, now_ms);
            let reason = usage.disabled_reason.as_deref().or(Some("billing"));
            let window = (usage.disabled_until_ms, reason);
            health.account.restore(&self.rules, window, usage, now_ms);
            self.profiles.insert(id.clone(), health);
        }
    }

    /// Says whether a request may use the profile now; [`Admission::Probe`] is given to one request at a time, which
    /// must report how it went.
    pub fn admit(&mut self, id: &ProfileId, model: Option<&ModelId>, now_ms: u64) -> Admission {
        let Some(health) = self.profiles.get_mut(id) else {
            return Admission::Ready;
        };
        let of_model = model.and_then(|model| health.models.get_mut(model));
        let breakers = [Some(&mut health.account), of_model];
        let mut probes = Vec::with_capacity(2);
        for breaker in breakers.into_iter().flatten() {
            match breaker.peek(now_ms) {
                Admission::Ready => {}
                Admission::Probe => probes.push(breaker),
                resting @ Admission::Resting { .. } => return resting,
            }
        }
        if probes.is_empty() {
            return Admission::Ready;
        }
        for breaker in probes {
            breaker.begin_probe(&self.rules, now_ms);
        }
        Admission::Probe
    }

    /// Notes that a request with the profile went well: the ladder starts anew, for the profile and for this model.
    pub fn succeeded(&mut self, id: &ProfileId, model: Option<&ModelId>, now_ms: u64) {
        let health = self.profiles.entry(id.clone()).or_default();
        health.account = Breaker::default();
        health.failure_counts.clear();
        health.last_used_ms = Some(now_ms);
        if let Some(model) = model {
            health.models.remove(model);
        }
    }

    /// Notes that a request with the profile failed at the service. Failures that the service has no part in, and
    /// requests that were turned away here, are not to be reported.
    pub fn failed(
        &mut self,
        id: &ProfileId,
        model: Option<&ModelId>,
        reason: FailureReason,
        now_ms: u64,
    ) {
        let health = self.profiles.entry(id.clone()).or_default();
        let count = health
            .failure_counts
            .entry(reason.as_str().to_owned())
            .or_default();
        *count = count.saturating_add(1);
        match (self.rules.scope(reason), model) {
            (Scope::None, _) => {}
            (Scope::Model, Some(model)) => {
                health.make_room(model);
                let breaker = health.models.entry(model.clone()).or_default();
                breaker.fail(&self.rules, reason, now_ms);
                // The account answered: a probe of it is over.
                health.account.end_probe();
            }
            (Scope::Profile | Scope::Model, _) => health.account.fail(&self.rules, reason, now_ms),
        }
    }

    /// Notes that a request is on its way, for whose turn it is next and for the session's next request.
    pub fn used(&mut self, id: &ProfileId, session: Option<&str>, now_ms: u64) {
        self.n_turns += 1;
        let turn = self.n_turns;
        let health = self.profiles.entry(id.clone()).or_default();
        health.last_used_ms = Some(now_ms);
        health.last_turn = turn;
        let Some(session) = session else {
            return;
        };
        if self.sessions.len() >= SESSIONS_MAX && !self.sessions.contains_key(session) {
            // Half at once, so that a full memory is not searched for each request.
            let oldest_kept = turn.saturating_sub(SESSIONS_MAX as u64 / 2);
            self.sessions.retain(|_, sticky| sticky.turn > oldest_kept);
            if self.sessions.len() >= SESSIONS_MAX {
                self.sessions.clear();
            }
        }
        let profile = id.clone();
        self.sessions
            .insert(session.to_owned(), Sticky { profile, turn });
    }

    /// Forgets that the profile rests, as a person asked or because its key was replaced.
    pub fn clear(&mut self, id: &ProfileId) {
        if let Some(health) = self.profiles.get_mut(id) {
            health.account = Breaker::default();
            health.models.clear();
            health.failure_counts.clear();
        }
    }

    /// Returns what `auth-state.json` is to say about the profile.
    ///
    /// The file has room for one model at rest: the one that rests longest.
    pub fn usage(&self, id: &ProfileId) -> Usage {
        let Some(health) = self.profiles.get(id) else {
            return Usage::default();
        };
        let mut usage = Usage {
            last_used_ms: health.last_used_ms,
            failure_counts: health.failure_counts.clone(),
            ..Usage::default()
        };
        let resting = |(_, breaker): &(&ModelId, &Breaker)| breaker.until_ms();
        if let Some((model, breaker)) = health.models.iter().max_by_key(resting) {
            breaker.describe(&mut usage);
            usage.cooldown_model = usage.cooldown_until_ms.map(|_| model.to_string());
        }
        if health.account.until_ms().is_some() {
            usage.cooldown_model = None;
            health.account.describe(&mut usage);
        }
        usage
    }
}

impl Health {
    /// Forgets a model when there are too many: one that rests least.
    fn make_room(&mut self, model: &ModelId) {
        if self.models.len() < MODELS_MAX || self.models.contains_key(model) {
            return;
        }
        let least = self
            .models
            .iter()
            .min_by_key(|(_, breaker)| breaker.until_ms())
            .map(|(model, _)| model.clone());
        if let Some(model) = least {
            self.models.remove(&model);
        }
    }
}

#[cfg(test)]
mod tests;
