//! Who is worth asking: what was learned about hosts, accounts, keys and models, and for how long it counts.
//!
//! A tree of breakers. A failure trips the narrowest branch that its class reaches, so a model that a plan does not
//! include never stands in the way of another model of the same key. A branch that rests is tried by one request at a
//! time, of all processes of the home, when its window has passed, and now and then within a long one. A success closes
//! every branch it was on. Requests that are turned away here change nothing.

mod breaker;
mod memory;
mod rules;
mod scope;
mod turns;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use catalog::ErrorClass;
use config::Home;
use credentials::oauth::Clock;
use tokio::sync::{Notify, OnceCell};

pub use self::breaker::{Admission, Breaker, Evidence};
pub use self::memory::{read, unblock};
pub(crate) use self::rules::is_passing;
pub use self::rules::{PATIENCE_DEFAULT, RETRY_AFTER_MAX, Rules};
pub use self::scope::{Branches, Scope};
pub use self::turns::SESSIONS_MAX;

use self::breaker::Event;
use self::memory::Memory;
use self::turns::Turns;
use crate::directory::Route;
use crate::failure::Failure;

/// How many branches are remembered; when there are more, those that reopen first are forgotten.
pub const BREAKERS_MAX: usize = 10_000;
/// How often it is looked whether another process has learned something, at most, in milliseconds.
const SYNC_EVERY_MS: u64 = 250;
/// When to look again for a branch that another process is probing, in milliseconds.
const OTHERS_PROBE_MS: u64 = 1_000;

/// What was learned, and whose turn it is.
pub struct Health {
    rules: Rules,
    clock: Clock,
    inner: Mutex<Inner>,
    /// Branches that had trouble: none most of the time, and then a request pays one look at this number.
    n_breakers: AtomicUsize,
    memory: Option<Arc<Memory>>,
    loaded: OnceCell<()>,
    next_sync_ms: AtomicU64,
    /// Writes under way: what is read meanwhile may be older than what is known here.
    n_writing: Arc<AtomicUsize>,
    changed: Notify,
}

#[derive(Default)]
struct Inner {
    breakers: HashMap<Scope, Known>,
    turns: Turns,
    spread: u64,
    /// Changes of this process, to know whether what was read from the file is older.
    revision: u64,
}

struct Known {
    breaker: Breaker,
    /// Whether the file has it; if not, its absence there says nothing.
    is_stored: bool,
}

/// Whether a candidate may be asked.
pub(crate) enum Decision<'a> {
    /// It may; the permit is to be told how it went.
    Go(Permit<'a>),
    /// It may not; this is why, and when somebody may try again.
    Rest(Box<Breaker>, u64),
}

/// The right to ask a candidate once. Dropped untold, it says nothing about the candidate.
pub(crate) struct Permit<'a> {
    health: &'a Health,
    /// Branches on which this is the only request under way.
    probes: Vec<Scope>,
}

/// A write under way.
struct Writing(Arc<AtomicUsize>);

