//! Turns a reply into an HTTP response with the headers the service sends.

use http::{HeaderMap, HeaderName, HeaderValue, Method, Response};

use crate::EMULATOR_HEADER;
use crate::delivery::{Delivery, Pace};
use crate::host::Service;
use crate::identity::Clock;
use crate::journal::Witness;
use crate::reply::{Content, Reply};
use crate::studio::Exchange;

/// `vary` of JSON replies, as recorded.
const VARY_JSON: &str =
    "Origin,Access-Control-Request-Method,Access-Control-Request-Headers, Accept-Encoding";

/// `vary` of event streams, as recorded.
const VARY_EVENTS: &str = "Origin";

/// Returns a response of the emulator itself, without the service's headers.
pub(crate) fn plain(reply: Reply) -> Response<Delivery> {
    let mut response = Response::new(Delivery::new(reply.content, Pace::default(), None));
    *response.status_mut() = reply.status;
    let headers = response.headers_mut();
    headers.insert(EMULATOR_HEADER, HeaderValue::from_static("1"));
    set_all(headers, reply.headers);
    response
}

/// Returns a response of the service, sent at `pace` and watched by `witness`.
pub(crate) fn played(
    reply: Reply,
    exchange: &Exchange,
    clock: Clock,
    pace: Pace,
    witness: Witness,
) -> Response<Delivery> {
    witness.status(reply.status);
    let mut headers = HeaderMap::new();
    headers.insert(EMULATOR_HEADER, HeaderValue::from_static("1"));
    set_all(&mut headers, usual_headers(&reply, exchange, clock));
    set_all(&mut headers, reply.headers);
    let content = if exchange.method == Method::HEAD {
        Content::Empty
    } else {
        reply.content
    };
    let mut response = Response::new(Delivery::new(content, pace, Some(witness)));
    *response.status_mut() = reply.status;
    *response.headers_mut() = headers;
    response
}

/// The headers seen on every recorded reply of a model host.
fn usual_headers(reply: &Reply, exchange: &Exchange, clock: Clock) -> Vec<(String, String)> {
    if exchange.host.service == Service::Identity {
        // Tokens must not be cached (RFC 6749, section 5.1).
        return vec![("cache-control".to_owned(), "no-store".to_owned())];
    }
    if exchange.host.service == Service::Storage {
        return vec![("server".to_owned(), "AliyunOSS".to_owned())];
    }
    let now_ms = clock.now_ms();
    let vary = match reply.content {
        Content::Events(_) => VARY_EVENTS,
        Content::Empty | Content::Whole(_) => VARY_JSON,
    };
    let mut headers = vec![
        ("vary", vary.to_owned()),
        ("x-request-id", exchange.request_id.clone()),
        ("x-envoy-upstream-service-time", "1".to_owned()),
        ("req-cost-time", "1".to_owned()),
        ("req-arrive-time", now_ms.to_string()),
        ("resp-start-time", now_ms.saturating_add(1).to_string()),
        ("server", "istio-envoy".to_owned()),
    ];
    if reply.passed_gateway && !matches!(reply.content, Content::Empty) {
        headers.push(("x-dashscope-call-gateway", "true".to_owned()));
    }
    let owned = |(name, value): (&str, String)| (name.to_owned(), value);
    headers.into_iter().map(owned).collect()
}

fn set_all(headers: &mut HeaderMap, added: Vec<(String, String)>) {
    for (name, value) in added {
        // Scripted names and values were checked when the script was loaded.
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            headers.insert(name, value);
        }
    }
}
