//! Single requests over plain HTTP/1.1 on loopback.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::Value;

/// A single request takes no longer, even while a build runs beside it.
const REQUEST_MAX: Duration = Duration::from_secs(10);
const REPLY_BYTES_MAX: usize = 1024 * 1024;

/// What came back. The body still has its chunk framing, if it had any.
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) body: String,
}

/// A port on 127.0.0.1 that nobody listens on.
///
/// # Errors
/// There is none.
pub(super) fn free_port() -> anyhow::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("finding a free port")?;
    Ok(listener.local_addr()?.port())
}

/// # Errors
/// Nobody listens, or what comes back is not HTTP.
pub(super) fn get(port: u16, path: &str) -> anyhow::Result<Reply> {
    let head =
        format!("GET {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nconnection: close\r\n\r\n");
    exchange(port, &head)
}

/// Sends one chat completion.
///
/// # Errors
/// Nobody listens, or what comes back is not HTTP.
pub(super) fn complete(port: u16, key: &str, body: &Value) -> anyhow::Result<Reply> {
    let body = body.to_string();
    let length = body.len();
    exchange(
        port,
        &format!(
            "POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
        ),
    )
}

fn exchange(port: u16, request: &str) -> anyhow::Result<Reply> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut stream = TcpStream::connect_timeout(&address, REQUEST_MAX)?;
    stream.set_read_timeout(Some(REQUEST_MAX))?;
    stream.set_write_timeout(Some(REQUEST_MAX))?;
    stream.write_all(request.as_bytes())?;
    let mut text = String::new();
    let mut buffer = [0; 4096];
    while text.len() < REPLY_BYTES_MAX && !is_whole(&text) {
        let n_bytes = stream.read(&mut buffer)?;
        if n_bytes == 0 {
            break;
        }
        text += &String::from_utf8_lossy(buffer.get(..n_bytes).unwrap_or_default());
    }
    parse(&text)
}

/// Whether the framing says that nothing follows: not every server closes when asked to.
fn is_whole(text: &str) -> bool {
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let head = head.to_ascii_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length:"));
    match length.map(|length| length.trim().parse::<usize>()) {
        Some(Ok(length)) => body.len() >= length,
        _ => head.contains("transfer-encoding:") && body.ends_with("0\r\n\r\n"),
    }
}

fn parse(text: &str) -> anyhow::Result<Reply> {
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        bail!("not a whole HTTP response: {text:?}");
    };
    let status = head.split(' ').nth(1).and_then(|word| word.parse().ok());
    Ok(Reply {
        status: status.context("a response without a status")?,
        body: body.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_has_a_status_and_a_body() {
        let reply = parse("HTTP/1.1 404 Not Found\r\na: b\r\n\r\nnothing").unwrap();
        assert_eq!((reply.status, reply.body.as_str()), (404, "nothing"));
        assert!(parse("HTTP/1.1 200 OK\r\n").is_err());
    }

    #[test]
    fn the_framing_says_when_a_response_is_whole() {
        let with_length = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n";
        assert!(!is_whole(&format!("{with_length}ab")));
        assert!(is_whole(&format!("{with_length}abc")));
        let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n";
        assert!(!is_whole(chunked));
        assert!(is_whole(&format!("{chunked}0\r\n\r\n")));
        assert!(!is_whole("HTTP/1.1 200 OK\r\n\r\nuntil it closes"));
    }
}
