//! Transcription: a sound inside the request or behind a URL, in the form that the model needs.

use std::fmt::Write;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use catalog::{Catalog, MediaModel, MediaShape};
use serde_json::{Value, json};

use super::{BadRequest, Place, Sending, secured};
use crate::attempt::Upstream;
use crate::directory::Route;
use crate::failover::Ask;
use crate::failure::Failure;
use crate::json_call::JsonReply;
use crate::media_fetch::{Medium, Wanted};
use crate::media_type::MediaKind;

/// Largest transcript that is fetched, in bytes.
const TRANSCRIPT_BYTES_MAX: u64 = 32 * 1024 * 1024;

/// Where a sound is.
#[derive(Debug, Clone)]
pub enum Sound {
    /// Here.
    File(Medium),
    /// On the web.
    Url(String),
}

/// A wish for a transcript.
#[derive(Debug, Clone)]
pub struct TranscriptionRequest {
    /// The model the client asked for.
    pub model: Option<String>,
    /// What to write down.
    pub sound: Sound,
    /// Language that is spoken, when the model should not guess it.
    pub language: Option<String>,
}

/// Asks for a transcript.
#[derive(Clone, Copy)]
pub struct TranscriptionAsk<'a> {
    /// What to ask.
    pub request: &'a TranscriptionRequest,
    /// How it is sent.
    pub sending: Sending<'a>,
}

/// What was said.
#[derive(Debug, Clone, PartialEq)]
pub struct Transcript {
    /// All of it.
    pub text: String,
    /// Language that was spoken, when the model says so.
    pub language: Option<String>,
    /// Its length in seconds, when the service says so.
    pub seconds: Option<f64>,
    /// Its sentences with their times, when the model gives them.
    pub sentences: Vec<Sentence>,
    /// The upstream's request id.
    pub upstream_request_id: Option<String>,
}

/// A sentence and when it was said, in milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sentence {
    /// When it begins.
    pub begin_ms: u64,
    /// When it ends.
    pub end_ms: u64,
    /// What was said.
    pub text: String,
}

impl Transcript {
    /// Returns it as `SubRip` subtitles; one for all of it when the model gives no times.
    pub fn srt(&self) -> String {
        let mut text = String::new();
        for (number, (begin, end, said)) in self.cues(',').into_iter().enumerate() {
            // Writing to a string cannot fail.
            let _ = write!(text, "{}\n{begin} --> {end}\n{said}\n\n", number + 1);
        }
        text
    }

    /// Returns it as `WebVTT` subtitles.
    pub fn vtt(&self) -> String {
        let mut text = "WEBVTT\n\n".to_owned();
        for (begin, end, said) in self.cues('.') {
            let _ = write!(text, "{begin} --> {end}\n{said}\n\n");
        }
        text
    }

    fn cues(&self, point: char) -> Vec<(String, String, &str)> {
        let time = |ms: u64| {
            let (s, ms) = (ms / 1000, ms % 1000);
            format!(
                "{:02}:{:02}:{:02}{point}{ms:03}",
                s / 3600,
                s / 60 % 60,
                s % 60
            )
        };
        if self.sentences.is_empty() {
            let length = Duration::try_from_secs_f64(self.seconds.unwrap_or(1.0));
            let end_ms = length.map_or(0, |length| length.as_millis());
            let end_ms = u64::try_from(end_ms).unwrap_or(u64::MAX);
            return vec![(time(0), time(end_ms), &self.text)];
        }
        let cue = |row: &Sentence| (time(row.begin_ms), time(row.end_ms));
        let sentences = self.sentences.iter();
        sentences
            .map(|row| {
                let (begin, end) = cue(row);
                (begin, end, row.text.as_str())
            })
            .collect()
    }
}

