//! `POST /v1/chat/completions`: the main road. Bytes in, a few splices, bytes out.
//!
//! Steps: verify the caller, read the body within limits, look at its top level, find the route, send the patched
//! bytes, look at the first event, commit, forward. Everything before the commit is a typed failure with a status.

use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use providers::attempt::Answer;
use providers::chat_request::{ChatRequest, REQUEST_BYTES_MAX, RequestError};
use providers::chat_stream::Ended;
use providers::directory::RouteError;
use providers::{Answered, ChatAsk, Deadline, Failure, Reply};

use crate::openai_error::OpenAiError;
use crate::request_log::RequestRecord;
use crate::state::Shared;

/// Path of this endpoint.
pub(crate) const PATH: &str = "/v1/chat/completions";
/// Longest time for a client to send its body.
pub(crate) const REQUEST_BODY_MAX_WAIT: Duration = Duration::from_mins(1);

/// Header with which a caller overrides the model of the body.
const MODEL_OVERRIDE: &str = "x-openclaw-model";
/// Name under which the upstream sends its request id, and we ours.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The upstream's request id, to quote to its support.
const UPSTREAM_REQUEST_ID: HeaderName = HeaderName::from_static("x-upstream-request-id");
/// The `provider/model` that answered.
const ROUTED_MODEL: HeaderName = HeaderName::from_static("x-openclaw-routed-model");

/// Answers a chat completion, streaming or not.
pub(crate) async fn chat_completions(
    shared: &Shared,
    request_id: &str,
    headers: &HeaderMap,
    body: &mut Incoming,
) -> Response {
    answer(shared, request_id, headers, body)
        .await
        .unwrap_or_else(IntoResponse::into_response)
}

async fn answer(
    shared: &Shared,
    request_id: &str,
    headers: &HeaderMap,
    body: &mut Incoming,
) -> Result<Response, OpenAiError> {
    let caller = shared.auth.verify(headers)?;
    if shared.draining.is_cancelled() {
        return Err(shutting_down());
    }
    let reading = std::pin::pin!(read_body(headers, body));
    let body = shared.until_stopped(reading).await;
    let chat =
        ChatRequest::parse(body.ok_or_else(shutting_down)??).map_err(|error| malformed(&error))?;
    let requested = requested_model(headers, &chat)?;
    let chain = shared
        .directory
        .chain(&requested)
        .map_err(|error| unroutable(&error))?;
    let mut record = RequestRecord::open(shared, request_id, caller, requested, chain.first());
    let ask = ChatAsk {
        request: &chat,
        headers,
        deadline: Deadline::after(chain.first().timeout),
        stop: &shared.stop_streams,
    };
    // Pinned here, since a future that is handed on by value is stored twice.
    let attempt = std::pin::pin!(
        shared
            .upstream
            .attempt_chain(&chain, &ask, &shared.stop_streams)
    );
    let Answered { route, reply } = match shared.until_stopped(attempt).await {
        Some(Ok(answered)) => answered,
        None => {
            record.close(Ended::Stopped.as_str(), None);
            return Err(shutting_down());
        }
        Some(Err(exhausted)) => {
            let Some(failure) = exhausted.decisive() else {
                return Err(shutting_down());
            };
            record.answered(
                failure.status.unwrap_or_default(),
                failure.upstream_request_id.as_deref(),
            );
            record.close(failure.class_name(), None);
            return Err(failed(failure, exhausted.message()));
        }
    };
    record.answered_by(&route);
    record.answered(reply.status.as_u16(), reply.upstream_request_id());
    let mut response = respond(reply, record);
    if let Ok(value) = HeaderValue::try_from(route.reference()) {
        response.headers_mut().insert(ROUTED_MODEL, value);
    }
    Ok(response)
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

fn requested_model(headers: &HeaderMap, chat: &ChatRequest) -> Result<String, OpenAiError> {
    let by_header = headers
        .get(MODEL_OVERRIDE)
        .and_then(|value| value.to_str().ok())
        .map(str::trim);
    let model = by_header
        .filter(|model| !model.is_empty())
        .or(chat.model())
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

fn unroutable(error: &RouteError) -> OpenAiError {
    let status = if error.is_unknown_name() {
        StatusCode::NOT_FOUND
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let kind = if status == StatusCode::NOT_FOUND {
        "invalid_request_error"
    } else {
        "api_error"
    };
    tracing::warn!(reason = %error, "no route");
    OpenAiError::new(status, kind, error.to_string())
        .param(Some("model"))
        .code(error.code())
        .hint(error.hint())
}

/// Turns a failure before the commit into the answer for the client.
fn failed(failure: &Failure, message: String) -> OpenAiError {
    let status = StatusCode::from_u16(failure.client_status()).unwrap_or(StatusCode::BAD_GATEWAY);
    let mut error = OpenAiError::new(status, failure.openai_type(), message)
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
    if let Some(seconds) = failure.retry_after {
        error = error.header(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    error
}

fn shutting_down() -> OpenAiError {
    OpenAiError::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "api_error",
        "the gateway is shutting down",
    )
    .code("gateway_shutdown")
    .header(header::RETRY_AFTER, HeaderValue::from_static("5"))
}

fn respond(reply: Reply, mut record: RequestRecord) -> Response {
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
            Body::new(stream.on_end(move |end| record.close(end.ended.as_str(), end.usage)))
        }
    };
    response
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
