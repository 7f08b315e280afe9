//! `POST /api/v1/services/aigc/multimodal-generation/generation`: one path for images, speech and speech recognition.

use super::media_request as shared;
use super::{images, speech, transcription};
use crate::media::TranscriptionForm;
use crate::refusal::Refusal;
use crate::reply::Reply;
use crate::studio::{Exchange, Studio};

/// Lets the kind of the model answer.
pub(crate) fn answer(studio: &Studio, exchange: &Exchange) -> Result<Reply, Refusal> {
    let (body, id) = shared::body(exchange)?;
    let models = &studio.media_models;
    if let Some(model) = models.image(id) {
        return images::at_once(studio, exchange, model, body);
    }
    if let Some(model) = models.speech(id) {
        return speech::qwen(studio, exchange, model, body);
    }
    let known = models.transcription(id);
    if known.is_some_and(|model| model.form == TranscriptionForm::Chat) {
        return transcription::native(studio, exchange, body);
    }
    let elsewhere = known.is_some() || studio.models.find(exchange.host.plan, id).is_some();
    Err(shared::no_such_model(elsewhere))
}
