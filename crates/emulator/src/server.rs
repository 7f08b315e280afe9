//! Accepts connections, on the listening socket and inside tunnels.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::rt::{Read, Write};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::delivery::{Cut, Delivery};
use crate::host::Host;
use crate::reply::Reply;
use crate::response;
use crate::studio::{self, Origin, Studio};
use crate::target::Via;

/// Most open connections; further ones wait in the system's queue.
const CONNECTIONS_MAX: usize = 8192;

/// Longest wait for a request head, which is also how long an idle connection stays.
const HEAD_READ_DEADLINE: Duration = Duration::from_secs(90);

/// Longest TLS handshake.
const HANDSHAKE_DEADLINE: Duration = Duration::from_secs(10);

/// Longest life of a connection, whatever it does.
const CONNECTION_LIFETIME_MAX: Duration = Duration::from_hours(6);

/// Most headers of a request.
const HEADERS_MAX: usize = 128;

/// Most bytes of a request head, and of what waits to be written.
const HEAD_BYTES_MAX: usize = 256 * 1024;

/// Pause after a failed accept, such as when file descriptors run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

const HTTPS_PORT: u16 = 443;
const HTTP_PORT: u16 = 80;

/// What every connection needs.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) studio: Arc<Studio>,
    pub(crate) tasks: TaskTracker,
    /// Ends idle connections and stops accepting.
    pub(crate) drain: CancellationToken,
    /// Ends everything at once.
    pub(crate) halt: CancellationToken,
}

impl Server {
    /// Accepts until told to drain.
    pub(crate) async fn accept(self, listener: TcpListener) {
        let slots = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        loop {
            let accepted = tokio::select! {
                () = self.drain.cancelled() => return,
                accepted = accept_one(&listener, &slots) => accepted,
            };
            let Some((stream, slot)) = accepted else {
                continue;
            };
            let server = self.clone();
            let origin = Origin {
                connection: self.studio.next_connection(),
                via: Via::Listener,
            };
            self.tasks.spawn(async move {
                server.serve(TokioIo::new(stream), origin).await;
                drop(slot);
            });
        }
    }

    /// Serves one connection until it ends, is drained or is halted.
    async fn serve<I>(self, io: I, origin: Origin)
    where
        I: Read + Write + Unpin + Send + 'static,
    {
        let server = self.clone();
        let service = service_fn(move |request| server.clone().take(origin.clone(), request));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_READ_DEADLINE)
            .max_headers(HEADERS_MAX)
            .max_buf_size(HEAD_BYTES_MAX)
            .serve_connection(io, service)
            .with_upgrades();
        let mut connection = std::pin::pin!(connection);
        // How a connection ends is the client's business or the script's; nobody is told.
        tokio::select! {
            _ = connection.as_mut() => return,
            () = self.halt.cancelled() => return,
            () = tokio::time::sleep(CONNECTION_LIFETIME_MAX) => return,
            () = self.drain.cancelled() => connection.as_mut().graceful_shutdown(),
        }
        tokio::select! {
            _ = connection.as_mut() => {}
            () = self.halt.cancelled() => {}
        }
    }

    async fn take(
        self,
        origin: Origin,
        request: Request<Incoming>,
    ) -> Result<Response<Delivery>, Cut> {
        if request.method() == Method::CONNECT && matches!(origin.via, Via::Listener) {
            return Ok(self.open_tunnel(&origin, request));
        }
        Arc::clone(&self.studio).handle(origin, request).await
    }

    fn open_tunnel(&self, origin: &Origin, request: Request<Incoming>) -> Response<Delivery> {
        let wanted = request.uri().authority().cloned();
        let known = wanted.as_ref().and_then(|authority| {
            let port = authority.port_u16().unwrap_or(HTTPS_PORT);
            let host = Host::find(authority.host())?;
            matches!(port, HTTPS_PORT | HTTP_PORT).then_some((host, port))
        });
        let Some((host, port)) = known else {
            let name = wanted.map_or_else(String::new, |authority| authority.to_string());
            return response::plain(studio::unknown(&name, StatusCode::BAD_GATEWAY));
        };
        let tunnel = Tunnel {
            connection: origin.connection,
            host,
            encrypted: port == HTTPS_PORT,
        };
        self.tasks.spawn(self.clone().run_tunnel(tunnel, request));
        response::plain(Reply::empty(StatusCode::OK))
    }

    /// Serves what comes through a tunnel; boxed because a tunnel serves a connection again.
    fn run_tunnel(
        self,
        tunnel: Tunnel,
        request: Request<Incoming>,
    ) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async move {
            let upgrade = tokio::time::timeout(HANDSHAKE_DEADLINE, hyper::upgrade::on(request));
            let Ok(Ok(upgraded)) = upgrade.await else {
                return;
            };
            let Tunnel {
                connection,
                host,
                encrypted,
            } = tunnel;
            let origin = Origin {
                connection,
                via: Via::Tunnel(host.clone()),
            };
            if !encrypted {
                return self.serve(upgraded, origin).await;
            }
            let Ok(config) = self.studio.authority.speak_for(&host.name) else {
                return;
            };
            let handshake = TlsAcceptor::from(config).accept(TokioIo::new(upgraded));
            if let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE_DEADLINE, handshake).await {
                self.serve(TokioIo::new(stream), origin).await;
            }
        })
    }
}

/// A `CONNECT` that was granted.
struct Tunnel {
    connection: u64,
    host: Host,
    encrypted: bool,
}

async fn accept_one(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> Option<(TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    let slot = Arc::clone(slots).acquire_owned().await.ok()?;
    if let Ok((stream, _)) = listener.accept().await {
        // Events are small and must not wait for each other.
        let _ = stream.set_nodelay(true);
        return Some((stream, slot));
    }
    tokio::time::sleep(ACCEPT_PAUSE).await;
    None
}
