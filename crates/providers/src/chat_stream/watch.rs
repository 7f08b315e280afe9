//! Looks at each event of a stream as it passes: a few searches for names, and a reading only where one is found.

use std::sync::LazyLock;

use bytes::{Bytes, BytesMut};
use credentials::Secret;
use memchr::memmem::{self, Finder};

use super::StreamPolicy;
use super::native::{self, Seen};
use crate::chat_repair::{Repairs, Rewritten, StreamRepair};
use crate::failure::ErrorBody;
use crate::formats::Format;
use crate::json_span::Object;
use crate::sse::{Verdict, event_data, push_event, with_data};
use crate::usage::Usage;

/// Reads events as they pass.
pub(super) struct Watch {
    strip_usage: bool,
    format: Format,
    secret: Option<Secret>,
    n_choices: u64,
    repair: StreamRepair,
    /// Token counts, once they have come.
    pub(super) usage: Option<Usage>,
    /// Data events so far.
    pub(super) events: u64,
    /// The end mark has come.
    pub(super) done: bool,
    /// The first event is no JSON object.
    pub(super) garbage: bool,
    /// The error that the upstream sent.
    pub(super) error: Option<Bytes>,
}

static USAGE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\"usage\""));
static FINISH: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\"finish_reason\""));
static TOOL_CALLS: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\"tool_calls\""));
static ERROR: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\"error\""));
static CHOICES: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\"choices\""));

impl Watch {
    pub(super) fn new(policy: &StreamPolicy) -> Self {
        Self {
            strip_usage: policy.strip_usage,
            format: policy.format,
            secret: policy.secret.clone(),
            n_choices: policy.n_choices,
            repair: StreamRepair::new(policy.think_tags),
            usage: None,
            events: 0,
            done: false,
            garbage: false,
            error: None,
        }
    }

    /// Says whether every answer that was asked for has ended. Other formats than chat completions say that themselves.
    pub(super) fn is_finished(&self) -> bool {
        self.format == Format::Chat && self.repair.n_finished() >= self.n_choices
    }

    pub(super) fn repairs(&self) -> Repairs {
        self.repair.repairs()
    }

    /// Returns the events that must go before the end mark, or before an error when `is_whole` is false.
    pub(super) fn held(&mut self, is_whole: bool) -> Bytes {
        let mut out = BytesMut::new();
        for chunk in self.repair.end(is_whole) {
            push_event(&mut out, chunk.as_bytes());
        }
        out.freeze()
    }

    pub(super) fn look(&mut self, event: &[u8]) -> Verdict {
        let data = event_data(event);
        if data.is_empty() {
            return Verdict::Keep;
        }
        if data.as_ref() == b"[DONE]" {
            self.done = true;
            return self.after_held(true, event);
        }
        self.events += 1;
        if self.format != Format::Chat {
            return self.look_natively(&data);
        }
        self.garbage |= self.events == 1 && object(&data).is_none();
        let is_unusual = ERROR.find(&data).is_some() || CHOICES.find(&data).is_none();
        if is_unusual && let Some(error) = object(&data).filter(is_error_envelope) {
            return self.look_at_error(&error, &data, event);
        }
        if values_of(&USAGE, &data).any(|first| first == b'{') && self.look_at_usage(&data) {
            return Verdict::Drop;
        }
        let needs_a_look = self.repair.reads_all()
            || values_of(&FINISH, &data).any(|first| first == b'"')
            || values_of(&TOOL_CALLS, &data).any(|first| first == b'[');
        match needs_a_look.then(|| self.repair.look(&data)).flatten() {
            Some(rewritten) => Verdict::Replace(framed(event, &rewritten)),
            None => Verdict::Keep,
        }
    }

    /// Looks at an event of another format: it goes on as it came, unless clients would not take it for an error.
    fn look_natively(&mut self, data: &[u8]) -> Verdict {
        let seen = native::read(self.format, data);
        self.garbage |= self.events == 1 && seen == Seen::Garbage;
        match seen {
            Seen::Garbage | Seen::Other => Verdict::Keep,
            Seen::Usage(usage) => {
                self.usage = Some(usage);
                Verdict::Keep
            }
            Seen::End(usage) => {
                self.done = true;
                self.usage = usage.or(self.usage);
                Verdict::Keep
            }
            Seen::Error { is_of_format } => {
                self.error = Some(Bytes::copy_from_slice(data));
                let secret = self.secret.as_ref().map_or("", Secret::expose);
                let error = ErrorBody::read_without(secret, data);
                let repeats_secret =
                    !secret.is_empty() && memmem::find(data, secret.as_bytes()).is_some();
                if is_of_format && !repeats_secret {
                    return Verdict::Keep;
                }
                Verdict::Replace(self.error_event(&error.message, error.code.as_deref()))
            }
        }
    }

