//! A client that shows exactly what came over the socket: status, headers, body, and whether the body was cut.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;

/// Longest wait for the next byte of the gateway.
const SOCKET_WAIT: Duration = Duration::from_secs(20);

/// Everything that was ever received, to look for secrets in.
pub(crate) type Received = Arc<Mutex<Vec<u8>>>;

/// A request to be sent.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    line: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

/// A complete answer.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    /// HTTP status.
    pub(crate) status: u16,
    /// Headers in order, names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    /// The body without its framing.
    pub(crate) body: Vec<u8>,
    /// Whether the body ended as its framing says.
    pub(crate) is_whole: bool,
}

/// An answer whose body is still arriving.
pub(crate) struct Arriving {
    stream: TcpStream,
    received: Received,
    head: Vec<u8>,
    framed: Vec<u8>,
    closed: bool,
}

impl Ask {
    /// Begins a request without headers but `Host`.
    pub(crate) fn new(method: &str, path: &str) -> Self {
        Self {
            line: format!("{method} {path} HTTP/1.1"),
            headers: vec![("Host".to_owned(), "localhost".to_owned())],
            body: Vec::new(),
        }
    }

    /// Adds a header; `Host` replaces the usual one.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        if name.eq_ignore_ascii_case("host") {
            self.headers.retain(|(known, _)| known != "Host");
        }
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Adds a bearer token.
    pub(crate) fn token(self, token: &str) -> Self {
        self.header("Authorization", &format!("Bearer {token}"))
    }

    /// Sets the body, with its length.
    pub(crate) fn body(mut self, body: &[u8]) -> Self {
        body.clone_into(&mut self.body);
        self.header("Content-Length", &body.len().to_string())
    }

    /// Returns the bytes to send.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut text = format!("{}\r\n", self.line);
        for (name, value) in &self.headers {
            text.extend([name, ": ", value, "\r\n"]);
        }
        text.push_str("\r\n");
        [text.as_bytes(), &self.body].concat()
    }
}

impl Answer {
    /// Returns the first header of that name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(known, _)| known == name);
        found.next().map(|(_, value)| value.as_str())
    }

    /// Returns the body as text.
    #[track_caller]
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("text")
    }

    /// Returns the body as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("no JSON ({error}): {self:?}"))
    }

    /// Checks that this is an error as every OpenAI client understands it, and returns the `error` object.
    #[track_caller]
    pub(crate) fn error(&self, status: u16, code: &str) -> Value {
        assert_eq!(
            self.status,
            status,
            "{}",
            String::from_utf8_lossy(&self.body)
        );
        assert!(self.is_whole, "{self:?}");
        assert_eq!(self.header("content-type"), Some("application/json"));
        assert!(self.header("x-request-id").is_some(), "{self:?}");
        let error = self.json()["error"].take();
        assert_eq!(error["code"], code, "{error}");
        assert!(
            error["message"]
                .as_str()
                .is_some_and(|text| !text.is_empty())
        );
        assert!(error["type"].is_string(), "{error}");
        assert!(error["param"].is_null() || error["param"].is_string());
        error
    }

    /// Returns the payloads of the body's events.
    pub(crate) fn events(&self) -> Vec<String> {
        let text = String::from_utf8_lossy(&self.body).into_owned();
        let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
        data.map(str::to_owned).collect()
    }

    /// Returns the last event, which must be an error event.
    #[track_caller]
    pub(crate) fn last_error_event(&self) -> Value {
        assert!(self.is_whole, "cut without a word: {}", self.text());
        assert!(self.body.ends_with(b"\n\n"), "{}", self.text());
        let last = self.events().pop().expect("an event");
        let mut event: Value = serde_json::from_str(&last).expect("a JSON event");
        assert!(event["error"]["message"].is_string(), "{event}");
        event["error"].take()
    }
}

impl Arriving {
    /// Sends `bytes` and waits for the head of the answer.
    #[track_caller]
    pub(crate) fn send(address: SocketAddr, bytes: &[u8], received: &Received) -> Self {
        let mut stream = TcpStream::connect(address).expect("a connection");
        stream
            .set_read_timeout(Some(SOCKET_WAIT))
            .expect("an option");
        stream.write_all(bytes).expect("the gateway reads");
        Self::after(stream, received)
    }

