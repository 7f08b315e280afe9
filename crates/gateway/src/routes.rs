//! The routes, one file per endpoint.

use axum::Router;
use axum::extract::Request;
use axum::response::IntoResponse;
use axum::routing::{get, post};

use crate::openai_error::OpenAiError;
use crate::state::Shared;

pub(crate) mod audio;
pub(crate) mod chat_completions;
pub(crate) mod completion;
pub(crate) mod embeddings;
pub(crate) mod health;
pub(crate) mod images;
pub(crate) mod media;
pub(crate) mod messages;
pub(crate) mod models;
pub(crate) mod rerank;
pub(crate) mod responses;
pub(crate) mod status;
pub(crate) mod videos;

/// Builds the router. Everything but the liveness probes takes a verified caller.
pub(crate) fn router(shared: Shared) -> Router {
    Router::new()
        .route("/health", get(health::live))
        .route("/healthz", get(health::live))
        .route("/ready", get(health::ready))
        .route("/readyz", get(health::ready))
        .route("/v1/models", get(models::models))
        .route("/v1/models/{*id}", get(models::model))
        // `POST` is taken before the router; the route makes every other method a 405.
        .route(chat_completions::PATH, post(method_not_allowed))
        .route(responses::PATH, post(method_not_allowed))
        .route(messages::PATH, post(method_not_allowed))
        .route(messages::COUNT_PATH, post(method_not_allowed))
        .route(embeddings::PATH, post(method_not_allowed))
        .route(images::GENERATIONS, post(method_not_allowed))
        .route(images::EDITS, post(method_not_allowed))
        .route(audio::SPEECH, post(method_not_allowed))
        .route(audio::TRANSCRIPTIONS, post(method_not_allowed))
        .route(rerank::PATH, post(method_not_allowed))
        .route(videos::PATH, get(videos::list))
        .route("/v1/videos/{id}", get(videos::get).delete(videos::delete))
        .route("/v1/videos/{id}/content", get(videos::content))
        .route("/openclaw/status", get(status::status))
        .fallback(no_such_route)
        .method_not_allowed_fallback(method_not_allowed)
        .with_state(shared)
}

async fn no_such_route(request: Request) -> impl IntoResponse {
    OpenAiError::no_such_route(request.method(), request.uri().path())
}

async fn method_not_allowed(request: Request) -> impl IntoResponse {
    let message = format!(
        "{} does not accept {}",
        request.uri().path(),
        request.method()
    );
    OpenAiError::new(
        http::StatusCode::METHOD_NOT_ALLOWED,
        "invalid_request_error",
        message,
    )
    .code("method_not_allowed")
}
