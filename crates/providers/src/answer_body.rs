//! The body of a reply as a stream reads it: from the connection, or from memory.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame};
use http_body_util::BodyExt;

use crate::http_client::ReplyBody;

/// Longest beginning that is looked at to tell events from an object, in bytes.
const BEGINNING_BYTES_MAX: usize = 4096;

/// Bytes that are here already, and those that still arrive.
pub struct AnswerBody {
    here: Option<Bytes>,
    rest: Option<ReplyBody>,
}

impl From<ReplyBody> for AnswerBody {
    fn from(rest: ReplyBody) -> Self {
        Self {
            here: None,
            rest: Some(rest),
        }
    }
}

impl From<Bytes> for AnswerBody {
    fn from(all: Bytes) -> Self {
        Self {
            here: Some(all),
            rest: None,
        }
    }
}

impl AnswerBody {
    /// Reads the beginning of `body`, and says whether it is one of events whatever its headers say.
    ///
    /// # Errors
    /// The connection broke.
    pub(crate) async fn look_at(mut body: ReplyBody) -> Result<(Self, bool), hyper::Error> {
        let mut here = BytesMut::new();
        while here.trim_ascii_start().len() < b"event:".len() && here.len() < BEGINNING_BYTES_MAX {
            let Some(frame) = body.frame().await else {
                break;
            };
            if let Ok(data) = frame?.into_data() {
                here.extend_from_slice(&data);
            }
        }
        let has_events = is_events(&here);
        let body = Self {
            here: Some(here.freeze()),
            rest: Some(body),
        };
        Ok((body, has_events))
    }
}

/// Says whether a body begins as server-sent events do.
pub(crate) fn is_events(body: &[u8]) -> bool {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let body = body.trim_ascii_start();
    [&b"data:"[..], b"event:", b"id:", b"retry:", b":"]
        .iter()
        .any(|field| body.starts_with(field))
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        if let Some(here) = self.here.take() {
            return Poll::Ready(Some(Ok(Frame::data(here))));
        }
        match &mut self.rest {
            Some(rest) => Pin::new(rest).poll_frame(context),
            None => Poll::Ready(None),
        }
    }
}
