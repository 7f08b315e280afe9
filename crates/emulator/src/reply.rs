//! An answer before it is put on the wire.

use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use serde_json::Value;

use crate::refusal::Refusal;

/// Content type of every JSON reply.
pub(crate) const JSON: &str = "application/json";

/// Content type of an event stream, as recorded, without a blank.
pub(crate) const EVENT_STREAM: &str = "text/event-stream;charset=UTF-8";

/// Events of a stream, each complete with its blank line.
pub(crate) type Events = Box<dyn Iterator<Item = Bytes> + Send>;

/// What the body is made of.
pub(crate) enum Content {
    /// No body.
    Empty,
    /// One piece.
    Whole(Bytes),
    /// Server-sent events, made one by one as they are sent.
    Events(Events),
}

/// An answer before it is put on the wire.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    /// Names in lower case; they replace the standard ones.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) content: Content,
    /// Whether the request passed the gateway, which then says so in a header.
    pub(crate) passed_gateway: bool,
    /// Wait before the reply, after all it changed is changed.
    pub(crate) delay: Duration,
    /// Cut the connection instead of replying.
    pub(crate) hang_up: bool,
}

impl Reply {
    pub(crate) fn json(status: StatusCode, body: &Value) -> Self {
        Self::whole(status, JSON, Bytes::from(body.to_string()))
    }

    pub(crate) fn whole(status: StatusCode, content_type: &str, body: Bytes) -> Self {
        Self {
            status,
            headers: vec![("content-type".to_owned(), content_type.to_owned())],
            content: Content::Whole(body),
            passed_gateway: true,
            delay: Duration::ZERO,
            hang_up: false,
        }
    }

    /// A reply without a body.
    pub(crate) fn empty(status: StatusCode) -> Self {
        Self {
            status,
            headers: Vec::new(),
            content: Content::Empty,
            passed_gateway: false,
            delay: Duration::ZERO,
            hang_up: false,
        }
    }

    pub(crate) fn events(events: Events) -> Self {
        Self {
            status: StatusCode::OK,
            headers: vec![("content-type".to_owned(), EVENT_STREAM.to_owned())],
            content: Content::Events(events),
            passed_gateway: true,
            delay: Duration::ZERO,
            hang_up: false,
        }
    }

    pub(crate) fn refused(refusal: &Refusal, request_id: &str) -> Self {
        // Recorded 401 replies lack the gateway header, others have it.
        let passed_gateway = refusal.status != StatusCode::UNAUTHORIZED;
        match refusal.body(request_id) {
            Some(body) => Self {
                passed_gateway,
                ..Self::json(refusal.status, &body)
            },
            None => Self {
                passed_gateway,
                ..Self::empty(refusal.status)
            },
        }
    }
}

/// Returns one server-sent event with `payload` as its data.
pub(crate) fn event(payload: &str) -> Bytes {
    let mut framed = String::with_capacity(payload.len() + 8);
    framed.push_str("data: ");
    framed.push_str(payload);
    framed.push_str("\n\n");
    Bytes::from(framed)
}

/// Returns one server-sent event with a name.
pub(crate) fn named_event(name: &str, payload: &str) -> Bytes {
    Bytes::from(format!("event: {name}\ndata: {payload}\n\n"))
}

/// Returns one server-sent event as the provider's own protocol frames it: numbered from 1, without blanks.
pub(crate) fn numbered_event(number: u64, name: &str, payload: &str) -> Bytes {
    Bytes::from(format!(
        "id:{number}\nevent:{name}\n:HTTP_STATUS/200\ndata:{payload}\n\n"
    ))
}