impl TranscriptionRequest {
    /// Checks the request against what the model of `route` takes.
    ///
    /// # Errors
    /// [`BadRequest`] with what to do instead.
    pub fn check(&self, catalog: &Catalog, route: &Route) -> Result<(), BadRequest> {
        let Some(model) = catalog.media_model(&route.model) else {
            return Ok(());
        };
        let id = &model.id;
        let Sound::File(medium) = &self.sound else {
            return Ok(());
        };
        if model.shape != MediaShape::ChatTranscription {
            let message = format!("{id} takes URLs only; qwen3-asr-flash takes files");
            return Err(BadRequest::new("file", message));
        }
        let (bytes, most) = (medium.bytes.len() as u64, model.file_bytes_max);
        match most.filter(|most| bytes > *most) {
            Some(most) => {
                let message = format!(
                    "the file has {bytes} bytes, {id} takes {most}; qwen3-asr-flash-filetrans takes longer sounds by URL"
                );
                Err(BadRequest::new("file", message))
            }
            None => Ok(()),
        }
    }

    fn body(&self, model: Option<&MediaModel>, id: &str) -> Value {
        let shape = model.map_or(MediaShape::ChatTranscription, |model| model.shape);
        let url = match &self.sound {
            Sound::Url(url) => url.clone(),
            Sound::File(medium) => {
                let data = BASE64_STANDARD.encode(&medium.bytes);
                format!("data:{};base64,{data}", medium.kind.mime)
            }
        };
        let mut options = json!({"enable_itn": false});
        if let Some(language) = &self.language {
            super::put(&mut options, "language", language.as_str());
        }
        match shape {
            MediaShape::FileTranscription => {
                json!({"model": id, "input": {"file_url": url}, "parameters": options})
            }
            MediaShape::FilesTranscription => {
                let hints: Vec<&str> = self.language.as_deref().into_iter().collect();
                let mut body = json!({"model": id, "input": {"file_urls": [url]}});
                if !hints.is_empty() {
                    super::put(&mut body, "parameters", json!({"language_hints": hints}));
                }
                body
            }
            _ => {
                let part = json!({"type": "input_audio", "input_audio": {"data": url}});
                let messages = json!([{"role": "user", "content": [part]}]);
                json!({"model": id, "messages": messages, "asr_options": options})
            }
        }
    }
}

impl Ask for TranscriptionAsk<'_> {
    type Reply = Transcript;

    async fn ask(&self, upstream: &Upstream, route: &Route) -> Result<Transcript, Failure> {
        let known = upstream.catalog().media_model(&route.model);
        let place = known.map_or(Place::Unknown("/chat/completions"), Place::Known);
        let body = self.request.body(known, &route.model).to_string();
        let request = upstream.post_to(route, &place, body);
        let request = request.map_err(|fault| *fault)?;
        if known.is_some_and(|model| model.is_job) {
            let done = upstream.finish_job(route, request, self.sending).await?;
            return self.fetched(upstream, route, &done).await;
        }
        let reply = upstream.json(route, &request, self.sending.call()).await?;
        of_chat(&reply).ok_or_else(|| upstream.garbage(route))
    }
}

impl TranscriptionAsk<'_> {
    /// Fetches the transcript that a job left.
    async fn fetched(
        &self,
        upstream: &Upstream,
        route: &Route,
        done: &JsonReply,
    ) -> Result<Transcript, Failure> {
        let value = done.value();
        let link = [
            "/output/result/transcription_url",
            "/output/results/0/transcription_url",
        ]
        .iter()
        .find_map(|pointer| value.pointer(pointer)?.as_str());
        let Some(link) = link else {
            let said = value
                .pointer("/output/results/0/message")
                .and_then(Value::as_str);
            let message = said.unwrap_or("the job left no transcript");
            return Err(upstream.refused_here(route, &BadRequest::body(message)));
        };
        let wanted = Wanted {
            kinds: &[MediaKind::Json],
            bytes_max: TRANSCRIPT_BYTES_MAX,
            deadline: self.sending.deadline,
        };
        let link = secured(link.to_owned());
        let fetched = Box::pin(upstream.media().fetch(&link, wanted)).await;
        let medium = fetched.map_err(|error| upstream.not_fetched(route, &error))?;
        let document: Value = serde_json::from_slice(&medium.bytes).unwrap_or_default();
        Ok(Transcript {
            upstream_request_id: done.upstream_request_id().map(str::to_owned),
            ..of_document(&document)
        })
    }
}

