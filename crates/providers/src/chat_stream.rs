//! A streamed chat reply on its way from the upstream to the client.
//!
//! Events leave as the upstream wrote them, few documented patches apart: when the gateway asked for usage and the
//! client did not, the usage-only chunk is taken out; tool calls and reasoning are put in order
//! ([`crate::chat_repair`]); a missing end marker is added; an error event that clients would not understand, or that
//! repeats the credential, is rewritten. Meanwhile the scanner learns what the ledger needs. A stream
//! never just stops: when the upstream cuts it, goes silent, or the gateway must shut down, the client gets an
//! OpenAI-shaped error event first.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use catalog::ThinkTags;
use credentials::Secret;
use http_body::{Body, Frame};
use tokio::time::{Instant, Sleep};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use crate::chat_repair::Repairs;
use crate::formats::Format;
use crate::json_span::Object;
use crate::sse::{EventSplitter, HELD_EVENT_BYTES_MAX, Verdict, event_data};
use crate::usage::Usage;

mod native;
mod watch;

pub(crate) use native::usage as native_usage;
use watch::Watch;
pub(crate) use watch::is_error_envelope;

/// How a stream ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The upstream said so with `[DONE]` or a finish reason.
    Complete,
    /// The upstream sent an error event after the first content.
    UpstreamError,
    /// The connection closed before the answer was finished.
    UpstreamCut,
    /// Nothing arrived for the idle limit.
    Silent,
    /// The gateway had to stop and the drain deadline had passed.
    Stopped,
    /// The client went away.
    ClientGone,
}

impl Ended {
    /// Returns the name used in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::UpstreamError => "upstream_error",
            Self::UpstreamCut => "upstream_cut",
            Self::Silent => "silent",
            Self::Stopped => "stopped",
            Self::ClientGone => "client_gone",
        }
    }
}

/// What was learnt from a stream by the time it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamEnd {
    /// Token counts, when the upstream sent them.
    pub usage: Option<Usage>,
    /// How it ended.
    pub ended: Ended,
    /// Data events received.
    pub events: u64,
    /// What was put in order.
    pub repairs: Repairs,
}

/// How a stream is to be forwarded.
pub struct StreamPolicy {
    /// Take out the usage-only chunk, because only the gateway asked for it.
    pub strip_usage: bool,
    /// Longest silence between two frames.
    pub idle_max: Duration,
    /// Cancelled when open streams must end now.
    pub stop: CancellationToken,
    /// How many answers were asked for; the stream is complete when so many have ended.
    pub n_choices: u64,
    /// What the upstream speaks; in other formats than chat completions nothing is put in order.
    pub format: Format,
    /// Where reasoning stands in the text of the answer.
    pub think_tags: ThinkTags,
    /// The credential, which must not go on when the upstream repeats it in an error.
    pub secret: Option<Secret>,
}

/// Why a stream failed before its first content, while the request can still be tried elsewhere.
#[derive(Debug)]
pub enum OpenError {
    /// The first event is an error envelope; its JSON is here.
    Event(Bytes),
    /// What arrived is not a stream of JSON events.
    Garbage,
    /// The stream ended without any data.
    Empty,
    /// Nothing arrived for the idle limit.
    Silent,
    /// The gateway is shutting down.
    Stopped,
}

type OnEnd = Box<dyn FnOnce(StreamEnd) + Send>;

/// A reply body that forwards complete events and reports once how the stream ended, also when it is dropped.
pub struct ChatStream<B> {
    upstream: B,
    splitter: EventSplitter,
    watch: Watch,
    ready: VecDeque<Bytes>,
    ended: Option<Ended>,
    idle: Pin<Box<Sleep>>,
    idle_max: Duration,
    last_frame: Instant,
    stop: CancellationToken,
    stopped: Pin<Box<WaitForCancellationFutureOwned>>,
    on_end: Option<OnEnd>,
}

