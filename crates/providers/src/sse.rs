//! Cuts a byte stream into server-sent events at any frame boundary, without copying whole frames.

use std::ops::Range;

use bytes::{Bytes, BytesMut};
use memchr::memchr;

/// Longest event held back while its end is awaited, in bytes. A longer one is passed through unseen.
pub const HELD_EVENT_BYTES_MAX: usize = 1024 * 1024;

/// What to do with an event that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The event goes on to the client.
    Keep,
    /// The event is taken out of the stream.
    Drop,
    /// These bytes go on instead of the event.
    Replace(Bytes),
}

/// A range of the text and what goes on in its place.
type Edit = (Range<usize>, Bytes);

/// Splits frames into events, holding at most one unfinished event.
#[derive(Debug, Default)]
pub struct EventSplitter {
    held: BytesMut,
}

impl EventSplitter {
    /// Feeds one frame. `look` sees every complete event once, in order, and its terminating blank line. Returns the
    /// complete events that were kept, as they were; an unfinished event stays here until its end arrives.
    pub fn push(&mut self, frame: &Bytes, look: impl FnMut(&[u8]) -> Verdict) -> Bytes {
        if self.held.is_empty() {
            let (end, edits) = scan(frame, look);
            self.hold(frame.get(end..).unwrap_or_default());
            return keep(frame.slice(..end), &edits);
        }
        self.held.extend_from_slice(frame);
        let (mut end, edits) = scan(&self.held, look);
        if self.held.len() - end > HELD_EVENT_BYTES_MAX {
            end = self.held.len();
        }
        keep(self.held.split_to(end).freeze(), &edits)
    }

    /// Returns what is left when the stream ends: an event without its blank line, or nothing.
    pub fn finish(&mut self) -> Bytes {
        self.held.split().freeze()
    }

    fn hold(&mut self, rest: &[u8]) {
        self.held.extend_from_slice(rest);
    }
}

/// Runs `look` over the complete events of `text`; returns where they end and what to change in them.
fn scan(text: &[u8], mut look: impl FnMut(&[u8]) -> Verdict) -> (usize, Vec<Edit>) {
    let mut edits = Vec::new();
    let mut start = 0;
    while let Some(end) = event_end(text, start) {
        match look(text.get(start..end).unwrap_or_default()) {
            Verdict::Keep => {}
            Verdict::Drop => edits.push((start..end, Bytes::new())),
            Verdict::Replace(bytes) => edits.push((start..end, bytes)),
        }
        start = end;
    }
    (start, edits)
}

fn keep(complete: Bytes, edits: &[Edit]) -> Bytes {
    if edits.is_empty() {
        return complete;
    }
    let mut out = BytesMut::with_capacity(complete.len());
    let mut at = 0;
    for (range, instead) in edits {
        out.extend_from_slice(complete.get(at..range.start).unwrap_or_default());
        out.extend_from_slice(instead);
        at = range.end;
    }
    out.extend_from_slice(complete.get(at..).unwrap_or_default());
    out.freeze()
}

/// Returns the offset after the blank line that ends the event starting at `from`.
fn event_end(text: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        let line_end = at + memchr(b'\n', text.get(at..)?)? + 1;
        match text.get(line_end..)? {
            [b'\n', ..] => return Some(line_end + 1),
            [b'\r', b'\n', ..] => return Some(line_end + 2),
            _ => at = line_end,
        }
    }
}

/// Returns the `data` of an event: the payload of its only data line, or of several joined by newlines.
pub fn event_data(event: &[u8]) -> std::borrow::Cow<'_, [u8]> {
    let mut lines = event.split(|&byte| byte == b'\n').filter_map(|line| {
        let payload = line
            .strip_suffix(b"\r")
            .unwrap_or(line)
            .strip_prefix(b"data:")?;
        Some(payload.strip_prefix(b" ").unwrap_or(payload))
    });
    let Some(first) = lines.next() else {
        return std::borrow::Cow::Borrowed(&[]);
    };
    let Some(second) = lines.next() else {
        return std::borrow::Cow::Borrowed(first);
    };
    let mut joined = first.to_vec();
    for line in std::iter::once(second).chain(lines) {
        joined.push(b'\n');
        joined.extend_from_slice(line);
    }
    std::borrow::Cow::Owned(joined)
}

