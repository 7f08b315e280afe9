//! A chat completion request as bytes: what the gateway must know of it, and the splices a host needs.
//!
//! The top level is scanned once. `model` and the request for usage are put in for every host; the rest follows the
//! rules of the route: `steer` fits the members, `transcript` the history. What no rule speaks of, known to us or
//! not, reaches the upstream as the client wrote it.

mod draft;
mod limits;
mod steer;
mod structured;
mod thinking;
mod transcript;

use std::sync::OnceLock;

use bytes::Bytes;
use catalog::ThinkingLevel;
use serde_json::{Value, json};

use crate::chat_rules::ChatRules;
use crate::json_span::{Change, Object, Outline, SpanError, decode_string};
pub use draft::{Correction, Refusal};

use draft::Draft;
pub(crate) use transcript::Manners;
use transcript::Survey;

/// Largest request body accepted, in bytes: a few inline images at Model Studio's limit of 10 MiB each.
pub const REQUEST_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Members that decide the route or what is made of the reply.
const DECISIVE: [&str; 3] = ["model", "stream", "stream_options"];

/// Why a body cannot be a chat request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// The body is not UTF-8.
    #[error("the body is not valid UTF-8 (first bad byte at {0})")]
    NotUtf8(usize),
    /// The body is not one well-formed JSON object.
    #[error(transparent)]
    Json(#[from] SpanError),
    /// A member that decides the route occurs twice, so client and upstream could read different ones.
    #[error("`{0}` occurs more than once")]
    Duplicate(&'static str),
    /// A member has the wrong type.
    #[error("`{field}` must be {expected}")]
    WrongType {
        /// The member's name.
        field: &'static str,
        /// The type it must have.
        expected: &'static str,
    },
}

impl RequestError {
    /// Returns the name of the member at fault, for OpenAI's `param`.
    pub fn param(&self) -> Option<&'static str> {
        match self {
            Self::Duplicate(field) | Self::WrongType { field, .. } => Some(field),
            Self::NotUtf8(_) | Self::Json(_) => None,
        }
    }
}

/// A parsed request: the original bytes and where their members stand.
#[derive(Debug, Clone)]
pub struct ChatRequest {
    body: Bytes,
    outline: Outline,
    model: Option<String>,
    stream: bool,
    asks_usage: bool,
    keeps_usage: bool,
    n_choices: u64,
    /// Whether a member is there that rules may speak of.
    is_watched: bool,
    survey: OnceLock<Survey>,
}

/// A request as one host gets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patched {
    /// The bytes.
    pub body: Bytes,
    /// What the client set and the host would have refused.
    pub corrections: Vec<Correction>,
}

impl ChatRequest {
    /// Reads the top level of `body`.
    ///
    /// # Errors
    /// [`RequestError`]: the client's mistake, to be answered with 400.
    pub fn parse(body: Bytes) -> Result<Self, RequestError> {
        let text = std::str::from_utf8(&body)
            .map_err(|error| RequestError::NotUtf8(error.valid_up_to()))?;
        let outline = Outline::scan(text)?;
        let (mut counts, mut is_watched) = ([0_u8; DECISIVE.len()], false);
        for member in &outline.members {
            let key = text.get(member.key.clone()).unwrap_or_default();
            is_watched |= steer::is_watched(key.trim_matches('"'));
            let decisive = DECISIVE.iter().position(|name| member.is(text, name));
            if let Some(count) = decisive.and_then(|at| counts.get_mut(at)) {
                *count = count.saturating_add(1);
            }
        }
        let twice = counts.iter().position(|count| *count > 1);
        if let Some(field) = twice.and_then(|at| DECISIVE.get(at)) {
            return Err(RequestError::Duplicate(field));
        }
        let model = model_member(text, &outline)?;
        let stream = match outline.raw(text, "stream") {
            None | Some("null" | "false") => false,
            Some("true") => true,
            Some(_) => {
                return Err(RequestError::WrongType {
                    field: "stream",
                    expected: "a boolean",
                });
            }
        };
        let asks_usage = asks_usage(outline.raw(text, "stream_options"))?;
        // What is wrong with it is for the upstream to say.
        let n_choices = outline.raw(text, "n").and_then(|raw| raw.parse().ok());
        Ok(Self {
            body,
            outline,
            model,
            stream,
            asks_usage,
            keeps_usage: false,
            n_choices: n_choices.unwrap_or(1).max(1),
            is_watched,
            survey: OnceLock::new(),
        })
    }

