//! The running emulator, as its owner sees it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::error::Error;
use crate::identity::Clock;
use crate::oauth::OauthControl;
use crate::server::Server;
use crate::studio::Studio;

/// Longest wait for open replies when shutting down; then they are cut.
const DRAIN_DEADLINE: Duration = Duration::from_secs(5);

/// How to run the emulator.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Address to listen on; port 0 takes any free one. Default `127.0.0.1:0`.
    pub listen: SocketAddr,
    /// Where times in replies come from. Default a fixed time.
    pub clock: Clock,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            clock: Clock::default(),
        }
    }
}

/// A running emulator; dropping it stops it at once.
pub struct Emulator {
    address: SocketAddr,
    server: Server,
}

impl std::fmt::Debug for Emulator {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Emulator")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl Emulator {
    /// Starts an emulator; it accepts connections when this returns.
    ///
    /// # Errors
    /// [`Error::Listen`] when the address cannot be had; choose another one.
    /// [`Error::Certificate`] when the system gives no randomness.
    ///
    /// # Cancel safety
    /// Dropping the future leaves nothing behind.
    pub async fn start(options: Options) -> Result<Self, Error> {
        let listen = options.listen;
        let failed = |source| Error::Listen { listen, source };
        let listener = TcpListener::bind(listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let server = Server {
            studio: Arc::new(Studio::new(options.clock)?),
            tasks: TaskTracker::new(),
            drain: CancellationToken::new(),
            halt: CancellationToken::new(),
        };
        server.tasks.spawn(server.clone().accept(listener));
        Ok(Self { address, server })
    }

    /// Returns the address it listens on, with the real port.
    pub fn addr(&self) -> SocketAddr {
        self.address
    }

    /// Returns the certificate of its authority as PEM text.
    pub fn ca_pem(&self) -> &str {
        self.server.studio.authority.pem()
    }

    /// Returns the direct URL of a path on an emulated host; `path` begins with `/`.
    pub fn url_for(&self, host: &str, path: &str) -> String {
        format!("{}/{host}{path}", self.origin())
    }

    /// Returns the environment that makes Rust, Python and Node clients use it as their
    /// HTTPS proxy, given the file that holds [`Emulator::ca_pem`].
    pub fn environment(&self, ca_file: &Path) -> Vec<(String, String)> {
        let ca_file = ca_file.display().to_string();
        let proxy = self.origin();
        [
            ("HTTPS_PROXY", proxy.as_str()),
            ("https_proxy", proxy.as_str()),
            ("SSL_CERT_FILE", ca_file.as_str()),
            ("REQUESTS_CA_BUNDLE", ca_file.as_str()),
            ("NODE_EXTRA_CA_CERTS", ca_file.as_str()),
            ("NODE_USE_ENV_PROXY", "1"),
            ("NO_PROXY", ""),
            ("no_proxy", ""),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
    }

    /// Replaces the fault script, as `POST /_emulator/script` does.
    ///
    /// # Errors
    /// [`Error::Script`] when the document is not understood; the old script stays.
    pub fn script(&self, document: &Value) -> Result<(), Error> {
        self.server
            .studio
            .script
            .load(document.to_string().as_bytes())
            .map(|_| ())
    }

    /// Returns every request seen, oldest first, as `GET /_emulator/requests` does.
    pub fn requests(&self) -> Vec<Value> {
        self.server.studio.journal.all()
    }

    /// Returns the control of the portal's identity server, as `/_emulator/oauth` is.
    pub fn oauth(&self) -> OauthControl<'_> {
        OauthControl(&self.server.studio.identity)
    }

    /// Returns settings and tasks, oldest first, as `GET /_emulator/tasks` does.
    pub fn tasks(&self) -> Value {
        self.server.studio.aigc.shown()
    }

    /// Changes how tasks behave and lets time pass for them, as `POST /_emulator/tasks` does.
    ///
    /// # Errors
    /// [`Error::Tasks`] when the document is not understood; nothing was changed.
    pub fn configure_tasks(&self, document: &Value) -> Result<Value, Error> {
        self.server.studio.aigc.configure(document)
    }

    /// Forgets script, requests, tasks and logins and starts ids over, as `POST /_emulator/reset` does.
    pub fn reset(&self) {
        self.server.studio.reset();
    }

    /// Stops accepting, lets open replies end for up to 5 seconds, then cuts them.
    ///
    /// # Cancel safety
    /// Dropping the future cuts everything at once.
    pub async fn shutdown(self) {
        self.server.drain.cancel();
        self.server.tasks.close();
        let drained = tokio::time::timeout(DRAIN_DEADLINE, self.server.tasks.wait()).await;
        if drained.is_err() {
            self.server.halt.cancel();
            // Halted tasks only have to be polled once more.
            let _ = tokio::time::timeout(DRAIN_DEADLINE, self.server.tasks.wait()).await;
        }
    }

    fn origin(&self) -> String {
        let reachable = match self.address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
            ip => ip,
        };
        format!("http://{}", SocketAddr::new(reachable, self.address.port()))
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.server.drain.cancel();
        self.server.halt.cancel();
    }
}
