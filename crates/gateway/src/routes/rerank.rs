//! `POST /v1/rerank`: the form that Jina's and Cohere's clients send.

use axum::response::Response;
use providers::media::ModelKind;
use providers::media::rerank::{RerankAsk, RerankRequest};

use super::media::Request;
use crate::openai_error::OpenAiError;

/// Path of this endpoint.
pub(crate) const PATH: &str = "/v1/rerank";

/// Answers a request to order documents.
pub(crate) async fn answer(request: &Request<'_>, body: &[u8]) -> Result<Response, OpenAiError> {
    let wish = RerankRequest::parse(body)?;
    let chosen = request.choose(wish.model.as_deref(), ModelKind::Rerank)?;
    wish.check(request.shared.upstream.catalog(), chosen.chain.first())?;
    let ask = RerankAsk {
        request: &wish,
        sending: request.sending(&chosen),
    };
    request.ask_json(chosen, &ask).await
}