/// Appends an event with one line of `data`.
pub fn push_event(out: &mut BytesMut, data: &[u8]) {
    out.extend_from_slice(b"data: ");
    out.extend_from_slice(data);
    out.extend_from_slice(b"\n\n");
}

/// Appends `event` with one line of `data` in place of its own; its other lines stay.
pub fn with_data(out: &mut BytesMut, event: &[u8], data: &[u8]) {
    let lines = event.split(|&byte| byte == b'\n');
    for line in lines.filter(|line| !line.trim_ascii().is_empty() && !line.starts_with(b"data:")) {
        out.extend_from_slice(line);
        out.extend_from_slice(b"\n");
    }
    push_event(out, data);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn feed(text: &[u8], cuts: &[usize], drop: &[u8]) -> (Vec<u8>, Vec<Vec<u8>>) {
        let mut splitter = EventSplitter::default();
        let (mut out, mut seen, mut at) = (Vec::new(), Vec::new(), 0);
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (text.len() + 1)).collect();
        cuts.sort_unstable();
        cuts.push(text.len());
        for cut in cuts {
            let frame = Bytes::copy_from_slice(&text[at..cut]);
            out.extend_from_slice(&splitter.push(&frame, |event| {
                seen.push(event_data(event).into_owned());
                if event_data(event).as_ref() == drop {
                    Verdict::Drop
                } else {
                    Verdict::Keep
                }
            }));
            at = cut;
        }
        out.extend_from_slice(&splitter.finish());
        (out, seen)
    }

    #[test]
    fn data_is_what_the_lines_say() {
        assert_eq!(event_data(b"data: {}\n\n").as_ref(), b"{}");
        assert_eq!(
            event_data(b"id:1\r\nevent:error\r\ndata:{}\r\n\r\n").as_ref(),
            b"{}"
        );
        assert_eq!(event_data(b"data: a\ndata: b\n\n").as_ref(), b"a\nb");
        assert_eq!(event_data(b": keep-alive\n\n").as_ref(), b"");
    }

    #[test]
    fn an_endless_event_is_not_held_for_ever() {
        let mut splitter = EventSplitter::default();
        let mut out = 0;
        for _ in 0..40 {
            out += splitter
                .push(&Bytes::from(vec![b'x'; 64 * 1024]), |_| Verdict::Keep)
                .len();
        }
        assert!(out >= HELD_EVENT_BYTES_MAX);
    }

    proptest! {
        #[test]
        fn every_split_gives_the_same(
            events in prop::collection::vec("[a-z]{0,6}", 1..8), cuts in prop::collection::vec(any::<usize>(), 0..12),
            crlf in any::<bool>(),
        ) {
            let newline = if crlf { "\r\n" } else { "\n" };
            let event = |data: &String| format!("data: {data}{newline}{newline}");
            let text = events.iter().map(event).collect::<Vec<_>>().concat();
            let (out, seen) = feed(text.as_bytes(), &cuts, b"drop");
            prop_assert_eq!(String::from_utf8(out).unwrap(), text.clone());
            let seen: Vec<String> = seen.into_iter().map(|data| String::from_utf8(data).unwrap()).collect();
            prop_assert_eq!(&seen, &events);
            let first = events[0].clone();
            let (out, _) = feed(text.as_bytes(), &cuts, first.as_bytes());
            let kept = events.iter().filter(|data| **data != first).map(event).collect::<Vec<_>>().concat();
            prop_assert_eq!(String::from_utf8(out).unwrap(), kept);
        }
    }
}
