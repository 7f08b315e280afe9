//! An upstream that does what a test says, byte by byte.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::Value;

/// Longest wait on a socket of the stub.
const SOCKET_WAIT: Duration = Duration::from_secs(20);

/// What the stub does with one request.
type Script = Arc<dyn Fn(&Seen, &mut Wire) + Send + Sync>;

/// The running upstream. It stops listening when it goes out of scope.
pub(crate) struct Stub {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    script: Mutex<Script>,
    seen: Mutex<Vec<Seen>>,
    closed: AtomicBool,
}

/// Holds the upstream's answers back until the test lets them go.
#[derive(Clone, Default)]
pub(crate) struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    /// Lets everything go.
    pub(crate) fn open(&self) {
        *self.0.0.lock().unwrap() = true;
        self.0.1.notify_all();
    }

    /// Waits until the gate is open.
    pub(crate) fn wait(&self) {
        let mut is_open = self.0.0.lock().unwrap();
        while !*is_open {
            let limit = Duration::from_secs(20);
            let (now, waited) = self.0.1.wait_timeout(is_open, limit).unwrap();
            assert!(!waited.timed_out(), "the gate stays closed");
            is_open = now;
        }
    }
}

/// A request as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// Method and target.
    line: String,
    /// Headers in order, names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    /// The body.
    pub(crate) body: Vec<u8>,
    /// Head and body as they were.
    pub(crate) raw: Vec<u8>,
}

/// The connection to the gateway while a request is answered.
pub(crate) struct Wire {
    stream: TcpStream,
    /// Whether another request may follow on this connection.
    reusable: bool,
}

impl Stub {
    /// Starts an upstream that answers every request by `script`.
    pub(crate) fn start(script: impl Fn(&Seen, &mut Wire) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared {
            script: Mutex::new(Arc::new(script)),
            seen: Mutex::default(),
            closed: AtomicBool::new(false),
        });
        let accepting = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming() {
                if accepting.closed.load(Ordering::SeqCst) {
                    return;
                }
                let shared = Arc::clone(&accepting);
                let stream = stream.expect("a connection");
                thread::spawn(move || serve(stream, &shared));
            }
        });
        Self { address, shared }
    }

    /// Replaces what is done from the next request on.
    pub(crate) fn now(&self, script: impl Fn(&Seen, &mut Wire) + Send + Sync + 'static) {
        *self.shared.script.lock().expect("a lock") = Arc::new(script);
    }

    /// Returns the base URL of its OpenAI-compatible interface.
    pub(crate) fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// Returns every request so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.shared.seen.lock().expect("a lock").clone()
    }

    /// Returns the newest request.
    #[track_caller]
    pub(crate) fn last(&self) -> Seen {
        self.seen().pop().expect("the upstream was called")
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::SeqCst);
        // Wakes the accepting thread.
        let _ = TcpStream::connect(self.address);
    }
}

impl Seen {
    /// Returns the first header of that name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(known, _)| known == name);
        found.next().map(|(_, value)| value.as_str())
    }

    /// Checks method and target and returns the body as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.line, "POST /v1/chat/completions");
        serde_json::from_slice(&self.body).expect("a JSON body")
    }
}

impl Wire {
    /// Writes bytes as they are.
    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        if self.stream.write_all(bytes).is_err() {
            self.reusable = false;
        }
    }

    /// Sends a whole reply.
    pub(crate) fn reply(&mut self, status: u16, headers: &[(&str, &str)], body: &[u8]) {
        let length = body.len().to_string();
        let mut all = vec![("content-length", length.as_str())];
        all.extend_from_slice(headers);
        let mut bytes = head(status, &all);
        bytes.extend_from_slice(body);
        self.raw(&bytes);
    }

    /// Sends a whole JSON reply.
    pub(crate) fn json(&mut self, status: u16, body: &Value) {
        let headers = [("content-type", "application/json")];
        self.reply(status, &headers, body.to_string().as_bytes());
    }

    /// Begins a stream of events.
    pub(crate) fn begin_events(&mut self) {
        let headers = [
            ("content-type", "text/event-stream;charset=UTF-8"),
            ("transfer-encoding", "chunked"),
            ("x-request-id", "upstream-7"),
        ];
        self.raw(&head(200, &headers));
    }

    /// Sends a piece of the stream as one chunk.
    pub(crate) fn piece(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let mut chunk = format!("{:x}\r\n", bytes.len()).into_bytes();
        chunk.extend_from_slice(bytes);
        chunk.extend_from_slice(b"\r\n");
        self.raw(&chunk);
    }

    /// Ends the stream.
    pub(crate) fn end(&mut self) {
        self.raw(b"0\r\n\r\n");
    }

    /// Sends a whole stream in one piece.
    pub(crate) fn events(&mut self, text: &str) {
        self.begin_events();
        self.piece(text.as_bytes());
        self.end();
    }

    /// Closes the connection in the middle.
    pub(crate) fn cut(&mut self) {
        self.reusable = false;
        let _ = self.stream.shutdown(Shutdown::Both);
    }

    /// Waits until the gateway closes the connection; says whether it did in time.
    pub(crate) fn wait_closed(&mut self) -> bool {
        self.reusable = false;
        loop {
            match self.stream.read(&mut [0]) {
                Ok(count) => return count == 0,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return error.kind() == ErrorKind::ConnectionReset,
            }
        }
    }
}

fn head(status: u16, headers: &[(&str, &str)]) -> Vec<u8> {
    let mut text = format!("HTTP/1.1 {status} Whatever\r\n");
    for (name, value) in headers {
        text.extend([name, ": ", value, "\r\n"]);
    }
    text.push_str("\r\n");
    text.into_bytes()
}

fn serve(stream: TcpStream, shared: &Shared) {
    stream.set_nodelay(true).expect("an option");
    stream
        .set_read_timeout(Some(SOCKET_WAIT))
        .expect("an option");
    let mut wire = Wire {
        stream,
        reusable: true,
    };
    while wire.reusable {
        let Some(seen) = read_request(&mut wire.stream) else {
            return;
        };
        shared.seen.lock().expect("a lock").push(seen.clone());
        let script = Arc::clone(&shared.script.lock().expect("a lock"));
        script(&seen, &mut wire);
    }
}

fn read_request(stream: &mut TcpStream) -> Option<Seen> {
    let mut raw = Vec::new();
    let head_end = loop {
        if let Some(at) = raw.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 4;
        }
        read_more(stream, &mut raw)?;
    };
    let text = String::from_utf8_lossy(&raw[..head_end]).into_owned();
    let mut lines = text.lines();
    let line = lines.next()?.trim_end_matches(" HTTP/1.1").to_owned();
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length: usize = length.map_or(0, |(_, value)| value.parse().expect("a length"));
    while raw.len() < head_end + length {
        read_more(stream, &mut raw)?;
    }
    Some(Seen {
        line,
        headers,
        body: raw[head_end..].to_vec(),
        raw,
    })
}

fn read_more(stream: &mut TcpStream, into: &mut Vec<u8>) -> Option<()> {
    let mut buffer = vec![0; 64 * 1024];
    match stream.read(&mut buffer) {
        Ok(0) => None,
        Ok(count) => {
            into.extend_from_slice(&buffer[..count]);
            Some(())
        }
        // The caller reads again.
        Err(error) => (error.kind() == ErrorKind::Interrupted).then_some(()),
    }
}
