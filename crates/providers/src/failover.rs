//! Several candidates for one request: who is tried, in which order, and what is said when nobody answers.
//!
//! A candidate is a route: model, host and credential. Which of them are worth asking is for [`crate::health`] to say.
//! Failover ends at the commit point: once the first event of a
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

mod trace;
mod walk;

pub use trace::{Candidate, Step, Trace};

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

/// The terms of a walk along the candidates.
#[derive(Debug, Clone, Copy)]
pub struct Terms<'a> {
    /// When it must have ended.
    pub deadline: Deadline,
    /// Cancelled when nothing new may begin.
    pub stop: &'a CancellationToken,
    /// The conversation, which stays with its credential while that is well.
    pub session: Option<&'a str>,
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
    /// What happened before.
    pub trace: Trace,
}

/// Nobody answered.
#[derive(Debug)]
pub struct Exhausted {
    /// What each candidate said, now or before it came to rest; at least one.
    failures: Vec<(Arc<Route>, Failure)>,
    /// Candidates that were not tried.
    skipped: Vec<Skipped>,
    trace: Trace,
    retry_after: Option<u32>,
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

/// Says whether no other candidate can do better: the request is at fault, or the time is up for all of them.
fn is_last_word(failure: &Failure) -> bool {
    failure.retry == RetryRule::Never || failure.class == ErrorClass::LocalTimeout
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

    /// Returns how many candidates said something.
    pub fn tried(&self) -> usize {
        self.failures.len()
    }

    /// Returns what happened, step by step.
    pub fn trace(&self) -> &Trace {
        &self.trace
    }

    /// Returns after how many seconds one of the candidates can be asked again.
    pub fn retry_after(&self) -> Option<u32> {
        self.retry_after
            .or_else(|| self.decisive().and_then(|failure| failure.retry_after))
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
