//! Speech: `OpenAI`'s request, spoken by the model's own voices; longer texts are spoken in parts and joined.

use bytes::Bytes;
use catalog::{Catalog, MediaModel, MediaShape, SpeechLimits};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{BadRequest, Place, Sending, secured, wave};
use crate::attempt::Upstream;
use crate::directory::Route;
use crate::failover::Ask;
use crate::failure::Failure;
use crate::media_fetch::Wanted;
use crate::media_type::MediaKind;

/// Longest text of a request, in characters: what is spoken in about half an hour.
pub const TEXT_CHARS_MAX: usize = 20_000;
/// Largest sound that is fetched, in bytes.
const SOUND_BYTES_MAX: u64 = 128 * 1024 * 1024;
/// Where sentences end.
const ENDS: [char; 8] = ['.', '!', '?', ';', '\u{3002}', '\u{ff01}', '\u{ff1f}', '\n'];

/// A wish for speech.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct SpeechRequest {
    /// The model the client asked for.
    #[serde(default)]
    pub model: Option<String>,
    /// What to say.
    #[serde(default)]
    pub input: String,
    /// Who says it.
    #[serde(default)]
    pub voice: Option<String>,
    /// Format of the sound.
    #[serde(default)]
    pub response_format: Option<String>,
    /// Language of the text, when the model should not guess it.
    #[serde(default)]
    pub language: Option<String>,
}

/// Asks for speech.
#[derive(Clone, Copy)]
pub struct SpeechAsk<'a> {
    /// What to ask.
    pub request: &'a SpeechRequest,
    /// How it is sent.
    pub sending: Sending<'a>,
}

/// A text that was spoken.
#[derive(Debug, Clone)]
pub struct Spoken {
    /// The sound.
    pub bytes: Bytes,
    /// Its format, such as `wav`.
    pub format: String,
    /// Who said it.
    pub voice: String,
    /// The upstream's request id, of the last part.
    pub upstream_request_id: Option<String>,
}

impl Spoken {
    /// Returns the MIME type.
    pub fn mime(&self) -> &'static str {
        match self.format.as_str() {
            "mp3" => "audio/mpeg",
            "opus" => "audio/ogg",
            "pcm" => "audio/pcm",
            _ => "audio/wav",
        }
    }
}

impl SpeechRequest {
    /// Reads a request.
    ///
    /// # Errors
    /// [`BadRequest`]: the client's mistake.
    pub fn parse(body: &[u8]) -> Result<Self, BadRequest> {
        let request: Self = serde_json::from_slice(body)
            .map_err(|error| BadRequest::body(format!("the request is malformed: {error}")))?;
        request.check_form()?;
        Ok(request)
    }

    /// Checks what holds for every model.
    ///
    /// # Errors
    /// [`BadRequest`]: the client's mistake.
    pub fn check_form(&self) -> Result<(), BadRequest> {
        if self.input.trim().is_empty() {
            return Err(BadRequest::new("input", "you must provide an `input`"));
        }
        let count = self.input.chars().count();
        if count > TEXT_CHARS_MAX {
            let message = format!("`input` has {count} characters, the most are {TEXT_CHARS_MAX}");
            return Err(BadRequest::new("input", message));
        }
        Ok(())
    }

    /// Checks the request against what the model of `route` speaks.
    ///
    /// # Errors
    /// [`BadRequest`] with the voices or formats there are.
    pub fn check(&self, catalog: &Catalog, route: &Route) -> Result<(), BadRequest> {
        let Some((model, limits)) = speech_model(catalog, route) else {
            let message = format!("it is not known how {} speaks", route.model);
            return Err(BadRequest::new("model", message));
        };
        let id = &model.id;
        if limits.voice(self.voice.as_deref()).is_none() {
            let voices: Vec<&str> = limits
                .voices
                .iter()
                .map(|voice| voice.id.as_str())
                .collect();
            let named = self.voice.as_deref().unwrap_or_default();
            let message = format!("{id} has no voice `{named}`, it has {}", voices.join(", "));
            return Err(BadRequest::new("voice", message));
        }
        let format = self.response_format.as_ref();
        if let Some(format) = format.filter(|format| !limits.formats.contains(format)) {
            let formats = limits.formats.join(", ");
            let message = format!("{id} does not give {format}, it gives {formats}");
            return Err(BadRequest::new("response_format", message));
        }
        let language = self.language.as_deref();
        let knows = |language: &&str| {
            limits
                .languages
                .iter()
                .any(|known| known.eq_ignore_ascii_case(language))
        };
        match language.filter(|language| !knows(language)) {
            Some(language) if !limits.languages.is_empty() => {
                let languages = limits.languages.join(", ");
                let message = format!("{id} does not speak {language}, it speaks {languages}");
                Err(BadRequest::new("language", message))
            }
            _ => Ok(()),
        }
    }

    fn format<'a>(&'a self, limits: &'a SpeechLimits) -> &'a str {
        let usual = limits.formats.first().map_or("wav", String::as_str);
        self.response_format.as_deref().unwrap_or(usual)
    }

    fn body(&self, model: &MediaModel, limits: &SpeechLimits, text: &str) -> Value {
        let voice = limits.voice(self.voice.as_deref());
        let voice = voice.map_or("", |voice| voice.id.as_str());
        let mut input = json!({"text": text, "voice": voice});
        if model.shape == MediaShape::CosyvoiceSpeech {
            // Bare samples are cut out of a file, which can be told from an error page.
            let format = match self.format(limits) {
                "pcm" => "wav",
                other => other,
            };
            super::put(&mut input, "format", format);
            super::put(&mut input, "sample_rate", limits.sample_rate);
            return json!({"model": model.id, "input": input});
        }
        if let Some(language) = &self.language {
            super::put(&mut input, "language_type", language.as_str());
        }
        json!({"model": model.id, "input": input, "parameters": {}})
    }
}

