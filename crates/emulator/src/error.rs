//! What can go wrong while starting or steering the emulator.

use std::net::SocketAddr;

/// A failure of the emulator itself, never one it plays to a client.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The listening socket could not be opened.
    #[error("cannot listen on {listen}")]
    Listen {
        /// The address that was asked for.
        listen: SocketAddr,
        /// Why the system refused.
        #[source]
        source: std::io::Error,
    },
    /// The certificate authority or a leaf certificate could not be made.
    #[error("cannot make the emulator's certificates")]
    Certificate(#[source] rcgen::Error),
    /// A TLS configuration could not be built from a fresh certificate.
    #[error("cannot set up TLS for `{host}`")]
    Tls {
        /// The host the certificate is for.
        host: String,
        /// Why rustls refused.
        #[source]
        source: rustls::Error,
    },
    /// A fault script is not what the emulator understands.
    #[error("the fault script is not valid: {problem}")]
    Script {
        /// What is wrong, with the name of the offending field.
        problem: String,
    },
    /// A request to the identity server's control is not what the emulator understands.
    #[error("the OAuth control request is not valid: {problem}")]
    Oauth {
        /// What is wrong, with the name of the offending field; never a token.
        problem: String,
    },
    /// A request to the control of tasks is not what the emulator understands.
    #[error("the task control request is not valid: {problem}")]
    Tasks {
        /// What is wrong, with the name of the offending field.
        problem: String,
    },
    /// The model rows compiled into the crate are damaged.
    #[error("the built-in model table is not valid")]
    ModelTable(#[source] serde_json::Error),
}
