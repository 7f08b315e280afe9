//! Videos: long jobs that cost money once and must not be lost.
//!
//! The story of a job: [`VideoStudio::create`] turns a wish into an [`Order`] (which models may make it, on which routes,
//! with which requests) and writes it down; whoever holds its lease works on it ([`VideoStudio::work`]): the submission is
//! journalled before it is sent, the task is looked at until it is done, the file is fetched before its link expires and
//! appears under its name only when it is whole. A crash between the submission and its answer is resolved by asking the
//! service for its latest tasks before anything is submitted again. All of it has one deadline.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use providers::media_fetch::MediaFetcher;
use providers::{Directory, Upstream};
use state::{Job, JobFilter, JobStore, Owner};
use tokio_util::sync::CancellationToken;

mod create;
mod desk;
mod download;
mod order;
mod pacer;
mod reconcile;
mod submit;
mod view;
mod worker;

pub use create::{CreateError, Draft, LocalFile, VideoAsk, draft};
pub use order::{Candidate, Order, Progress};
pub use view::VideoView;

use pacer::Pacer;

/// What the jobs are called in the store.
pub const KIND: &str = "video";
/// How long a job may take when nobody says, from its creation to its file.
pub const DEADLINE_DEFAULT: Duration = Duration::from_hours(1);
/// How long a lease holds without being renewed.
const LEASE: Duration = Duration::from_mins(1);
/// How often leases are renewed.
const LEASE_RENEWAL: Duration = Duration::from_secs(20);

/// The clock: Unix milliseconds.
pub type Clock = Arc<dyn Fn() -> u64 + Send + Sync>;

/// What the studio is made of.
pub struct VideoParts {
    /// Where jobs are written down.
    pub store: Arc<JobStore>,
    /// This process, as one that works on jobs.
    pub owner: Owner,
    /// Which models there are and how to reach them.
    pub directory: Arc<Directory>,
    /// The way out.
    pub upstream: Arc<Upstream>,
    /// What fetches results.
    pub fetcher: MediaFetcher,
    /// Where results are kept.
    pub folder: PathBuf,
    /// The clock.
    pub clock: Clock,
}

/// Where videos are made. One per process.
pub struct VideoStudio {
    parts: VideoParts,
    routing: RwLock<(Arc<Directory>, Arc<Upstream>)>,
    pacer: Pacer,
    submitting: tokio::sync::Mutex<()>,
    /// Told when there may be work.
    wake: tokio::sync::Notify,
}

impl std::fmt::Debug for VideoStudio {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("VideoStudio")
            .field("owner", &self.parts.owner.name())
            .finish_non_exhaustive()
    }
}

impl VideoStudio {
    /// Creates the studio; nothing is worked on yet.
    pub fn new(parts: VideoParts) -> Self {
        let routing = (Arc::clone(&parts.directory), Arc::clone(&parts.upstream));
        Self {
            parts,
            routing: RwLock::new(routing),
            pacer: Pacer::default(),
            submitting: tokio::sync::Mutex::new(()),
            wake: tokio::sync::Notify::new(),
        }
    }

    /// Goes on with other routes and another way out, after the config changed.
    pub fn renew(&self, directory: Arc<Directory>, upstream: Arc<Upstream>) {
        let mut routing = self.routing.write().unwrap_or_else(PoisonError::into_inner);
        *routing = (directory, upstream);
    }

    fn directory(&self) -> Arc<Directory> {
        let routing = self.routing.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&routing.0)
    }

    fn upstream(&self) -> Arc<Upstream> {
        let routing = self.routing.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&routing.1)
    }

    /// Returns a job of `caller`; none when there is none or it belongs to somebody else.
    ///
    /// # Errors
    /// [`state::Error`].
    pub fn find(&self, caller: &str, id: &str) -> Result<Option<Job>, state::Error> {
        let job = self.parts.store.get(id)?;
        Ok(job.filter(|job| job.caller == caller && job.kind == KIND))
    }

    /// Returns jobs.
    ///
    /// # Errors
    /// [`state::Error`].
    pub fn list(&self, filter: JobFilter<'_>) -> Result<Vec<Job>, state::Error> {
        self.parts.store.list(filter)
    }

    /// Returns the store, for those who only look.
    pub fn store(&self) -> &JobStore {
        &self.parts.store
    }

    /// Notes that the result of a job was handed over.
    ///
    /// # Errors
    /// [`state::Error`].
    pub fn delivered(&self, id: &str) -> Result<(), state::Error> {
        self.parts.store.delivered(id, self.now_ms())
    }

    /// Asks for a job to end; whoever works on it sees to it.
    ///
    /// # Errors
    /// [`state::Error`].
    pub fn want_cancel(&self, id: &str) -> Result<Option<Job>, state::Error> {
        let job = self.parts.store.want_cancel(id, self.now_ms())?;
        self.wake.notify_one();
        Ok(job)
    }

    /// Forgets a job that has ended, and its file; says whether it did.
    ///
    /// # Errors
    /// [`state::Error`].
    pub fn forget(&self, job: &Job) -> Result<bool, state::Error> {
        let forgotten = self.parts.store.forget(&job.id)?;
        if let (true, Some(path)) = (forgotten, &job.path) {
            // A file that somebody has removed already is as good.
            let _ = std::fs::remove_file(path);
        }
        Ok(forgotten)
    }

    /// Returns the time in Unix milliseconds.
    pub fn now_ms(&self) -> u64 {
        (self.parts.clock)()
    }

    fn lease_until_ms(&self) -> u64 {
        self.now_ms().saturating_add(millis(LEASE))
    }

    /// Keeps the leases of this process until told to stop.
    pub async fn keep_leases(&self, stop: &CancellationToken) {
        let stopped = stop.cancelled();
        let mut stopped = std::pin::pin!(stopped);
        loop {
            tokio::select! {
                () = &mut stopped => return,
                () = tokio::time::sleep(LEASE_RENEWAL) => {}
            }
            let (owner, until_ms) = (self.parts.owner.name(), self.lease_until_ms());
            if let Err(error) = self.parts.store.renew(owner, until_ms) {
                tracing::warn!(%error, "leases of jobs could not be renewed");
            }
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
