//! Works on jobs: one to its end, or all that nobody else works on.

use std::sync::Arc;
use std::time::Duration;

use providers::video_task::{TaskStatus, TaskView};
use state::{Job, JobFilter, JobState, Lease, Submission};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::desk::{Desk, Next, Stop, told};
use super::{KIND, VideoStudio};
use state::JobChange;

/// Jobs that one process works on at a time; others wait.
const ACTIVE_MAX: usize = 64;
/// How often jobs that others left behind are looked for.
const SWEEP: Duration = Duration::from_secs(3);
/// Shortest and longest time between two looks at a task.
const LOOK_MIN: Duration = Duration::from_millis(250);
const LOOK_MAX: Duration = Duration::from_secs(10);
/// The time between two looks grows with the age of a task by this divisor.
const LOOK_AGE_PART: u32 = 8;
/// How soon a task is looked at again when the service could not be asked.
const LOOK_RETRY: Duration = Duration::from_secs(2);
/// How often somebody who waits looks whether the job is to be cancelled.
const CANCEL_LOOK: Duration = Duration::from_millis(500);

impl VideoStudio {
    /// Works on a job until it has ended, the lease is lost, or `stop` is cancelled; then the lease is given back.
    ///
    /// # Errors
    /// [`state::Error`].
    ///
    /// # Cancel safety
    /// Safe: what was begun is found again by whoever takes the job next.
    pub async fn work(
        &self,
        job: Job,
        lease: Lease,
        stop: &CancellationToken,
    ) -> Result<(), state::Error> {
        let mut desk = Desk::new(self, job, lease);
        let done = loop {
            if stop.is_cancelled() {
                break Ok(());
            }
            let waited = match Box::pin(desk.step()).await {
                Ok(Next::Go) => Ok(()),
                Ok(Next::Wait(wait)) => desk.rest(wait, stop).await,
                Err(stopped) => Err(stopped),
            };
            match waited {
                Ok(()) => {}
                Err(Stop::Ended | Stop::LeaseLost) => break Ok(()),
                Err(Stop::State(error)) => break Err(error),
            }
        };
        self.parts.store.release(desk.lease())?;
        done
    }

    /// Takes a job that nobody works on: the one named, or the oldest.
    ///
    /// # Errors
    /// [`state::Error`].
    pub fn take(&self, id: Option<&str>) -> Result<Option<(Job, Lease)>, state::Error> {
        let owner = &self.parts.owner;
        let times = (self.now_ms(), self.lease_until_ms());
        self.parts
            .store
            .take(id, owner.name(), times, |name| owner.is_dead(name))
    }

    /// Finds out what became of a submission of `scope` that its owner was killed in: it keeps all others waiting.
    pub(super) async fn settle(&self, scope: &str) -> Result<(), state::Error> {
        let owner = &self.parts.owner;
        let times = (self.now_ms(), self.lease_until_ms());
        let is_dead = |name: &str| owner.is_dead(name);
        let taken = self
            .parts
            .store
            .take_submitting(scope, owner.name(), times, is_dead)?;
        let Some((job, lease)) = taken else {
            return Ok(());
        };
        let mut desk = Desk::new(self, job, lease);
        let never = CancellationToken::new();
        while desk.job.submission == Submission::Started {
            let waited = match Box::pin(desk.reconcile()).await {
                Ok(Next::Go) => Ok(()),
                Ok(Next::Wait(wait)) => desk.rest(wait, &never).await,
                Err(stopped) => Err(stopped),
            };
            match waited {
                Ok(()) => {}
                Err(Stop::Ended | Stop::LeaseLost) => break,
                Err(Stop::State(error)) => return Err(error),
            }
        }
        self.parts.store.release(desk.lease())
    }

    /// Submits a job and gives it back: somebody else will see to the rest.
    ///
    /// # Errors
    /// [`state::Error`].
    pub async fn submit_only(&self, job: Job, lease: Lease) -> Result<(), state::Error> {
        let mut desk = Desk::new(self, job, lease);
        let never = CancellationToken::new();
        while desk.job.submission != Submission::Done {
            let waited = match Box::pin(desk.step()).await {
                Ok(Next::Go) => Ok(()),
                Ok(Next::Wait(wait)) => desk.rest(wait, &never).await,
                Err(stopped) => Err(stopped),
            };
            match waited {
                Ok(()) => {}
                Err(Stop::Ended | Stop::LeaseLost) => break,
                Err(Stop::State(error)) => return Err(error),
            }
        }
        self.parts.store.release(desk.lease())
    }

    /// Works on all jobs that nobody else works on until told to stop; what is open then is given back.
    pub async fn run(self: &Arc<Self>, stop: &CancellationToken) {
        let mut active = JoinSet::new();
        let leases = self.keep_leases(stop);
        let working = async {
            loop {
                self.begin_all(&mut active, stop);
                tokio::select! {
                    () = stop.cancelled() => break,
                    () = self.wake.notified() => {}
                    () = tokio::time::sleep(SWEEP) => {}
                    Some(_) = active.join_next(), if !active.is_empty() => {}
                }
            }
            while active.join_next().await.is_some() {}
        };
        tokio::join!(leases, working);
    }

    fn begin_all(self: &Arc<Self>, active: &mut JoinSet<()>, stop: &CancellationToken) {
        while active.len() < ACTIVE_MAX && self.has_open() {
            let (job, lease) = match self.take(None) {
                Ok(Some(taken)) => taken,
                Ok(None) => return,
                Err(error) => {
                    tracing::warn!(%error, "jobs cannot be read");
                    return;
                }
            };
            let (studio, stop) = (Arc::clone(self), stop.clone());
            active.spawn(async move {
                if let Err(error) = studio.work(job, lease, &stop).await {
                    tracing::warn!(%error, "a video job could not be written down");
                }
            });
        }
    }

