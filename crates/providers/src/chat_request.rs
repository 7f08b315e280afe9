//! A chat completion request as bytes: what the gateway must know of it, and the splices a host needs.
//!
//! Only `model`, `stream` and `stream_options` are read. Everything else, known to us or not, reaches the upstream as
//! the client wrote it.

use std::ops::Range;

use bytes::Bytes;

use crate::json_span::{Object, SpanError, decode_string, spliced};

/// Largest request body accepted, in bytes: a few inline images at Model Studio's limit of 10 MiB each.
pub const REQUEST_BYTES_MAX: usize = 32 * 1024 * 1024;

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

/// A parsed request: the original bytes and where the members stand that may be replaced.
#[derive(Debug, Clone)]
pub struct ChatRequest {
    body: Bytes,
    model: Option<(String, Range<usize>)>,
    stream: bool,
    usage: UsageMember,
    n_choices: u64,
    close: usize,
    is_empty: bool,
    keeps_usage: bool,
}

/// Where the request for streamed usage stands, or would have to stand.
#[derive(Debug, Clone, PartialEq, Eq)]
enum UsageMember {
    /// `include_usage` is true.
    Asked,
    /// `stream_options` is absent.
    NoOptions,
    /// `stream_options` is null: the span is replaced.
    NullOptions(Range<usize>),
    /// `include_usage` is false or null: the span is replaced by `true`.
    Declined(Range<usize>),
    /// `stream_options` is an object without the member; its closing brace stands here.
    Missing { close: usize, is_empty: bool },
}

impl ChatRequest {
    /// Reads the top level of `body`.
    ///
    /// # Errors
    /// [`RequestError`]: the client's mistake, to be answered with 400.
    pub fn parse(body: Bytes) -> Result<Self, RequestError> {
        let text = std::str::from_utf8(&body)
            .map_err(|error| RequestError::NotUtf8(error.valid_up_to()))?;
        let object = Object::scan(text)?;
        for field in ["model", "stream", "stream_options"] {
            if object.count(field) > 1 {
                return Err(RequestError::Duplicate(field));
            }
        }
        let model = model_member(&object)?;
        let stream = match object.raw("stream") {
            None | Some("null" | "false") => false,
            Some("true") => true,
            Some(_) => {
                return Err(RequestError::WrongType {
                    field: "stream",
                    expected: "a boolean",
                });
            }
        };
        let usage = usage_member(&object)?;
        // What is wrong with it is for the upstream to say.
        let n_choices = object.raw("n").and_then(|raw| raw.parse().ok());
        let (close, is_empty) = (object.close, object.members.is_empty());
        Ok(Self {
            body,
            model,
            stream,
            usage,
            n_choices: n_choices.unwrap_or(1).max(1),
            close,
            is_empty,
            keeps_usage: false,
        })
    }

    /// Returns the same request with the usage chunk left in the stream, because somebody on this side reads it.
    #[must_use]
    pub(crate) fn keeping_usage(mut self) -> Self {
        self.keeps_usage = true;
        self
    }

    /// Creates a request for a stream with usage, from parts that are known to be valid.
    pub fn streamed(model: &str, messages: &serde_json::Value) -> Self {
        let (model, messages) = (
            serde_json::Value::from(model).to_string(),
            messages.to_string(),
        );
        let body = format!(
            "{{\"model\":{model},\"messages\":{messages},\"stream\":true,\"stream_options\":{{\"include_usage\":true}}}}"
        );
        let at = "{\"model\":".len();
        let name = decode_string(&model).unwrap_or_default().into_owned();
        Self {
            model: Some((name, at..at + model.len())),
            stream: true,
            usage: UsageMember::Asked,
            n_choices: 1,
            close: body.len() - 1,
            is_empty: false,
            keeps_usage: false,
            body: Bytes::from(body),
        }
    }

    /// Returns the model the client asked for.
    pub fn model(&self) -> Option<&str> {
        self.model.as_ref().map(|(name, _)| name.as_str())
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
        let text = std::str::from_utf8(&self.body).unwrap_or_default();
        let span = Object::scan(text)
            .ok()
            .and_then(|object| object.span("stream"));
        let comma = if self.is_empty { "" } else { "," };
        let added = || (self.close..self.close, format!("{comma}\"stream\":true"));
        let edit = span.map_or_else(added, |span| (span, "true".to_owned()));
        let body = spliced(&self.body, vec![edit]);
        let stream = Self::parse(body).unwrap_or_else(|_| self.clone());
        Self {
            keeps_usage: self.keeps_usage,
            ..stream
        }
    }