impl Writing {
    fn begin(n_writing: &Arc<AtomicUsize>) -> Self {
        n_writing.fetch_add(1, Ordering::AcqRel);
        Self(Arc::clone(n_writing))
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Default for Health {
    fn default() -> Self {
        let start = Instant::now();
        let clock = move || u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
        Self::new(Rules::default(), Arc::new(clock))
    }
}

impl Health {
    /// Starts with nothing learned, for this process alone.
    pub fn new(rules: Rules, clock: Clock) -> Self {
        Self {
            rules,
            clock,
            inner: Mutex::default(),
            n_breakers: AtomicUsize::new(0),
            memory: None,
            loaded: OnceCell::new(),
            next_sync_ms: AtomicU64::new(0),
            n_writing: Arc::default(),
            changed: Notify::new(),
        }
    }

    /// Shares what is learned with the other processes of a home, and with those to come. Nothing is opened yet.
    #[must_use]
    pub fn shared_in(mut self, home: &Home) -> Self {
        self.memory = Some(Arc::new(Memory::of(home)));
        self
    }

    /// Returns how long things rest.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Returns what is known, in a stable order.
    pub async fn breakers(&self) -> Vec<Breaker> {
        self.read_first().await;
        self.sync().await;
        let inner = self.lock();
        let mut all: Vec<_> = inner
            .breakers
            .values()
            .map(|it| it.breaker.clone())
            .collect();
        all.sort_by(|one, other| one.scope.cmp(&other.scope));
        all
    }

    pub(crate) fn now_ms(&self) -> u64 {
        (self.clock)()
    }

    /// Returns the candidates in the order in which they are tried.
    pub(crate) fn order(
        &self,
        mut routes: Vec<Arc<Route>>,
        session: Option<&str>,
    ) -> Vec<Arc<Route>> {
        self.lock().turns.order(&mut routes, session);
        routes
    }

    /// Notes that a candidate that has alternatives is asked.
    pub(crate) fn used(&self, route: &Route, session: Option<&str>) {
        self.lock().turns.used(route, session);
    }

    /// Waits until something was learned by this process.
    pub(crate) fn changed(&self) -> impl Future<Output = ()> + '_ {
        self.changed.notified()
    }

    /// Says whether a request may ask a candidate now.
    pub(crate) async fn admit(self: &Arc<Self>, route: &Route) -> Decision<'_> {
        self.read_first().await;
        self.sync_if_due();
        let nothing = Permit::unconditional(self);
        if self.n_breakers.load(Ordering::Acquire) == 0 || self.is_exempt(route) {
            return Decision::Go(nothing);
        }
        let now_ms = self.now_ms();
        let probes = match self.begin(route.branches(), now_ms) {
            Ok(probes) => probes,
            Err(rest) => return rest,
        };
        let permit = Permit {
            health: self,
            probes,
        };
        match self.lease(&permit.probes, now_ms).await {
            None => Decision::Go(permit),
            Some(scope) => {
                drop(permit);
                self.rest_of(&scope, now_ms)
                    .unwrap_or(Decision::Go(nothing))
            }
        }
    }

