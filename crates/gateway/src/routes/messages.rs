//! `POST /v1/messages` and `/v1/messages/count_tokens`: Anthropic Messages.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue};
use providers::formats::Format;
use providers::formats::messages::count;
use serde_json::{Value, json};

use super::completion::{self, Asked};
use crate::anthropic_error;
use crate::openai_error::OpenAiError;
use crate::state::Shared;

/// Path of the answers.
pub(crate) const PATH: &str = "/v1/messages";
/// Path of the token counts.
pub(crate) const COUNT_PATH: &str = "/v1/messages/count_tokens";

/// Name under which clients of this format look for our request id.
const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");
/// Says that the count was not made by the model's tokenizer.
const ESTIMATE: HeaderName = HeaderName::from_static("x-openclaw-estimate");

/// Answers a Messages request, streaming or not.
pub(crate) async fn messages(shared: &Shared, asked: Asked<'_>) -> Response {
    let request_id = asked.request_id;
    let answered = completion::answer(shared, Format::Messages, asked).await;
    in_format(answered, request_id)
}

/// Estimates the tokens of a Messages request.
pub(crate) async fn count_tokens(shared: &Shared, asked: Asked<'_>) -> Response {
    let request_id = asked.request_id;
    let counted = estimate(shared, asked).await;
    in_format(counted, request_id)
}

async fn estimate(shared: &Shared, asked: Asked<'_>) -> Result<Response, OpenAiError> {
    let (_caller, body) = completion::authorized_body(shared, asked.headers, asked.body).await?;
    let request: Value = serde_json::from_slice(&body)
        .map_err(|error| OpenAiError::bad_request(format!("the body is not JSON: {error}")))?;
    if !request.get("messages").is_some_and(Value::is_array) {
        let error = OpenAiError::bad_request("`messages` must be a list");
        return Err(error.param(Some("messages")));
    }
    let model = request.get("model").and_then(Value::as_str);
    completion::chain(shared, asked.headers, model)?;
    let tokens = count::estimate(&request);
    let mut response = Json(json!({"input_tokens": tokens, "estimated": true})).into_response();
    let headers = response.headers_mut();
    headers.insert(ESTIMATE, HeaderValue::from_static("true"));
    Ok(response)
}

fn in_format(answered: Result<Response, OpenAiError>, request_id: &str) -> Response {
    let mut response =
        answered.unwrap_or_else(|error| anthropic_error::response(error, request_id));
    if let Ok(id) = HeaderValue::from_str(request_id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}
