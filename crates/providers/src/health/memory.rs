//! The breakers on disk, shared with the other processes of this home, and their shadow in `auth-state.json`.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use catalog::ErrorClass;
use config::{AgentId, Home, ProfileId};
use credentials::{Usage, UsageFile};
use state::{BreakerRow, RoutingMemory};

use super::breaker::Breaker;
use super::scope::Scope;

/// The breakers of a home. All methods block; trouble with the disk is logged once and otherwise ignored, since a request
/// must not fail for it.
#[derive(Debug)]
pub(super) struct Memory {
    home: Home,
    path: PathBuf,
    slot: Mutex<Slot>,
}

#[derive(Debug, Default)]
struct Slot {
    open: Option<RoutingMemory>,
    has_failed: bool,
    version: Option<u64>,
}

impl Memory {
    pub(super) fn of(home: &Home) -> Self {
        Self {
            home: home.clone(),
            path: RoutingMemory::path(home),
            slot: Mutex::default(),
        }
    }

    /// Returns all breakers when another process has written since the last call; nothing is created.
    pub(super) fn load_if_changed(&self) -> Option<Vec<Breaker>> {
        let mut slot = self.slot();
        if slot.open.is_none() && !self.path.exists() {
            return None;
        }
        let version = self.using(&mut slot, RoutingMemory::version)?;
        if slot.version == Some(version) {
            return None;
        }
        let rows = self.using(&mut slot, RoutingMemory::load)?;
        slot.version = Some(version);
        Some(rows.iter().filter_map(read_row).collect())
    }

    /// Forgets what was read, so that the next look reads again.
    pub(super) fn read_again(&self) {
        self.slot().version = None;
    }

    /// Writes breakers down.
    pub(super) fn store(&self, breakers: &[Breaker]) {
        let mut slot = self.slot();
        for breaker in breakers {
            let Some(row) = row(breaker) else { continue };
            self.using(&mut slot, |memory| memory.store(&row));
            self.shade(breaker.evidence.profile.as_deref(), &usage(breaker));
        }
    }

    /// Forgets breakers, and the rests of their profiles.
    pub(super) fn forget(&self, breakers: &[Breaker]) {
        let scopes: Vec<String> = breakers.iter().map(|it| it.scope.to_string()).collect();
        let mut slot = self.slot();
        self.using(&mut slot, |memory| {
            memory.forget(scopes.iter().map(String::as_str))
        });
        for breaker in breakers.iter().filter(|breaker| breaker.is_open()) {
            self.shade(breaker.evidence.profile.as_deref(), &Usage::default());
        }
    }

    /// Takes the right to probe among all processes.
    pub(super) fn lease_probe(&self, scope: &Scope, now_ms: u64, until_ms: u64) -> bool {
        let mut slot = self.slot();
        self.using(&mut slot, |memory| {
            memory.lease_probe(&scope.to_string(), now_ms, until_ms)
        })
        .unwrap_or(true)
    }

    /// Gives up the right to probe.
    pub(super) fn release_probes(&self, scopes: &[Scope]) {
        let mut slot = self.slot();
        for scope in scopes {
            self.using(&mut slot, |memory| memory.release_probe(&scope.to_string()));
        }
    }

    fn slot(&self) -> std::sync::MutexGuard<'_, Slot> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn using<T>(
        &self,
        slot: &mut Slot,
        work: impl FnOnce(&RoutingMemory) -> Result<T, state::Error>,
    ) -> Option<T> {
        let done = match slot.open.take() {
            Some(open) => Ok(open),
            None => RoutingMemory::open(&self.path),
        };
        let done = done.and_then(|open| {
            let done = work(&open);
            slot.open = Some(open);
            done
        });
        match done {
            Ok(done) => Some(done),
            Err(error) => {
                if !std::mem::replace(&mut slot.has_failed, true) {
                    tracing::warn!(reason = %error, "what was learned about keys and hosts is not kept");
                }
                None
            }
        }
    }

    /// Tells the original, which reads rests of stored profiles from their statistics.
    fn shade(&self, profile: Option<&str>, usage: &Usage) {
        let ids = profile.and_then(|text| text.split_once('/'));
        let Some((agent, id)) = ids else { return };
        if let (Ok(agent), Ok(id)) = (AgentId::new(agent), ProfileId::new(id)) {
            let file = UsageFile::of_agent(&self.home, &agent);
            // Worth less than any request; the next failure tries again.
            if let Err(error) = file.record(&[(id, usage.clone())]) {
                tracing::debug!(reason = %error, "the statistics of a profile were not written");
            }
        }
    }
}

