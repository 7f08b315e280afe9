//! Keep-alive connections to upstreams: last used first, one request at a time on each.
//!
//! hyper-util's pooled client hands every request through more tasks and locks than a proxy needs; what that was seen to
//! cost, and how sure that is, stands in `docs/performance.md`. Everything that speaks HTTP is still hyper's.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::Bytes;
use http::header::{HOST, HeaderValue};
use http::uri::Authority;
use http::{Request, Response, Uri};
use http_body::{Body, Frame, SizeHint};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1::{Builder, SendRequest};
use hyper::rt::{Read, Write};
use tokio_util::task::TaskTracker;
use tower_service::Service;

use super::{BoxError, POOL_IDLE_MAX, POOL_IDLE_PER_HOST_MAX, SendError};

type Sender = SendRequest<Full<Bytes>>;

/// Connections made by one connector.
pub(super) struct Pool<C> {
    connector: C,
    idle: Arc<IdleConnections>,
    connections: TaskTracker,
}

/// Connections that wait for the next request, by authority.
#[derive(Default)]
struct IdleConnections(Mutex<HashMap<String, Vec<Idle>>>);

struct Idle {
    sender: Sender,
    since: Instant,
}

/// The body of a reply. When it was read to its end, its connection serves the next request; when it is dropped before,
/// the connection is closed, which tells the upstream to stop.
pub struct ReplyBody {
    incoming: Incoming,
    lease: Option<Lease>,
}

struct Lease {
    sender: Sender,
    authority: Authority,
    idle: Arc<IdleConnections>,
}

impl<C> Pool<C>
where
    C: Service<Uri> + Clone,
    C::Response: Read + Write + Unpin + Send + 'static,
    C::Error: Into<BoxError>,
{
    pub(super) fn new(connector: C) -> Self {
        Self {
            connector,
            idle: Arc::default(),
            connections: TaskTracker::new(),
        }
    }

    /// Sends `request`, whose URI is absolute, on an idle connection or a new one.
    pub(super) async fn send(
        &self,
        mut request: Request<Full<Bytes>>,
    ) -> Result<Response<ReplyBody>, SendError> {
        let destination = request.uri().clone();
        let authority = destination.authority().cloned().ok_or(SendError::NoHost)?;
        if !request.headers().contains_key(HOST)
            && let Ok(host) = HeaderValue::from_str(authority.as_str())
        {
            request.headers_mut().insert(HOST, host);
        }
        if let Some(path) = destination.path_and_query() {
            *request.uri_mut() = Uri::from(path.clone());
        }
        loop {
            let (mut sender, reused) = match self.idle.take(&authority).await {
                Some(sender) => (sender, true),
                None => (self.connect(&destination).await?, false),
            };
            match sender.try_send_request(request).await {
                Ok(response) => {
                    let idle = Arc::clone(&self.idle);
                    let lease = Some(Lease {
                        sender,
                        authority,
                        idle,
                    });
                    return Ok(response.map(|incoming| ReplyBody { incoming, lease }));
                }
                Err(mut failed) => match failed.take_message() {
                    // The upstream closed an idle connection just now; nothing of the request was sent.
                    Some(unsent) if reused => request = unsent,
                    _ => return Err(SendError::Transport(failed.into_error())),
                },
            }
        }
    }

    async fn connect(&self, destination: &Uri) -> Result<Sender, SendError> {
        let mut connector = self.connector.clone();
        let ready = std::future::poll_fn(|context| connector.poll_ready(context)).await;
        ready.map_err(|error| SendError::Connect(error.into()))?;
        let connected = connector.call(destination.clone()).await;
        let io = connected.map_err(|error| SendError::Connect(error.into()))?;
        let (sender, connection) = Builder::new()
            .handshake(io)
            .await
            .map_err(SendError::Transport)?;
        // Ends when either side closes; its errors reach the request that was under way.
        self.connections.spawn(async { drop(connection.await) });
        Ok(sender)
    }
}

impl IdleConnections {
    /// Returns the connection used last that is still open.
    async fn take(&self, authority: &Authority) -> Option<Sender> {
        loop {
            let mut sender = self.pop(authority)?;
            if sender.ready().await.is_ok() {
                return Some(sender);
            }
        }
    }

    fn pop(&self, authority: &Authority) -> Option<Sender> {
        let mut hosts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let idle = hosts.get_mut(authority.as_str())?;
        let last = idle.pop()?;
        if last.since.elapsed() > POOL_IDLE_MAX {
            // The others have waited even longer.
            idle.clear();
            return None;
        }
        Some(last.sender)
    }

    fn put(&self, authority: &Authority, sender: Sender) {
        let mut hosts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !hosts.contains_key(authority.as_str()) {
            hosts.insert(authority.to_string(), Vec::new());
        }
        let Some(idle) = hosts.get_mut(authority.as_str()) else {
            return;
        };
        if idle.len() < POOL_IDLE_PER_HOST_MAX {
            idle.push(Idle {
                sender,
                since: Instant::now(),
            });
        }
    }
}

impl ReplyBody {
    fn give_back(&mut self) {
        if let Some(lease) = self.lease.take()
            && !lease.sender.is_closed()
        {
            lease.idle.put(&lease.authority, lease.sender);
        }
    }
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let polled = std::task::ready!(Pin::new(&mut self.incoming).poll_frame(context));
        match &polled {
            None => self.give_back(),
            Some(Ok(_)) if self.incoming.is_end_stream() => self.give_back(),
            Some(Ok(_)) => {}
            Some(Err(_)) => self.lease = None,
        }
        Poll::Ready(polled)
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

impl Drop for ReplyBody {
    fn drop(&mut self) {
        // An empty body is over before anybody polls it.
        if self.incoming.is_end_stream() {
            self.give_back();
        }
    }
}
