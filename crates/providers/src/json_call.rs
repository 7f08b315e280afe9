//! One JSON request and its whole reply: everything that is not a chat goes through here.
//!
//! Shapes and paths differ by model and host, so a request is made for a route ([`JsonRequest`]) and sent on it
//! ([`Upstream::json`]); an implementation of [`Ask`] offers it to every candidate
//! of a chain.

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderValue};
use http::{Method, StatusCode, Uri};

use crate::attempt::{UPSTREAM_REQUEST_ID, Upstream, forward_headers, request};
use crate::deadline::Deadline;
use crate::directory::Route;
use crate::failover::Ask;
use crate::failure::Failure;
use crate::json_span::Object;
use crate::usage::Usage;

/// What to ask, in the form that one route needs.
#[derive(Debug, Clone)]
pub struct JsonRequest {
    /// Method.
    pub method: Method,
    /// Where to.
    pub url: Uri,
    /// Headers besides the usual ones, such as `X-DashScope-Async`.
    pub headers: HeaderMap,
    /// The JSON text; empty for requests without a body.
    pub body: Bytes,
}

/// One request to whoever can answer it, and how long that may take.
#[derive(Clone, Copy)]
pub struct JsonCall<'a> {
    /// The client's headers; those that mean the service are passed on.
    pub headers: &'a HeaderMap,
    /// When the reply must be complete.
    pub deadline: Deadline,
}

/// A whole reply with a status of success.
#[derive(Debug, Clone)]
pub struct JsonReply {
    /// The upstream's status.
    pub status: StatusCode,
    /// The upstream's headers, unfiltered.
    pub headers: HeaderMap,
    /// A JSON object, as it came.
    pub body: Bytes,
}

impl JsonRequest {
    /// Creates a `POST` of `body`.
    pub fn post(url: Uri, body: Bytes) -> Self {
        Self {
            method: Method::POST,
            url,
            headers: HeaderMap::new(),
            body,
        }
    }

    /// Creates a `GET`.
    pub fn get(url: Uri) -> Self {
        Self {
            method: Method::GET,
            ..Self::post(url, Bytes::new())
        }
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.insert(name, HeaderValue::from_static(value));
        self
    }
}

impl JsonReply {
    /// Returns the upstream's request id.
    pub fn upstream_request_id(&self) -> Option<&str> {
        self.headers.get(UPSTREAM_REQUEST_ID)?.to_str().ok()
    }

    /// Returns the token counts of the reply.
    pub fn usage(&self) -> Option<Usage> {
        let text = std::str::from_utf8(&self.body).ok()?;
        Object::scan(text).ok()?.raw("usage").and_then(Usage::parse)
    }

    /// Returns the same reply with another body.
    #[must_use]
    pub fn with_body(self, body: &serde_json::Value) -> Self {
        let body = Bytes::from(body.to_string());
        Self { body, ..self }
    }

    /// Returns the reply as a value.
    pub fn value(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// A request on a route whose credential is ready.
struct Sending<'a> {
    request: &'a JsonRequest,
    headers: &'a HeaderMap,
}

impl Ask for Sending<'_> {
    type Reply = JsonReply;

    async fn ask(&self, upstream: &Upstream, route: &Route) -> Result<JsonReply, Failure> {
        let JsonRequest {
            method,
            url,
            headers,
            body,
        } = self.request;
        let mut sent = request(method.clone(), url, route, body.clone());
        let all = sent.headers_mut();
        if *method == Method::POST {
            let json = HeaderValue::from_static("application/json");
            all.insert(header::CONTENT_TYPE, json);
        }
        all.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        forward_headers(self.headers, all);
        for (name, value) in headers {
            all.insert(name, value.clone());
        }
        let (parts, incoming) = upstream.exchange(route, sent).await?.into_parts();
        let body = upstream.whole(route, incoming).await?;
        let text = std::str::from_utf8(&body).unwrap_or_default();
        match Object::scan(text) {
            Ok(object) if is_error(&object) => {
                Err(upstream.error_inside(route, &parts.headers, &body))
            }
            Ok(_) => Ok(JsonReply {
                status: parts.status,
                headers: parts.headers,
                body,
            }),
            Err(_) => Err(upstream.garbage(route)),
        }
    }
}

/// Says whether a reply with status 200 is an error all the same. Native replies may carry an empty code beside their
/// output.
fn is_error(reply: &Object<'_>) -> bool {
    let says = |key| {
        reply
            .raw(key)
            .is_some_and(|value| !matches!(value, "null" | "\"\""))
    };
    says("error") || (says("code") && says("message") && reply.raw("output").is_none())
}

impl Upstream {
    /// Sends `request` on `route` and returns the whole reply.
    ///
    /// # Errors
    /// A classified [`Failure`].
    ///
    /// # Cancel safety
    /// Dropping the future closes the upstream connection; the service may have begun the work all the same.
    pub async fn json(
        &self,
        route: &Route,
        request: &JsonRequest,
        call: JsonCall<'_>,
    ) -> Result<JsonReply, Failure> {
        let headers = call.headers;
        let sending = Sending { request, headers };
        let sent = async {
            match (route.renewed(), self.refresher()) {
                (Some(login), Some(refresher)) => {
                    Box::pin(self.renewed(route, &sending, login, refresher)).await
                }
                _ => sending.ask(self, route).await,
            }
        };
        match call.deadline.bound(sent).await {
            Ok(done) => done,
            Err(_) => Err(self.too_late(route)),
        }
    }
}
