//! `POST /v1/chat/completions`.

use axum::response::{IntoResponse, Response};
use providers::formats::Format;

use super::completion::{self, Asked};
use crate::state::Shared;

/// Path of this endpoint.
pub(crate) const PATH: &str = "/v1/chat/completions";

/// Answers a chat completion, streaming or not.
pub(crate) async fn chat_completions(shared: &Shared, asked: Asked<'_>) -> Response {
    completion::answer(shared, Format::Chat, asked)
        .await
        .unwrap_or_else(IntoResponse::into_response)
}
