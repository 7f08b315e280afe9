//! Puts an answer on the wire, at the scripted pace and as far as scripted.
//!
//! Every event is one body frame, and after each frame the body is not ready
//! for one turn, so that the connection flushes it: one write per event, as a
//! real stream arrives.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::Sleep;

use crate::journal::{Outcome, Witness};
use crate::reply::{Content, Events};
use crate::script::Rule;

/// Time given to the connection to send what precedes a scripted cut.
const CUT_LINGER: Duration = Duration::from_millis(5);

/// A scripted end of the connection.
#[derive(Debug, thiserror::Error)]
#[error("the script cuts this reply")]
pub(crate) struct Cut;

/// How fast and how far a body is sent.
#[derive(Default)]
pub(crate) struct Pace {
    first_byte_delay: Duration,
    trickle_delay: Duration,
    cut_after_events: Option<u64>,
    cut_after_bytes: Option<u64>,
    chunk_bytes: Option<usize>,
    /// An event that ends the stream after so many others.
    error_event: Option<(u64, Bytes)>,
}

impl Pace {
    /// Reads the pace out of a rule; `error_event` is what it would send as an error.
    pub(crate) fn of(rule: &Rule, error_event: Bytes) -> Self {
        Self {
            first_byte_delay: Duration::from_millis(rule.first_byte_delay_ms),
            trickle_delay: Duration::from_millis(rule.trickle_delay_ms),
            cut_after_events: rule.cut_after_events,
            cut_after_bytes: rule.cut_after_bytes,
            chunk_bytes: rule.chunk_bytes,
            error_event: rule
                .stream_error_after_events
                .map(|after| (after, error_event)),
        }
    }
}

/// The body of a reply.
pub(crate) struct Delivery {
    source: Source,
    pace: Pace,
    /// What is left of the event being sent in pieces.
    rest: Bytes,
    n_events: u64,
    n_bytes: u64,
    wait: Option<Pin<Box<Sleep>>>,
    flush_first: bool,
    cut_announced: bool,
    witness: Option<Witness>,
}

enum Source {
    /// A body in one piece; the next event is all of it.
    Whole(Option<Bytes>),
    /// The next event and those after it.
    Events(Option<Bytes>, Events),
}

enum Step {
    Send(Bytes),
    Cut,
    End,
}

impl Delivery {
    pub(crate) fn new(content: Content, pace: Pace, witness: Option<Witness>) -> Self {
        let source = match content {
            Content::Empty => Source::Whole(None),
            Content::Whole(bytes) => Source::Whole(Some(bytes)),
            Content::Events(mut events) => Source::Events(events.next(), events),
        };
        let wait = sleep(pace.first_byte_delay);
        let mut delivery = Self {
            source,
            pace,
            rest: Bytes::new(),
            n_events: 0,
            n_bytes: 0,
            wait,
            flush_first: false,
            cut_announced: false,
            witness,
        };
        if delivery.nothing_follows() {
            delivery.ended(Outcome::Complete);
        }
        delivery
    }

    fn step(&mut self) -> Step {
        if self
            .pace
            .cut_after_bytes
            .is_some_and(|after| self.n_bytes >= after)
        {
            return Step::Cut;
        }
        if self.rest.is_empty() {
            if self
                .pace
                .cut_after_events
                .is_some_and(|after| self.n_events >= after)
            {
                return Step::Cut;
            }
            match self.next_event() {
                Some(event) => self.rest = event,
                None => return Step::End,
            }
        }
        let piece_bytes = self.piece_bytes();
        let piece = self.rest.split_to(piece_bytes);
        self.n_bytes += piece.len() as u64;
        self.flush_first = true;
        if self.rest.is_empty() {
            self.event_done();
        }
        Step::Send(piece)
    }

    /// Returns how much of the current event goes out next.
    fn piece_bytes(&self) -> usize {
        let left = self
            .pace
            .cut_after_bytes
            .map_or(u64::MAX, |after| after - self.n_bytes);
        let left = usize::try_from(left).unwrap_or(usize::MAX);
        self.rest
            .len()
            .min(self.pace.chunk_bytes.unwrap_or(usize::MAX))
            .min(left)
    }

    fn next_event(&mut self) -> Option<Bytes> {
        let streaming = matches!(self.source, Source::Events(..));
        if let Some((_, event)) = self
            .pace
            .error_event
            .take_if(|(after, _)| streaming && self.n_events >= *after)
        {
            self.source = Source::Whole(None);
            return Some(event);
        }
        match &mut self.source {
            Source::Whole(bytes) => bytes.take(),
            Source::Events(upcoming, events) => {
                let event = upcoming.take();
                *upcoming = events.next();
                event
            }
        }
    }

    fn event_done(&mut self) {
        self.n_events += 1;
        if let Some(witness) = &self.witness {
            witness.event_sent();
        }
        self.wait = sleep(self.pace.trickle_delay);
        if self.nothing_follows() {
            self.ended(Outcome::Complete);
        }
    }

    fn nothing_follows(&self) -> bool {
        let cut_follows =
            self.pace.cut_after_events.is_some() || self.pace.cut_after_bytes.is_some();
        let empty = match &self.source {
            Source::Whole(bytes) => bytes.is_none(),
            Source::Events(upcoming, _) => upcoming.is_none() && self.pace.error_event.is_none(),
        };
        self.rest.is_empty() && empty && !cut_follows
    }

    fn ended(&mut self, outcome: Outcome) {
        if let Some(witness) = &self.witness {
            witness.ended(outcome);
        }
    }
}

fn sleep(wait: Duration) -> Option<Pin<Box<Sleep>>> {
    (!wait.is_zero()).then(|| Box::pin(tokio::time::sleep(wait)))
}

impl Body for Delivery {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        let this = &mut *self;
        loop {
            if this.flush_first {
                this.flush_first = false;
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            if let Some(wait) = &mut this.wait {
                ready!(wait.as_mut().poll(context));
                this.wait = None;
            }
            match this.step() {
                Step::Send(piece) => return Poll::Ready(Some(Ok(Frame::data(piece)))),
                Step::Cut if this.cut_announced => {
                    this.ended(Outcome::Cut);
                    return Poll::Ready(Some(Err(Cut)));
                }
                Step::Cut => {
                    this.cut_announced = true;
                    this.wait = sleep(CUT_LINGER);
                }
                Step::End => {
                    this.ended(Outcome::Complete);
                    return Poll::Ready(None);
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.nothing_follows()
    }

    fn size_hint(&self) -> SizeHint {
        // The service sends everything chunked, except that it sends nothing.
        if self.n_bytes == 0 && self.nothing_follows() {
            SizeHint::with_exact(0)
        } else {
            SizeHint::default()
        }
    }
}
