//! A small HTTP client, so that tests see status, headers, frames and cuts as they are.

use std::net::SocketAddr;

use bytes::Bytes;
use emulator::{Emulator, Options};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::rt::{Read, Write};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

pub(crate) const STANDARD: &str = "dashscope-intl.aliyuncs.com";
pub(crate) const STANDARD_KEY: &str = "sk-emulator-standard-intl";
pub(crate) const CHAT: &str = "/compatible-mode/v1/chat/completions";
pub(crate) const MODELS: &str = "/compatible-mode/v1/models";

pub(crate) async fn start() -> Emulator {
    Emulator::start(Options::default()).await.unwrap()
}

/// One client connection; the request target is sent as it is written.
pub(crate) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    _driver: JoinSet<()>,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        Self::over(TokioIo::new(stream)).await
    }

    pub(crate) async fn over<I>(io: I) -> Self
    where
        I: Read + Write + Unpin + Send + 'static,
    {
        let (sender, connection) = http1::handshake(io).await.unwrap();
        let mut driver = JoinSet::new();
        driver.spawn(async move {
            // A cut connection is what some tests are about.
            let _ = connection.with_upgrades().await;
        });
        Self {
            sender,
            _driver: driver,
        }
    }

    pub(crate) async fn send(&mut self, request: Request<Full<Bytes>>) -> hyper::Result<Stream> {
        self.sender.ready().await?;
        let (head, body) = self.sender.send_request(request).await?.into_parts();
        Ok(Stream {
            status: head.status,
            headers: head.headers,
            body,
        })
    }

    pub(crate) async fn is_closed_by_server(&mut self) -> bool {
        self.sender.ready().await.is_err()
    }
}

/// A reply whose body is still to come.
pub(crate) struct Stream {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Incoming,
}

impl Stream {
    /// Reads frames to the end, or to where the connection was cut.
    pub(crate) async fn frames(mut self) -> (Vec<Bytes>, bool) {
        let mut frames = Vec::new();
        while let Some(frame) = self.body.frame().await {
            match frame {
                Ok(frame) => frames.extend(frame.into_data().ok()),
                Err(_) => return (frames, true),
            }
        }
        (frames, false)
    }

    pub(crate) async fn read(self) -> Answer {
        let (status, headers) = (self.status, self.headers.clone());
        let (frames, cut) = self.frames().await;
        Answer {
            status,
            headers,
            body: frames.concat(),
            cut,
        }
    }
}

/// A whole reply.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    pub(crate) cut: bool,
}

impl Answer {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// Returns the payloads of a stream; every event must be `data: ` and a blank line.
    pub(crate) fn events(&self) -> Vec<String> {
        let text = self.text();
        assert!(text.ends_with("\n\n"), "unfinished event: {text:?}");
        let blocks = text.split_terminator("\n\n");
        blocks
            .map(|block| block.strip_prefix("data: ").unwrap().to_owned())
            .collect()
    }

    /// Returns the chunks of a stream that ends with `[DONE]`.
    pub(crate) fn chunks(&self) -> Vec<Value> {
        let mut events = self.events();
        assert_eq!(events.pop().as_deref(), Some("[DONE]"));
        events
            .iter()
            .map(|event| serde_json::from_str(event).unwrap())
            .collect()
    }
}

/// Builds a request; an empty key or user agent leaves the header out.
pub(crate) fn request(
    method: Method,
    target: &str,
    key: &str,
    body: impl Into<Bytes>,
) -> Request<Full<Bytes>> {
    let mut builder = Request::builder()
        .method(method)
        .uri(target)
        .header("host", "localhost")
        .header("user-agent", "emulator-tests");
    if !key.is_empty() {
        builder = builder.header("authorization", format!("Bearer {key}"));
    }
    builder.body(Full::new(body.into())).unwrap()
}

pub(crate) async fn get(emulator: &Emulator, target: &str, key: &str) -> Answer {
    let mut connection = Connection::open(emulator.addr()).await;
    connection
        .send(request(Method::GET, target, key, ""))
        .await
        .unwrap()
        .read()
        .await
}

pub(crate) async fn post(emulator: &Emulator, target: &str, key: &str, body: &Value) -> Answer {
    let mut connection = Connection::open(emulator.addr()).await;
    connection
        .send(request(Method::POST, target, key, body.to_string()))
        .await
        .unwrap()
        .read()
        .await
}

/// Sends a chat completion to the international Standard host.
pub(crate) async fn chat(emulator: &Emulator, body: &Value) -> Answer {
    post(emulator, &format!("/{STANDARD}{CHAT}"), STANDARD_KEY, body).await
}

pub(crate) fn chat_request(extra: &Value) -> Value {
    let mut body = json!({
        "model": "qwen3-max",
        "messages": [{"role": "user", "content": "hello there"}],
    });
    body.as_object_mut()
        .unwrap()
        .extend(extra.as_object().unwrap().clone());
    body
}

/// Joins one delta field of choice 0 over a stream.
pub(crate) fn joined(chunks: &[Value], field: &str) -> String {
    chunks
        .iter()
        .filter_map(|chunk| chunk["choices"][0]["delta"][field].as_str())
        .collect()
}
