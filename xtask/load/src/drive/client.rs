//! One client connection: sends a request, reads its answer.

use std::io::{ErrorKind, Read as _, Write as _};

use anyhow::Context as _;
use memchr::{memchr, memmem};
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};

use super::order::Order;
use super::tally::Tally;
use crate::body::BodyDecoder;
use crate::clock::{STAMP_DIGITS, now_ns};

const HEADERS_MAX: usize = 96;
const BUFFER_BYTES: usize = 8192;
/// Bytes of an answer kept to explain a failure.
const EXCERPT_BYTES: usize = 200;
const STAMP_MARK: &[u8] = b"@T";

/// How a request ended.
pub(super) enum Outcome {
    Answered { sent_at_ns: u64, with_usage: bool },
    Failed(String),
}

/// What has been read of one answer.
#[derive(Default)]
struct Answer {
    head: Vec<u8>,
    decoder: Option<BodyDecoder>,
    status: u16,
    is_last: bool,
    body: Vec<u8>,
    has_begun: bool,
    has_done: bool,
    with_usage: bool,
}

pub(super) struct Client {
    token: Token,
    socket: Option<TcpStream>,
    n_sent: usize,
    sent_at_ns: u64,
    is_streamed: bool,
    is_waiting: bool,
    answer: Answer,
}

impl Client {
    pub(super) fn new(index: usize) -> Self {
        Self {
            token: Token(index),
            socket: None,
            n_sent: 0,
            sent_at_ns: 0,
            is_streamed: false,
            is_waiting: false,
            answer: Answer::default(),
        }
    }

    /// Sends the request, on a new connection if the last one is gone.
    ///
    /// # Errors
    /// No connection can be opened: descriptors have run out, say.
    pub(super) fn begin(&mut self, order: &Order, registry: &Registry) -> anyhow::Result<()> {
        if self.socket.is_none() {
            let mut socket = TcpStream::connect(order.address).context("opening a connection")?;
            socket.set_nodelay(true)?;
            let interest = Interest::READABLE | Interest::WRITABLE;
            registry.register(&mut socket, self.token, interest)?;
            self.socket = Some(socket);
        }
        self.is_streamed = order.is_streamed();
        self.is_waiting = true;
        self.answer.restart();
        self.n_sent = 0;
        self.sent_at_ns = now_ns();
        self.send(&order.request);
        Ok(())
    }

    /// Writes what is left of the request. A broken connection shows when reading.
    pub(super) fn send(&mut self, request: &[u8]) {
        let Some(socket) = &mut self.socket else {
            return;
        };
        while let Some(rest) = request.get(self.n_sent..)
            && !rest.is_empty()
        {
            match socket.write(rest) {
                Ok(n_bytes) if n_bytes > 0 => self.n_sent += n_bytes,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                _ => return,
            }
        }
    }

