//! The only way to call an upstream: gateway, command line, probes and checks all come through here, so a probe can
//! never pass where the real path fails.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use catalog::{Catalog, FailureKind};
use config::Home;
use credentials::Secret;
use credentials::oauth::{Clock, RefreshError, Refresher};
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt, Full, Limited};
use tokio_util::sync::CancellationToken;

use crate::answer_body::AnswerBody;
use crate::chat_answer::StreamsOnly;
use crate::chat_repair::Repairs;
use crate::chat_request::{ChatRequest, Correction};
use crate::chat_stream::{ChatStream, OpenError, is_error_envelope};
use crate::deadline::Deadline;
use crate::directory::{Route, StoredProfile};
use crate::failover::Ask;
use crate::failure::{ErrorBody, Failure};
use crate::health::Health;
use crate::http_client::{HttpClient, NetworkSettings, ReplyBody, SendError};
use crate::json_span::Object;
use crate::media_fetch::MediaFetcher;
use crate::usage::Usage;

/// Largest non-streamed reply accepted, in bytes.
pub const REPLY_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Largest error body read, in bytes; the rest says nothing new.
pub const ERROR_BYTES_MAX: usize = 256 * 1024;
/// Longest time to read an error body, whose status is known already.
pub const ERROR_BODY_MAX_WAIT: Duration = Duration::from_secs(5);
/// Longest silence in a stream. Model Studio closes its own after 300 s.
pub const STREAM_IDLE_MAX: Duration = Duration::from_mins(5);
/// Request headers of a client that are passed on, by prefix: options of the service, and trace context.
const FORWARDED_PREFIXES: [&str; 2] = ["x-dashscope-", "traceparent"];
/// The Coding Plan host answers 405 to a client without a name.
pub(crate) const USER_AGENT: &str = concat!("openclaw-rs/", env!("CARGO_PKG_VERSION"));
pub(crate) const UPSTREAM_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The way out to all upstreams.
pub struct Upstream {
    catalog: Arc<Catalog>,
    client: Arc<HttpClient>,
    media: MediaFetcher,
    refresher: Option<Refresher>,
    health: Arc<Health>,
    streams_only: StreamsOnly,
    network: NetworkSettings,
}

/// One call.
#[derive(Clone, Copy)]
pub struct Call<'a> {
    /// Where to, and with which credential.
    pub route: &'a Route,
    /// What to ask.
    pub request: &'a ChatRequest,
    /// The client's headers.
    pub headers: &'a HeaderMap,
    /// When the reply must have begun (a stream) or be complete (else).
    pub deadline: Deadline,
    /// Cancelled when streams must end.
    pub stop: &'a CancellationToken,
}

/// A successful reply: committed to, not yet forwarded.
pub struct Reply {
    /// The upstream's status.
    pub status: StatusCode,
    /// The upstream's headers, unfiltered.
    pub headers: HeaderMap,
    /// Its body.
    pub answer: Answer,
    /// What was put in order so far; a stream goes on to say so at its end.
    pub repairs: Repairs,
    /// What was sent otherwise than the client wrote it, since the host would have refused it.
    pub corrections: Vec<Correction>,
}

/// The body of a reply.
pub enum Answer {
    /// All of it, and the token counts in it.
    Whole(Bytes, Option<Usage>),
    /// A stream whose first event has arrived.
    Stream(Box<ChatStream<AnswerBody>>),
}

/// A chat on a route whose credential is ready.
struct ChatOnce<'a>(Call<'a>);

impl Ask for ChatOnce<'_> {
    type Reply = Reply;

    async fn ask(&self, upstream: &Upstream, route: &Route) -> Result<Reply, Failure> {
        upstream.chat_once(Call { route, ..self.0 }).await
    }
}

impl Reply {
    /// Returns the upstream's request id.
    pub fn upstream_request_id(&self) -> Option<&str> {
        self.headers.get(UPSTREAM_REQUEST_ID)?.to_str().ok()
    }
}

impl Upstream {
    /// Creates the way out; nothing is opened yet.
    pub fn new(catalog: Arc<Catalog>, network: NetworkSettings) -> Self {
        Self {
            catalog,
            media: MediaFetcher::new(network.clone()),
            client: Arc::new(HttpClient::new(network.clone())),
            network,
            refresher: None,
            health: Arc::default(),
            streams_only: StreamsOnly::default(),
        }
    }

