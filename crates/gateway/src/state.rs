//! What every handler shares: the settings snapshot, the upstream client, the log, the stop signals.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::Instant;

use bytes::Bytes;
use providers::{Directory, Upstream};
use tokio_util::sync::CancellationToken;

use crate::auth::Auth;
use crate::log::Log;
use crate::request_log::Totals;

/// Handle to the gateway's state. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Shared(Arc<State>);

/// The state itself; read-only after start but for counters.
pub(crate) struct State {
    /// Which models exist and how to reach them.
    pub(crate) directory: Directory,
    /// `GET /v1/models`, made once.
    pub(crate) model_list: Bytes,
    /// The way out.
    pub(crate) upstream: Upstream,
    /// Who may call.
    pub(crate) auth: Auth,
    /// Where it listens.
    pub(crate) bound: SocketAddr,
    /// The log.
    pub(crate) log: Log,
    /// Running totals.
    pub(crate) totals: Arc<Totals>,
    /// When it started.
    pub(crate) started: Instant,
    /// Cancelled when no new request may start.
    pub(crate) draining: CancellationToken,
    /// Cancelled when open streams must end.
    pub(crate) stop_streams: CancellationToken,
    request_ids: RequestIds,
}

/// What a gateway is made of; the rest is made when it starts.
pub struct Parts {
    /// Which models exist and how to reach them.
    pub directory: Directory,
    /// The way out.
    pub upstream: Upstream,
    /// Who may call.
    pub auth: Auth,
    /// Where it listens.
    pub bound: SocketAddr,
    /// The log.
    pub log: Log,
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
        Self(Arc::new(State {
            model_list: crate::routes::models::list(&parts.directory),
            directory: parts.directory,
            upstream: parts.upstream,
            auth: parts.auth,
            bound: parts.bound,
            log: parts.log,
            totals: Arc::default(),
            started: Instant::now(),
            draining: CancellationToken::new(),
            stop_streams: CancellationToken::new(),
            request_ids: RequestIds {
                boot: parts.boot,
                next: AtomicU64::new(1),
            },
        }))
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

impl std::ops::Deref for Shared {
    type Target = State;

    fn deref(&self) -> &State {
        &self.0
    }
}