    /// Reads what has arrived; an outcome when the request is over.
    pub(super) fn receive(&mut self, scratch: &mut [u8], tally: &mut Tally) -> Option<Outcome> {
        loop {
            let socket = self.socket.as_mut()?;
            match socket.read(scratch) {
                Ok(0) => return self.closed(),
                Ok(_) if !self.is_waiting => {
                    self.socket = None; // bytes after the end of an answer
                    return None;
                }
                Ok(n_bytes) => {
                    let data = scratch.get(..n_bytes).unwrap_or_default();
                    match self.absorb(data, tally) {
                        Ok(false) => {}
                        Ok(true) => return Some(self.ended()),
                        Err(error) => return self.failed(format!("{error:#}")),
                    }
                    if n_bytes < scratch.len() {
                        return None;
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return None,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return self.failed(error.to_string()),
            }
        }
    }

    /// Takes in bytes of the answer; true when it is complete.
    fn absorb(&mut self, data: &[u8], tally: &mut Tally) -> anyhow::Result<bool> {
        let now = now_ns();
        let is_complete = self.answer.absorb(data)?;
        if !self.answer.has_begun && !self.answer.body.is_empty() {
            self.answer.has_begun = true;
            tally.first_byte(self.sent_at_ns, now);
        }
        if self.is_streamed && self.answer.status == 200 {
            self.answer.read_events(now, tally);
        }
        Ok(is_complete)
    }

    fn closed(&mut self) -> Option<Outcome> {
        self.socket = None;
        if !self.is_waiting {
            return None;
        }
        let status = self.answer.status;
        self.failed(format!("connection closed early (status {status})"))
    }

    fn ended(&mut self) -> Outcome {
        self.is_waiting = false;
        if self.answer.is_last {
            self.socket = None;
        }
        let status = self.answer.status;
        if status != 200 {
            let excerpt = self.answer.excerpt();
            return Outcome::Failed(format!("status {status}: {excerpt}"));
        }
        if self.is_streamed && !self.answer.has_done {
            return Outcome::Failed("a stream without its end".to_owned());
        }
        Outcome::Answered {
            sent_at_ns: self.sent_at_ns,
            with_usage: self.answer.with_usage,
        }
    }

    fn failed(&mut self, reason: String) -> Option<Outcome> {
        self.socket = None;
        let was_waiting = std::mem::take(&mut self.is_waiting);
        was_waiting.then_some(Outcome::Failed(reason))
    }
}

impl Answer {
    /// Makes room for the next answer, keeping the buffers.
    fn restart(&mut self) {
        let (mut head, mut body) = (
            std::mem::take(&mut self.head),
            std::mem::take(&mut self.body),
        );
        head.clear();
        body.clear();
        body.reserve(BUFFER_BYTES);
        *self = Self {
            head,
            body,
            ..Self::default()
        };
    }

    fn absorb(&mut self, data: &[u8]) -> anyhow::Result<bool> {
        if let Some(decoder) = &mut self.decoder {
            decoder.feed(data, &mut self.body)?;
            return Ok(decoder.is_done());
        }
        self.head.extend_from_slice(data);
        let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
        let mut response = httparse::Response::new(&mut headers);
        let parsed = response
            .parse(&self.head)
            .context("reading a response head")?;
        let httparse::Status::Complete(head_bytes) = parsed else {
            return Ok(false);
        };
        self.status = response.code.unwrap_or_default();
        self.is_last = response.headers.iter().any(|header| {
            header.name.eq_ignore_ascii_case("connection")
                && header.value.eq_ignore_ascii_case(b"close")
        });
        let mut decoder = BodyDecoder::of_response(response.headers)?;
        let rest = self.head.get(head_bytes..).unwrap_or_default();
        decoder.feed(rest, &mut self.body)?;
        let is_done = decoder.is_done();
        self.decoder = Some(decoder);
        Ok(is_done)
    }

    /// Reads the complete lines of the body and keeps the incomplete one.
    fn read_events(&mut self, now: u64, tally: &mut Tally) {
        let mut n_read = 0;
        while let Some(rest) = self.body.get(n_read..)
            && let Some(end) = memchr(b'\n', rest)
        {
            let line = rest.get(..end).unwrap_or_default();
            if let Some(stamp_ns) = stamp(line) {
                tally.chunk(stamp_ns, now);
            } else if line.starts_with(b"data: [DONE]") {
                self.has_done = true;
            } else if memmem::find(line, b"\"total_tokens\"").is_some() {
                self.with_usage = true;
            }
            n_read += end + 1;
        }
        self.body.drain(..n_read);
    }

    fn excerpt(&self) -> String {
        let n_bytes = self.body.len().min(EXCERPT_BYTES);
        String::from_utf8_lossy(self.body.get(..n_bytes).unwrap_or_default()).into_owned()
    }
}

/// The mock's time stamp in a content chunk.
fn stamp(line: &[u8]) -> Option<u64> {
    let digits = memmem::find(line, STAMP_MARK)? + STAMP_MARK.len();
    let text = line.get(digits..digits + STAMP_DIGITS)?;
    std::str::from_utf8(text).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream() -> String {
        let events = [
            "data: {\"x\":\"@T1790000000000000000 word\"}\n\n",
            "data: {\"usage\":{\"total_tokens\":11}}\n\n",
            "data: [DONE]\n\n",
        ];
        let chunks = events.map(|event| format!("{:x}\r\n{event}\r\n", event.len()));
        let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
        format!("{head}{}0\r\n\r\n", chunks.concat())
    }

    #[test]
    fn a_stream_is_understood_at_every_split() {
        let stream = stream();
        for split in 1..stream.len() {
            let (first, second) = stream.as_bytes().split_at(split);
            let mut tally = Tally::new(0);
            let mut client = Client::new(0);
            client.is_streamed = true;
            client.absorb(first, &mut tally).unwrap();
            let is_complete = client.absorb(second, &mut tally).unwrap();
            assert!(is_complete, "split at {split}");
            assert!(client.answer.has_done && client.answer.with_usage);
            assert_eq!(tally.report(0, 0)["chunks"], 1, "split at {split}");
        }
    }

    #[test]
    fn a_refusal_is_a_failure_with_its_text() {
        let mut client = Client::new(0);
        let answer = b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 2\r\n\r\nno";
        assert!(client.absorb(answer, &mut Tally::new(0)).unwrap());
        let Outcome::Failed(reason) = client.ended() else {
            panic!("not a failure");
        };
        assert_eq!(reason, "status 401: no");
    }
}
