//! `POST /chat/completions`, streaming and not.

use bytes::Bytes;
use http::StatusCode;
use serde_json::Value;

use super::transcription;
use crate::chat::quirk::{Quirk, Quirks};
use crate::chat::request::ChatRequest;
use crate::chat::wire::Heading;
use crate::chat::{answer, wire};
use crate::host::Plan;
use crate::media::TranscriptionForm;
use crate::refusal::Refusal;
use crate::reply::{Events, Reply, event};
use crate::script::Rule;
use crate::studio::{Exchange, Studio};

/// Answers a chat completion, in the way and with the number of pieces that a rule asks for.
pub(crate) fn answer(
    studio: &Studio,
    exchange: &Exchange,
    rule: Option<&Rule>,
) -> Result<Reply, Refusal> {
    if let Some(body) = transcribes(studio, exchange) {
        return transcription::chat(studio, exchange, body);
    }
    let mut quirks = Quirks::new(rule.map(|rule| rule.quirks.as_slice()).unwrap_or_default());
    let mut request = ChatRequest::read(exchange.json.as_ref(), &studio.models, &exchange.host)?;
    if quirks.has(Quirk::StreamOnly) && !request.stream {
        return Err(Refusal::stream_only());
    }
    request.include_usage |= !request.stream;
    let answer = answer::compose(&request, &studio.ids, rule.and_then(|rule| rule.chunks));
    let heading = Heading {
        id: format!("chatcmpl-{}", exchange.request_id),
        model: request.model.id.clone(),
        created: studio.clock.now_s(),
    };
    let other = if request.stream {
        Quirk::WholeForStream
    } else {
        Quirk::StreamForWhole
    };
    if request.stream == quirks.has(other) {
        let whole = wire::whole(&request, &heading, &answer);
        return Ok(Reply::json(StatusCode::OK, &quirks.whole(whole)));
    }
    let is_plain = quirks.has(Quirk::PlainContentType);
    let mut reply = Reply::events(changed(wire::events(&request, heading, answer), quirks));
    if is_plain {
        reply.headers = vec![("content-type".to_owned(), "text/plain".to_owned())];
    }
    Ok(reply)
}

/// Lets the quirks change each event that holds a chunk.
fn changed(events: Events, mut quirks: Quirks) -> Events {
    if quirks.is_empty() {
        return events;
    }
    Box::new(events.flat_map(move |written| {
        let payload = written.strip_prefix(b"data: ").unwrap_or_default();
        match serde_json::from_slice::<Value>(payload) {
            Ok(chunk) => {
                let chunks = quirks.chunk(chunk).into_iter();
                chunks.map(|chunk| event(&chunk.to_string())).collect()
            }
            Err(_) => vec![written] as Vec<Bytes>,
        }
    }))
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
