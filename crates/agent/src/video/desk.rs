//! One job on the desk of its owner: what is known of it, and how changes are written down.

use std::sync::Arc;
use std::time::Duration;

use providers::{Deadline, Failure, Route};
use state::{Job, JobChange, JobState, Lease, Submission};

use super::VideoStudio;
use super::order::{Candidate, Order, Progress};

/// Longest time for one question to the service.
const CALL_MAX: Duration = Duration::from_mins(1);
/// Time that finishing touches get when the deadline has passed while nobody was there: the video is paid for.
const FINISH_MAX: Duration = Duration::from_mins(10);

/// A job being worked on.
pub(super) struct Desk<'a> {
    pub(super) studio: &'a VideoStudio,
    pub(super) job: Job,
    pub(super) order: Order,
    pub(super) progress: Progress,
    lease: Lease,
    /// When work on it began here, by the clock.
    began_ms: u64,
}

/// What follows a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// The next step at once.
    Go,
    /// The next step after a wait.
    Wait(Duration),
}

/// Why work on a job ends.
#[derive(Debug, thiserror::Error)]
pub(super) enum Stop {
    /// It has ended.
    #[error("the job has ended")]
    Ended,
    /// Somebody else works on it.
    #[error("somebody else works on the job")]
    LeaseLost,
    /// It cannot be written down.
    #[error(transparent)]
    State(#[from] state::Error),
}

impl<'a> Desk<'a> {
    pub(super) fn new(studio: &'a VideoStudio, job: Job, lease: Lease) -> Self {
        Self {
            order: Order::of(&job.request),
            progress: Progress::of(&job.progress),
            began_ms: studio.now_ms(),
            studio,
            job,
            lease,
        }
    }

    pub(super) fn lease(&self) -> &Lease {
        &self.lease
    }

    /// Writes a change down; an end ends the work.
    pub(super) fn write(&mut self, change: JobChange) -> Result<(), Stop> {
        let change = JobChange {
            progress: Some(self.progress.text()),
            ..change
        };
        let now_ms = self.studio.now_ms();
        let written = self
            .studio
            .parts
            .store
            .update(&self.lease, &change, now_ms)?;
        self.job = written.ok_or(Stop::LeaseLost)?;
        if self.job.state.is_end() {
            tracing::info!(job = %self.job.id, state = self.job.state.as_str(), "a video job has ended");
            return Err(Stop::Ended);
        }
        Ok(())
    }

    /// Writes a state down, if it is another one.
    pub(super) fn enter(&mut self, state: JobState) -> Result<(), Stop> {
        if self.job.state == state && self.progress.waits_for.is_none() {
            return Ok(());
        }
        self.progress.waits_for = None;
        self.write(to(state))
    }

    /// Ends the job.
    pub(super) fn end(
        &mut self,
        state: JobState,
        problem: impl Into<String>,
    ) -> Result<Next, Stop> {
        self.progress.waits_for = None;
        let change = JobChange {
            problem: Some(Some(problem.into())),
            ..to(state)
        };
        self.write(change)?;
        Err(Stop::Ended)
    }

    /// Notes what is in the way and waits.
    pub(super) fn wait_for(&mut self, what: String, wait: Duration) -> Result<Next, Stop> {
        if self.progress.waits_for.as_ref() != Some(&what) {
            self.progress.waits_for = Some(what);
            self.write(JobChange::default())?;
        }
        Ok(Next::Wait(wait))
    }

    pub(super) fn candidate(&self) -> Option<&Candidate> {
        self.order.candidates.get(self.progress.candidate)
    }

    /// Returns the route of the current candidate: the same host and credential, else any credential of that host, since
    /// tasks are seen by every key of an account.
    pub(super) fn route(&self) -> Result<Arc<Route>, String> {
        let candidate = self.candidate().ok_or("the order cannot be read")?;
        let routes = self.studio.directory().video_routes(&candidate.model);
        let routes = routes.map_err(|error| error.to_string())?;
        let same = routes.iter().find(|route| candidate.is_on(route));
        let same_host = || routes.iter().find(|route| *route.host == *candidate.host);
        same.or_else(same_host)
            .map(Arc::clone)
            .ok_or_else(|| format!("no key for {} is configured any more", candidate.host))
    }

    /// Returns the deadline of one question.
    pub(super) fn call_deadline(&self) -> Deadline {
        Deadline::after(self.left()).at_most(CALL_MAX)
    }

    /// Returns the time left for the job. When the deadline passed while nobody worked on it, or the video is done, what
    /// is left to do gets a little more.
    pub(super) fn left(&self) -> Duration {
        let now_ms = self.studio.now_ms();
        let slept = self.job.deadline_ms <= self.began_ms || self.job.state == JobState::Generated;
        let until_ms = if slept {
            let finish_ms = self.began_ms.saturating_add(super::millis(FINISH_MAX));
            self.job.deadline_ms.max(finish_ms)
        } else {
            self.job.deadline_ms
        };
        Duration::from_millis(until_ms.saturating_sub(now_ms))
    }

    /// Says whether the deadline has passed.
    pub(super) fn is_late(&self) -> bool {
        self.studio.now_ms() >= self.job.deadline_ms
    }

    /// Moves on to the candidate with this number; nothing is submitted any more.
    pub(super) fn turn_to(&mut self, candidate: usize) -> Result<(), Stop> {
        self.progress.candidate = candidate;
        let scope = self.candidate().map(Candidate::scope);
        self.write(JobChange {
            submission: Some(Submission::None),
            scope,
            ..JobChange::default()
        })
    }
}

/// A change of state.
pub(super) fn to(state: JobState) -> JobChange {
    JobChange {
        state: Some(state),
        ..JobChange::default()
    }
}

/// Returns what is shown of a failure.
pub(super) fn told(failure: &Failure) -> String {
    failure.to_string()
}
