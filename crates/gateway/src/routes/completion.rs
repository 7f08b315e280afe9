//! The main road, shared by every format in which a client can ask for an answer. Bytes in, a few splices, bytes out.
//!
//! Steps: verify the caller, read the body within limits, look at its top level, find the route, send the patched
//! bytes, look at the first event, commit, forward. Everything before the commit is a typed failure with a status. A
//! format that the host does not speak is said as a chat completion on the way up, and the reply in that format again.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use providers::attempt::Answer;
use providers::chat_request::{REQUEST_BYTES_MAX, RequestError};
use providers::chat_stream::Ended;
use providers::directory::RouteError;
use providers::failover::Ask;
use providers::formats::Format;
use providers::formats::ask::InboundAsk;
use providers::formats::inbound::{Answering, Inbound, Untranslatable};
use providers::formats::translation::Identity;
use providers::media::sight;
use providers::{Answered, Chain, Deadline, Exhausted, Failure, Reply, Route, Terms};

use crate::auth::Caller;
use crate::openai_error::OpenAiError;
use crate::request_log::RequestRecord;
use crate::state::Shared;

/// Longest time for a client to send its body.
pub(crate) const REQUEST_BODY_MAX_WAIT: Duration = Duration::from_mins(1);

/// Header with which a caller overrides the model of the body.
pub(crate) const MODEL_OVERRIDE: &str = "x-openclaw-model";
/// Header that names the conversation, which then stays with one credential.
const SESSION: &str = "x-openclaw-session-key";
/// Name under which the upstream sends its request id, and we ours.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The upstream's request id, to quote to its support.
pub(crate) const UPSTREAM_REQUEST_ID: HeaderName = HeaderName::from_static("x-upstream-request-id");
/// Content type of a stream.
const EVENT_STREAM: &str = "text/event-stream";
/// Content type of a whole answer.
const JSON: &str = "application/json";
/// The `provider/model` that answered.
pub(crate) const ROUTED_MODEL: HeaderName = HeaderName::from_static("x-openclaw-routed-model");
/// What was sent otherwise than the client wrote it, since the host would have refused it.
const CORRECTIONS: HeaderName = HeaderName::from_static("x-openclaw-corrections");
/// Longest text in that header, in bytes.
const CORRECTIONS_BYTES_MAX: usize = 1024;

/// A request whose body is still to be read.
pub(crate) struct Asked<'a> {
    /// Our id of it.
    pub(crate) request_id: &'a str,
    /// Its headers.
    pub(crate) headers: &'a HeaderMap,
    /// Its body.
    pub(crate) body: &'a mut Incoming,
}

/// Answers a request in `format`, streaming or not.
///
/// # Errors
/// What to tell the client instead, in the words of no format yet.
pub(crate) async fn answer(
    shared: &Shared,
    format: Format,
    asked: Asked<'_>,
) -> Result<Response, OpenAiError> {
    let Asked {
        request_id,
        headers,
        body,
    } = asked;
    let (caller, body) = authorized_body(shared, headers, body).await?;
    let inbound = Inbound::parse(format, &body).map_err(|error| malformed(&error))?;
    let (requested, chain) = chain(shared, headers, inbound.original().model())?;
    let chain = shared
        .directory
        .seeing(&chain, &sight::needed(&body))
        .map_err(|error| unroutable(&error))?;
    let record = RequestRecord::open(shared, request_id, caller, requested, chain.first());
    let terms = terms(shared, headers, Deadline::after(chain.first().timeout));
    let ask = InboundAsk {
        inbound: &inbound,
        headers,
        deadline: terms.deadline,
        stop: terms.stop,
    };
    let (answered, mut record) = first_answer(shared, &chain, &ask, (terms, record)).await?;
    let Answered { route, reply, .. } = answered;
    record.answered(
        reply.reply.status.as_u16(),
        reply.reply.upstream_request_id(),
    );
    let corrections = reply.reply.corrections.iter().map(ToString::to_string);
    let corrections: Vec<String> = corrections.collect();
    record.corrected(&corrections);
    let identity = || identity(request_id, &route);
    let answering = reply
        .is_chat
        .then(|| inbound.answering(identity()))
        .flatten();
    let mut response = match answering {
        Some(answering) => respond_in(answering, reply.reply, record)?,
        None => respond(reply.reply, record),
    };
    if let Ok(value) = HeaderValue::try_from(route.reference()) {
        response.headers_mut().insert(ROUTED_MODEL, value);
    }
    if let Some(value) = corrections_header(&corrections) {
        response.headers_mut().insert(CORRECTIONS, value);
    }
    Ok(response)
}

/// Returns the terms on which the candidates are asked.
pub(crate) fn terms<'a>(
    shared: &'a Shared,
    headers: &'a HeaderMap,
    deadline: Deadline,
) -> Terms<'a> {
    Terms {
        deadline,
        stop: &shared.stop_streams,
        session: headers.get(SESSION).and_then(|value| value.to_str().ok()),
    }
}