    /// Begins the probes that are due on the branches of a place; an error when one of them rests.
    fn begin(&self, branches: &Branches, now_ms: u64) -> Result<Vec<Scope>, Decision<'_>> {
        let mut inner = self.lock();
        let mut probes = Vec::new();
        let mut rest: Option<(u64, &Breaker)> = None;
        for scope in branches.scopes() {
            let Some(known) = inner.breakers.get(&scope) else {
                continue;
            };
            match known.breaker.peek(now_ms) {
                Admission::Ready => {}
                Admission::Probe => probes.push(scope),
                Admission::Resting { retry_ms } => {
                    rest = rest
                        .filter(|(longest_ms, _)| *longest_ms >= retry_ms)
                        .or(Some((retry_ms, &known.breaker)));
                }
            }
        }
        if let Some((retry_ms, breaker)) = rest {
            return Err(Decision::Rest(Box::new(breaker.clone()), retry_ms));
        }
        inner.revision += u64::from(!probes.is_empty());
        for scope in &probes {
            if let Some(known) = inner.breakers.get_mut(scope) {
                known.breaker.begin_probe(&self.rules, now_ms);
            }
        }
        Ok(probes)
    }

    /// Takes the probes among all processes; returns one that another process has.
    async fn lease(&self, probes: &[Scope], now_ms: u64) -> Option<Scope> {
        if probes.is_empty() {
            return None;
        }
        let until_ms = now_ms
            .saturating_add(u64::try_from(self.rules.probe_lease.as_millis()).unwrap_or(u64::MAX));
        let probes = probes.to_vec();
        let _writing = Writing::begin(&self.n_writing);
        self.on_disk(move |memory| {
            let held = |scope: &&Scope| !memory.lease_probe(scope, now_ms, until_ms);
            probes.iter().find(held).cloned()
        })
        .await
        .flatten()
    }

    /// Returns when somebody may try a candidate again that rests, in milliseconds since 1970 UTC.
    pub(crate) fn rests_until(&self, route: &Route) -> Option<u64> {
        let now_ms = self.now_ms();
        let inner = self.lock();
        let rest = |scope: &Scope| {
            let breaker = &inner.breakers.get(scope)?.breaker;
            match breaker.peek(now_ms) {
                Admission::Resting { retry_ms } => Some(retry_ms),
                Admission::Ready | Admission::Probe => None,
            }
        };
        let scopes = route.branches().scopes();
        scopes.iter().filter_map(rest).max()
    }

    fn rest_of(&self, scope: &Scope, now_ms: u64) -> Option<Decision<'_>> {
        let inner = self.lock();
        let known = inner.breakers.get(scope)?;
        let retry_ms = now_ms.saturating_add(OTHERS_PROBE_MS);
        Some(Decision::Rest(Box::new(known.breaker.clone()), retry_ms))
    }

    /// Looks at what other processes learned before the first request.
    async fn read_first(&self) {
        if !self.loaded.initialized() {
            self.loaded.get_or_init(|| self.sync()).await;
        }
    }

    /// Looks now and then whether another process has learned something; the request does not wait for it.
    fn sync_if_due(self: &Arc<Self>) {
        let now_ms = self.now_ms();
        let due_ms = self.next_sync_ms.load(Ordering::Relaxed);
        if self.memory.is_none() || now_ms < due_ms {
            return;
        }
        let next_ms = now_ms.saturating_add(SYNC_EVERY_MS);
        let (set, get) = (Ordering::Relaxed, Ordering::Relaxed);
        let taken = self
            .next_sync_ms
            .compare_exchange(due_ms, next_ms, set, get);
        if taken.is_ok() {
            let health = Arc::clone(self);
            tokio::task::spawn_blocking(move || health.sync_now());
        }
    }

    async fn sync(&self) {
        if let Some(revision) = self.revision_at_rest() {
            let loaded = self.on_disk(Memory::load_if_changed).await.flatten();
            self.take_over(loaded, revision);
        }
    }

    fn sync_now(&self) {
        if let Some(revision) = self.revision_at_rest() {
            let loaded = self.memory.as_deref().and_then(Memory::load_if_changed);
            self.take_over(loaded, revision);
        }
    }

    /// Returns the number of changes so far; none while one of them is being written.
    fn revision_at_rest(&self) -> Option<u64> {
        let revision = self.lock().revision;
        (self.n_writing.load(Ordering::Acquire) == 0).then_some(revision)
    }

    /// Takes over what the file says; what it does not have any more was closed by somebody else.
    fn take_over(&self, breakers: Option<Vec<Breaker>>, revision: u64) {
        let Some(breakers) = breakers else { return };
        let mut inner = self.lock();
        if inner.revision != revision {
            // Read before the newest change of this process was written.
            if let Some(memory) = &self.memory {
                memory.read_again();
            }
            return;
        }
        inner.breakers.retain(|_, known| !known.is_stored);
        for breaker in breakers {
            let known = Known {
                breaker,
                is_stored: true,
            };
            inner
                .breakers
                .entry(known.breaker.scope.clone())
                .or_insert(known);
        }
        self.count(&inner);
    }

    async fn on_disk<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Memory) -> T + Send + 'static,
    ) -> Option<T> {
        let memory = Arc::clone(self.memory.as_ref()?);
        tokio::task::spawn_blocking(move || work(&memory))
            .await
            .ok()
    }

    /// Writes to the disk; the work goes on when the request that began it is gone.
    async fn write(&self, writing: Writing, work: impl FnOnce(&Memory) + Send + 'static) {
        self.on_disk(move |memory| {
            work(memory);
            drop(writing);
        })
        .await;
    }

    fn is_exempt(&self, route: &Route) -> bool {
        self.rules
            .without
            .iter()
            .any(|provider| *provider == *route.provider)
    }

    fn count(&self, inner: &Inner) {
        self.n_breakers
            .store(inner.breakers.len(), Ordering::Release);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // What is in here is consistent between any two statements.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<'a> Permit<'a> {
    /// Returns a permit that was not asked for.
    pub(crate) fn unconditional(health: &'a Health) -> Self {
        Self {
            health,
            probes: Vec::new(),
        }
    }
}

