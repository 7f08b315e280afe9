//! `POST /apps/anthropic/v1/messages`, streaming and not.

use http::StatusCode;

use crate::chat::answer;
use crate::chat::request::ChatRequest;
use crate::messages::request::chat_of;
use crate::messages::wire::{self, Heading};
use crate::refusal::{Refusal, Surface};
use crate::reply::Reply;
use crate::studio::{Exchange, Studio};

/// Answers a message; `n_chunks` asks for an answer of that many pieces.
pub(crate) fn answer(
    studio: &Studio,
    exchange: &Exchange,
    n_chunks: Option<u32>,
) -> Result<Reply, Refusal> {
    let chat = chat_of(exchange.json.as_ref())?;
    let request = ChatRequest::read(Some(&chat), &studio.models, &exchange.host)
        .map_err(|refused| refused.moved_to(Surface::Anthropic))?;
    let answer = answer::compose(&request, &studio.ids, n_chunks);
    let heading = Heading {
        id: format!("msg_{}", exchange.request_id),
        model: request.model.id.clone(),
    };
    Ok(if request.stream {
        Reply::events(wire::events(&heading, answer))
    } else {
        Reply::json(StatusCode::OK, &wire::whole(&heading, &answer))
    })
}