/// Asks the candidates in order and notes who answered; when nobody does, records that and says why.
///
/// # Errors
/// What the candidates said, or that the gateway is about to end.
pub(crate) async fn first_answer<A: Ask>(
    shared: &Shared,
    chain: &Chain,
    ask: &A,
    (terms, mut record): (Terms<'_>, RequestRecord),
) -> Result<(Answered<A::Reply>, RequestRecord), OpenAiError> {
    record.in_session(terms.session);
    // Pinned here, since a future that is handed on by value is stored twice.
    let attempt = std::pin::pin!(shared.upstream.attempt_chain(chain, ask, terms));
    match shared.until_stopped(attempt).await {
        Some(Ok(answered)) => {
            record.answered_by(&answered.route);
            record.decided(&answered.trace);
            Ok((answered, record))
        }
        None => {
            record.close(Ended::Stopped.as_str(), None);
            Err(shutting_down())
        }
        Some(Err(exhausted)) => {
            let Some(failure) = exhausted.decisive() else {
                return Err(shutting_down());
            };
            record.answered(
                failure.status.unwrap_or_default(),
                failure.upstream_request_id.as_deref(),
            );
            record.decided(exhausted.trace());
            record.close(failure.class_name(), None);
            Err(failed(failure, &exhausted))
        }
    }
}

/// Puts corrections into one header; what no header can hold is replaced.
fn corrections_header(corrections: &[String]) -> Option<HeaderValue> {
    if corrections.is_empty() {
        return None;
    }
    let visible = |c: char| {
        if c == ' ' || c.is_ascii_graphic() {
            c
        } else {
            '?'
        }
    };
    let text = corrections.join("; ");
    let text: String = text
        .chars()
        .map(visible)
        .take(CORRECTIONS_BYTES_MAX)
        .collect();
    HeaderValue::try_from(text).ok()
}

/// Verifies the caller and then reads the body.
///
/// # Errors
/// The caller is not known, the gateway is about to end, or the body is over a limit.
pub(crate) async fn authorized_body(
    shared: &Shared,
    headers: &HeaderMap,
    body: &mut Incoming,
) -> Result<(Caller, Bytes), OpenAiError> {
    let caller = shared.auth.verify(headers)?;
    if shared.draining.is_cancelled() {
        return Err(shutting_down());
    }
    let reading = std::pin::pin!(read_body(headers, body));
    let body = shared.until_stopped(reading).await;
    Ok((caller, body.ok_or_else(shutting_down)??))
}

/// Finds the candidates for the model that was asked for, and its name.
///
/// # Errors
/// No model was named, or there is no way to it.
pub(crate) fn chain(
    shared: &Shared,
    headers: &HeaderMap,
    in_body: Option<&str>,
) -> Result<(String, Arc<Chain>), OpenAiError> {
    let requested = requested_model(headers, in_body)?;
    let chain = shared.directory.chain(&requested);
    Ok((requested, chain.map_err(|error| unroutable(&error))?))
}

async fn read_body(headers: &HeaderMap, body: &mut Incoming) -> Result<Bytes, OpenAiError> {
    let announced = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|bytes| bytes > REQUEST_BYTES_MAX) {
        return Err(OpenAiError::too_large(REQUEST_BYTES_MAX));
    }
    let collected = Deadline::after(REQUEST_BODY_MAX_WAIT)
        .bound(Limited::new(body, REQUEST_BYTES_MAX).collect())
        .await;
    match collected {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            Err(OpenAiError::too_large(REQUEST_BYTES_MAX))
        }
        Ok(Err(_)) => Err(OpenAiError::bad_request(
            "the body ended before its announced length",
        )),
        Err(_) => {
            let seconds = REQUEST_BODY_MAX_WAIT.as_secs();
            let message = format!("the body did not arrive within {seconds} s");
            Err(OpenAiError::new(
                StatusCode::REQUEST_TIMEOUT,
                "invalid_request_error",
                message,
            )
            .code("request_timeout"))
        }
    }
}

fn requested_model(headers: &HeaderMap, in_body: Option<&str>) -> Result<String, OpenAiError> {
    let by_header = headers
        .get(MODEL_OVERRIDE)
        .and_then(|value| value.to_str().ok())
        .map(str::trim);
    let model = by_header
        .filter(|model| !model.is_empty())
        .or(in_body)
        .unwrap_or_default();
    if model.is_empty() {
        let error = OpenAiError::bad_request("you must provide a `model`")
            .param(Some("model"))
            .code("missing_model");
        return Err(
            error.hint("`openclaw models list` shows the models; `openclaw` names the default one")
        );
    }
    Ok(model.to_owned())
}

fn malformed(error: &RequestError) -> OpenAiError {
    OpenAiError::bad_request(error.to_string())
        .param(error.param())
        .code("invalid_request_body")
        .class("invalid_parameter")
}

pub(crate) fn unroutable(error: &RouteError) -> OpenAiError {
    let (status, kind) = if error.is_unknown_name() {
        (StatusCode::NOT_FOUND, "invalid_request_error")
    } else if error.is_request() {
        (StatusCode::BAD_REQUEST, "invalid_request_error")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "api_error")
    };
    tracing::warn!(reason = %error, "no route");
    OpenAiError::new(status, kind, error.to_string())
        .param(Some("model"))
        .code(error.code())
        .hint(error.hint())
}

