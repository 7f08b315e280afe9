//! `POST /compatible-mode/v1/responses`, streaming and not.

use http::StatusCode;
use serde_json::{Value, json};

use crate::chat::answer::{self, Saying};
use crate::chat::request::ChatRequest;
use crate::refusal::{Refusal, Surface};
use crate::reply::Reply;
use crate::responses::request::Asked;
use crate::responses::wire::{self, Heading};
use crate::studio::{Exchange, Studio};

/// Answers with a response; `n_chunks` asks for an answer of that many pieces.
pub(crate) fn answer(
    studio: &Studio,
    exchange: &Exchange,
    n_chunks: Option<u32>,
) -> Result<Reply, Refusal> {
    let asked = Asked::read(exchange.json.as_ref(), &studio.responses)?;
    let request = ChatRequest::read(Some(&asked.chat), &studio.models, &exchange.host)
        .map_err(|refused| refused.moved_to(Surface::Responses))?;
    let answer = answer::compose(&request, &studio.ids, n_chunks);
    let heading = Heading {
        id: exchange.request_id.clone(),
        model: request.model.id.clone(),
        created: studio.clock.now_s(),
        tools: asked.tools,
        searched: asked.searches,
    };
    if let (true, Saying::Text(pieces)) = (asked.stored, &answer.saying) {
        let messages = asked.chat.get("messages").and_then(Value::as_array);
        let mut messages = messages.cloned().unwrap_or_default();
        messages.push(json!({"role": "assistant", "content": pieces.concat()}));
        studio.responses.keep(&heading.id, messages);
    }
    Ok(if request.stream {
        Reply::events(wire::events(&heading, &answer))
    } else {
        Reply::json(StatusCode::OK, &wire::whole(&heading, &answer))
    })
}