fn of_chat(reply: &JsonReply) -> Option<Transcript> {
    let value = reply.value();
    let message = value.pointer("/choices/0/message")?;
    let note = message.pointer("/annotations/0/language");
    Some(Transcript {
        text: message.get("content")?.as_str()?.to_owned(),
        language: note.and_then(Value::as_str).map(str::to_owned),
        seconds: value.pointer("/usage/seconds").and_then(Value::as_f64),
        sentences: Vec::new(),
        upstream_request_id: reply.upstream_request_id().map(str::to_owned),
    })
}

fn of_document(document: &Value) -> Transcript {
    let channels = document.get("transcripts").and_then(Value::as_array);
    let channels = channels.map_or(&[][..], Vec::as_slice);
    let texts: Vec<&str> = channels
        .iter()
        .filter_map(|channel| channel.get("text")?.as_str())
        .collect();
    let sentence = |row: &Value| {
        Some(Sentence {
            begin_ms: row.get("begin_time")?.as_u64()?,
            end_ms: row.get("end_time")?.as_u64()?,
            text: row.get("text")?.as_str()?.to_owned(),
        })
    };
    let sentences = channels
        .iter()
        .filter_map(|channel| channel.get("sentences")?.as_array())
        .flatten()
        .filter_map(sentence)
        .collect();
    let length = document.pointer("/properties/original_duration_in_milliseconds");
    Transcript {
        text: texts.join("\n"),
        language: None,
        seconds: length.and_then(Value::as_f64).map(|ms| ms / 1000.0),
        sentences,
        upstream_request_id: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(id: &str, language: Option<&str>) -> Value {
        let catalog = Catalog::builtin().unwrap();
        let request = TranscriptionRequest {
            model: None,
            sound: Sound::Url("https://example.invalid/a.wav".to_owned()),
            language: language.map(str::to_owned),
        };
        request.body(catalog.media_model(id), id)
    }

    #[test]
    fn each_model_is_asked_as_its_own_client_asks() {
        assert_eq!(
            body("qwen3-asr-flash", None),
            json!({"model": "qwen3-asr-flash", "messages": [{"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "https://example.invalid/a.wav"}}]}], "asr_options": {"enable_itn": false}})
        );
        assert_eq!(
            body("fun-asr", Some("en")),
            json!({"model": "fun-asr", "input": {"file_urls": ["https://example.invalid/a.wav"]}, "parameters": {"language_hints": ["en"]}})
        );
        assert_eq!(
            body("qwen3-asr-flash-filetrans", Some("en")),
            json!({"model": "qwen3-asr-flash-filetrans", "input": {"file_url": "https://example.invalid/a.wav"}, "parameters": {"enable_itn": false, "language": "en"}})
        );
    }

    #[test]
    fn a_document_is_read_with_its_sentences() {
        let document = json!({
            "properties": {"original_duration_in_milliseconds": 1500},
            "transcripts": [{"text": "a b", "sentences": [{"begin_time": 0, "end_time": 900, "text": "a b"}]}],
        });
        let read = of_document(&document);
        assert_eq!((read.text.as_str(), read.seconds), ("a b", Some(1.5)));
        assert_eq!(read.sentences[0].end_ms, 900);
        assert_eq!(read.srt(), "1\n00:00:00,000 --> 00:00:00,900\na b\n\n");
        assert_eq!(
            read.vtt(),
            "WEBVTT\n\n00:00:00.000 --> 00:00:00.900\na b\n\n"
        );
    }
}
