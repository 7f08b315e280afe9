//! One client connection of the mock: input, output, and the stream being sent, if any.

use std::io::{ErrorKind, Read as _, Write as _};

use mio::net::TcpStream;

use super::answer::{Provider, Reply};
use super::stream::ChunkStream;

/// A request bigger than this closes the connection.
const REQUEST_BYTES_MAX: usize = 8 * 1024 * 1024;
/// An undelayed stream is written in batches of this size, as a fast provider's would arrive.
const BATCH_BYTES: usize = 16 * 1024;
const BUFFER_BYTES: usize = 4096;

pub(super) struct Connection {
    socket: TcpStream,
    input: Vec<u8>,
    output: Vec<u8>,
    written: usize,
    stream: Option<ChunkStream>,
    serial: u64,
    /// Close once the output is written.
    is_last: bool,
    is_closed: bool,
}

impl Connection {
    pub(super) fn new(socket: TcpStream, serial: u64) -> Self {
        Self {
            socket,
            input: Vec::with_capacity(BUFFER_BYTES),
            output: Vec::with_capacity(BUFFER_BYTES),
            written: 0,
            stream: None,
            serial,
            is_last: false,
            is_closed: false,
        }
    }

    pub(super) fn serial(&self) -> u64 {
        self.serial
    }

    pub(super) fn is_closed(&self) -> bool {
        self.is_closed
    }

    pub(super) fn is_streaming(&self) -> bool {
        self.stream.is_some()
    }

    /// When the next chunk is due, while a paced stream runs.
    pub(super) fn due_ns(&self) -> Option<u64> {
        self.stream.as_ref().and_then(ChunkStream::due_ns)
    }

    /// Reads what has arrived. A short read means that the socket is empty, unless the peer has
    /// closed: then the end is still to be read.
    pub(super) fn fill(&mut self, scratch: &mut [u8], peer_closed: bool) {
        loop {
            match self.socket.read(scratch) {
                Ok(n_bytes) if n_bytes > 0 => {
                    self.input
                        .extend_from_slice(scratch.get(..n_bytes).unwrap_or_default());
                    if n_bytes < scratch.len() && !peer_closed {
                        return;
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                _ => {
                    self.is_closed = true;
                    return;
                }
            }
        }
    }

    /// Queues what is due now on a paced stream.
    pub(super) fn tick(&mut self, now: u64) {
        let Some(stream) = &mut self.stream else {
            return;
        };
        stream.send_due(now, &mut self.output);
        if stream.is_over() {
            self.stream = None;
        }
    }

    /// Answers complete requests and writes, until the socket is full or nothing is left to do.
    pub(super) fn push(&mut self, provider: &mut Provider) {
        while !self.is_closed {
            if self.stream.is_none() && !self.is_last {
                self.answer(provider);
            }
            self.refill();
            if self.output.is_empty() || !self.flush() {
                return;
            }
            self.is_closed = self.is_last && self.stream.is_none();
        }
    }

    fn answer(&mut self, provider: &mut Provider) {
        match provider.answer(&self.input, &mut self.output) {
            Ok(Some(reply)) => {
                let Reply {
                    used_bytes,
                    stream,
                    is_last,
                } = reply;
                self.input.drain(..used_bytes.min(self.input.len()));
                self.stream = stream;
                self.is_last = is_last;
            }
            Ok(None) if self.input.len() <= REQUEST_BYTES_MAX => {}
            Ok(None) | Err(_) => self.is_closed = true,
        }
    }

    fn refill(&mut self) {
        let Some(stream) = &mut self.stream else {
            return;
        };
        if stream.due_ns().is_none() && self.output.len() < BATCH_BYTES {
            while !stream.is_over() && self.output.len() < BATCH_BYTES {
                stream.send_next(&mut self.output);
            }
            if stream.is_over() {
                self.stream = None;
            }
        }
    }

    /// Writes the output; false when the socket took only part of it, or broke.
    fn flush(&mut self) -> bool {
        while let Some(rest) = self.output.get(self.written..)
            && !rest.is_empty()
        {
            match self.socket.write(rest) {
                Ok(n_bytes) if n_bytes > 0 => self.written += n_bytes,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return false,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                _ => {
                    self.is_closed = true;
                    return false;
                }
            }
        }
        self.output.clear();
        self.written = 0;
        true
    }
}
