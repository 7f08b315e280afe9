//! The gateway while it runs: which generation answers, and how a reload replaces it without dropping a stream.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Instant;

use axum::Router;
use providers::Upstream;
use serde::Serialize;
use serde_json::json;
use tokio_util::task::TaskTracker;

use crate::log::Level;
use crate::routes;
use crate::state::{Parts, Renewed, Shared};

/// A running gateway, which can be given new parts.
pub struct Live {
    current: RwLock<Arc<Generation>>,
    tracker: TaskTracker,
}

/// What answers the requests that arrive now.
pub(crate) struct Generation {
    pub(crate) shared: Shared,
    pub(crate) router: Router,
}

/// How reloads went.
#[derive(Debug, Default)]
pub(crate) struct Reloads(Mutex<Record>);

#[derive(Debug, Default)]
struct Record {
    generation: u64,
    last: Option<Instant>,
    kept_because: Option<String>,
}

/// What `status` says about reloads.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ReloadReading {
    /// Reloads that were applied.
    applied: u64,
    /// Milliseconds since the last attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_attempt_ms_ago: Option<u64>,
    /// Why the last attempt was not applied; the generation before it goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

impl Live {
    /// Makes a gateway that is about to serve.
    pub fn new(parts: Parts) -> Arc<Self> {
        Arc::new(Self {
            current: RwLock::new(Generation::of(Shared::new(parts))),
            tracker: TaskTracker::new(),
        })
    }

    /// Returns the way out that is used now.
    pub fn upstream(&self) -> Arc<Upstream> {
        Arc::clone(&self.current().shared.upstream)
    }

    /// Lets new parts answer from the next request on. Requests under way are finished by the old ones; when the
    /// gateway's credential changed, their connections are closed after that, and the old one is refused at once.
    pub fn renew(&self, renewed: Renewed) {
        let old = self.current();
        let next = Generation::of(old.shared.next(renewed));
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&next);
        old.shared.retire(&next.shared);
        next.shared.reloads.applied();
        self.begin();
    }

    /// Notes that new parts could not be made, and why; the old ones go on.
    pub fn keep(&self, reason: &str) {
        let shared = &self.current().shared;
        shared.reloads.kept(reason);
        let message = "the new configuration is not used, the old one goes on";
        let fields = json!({"reason": reason});
        shared
            .log
            .write(Level::Error, "gateway/reload", message, &fields);
    }

    /// Starts what the current generation does besides answering.
    pub(crate) fn begin(&self) {
        let shared = &self.current().shared;
        if shared.directory.has_renewed_logins() {
            self.tracker.spawn(keep_logins_fresh(shared.clone()));
        }
    }

    pub(crate) fn current(&self) -> Arc<Generation> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&current)
    }

    pub(crate) fn tracker(&self) -> &TaskTracker {
        &self.tracker
    }
}

impl Generation {
    fn of(shared: Shared) -> Arc<Self> {
        let router = routes::router(shared.clone());
        Arc::new(Self { shared, router })
    }
}

impl Reloads {
    pub(crate) fn read(&self) -> ReloadReading {
        let record = self.record();
        let ago = |last: Instant| u64::try_from(last.elapsed().as_millis()).unwrap_or(u64::MAX);
        ReloadReading {
            applied: record.generation,
            last_attempt_ms_ago: record.last.map(ago),
            problem: record.kept_because.clone(),
        }
    }

    fn applied(&self) {
        let mut record = self.record();
        record.generation += 1;
        record.last = Some(Instant::now());
        record.kept_because = None;
    }

    fn kept(&self, reason: &str) {
        let mut record = self.record();
        record.last = Some(Instant::now());
        record.kept_because = Some(reason.to_owned());
    }

    fn record(&self) -> MutexGuard<'_, Record> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Renews logins ahead of their end, with or without traffic; on a stop, a refresh that has begun is finished.
async fn keep_logins_fresh(shared: Shared) {
    let Some(refresher) = shared.upstream.refresher() else {
        return;
    };
    let mut agents = vec![config::AgentId::main()];
    agents.extend(
        shared
            .directory
            .agent_ids()
            .filter_map(|id| config::AgentId::new(id).ok()),
    );
    agents.dedup();
    refresher.keep_fresh(&agents, &shared.replaced).await;
    refresher.close().await;
}
