//! `GET /v1/models`: every model a request can name.

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use providers::Directory;
use serde_json::{Value, json};

use crate::auth::Caller;
use crate::openai_error::OpenAiError;
use crate::state::Shared;

/// Returns the model list.
pub(crate) async fn models(State(shared): State<Shared>, _caller: Caller) -> Response {
    json_response(shared.model_list.clone())
}

/// Returns one model.
///
/// # Errors
/// 404 with the nearest names when it is not in the list.
pub(crate) async fn model(
    State(shared): State<Shared>,
    _caller: Caller,
    path: Result<Path<String>, PathRejection>,
) -> Result<Response, OpenAiError> {
    // A path that is not UTF-8 once decoded names nothing.
    let id = path.map(|Path(id)| id).unwrap_or_default();
    let rows = rows(&shared.directory);
    let found = rows
        .into_iter()
        .find(|row| row.get("id").and_then(Value::as_str) == Some(&id));
    found
        .map(|row| json_response(Bytes::from(row.to_string())))
        .ok_or_else(|| {
            let nearest = shared.directory.nearest(&id);
            OpenAiError::new(
                StatusCode::NOT_FOUND,
                "invalid_request_error",
                format!("the model `{id}` does not exist"),
            )
            .code("model_not_found")
            .param(Some("model"))
            .hint(providers::directory::did_you_mean(&nearest))
        })
}

fn json_response(body: Bytes) -> Response {
    let mut response = Body::from(body).into_response();
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    response
}

/// Makes the body of the list.
pub(crate) fn list(directory: &Directory) -> Bytes {
    Bytes::from(json!({"object": "list", "data": rows(directory)}).to_string())
}

fn rows(directory: &Directory) -> Vec<Value> {
    let agents = directory
        .agent_models()
        .map(|id| json!({"id": id, "object": "model", "created": 0, "owned_by": "openclaw"}));
    let models = directory.usable_models().map(|model| {
        json!({
            "id": model.reference,
            "object": "model",
            "created": 0,
            "owned_by": model.provider,
            "context_window": model.context_window,
            "max_output_tokens": model.max_output_tokens,
            "input": model.input,
        })
    });
    agents.chain(models).collect()
}