impl Permit<'_> {
    /// Notes that the candidate answered: everything it is on is well.
    pub(crate) async fn succeeded(mut self, route: &Route) {
        let health = self.health;
        self.probes.clear();
        if health.n_breakers.load(Ordering::Acquire) == 0 {
            return;
        }
        let writing = Writing::begin(&health.n_writing);
        let closed: Vec<Breaker> = {
            let mut inner = health.lock();
            inner.revision += 1;
            let scopes = route.branches().scopes();
            let closed = scopes
                .iter()
                .filter_map(|scope| inner.breakers.remove(scope))
                .map(|known| known.breaker)
                .collect();
            health.count(&inner);
            closed
        };
        if !closed.is_empty() {
            health
                .write(writing, move |memory| memory.forget(&closed))
                .await;
            health.changed.notify_waiters();
        }
    }

    /// Notes that the candidate failed, for the branch that the failure is about.
    pub(crate) async fn failed(mut self, route: &Route, failure: &Failure) {
        let health = self.health;
        let probes = std::mem::take(&mut self.probes);
        let writing = Writing::begin(&health.n_writing);
        let (stored, released) = health.note_failure(route, failure, probes);
        if !stored.is_empty() || !released.is_empty() {
            health
                .write(writing, move |memory| {
                    memory.store(&stored);
                    memory.release_probes(&released);
                })
                .await;
        }
        health.changed.notify_waiters();
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        if self.probes.is_empty() {
            return;
        }
        let probes = std::mem::take(&mut self.probes);
        let now_ms = self.health.now_ms();
        self.health.lock().abandon(&probes, now_ms);
        // The client has gone; the lease in the file would end by itself, but nobody should wait for that.
        if let (Some(memory), Ok(runtime)) =
            (&self.health.memory, tokio::runtime::Handle::try_current())
        {
            let memory = Arc::clone(memory);
            runtime.spawn_blocking(move || memory.release_probes(&probes));
        }
        self.health.changed.notify_waiters();
    }
}

impl Health {
    /// Returns the breakers to write down, and the probes that are over without a verdict.
    fn note_failure(
        &self,
        route: &Route,
        failure: &Failure,
        probes: Vec<Scope>,
    ) -> (Vec<Breaker>, Vec<Scope>) {
        let now_ms = self.now_ms();
        let mut inner = self.lock();
        let blamed = self
            .is_blamed(route, failure)
            .then(|| route.branches().scope(failure.scope))
            .flatten();
        let is_untold = |scope: &&Scope| blamed.as_ref() != Some(*scope);
        inner.abandon(probes.iter().filter(is_untold), now_ms);
        let Some(scope) = blamed else {
            return (Vec::new(), probes);
        };
        inner.revision += 1;
        inner.make_room();
        // A cheap spread is enough: it only has to differ among processes and failures.
        inner.spread = inner.spread.wrapping_mul(31).wrapping_add(now_ms) % 1000;
        let event = Event {
            failure,
            evidence: Evidence::of(failure, route),
            now_ms,
            is_probe: probes.contains(&scope),
            spread: inner.spread,
        };
        let known = inner
            .breakers
            .entry(scope.clone())
            .or_insert_with(|| Known {
                breaker: Breaker::new(scope.clone(), &event),
                is_stored: false,
            });
        let changed = known.breaker.fail(&self.rules, event);
        let is_stored = changed && known.breaker.is_open();
        known.is_stored |= is_stored;
        let stored = if is_stored {
            vec![known.breaker.clone()]
        } else {
            Vec::new()
        };
        self.count(&inner);
        let released = probes
            .into_iter()
            .filter(|probe| *probe != scope || !is_stored);
        (stored, released.collect())
    }

    /// Says whether the failure says anything about host or key. A login that gives no token has a state of its own.
    fn is_blamed(&self, route: &Route, failure: &Failure) -> bool {
        let is_of_login = failure.class == ErrorClass::InvalidKey && route.renewed().is_some();
        let can_rest = self.rules.rest(failure, u64::MAX).is_some();
        can_rest && !is_of_login && !self.is_exempt(route)
    }
}

impl Inner {
    fn abandon<'a>(&mut self, probes: impl IntoIterator<Item = &'a Scope>, now_ms: u64) {
        for scope in probes {
            if let Some(known) = self.breakers.get_mut(scope) {
                known.breaker.abandon_probe(now_ms);
            }
        }
    }

    fn make_room(&mut self) {
        if self.breakers.len() < BREAKERS_MAX {
            return;
        }
        let first = self
            .breakers
            .values()
            .min_by_key(|known| known.breaker.until_ms);
        if let Some(scope) = first.map(|known| known.breaker.scope.clone()) {
            self.breakers.remove(&scope);
        }
    }
}

#[cfg(test)]
mod tests;