    /// Returns the same request with the usage chunk left in the stream, because somebody on this side reads it.
    #[must_use]
    pub(crate) fn keeping_usage(mut self) -> Self {
        self.keeps_usage = true;
        self
    }

    /// Creates a request for a stream with usage that answers a message of `content`, thinking as long as `level` says.
    pub fn streamed(model: &str, content: &Value, level: Option<ThinkingLevel>) -> Self {
        let mut body = json!({
            "model": model,
            "messages": [{"role": "user", "content": content}],
            "stream": true,
            "stream_options": {"include_usage": true},
        });
        if let (Some(level), Some(members)) = (level, body.as_object_mut()) {
            members.insert("thinking".to_owned(), level.as_str().into());
        }
        // What was just made can be read; an empty request would be refused by name.
        Self::parse(Bytes::from(body.to_string())).unwrap_or_else(|_| Self::empty())
    }

    fn empty() -> Self {
        let outline = Outline {
            members: Vec::new(),
            open: 0,
            close: 1,
        };
        Self {
            body: Bytes::from_static(b"{}"),
            outline,
            model: None,
            stream: false,
            asks_usage: false,
            keeps_usage: false,
            n_choices: 1,
            is_watched: false,
            survey: OnceLock::new(),
        }
    }

    /// Returns the model the client asked for.
    pub fn model(&self) -> Option<&str> {
        self.model.as_deref()
    }

    /// Says whether the client wants a stream.
    pub fn is_stream(&self) -> bool {
        self.stream
    }

    /// Returns how many answers the client wants.
    pub fn n_choices(&self) -> u64 {
        self.n_choices
    }

    /// Returns the same request for a stream.
    #[must_use]
    pub fn as_stream(&self) -> Self {
        let change = ("stream".into(), Change::Set("true".to_owned()));
        let body = self.outline.edited(self.text(), &[change]);
        let stream = Self::parse(Bytes::from(body)).unwrap_or_else(|_| self.clone());
        Self {
            keeps_usage: self.keeps_usage,
            ..stream
        }
    }

    /// Says whether the usage chunk at the end of the stream is wanted, and not only by the records.
    pub fn asks_usage(&self) -> bool {
        self.keeps_usage || self.asks_usage
    }

    /// Returns the body for one host: with `model` set to `upstream_model`; when `ask_usage` is set and the request
    /// streams, with `stream_options.include_usage` set to true; and with what `rules` want. All other bytes stay as
    /// they were. Without rules, nothing but these two members is touched.
    ///
    /// # Errors
    /// [`Refusal`] when the model cannot do what is asked, whatever the words.
    pub fn patched(
        &self,
        upstream_model: &str,
        ask_usage: bool,
        rules: Option<&ChatRules>,
    ) -> Result<Patched, Refusal> {
        let text = self.text();
        let mut draft = Draft::new(text, &self.outline);
        if self.model() != Some(upstream_model) {
            draft.set("model", Value::from(upstream_model).to_string());
        }
        if ask_usage && self.stream && !self.asks_usage {
            let options = self.outline.raw(text, "stream_options");
            draft.set("stream_options", with_usage(options));
        }
        let mut repaired = Vec::new();
        if let Some(rules) = rules {
            let manners = if self.is_watched || rules.adds() {
                steer::steer(&mut draft, rules)?
            } else {
                rules.manners()
            };
            repaired = self.tidy_history(&mut draft, manners);
        }
        let (text, mut corrections) = draft.finish();
        corrections.extend(repaired);
        let body = text.map_or_else(|| self.body.clone(), Bytes::from);
        Ok(Patched { body, corrections })
    }

