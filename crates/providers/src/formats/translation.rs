//! A chat completion on its way into another format, event by event.
//!
//! All formats but chat completions speak of an answer as a row of parts: reasoning, text, calls. `Translation` cuts
//! the chunks of a chat completion into such parts; a `Render` writes them in its format.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame};

use crate::attempt::REPLY_BYTES_MAX;
use crate::chat_delta::Delta;
use crate::sse::{EventSplitter, Verdict, event_data};
use crate::usage::Usage;

/// What an answer is known by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Unique text that the ids of the answer are made of.
    pub seed: String,
    /// Model that answers, as the host knows it.
    pub model: String,
    /// When the answer began, in seconds since 1970.
    pub created_at_s: u64,
}

/// Why the model stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Finish {
    /// It was done, or met a stop sequence.
    Stop,
    /// The limit of tokens was reached.
    Length,
    /// It waits for the results of its calls.
    ToolCalls,
    /// The service held back the answer.
    ContentFilter,
}

/// What a part of an answer is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    Reasoning,
    Text,
    Call { id: String, name: String },
}

/// A part of an answer as far as it has arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    /// Number among the parts, from 0.
    pub(crate) place: usize,
    pub(crate) kind: Kind,
    /// Text, or arguments of a call.
    pub(crate) text: String,
    is_open: bool,
    /// Number that the upstream gave a call.
    index: Option<u64>,
}

/// Why an answer ended, and what it cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct End {
    pub(crate) finish: Finish,
    pub(crate) usage: Usage,
}

/// Writes an answer in one format.
pub(crate) trait Render: Send {
    /// The answer begins.
    fn begin(&mut self, out: &mut BytesMut);
    /// A part begins.
    fn open(&mut self, part: &Part, out: &mut BytesMut);
    /// More of a part has arrived.
    fn more(&mut self, part: &Part, text: &str, out: &mut BytesMut);
    /// A part is complete.
    fn close(&mut self, part: &Part, out: &mut BytesMut);
    /// The answer is complete.
    fn end(&mut self, parts: &[Part], end: End, out: &mut BytesMut);
    /// The answer breaks off.
    fn fail(&mut self, parts: &[Part], error: &Fault, out: &mut BytesMut);
}

/// What made an answer break off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) message: String,
    pub(crate) code: Option<String>,
}

/// Writes nothing; for whole answers, of which only the parts are wanted.
struct Silent;

impl Render for Silent {
    fn begin(&mut self, _: &mut BytesMut) {}
    fn open(&mut self, _: &Part, _: &mut BytesMut) {}
    fn more(&mut self, _: &Part, _: &str, _: &mut BytesMut) {}
    fn close(&mut self, _: &Part, _: &mut BytesMut) {}
    fn end(&mut self, _: &[Part], _: End, _: &mut BytesMut) {}
    fn fail(&mut self, _: &[Part], _: &Fault, _: &mut BytesMut) {}
}

impl Part {
    fn is_call(&self) -> bool {
        matches!(self.kind, Kind::Call { .. })
    }

    /// Says whether nothing can follow: the arguments of a call are one JSON value.
    fn is_complete(&self) -> bool {
        !self.is_call() || serde_json::from_str::<serde::de::IgnoredAny>(&self.text).is_ok()
    }
}

impl Finish {
    fn read(name: &str) -> Self {
        match name {
            "length" => Self::Length,
            "tool_calls" | "function_call" => Self::ToolCalls,
            "content_filter" => Self::ContentFilter,
            _ => Self::Stop,
        }
    }
}

impl End {
    /// Some hosts finish with `stop` although they call.
    pub(crate) fn of(finish: Option<Finish>, usage: Option<Usage>, parts: &[Part]) -> Self {
        let calls = parts.iter().any(Part::is_call);
        let finish = match finish {
            None | Some(Finish::Stop) if calls => Finish::ToolCalls,
            None => Finish::Stop,
            Some(finish) => finish,
        };
        Self {
            finish,
            usage: usage.unwrap_or_default(),
        }
    }
}

/// Cuts chunks into parts and has them written.
pub(crate) struct Translation {
    render: Box<dyn Render>,
    seed: String,
    parts: Vec<Part>,
    n_bytes: usize,
    finish: Option<Finish>,
    usage: Option<Usage>,
    has_begun: bool,
    has_ended: bool,
}

impl Translation {
    pub(crate) fn new(render: Box<dyn Render>, seed: String) -> Self {
        Self {
            render,
            seed,
            parts: Vec::new(),
            n_bytes: 0,
            finish: None,
            usage: None,
            has_begun: false,
            has_ended: false,
        }
    }

    /// Reads a whole reply; `None` when it holds no answer.
    pub(crate) fn whole(chat: &[u8], seed: &str) -> Option<(Vec<Part>, End)> {
        let mut translation = Self::new(Box::new(Silent), seed.to_owned());
        let mut out = BytesMut::new();
        translation.event(chat, &mut out);
        let is_answer = translation.finish.is_some() || !translation.parts.is_empty();
        let end = End::of(translation.finish, translation.usage, &translation.parts);
        (is_answer && !translation.has_ended).then_some((translation.parts, end))
    }

    /// Takes the data of one event. Of several answers the first counts, since no other format has more.
    pub(crate) fn event(&mut self, data: &[u8], out: &mut BytesMut) {
        if self.has_ended || data.is_empty() {
            return;
        }
        self.begin(out);
        if data == b"[DONE]" {
            self.end(out);
            return;
        }
        for delta in Delta::read(data) {
            if self.has_ended {
                return;
            }
            self.delta(delta, out);
        }
    }

