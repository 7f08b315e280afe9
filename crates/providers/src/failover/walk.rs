//! The walk along a chain: ask, rest, go on, wait.

use std::sync::Arc;
use std::time::{Duration, Instant};

use catalog::RetryRule;

use super::trace::{Candidate, Step, Trace};
use super::{Answered, Ask, Chain, Exhausted, Terms, is_last_word};
use crate::attempt::Upstream;
use crate::directory::Route;
use crate::failure::Failure;
use crate::health::{Decision, Health, Permit, is_passing};

/// First pause before a candidate that failed is tried again; it doubles.
const PAUSE_FIRST: Duration = Duration::from_millis(500);
/// Longest such pause.
const PAUSE_MAX: Duration = Duration::from_secs(8);

/// One request on its way along the candidates.
struct Walk<'a, A> {
    upstream: &'a Upstream,
    ask: &'a A,
    terms: Terms<'a>,
    has_choice: bool,
    trace: Trace,
    /// What each candidate said last, in the order of the first words.
    said: Vec<(Arc<Route>, Failure)>,
    given_up: Vec<Arc<Route>>,
    soonest_ms: Option<u64>,
}

/// How asking one candidate went.
enum Tried<T> {
    Answered(T),
    /// Somebody else may do better.
    GoOn,
    /// Nobody will.
    LastWord,
}

impl Upstream {
    /// Asks the candidates of `chain` in order and returns the first answer.
    ///
    /// A candidate that rests after a failure is not asked; the next one is, at once. When nobody is free, the request
    /// waits for the first that will be, within the patience of the [rules](crate::health::Rules). A failure that every
    /// candidate would repeat, such as a malformed request, ends the walk.
    ///
    /// # Errors
    /// [`Exhausted`] with what each of them said.
    ///
    /// # Cancel safety
    /// Dropping the future closes the upstream connection that is open.
    pub async fn attempt_chain<A: Ask>(
        &self,
        chain: &Chain,
        ask: &A,
        terms: Terms<'_>,
    ) -> Result<Answered<A::Reply>, Exhausted> {
        let walk = Walk {
            upstream: self,
            ask,
            terms,
            has_choice: !chain.others.is_empty(),
            trace: Trace::default(),
            said: Vec::new(),
            given_up: Vec::new(),
            soonest_ms: None,
        };
        if chain.others.is_empty() {
            return walk.along(std::slice::from_ref(&chain.first), chain).await;
        }
        let routes = chain.routes().map(Arc::clone).collect();
        let routes = self.health().order(routes, terms.session);
        walk.along(&routes, chain).await
    }
}