    fn text(&self) -> &str {
        // It was checked when the request was parsed.
        std::str::from_utf8(&self.body).unwrap_or_default()
    }

    fn tidy_history(&self, draft: &mut Draft<'_>, manners: Manners) -> Vec<Correction> {
        let Some(messages) = self.outline.raw(self.text(), "messages") else {
            return Vec::new();
        };
        let survey = *self.survey.get_or_init(|| transcript::survey(messages));
        if !manners.concern(survey) {
            return Vec::new();
        }
        let Some((messages, repaired)) = transcript::repair(messages, manners) else {
            return Vec::new();
        };
        draft.set("messages", messages);
        repaired
    }
}

fn model_member(text: &str, outline: &Outline) -> Result<Option<String>, RequestError> {
    let Some(member) = outline.find(text, "model") else {
        return Ok(None);
    };
    let raw = text.get(member.value.clone()).unwrap_or_default();
    if !raw.starts_with('"') {
        return Err(RequestError::WrongType {
            field: "model",
            expected: "a string",
        });
    }
    let name = decode_string(raw).ok_or(SpanError::Malformed(member.value.start))?;
    Ok(Some(name.into_owned()))
}

fn asks_usage(options: Option<&str>) -> Result<bool, RequestError> {
    let wrong = RequestError::WrongType {
        field: "stream_options",
        expected: "an object",
    };
    let Some(raw) = options.filter(|raw| *raw != "null") else {
        return Ok(false);
    };
    match Object::scan(raw).map_err(|_| wrong)?.raw("include_usage") {
        Some("true") => Ok(true),
        None | Some("false" | "null") => Ok(false),
        Some(_) => Err(RequestError::WrongType {
            field: "stream_options.include_usage",
            expected: "a boolean",
        }),
    }
}

