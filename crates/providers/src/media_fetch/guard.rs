//! Opens connections to checked addresses only: the address that was checked is the one that is called, so a name that
//! changes its answer in between gains nothing.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::Uri;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tower_service::Service;

use super::address::AddressPolicy;
use crate::deadline::Deadline;
use crate::http_client::{BoxError, CONNECT_MAX, Connecting};

/// What is asked of the network.
pub type Asking<'a, T> = Pin<Box<dyn Future<Output = io::Result<T>> + Send + 'a>>;

/// Names and connections: the operating system, or what a test puts in its place.
pub trait Network: Send + Sync {
    /// Returns the addresses of `name`.
    fn look_up<'a>(&'a self, name: &'a str) -> Asking<'a, Vec<IpAddr>>;

    /// Opens a connection.
    fn connect(&self, address: SocketAddr) -> Asking<'_, TcpStream>;
}

/// The operating system's network.
#[derive(Debug, Clone, Copy)]
pub struct SystemNetwork;

impl Network for SystemNetwork {
    fn look_up<'a>(&'a self, name: &'a str) -> Asking<'a, Vec<IpAddr>> {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name, 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }

    fn connect(&self, address: SocketAddr) -> Asking<'_, TcpStream> {
        Box::pin(TcpStream::connect(address))
    }
}

/// Why an address is not called.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{host} is at {address}, which is {purpose}")]
pub struct InnerAddress {
    /// The host of the URL.
    pub host: String,
    /// Where it is.
    pub address: IpAddr,
    /// What the address is for.
    pub purpose: &'static str,
}

/// The connector of the media fetcher.
#[derive(Clone)]
pub(crate) struct Guard {
    policy: AddressPolicy,
    network: Arc<dyn Network>,
}

impl fmt::Debug for Guard {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Guard")
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}

impl Guard {
    pub(crate) fn new(policy: AddressPolicy, network: Arc<dyn Network>) -> Self {
        Self { policy, network }
    }

    pub(crate) fn policy(&self) -> AddressPolicy {
        self.policy
    }

    /// Returns the addresses of `host`, all of which may be called: one inner address among them refuses the host.
    pub(crate) async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, BoxError> {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let addresses = match bare.parse::<IpAddr>() {
            Ok(address) => vec![address],
            Err(_) => self.network.look_up(bare).await?,
        };
        for address in &addresses {
            if let Some(purpose) = self.policy.refuses(*address) {
                let host = host.to_owned();
                let address = *address;
                return Err(Box::new(InnerAddress {
                    host,
                    address,
                    purpose,
                }));
            }
        }
        Ok(addresses)
    }

    async fn open(self, destination: Uri) -> Result<TokioIo<TcpStream>, BoxError> {
        let host = destination.host().ok_or("the URL names no host")?;
        let https = destination.scheme_str() == Some("https");
        let port = destination
            .port_u16()
            .unwrap_or(if https { 443 } else { 80 });
        let mut last: BoxError = "the name has no address".into();
        for address in self.addresses(host).await? {
            match self.network.connect(SocketAddr::new(address, port)).await {
                Ok(stream) => return Ok(TokioIo::new(stream)),
                Err(error) => last = error.into(),
            }
        }
        Err(last)
    }
}

impl Service<Uri> for Guard {
    type Response = TokioIo<TcpStream>;
    type Error = BoxError;
    type Future = Connecting;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, destination: Uri) -> Connecting {
        let opening = self.clone().open(destination);
        Box::pin(async move {
            match Deadline::after(CONNECT_MAX).bound(opening).await {
                Ok(opened) => opened,
                Err(late) => Err(late.into()),
            }
        })
    }
}