    /// Goes on with the open connections of `old`, and with what it learned, where the settings for that are the same.
    #[must_use]
    pub fn taking_over(mut self, old: &Self) -> Self {
        if self.network == old.network {
            self.client = Arc::clone(&old.client);
        }
        if self.health.rules() == old.health.rules() {
            self.health = Arc::clone(&old.health);
        }
        self
    }

    /// Lets the logins of `home` be used: their access tokens are renewed when that is needed.
    ///
    /// # Errors
    /// [`credentials::Error`] when the catalog's identity servers cannot be used.
    pub fn with_logins(mut self, home: &Home, clock: Clock) -> Result<Self, credentials::Error> {
        let transport = Arc::clone(&self.client);
        self.refresher = Some(Refresher::new(home, &self.catalog, transport, clock)?);
        Ok(self)
    }

    /// Returns the `Date` of whatever the host of `route` answers to a request without a credential: its clock.
    ///
    /// # Cancel safety
    /// Dropping the future closes the connection.
    pub async fn host_date(&self, route: &Route, deadline: Deadline) -> Option<String> {
        let url = route.models_url.as_ref().unwrap_or(&route.chat_url);
        let mut question = request(Method::GET, url, route, Bytes::new());
        question.headers_mut().remove(header::AUTHORIZATION);
        let answer = deadline
            .bound(self.client.send(question))
            .await
            .ok()?
            .ok()?;
        let date = answer.headers().get(header::DATE)?.to_str().ok()?;
        Some(date.to_owned())
    }

    /// Returns what fetches media from anywhere.
    pub fn media(&self) -> &MediaFetcher {
        &self.media
    }

    /// Sets what is learned about hosts, keys and models, and for how long it counts.
    #[must_use]
    pub fn with_health(mut self, health: Health) -> Self {
        self.health = Arc::new(health);
        self
    }

    /// Returns what was learned about hosts, keys and models.
    pub fn health(&self) -> &Arc<Health> {
        &self.health
    }

    /// Returns what renews logins.
    pub fn refresher(&self) -> Option<&Refresher> {
        self.refresher.as_ref()
    }

    pub(crate) fn streams_only(&self) -> &StreamsOnly {
        &self.streams_only
    }

    /// Returns the catalog that classifies failures.
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// Sends a chat completion and returns once there is something to commit to.
    ///
    /// # Errors
    /// A classified [`Failure`]; nothing was sent to the client yet, so another candidate may be tried.
    ///
    /// # Cancel safety
    /// Dropping the future closes the upstream connection.
    pub async fn attempt(&self, call: Call<'_>) -> Result<Reply, Failure> {
        let (route, deadline) = (call.route, call.deadline);
        // One timer for all steps: they share the deadline, and timers are not free at this rate.
        // Pinned here, since a future that is handed on by value is stored twice.
        let chat = std::pin::pin!(self.chat(call));
        match deadline.bound(chat).await {
            Ok(done) => done,
            Err(_) => Err(self.too_late(route)),
        }
    }

    /// Asks the host for its model list.
    ///
    /// # Errors
    /// As [`Self::attempt`]; hosts without a list answer with a failure of class `model_not_found` or `unknown`.
    pub async fn model_list(&self, route: &Route, deadline: Deadline) -> Result<Bytes, Failure> {
        let Some(url) = &route.models_url else {
            let message = "this host has no model list".to_owned();
            return Err(self.of_connection(route, FailureKind::Response, message));
        };
        let asked = async {
            let response = self
                .exchange(route, request(Method::GET, url, route, Bytes::new()))
                .await?;
            self.whole(route, response.into_body()).await
        };
        match deadline.bound(asked).await {
            Ok(done) => done,
            Err(_) => Err(self.too_late(route)),
        }
    }

    async fn chat(&self, call: Call<'_>) -> Result<Reply, Failure> {
        match (call.route.renewed(), &self.refresher) {
            // Boxed, so that requests with a plain key do not carry the room for this.
            (Some(login), Some(refresher)) => {
                Box::pin(self.renewed(call.route, &ChatOnce(call), login, refresher)).await
            }
            _ => self.chat_once(call).await,
        }
    }

