//! A streamed chat reply on its way from the upstream to the client.
//!
//! Events leave as the upstream wrote them, one documented patch apart: when the gateway asked for usage and the
//! client did not, the usage-only chunk is taken out. Meanwhile the scanner learns what the ledger needs. A stream
//! never just stops: when the upstream cuts it, goes silent, or the gateway must shut down, the client gets an
//! OpenAI-shaped error event first.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::LazyLock;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame};
use memchr::memmem::Finder;
use tokio::time::{Instant, Sleep};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use crate::json_span::Object;
use crate::sse::{EventSplitter, Verdict, event_data};
use crate::usage::Usage;

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
}

/// How a stream is to be forwarded.
pub struct StreamPolicy {
    /// Take out the usage-only chunk, because only the gateway asked for it.
    pub strip_usage: bool,
    /// Longest silence between two frames.
    pub idle_max: Duration,
    /// Cancelled when open streams must end now.
    pub stop: CancellationToken,
}

/// Why a stream failed before its first content, while the request can still be tried elsewhere.
#[derive(Debug)]
pub enum OpenError {
    /// The first event is an error envelope; its JSON is here.
    Event(Bytes),
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

/// Reads events as they pass.
struct Watch {
    strip_usage: bool,
    usage: Option<Usage>,
    events: u64,
    finished: bool,
    done: bool,
    error: Option<Bytes>,
}

static USAGE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\"usage\":"));
static FINISH: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\"finish_reason\":"));
static ERROR: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\"error\""));

impl Watch {
    fn look(&mut self, event: &[u8]) -> Verdict {
        let data = event_data(event);
        if data.is_empty() {
            return Verdict::Keep;
        }
        if data.as_ref() == b"[DONE]" {
            self.done = true;
            return Verdict::Keep;
        }
        self.events += 1;
        self.finished |= value_after(&data, &FINISH).is_some_and(|first| first == b'"');
        if ERROR.find(&data).is_some() && is_error_envelope(&data) {
            self.error = Some(Bytes::copy_from_slice(&data));
            return Verdict::Keep;
        }
        match value_after(&data, &USAGE) {
            Some(b'{') => self.look_at_usage(&data),
            _ => Verdict::Keep,
        }
    }

    fn look_at_usage(&mut self, data: &[u8]) -> Verdict {
        let Some(object) = std::str::from_utf8(data)
            .ok()
            .and_then(|text| Object::scan(text).ok())
        else {
            return Verdict::Keep;
        };
        let Some(usage) = object.raw("usage").and_then(Usage::parse) else {
            return Verdict::Keep;
        };
        self.usage = Some(usage);
        let usage_only = object
            .raw("choices")
            .is_none_or(|choices| choices.split_whitespace().eq(["[]"]) || choices == "[]");
        if usage_only && self.strip_usage {
            Verdict::Drop
        } else {
            Verdict::Keep
        }
    }
}

/// Returns the first character of the value after the first occurrence of the member `key` (given with its colon).
fn value_after(data: &[u8], key: &Finder<'_>) -> Option<u8> {
    let at = key.find(data)? + key.needle().len();
    data.get(at..)?
        .iter()
        .copied()
        .find(|byte| !byte.is_ascii_whitespace())
}

/// Says whether `data` is `{"error": …}` or the native `{"code": …, "message": …}` rather than a chunk.
fn is_error_envelope(data: &[u8]) -> bool {
    std::str::from_utf8(data)
        .ok()
        .and_then(|text| Object::scan(text).ok())
        .is_some_and(|object| object.raw("error").is_some_and(|error| error != "null"))
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
            watch: Watch {
                strip_usage: policy.strip_usage,
                usage: None,
                events: 0,
                finished: false,
                done: false,
                error: None,
            },
            ready: VecDeque::with_capacity(2),
            ended: None,
            idle: Box::pin(tokio::time::sleep(policy.idle_max)),
            idle_max: policy.idle_max,
            last_frame: Instant::now(),
            stopped: Box::pin(policy.stop.clone().cancelled_owned()),
            stop: policy.stop,
            on_end: None,
        };
        std::future::poll_fn(|context| {
            while stream.watch.events == 0 && !stream.watch.done && stream.ended.is_none() {
                std::task::ready!(stream.poll_upstream(context));
            }
            Poll::Ready(())
        })
        .await;
        match (stream.watch.error.take(), stream.ended) {
            (Some(data), _) => Err(OpenError::Event(data)),
            (None, Some(Ended::Silent)) => Err(OpenError::Silent),
            (None, Some(Ended::Stopped)) => Err(OpenError::Stopped),
            (None, _) if stream.watch.events == 0 => Err(OpenError::Empty),
            (None, _) => Ok(stream),
        }
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
        if !rest.is_empty() && is_whole_event(&rest) && self.watch.look(&rest) == Verdict::Keep {
            self.push_ready(rest);
            self.push_ready(Bytes::from_static(b"\n\n"));
        }
        if self.watch.error.is_some() {
            self.ended = Some(Ended::UpstreamError);
        } else if self.watch.done {
            self.ended = Some(Ended::Complete);
        } else if self.watch.finished && !broken {
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

    fn end_with_error(&mut self, ended: Ended, message: &str, code: &str) {
        self.ended = Some(ended);
        let event = serde_json::json!({"error": {"message": message, "type": "api_error", "param": null, "code": code}});
        self.push_ready(Bytes::from(format!("data: {event}\n\n")));
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
            (None, None) => Ended::ClientGone,
        };
        StreamEnd {
            usage: self.watch.usage,
            ended,
            events: self.watch.events,
        }
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
