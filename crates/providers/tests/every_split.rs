//! Recorded streams and odd ones, cut in two at every byte and into single bytes: the client reads the same.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use catalog::ThinkTags;
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use providers::chat_delta::{Delta, DeltaReader};
use providers::chat_stream::{ChatStream, Ended, StreamEnd, StreamPolicy};
use providers::formats::Format;
use tokio_util::sync::CancellationToken;

const RECORDED: &str = include_str!("data/qwen-turbo-count.sse");
const RECORDED_CALL: &str = include_str!("data/qwen3-max-tool-call.sse");
/// Reasoning in the text, calls at one index and without ids, Python's quotes, `stop`, no end mark.
const ODD: &str = include_str!("data/odd.sse");

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

#[expect(clippy::expect_used, reason = "called by tests only")]
async fn through(pieces: Vec<Bytes>, strip_usage: bool) -> (Bytes, StreamEnd) {
    let policy = StreamPolicy {
        strip_usage,
        idle_max: Duration::from_secs(5),
        n_choices: 1,
        format: Format::Chat,
        think_tags: ThinkTags::Leading,
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
    (text.into(), end)
}

/// Every way to cut `text` in two, and into single bytes.
fn cuts(text: &'static str) -> impl Iterator<Item = Vec<Bytes>> {
    let all = Bytes::from_static(text.as_bytes());
    let single = (0..all.len()).map(|at| all.slice(at..=at)).collect();
    let halves = (0..=text.len()).map(move |at| vec![all.slice(..at), all.slice(at..)]);
    halves.chain(std::iter::once(single))
}

#[tokio::test]
async fn every_split_of_a_recorded_stream_gives_the_same_bytes() {
    let events = RECORDED.split_inclusive("\n\n");
    let stripped: String = events
        .filter(|event| !event.contains("\"usage\":{"))
        .collect();
    for (strip_usage, expected) in [(false, RECORDED), (true, stripped.as_str())] {
        for pieces in cuts(RECORDED) {
            let (text, end) = through(pieces, strip_usage).await;
            assert_eq!(text, expected);
            assert_eq!(end.usage.expect("usage").input_tokens, 150);
        }
    }
}

#[tokio::test]
async fn every_split_of_a_recorded_call_says_it_once() {
    let expected = RECORDED_CALL.replace("\"id\":\"\",", "");
    assert_ne!(expected, RECORDED_CALL);
    for pieces in cuts(RECORDED_CALL) {
        let (text, end) = through(pieces, false).await;
        assert_eq!(text, expected.as_str());
        assert!(end.repairs.is_empty());
    }
}

#[tokio::test]
async fn every_split_of_an_odd_stream_is_put_in_order() {
    for pieces in cuts(ODD) {
        let (text, end) = through(pieces, true).await;
        assert!(text.ends_with(b"\n\ndata: [DONE]\n\n"));
        assert_eq!(end.usage.expect("usage").output_tokens, 9);
        let names: Vec<&str> = end.repairs.names().collect();
        let expected = [
            "tool_call_index",
            "tool_call_id",
            "tool_calls_merged",
            "finish_reason",
            "tool_arguments",
            "think_tags",
        ];
        assert_eq!(names, expected);
        let (mut reasoning, mut answer, mut calls, mut reasons) =
            (String::new(), String::new(), Vec::new(), Vec::new());
        for delta in DeltaReader::default().push(&text) {
            match delta {
                Delta::Reasoning { text, .. } => reasoning.push_str(&text),
                Delta::Text { text, .. } => answer.push_str(&text),
                Delta::ToolCall {
                    index, id, name, ..
                } => {
                    assert!(id.starts_with("call_"));
                    assert_eq!(index, calls.len() as u64);
                    calls.push((name, String::new()));
                }
                Delta::ToolArguments { index, text, .. } => {
                    calls[usize::try_from(index).unwrap()].1.push_str(&text);
                }
                Delta::Finish { reason, .. } => reasons.push(reason),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(
            (reasoning.as_str(), answer.as_str()),
            ("hm \u{1f914}", "ich rufe für Sie an")
        );
        let call = |name: &str, arguments: &str| (name.to_owned(), arguments.to_owned());
        assert_eq!(
            calls,
            [
                call("weather", "{\"city\": \"Köln\"}"),
                call("clock", "{\"utc\": true}"),
                call("now", "{}")
            ]
        );
        assert_eq!(reasons, ["tool_calls"]);
    }
}
