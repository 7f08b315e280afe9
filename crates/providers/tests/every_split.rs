//! A recorded stream, cut in two at every byte and into single bytes, comes out the same.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use catalog::ThinkTags;
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use providers::chat_stream::{ChatStream, Ended, StreamPolicy};
use tokio_util::sync::CancellationToken;

const RECORDED: &str = include_str!("data/qwen-turbo-count.sse");

/// A body that yields these frames.
struct Pieces(VecDeque<Bytes>);

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop_front().map(|piece| Ok(Frame::data(piece))))
    }
}

#[expect(clippy::expect_used, reason = "called by the test only")]
async fn through(pieces: Vec<Bytes>, strip_usage: bool) -> Bytes {
    let policy = StreamPolicy {
        strip_usage,
        idle_max: Duration::from_secs(5),
        n_choices: 1,
        think_tags: ThinkTags::Never,
        stop: CancellationToken::new(),
        secret: None,
    };
    let opened = ChatStream::open(Pieces(pieces.into()), policy).await;
    let mut stream = opened.expect("a stream");
    let mut text = Vec::new();
    while let Some(Ok(frame)) = stream.frame().await {
        text.extend_from_slice(&frame.into_data().expect("data"));
    }
    let end = stream.end();
    assert_eq!(end.ended, Ended::Complete);
    assert_eq!(end.usage.expect("usage").input_tokens, 150);
    text.into()
}

#[tokio::test]
async fn every_split_of_a_recorded_stream_gives_the_same_bytes() {
    let all = Bytes::from_static(RECORDED.as_bytes());
    let events = RECORDED.split_inclusive("\n\n");
    let stripped: String = events
        .filter(|event| !event.contains("\"usage\":{"))
        .collect();
    for (strip_usage, expected) in [(false, RECORDED), (true, stripped.as_str())] {
        for at in 0..=all.len() {
            let pieces = vec![all.slice(..at), all.slice(at..)];
            assert_eq!(through(pieces, strip_usage).await, expected, "cut at {at}");
        }
        let bytes = (0..all.len()).map(|at| all.slice(at..=at)).collect();
        assert_eq!(through(bytes, strip_usage).await, expected);
    }
}
