//! Listens, serves connections, and drains: stop accepting, let streams finish, end the rest with an error event.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::IntoResponse;
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, Request, header};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower_service::Service;

use crate::auth::check_origin;
use crate::live::{Generation, Live};
use crate::log::Level;
use crate::routes::completion::Asked;
use crate::routes::{chat_completions, media, messages, responses, videos};
use crate::state::Shared;

/// Connections served at once; one more gets 503.
pub(crate) const CONNECTIONS_MAX: usize = 4096;
/// Longest time to send a request head.
pub(crate) const HEADER_MAX_WAIT: Duration = Duration::from_secs(30);
/// Largest request head, in bytes.
pub(crate) const HEADER_BYTES_MAX: usize = 64 * 1024;
/// How long open requests may go on after a stop was asked for.
pub const DRAIN_MAX: Duration = Duration::from_secs(30);
/// How long streams get to deliver their final error event.
pub(crate) const LAST_WORDS_MAX: Duration = Duration::from_secs(2);
/// Largest rest of a refused request that is read and thrown away, in bytes.
const DISCARDED_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Longest time spent on that.
const DISCARD_MAX_WAIT: Duration = Duration::from_secs(1);
/// Our request id in every answer.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// How long the usage of the last requests may take to be written at the end.
const LEDGER_MAX_WAIT: Duration = Duration::from_secs(3);
/// Pause after the operating system refused to accept, for example because no file descriptor was free.
const ACCEPT_RETRY: Duration = Duration::from_millis(50);

/// Why the gateway does not listen.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ListenError {
    /// Another program has the port.
    #[error("port {} on {} is already in use", .0.port(), .0.ip())]
    InUse(SocketAddr),
    /// The address is not one of this machine, or needs privileges.
    #[error("cannot listen on {address}")]
    Refused {
        /// The address asked for.
        address: SocketAddr,
        /// The operating system's reason.
        #[source]
        source: std::io::Error,
    },
}

/// Binds `address`.
///
/// # Errors
/// [`ListenError`] tells a port in use from an address that cannot be had.
pub async fn listen(address: SocketAddr) -> Result<TcpListener, ListenError> {
    TcpListener::bind(address)
        .await
        .map_err(|source| match source.kind() {
            std::io::ErrorKind::AddrInUse => ListenError::InUse(address),
            _ => ListenError::Refused { address, source },
        })
}

/// How a gateway is told to stop. Cancelling a token twice does nothing.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    /// Stop accepting; let open requests finish, within [`DRAIN_MAX`].
    pub drain: CancellationToken,
    /// End open streams now.
    pub now: CancellationToken,
}

/// Serves until told to stop, then drains.
pub async fn serve(listener: TcpListener, live: Arc<Live>, stop: Stop) {
    let slots = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    live.begin();
    live.tracker().spawn(work_on_videos(Arc::clone(&live)));
    loop {
        tokio::select! {
            () = stop.drain.cancelled() => break,
            () = stop.now.cancelled() => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => admit(&slots, stream, &live),
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_RETRY).await;
                }
            },
        }
    }
    drop(listener);
    let shared = live.current().shared.clone();
    drain(live.tracker(), &shared, &stop).await;
    let flushing = tokio::task::spawn_blocking(move || shared.ledger.flush(LEDGER_MAX_WAIT));
    // What could not be written was told by the ledger itself.
    let _ = flushing.await;
}

/// Works on video jobs until the gateway drains; what is open then goes on elsewhere, or with the next gateway.
async fn work_on_videos(live: Arc<Live>) {
    let shared = live.current().shared.clone();
    shared.videos.work(&live, &shared.draining).await;
}

async fn drain(tracker: &TaskTracker, shared: &Shared, stop: &Stop) {
    shared.draining.cancel();
    tracker.close();
    let open = shared.totals.read().open_streams;
    let fields = serde_json::json!({"openStreams": open});
    shared
        .log
        .write(Level::Info, "gateway", "stopping", &fields);
    let finished = tokio::select! {
        () = tracker.wait() => true,
        () = tokio::time::sleep(DRAIN_MAX) => false,
        () = stop.now.cancelled() => false,
    };
    if !finished {
        shared.stop_streams.cancel();
        // What is still open after this loses its connection; streams have had their error event by then.
        let _ = tokio::time::timeout(LAST_WORDS_MAX, tracker.wait()).await;
    }
}

