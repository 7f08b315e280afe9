//! The error shape every OpenAI client understands, made in one place.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, header};
use serde::Serialize;

/// An answer with an OpenAI error body. What a client reads here was written for it: upstream bodies, paths and
/// tokens stay in the log.
#[derive(Debug)]
pub(crate) struct OpenAiError {
    status: StatusCode,
    body: Box<ErrorBody>,
    headers: Box<HeaderMap>,
}

/// The `error` object. `class` and `hint` are ours; clients that do not know them ignore them.
#[derive(Debug, Serialize)]
struct ErrorBody {
    message: String,
    #[serde(rename = "type")]
    kind: &'static str,
    param: Option<String>,
    code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    class: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

impl OpenAiError {
    /// Creates an error with a message and an OpenAI error type.
    pub(crate) fn new(status: StatusCode, kind: &'static str, message: impl Into<String>) -> Self {
        let body = ErrorBody {
            message: message.into(),
            kind,
            param: None,
            code: None,
            class: None,
            hint: None,
        };
        Self {
            status,
            body: Box::new(body),
            headers: Box::default(),
        }
    }

    /// 401: the caller did not prove who it is.
    pub(crate) fn unauthorized(message: &str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "authentication_error", message).code("invalid_gateway_token").hint(
            "the token is `gateway.auth.token` in openclaw.json; `openclaw status` shows which one the gateway uses",
        )
    }

    /// 403: a request a foreign web page could have made.
    pub(crate) fn forbidden(message: &str) -> Self {
        Self::new(StatusCode::FORBIDDEN, "permission_error", message).code("forbidden_origin")
    }

    /// 400: the request itself is at fault.
    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_request_error", message)
    }

    /// 413: the body is over the limit.
    pub(crate) fn too_large(limit_bytes: usize) -> Self {
        let limit = limit_bytes / (1024 * 1024);
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "invalid_request_error",
            format!("the body is over the limit of {limit} MiB"),
        )
        .code("request_too_large")
    }

    /// 404 for a path that does not exist.
    pub(crate) fn no_such_route(method: &http::Method, path: &str) -> Self {
        let path: String = path.chars().take(120).collect();
        Self::new(
            StatusCode::NOT_FOUND,
            "invalid_request_error",
            format!("there is no {method} {path}"),
        )
        .code("not_found")
    }

    /// Sets the machine-readable code.
    #[must_use]
    pub(crate) fn code(mut self, code: impl Into<String>) -> Self {
        self.body.code = Some(code.into());
        self
    }

    /// Sets the request member at fault.
    #[must_use]
    pub(crate) fn param(mut self, param: Option<impl Into<String>>) -> Self {
        self.body.param = param.map(Into::into);
        self
    }

    /// Sets our failure class.
    #[must_use]
    pub(crate) fn class(mut self, class: impl Into<String>) -> Self {
        self.body.class = Some(class.into());
        self
    }

    /// Sets what to do next.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.body.hint = Some(hint.into());
        self
    }

    /// Adds a response header.
    #[must_use]
    pub(crate) fn header(mut self, name: http::HeaderName, value: http::HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }
}

impl OpenAiError {
    /// Takes it apart, for formats that say errors in another shape.
    pub(crate) fn into_parts(self) -> (StatusCode, HeaderMap, serde_json::Value) {
        let body = serde_json::to_value(&self.body).unwrap_or_default();
        (self.status, *self.headers, body)
    }
}

impl IntoResponse for OpenAiError {
    fn into_response(self) -> Response {
        let body = serde_json::json!({"error": self.body}).to_string();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.status;
        *response.headers_mut() = *self.headers;
        response.headers_mut().insert(
            header::CONTENT_TYPE,
            http::HeaderValue::from_static("application/json"),
        );
        response
    }
}