    /// Waits for the head of the answer on a connection that a request was sent on.
    #[track_caller]
    pub(crate) fn after(stream: TcpStream, received: &Received) -> Self {
        let mut arriving = Self {
            stream,
            received: Arc::clone(received),
            head: Vec::new(),
            framed: Vec::new(),
            closed: false,
        };
        while !arriving.closed {
            if let Some(end) = position(&arriving.framed, b"\r\n\r\n") {
                let body = arriving.framed.split_off(end + 4);
                arriving.head = std::mem::replace(&mut arriving.framed, body);
                return arriving;
            }
            arriving.read();
        }
        panic!(
            "no answer but {:?}",
            String::from_utf8_lossy(&arriving.framed)
        );
    }

    fn read(&mut self) {
        let mut buffer = vec![0; 64 * 1024];
        match self.stream.read(&mut buffer) {
            Ok(0) => self.closed = true,
            Ok(count) => {
                self.framed.extend_from_slice(&buffer[..count]);
                let mut received = self.received.lock().expect("a lock");
                received.extend_from_slice(&buffer[..count]);
            }
            Err(error) => match error.kind() {
                ErrorKind::ConnectionReset => self.closed = true,
                // The caller reads again.
                ErrorKind::Interrupted => {}
                _ => panic!("the gateway sent nothing more: {error}"),
            },
        }
    }

    /// Waits until the body holds `text`.
    #[track_caller]
    pub(crate) fn until(&mut self, text: &str) {
        while position(&self.framed, text.as_bytes()).is_none() {
            assert!(!self.closed, "ended without `{text}`");
            self.read();
        }
    }

    /// Waits for the end of the answer.
    pub(crate) fn finish(mut self) -> Answer {
        let (status, headers) = parse_head(&self.head);
        loop {
            if let Some(body) = unframed(status, &headers, &self.framed) {
                return Answer {
                    status,
                    headers,
                    body,
                    is_whole: true,
                };
            }
            if self.closed {
                let body = dechunk(&self.framed).0;
                return Answer {
                    status,
                    headers,
                    body,
                    is_whole: false,
                };
            }
            self.read();
        }
    }
}

fn parse_head(head: &[u8]) -> (u16, Vec<(String, String)>) {
    let text = String::from_utf8_lossy(head);
    let mut lines = text.lines();
    let status = lines
        .next()
        .and_then(|line| line.split(' ').nth(1)?.parse().ok());
    let headers = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    (status.expect("a status"), headers)
}

/// Returns the body if it is complete.
fn unframed(status: u16, headers: &[(String, String)], framed: &[u8]) -> Option<Vec<u8>> {
    let value = |name: &str| {
        let mut found = headers.iter().filter(|(known, _)| known == name);
        found.next().map(|(_, value)| value.as_str())
    };
    if status == 204 || status == 304 {
        return Some(Vec::new());
    }
    if value("transfer-encoding") == Some("chunked") {
        let (body, is_whole) = dechunk(framed);
        return is_whole.then_some(body);
    }
    let length: usize = value("content-length")?.parse().expect("a length");
    (framed.len() >= length).then(|| framed[..length].to_vec())
}

/// Returns the bytes of the complete chunks and whether the last chunk arrived.
fn dechunk(mut framed: &[u8]) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    loop {
        let Some(line_end) = position(framed, b"\r\n") else {
            return (body, false);
        };
        let size = std::str::from_utf8(&framed[..line_end]).expect("a chunk size");
        let size = usize::from_str_radix(size, 16).expect("a chunk size");
        let Some(chunk) = framed.get(line_end + 2..line_end + 2 + size) else {
            return (body, false);
        };
        if size == 0 {
            return (body, true);
        }
        body.extend_from_slice(chunk);
        framed = framed.get(line_end + 4 + size..).unwrap_or_default();
    }
}

fn position(text: &[u8], needle: &[u8]) -> Option<usize> {
    text.windows(needle.len())
        .position(|window| window == needle)
}