impl<B> ChatStream<B>
where
    B: Body<Data = Bytes> + Unpin,
{
    /// Wraps `upstream` and waits for its first data event, so that an error inside a 200 stream is still a failure
    /// that can be answered with a status and tried elsewhere.
    ///
    /// # Errors
    /// [`OpenError`] when there is nothing to commit to.
    ///
    /// # Cancel safety
    /// Dropping the future drops the upstream connection; nothing was sent to the client yet.
    pub async fn open(upstream: B, policy: StreamPolicy) -> Result<Self, OpenError> {
        let mut stream = Self {
            upstream,
            splitter: EventSplitter::default(),
            watch: Watch::new(&policy),
            ready: VecDeque::with_capacity(2),
            ended: None,
            idle: Box::pin(tokio::time::sleep(policy.idle_max)),
            idle_max: policy.idle_max,
            last_frame: Instant::now(),
            stopped: Box::pin(policy.stop.clone().cancelled_owned()),
            stop: policy.stop,
            on_end: None,
        };
        stream.until_data().await;
        match (stream.watch.error.take(), stream.ended) {
            (Some(data), _) => Err(OpenError::Event(data)),
            (None, Some(Ended::Silent)) => Err(OpenError::Silent),
            (None, Some(Ended::Stopped)) => Err(OpenError::Stopped),
            (None, _) if stream.watch.garbage || stream.awaits_data() => Err(OpenError::Garbage),
            (None, _) if stream.watch.events == 0 => Err(OpenError::Empty),
            (None, _) => Ok(stream),
        }
    }

    /// Waits for the first data event, for the end, or for more bytes without data than may be held.
    async fn until_data(&mut self) {
        let mut held_bytes = 0;
        std::future::poll_fn(|context| {
            while self.awaits_data() && held_bytes <= HELD_EVENT_BYTES_MAX {
                let before = self.ready.len();
                std::task::ready!(self.poll_upstream(context));
                let added = self.ready.iter().skip(before);
                held_bytes += added.map(Bytes::len).sum::<usize>();
            }
            Poll::Ready(())
        })
        .await;
    }

    fn awaits_data(&self) -> bool {
        self.watch.events == 0 && !self.watch.done && self.ended.is_none()
    }

    /// Sets what is called once when the stream has ended or was dropped.
    #[must_use]
    pub fn on_end(mut self, report: impl FnOnce(StreamEnd) + Send + 'static) -> Self {
        self.on_end = Some(Box::new(report));
        self
    }

    /// Takes one step: a frame, the end, a timer. Afterwards `ready` or `ended` may have changed.
    fn poll_upstream(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if self.stop.is_cancelled() {
            self.end_with_error(
                Ended::Stopped,
                "the gateway is shutting down",
                "gateway_shutdown",
            );
            return Poll::Ready(());
        }
        match Pin::new(&mut self.upstream).poll_frame(context) {
            Poll::Ready(Some(Ok(frame))) => {
                if let Ok(data) = frame.into_data() {
                    self.last_frame = Instant::now();
                    let watch = &mut self.watch;
                    let complete = self.splitter.push(&data, |event| watch.look(event));
                    self.push_ready(complete);
                }
                Poll::Ready(())
            }
            Poll::Ready(Some(Err(_))) => {
                self.end_of_upstream(true);
                Poll::Ready(())
            }
            Poll::Ready(None) => {
                self.end_of_upstream(false);
                Poll::Ready(())
            }
            Poll::Pending => self.poll_timers(context),
        }
    }

    fn poll_timers(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if self.stopped.as_mut().poll(context).is_ready() {
            return Poll::Ready(()); // the next step sees the cancelled token
        }
        while self.idle.as_mut().poll(context).is_ready() {
            let due = self.last_frame + self.idle_max;
            if due <= Instant::now() {
                self.end_with_error(
                    Ended::Silent,
                    "the upstream went silent in the middle of the answer",
                    "stream_error",
                );
                return Poll::Ready(());
            }
            // Frames arrived since the timer was set; re-arming only here keeps timers off the path of each frame.
            self.idle.as_mut().reset(due);
        }
        Poll::Pending
    }

    fn end_of_upstream(&mut self, broken: bool) {
        let rest = self.splitter.finish();
        if is_whole_event(&rest) {
            self.push_last(rest);
        }
        if self.watch.error.is_some() {
            self.ended = Some(Ended::UpstreamError);
        } else if self.watch.done {
            self.ended = Some(Ended::Complete);
        } else if self.watch.is_finished() && !broken {
            let held = self.watch.held(true);
            self.push_ready(held);
            self.push_ready(Bytes::from_static(b"data: [DONE]\n\n"));
            self.ended = Some(Ended::Complete);
        } else if self.watch.events == 0 {
            self.ended = Some(Ended::UpstreamCut);
        } else {
            self.end_with_error(
                Ended::UpstreamCut,
                "the upstream closed the stream before the answer was finished",
                "stream_error",
            );
        }
    }

    /// Ends the stream with an error event, unless the client can tell already that it has ended.
    fn end_with_error(&mut self, ended: Ended, message: &str, code: &str) {
        if self.watch.done {
            self.ended = Some(Ended::Complete);
            return;
        }
        self.ended = Some(ended);
        if self.watch.error.is_none() {
            let held = self.watch.held(false);
            self.push_ready(held);
            let event = self.watch.error_event(message, Some(code));
            self.push_ready(event);
        }
    }

    /// Forwards an event that lacks its blank line, with one.
    fn push_last(&mut self, event: Bytes) {
        let line_ends = if event.ends_with(b"\n") { "\n" } else { "\n\n" };
        match self.watch.look(&event) {
            Verdict::Keep => {
                self.push_ready(event);
                self.push_ready(Bytes::from_static(line_ends.as_bytes()));
            }
            Verdict::Drop => {}
            Verdict::Replace(bytes) => self.push_ready(bytes),
        }
    }

    fn push_ready(&mut self, bytes: Bytes) {
        if !bytes.is_empty() {
            self.ready.push_back(bytes);
        }
    }
}