fn speech_model<'a>(
    catalog: &'a Catalog,
    route: &Route,
) -> Option<(&'a MediaModel, &'a SpeechLimits)> {
    let model = catalog.media_model(&route.model)?;
    Some((model, model.speech.as_ref()?))
}

/// Cuts a text into parts of at most `most` characters, at the ends of sentences where there are any.
fn parts(text: &str, most: usize) -> Vec<String> {
    let mut parts = Vec::new();
    let mut part = String::new();
    for sentence in text.split_inclusive(ENDS) {
        if part.chars().count() + sentence.chars().count() > most && !part.trim().is_empty() {
            parts.push(std::mem::take(&mut part));
        }
        for letter in sentence.chars() {
            if part.chars().count() >= most {
                parts.push(std::mem::take(&mut part));
            }
            part.push(letter);
        }
    }
    parts.push(part);
    parts.retain(|part| !part.trim().is_empty());
    parts
}

impl Ask for SpeechAsk<'_> {
    type Reply = Spoken;

    async fn ask(&self, upstream: &Upstream, route: &Route) -> Result<Spoken, Failure> {
        let Some((model, limits)) = speech_model(upstream.catalog(), route) else {
            let error = BadRequest::body(format!("it is not known how {} speaks", route.model));
            return Err(upstream.refused_here(route, &error));
        };
        let most = model.text_chars_max.unwrap_or(TEXT_CHARS_MAX);
        let format = self.request.format(limits);
        let mut sounds = Vec::new();
        let mut upstream_request_id = None;
        for part in parts(&self.request.input, most) {
            let body = self.request.body(model, limits, &part);
            let request = upstream.post_to(route, &Place::Known(model), body.to_string());
            let request = request.map_err(|fault| *fault)?;
            let reply = upstream.json(route, &request, self.sending.call()).await?;
            upstream_request_id = reply.upstream_request_id().map(str::to_owned);
            let value = reply.value();
            let url = value.pointer("/output/audio/url").and_then(Value::as_str);
            let url = secured(url.ok_or_else(|| upstream.garbage(route))?.to_owned());
            sounds.push(self.fetch(upstream, route, &url).await?);
        }
        let bytes = wave::joined(format, sounds).ok_or_else(|| upstream.garbage(route))?;
        let voice = limits.voice(self.request.voice.as_deref());
        Ok(Spoken {
            bytes,
            format: format.to_owned(),
            voice: voice.map(|voice| voice.id.clone()).unwrap_or_default(),
            upstream_request_id,
        })
    }
}

impl SpeechAsk<'_> {
    async fn fetch(&self, upstream: &Upstream, route: &Route, url: &str) -> Result<Bytes, Failure> {
        let wanted = Wanted {
            kinds: &[MediaKind::Audio],
            bytes_max: SOUND_BYTES_MAX,
            deadline: self.sending.deadline,
        };
        let fetched = Box::pin(upstream.media().fetch(url, wanted)).await;
        let medium = fetched.map_err(|error| upstream.not_fetched(route, &error))?;
        Ok(medium.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(id: &str, wish: &Value) -> Value {
        let catalog = Catalog::builtin().unwrap();
        let model = catalog.media_model(id).unwrap();
        let request = SpeechRequest::parse(wish.to_string().as_bytes()).unwrap();
        request.body(model, model.speech.as_ref().unwrap(), &request.input)
    }

    #[test]
    fn each_model_is_asked_as_its_own_client_asks() {
        assert_eq!(
            body(
                "qwen3-tts-flash",
                &json!({"input": "hello", "voice": "Cherry", "language": "English"})
            ),
            json!({"model": "qwen3-tts-flash", "parameters": {}, "input": {"text": "hello", "voice": "Cherry", "language_type": "English"}})
        );
        assert_eq!(
            body(
                "cosyvoice-v3-flash",
                &json!({"input": "hello", "voice": "longanyang", "response_format": "wav"})
            ),
            json!({"model": "cosyvoice-v3-flash", "input": {"text": "hello", "voice": "longanyang", "format": "wav", "sample_rate": 24000}})
        );
    }

    #[test]
    fn voices_of_other_vendors_have_a_stand_in() {
        let voice = |name: &str| {
            body("qwen3-tts-flash", &json!({"input": "a", "voice": name}))["input"]["voice"].clone()
        };
        assert_eq!(voice("alloy"), "Cherry");
        assert_eq!(voice("ETHAN"), "Ethan");
        assert_eq!(
            body("qwen3-tts-flash", &json!({"input": "a"}))["input"]["voice"],
            "Cherry"
        );
    }

    #[test]
    fn long_texts_are_cut_between_sentences() {
        let said = |text: &str, most| parts(text, most);
        assert_eq!(said("One. Two. Three.", 10), ["One. Two.", " Three."]);
        assert_eq!(said("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(said("short", 10), ["short"]);
        let long = "word ".repeat(500);
        assert!(
            said(&long, 600)
                .iter()
                .all(|part| part.chars().count() <= 600)
        );
        assert_eq!(said(&long, 600).concat(), long);
    }
}
