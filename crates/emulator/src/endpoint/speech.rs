//! Speech: `multimodal-generation` for Qwen's voices, `SpeechSynthesizer` for `CosyVoice`'s.

use http::StatusCode;
use serde_json::{Value, json};

use super::media_request::{self as shared, invalid};
use crate::media::{SpeechForm, SpeechModel, sound};
use crate::refusal::Refusal;
use crate::reply::Reply;
use crate::studio::{Exchange, Studio};

/// How long a link to a sound lives, in seconds.
const LINK_TTL_S: u64 = 24 * 60 * 60;

/// Answers `SpeechSynthesizer`.
pub(crate) fn cosyvoice(studio: &Studio, exchange: &Exchange) -> Result<Reply, Refusal> {
    let (body, id) = shared::body(exchange)?;
    let known = studio.media_models.speech(id);
    let model = known.filter(|model| model.form == SpeechForm::Cosyvoice);
    let model = model.ok_or_else(|| shared::no_such_model(known.is_some()))?;
    let format = body.pointer("/input/format").and_then(Value::as_str);
    speak(studio, exchange, (model, body), format.unwrap_or("mp3"))
}

/// Answers `multimodal-generation`; the model was found already.
pub(super) fn qwen(
    studio: &Studio,
    exchange: &Exchange,
    model: &SpeechModel,
    body: &Value,
) -> Result<Reply, Refusal> {
    if model.form != SpeechForm::Qwen {
        return Err(shared::no_such_model(true));
    }
    speak(studio, exchange, (model, body), "wav")
}

fn speak(
    studio: &Studio,
    exchange: &Exchange,
    (model, body): (&SpeechModel, &Value),
    format: &str,
) -> Result<Reply, Refusal> {
    shared::check_async(exchange, false)?;
    let field = |name: &str| body.get("input")?.get(name)?.as_str();
    let text = field("text").filter(|text| !text.trim().is_empty());
    let text = text.ok_or_else(|| invalid("Field required: input.text"))?;
    let most = model.chars_max;
    if text.chars().count() > most {
        let message = format!("Range of input length should be [0, {most}]");
        return Err(invalid(&message));
    }
    let voice = field("voice").ok_or_else(|| invalid("Field required: input.voice"))?;
    if !model.voices.iter().any(|known| known == voice) {
        return Err(invalid(&format!("Voice '{voice}' is not supported.")));
    }
    let (kind, bytes) = match format {
        "wav" => ("audio/wav", sound::wav(text)),
        "pcm" => ("audio/pcm", sound::pcm(text)),
        "mp3" => ("audio/mpeg", sound::mp3(text)),
        _ => return Err(invalid("the emulator makes wav, pcm and mp3")),
    };
    let name = format!("{}.{format}", exchange.request_id);
    let url = shared::keep(studio, exchange, &name, kind, bytes);
    Ok(Reply::json(
        StatusCode::OK,
        &json!({
            "output": {
                "finish_reason": "stop",
                "audio": {
                    "data": "",
                    "url": url,
                    "id": format!("audio_{}", exchange.request_id),
                    "expires_at": studio.clock.now_s() + LINK_TTL_S,
                },
            },
            "usage": {"characters": text.chars().count()},
            "request_id": exchange.request_id,
        }),
    ))
}