    /// Says whether the usage chunk at the end of the stream is wanted, and not only by the records.
    pub fn asks_usage(&self) -> bool {
        self.keeps_usage || self.usage == UsageMember::Asked
    }

    /// Returns the body with `model` set to `upstream_model` and, when `ask_usage` is set and the request streams,
    /// `stream_options.include_usage` set to true. All other bytes stay as they were.
    pub fn patched(&self, upstream_model: &str, ask_usage: bool) -> Bytes {
        let model = serde_json::Value::from(upstream_model).to_string();
        let mut splices: Vec<(Range<usize>, String)> = Vec::with_capacity(3);
        let mut appended = false;
        let comma = |appended: bool| if self.is_empty && !appended { "" } else { "," };
        match &self.model {
            Some((name, _)) if name == upstream_model => {}
            Some((_, span)) => splices.push((span.clone(), model)),
            None => {
                splices.push((
                    self.close..self.close,
                    format!("{}\"model\":{model}", comma(appended)),
                ));
                appended = true;
            }
        }
        if ask_usage && self.stream {
            match &self.usage {
                UsageMember::Asked => {}
                UsageMember::NoOptions => splices.push((
                    self.close..self.close,
                    format!(
                        "{}\"stream_options\":{{\"include_usage\":true}}",
                        comma(appended)
                    ),
                )),
                UsageMember::NullOptions(span) => {
                    splices.push((span.clone(), r#"{"include_usage":true}"#.into()));
                }
                UsageMember::Declined(span) => splices.push((span.clone(), "true".into())),
                UsageMember::Missing { close, is_empty } => {
                    let comma = if *is_empty { "" } else { "," };
                    splices.push((*close..*close, format!("{comma}\"include_usage\":true")));
                }
            }
        }
        spliced(&self.body, splices)
    }
}

fn model_member(object: &Object<'_>) -> Result<Option<(String, Range<usize>)>, RequestError> {
    match (object.raw("model"), object.span("model")) {
        (Some(raw), Some(span)) if raw.starts_with('"') => {
            let name = decode_string(raw).ok_or(SpanError::Malformed(span.start))?;
            Ok(Some((name.into_owned(), span)))
        }
        (None, _) => Ok(None),
        _ => Err(RequestError::WrongType {
            field: "model",
            expected: "a string",
        }),
    }
}

fn usage_member(object: &Object<'_>) -> Result<UsageMember, RequestError> {
    let wrong = RequestError::WrongType {
        field: "stream_options",
        expected: "an object",
    };
    let (Some(raw), Some(span)) = (object.raw("stream_options"), object.span("stream_options"))
    else {
        return Ok(UsageMember::NoOptions);
    };
    if raw == "null" {
        return Ok(UsageMember::NullOptions(span));
    }
    let options = Object::scan(raw).map_err(|_| wrong.clone())?;
    match (options.raw("include_usage"), options.span("include_usage")) {
        (Some("true"), _) => Ok(UsageMember::Asked),
        (Some("false" | "null"), Some(inner)) => Ok(UsageMember::Declined(
            span.start + inner.start..span.start + inner.end,
        )),
        (None, _) => Ok(UsageMember::Missing {
            close: span.start + options.close,
            is_empty: options.members.is_empty(),
        }),
        _ => Err(RequestError::WrongType {
            field: "stream_options.include_usage",
            expected: "a boolean",
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn patched(body: &str, ask: bool) -> String {
        let request = ChatRequest::parse(Bytes::copy_from_slice(body.as_bytes())).unwrap();
        String::from_utf8(request.patched("up", ask).to_vec()).unwrap()
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

    #[test]
    fn a_made_request_is_what_its_parse_is() {
        let made = ChatRequest::streamed(
            "a \"b\"",
            &serde_json::json!([{"role": "user", "content": "x"}]),
        );
        let parsed = ChatRequest::parse(made.patched("a \"b\"", true)).unwrap();
        assert_eq!(format!("{made:?}"), format!("{parsed:?}"));
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
            let after: serde_json::Value = serde_json::from_slice(&request.patched("up/x", ask)).unwrap();
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
