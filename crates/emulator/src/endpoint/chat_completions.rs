//! `POST /chat/completions`, streaming and not.

use http::StatusCode;
use serde_json::Value;

use super::transcription;
use crate::chat::request::ChatRequest;
use crate::chat::wire::Heading;
use crate::chat::{answer, wire};
use crate::host::Plan;
use crate::media::TranscriptionForm;
use crate::refusal::Refusal;
use crate::reply::Reply;
use crate::studio::{Exchange, Studio};

/// Answers a chat completion; `n_chunks` asks for an answer of that many pieces.
pub(crate) fn answer(
    studio: &Studio,
    exchange: &Exchange,
    n_chunks: Option<u32>,
) -> Result<Reply, Refusal> {
    if let Some(body) = transcribes(studio, exchange) {
        return transcription::chat(studio, exchange, body);
    }
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

/// Returns the body of a chat with a model that writes down speech.
fn transcribes<'a>(studio: &Studio, exchange: &'a Exchange) -> Option<&'a Value> {
    let body = exchange.json.as_ref()?;
    let model = studio
        .media_models
        .transcription(body.get("model")?.as_str()?)?;
    let is_offered = exchange.host.plan == Plan::Standard;
    (is_offered && model.form == TranscriptionForm::Chat).then_some(body)
}
