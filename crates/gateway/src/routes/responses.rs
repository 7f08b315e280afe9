//! `POST /v1/responses`: OpenAI Responses. Nothing is kept here, so an answer cannot be asked for again by its id.

use axum::response::{IntoResponse, Response};
use providers::formats::Format;

use super::completion::{self, Asked};
use crate::state::Shared;

/// Path of this endpoint.
pub(crate) const PATH: &str = "/v1/responses";

/// Answers a Responses request, streaming or not.
pub(crate) async fn responses(shared: &Shared, asked: Asked<'_>) -> Response {
    completion::answer(shared, Format::Responses, asked)
        .await
        .unwrap_or_else(IntoResponse::into_response)
}