/// Says whether the unterminated rest of a stream is an event whose payload arrived in full.
fn is_whole_event(rest: &[u8]) -> bool {
    let data = event_data(rest);
    data.as_ref() == b"[DONE]"
        || std::str::from_utf8(&data).is_ok_and(|text| Object::scan(text).is_ok())
}

impl<B> ChatStream<B> {
    /// Returns what is known now; final once the body has ended.
    pub fn end(&self) -> StreamEnd {
        let ended = match (&self.watch.error, self.ended) {
            (Some(_), _) => Ended::UpstreamError,
            (None, Some(ended)) => ended,
            // A client may hang up on the end marker; how the upstream closes is none of its business.
            (None, None) if self.watch.done && self.ready.is_empty() => Ended::Complete,
            (None, None) => Ended::ClientGone,
        };
        StreamEnd {
            usage: self.watch.usage,
            ended,
            events: self.watch.events,
            repairs: self.watch.repairs(),
        }
    }

    /// Returns the error that the upstream sent inside the stream.
    pub(crate) fn upstream_error(&self) -> Option<&Bytes> {
        self.watch.error.as_ref()
    }

    fn report(&mut self) {
        if let Some(report) = self.on_end.take() {
            report(self.end());
        }
    }
}

impl<B> Drop for ChatStream<B> {
    fn drop(&mut self) {
        self.report();
    }
}

impl<B> Body for ChatStream<B>
where
    B: Body<Data = Bytes> + Unpin,
{
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = self.get_mut();
        loop {
            if let Some(bytes) = this.ready.pop_front() {
                return Poll::Ready(Some(Ok(Frame::data(bytes))));
            }
            if this.ended.is_some() {
                this.report();
                return Poll::Ready(None);
            }
            std::task::ready!(this.poll_upstream(context));
        }
    }
}

#[cfg(test)]
mod tests;