/// Turns a failure before the commit into the answer for the client.
fn failed(failure: &Failure, exhausted: &Exhausted) -> OpenAiError {
    let status = StatusCode::from_u16(failure.client_status()).unwrap_or(StatusCode::BAD_GATEWAY);
    let mut error = OpenAiError::new(status, failure.openai_type(), exhausted.message())
        .code(
            failure
                .code
                .clone()
                .unwrap_or_else(|| failure.class_name().to_owned()),
        )
        .param(failure.param.clone())
        .class(failure.class_name())
        .hint(failure.hint().to_owned());
    if let Some(id) = failure
        .upstream_request_id
        .as_deref()
        .and_then(|id| HeaderValue::from_str(id).ok())
    {
        error = error.header(UPSTREAM_REQUEST_ID, id);
    }
    if let Some(seconds) = exhausted.retry_after() {
        error = error.header(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    error
}

pub(crate) fn shutting_down() -> OpenAiError {
    OpenAiError::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "api_error",
        "the gateway is shutting down",
    )
    .code("gateway_shutdown")
    .header(header::RETRY_AFTER, HeaderValue::from_static("5"))
}

fn respond(reply: Reply, mut record: RequestRecord) -> Response {
    record.repaired(reply.repairs);
    let mut response = Response::new(Body::empty());
    *response.status_mut() = reply.status;
    *response.headers_mut() = client_headers(reply.headers);
    *response.body_mut() = match reply.answer {
        Answer::Whole(bytes, usage) => {
            record.close("complete", usage);
            Body::from(bytes)
        }
        Answer::Stream(stream) => {
            record.streaming();
            Body::new(stream.on_end(move |end| record.close_stream(end)))
        }
    };
    response
}

/// Answers in the client's format with a chat completion.
fn respond_in(
    answering: Answering,
    reply: Reply,
    mut record: RequestRecord,
) -> Result<Response, OpenAiError> {
    record.repaired(reply.repairs);
    let mut response = Response::new(Body::empty());
    *response.headers_mut() = client_headers(reply.headers);
    let (kind, body) = match reply.answer {
        Answer::Whole(chat, usage) => match answering.whole(&chat) {
            Ok(answer) => {
                record.close("complete", usage);
                (JSON, Body::from(answer))
            }
            Err(error) => {
                record.close("untranslatable_reply", usage);
                return Err(untranslatable(&error));
            }
        },
        Answer::Stream(stream) => {
            record.streaming();
            let stream = stream.on_end(move |end| record.close_stream(end));
            (EVENT_STREAM, Body::new(answering.stream(stream)))
        }
    };
    *response.body_mut() = body;
    let kind = HeaderValue::from_static(kind);
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    Ok(response)
}

fn untranslatable(error: &Untranslatable) -> OpenAiError {
    let status = StatusCode::BAD_GATEWAY;
    OpenAiError::new(status, "server_error", error.to_string())
        .code("untranslatable_reply")
        .class("stream_error")
}

/// Returns what an answer is known by; our own id is in it, so that an answer leads to its request.
fn identity(request_id: &str, route: &Route) -> Identity {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH);
    Identity {
        seed: request_id.trim_start_matches("req-").replace('-', ""),
        model: route.model.to_string(),
        created_at_s: since_1970.map_or(0, |since| since.as_secs()),
    }
}

/// Keeps the upstream's headers but for connection matters, cookies and identity; its request id gets its own name.
fn client_headers(mut headers: HeaderMap) -> HeaderMap {
    for name in named_by_connection(&headers) {
        headers.remove(name);
    }
    for name in [
        header::ACCESS_CONTROL_ALLOW_CREDENTIALS,
        header::ACCESS_CONTROL_ALLOW_ORIGIN,
        header::CONNECTION,
        header::CONTENT_LENGTH,
        header::DATE,
        header::PROXY_AUTHENTICATE,
        header::SERVER,
        header::SET_COOKIE,
        header::TE,
        header::TRAILER,
        header::TRANSFER_ENCODING,
        header::UPGRADE,
        header::VARY,
        header::WWW_AUTHENTICATE,
    ] {
        headers.remove(name);
    }
    for name in ["keep-alive", "alt-svc", "strict-transport-security"] {
        headers.remove(name);
    }
    if let Some(id) = headers.remove(REQUEST_ID) {
        headers.insert(UPSTREAM_REQUEST_ID, id);
    }
    headers
}

/// Returns the headers that are for the upstream connection only, as its `Connection` header says.
fn named_by_connection(headers: &HeaderMap) -> Vec<HeaderName> {
    let named = headers.get_all(header::CONNECTION).into_iter();
    let names = named.filter_map(|value| value.to_str().ok());
    names
        .flat_map(|names| names.split(','))
        .filter_map(|name| HeaderName::try_from(name.trim()).ok())
        .collect()
}