    /// Returns an error as an event that clients of the format understand.
    pub(super) fn error_event(&self, message: &str, code: Option<&str>) -> Bytes {
        match self.format {
            Format::Chat => error_event(message, code),
            Format::Responses | Format::Messages => {
                native::error_event(self.format, self.events, message, code)
            }
        }
    }

    /// Lets `event` go on after what was held back.
    fn after_held(&mut self, is_whole: bool, event: &[u8]) -> Verdict {
        let held = self.held(is_whole);
        if held.is_empty() {
            return Verdict::Keep;
        }
        Verdict::Replace([held.as_ref(), event].concat().into())
    }

    /// Keeps an error event that OpenAI clients understand; the native envelope is not one.
    fn look_at_error(&mut self, error: &Object<'_>, data: &[u8], event: &[u8]) -> Verdict {
        self.error = Some(Bytes::copy_from_slice(data));
        let secret = self.secret.as_ref().map_or("", Secret::expose);
        let repeats_secret = !secret.is_empty() && memmem::find(data, secret.as_bytes()).is_some();
        if error.raw("error").is_some() && !repeats_secret {
            return self.after_held(false, event);
        }
        let error = ErrorBody::read_without(secret, data);
        let event = error_event(&error.message, error.code.as_deref());
        match self.after_held(false, &event) {
            Verdict::Keep => Verdict::Replace(event),
            verdict => verdict,
        }
    }

    /// Reads the token counts, and says whether the chunk is to be taken out.
    fn look_at_usage(&mut self, data: &[u8]) -> bool {
        let Some(object) = object(data) else {
            return false;
        };
        let Some(usage) = object.raw("usage").and_then(Usage::parse) else {
            return false;
        };
        self.usage = Some(usage);
        let usage_only = object.raw("choices").is_none_or(is_empty_list);
        usage_only && self.strip_usage
    }
}

/// Writes what goes on instead of `event`.
fn framed(event: &[u8], rewritten: &Rewritten) -> Bytes {
    let mut out = BytesMut::with_capacity(event.len() + 64);
    for chunk in &rewritten.before {
        push_event(&mut out, chunk.as_bytes());
    }
    match &rewritten.chunk {
        Some(chunk) => with_data(&mut out, event, chunk),
        None => out.extend_from_slice(event),
    }
    out.freeze()
}

fn error_event(message: &str, code: Option<&str>) -> Bytes {
    let error =
        serde_json::json!({"message": message, "type": "api_error", "param": null, "code": code});
    Bytes::from(format!("data: {{\"error\":{error}}}\n\n"))
}

/// Returns the first character of every value of a member called `key` (given with its quotes), at any depth.
fn values_of<'a>(key: &'a Finder<'_>, data: &'a [u8]) -> impl Iterator<Item = u8> + 'a {
    key.find_iter(data).filter_map(|at| {
        let rest = data.get(at + key.needle().len()..)?.trim_ascii_start();
        let value = rest.strip_prefix(b":")?.trim_ascii_start();
        value.first().copied()
    })
}

fn object(data: &[u8]) -> Option<Object<'_>> {
    Object::scan(std::str::from_utf8(data).ok()?).ok()
}

fn is_empty_list(raw: &str) -> bool {
    let inside = raw.strip_prefix('[').and_then(|raw| raw.strip_suffix(']'));
    raw == "null" || inside.is_some_and(|inside| inside.trim().is_empty())
}

/// Says whether an object is `{"error": …}` or the native `{"code": …, "message": …}` rather than an answer.
pub(crate) fn is_error_envelope(object: &Object<'_>) -> bool {
    let has = |key| object.raw(key).is_some_and(|value| value != "null");
    has("error") || (!has("choices") && has("code") && has("message"))
}
