//! The one pooled HTTP client: connections, TLS roots, proxies, connect deadlines.
//!
//! Plain `http` upstreams are loopback or LAN servers and skip TLS and proxy code altogether. The first `https` call
//! loads the system's roots (and `SSL_CERT_FILE`), so a gateway that never leaves the machine never pays for them.

use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, Uri};
use http_body_util::Full;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::proxy::matcher::Matcher;
use hyper_util::rt::TokioIo;
use rustls::pki_types::CertificateDer;
use tokio::net::TcpStream;
use tower_service::Service;

mod pool;

use pool::Pool;
pub use pool::ReplyBody;

/// Longest time to open a TCP connection, all addresses of the host together.
pub const CONNECT_MAX: Duration = Duration::from_secs(10);
/// How long an idle upstream connection is kept for the next call.
pub const POOL_IDLE_MAX: Duration = Duration::from_secs(90);
/// Idle upstream connections kept per host.
pub const POOL_IDLE_PER_HOST_MAX: usize = 1024;

/// Where the client finds proxies and extra roots; read from the environment once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NetworkSettings {
    /// `HTTPS_PROXY`: an `http://` proxy used for `https` upstreams.
    pub https_proxy: Option<String>,
    /// `NO_PROXY`: hosts, domain suffixes and CIDR ranges that are reached directly.
    pub no_proxy: Option<String>,
    /// `SSL_CERT_FILE`: PEM file with roots trusted beside the system's.
    pub extra_roots: Option<PathBuf>,
    /// `OPENCLAW_MEDIA_ALLOW_LOOPBACK`: media may be fetched from this machine, which only the emulator needs.
    pub loopback_media: bool,
}

/// Why the client could not be set up for TLS.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum TlsSetupError {
    /// Neither the system nor `SSL_CERT_FILE` has a usable root certificate.
    #[error("no trusted root certificate was found ({0})")]
    NoRoots(String),
    /// The TLS library refused its own configuration.
    #[error("TLS could not be set up ({0})")]
    Library(String),
}