/// Returns `stream_options` with usage asked for; its other members stay.
fn with_usage(options: Option<&str>) -> String {
    let asked = ("include_usage".into(), Change::Set("true".to_owned()));
    let options = options.filter(|raw| *raw != "null").unwrap_or("{}");
    Object::scan(options).map_or_else(|_| options.to_owned(), |options| options.edited(&[asked]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn patched(body: &str, ask: bool) -> String {
        let request = ChatRequest::parse(Bytes::copy_from_slice(body.as_bytes())).unwrap();
        let patched = request.patched("up", ask, None).unwrap();
        String::from_utf8(patched.body.to_vec()).unwrap()
    }

    #[test]
    fn replaces_the_model_and_nothing_else() {
        assert_eq!(
            patched(r#"{ "model" : "a/b" , "x":1}"#, true),
            r#"{ "model" : "up" , "x":1}"#
        );
        assert_eq!(patched("{}", true), r#"{"model":"up"}"#);
        assert_eq!(patched(r#"{"x":1}"#, true), r#"{"x":1,"model":"up"}"#);
    }

    #[test]
    fn asks_for_usage_wherever_the_member_stands() {
        for (body, expected) in [
            (
                r#"{"model":"m","stream":true}"#,
                r#"{"model":"up","stream":true,"stream_options":{"include_usage":true}}"#,
            ),
            (
                r#"{"stream":true}"#,
                r#"{"stream":true,"model":"up","stream_options":{"include_usage":true}}"#,
            ),
            (
                r#"{"stream_options":null,"model":"m","stream":true}"#,
                r#"{"stream_options":{"include_usage":true},"model":"up","stream":true}"#,
            ),
            (
                r#"{"stream_options":{},"model":"m","stream":true}"#,
                r#"{"stream_options":{"include_usage":true},"model":"up","stream":true}"#,
            ),
            (
                r#"{"stream_options":{"x":1},"model":"m","stream":true}"#,
                r#"{"stream_options":{"x":1,"include_usage":true},"model":"up","stream":true}"#,
            ),
            (
                r#"{"stream_options":{"include_usage":false},"model":"m","stream":true}"#,
                r#"{"stream_options":{"include_usage":true},"model":"up","stream":true}"#,
            ),
            (
                r#"{"stream_options":{"include_usage":true},"model":"m","stream":true}"#,
                r#"{"stream_options":{"include_usage":true},"model":"up","stream":true}"#,
            ),
            (
                r#"{"model":"m","stream":false}"#,
                r#"{"model":"up","stream":false}"#,
            ),
        ] {
            assert_eq!(patched(body, true), expected);
        }
        assert_eq!(
            patched(r#"{"model":"m","stream":true}"#, false),
            r#"{"model":"up","stream":true}"#
        );
    }

    #[test]
    fn a_request_can_be_made_one_for_a_stream() {
        for (body, expected) in [
            ("{}", r#"{"stream":true}"#),
            (r#"{"n":2}"#, r#"{"n":2,"stream":true}"#),
            (r#"{"stream":false,"n":2}"#, r#"{"stream":true,"n":2}"#),
            (r#"{"stream": null}"#, r#"{"stream": true}"#),
        ] {
            let request = ChatRequest::parse(Bytes::from_static(body.as_bytes())).unwrap();
            let stream = request.as_stream();
            assert!(stream.is_stream() && !request.is_stream());
            assert_eq!(stream.body, expected);
            assert_eq!(stream.n_choices(), if body.contains('2') { 2 } else { 1 });
        }
    }

    #[test]
    fn names_the_member_at_fault() {
        let error = |body: &'static [u8]| ChatRequest::parse(Bytes::from_static(body)).unwrap_err();
        assert_eq!(error(br#"{"model":1}"#).param(), Some("model"));
        assert_eq!(
            error(br#"{"model":"a","model":"b"}"#),
            RequestError::Duplicate("model")
        );
        assert_eq!(error(br#"{"stream":"yes"}"#).param(), Some("stream"));
        assert_eq!(
            error(br#"{"stream_options":[]}"#).param(),
            Some("stream_options")
        );
        assert_eq!(error(b"{\"model\":\"\xff\"}"), RequestError::NotUtf8(10));
        assert_eq!(error(b"[]"), RequestError::Json(SpanError::NotAnObject));
    }

    proptest! {
        #[test]
        fn a_patch_changes_only_what_it_names(
            model in prop::option::of(".{0,10}"), stream in prop::option::of(any::<bool>()),
            usage in prop::option::of(prop::option::of(any::<bool>())), extra in ".{0,20}", ask in any::<bool>(),
        ) {
            let mut map = serde_json::Map::new();
            map.insert("messages".into(), serde_json::json!([{"role":"user","content":extra}]));
            if let Some(model) = model { map.insert("model".into(), model.into()); }
            if let Some(stream) = stream { map.insert("stream".into(), stream.into()); }
            if let Some(usage) = usage { map.insert("stream_options".into(), serde_json::json!({"include_usage": usage})); }
            let before = serde_json::Value::Object(map);
            let request = ChatRequest::parse(Bytes::from(before.to_string())).unwrap();
            let after: serde_json::Value = serde_json::from_slice(&request.patched("up/x", ask, None).unwrap().body).unwrap();
            let mut expected = before.clone();
            expected["model"] = "up/x".into();
            if ask && request.is_stream() {
                if !expected["stream_options"].is_object() { expected["stream_options"] = serde_json::json!({}); }
                expected["stream_options"]["include_usage"] = true.into();
            }
            prop_assert_eq!(after, expected);
        }
    }
}
