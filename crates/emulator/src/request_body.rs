//! Reads request bodies within bounds.

use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use http_body::Body;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;

use crate::reply::Reply;

/// Largest request body taken, in bytes.
const BODY_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Longest wait for a whole request body.
const READ_DEADLINE: Duration = Duration::from_mins(2);

/// Why a request body was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unread {
    TooLarge,
    Damaged,
    Late,
}

impl Unread {
    /// What the client is told.
    pub(crate) fn reply(self) -> Reply {
        let (status, text) = match self {
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large"),
            Self::Damaged => (StatusCode::BAD_REQUEST, "the request body is damaged"),
            Self::Late => (
                StatusCode::REQUEST_TIMEOUT,
                "the request body did not arrive in time",
            ),
        };
        Reply::whole(status, "text/plain", Bytes::from_static(text.as_bytes()))
    }
}

/// Reads a whole body; one that announces too many bytes is refused unread.
pub(crate) async fn read(body: Incoming) -> Result<Bytes, Unread> {
    if body.size_hint().lower() > BODY_BYTES_MAX as u64 {
        return Err(Unread::TooLarge);
    }
    let collect = Limited::new(body, BODY_BYTES_MAX).collect();
    match tokio::time::timeout(READ_DEADLINE, collect).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Unread::TooLarge),
        Ok(Err(_)) => Err(Unread::Damaged),
        Err(_) => Err(Unread::Late),
    }
}
