//! `POST /v1/audio/speech` and `/v1/audio/transcriptions`: `OpenAI`'s forms.

use axum::response::Response;
use bytes::Bytes;
use providers::media::ModelKind;
use providers::media::speech::{SpeechAsk, SpeechRequest};
use providers::media::transcription::{
    Sentence, Sound, Transcript, TranscriptionAsk, TranscriptionRequest,
};
use providers::media_fetch::Medium;
use providers::media_type::{MediaKind, MediaType};
use providers::{Answered, Usage};
use serde_json::{Value, json};

use super::media::{Request, whole};
use crate::multipart::Form;
use crate::openai_error::OpenAiError;

/// Path of text to speech.
pub(crate) const SPEECH: &str = "/v1/audio/speech";
/// Path of speech to text.
pub(crate) const TRANSCRIPTIONS: &str = "/v1/audio/transcriptions";

/// Answers a request for speech.
pub(crate) async fn speech(request: &Request<'_>, body: &[u8]) -> Result<Response, OpenAiError> {
    let wish = SpeechRequest::parse(body)?;
    let chosen = request.choose(wish.model.as_deref(), ModelKind::Speech)?;
    wish.check(request.shared.upstream.catalog(), chosen.chain.first())?;
    let ask = SpeechAsk {
        request: &wish,
        sending: request.sending(&chosen),
    };
    let (answered, mut record) = request.ask(chosen, &ask).await?;
    let Answered { route, reply, .. } = answered;
    record.answered(200, reply.upstream_request_id.as_deref());
    record.close("complete", Some(Usage::default()));
    Ok(whole(&route, reply.mime(), reply.bytes))
}

/// Answers a request for a transcript.
pub(crate) async fn transcriptions(
    request: &Request<'_>,
    body: &Bytes,
) -> Result<Response, OpenAiError> {
    let form = Form::read(request.headers, body)?;
    let format = form.text("response_format").unwrap_or_default();
    if !["", "json", "text", "verbose_json", "srt", "vtt"].contains(&format.as_str()) {
        let message = "`response_format` must be json, text, verbose_json, srt or vtt";
        return Err(OpenAiError::bad_request(message).param(Some("response_format")));
    }
    let wish = TranscriptionRequest {
        model: form.text("model"),
        sound: sound(&form)?,
        language: form.text("language"),
    };
    let chosen = request.choose(wish.model.as_deref(), ModelKind::Transcription)?;
    wish.check(request.shared.upstream.catalog(), chosen.chain.first())?;
    let ask = TranscriptionAsk {
        request: &wish,
        sending: request.sending(&chosen),
    };
    let (answered, mut record) = request.ask(chosen, &ask).await?;
    let Answered { route, reply, .. } = answered;
    record.answered(200, reply.upstream_request_id.as_deref());
    record.close("complete", Some(Usage::default()));
    let (kind, body) = match format.as_str() {
        "text" => ("text/plain; charset=utf-8", format!("{}\n", reply.text)),
        "srt" => ("text/plain; charset=utf-8", reply.srt()),
        "vtt" => ("text/vtt; charset=utf-8", reply.vtt()),
        "verbose_json" => ("application/json", verbose(&reply).to_string()),
        _ => ("application/json", json!({"text": reply.text}).to_string()),
    };
    Ok(whole(&route, kind, body.into()))
}

/// Returns the sound of a form: its file, or a web URL in the field `url`.
fn sound(form: &Form) -> Result<Sound, OpenAiError> {
    if let Some(url) = form.text("url") {
        let is_web = url.starts_with("https://") || url.starts_with("http://");
        let wrong = || OpenAiError::bad_request("`url` must be a web URL").param(Some("url"));
        return if is_web {
            Ok(Sound::Url(url))
        } else {
            Err(wrong())
        };
    }
    let missing = || OpenAiError::bad_request("you must provide a `file`").param(Some("file"));
    let bytes = form.file("file").ok_or_else(missing)?;
    let kind = MediaType::sniff(&bytes);
    let Some(kind) = kind.filter(|kind| matches!(kind.kind, MediaKind::Audio | MediaKind::Video))
    else {
        let message = "`file` is not a sound of a known format";
        return Err(OpenAiError::bad_request(message).param(Some("file")));
    };
    Ok(Sound::File(Medium { kind, bytes }))
}

fn verbose(transcript: &Transcript) -> Value {
    let seconds = |ms: u64| f64::from(u32::try_from(ms).unwrap_or(u32::MAX)) / 1000.0;
    let segment = |(id, sentence): (usize, &Sentence)| {
        json!({
            "id": id, "start": seconds(sentence.begin_ms), "end": seconds(sentence.end_ms),
            "text": sentence.text, "seek": 0, "tokens": [], "temperature": 0.0, "avg_logprob": 0.0,
            "compression_ratio": 0.0, "no_speech_prob": 0.0,
        })
    };
    let segments = transcript.sentences.iter().enumerate().map(segment);
    json!({
        "task": "transcribe",
        "language": transcript.language.as_deref().unwrap_or("unknown"),
        "duration": transcript.seconds.unwrap_or_default(),
        "text": transcript.text,
        "segments": segments.collect::<Vec<Value>>(),
    })
}