impl<A: Ask> Walk<'_, A> {
    async fn along(
        mut self,
        routes: &[Arc<Route>],
        chain: &Chain,
    ) -> Result<Answered<A::Reply>, Exhausted> {
        let health = Arc::clone(self.upstream.health());
        let patience_ms = u64::try_from(health.rules().patience.as_millis()).unwrap_or(u64::MAX);
        // Read when it is needed first: most requests are answered at once.
        let mut patient_until_ms = None;
        loop {
            self.soonest_ms = None;
            for route in routes {
                if self
                    .given_up
                    .iter()
                    .any(|given_up| Arc::ptr_eq(given_up, route))
                {
                    continue;
                }
                match self.visit(&health, route).await {
                    Tried::Answered(reply) => {
                        let (route, trace) = (Arc::clone(route), self.trace);
                        return Ok(Answered {
                            route,
                            reply,
                            trace,
                        });
                    }
                    Tried::GoOn => {}
                    Tried::LastWord => return Err(self.exhausted(chain)),
                }
            }
            let now_ms = health.now_ms();
            let until_ms = *patient_until_ms.get_or_insert(now_ms.saturating_add(patience_ms));
            let wait_ms = self
                .soonest_ms
                .filter(|soonest_ms| *soonest_ms <= until_ms && now_ms < until_ms)
                .map(|soonest_ms| soonest_ms.saturating_sub(now_ms).max(1));
            let Some(wait) = wait_ms.map(Duration::from_millis) else {
                return Err(self.exhausted(chain));
            };
            if wait >= self.terms.deadline.remaining() {
                return Err(self.exhausted(chain));
            }
            tokio::select! {
                () = self.terms.stop.cancelled() => return Err(self.exhausted(chain)),
                () = health.changed() => {}
                () = tokio::time::sleep(wait) => {}
            }
            let wait_ms = health.now_ms().saturating_sub(now_ms);
            self.trace.push(Step::Waited { wait_ms });
        }
    }

    /// Asks a candidate unless it rests.
    async fn visit(&mut self, health: &Arc<Health>, route: &Arc<Route>) -> Tried<A::Reply> {
        match health.admit(route).await {
            Decision::Go(permit) => self.try_one(health, route, permit).await,
            Decision::Rest(breaker, retry_ms) => {
                let now_ms = health.now_ms();
                let failure = Failure::of_resting(&breaker, route, now_ms, retry_ms);
                if is_passing(failure.class) {
                    // Somebody is finding out right now: their answer comes long before their lease ends.
                    let is_probed = now_ms < breaker.probe_lease_ms;
                    self.free_at(if is_probed { now_ms } else { retry_ms }, is_probed);
                }
                // What it said to this request itself says more.
                if !self.has_spoken(route) {
                    let step = Candidate::new(route, &failure, None);
                    self.trace.push(Step::Rested(step));
                    self.said.push((Arc::clone(route), failure));
                }
                Tried::GoOn
            }
        }
    }

    async fn try_one(
        &mut self,
        health: &Arc<Health>,
        route: &Arc<Route>,
        mut permit: Permit<'_>,
    ) -> Tried<A::Reply> {
        let mut waits = false;
        for n_before in 0.. {
            if self.has_choice {
                health.used(route, self.terms.session);
            }
            let started = Instant::now();
            let failure = match self.ask.ask(self.upstream, route).await {
                Ok(reply) => {
                    permit.succeeded(route).await;
                    return Tried::Answered(reply);
                }
                Err(failure) => failure,
            };
            permit.failed(route, &failure).await;
            self.note(route, &failure, started.elapsed());
            let (retry, class) = (failure.retry, failure.class);
            waits = retry == RetryRule::Backoff;
            let is_last = is_last_word(&failure);
            self.say(route, failure);
            if is_last || self.terms.stop.is_cancelled() {
                return Tried::LastWord;
            }
            let retries = health.rules().retries(class);
            if n_before < retries && !matches!(retry, RetryRule::NextCandidate) {
                // The operator wants this one to be asked again, rest or not.
                if !self.pause(n_before).await {
                    break;
                }
                permit = Permit::unconditional(health);
            } else if n_before == 0 && self.repeats(retry) {
                match health.admit(route).await {
                    Decision::Go(again) => permit = again,
                    Decision::Rest(..) => break,
                }
            } else {
                break;
            }
        }
        match health.rests_until(route).filter(|_| waits) {
            Some(retry_ms) => self.free_at(retry_ms, false),
            None => self.given_up.push(Arc::clone(route)),
        }
        Tried::GoOn
    }

    fn repeats(&self, retry: RetryRule) -> bool {
        retry == RetryRule::RetryOnce && self.upstream.health().rules().repeats_hiccups
    }

    /// Waits before another try of the same candidate; false when there is no time for it.
    async fn pause(&self, n_before: u32) -> bool {
        let pause = PAUSE_FIRST
            .saturating_mul(1 << n_before.min(8))
            .min(PAUSE_MAX);
        if pause >= self.terms.deadline.remaining() {
            return false;
        }
        tokio::select! {
            () = self.terms.stop.cancelled() => false,
            () = tokio::time::sleep(pause) => true,
        }
    }

    /// Notes when a candidate can be asked; one that is being probed is waited for as long as patience lasts.
    fn free_at(&mut self, at_ms: u64, is_probed: bool) {
        /// How often a probe of somebody else is looked after; its end is told at once within this process.
        const LOOK_EVERY_MS: u64 = 1_000;
        let at_ms = if is_probed {
            at_ms + LOOK_EVERY_MS
        } else {
            at_ms
        };
        self.soonest_ms = Some(self.soonest_ms.map_or(at_ms, |soonest| soonest.min(at_ms)));
    }

    fn has_spoken(&self, route: &Arc<Route>) -> bool {
        self.said.iter().any(|(said, _)| Arc::ptr_eq(said, route))
    }

    fn say(&mut self, route: &Arc<Route>, failure: Failure) {
        match self
            .said
            .iter_mut()
            .find(|(said, _)| Arc::ptr_eq(said, route))
        {
            Some((_, last)) => *last = failure,
            None => self.said.push((Arc::clone(route), failure)),
        }
    }

    fn note(&mut self, route: &Route, failure: &Failure, took: Duration) {
        let step = Candidate::new(route, failure, Some(took));
        self.trace.push(Step::Failed(step));
        tracing::warn!(
            model = %route.reference(),
            host = %route.host,
            credential = %route.credential,
            class = failure.class_name(),
            status = failure.status,
            upstream_request_id = failure.upstream_request_id,
            "a candidate failed"
        );
    }

    fn exhausted(mut self, chain: &Chain) -> Exhausted {
        for skipped in &chain.skipped {
            self.trace.push(Step::Skipped {
                model: skipped.model.clone(),
                reason: skipped.reason.clone(),
            });
        }
        let now_ms = self.upstream.health().now_ms();
        let retry_after = self.soonest_ms.and_then(|soonest_ms| {
            let wait_s = soonest_ms.saturating_sub(now_ms).div_ceil(1000).max(1);
            u32::try_from(wait_s).ok()
        });
        Exhausted {
            failures: self.said,
            skipped: chain.skipped.clone(),
            trace: self.trace,
            retry_after,
        }
    }
}
