//! How requests reach an identity server: a trait, so that this crate needs no HTTP client of its own.

use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use http::Request;
use secrecy::zeroize::Zeroizing;
use thiserror::Error;

/// The largest answer of an identity server that a transport must take in, in bytes; real ones have about 2 KiB.
pub const REPLY_BYTES_MAX: usize = 64 * 1024;

/// The future of one request.
pub type PostFuture<'a> =
    Pin<Box<dyn Future<Output = Result<TokenReply, TransportError>> + Send + 'a>>;

/// Sends one request to an identity server.
///
/// Every function from a request and a deadline to a future of a reply is a transport, so that a test needs no server.
pub trait TokenTransport: Send + Sync {
    /// Sends the request, whose method, headers and form are complete, and reads the whole answer, whatever its status.
    ///
    /// The form holds secrets: a transport never shows it, nor the answer. The answer must be there before `deadline` has passed; one of more than [`REPLY_BYTES_MAX`] is an error.
    fn post(&self, request: Request<Vec<u8>>, deadline: Duration) -> PostFuture<'_>;
}

impl<F, Reply> TokenTransport for F
where
    F: Fn(Request<Vec<u8>>, Duration) -> Reply + Send + Sync,
    Reply: Future<Output = Result<TokenReply, TransportError>> + Send + 'static,
{
    fn post(&self, request: Request<Vec<u8>>, deadline: Duration) -> PostFuture<'_> {
        Box::pin(self(request, deadline))
    }
}

/// An answer of an identity server; it holds tokens and is overwritten when dropped.
pub struct TokenReply {
    /// Its HTTP status.
    pub status: u16,
    /// Its body.
    pub body: Zeroizing<Vec<u8>>,
}

impl TokenReply {
    /// Takes over an answer.
    pub fn new(status: u16, body: Vec<u8>) -> Self {
        Self {
            status,
            body: Zeroizing::new(body),
        }
    }
}

impl fmt::Debug for TokenReply {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("TokenReply")
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

/// Why there is no answer.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TransportError {
    /// The deadline passed.
    #[error("the identity server did not answer in time")]
    Timeout,
    /// There was no connection, or it broke.
    #[error("the identity server cannot be reached")]
    Network {
        /// What went wrong.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The answer is larger than any real one.
    #[error("the answer of the identity server is too large")]
    ReplyTooLarge,
}

/// What kind of failure kept a login from being made or renewed, as logs and metrics name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CauseClass {
    /// No answer in time.
    Timeout,
    /// No connection.
    Network,
    /// The identity server answered and said no.
    Refused,
    /// The identity server answered, and the answer makes no sense.
    Malformed,
}

impl CauseClass {
    /// Returns the name of the class.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Network => "network",
            Self::Refused => "refused",
            Self::Malformed => "malformed",
        }
    }
}

impl fmt::Display for CauseClass {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl TransportError {
    /// Returns the kind of the failure.
    pub fn cause(&self) -> CauseClass {
        match self {
            Self::Timeout => CauseClass::Timeout,
            Self::Network { .. } => CauseClass::Network,
            Self::ReplyTooLarge => CauseClass::Malformed,
        }
    }
}

/// Sends the request and gives up at the deadline, also when the transport does not.
pub(super) async fn post(
    transport: &dyn TokenTransport,
    request: Request<Vec<u8>>,
    deadline: Duration,
) -> Result<TokenReply, TransportError> {
    let reply = tokio::time::timeout(deadline, transport.post(request, deadline))
        .await
        .map_err(|_| TransportError::Timeout)??;
    if reply.body.len() > REPLY_BYTES_MAX {
        return Err(TransportError::ReplyTooLarge);
    }
    Ok(reply)
}