    /// Says whether there is an open job at all: looking writes nothing, taking locks the store.
    fn has_open(&self) -> bool {
        let filter = JobFilter {
            open_only: true,
            limit: u32::MAX,
            ..JobFilter::default()
        };
        let own = self.parts.owner.name();
        let open = self.parts.store.list(filter).unwrap_or_default();
        open.iter()
            .any(|job| job.kind == KIND && job.owner.as_deref() != Some(own))
    }
}

impl Desk<'_> {
    /// Does the next thing.
    async fn step(&mut self) -> Result<Next, Stop> {
        if self.job.cancel_wanted {
            return self.cancel().await;
        }
        match (self.job.state, self.job.submission) {
            (JobState::Generated, _) => self.download().await,
            (_, Submission::None) => self.submit().await,
            (_, Submission::Started) => self.reconcile().await,
            (_, Submission::Done) => self.look().await,
        }
    }

    /// Waits, unless somebody wants the job to end.
    async fn rest(&mut self, wait: Duration, stop: &CancellationToken) -> Result<(), Stop> {
        let until = Instant::now() + wait;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(left.min(CANCEL_LOOK)) => {}
            }
            let job = self.studio.parts.store.get(&self.job.id)?;
            let wanted = job.is_some_and(|job| job.cancel_wanted);
            if wanted && !self.job.cancel_wanted {
                self.job.cancel_wanted = true;
                return Ok(());
            }
        }
    }

    /// Looks at the task.
    pub(super) async fn look(&mut self) -> Result<Next, Stop> {
        let Some(id) = self.job.upstream_id.clone() else {
            return self.end(JobState::Lost, "its id at the service is not known");
        };
        let route = match self.route() {
            Ok(route) => route,
            Err(reason) if self.left().is_zero() => return self.end(JobState::Lost, reason),
            Err(reason) => return self.wait_for(reason, LOOK_RETRY),
        };
        self.studio.pacer.wait().await;
        let deadline = self.call_deadline();
        match self.studio.upstream().task(&route, &id, deadline).await {
            Ok(view) => self.seen(id, view),
            Err(failure) if self.left().is_zero() => self.end(JobState::Lost, told(&failure)),
            Err(failure) => self.wait_for(told(&failure), LOOK_RETRY),
        }
    }

    fn seen(&mut self, id: String, view: TaskView) -> Result<Next, Stop> {
        match view.status {
            TaskStatus::Pending => self.goes_on(JobState::Queued),
            TaskStatus::Running => self.goes_on(JobState::Running),
            TaskStatus::Succeeded => {
                let is_other = view
                    .prompt
                    .is_some_and(|prompt| prompt != self.order.wish.prompt);
                if self.progress.adopted && is_other {
                    return self.disown(id);
                }
                let Some(url) = view.video_url else {
                    return self.end(JobState::Failed, "the service is done and names no video");
                };
                self.progress.url = Some(url);
                self.progress.usage = view.usage;
                self.progress.waits_for = None;
                self.write(super::desk::to(JobState::Generated))?;
                Ok(Next::Go)
            }
            TaskStatus::Failed => {
                let problem = view
                    .problem
                    .unwrap_or_else(|| "the service gives no reason".to_owned());
                self.end(JobState::Failed, problem)
            }
            TaskStatus::Canceled => self.end(JobState::Cancelled, "cancelled at the service"),
            TaskStatus::Unknown => self.end(
                JobState::Lost,
                "the service does not know the task any more; it keeps tasks for a day",
            ),
        }
    }

    fn goes_on(&mut self, state: JobState) -> Result<Next, Stop> {
        if self.is_late() {
            return self.end(
                JobState::Lost,
                "the deadline passed while the service was at it",
            );
        }
        self.enter(state)?;
        let submitted_ms = self.job.submitted_ms.unwrap_or(self.job.created_ms);
        let age = Duration::from_millis(self.studio.now_ms().saturating_sub(submitted_ms));
        Ok(Next::Wait((age / LOOK_AGE_PART).clamp(LOOK_MIN, LOOK_MAX)))
    }

    /// Ends the job if that is still possible: before it was submitted, or while it waits at the service.
    async fn cancel(&mut self) -> Result<Next, Stop> {
        match (self.job.submission, self.job.state) {
            (Submission::None, _) => {
                return self.end(JobState::Cancelled, "before it was submitted");
            }
            (Submission::Started, _) => return self.reconcile().await,
            (Submission::Done, JobState::Generated) => {
                return self.too_late_to_cancel("the video is made already");
            }
            (Submission::Done, _) => {}
        }
        let (Some(id), Ok(route)) = (self.job.upstream_id.clone(), self.route()) else {
            return self.too_late_to_cancel("the service cannot be asked");
        };
        self.studio.pacer.wait().await;
        let deadline = self.call_deadline();
        match self
            .studio
            .upstream()
            .cancel_task(&route, &id, deadline)
            .await
        {
            Ok(()) => self.end(JobState::Cancelled, "while it waited at the service"),
            Err(failure) if failure.is_refusal() => {
                self.too_late_to_cancel("the service is at it, and cancels only what has not begun")
            }
            Err(failure) => self.wait_for(told(&failure), LOOK_RETRY),
        }
    }

    fn too_late_to_cancel(&mut self, reason: &str) -> Result<Next, Stop> {
        self.write(JobChange {
            cancel_wanted: Some(false),
            problem: Some(Some(format!("not cancelled: {reason}"))),
            ..JobChange::default()
        })?;
        Ok(Next::Go)
    }
}
