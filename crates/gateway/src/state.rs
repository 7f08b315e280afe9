//! What every handler shares: the settings snapshot, the upstream client, the log, the stop signals.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::Instant;

use bytes::Bytes;
use providers::{Directory, Upstream};
use state::{Ledger, LedgerEvent};
use tokio_util::sync::CancellationToken;

use crate::auth::Auth;
use crate::live::Reloads;
use crate::log::{Level, Log};
use crate::request_log::Totals;
use crate::videos::Videos;

/// Handle to the gateway's state. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Shared(Arc<State>);

/// The state of one generation: what a reload replaces, and what outlives it. Read-only but for counters.
pub(crate) struct State {
    /// Which models exist and how to reach them.
    pub(crate) directory: Arc<Directory>,
    /// `GET /v1/models`, made once.
    pub(crate) model_list: Bytes,
    /// The way out.
    pub(crate) upstream: Arc<Upstream>,
    /// The video jobs.
    pub(crate) videos: Arc<Videos>,
    /// Who may call.
    pub(crate) auth: Arc<Auth>,
    /// Cancelled when connections that were let in by `auth` must close.
    pub(crate) auth_ended: CancellationToken,
    /// Cancelled when another generation takes over, or the gateway stops.
    pub(crate) replaced: CancellationToken,
    /// How reloads went.
    pub(crate) reloads: Arc<Reloads>,
    /// Where it listens.
    pub(crate) bound: SocketAddr,
    /// The log.
    pub(crate) log: Log,
    /// Running totals.
    pub(crate) totals: Arc<Totals>,
    /// What every request cost.
    pub(crate) ledger: Arc<Ledger>,
    /// When it started.
    pub(crate) started: Instant,
    /// Cancelled when no new request may start.
    pub(crate) draining: CancellationToken,
    /// Cancelled when open streams must end.
    pub(crate) stop_streams: CancellationToken,
    request_ids: Arc<RequestIds>,
}

/// What a reload replaces.
pub struct Renewed {
    /// Which models exist and how to reach them.
    pub directory: Directory,
    /// The way out.
    pub upstream: Upstream,
    /// Who may call.
    pub auth: Auth,
}

/// What a gateway is made of; the rest is made when it starts.
pub struct Parts {
    /// Which models exist and how to reach them.
    pub directory: Directory,
    /// The way out.
    pub upstream: Upstream,
    /// The video jobs.
    pub videos: Videos,
    /// Who may call.
    pub auth: Auth,
    /// Where it listens.
    pub bound: SocketAddr,
    /// The log.
    pub log: Log,
    /// Where usage is written; the file is made with the first request.
    pub ledger: PathBuf,
    /// Random number that tells the request ids of this run from those of others.
    pub boot: u32,
}

/// Makes ids that are unique across restarts: a random boot part and a counter.
struct RequestIds {
    boot: u32,
    next: AtomicU64,
}

impl Shared {
    /// Creates the state of a gateway that is about to serve.
    pub(crate) fn new(parts: Parts) -> Self {
        let draining = CancellationToken::new();
        let ledger = Arc::new(ledger(parts.ledger, parts.log.clone()));
        Self(Arc::new(State {
            model_list: crate::routes::models::list(&parts.directory),
            directory: Arc::new(parts.directory),
            upstream: Arc::new(parts.upstream),
            auth: Arc::new(parts.auth),
            auth_ended: CancellationToken::new(),
            replaced: draining.child_token(),
            reloads: Arc::default(),
            videos: Arc::new(parts.videos),
            bound: parts.bound,
            log: parts.log,
            totals: Arc::default(),
            ledger,
            started: Instant::now(),
            draining,
            stop_streams: CancellationToken::new(),
            request_ids: Arc::new(RequestIds {
                boot: parts.boot,
                next: AtomicU64::new(1),
            }),
        }))
    }

    /// Creates the next generation. Requests under way keep theirs.
    pub(crate) fn next(&self, renewed: Renewed) -> Self {
        let is_same_auth = *self.auth == renewed.auth;
        let auth_ended = if is_same_auth {
            self.auth_ended.clone()
        } else {
            CancellationToken::new()
        };
        let (directory, upstream) = (Arc::new(renewed.directory), Arc::new(renewed.upstream));
        self.videos.renew(&directory, &upstream);
        Self(Arc::new(State {
            model_list: crate::routes::models::list(&directory),
            directory,
            upstream,
            videos: Arc::clone(&self.videos),
            auth: Arc::new(renewed.auth),
            auth_ended,
            replaced: self.draining.child_token(),
            reloads: Arc::clone(&self.reloads),
            bound: self.bound,
            log: self.log.clone(),
            totals: Arc::clone(&self.totals),
            ledger: Arc::clone(&self.ledger),
            started: self.started,
            draining: self.draining.clone(),
            stop_streams: self.stop_streams.clone(),
            request_ids: Arc::clone(&self.request_ids),
        }))
    }

    /// Ends what only this generation needs, after `next` took over.
    pub(crate) fn retire(&self, next: &Self) {
        self.replaced.cancel();
        if !Arc::ptr_eq(&self.auth, &next.auth) && *self.auth != *next.auth {
            self.auth_ended.cancel();
        }
    }

    /// Runs `work` until it is done; `None` when open requests must end first.
    pub(crate) async fn until_stopped<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let mut work = std::pin::pin!(work);
        // Most work that is wrapped here is done at once; then nobody has to be told about a stop.
        let first = std::future::poll_fn(|context| Poll::Ready(work.as_mut().poll(context))).await;
        if let Poll::Ready(done) = first {
            return (!self.stop_streams.is_cancelled()).then_some(done);
        }
        tokio::select! {
            // The work may notice the stop too, as a failure of its own.
            biased;
            () = self.stop_streams.cancelled() => None,
            done = work => Some(done),
        }
    }

    /// Returns a fresh request id such as `req-5f3a09c1-2b`.
    pub(crate) fn request_id(&self) -> String {
        let ids = &self.request_ids;
        format!(
            "req-{:08x}-{:x}",
            ids.boot,
            ids.next.fetch_add(1, Ordering::Relaxed)
        )
    }
}

/// Makes the ledger, whose troubles are told in the log.
fn ledger(path: PathBuf, log: Log) -> Ledger {
    let tell = move |event: &LedgerEvent| {
        let level = match event {
            LedgerEvent::Failed { .. } => Level::Error,
            LedgerEvent::Overrun { .. } | LedgerEvent::Works { .. } => Level::Warn,
        };
        let fields = serde_json::json!({});
        log.write(level, "gateway/ledger", &event.to_string(), &fields);
    };
    Ledger::new(path, Box::new(tell))
}

impl std::ops::Deref for Shared {
    type Target = State;

    fn deref(&self) -> &State {
        &self.0
    }
}
