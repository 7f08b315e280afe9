//! Requests in, replies out.

use std::io::Write as _;

use super::record::{Marks, Record};
use super::stream::{ChunkStream, StreamOrder};
use crate::body::BodyDecoder;
use crate::field;

/// Prompt tokens of every reply; any fixed number does.
pub(super) const PROMPT_TOKENS: u64 = 57;
/// Size of a reply that is not streamed.
const REPLY_BYTES: usize = 1024;
const HEADERS_MAX: usize = 64;
/// Chunks of a stream whose request names no number.
const CHUNKS_DEFAULT: u64 = 100;
const STREAM_HEAD: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ncache-control: no-cache\r\ntransfer-encoding: chunked\r\nx-request-id: load-mock\r\n\r\n";

/// The mock's mind: its key, its memory, and the reply it sent last.
pub(super) struct Provider {
    authorization: Vec<u8>,
    record: Record,
    /// The model of `rendered`: most requests name the same one.
    rendered_model: Vec<u8>,
    rendered: Vec<u8>,
    body: Vec<u8>,
}

/// What one request led to. The bytes to send are already queued.
pub(super) struct Reply {
    pub(super) used_bytes: usize,
    pub(super) stream: Option<ChunkStream>,
    pub(super) is_last: bool,
}

struct Head<'a> {
    method: &'a str,
    path: &'a str,
    authorization: &'a [u8],
    is_last: bool,
}

impl Provider {
    pub(super) fn new(key: &str) -> Self {
        Self {
            authorization: format!("Bearer {key}").into_bytes(),
            record: Record::default(),
            rendered_model: Vec::new(),
            rendered: completion(b""),
            body: Vec::new(),
        }
    }

    /// Answers the first request in `input`, if it is complete.
    ///
    /// # Errors
    /// The input is not HTTP/1.1.
    pub(super) fn answer(
        &mut self,
        input: &[u8],
        out: &mut Vec<u8>,
    ) -> anyhow::Result<Option<Reply>> {
        if input.is_empty() {
            return Ok(None);
        }
        let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
        let mut request = httparse::Request::new(&mut headers);
        let httparse::Status::Complete(head_bytes) = request.parse(input)? else {
            return Ok(None);
        };
        let mut decoder = BodyDecoder::of_request(request.headers)?;
        self.body.clear();
        let rest = input.get(head_bytes..).unwrap_or_default();
        let body_bytes = decoder.feed(rest, &mut self.body)?;
        if !decoder.is_done() {
            return Ok(None);
        }
        let head = Head::of(&request);
        let stream = self.reply(&head, out);
        Ok(Some(Reply {
            used_bytes: head_bytes + body_bytes,
            stream,
            is_last: head.is_last,
        }))
    }

    fn reply(&mut self, head: &Head<'_>, out: &mut Vec<u8>) -> Option<ChunkStream> {
        if head.method == "POST" && head.path.ends_with("/chat/completions") {
            return self.complete(head, out);
        }
        if head.path == "/__stats" {
            simple("200 OK", &self.record.to_json().to_string(), out);
        } else if head.path.ends_with("/models") {
            let list = r#"{"object":"list","data":[{"id":"mock-up","object":"model","owned_by":"load-mock"}]}"#;
            simple("200 OK", list, out);
        } else {
            let error = r#"{"error":{"message":"no such path","type":"invalid_request_error"}}"#;
            simple("404 Not Found", error, out);
        }
        None
    }

    fn complete(&mut self, head: &Head<'_>, out: &mut Vec<u8>) -> Option<ChunkStream> {
        let marks = Marks {
            authorization: head.authorization,
            model: field::text(&self.body, "model").unwrap_or_default(),
            include_usage: field::is_true(&self.body, "include_usage"),
            stream: field::is_true(&self.body, "stream"),
        };
        self.record.note(&marks);
        if head.authorization != self.authorization {
            self.record.note_refused();
            let error = r#"{"error":{"message":"wrong key","type":"invalid_request_error","code":"invalid_api_key"}}"#;
            simple("401 Unauthorized", error, out);
            return None;
        }
        if marks.stream {
            out.extend_from_slice(STREAM_HEAD);
            let order = StreamOrder {
                model: marks.model,
                n_chunks: field::number(&self.body, "max_tokens")
                    .or_else(|| field::number(&self.body, "max_completion_tokens"))
                    .unwrap_or(CHUNKS_DEFAULT),
                delay_us: field::number(&self.body, "seed").unwrap_or(0),
                with_usage: marks.include_usage,
            };
            return Some(ChunkStream::begin(&order, out));
        }
        if self.rendered_model != marks.model {
            self.rendered_model = marks.model.to_vec();
            self.rendered = completion(marks.model);
        }
        out.extend_from_slice(&self.rendered);
        None
    }
}

