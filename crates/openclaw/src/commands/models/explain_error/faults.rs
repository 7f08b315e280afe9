//! How programs say that there was no answer: the wordings of common HTTP clients, per kind of failure.

use catalog::FailureKind;

/// A kind of failure and lower-case words, one of which the text holds.
type Wordings = (FailureKind, &'static [&'static str]);

const WORDINGS: [Wordings; 3] = [
    (
        FailureKind::StreamCut,
        &[
            "incomplete chunked read",
            "incomplete_chunked_encoding",
            "remoteprotocolerror",
            "server disconnected without sending",
            "premature close",
            "unexpected eof",
            "transfer closed with",
        ],
    ),
    (
        FailureKind::LocalTimeout,
        &[
            "apitimeouterror",
            "readtimeout",
            "request timed out",
            "read timed out",
            "operation timed out",
            "etimedout",
            "deadline exceeded",
        ],
    ),
    (
        FailureKind::Network,
        &[
            "connection refused",
            "connection reset",
            "connection error.",
            "apiconnectionerror",
            "connecterror",
            "connecttimeout",
            "connect timeout",
            "econnrefused",
            "econnreset",
            "enotfound",
            "eai_again",
            "getaddrinfo",
            "could not resolve host",
            "name or service not known",
            "nodename nor servname",
            "network is unreachable",
            "no route to host",
            "failed to connect",
            "couldn't connect",
            "fetch failed",
            "certificate verify failed",
            "ssl certificate problem",
            "self-signed certificate",
            "unable to get local issuer certificate",
            "could not established within",
        ],
    ),
];

/// Returns how a call failed that never got an answer, when a program's text says so.
pub(super) fn kind_of(text: &str) -> Option<FailureKind> {
    let lower = text.to_ascii_lowercase();
    WORDINGS
        .iter()
        .find(|(_, words)| words.iter().any(|word| lower.contains(word)))
        .map(|(kind, _)| *kind)
}
