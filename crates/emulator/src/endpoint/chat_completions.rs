//! `POST /chat/completions`, streaming and not.

use http::StatusCode;

use crate::chat::request::ChatRequest;
use crate::chat::wire::Heading;
use crate::chat::{answer, wire};
use crate::refusal::Refusal;
use crate::reply::Reply;
use crate::studio::{Exchange, Studio};

/// Answers a chat completion; `n_chunks` asks for an answer of that many pieces.
pub(crate) fn answer(
    studio: &Studio,
    exchange: &Exchange,
    n_chunks: Option<u32>,
) -> Result<Reply, Refusal> {
    let request = ChatRequest::read(exchange.json.as_ref(), &studio.models, &exchange.host)?;
    let answer = answer::compose(&request, &studio.ids, n_chunks);
    let heading = Heading {
        id: format!("chatcmpl-{}", exchange.request_id),
        model: request.model.id.clone(),
        created: studio.clock.now_s(),
    };
    if request.stream {
        Ok(Reply::events(wire::events(&request, heading, answer)))
    } else {
        Ok(Reply::json(
            StatusCode::OK,
            &wire::whole(&request, &heading, &answer),
        ))
    }
}