/// Why a call got no response head.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// TLS could not be set up.
    #[error(transparent)]
    Tls(#[from] TlsSetupError),
    /// The URL names no host.
    #[error("the URL names no host")]
    NoHost,
    /// No connection could be made: DNS, TCP, proxy or TLS.
    #[error("{}", deepest(&**.0))]
    Connect(#[source] BoxError),
    /// The connection broke.
    #[error("{}", deepest(.0))]
    Transport(#[source] hyper::Error),
}

impl SendError {
    /// Says whether the upstream was never reached, so that nothing can have been processed.
    pub fn is_connect(&self) -> bool {
        matches!(self, Self::Tls(_) | Self::NoHost | Self::Connect(_))
    }
}

/// Returns the text of the innermost cause: the outer layers only say "client error".
fn deepest(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

type Encrypted<C> = Pool<HttpsConnector<ProxyAware<C>>>;

/// The pooled client; `C` opens its direct connections. Cheap to share behind an `Arc`.
pub struct HttpClient<C = HttpConnector> {
    settings: NetworkSettings,
    connector: C,
    direct: Pool<C>,
    encrypted: OnceLock<Result<Encrypted<C>, TlsSetupError>>,
}

/// What opens a TCP connection to the host of a URL.
pub(crate) trait Connector:
    Service<Uri, Response = TokioIo<TcpStream>, Error: Into<BoxError>, Future: Send + 'static>
    + Clone
    + Send
    + 'static
{
}

impl<C> Connector for C where
    C: Service<Uri, Response = TokioIo<TcpStream>, Error: Into<BoxError>, Future: Send + 'static>
        + Clone
        + Send
        + 'static
{
}

impl HttpClient {
    /// Creates the client; nothing is read or opened yet.
    pub fn new(settings: NetworkSettings) -> Self {
        Self::with_connector(settings, connector())
    }
}

#[expect(
    private_bounds,
    reason = "outside this crate there is only the default connector"
)]
impl<C: Connector> HttpClient<C> {
    /// Creates a client whose direct connections are opened by `connector`.
    pub(crate) fn with_connector(settings: NetworkSettings, connector: C) -> Self {
        Self {
            settings,
            direct: Pool::new(connector.clone()),
            connector,
            encrypted: OnceLock::new(),
        }
    }

    /// Says whether a proxy opens the connection to `destination`, and so looks up its name.
    pub(crate) fn is_proxied(&self, destination: &Uri) -> bool {
        destination.scheme_str() == Some("https")
            && matcher(&self.settings).intercept(destination).is_some()
    }

    /// Sends one request and returns the response head with its body still to be read.
    ///
    /// # Errors
    /// [`SendError`] when no head arrived.
    ///
    /// # Cancel safety
    /// Dropping the future closes the connection if the request had been started.
    pub async fn send(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<ReplyBody>, SendError> {
        if request.uri().scheme_str() == Some("https") {
            let client = self
                .encrypted
                .get_or_init(|| encrypted(&self.settings, self.connector.clone()))
                .as_ref();
            return client.map_err(Clone::clone)?.send(request).await;
        }
        self.direct.send(request).await
    }
}

fn connector() -> HttpConnector {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    connector.set_connect_timeout(Some(CONNECT_MAX));
    connector.enforce_http(false);
    connector
}

fn encrypted<C: Connector>(
    settings: &NetworkSettings,
    direct: C,
) -> Result<Encrypted<C>, TlsSetupError> {
    let mut roots = rustls::RootCertStore::empty();
    let mut found = rustls_native_certs::load_native_certs();
    let extra: Vec<CertificateDer<'static>> = settings
        .extra_roots
        .as_deref()
        .map(|file| rustls_native_certs::load_certs_from_paths(Some(file), None).certs)
        .unwrap_or_default();
    found.certs.extend(extra);
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        let detail = found.errors.first().map_or_else(
            || "the system store is empty".to_owned(),
            ToString::to_string,
        );
        return Err(TlsSetupError::NoRoots(detail));
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| TlsSetupError::Library(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let proxy_aware = ProxyAware {
        direct,
        to_proxy: connector(),
        matcher: Arc::new(matcher(settings)),
    };
    Ok(Pool::new(HttpsConnector::from((proxy_aware, tls))))
}

fn matcher(settings: &NetworkSettings) -> Matcher {
    Matcher::builder()
        .https(settings.https_proxy.clone().unwrap_or_default())
        .no(settings.no_proxy.clone().unwrap_or_default())
        .build()
}

/// Opens the TCP connection below TLS: directly, or through an HTTP proxy's tunnel.
#[derive(Clone)]
struct ProxyAware<C> {
    direct: C,
    to_proxy: HttpConnector,
    matcher: Arc<Matcher>,
}

/// An error of a connector.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
pub(crate) type Connecting =
    Pin<Box<dyn Future<Output = Result<TokioIo<TcpStream>, BoxError>> + Send>>;

impl<C: Connector> Service<Uri> for ProxyAware<C> {
    type Response = TokioIo<TcpStream>;
    type Error = BoxError;
    type Future = Connecting;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.direct.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, destination: Uri) -> Connecting {
        let Some(proxy) = self.matcher.intercept(&destination) else {
            let connecting = self.direct.call(destination);
            return Box::pin(async move { connecting.await.map_err(Into::into) });
        };
        if proxy.uri().scheme_str() != Some("http") {
            return Box::pin(async {
                Err("the proxy in HTTPS_PROXY must be an http:// address".into())
            });
        }
        let mut tunnel = Tunnel::new(proxy.uri().clone(), self.to_proxy.clone());
        if let Some(auth) = proxy.basic_auth() {
            tunnel = tunnel.with_auth(auth.clone());
        }
        let connecting = tunnel.call(destination);
        Box::pin(async move { connecting.await.map_err(Into::into) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unreachable_host_is_a_connect_error() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        // A bound and dropped listener: nobody listens there.
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let request = Request::get(format!("http://127.0.0.1:{port}/"))
            .body(Full::default())
            .unwrap();
        let error = runtime
            .block_on(HttpClient::new(NetworkSettings::default()).send(request))
            .map(drop)
            .unwrap_err();
        assert!(error.is_connect(), "{error}");
        assert!(error.to_string().contains("refused"), "{error}");
    }
}
