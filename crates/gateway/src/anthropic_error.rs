//! Errors in the shape that Anthropic clients understand.

use axum::body::Body;
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use serde_json::{Map, Value, json};

use crate::openai_error::OpenAiError;

/// Returns an error as a response of the Messages format. `param`, `code`, `class` and `hint` are ours; clients that do
/// not know them ignore them.
pub(crate) fn response(error: OpenAiError, request_id: &str) -> Response {
    let (status, headers, body) = error.into_parts();
    let mut members = Map::new();
    members.insert("type".to_owned(), kind(status).into());
    if let Value::Object(all) = body {
        let ours = all
            .into_iter()
            .filter(|(key, value)| key != "type" && !value.is_null());
        members.extend(ours);
    }
    let body = json!({"type": "error", "error": members, "request_id": request_id});
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

/// Returns the `error.type` of a status.
fn kind(status: StatusCode) -> &'static str {
    match status {
        StatusCode::UNAUTHORIZED => "authentication_error",
        StatusCode::PAYMENT_REQUIRED => "billing_error",
        StatusCode::FORBIDDEN => "permission_error",
        StatusCode::NOT_FOUND => "not_found_error",
        StatusCode::PAYLOAD_TOO_LARGE => "request_too_large",
        StatusCode::TOO_MANY_REQUESTS => "rate_limit_error",
        StatusCode::SERVICE_UNAVAILABLE => "overloaded_error",
        StatusCode::REQUEST_TIMEOUT | StatusCode::GATEWAY_TIMEOUT => "timeout_error",
        status if status.is_client_error() => "invalid_request_error",
        _ => "api_error",
    }
}