impl<'a> Head<'a> {
    fn of(request: &httparse::Request<'_, 'a>) -> Self {
        let value = |name: &str| {
            let mut headers = request.headers.iter();
            let found = headers.find(|header| header.name.eq_ignore_ascii_case(name));
            found.map_or(&b""[..], |header| header.value)
        };
        Self {
            method: request.method.unwrap_or_default(),
            path: request.path.unwrap_or_default(),
            authorization: value("authorization"),
            is_last: value("connection").eq_ignore_ascii_case(b"close"),
        }
    }
}

/// Writes a whole response that is not on the measured path.
fn simple(status: &str, body: &str, out: &mut Vec<u8>) {
    let length = body.len();
    // Writing to a Vec cannot fail.
    let _ = write!(
        out,
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    );
}

/// A whole response with a completion of about `REPLY_BYTES`.
fn completion(model: &[u8]) -> Vec<u8> {
    let model = String::from_utf8_lossy(model);
    let head = format!(
        r#"{{"id":"chatcmpl-load","object":"chat.completion","created":1750000000,"model":"{model}","system_fingerprint":"fp_load","choices":[{{"index":0,"message":{{"role":"assistant","content":""#
    );
    let completion_tokens = 128;
    let total = PROMPT_TOKENS + completion_tokens;
    let tail = format!(
        r#"","refusal":null}},"logprobs":null,"finish_reason":"stop"}}],"usage":{{"prompt_tokens":{PROMPT_TOKENS},"completion_tokens":{completion_tokens},"total_tokens":{total},"prompt_tokens_details":{{"cached_tokens":0}},"completion_tokens_details":{{"reasoning_tokens":0}}}}}}"#
    );
    let n_fill = REPLY_BYTES.saturating_sub(head.len() + tail.len());
    let text: String = "Every word of this answer was counted before it was sent. "
        .chars()
        .cycle()
        .take(n_fill)
        .collect();
    let body = format!("{head}{text}{tail}");
    let length = body.len();
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nx-request-id: load-mock\r\n\r\n{body}"
    )
    .into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn post(key: &str, body: &str) -> Vec<u8> {
        let length = body.len();
        format!("POST /v1/chat/completions HTTP/1.1\r\nAuthorization: Bearer {key}\r\nContent-Length: {length}\r\n\r\n{body}").into_bytes()
    }

    fn ask(provider: &mut Provider, request: &[u8]) -> (String, Option<Reply>) {
        let mut out = Vec::new();
        let reply = provider.answer(request, &mut out).unwrap();
        (String::from_utf8(out).unwrap(), reply)
    }

    #[test]
    fn a_plain_request_gets_a_kilobyte_with_usage() {
        let mut provider = Provider::new("sk-upstream");
        let request = post("sk-upstream", r#"{"model":"mock-up","messages":[]}"#);
        let (text, reply) = ask(&mut provider, &request);
        let (_, body) = text.split_once("\r\n\r\n").unwrap();
        assert_eq!(body.len(), REPLY_BYTES);
        let value: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(value["model"], "mock-up");
        assert_eq!(value["usage"]["total_tokens"], 185);
        assert_eq!(reply.unwrap().used_bytes, request.len());
    }

    #[test]
    fn half_a_request_waits_for_the_rest() {
        let mut provider = Provider::new("sk-upstream");
        let request = post("sk-upstream", r#"{"model":"mock-up"}"#);
        for cut in 0..request.len() {
            let (text, reply) = ask(&mut provider, &request[..cut]);
            assert!(text.is_empty() && reply.is_none(), "cut at {cut}");
        }
    }

    #[test]
    fn another_key_is_refused_and_remembered() {
        let mut provider = Provider::new("sk-upstream");
        let (text, _) = ask(&mut provider, &post("sk-client", r#"{"model":"a"}"#));
        assert!(text.starts_with("HTTP/1.1 401 "));
        let stats = provider.record.to_json();
        assert_eq!(stats["refused"], 1);
        assert_eq!(stats["last"]["authorization"], "Bearer sk-client");
    }

    #[test]
    fn a_stream_has_the_length_and_pace_it_was_asked_for() {
        let mut provider = Provider::new("sk-upstream");
        let body = r#"{"model":"m","stream":true,"stream_options":{"include_usage":true},"max_tokens":3,"seed":20000}"#;
        let (text, reply) = ask(&mut provider, &post("sk-upstream", body));
        assert!(text.contains("\"role\":\"assistant\""));
        let mut stream = reply.unwrap().stream.unwrap();
        let mut out = Vec::new();
        while let Some(due) = stream.due_ns() {
            stream.send_due(due, &mut out);
        }
        assert_eq!(String::from_utf8(out).unwrap().matches("@T").count(), 3);
        assert_eq!(provider.record.to_json()["last"]["include_usage"], true);
    }
}
