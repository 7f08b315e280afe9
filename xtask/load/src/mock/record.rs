//! What the mock remembers of its requests.

use serde_json::{Value, json};

/// Counts, and the marks of the last chat completion.
#[derive(Default)]
pub(super) struct Record {
    n_requests: u64,
    n_streams: u64,
    n_refused: u64,
    last_authorization: Vec<u8>,
    last_model: Vec<u8>,
    last_include_usage: bool,
    last_stream: bool,
}

/// The parts of a request that are remembered.
pub(super) struct Marks<'a> {
    pub(super) authorization: &'a [u8],
    pub(super) model: &'a [u8],
    pub(super) include_usage: bool,
    pub(super) stream: bool,
}

impl Record {
    pub(super) fn note(&mut self, marks: &Marks<'_>) {
        self.n_requests += 1;
        self.n_streams += u64::from(marks.stream);
        self.last_authorization.clear();
        self.last_authorization
            .extend_from_slice(marks.authorization);
        self.last_model.clear();
        self.last_model.extend_from_slice(marks.model);
        self.last_include_usage = marks.include_usage;
        self.last_stream = marks.stream;
    }

    pub(super) fn note_refused(&mut self) {
        self.n_refused += 1;
    }

    pub(super) fn to_json(&self) -> Value {
        json!({
            "requests": self.n_requests,
            "streams": self.n_streams,
            "refused": self.n_refused,
            "last": {
                "authorization": String::from_utf8_lossy(&self.last_authorization),
                "model": String::from_utf8_lossy(&self.last_model),
                "include_usage": self.last_include_usage,
                "stream": self.last_stream,
            }
        })
    }
}
