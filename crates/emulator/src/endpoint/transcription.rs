//! Writes down speech: through chat, through `multimodal-generation`, and as tasks over files.
//!
//! Sounds that the emulator made hold their text, which comes back; about others it says what it saw of them.

use http::StatusCode;
use serde_json::{Value, json};

use super::images::submit;
use super::media_request::{self as shared, invalid};
use crate::chat::media::decode_data_url;
use crate::media::{TranscriptionForm, sound};
use crate::refusal::Refusal;
use crate::reply::Reply;
use crate::studio::{Exchange, Studio};

/// Largest sound inside a request, in bytes of its data URL.
const DATA_URL_BYTES_MAX: usize = 10_485_760;

/// Answers a chat with an `input_audio` part.
pub(super) fn chat(studio: &Studio, exchange: &Exchange, body: &Value) -> Result<Reply, Refusal> {
    let parts = body.get("messages").and_then(Value::as_array);
    let mut parts = parts
        .into_iter()
        .flatten()
        .filter_map(|message| message.get("content")?.as_array())
        .flatten();
    let data = parts.find_map(|part| part.pointer("/input_audio/data")?.as_str());
    let data = data.ok_or_else(|| Refusal::invalid("The content field is a required field."))?;
    let text = write_down(studio, data).map_err(Refusal::invalid)?;
    Ok(Reply::json(
        StatusCode::OK,
        &json!({
            "choices": [{
                "message": {"content": text, "role": "assistant", "annotations": [annotation()]},
                "finish_reason": "stop", "index": 0, "logprobs": null,
            }],
            "object": "chat.completion",
            "usage": {
                "prompt_tokens": 42, "completion_tokens": 12, "total_tokens": 54, "seconds": 1,
                "prompt_tokens_details": {"audio_tokens": 42, "text_tokens": 0},
                "completion_tokens_details": {"text_tokens": 12},
            },
            "created": studio.clock.now_s(),
            "system_fingerprint": null,
            "model": body.get("model"),
            "id": format!("chatcmpl-{}", exchange.request_id),
        }),
    ))
}

/// Answers `multimodal-generation`.
pub(super) fn native(studio: &Studio, exchange: &Exchange, body: &Value) -> Result<Reply, Refusal> {
    let messages = body.pointer("/input/messages").and_then(Value::as_array);
    let mut parts = messages
        .into_iter()
        .flatten()
        .filter_map(|message| message.get("content")?.as_array())
        .flatten();
    let data = parts.find_map(|part| part.get("audio")?.as_str());
    let data = data.ok_or_else(|| invalid("Field required: input.messages.content.audio"))?;
    let text = write_down(studio, data).map_err(|said| invalid(&said))?;
    Ok(Reply::json(
        StatusCode::OK,
        &json!({
            "output": {"choices": [{
                "finish_reason": "stop",
                "message": {"role": "assistant", "content": [{"text": text}], "annotations": [annotation()]},
            }]},
            "usage": {"seconds": 1, "input_tokens_details": {"text_tokens": 0}, "output_tokens_details": {"text_tokens": 12}},
            "request_id": exchange.request_id,
        }),
    ))
}

/// Takes a task over one or several files.
pub(crate) fn task(studio: &Studio, exchange: &Exchange) -> Result<Reply, Refusal> {
    shared::check_async(exchange, true)?;
    let (body, id) = shared::body(exchange)?;
    let known = studio.media_models.transcription(id);
    let input = body.get("input");
    let urls = match known.map(|model| model.form) {
        Some(TranscriptionForm::File) => input
            .and_then(|input| Some(vec![input.get("file_url")?.as_str()?]))
            .ok_or_else(|| invalid("Field required: input.file_url"))?,
        Some(TranscriptionForm::Files) => input
            .and_then(|input| input.get("file_urls")?.as_array())
            .and_then(|urls| urls.iter().map(Value::as_str).collect::<Option<Vec<_>>>())
            .filter(|urls| !urls.is_empty())
            .ok_or_else(|| invalid("Field required: input.file_urls"))?,
        Some(TranscriptionForm::Chat) | None => {
            return Err(shared::no_such_model(known.is_some()));
        }
    };
    let mut results = Vec::new();
    for url in urls {
        let is_web = ["http://", "https://", "oss://"]
            .iter()
            .any(|scheme| url.starts_with(scheme));
        if !is_web {
            return Err(invalid("the file URL must begin with http, https or oss"));
        }
        let text = write_down(studio, url).map_err(|said| invalid(&said))?;
        let name = format!("{}-{}.json", exchange.request_id, results.len());
        let bytes = transcript(url, &text).to_string().into_bytes();
        let link = shared::keep(studio, exchange, &name, "application/json", bytes);
        results.push(
            json!({"file_url": url, "transcription_url": link, "subtask_status": "SUCCEEDED"}),
        );
    }
    let is_one = known.is_some_and(|model| model.form == TranscriptionForm::File);
    let output = match results.first() {
        Some(only) if is_one => {
            json!({"result": {"transcription_url": only.get("transcription_url")}})
        }
        _ => {
            let total = results.len();
            json!({"results": results, "task_metrics": {"TOTAL": total, "SUCCEEDED": total, "FAILED": 0}})
        }
    };
    Ok(submit(
        studio,
        exchange,
        (id, ""),
        output,
        json!({"seconds": 1}),
    ))
}

fn annotation() -> Value {
    json!({"type": "audio_info", "language": "en", "emotion": "neutral"})
}

fn transcript(url: &str, text: &str) -> Value {
    let length_ms = sound::length_ms(text);
    let sentence = json!({"begin_time": 0, "end_time": length_ms, "text": text, "sentence_id": 1});
    json!({
        "file_url": url,
        "properties": {
            "audio_format": "pcm_s16le", "channels": [0], "original_sampling_rate": 24000,
            "original_duration_in_milliseconds": length_ms,
        },
        "transcripts": [{
            "channel_id": 0, "content_duration_in_milliseconds": length_ms,
            "text": text, "sentences": [sentence],
        }],
    })
}

/// Returns what is said in a sound; only data URLs and the emulator's own links are opened.
fn write_down(studio: &Studio, url: &str) -> Result<String, String> {
    if url.starts_with("data:") {
        if url.len() > DATA_URL_BYTES_MAX {
            return Err(format!(
                "Exceeded limit on max bytes per data-uri item : {DATA_URL_BYTES_MAX}"
            ));
        }
        let bytes = decode_data_url(url).ok_or("The audio is empty or cannot be decoded.")?;
        let text = sound::text_in(&bytes);
        return Ok(text.unwrap_or_else(|| format!("emulated transcript of {} bytes", bytes.len())));
    }
    let path = url.split('?').next().unwrap_or_default();
    let kept = path.find("/7d/").and_then(|at| path.get(at + 1..));
    let kept = kept.and_then(|key| studio.storage.kept(key));
    let text = kept.and_then(|(_, bytes)| sound::text_in(&bytes));
    Ok(text.unwrap_or_else(|| format!("emulated transcript of {path}")))
}
