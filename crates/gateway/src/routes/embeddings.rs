//! `POST /v1/embeddings`: `OpenAI`'s form; batches of any size are split as the host needs it.

use axum::response::Response;
use bytes::Bytes;
use providers::media::ModelKind;
use providers::media::embedding::{EmbeddingAsk, EmbeddingRequest};

use super::media::Request;
use crate::openai_error::OpenAiError;

/// Path of this endpoint.
pub(crate) const PATH: &str = "/v1/embeddings";

/// Answers a request for vectors.
pub(crate) async fn answer(request: &Request<'_>, body: Bytes) -> Result<Response, OpenAiError> {
    let wish = EmbeddingRequest::parse(body)?;
    let chosen = request.choose(wish.model(), ModelKind::Embedding)?;
    wish.check(request.shared.upstream.catalog(), chosen.chain.first())?;
    let ask = EmbeddingAsk {
        request: &wish,
        sending: request.sending(&chosen),
    };
    request.ask_json(chosen, &ask).await
}