    /// Sends a request with an access token that is valid now. One that the host refuses all the same is renewed once,
    /// and the request repeated once.
    pub(crate) async fn renewed<A: Ask>(
        &self,
        route: &Route,
        ask: &A,
        login: &StoredProfile,
        refresher: &Refresher,
    ) -> Result<A::Reply, Failure> {
        let (agent, profile) = (&login.agent, &login.id);
        let refused = |error: RefreshError| no_access(route, &error);
        let access = refresher.access(agent, profile).await.map_err(refused)?;
        let with_token = route.with_access(&self.catalog, &access.token);
        match ask.ask(self, &with_token).await {
            Err(failure) if failure.status == Some(401) => {}
            done => return done,
        }
        let renewed = refresher
            .force_refresh_after_401(agent, profile, &access.token)
            .await;
        let access = renewed.map_err(refused)?;
        let with_token = route.with_access(&self.catalog, &access.token);
        ask.ask(self, &with_token).await
    }

    /// Sends `request`, the client's own or one made of it, and returns the head of a success, and what was sent
    /// otherwise than written.
    pub(crate) async fn send_chat(
        &self,
        call: Call<'_>,
        request: &ChatRequest,
    ) -> Result<(Response<ReplyBody>, Vec<Correction>), Failure> {
        let route = call.route;
        let rules = route.rules.as_deref();
        let patched = request
            .patched(&route.model, route.asks_usage, rules)
            .map_err(|refusal| Failure::of_refusal(&route.place(), &refusal))?;
        let mut request = self::request(Method::POST, &route.chat_url, route, patched.body);
        request.headers_mut().insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        forward_headers(call.headers, request.headers_mut());
        let response = self.exchange(route, request).await?;
        Ok((response, patched.corrections))
    }

    /// Sends a request and returns the head of a success; everything else is a failure.
    pub(crate) async fn exchange(
        &self,
        route: &Route,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<ReplyBody>, Failure> {
        let response = self
            .client
            .send(request)
            .await
            .map_err(|error| self.unreachable(route, &error))?;
        if response.status().is_success() {
            return Ok(response);
        }
        let (parts, incoming) = response.into_parts();
        // A body that breaks off or trickles still leaves a status to classify by.
        let body = Deadline::after(ERROR_BODY_MAX_WAIT)
            .bound(Limited::new(incoming, ERROR_BYTES_MAX).collect());
        let body = match body.await {
            Ok(Ok(body)) => body.to_bytes(),
            _ => Bytes::new(),
        };
        let error = error_body(route, &parts.headers, &body);
        let status = Some(parts.status.as_u16());
        let mut failure = Failure::of_upstream(
            &self.catalog,
            &route.place(),
            status,
            error,
            FailureKind::Response,
        );
        let retry_after = parts.headers.get(header::RETRY_AFTER);
        failure.retry_after = retry_after.and_then(|value| value.to_str().ok()?.parse().ok());
        Err(failure)
    }

    pub(crate) async fn whole<B>(&self, route: &Route, incoming: B) -> Result<Bytes, Failure>
    where
        B: Body<Data = Bytes>,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let collected = Limited::new(incoming, REPLY_BYTES_MAX).collect().await;
        collected
            .map(http_body_util::Collected::to_bytes)
            .map_err(|error| self.broken_off(route, &*error))
    }

