//! Several candidates for one request: who is tried, in which order, and what is said when nobody answers.
//!
//! A candidate is a route: model, host and credential. Failover ends at the commit point: once the first event of a
//! reply has arrived, the request stays where it is.

use std::fmt::Write;
use std::sync::Arc;

use catalog::{ErrorClass, RetryRule};
use http::HeaderMap;
use tokio_util::sync::CancellationToken;

use crate::attempt::{Call, Reply, Upstream};
use crate::chat_request::ChatRequest;
use crate::deadline::Deadline;
use crate::directory::Route;
use crate::failure::Failure;

/// The candidates of a name, in the order in which they are tried. There is at least one.
#[derive(Debug, Clone)]
pub struct Chain {
    first: Arc<Route>,
    others: Vec<Arc<Route>>,
    skipped: Vec<Skipped>,
}

/// A configured candidate that is not tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// The model as configured.
    pub model: String,
    /// Why it is not tried.
    pub reason: String,
}

/// Something that can be asked of every candidate of a chain.
pub trait Ask: Sync {
    /// What an answer is.
    type Reply: Send;

    /// Asks one candidate; nothing has reached the client yet, so a failure may be followed by another candidate.
    fn ask(
        &self,
        upstream: &Upstream,
        route: &Route,
    ) -> impl Future<Output = Result<Self::Reply, Failure>> + Send;
}

/// A chat completion.
#[derive(Clone, Copy)]
pub struct ChatAsk<'a> {
    /// What to ask.
    pub request: &'a ChatRequest,
    /// The client's headers.
    pub headers: &'a HeaderMap,
    /// When the reply must have begun (a stream) or be complete (else), all candidates together.
    pub deadline: Deadline,
    /// Cancelled when streams must end.
    pub stop: &'a CancellationToken,
}

impl Ask for ChatAsk<'_> {
    type Reply = Reply;

    async fn ask(&self, upstream: &Upstream, route: &Route) -> Result<Reply, Failure> {
        let call = Call {
            route,
            request: self.request,
            headers: self.headers,
            deadline: self.deadline,
            stop: self.stop,
        };
        upstream.attempt(call).await
    }
}

/// Who answered, and what.
#[derive(Debug)]
pub struct Answered<T> {
    /// The candidate that answered.
    pub route: Arc<Route>,
    /// Its answer.
    pub reply: T,
}

/// Nobody answered.
#[derive(Debug)]
pub struct Exhausted {
    /// What each candidate that was tried said; at least one.
    failures: Vec<(Arc<Route>, Failure)>,
    /// Candidates that were not tried.
    skipped: Vec<Skipped>,
}

impl Chain {
    /// Creates a chain of one.
    pub fn of(route: Arc<Route>) -> Self {
        Self {
            first: route,
            others: Vec::new(),
            skipped: Vec::new(),
        }
    }

    /// Creates a chain from its candidates; `None` when there are none.
    pub fn new(routes: Vec<Arc<Route>>, skipped: Vec<Skipped>) -> Option<Self> {
        let mut routes = routes.into_iter();
        let first = routes.next()?;
        Some(Self {
            first,
            others: routes.collect(),
            skipped,
        })
    }

    /// Returns the candidate that is tried first.
    pub fn first(&self) -> &Arc<Route> {
        &self.first
    }

    /// Returns all candidates in order.
    pub fn routes(&self) -> impl Iterator<Item = &Arc<Route>> {
        std::iter::once(&self.first).chain(&self.others)
    }

    /// Returns the configured candidates that are not tried, with reasons.
    pub fn skipped(&self) -> &[Skipped] {
        &self.skipped
    }
}

impl Upstream {
    /// Tries the candidates of `chain` in order and returns the first that answers.
    ///
    /// The next one is tried at once. A failure that every candidate would repeat, such as a malformed request, ends the
    /// walk.
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
        stop: &CancellationToken,
    ) -> Result<Answered<A::Reply>, Exhausted> {
        let mut failures = Vec::new();
        for route in chain.routes() {
            match ask.ask(self, route).await {
                Ok(reply) => {
                    let route = Arc::clone(route);
                    return Ok(Answered { route, reply });
                }
                Err(failure) => {
                    let is_last_word = is_last_word(&failure);
                    note(route, &failure);
                    failures.push((Arc::clone(route), failure));
                    if is_last_word || stop.is_cancelled() {
                        break;
                    }
                }
            }
        }
        Err(Exhausted {
            failures,
            skipped: chain.skipped.clone(),
        })
    }
}

/// Says whether no other candidate can do better: the request is at fault, or the time is up for all of them.
fn is_last_word(failure: &Failure) -> bool {
    failure.retry == RetryRule::Never || failure.class == ErrorClass::LocalTimeout
}

fn note(route: &Route, failure: &Failure) {
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

impl Exhausted {
    /// Returns the failure that decides the answer: the one that ended the walk if it did, else the first candidate's,
    /// which is the one the operator chose.
    pub fn decisive(&self) -> Option<&Failure> {
        let last = self.failures.last().map(|(_, failure)| failure);
        let first = self.failures.first().map(|(_, failure)| failure);
        last.filter(|failure| is_last_word(failure)).or(first)
    }

    /// Returns the configured candidates that were not tried.
    pub fn skipped(&self) -> &[Skipped] {
        &self.skipped
    }

    /// Returns how many candidates were tried.
    pub fn tried(&self) -> usize {
        self.failures.len()
    }

    /// Returns the message for a client: what each candidate said, and why others were not tried.
    pub fn message(&self) -> String {
        let (Some(decisive), true) = (
            self.decisive(),
            self.failures.len() > 1 || !self.skipped.is_empty(),
        ) else {
            return self
                .decisive()
                .map(Failure::client_message)
                .unwrap_or_default();
        };
        if is_last_word(decisive) && self.failures.len() == 1 {
            return decisive.client_message();
        }
        let mut message = format!(
            "none of {} candidates answered",
            self.failures.len() + self.skipped.len()
        );
        // Writing to a string cannot fail.
        for (route, failure) in &self.failures {
            let _ = write!(
                message,
                "; {} with {}: {failure}",
                route.reference(),
                route.credential
            );
        }
        for skipped in &self.skipped {
            let _ = write!(message, "; {} not tried: {}", skipped.model, skipped.reason);
        }
        message
    }
}
