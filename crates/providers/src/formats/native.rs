//! Requests to hosts that speak the client's own format: its bytes with the host's model id, its reply as it comes.

use catalog::ErrorClass;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Uri};

use super::Format;
use super::ask::InboundAsk;
use crate::attempt::{Answer, Reply, STREAM_IDLE_MAX, Upstream, forward_headers, request};
use crate::chat_answer::is_event_stream;
use crate::chat_repair::Repairs;
use crate::chat_stream::{ChatStream, StreamPolicy, native_usage};
use crate::directory::Route;
use crate::failure::Failure;
use crate::json_span::Object;

const VERSION: HeaderName = HeaderName::from_static("anthropic-version");
const BETA: HeaderName = HeaderName::from_static("anthropic-beta");
/// Version of the Messages format that is asked for when the client names none.
const VERSION_DEFAULT: HeaderValue = HeaderValue::from_static("2023-06-01");

/// Says whether the surface does not know the path or the model, so that the same host may know it as a chat.
pub(super) fn is_not_served(failure: &Failure) -> bool {
    failure.class == ErrorClass::ModelNotFound || matches!(failure.status, Some(404 | 405))
}

impl Upstream {
    /// Sends a request to `url` in the client's own format and returns once there is something to commit to.
    ///
    /// # Errors
    /// A classified [`Failure`]; nothing was sent to the client yet.
    pub(super) async fn native(
        &self,
        ask: InboundAsk<'_>,
        route: &Route,
        url: &Uri,
    ) -> Result<Reply, Failure> {
        let sending = std::pin::pin!(self.native_once(ask, route, url));
        match ask.deadline.bound(sending).await {
            Ok(done) => done,
            Err(_) => Err(self.too_late(route)),
        }
    }

    async fn native_once(
        &self,
        ask: InboundAsk<'_>,
        route: &Route,
        url: &Uri,
    ) -> Result<Reply, Failure> {
        let format = ask.inbound.format();
        let original = ask.inbound.original();
        // Rules are about chat completions; here nothing but the model is touched.
        let patched = original
            .patched(&route.model, false, None)
            .map_err(|refusal| Failure::of_refusal(&route.place(), &refusal))?;
        let mut request = request(Method::POST, url, route, patched.body);
        let headers = request.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        forward_headers(ask.headers, headers);
        if format == Format::Messages {
            version_headers(ask.headers, headers);
        }
        let (parts, incoming) = self.exchange(route, request).await?.into_parts();
        let answer = if is_event_stream(&parts.headers) {
            let policy = StreamPolicy {
                strip_usage: false,
                secret: route.secret().cloned(),
                idle_max: STREAM_IDLE_MAX,
                n_choices: 1,
                format,
                think_tags: catalog::ThinkTags::Never,
                stop: ask.stop.clone(),
            };
            let opened = ChatStream::open(incoming.into(), policy).await;
            let opened = opened.map_err(|error| self.no_stream(route, &parts.headers, error))?;
            Answer::Stream(Box::new(opened))
        } else {
            let whole = self.whole(route, incoming).await?;
            self.usage_in(route, &parts.headers, &whole)
                .map_err(|fault| *fault)?;
            let text = std::str::from_utf8(&whole).unwrap_or_default();
            let object = Object::scan(text).ok();
            let usage = object.and_then(|object| native_usage(object.raw("usage")?));
            Answer::Whole(whole, usage)
        };
        Ok(Reply {
            status: parts.status,
            headers: parts.headers,
            answer,
            repairs: Repairs::default(),
            corrections: patched.corrections,
        })
    }
}

fn version_headers(from: &HeaderMap, to: &mut HeaderMap) {
    let version = from.get(VERSION).cloned().unwrap_or(VERSION_DEFAULT);
    to.insert(VERSION, version);
    if let Some(beta) = from.get(BETA) {
        to.insert(BETA, beta.clone());
    }
}
