//! Carries the requests of logins to identity servers: the same client, proxies and roots as every other call.

use std::time::Duration;

use bytes::Bytes;
use credentials::oauth::{PostFuture, TokenReply, TokenTransport, TransportError};
use http::Request;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};

use crate::deadline::Deadline;
use crate::http_client::{BoxError, HttpClient};

/// Largest answer that is taken in, in bytes; real ones have about 2 KiB.
const REPLY_BYTES_MAX: usize = 64 * 1024;

impl TokenTransport for HttpClient {
    fn post(&self, request: Request<Vec<u8>>, deadline: Duration) -> PostFuture<'_> {
        Box::pin(async move {
            Deadline::after(deadline)
                .bound(exchange(self, request))
                .await
                .map_err(|_| TransportError::Timeout)?
        })
    }
}

async fn exchange(
    client: &HttpClient,
    request: Request<Vec<u8>>,
) -> Result<TokenReply, TransportError> {
    let request = request.map(|form| Full::new(Bytes::from(form)));
    let response = client
        .send(request)
        .await
        .map_err(|error| TransportError::Network {
            source: Box::new(error),
        })?;
    let status = response.status().as_u16();
    let body = Limited::new(response.into_body(), REPLY_BYTES_MAX)
        .collect()
        .await
        .map_err(broken)?;
    Ok(TokenReply::new(status, body.to_bytes().to_vec()))
}

fn broken(error: BoxError) -> TransportError {
    if error.is::<LengthLimitError>() {
        return TransportError::ReplyTooLarge;
    }
    TransportError::Network { source: error }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;
    use crate::http_client::NetworkSettings;

    /// Answers one connection with these bytes, then holds it open; returns the URL.
    async fn server(answer: Vec<u8>) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/token", listener.local_addr().unwrap());
        let answering = async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 4096];
            let _ = stream.read(&mut request).await.unwrap();
            let _ = stream.write_all(&answer).await;
            let _ = stream.read(&mut request).await;
        };
        tokio_util::task::TaskTracker::new().spawn(answering);
        url
    }

    async fn post(url: &str, deadline: Duration) -> Result<TokenReply, TransportError> {
        let client = HttpClient::new(NetworkSettings::default());
        let request = Request::post(url)
            .body(b"grant_type=refresh_token".to_vec())
            .unwrap();
        client.post(request, deadline).await
    }

    #[tokio::test]
    async fn every_status_is_an_answer() {
        for status in [200_u16, 400, 503] {
            let head = format!("HTTP/1.1 {status} X\r\ncontent-length: 2\r\n\r\n{{}}");
            let url = server(head.into_bytes()).await;
            let reply = post(&url, Duration::from_secs(10)).await.unwrap();
            assert_eq!((reply.status, reply.body.as_slice()), (status, &b"{}"[..]));
        }
    }

    #[tokio::test]
    async fn what_goes_wrong_is_told_apart() {
        let silent = server(Vec::new()).await;
        let error = post(&silent, Duration::from_millis(50)).await.unwrap_err();
        assert!(matches!(error, TransportError::Timeout), "{error}");

        let mut large = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", 1 << 20);
        large.push_str(&"x".repeat(1 << 20));
        let url = server(large.into_bytes()).await;
        let error = post(&url, Duration::from_secs(10)).await.unwrap_err();
        assert!(matches!(error, TransportError::ReplyTooLarge), "{error}");

        let gone = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", gone.local_addr().unwrap());
        drop(gone);
        let error = post(&url, Duration::from_secs(10)).await.unwrap_err();
        assert!(matches!(error, TransportError::Network { .. }), "{error}");
    }
}