    fn delta(&mut self, delta: Delta, out: &mut BytesMut) {
        match delta {
            Delta::Reasoning { choice: 0, text } => self.speech(Kind::Reasoning, &text, out),
            Delta::Text { choice: 0, text } | Delta::Refusal { choice: 0, text } => {
                self.speech(Kind::Text, &text, out);
            }
            Delta::ToolCall {
                choice: 0,
                index,
                id,
                name,
            } => self.call(index, id, name, out),
            Delta::ToolArguments {
                choice: 0,
                index,
                text,
            } => {
                let place = self.place_of(index);
                self.more(place, &text, out);
            }
            Delta::Finish { choice: 0, reason } => self.finish = Some(Finish::read(&reason)),
            Delta::Usage(usage) => self.usage = Some(usage),
            Delta::Error { message, code } => self.fail(&Fault { message, code }, out),
            Delta::Reasoning { .. }
            | Delta::Text { .. }
            | Delta::Refusal { .. }
            | Delta::ToolCall { .. }
            | Delta::ToolArguments { .. }
            | Delta::Finish { .. } => {}
        }
    }

    /// The upstream has said all it will say.
    pub(crate) fn end(&mut self, out: &mut BytesMut) {
        if std::mem::replace(&mut self.has_ended, true) {
            return;
        }
        self.begin(out);
        self.close(out, |_| true);
        let end = End::of(self.finish, self.usage, &self.parts);
        self.render.end(&self.parts, end, out);
    }

    fn fail(&mut self, error: &Fault, out: &mut BytesMut) {
        self.has_ended = true;
        self.render.fail(&self.parts, error, out);
    }

    fn begin(&mut self, out: &mut BytesMut) {
        if !std::mem::replace(&mut self.has_begun, true) {
            self.render.begin(out);
        }
    }

    fn speech(&mut self, kind: Kind, text: &str, out: &mut BytesMut) {
        let open = self
            .parts
            .iter()
            .position(|part| part.is_open && part.kind == kind);
        let place = open.unwrap_or_else(|| self.open(kind, None, out));
        self.more(Some(place), text, out);
    }

    fn call(&mut self, index: u64, id: String, name: String, out: &mut BytesMut) {
        if self.place_of(index).is_some() {
            return;
        }
        let id = if id.is_empty() {
            format!("call_{}_{}", self.seed, self.parts.len())
        } else {
            id
        };
        self.open(Kind::Call { id, name }, Some(index), out);
    }

    /// Returns the place of a call that has begun.
    fn place_of(&self, index: u64) -> Option<usize> {
        let call = self.parts.iter().find(|part| part.index == Some(index));
        call.map(|part| part.place)
    }

    /// Begins a part. Parts before it are complete by that, but for calls whose arguments are still arriving: a host may
    /// send those of several calls in turns.
    fn open(&mut self, kind: Kind, index: Option<u64>, out: &mut BytesMut) -> usize {
        self.close(out, Part::is_complete);
        let place = self.parts.len();
        let part = Part {
            place,
            kind,
            text: String::new(),
            is_open: true,
            index,
        };
        self.render.open(&part, out);
        self.parts.push(part);
        place
    }

    fn more(&mut self, place: Option<usize>, text: &str, out: &mut BytesMut) {
        self.n_bytes += text.len();
        if self.n_bytes > REPLY_BYTES_MAX {
            let fault = Fault {
                message: "the answer is longer than this gateway accepts".to_owned(),
                code: Some("stream_error".to_owned()),
            };
            self.fail(&fault, out);
            return;
        }
        let part = place.and_then(|place| self.parts.get_mut(place));
        if let Some(part) = part.filter(|part| part.is_open) {
            part.text.push_str(text);
            self.render.more(part, text, out);
        }
    }

    fn close(&mut self, out: &mut BytesMut, which: impl Fn(&Part) -> bool) {
        let open = self.parts.iter_mut().filter(|part| part.is_open);
        for part in open {
            if which(part) {
                part.is_open = false;
                self.render.close(part, out);
            }
        }
    }
}

/// A streamed chat completion as a body in another format. Events leave as soon as the chunk they are made of is there,
/// and none is made before the client takes the one before.
pub struct TranslatedStream<B> {
    chat: B,
    splitter: EventSplitter,
    translation: Translation,
}

impl<B> TranslatedStream<B> {
    pub(crate) fn new(chat: B, translation: Translation) -> Self {
        Self {
            chat,
            splitter: EventSplitter::default(),
            translation,
        }
    }

    fn translate(&mut self, frame: &Bytes) -> Bytes {
        let mut out = BytesMut::new();
        let translation = &mut self.translation;
        self.splitter.push(frame, |event| {
            translation.event(&event_data(event), &mut out);
            Verdict::Drop
        });
        out.freeze()
    }
}

impl<B> Body for TranslatedStream<B>
where
    B: Body<Data = Bytes, Error = Infallible> + Unpin,
{
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = self.get_mut();
        loop {
            let events = match std::task::ready!(Pin::new(&mut this.chat).poll_frame(context)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => this.translate(&data),
                    Err(_) => continue,
                },
                None if this.translation.has_ended => return Poll::Ready(None),
                None => {
                    let mut out = BytesMut::new();
                    this.translation.end(&mut out);
                    out.freeze()
                }
            };
            if !events.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(events))));
            }
        }
    }
}

#[cfg(test)]
mod tests;