/// Reads what is known about keys and hosts of a home; creates nothing.
///
/// # Errors
/// [`state::Error`] when there is a database that cannot be read.
pub fn read(home: &Home) -> Result<Vec<Breaker>, state::Error> {
    let memory = RoutingMemory::open_read_only(&RoutingMemory::path(home))?;
    let rows = memory.map(|memory| memory.load()).transpose()?;
    let mut breakers: Vec<Breaker> = rows.iter().flatten().filter_map(read_row).collect();
    breakers.sort_by(|one, other| one.scope.cmp(&other.scope));
    Ok(breakers)
}

/// Forgets breakers for all processes of a home; they notice with their next request. Returns those that were forgotten.
///
/// # Errors
/// [`state::Error`] when the database cannot be read or written.
pub fn unblock(
    home: &Home,
    is_meant: impl Fn(&Breaker) -> bool,
) -> Result<Vec<Breaker>, state::Error> {
    let meant: Vec<Breaker> = read(home)?.into_iter().filter(is_meant).collect();
    if !meant.is_empty() {
        let scopes: Vec<String> = meant.iter().map(|it| it.scope.to_string()).collect();
        RoutingMemory::open(&RoutingMemory::path(home))?
            .forget(scopes.iter().map(String::as_str))?;
        Memory::of(home).forget(&meant);
    }
    Ok(meant)
}

fn read_row(row: &BreakerRow) -> Option<Breaker> {
    // A row of a version to come is not understood, and then is not there.
    let mut breaker: Breaker = serde_json::from_str(&row.record).ok()?;
    breaker.probe_lease_ms = row.probe_lease_ms;
    Some(breaker)
}

fn row(breaker: &Breaker) -> Option<BreakerRow> {
    Some(BreakerRow {
        scope: breaker.scope.to_string(),
        until_ms: breaker.until_ms,
        probe_lease_ms: 0,
        record: serde_json::to_string(breaker).ok()?,
    })
}

/// Says it as `auth-state.json` does.
fn usage(breaker: &Breaker) -> Usage {
    let evidence = &breaker.evidence;
    let word = match evidence.class {
        ErrorClass::Arrears | ErrorClass::FreeTierExhausted => "billing",
        ErrorClass::InvalidKey | ErrorClass::WrongPlan | ErrorClass::WrongRegion => "auth",
        ErrorClass::Throttled | ErrorClass::QuotaWindow => "rate_limit",
        ErrorClass::ModelNotFound => "model_not_found",
        ErrorClass::NotEntitled => "not_entitled",
        ErrorClass::UpstreamFault => "server_error",
        ErrorClass::Network | ErrorClass::LocalTimeout => "timeout",
        _ => "unknown",
    };
    let until_ms = breaker.is_open().then_some(breaker.until_ms);
    let mut usage = Usage {
        last_used_ms: Some(breaker.last_failure_ms),
        error_count: breaker.failures,
        failure_counts: [(word.to_owned(), breaker.failures)].into(),
        last_failure_ms: Some(breaker.last_failure_ms),
        ..Usage::default()
    };
    if word == "billing" {
        usage.disabled_until_ms = until_ms;
        usage.disabled_reason = until_ms.map(|_| word.to_owned());
    } else if !matches!(breaker.scope, Scope::Host { .. }) {
        usage.cooldown_until_ms = until_ms;
        usage.cooldown_reason = until_ms.map(|_| word.to_owned());
        if let Scope::Model { model, .. } = &breaker.scope {
            usage.cooldown_model = until_ms.map(|_| model.to_string());
        }
    }
    usage
}
