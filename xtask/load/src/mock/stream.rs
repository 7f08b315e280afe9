//! A stream of chat completion chunks, each event framed as one HTTP chunk.

use std::io::Write as _;

use super::answer::PROMPT_TOKENS;
use crate::clock::{STAMP_DIGITS, now_ns};

/// What the stream sends next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Role,
    Content,
    Finish,
    Usage,
    Done,
    Over,
}

/// A stream being sent.
pub(super) struct ChunkStream {
    /// Start of every event, up to and including `"choices":[`.
    prefix: Vec<u8>,
    stage: Stage,
    n_chunks: u64,
    n_chunks_left: u64,
    delay_ns: u64,
    due_ns: u64,
    with_usage: bool,
    event: Vec<u8>,
}

/// What the request asked for.
pub(super) struct StreamOrder<'a> {
    pub(super) model: &'a [u8],
    pub(super) n_chunks: u64,
    pub(super) delay_us: u64,
    pub(super) with_usage: bool,
}

impl ChunkStream {
    /// Begins a stream: its role event goes out at once, together with the response head.
    pub(super) fn begin(order: &StreamOrder<'_>, out: &mut Vec<u8>) -> Self {
        let mut prefix =
            b"data: {\"id\":\"chatcmpl-load\",\"object\":\"chat.completion.chunk\",\"created\":1750000000,\"model\":\""
                .to_vec();
        prefix.extend_from_slice(order.model);
        prefix.extend_from_slice(b"\",\"system_fingerprint\":\"fp_load\",\"choices\":[");
        let delay_ns = order.delay_us.saturating_mul(1000);
        let mut stream = Self {
            prefix,
            stage: Stage::Role,
            n_chunks: order.n_chunks,
            n_chunks_left: order.n_chunks,
            delay_ns,
            due_ns: now_ns().saturating_add(delay_ns),
            with_usage: order.with_usage,
            event: Vec::with_capacity(512),
        };
        stream.send_next(out);
        stream
    }

    pub(super) fn is_over(&self) -> bool {
        self.stage == Stage::Over
    }

    /// When the next content chunk is due; none on a stream without delay, or at its end.
    pub(super) fn due_ns(&self) -> Option<u64> {
        (self.delay_ns > 0 && !self.is_over()).then_some(self.due_ns)
    }

    /// Sends one chunk, and with the last one everything that follows it. A stream that is late
    /// does not catch up in a burst: that would measure the mock.
    pub(super) fn send_due(&mut self, now: u64, out: &mut Vec<u8>) {
        self.send_next(out);
        while !matches!(self.stage, Stage::Content | Stage::Over) {
            self.send_next(out);
        }
        self.due_ns = self.due_ns.saturating_add(self.delay_ns).max(now);
    }

    /// Queues the next event.
    pub(super) fn send_next(&mut self, out: &mut Vec<u8>) {
        self.event.clear();
        self.event.extend_from_slice(&self.prefix);
        match self.stage {
            Stage::Role => self.role(),
            Stage::Content => self.content(),
            Stage::Finish => self.finish(),
            Stage::Usage => self.usage(),
            Stage::Done => {
                self.event.clear();
                self.event.extend_from_slice(b"data: [DONE]\n\n");
                self.stage = Stage::Over;
            }
            Stage::Over => return,
        }
        // Writing to a Vec cannot fail.
        let _ = write!(out, "{:x}\r\n", self.event.len());
        out.extend_from_slice(&self.event);
        out.extend_from_slice(b"\r\n");
        if self.is_over() {
            out.extend_from_slice(b"0\r\n\r\n");
        }
    }

    fn role(&mut self) {
        self.event.extend_from_slice(
            b"{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"logprobs\":null,\"finish_reason\":null}]}\n\n",
        );
        self.stage = self.after_content();
    }

    fn content(&mut self) {
        let now = now_ns();
        let _ = write!(
            self.event,
            "{{\"index\":0,\"delta\":{{\"content\":\"@T{now:0STAMP_DIGITS$} word\"}},\"logprobs\":null,\"finish_reason\":null}}]}}\n\n"
        );
        self.n_chunks_left = self.n_chunks_left.saturating_sub(1);
        self.stage = self.after_content();
    }

    fn after_content(&self) -> Stage {
        if self.n_chunks_left == 0 {
            Stage::Finish
        } else {
            Stage::Content
        }
    }

    fn finish(&mut self) {
        self.event.extend_from_slice(
            b"{\"index\":0,\"delta\":{},\"logprobs\":null,\"finish_reason\":\"stop\"}]}\n\n",
        );
        self.stage = if self.with_usage {
            Stage::Usage
        } else {
            Stage::Done
        };
    }

    fn usage(&mut self) {
        let (completion, total) = (self.n_chunks, self.n_chunks + PROMPT_TOKENS);
        let _ = write!(
            self.event,
            "],\"usage\":{{\"prompt_tokens\":{PROMPT_TOKENS},\"completion_tokens\":{completion},\"total_tokens\":{total}}}}}\n\n"
        );
        self.stage = Stage::Done;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(with_usage: bool) -> String {
        let order = StreamOrder {
            model: b"m",
            n_chunks: 2,
            delay_us: 0,
            with_usage,
        };
        let mut out = Vec::new();
        let mut stream = ChunkStream::begin(&order, &mut out);
        while !stream.is_over() {
            stream.send_next(&mut out);
        }
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_stream_has_its_chunks_and_its_end() {
        let text = sent(false);
        assert_eq!(text.matches("@T").count(), 2);
        assert_eq!(text.matches("\"usage\"").count(), 0);
        assert!(text.ends_with("e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n"));
    }

    #[test]
    fn usage_comes_only_when_asked_for() {
        assert!(sent(true).contains("\"completion_tokens\":2,\"total_tokens\":59}"));
    }

    #[test]
    fn the_last_due_chunk_brings_the_end_with_it() {
        let order = StreamOrder {
            model: b"m",
            n_chunks: 1,
            delay_us: 1000,
            with_usage: true,
        };
        let mut out = Vec::new();
        let mut stream = ChunkStream::begin(&order, &mut out);
        assert!(stream.due_ns().is_some());
        stream.send_due(now_ns(), &mut out);
        assert!(stream.is_over());
        assert_eq!(stream.due_ns(), None);
    }
}