fn admit(slots: &Arc<Semaphore>, stream: TcpStream, live: &Arc<Live>) {
    match Arc::clone(slots).try_acquire_owned() {
        Ok(slot) => {
            live.tracker()
                .spawn(connection(stream, Arc::clone(live), slot));
        }
        Err(_) => {
            live.tracker().spawn(turn_away(stream));
        }
    }
}

/// Tells a client over the limit to come back, without reading what it sends.
async fn turn_away(stream: TcpStream) {
    let body = r#"{"error":{"message":"the gateway has no free connection","type":"api_error","param":null,"code":"too_many_connections"}}"#;
    let head = "HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\ncontent-type: application/json\r\nconnection: close\r\n";
    let answer = format!("{head}content-length: {}\r\n\r\n{body}", body.len());
    let answered = async {
        stream.writable().await?;
        stream.try_write(answer.as_bytes())
    };
    let _ = tokio::time::timeout(LAST_WORDS_MAX, answered).await;
}

async fn connection(stream: TcpStream, live: Arc<Live>, _slot: OwnedSemaphorePermit) {
    // Without it a streamed token can wait for the previous one to be acknowledged.
    let _ = stream.set_nodelay(true);
    let (draining, auth_ended) = {
        let shared = &live.current().shared;
        (shared.draining.clone(), shared.auth_ended.clone())
    };
    // Each request is answered by the generation that is current when it arrives.
    let service = service_fn(move |request| handle(request, live.current()));
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_MAX_WAIT)
        .max_buf_size(HEADER_BYTES_MAX);
    let mut serving = std::pin::pin!(builder.serve_connection(TokioIo::new(stream), service));
    let ended = tokio::select! {
        ended = serving.as_mut() => ended,
        () = draining.cancelled() => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
        // Whoever was let in by a token that is no more finishes the answer under way and has to come back.
        () = auth_ended.cancelled() => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// Answers one request, with its id in the headers whatever the answer is.
async fn handle(
    request: Request<Incoming>,
    generation: Arc<Generation>,
) -> Result<http::Response<Body>, Infallible> {
    let (shared, router) = (&generation.shared, generation.router.clone());
    let request_id = shared.request_id();
    let (head, mut body) = request.into_parts();
    // A client that waits for `100 Continue` has sent nothing, and reading would ask it to.
    let may_send_on = !head.headers.contains_key(header::EXPECT);
    let mut response = answer(shared, router, &request_id, head, &mut body).await?;
    if may_send_on && response.status().is_client_error() {
        discard(body).await;
    }
    if let Ok(value) = HeaderValue::try_from(request_id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    Ok(response)
}

/// Requests for answers are nearly all of the traffic, so they do not pass through the router. No other route has a
/// body.
async fn answer(
    shared: &Shared,
    mut router: Router,
    request_id: &str,
    head: Parts,
    body: &mut Incoming,
) -> Result<http::Response<Body>, Infallible> {
    if let Err(refused) = check_origin(&head.headers, shared.bound) {
        return Ok(refused.into_response());
    }
    if head.method == Method::POST {
        let asked = Asked {
            request_id,
            headers: &head.headers,
            body,
        };
        match head.uri.path() {
            chat_completions::PATH => {
                return Ok(chat_completions::chat_completions(shared, asked).await);
            }
            responses::PATH => return Ok(Box::pin(responses::responses(shared, asked)).await),
            messages::PATH => return Ok(Box::pin(messages::messages(shared, asked)).await),
            messages::COUNT_PATH => {
                return Ok(Box::pin(messages::count_tokens(shared, asked)).await);
            }
            videos::PATH => return Ok(Box::pin(videos::create(shared, asked)).await),
            path => {
                if let Some(endpoint) = media::Endpoint::at(path) {
                    return Ok(Box::pin(media::answer(shared, endpoint, asked)).await);
                }
            }
        }
    }
    router.call(Request::from_parts(head, Body::empty())).await
}

/// Reads what a refused client still sends: closing a socket with unread bytes resets it, and the client would lose
/// the answer that says why.
async fn discard(body: Incoming) {
    let mut rest = Limited::new(body, DISCARDED_BYTES_MAX);
    let reading = async { while let Some(Ok(_)) = rest.frame().await {} };
    let _ = tokio::time::timeout(DISCARD_MAX_WAIT, reading).await;
}