    pub(crate) fn broken_off(
        &self,
        route: &Route,
        error: &(dyn std::error::Error + 'static),
    ) -> Failure {
        let message = format!("the reply broke off ({error})");
        self.of_connection(route, FailureKind::StreamCut, message)
    }

    pub(crate) fn client(&self) -> &HttpClient {
        &self.client
    }

    /// Makes the failure of a host that does not offer what is asked of it.
    pub(crate) fn no_surface(
        &self,
        route: &Route,
        error: &crate::upstream_url::UrlError,
    ) -> Failure {
        self.of_connection(route, FailureKind::Response, error.to_string())
    }

    pub(crate) fn of_connection(
        &self,
        route: &Route,
        kind: FailureKind,
        message: String,
    ) -> Failure {
        Failure::of_connection(&self.catalog, &route.place(), kind, message)
    }

    /// Reads the token counts of a whole reply, unless it is no answer: a success may still carry an error, or
    /// somebody's web page.
    pub(crate) fn usage_in(
        &self,
        route: &Route,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<Option<Usage>, Box<Failure>> {
        let text = std::str::from_utf8(body).unwrap_or_default();
        match Object::scan(text) {
            Ok(object) if is_error_envelope(&object) => {
                Err(Box::new(self.error_inside(route, headers, body)))
            }
            Ok(object) => Ok(object.raw("usage").and_then(Usage::parse)),
            Err(_) => Err(Box::new(self.garbage(route))),
        }
    }

    /// Classifies an error that came with status 200.
    pub(crate) fn error_inside(&self, route: &Route, headers: &HeaderMap, data: &[u8]) -> Failure {
        let body = error_body(route, headers, data);
        let kind = FailureKind::StreamEvent;
        Failure::of_upstream(&self.catalog, &route.place(), Some(200), body, kind)
    }

    pub(crate) fn garbage(&self, route: &Route) -> Failure {
        let message = "the reply is not JSON: check the base URL".to_owned();
        self.of_connection(route, FailureKind::StreamGarbage, message)
    }

    pub(crate) fn no_stream(
        &self,
        route: &Route,
        headers: &HeaderMap,
        error: OpenError,
    ) -> Failure {
        let (kind, message) = match error {
            OpenError::Event(data) => return self.error_inside(route, headers, &data),
            OpenError::Garbage => return self.garbage(route),
            OpenError::Empty => (FailureKind::StreamCut, "the stream ended without an answer"),
            OpenError::Silent => (
                FailureKind::LocalTimeout,
                "the upstream sent nothing in time",
            ),
            OpenError::Stopped => (FailureKind::LocalTimeout, "the gateway is shutting down"),
        };
        self.of_connection(route, kind, message.to_owned())
    }

    pub(crate) fn unreachable(&self, route: &Route, error: &SendError) -> Failure {
        let message = if error.is_connect() {
            format!("cannot connect to {}: {error}", route.host)
        } else {
            format!("the connection to {} broke: {error}", route.host)
        };
        self.of_connection(route, FailureKind::Network, message)
    }

    pub(crate) fn too_late(&self, route: &Route) -> Failure {
        let message = "no answer before the deadline of this gateway".to_owned();
        self.of_connection(route, FailureKind::LocalTimeout, message)
    }
}

fn no_access(route: &Route, error: &RefreshError) -> Failure {
    let failure = Failure::of_login(&route.place(), error);
    let cause = failure.detail.as_deref().unwrap_or("none");
    tracing::warn!(credential = %route.credential, cause, reason = %error, "oauth refresh gave no token");
    failure
}

/// Reads what an error says; the request id in the headers is the one to quote.
fn error_body(route: &Route, headers: &HeaderMap, body: &[u8]) -> ErrorBody {
    let secret = route.secret().map_or("", Secret::expose);
    let mut error = ErrorBody::read_without(secret, body);
    let from_header = headers
        .get(UPSTREAM_REQUEST_ID)
        .and_then(|id| id.to_str().ok());
    error.request_id = from_header.map(str::to_owned).or(error.request_id);
    error
}

pub(crate) fn request(
    method: Method,
    url: &http::Uri,
    route: &Route,
    body: Bytes,
) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = method;
    *request.uri_mut() = url.clone();
    let headers = request.headers_mut();
    headers.reserve(8);
    headers.insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
    headers.insert(
        header::ACCEPT,
        HeaderValue::from_static("application/json, text/event-stream"),
    );
    for (name, value) in &route.extra_headers {
        headers.insert(name, value.clone());
    }
    if let Some(authorization) = route.authorization() {
        headers.insert(header::AUTHORIZATION, authorization.clone());
    }
    request
}

pub(crate) fn forward_headers(from: &HeaderMap, to: &mut HeaderMap) {
    for (name, value) in from {
        if FORWARDED_PREFIXES
            .iter()
            .any(|prefix| name.as_str().starts_with(prefix))
        {
            to.insert(name, value.clone());
        }
    }
}
