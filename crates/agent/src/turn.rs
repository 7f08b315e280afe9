//! One turn: a message goes out, an answer streams back.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::HeaderMap;
use http_body_util::BodyExt;
use providers::attempt::Answer;
use providers::chat_delta::{Delta, DeltaReader};
use providers::chat_request::ChatRequest;
use providers::chat_stream::{ChatStream, Ended};
use providers::media::InputKind;
use providers::{
    AnswerBody, Answered, Chain, ChatAsk, Deadline, Exhausted, Reply, Route, Terms, ThinkingLevel,
    Upstream, Usage,
};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

/// What a turn asks.
#[derive(Debug, Clone)]
pub struct Turn {
    /// The person's message.
    pub message: String,
    /// How long the model shall think; its own default, or the config's, when not given.
    pub thinking: Option<ThinkingLevel>,
    /// What the model is to look at.
    pub attachments: Vec<Attachment>,
    /// Longest time until the answer is complete.
    pub timeout: Duration,
}

/// Something to look at. URLs are web URLs or data URLs.
#[derive(Debug, Clone, PartialEq)]
pub enum Attachment {
    /// An image.
    Image(String),
    /// A video, of which the model looks at so many frames per second.
    Video {
        /// Where it is.
        url: String,
        /// Frames per second.
        fps: Option<f64>,
    },
    /// The frames of a video.
    Frames {
        /// Where they are, in order.
        urls: Vec<String>,
        /// Frames per second.
        fps: Option<f64>,
    },
}

impl Attachment {
    /// Returns what a model must take to look at it.
    pub fn kind(&self) -> InputKind {
        match self {
            Self::Image(_) => InputKind::Image,
            Self::Video { .. } | Self::Frames { .. } => InputKind::Video,
        }
    }

    /// Returns the content part that carries it.
    fn part(&self) -> Value {
        let (mut part, fps) = match self {
            Self::Image(url) => (
                json!({"type": "image_url", "image_url": {"url": url}}),
                None,
            ),
            Self::Video { url, fps } => (
                json!({"type": "video_url", "video_url": {"url": url}}),
                *fps,
            ),
            Self::Frames { urls, fps } => (json!({"type": "video", "video": urls}), *fps),
        };
        if let (Some(fps), Some(part)) = (fps, part.as_object_mut()) {
            part.insert("fps".to_owned(), json!(fps));
        }
        part
    }
}

/// What a turn gave.
#[derive(Debug, Clone)]
pub struct TurnAnswer {
    /// The answer's text.
    pub text: String,
    /// The reasoning's text, when the model sent it.
    pub reasoning: String,
    /// Token counts, when the upstream sent them.
    pub usage: Option<Usage>,
    /// What was sent otherwise than asked, since the host would have refused it.
    pub corrections: Vec<String>,
    /// Message of an error that ended the answer early.
    pub broken_by: Option<String>,
    /// The `provider/model` that answered.
    pub answered_by: String,
    /// Time to the first piece of text.
    pub first_text: Option<Duration>,
    /// Time to the end.
    pub duration: Duration,
}

/// Runs one turn on the first candidate of `chain` that answers; `show` sees each piece as it arrives.
///
/// # Errors
/// [`Exhausted`] when no answer began; an answer that began and broke is returned with `broken_by` set.
///
/// # Cancel safety
/// Dropping the future closes the upstream connection.
pub async fn run_turn(
    upstream: &Upstream,
    chain: &Chain,
    turn: &Turn,
    mut show: impl FnMut(&Delta),
) -> Result<TurnAnswer, Exhausted> {
    let started = Instant::now();
    let deadline = Deadline::after(turn.timeout);
    let stop = CancellationToken::new();
    let ask = ChatAsk {
        request: &request(chain.first(), turn),
        headers: &HeaderMap::new(),
        deadline,
        stop: &stop,
    };
    let terms = Terms {
        deadline,
        stop: &stop,
        session: None,
    };
    let Answered { route, reply, .. } = upstream.attempt_chain(chain, &ask, terms).await?;
    let route = &route;
    let mut answer = empty_answer(route, &reply);
    match reply.answer {
        Answer::Whole(bytes, usage) => {
            // A server may ignore `stream` and answer with one JSON object.
            take(Delta::read(&bytes), started, &mut answer, &mut show);
            answer.usage = usage;
        }
        Answer::Stream(mut stream) => {
            let mut reader = DeltaReader::default();
            while let Some(frame) = next_frame(&mut stream, deadline, &mut answer).await {
                take(reader.push(&frame), started, &mut answer, &mut show);
            }
            let end = stream.end();
            answer.usage = end.usage;
            if end.ended != Ended::Complete && answer.broken_by.is_none() {
                answer.broken_by = Some("the answer broke off".to_owned());
            }
        }
    }
    answer.duration = started.elapsed();
    Ok(answer)
}

/// Makes the request; each candidate gets its own model in it when it is sent.
fn request(route: &Route, turn: &Turn) -> ChatRequest {
    let content = if turn.attachments.is_empty() {
        json!(turn.message)
    } else {
        let parts = turn.attachments.iter().map(Attachment::part);
        let text = json!({"type": "text", "text": turn.message});
        parts.chain([text]).collect()
    };
    ChatRequest::streamed(&route.model, &content, turn.thinking)
}

/// Returns what was corrected here, or by the gateway.
fn corrections(reply: &Reply) -> Vec<String> {
    let header = reply.headers.get("x-openclaw-corrections");
    let by_gateway = header.and_then(|value| value.to_str().ok());
    let by_gateway = by_gateway.into_iter().flat_map(|all| all.split("; "));
    let here = reply.corrections.iter().map(ToString::to_string);
    by_gateway.map(str::to_owned).chain(here).collect()
}

fn empty_answer(route: &Route, reply: &Reply) -> TurnAnswer {
    // The gateway says which model it chose for an alias or an agent.
    let routed = reply
        .headers
        .get("x-openclaw-routed-model")
        .and_then(|model| model.to_str().ok());
    TurnAnswer {
        text: String::new(),
        reasoning: String::new(),
        usage: None,
        corrections: corrections(reply),
        broken_by: None,
        answered_by: routed.map_or_else(|| route.reference(), str::to_owned),
        first_text: None,
        duration: Duration::ZERO,
    }
}

/// Returns the next bytes, or nothing at the end or when the deadline passes, which is noted in `answer`.
async fn next_frame(
    stream: &mut ChatStream<AnswerBody>,
    deadline: Deadline,
    answer: &mut TurnAnswer,
) -> Option<Bytes> {
    if let Ok(frame) = deadline.bound(stream.frame()).await {
        return frame?.ok()?.into_data().ok();
    }
    answer.broken_by = Some("the turn took longer than its limit".to_owned());
    None
}

fn take(
    deltas: Vec<Delta>,
    started: Instant,
    answer: &mut TurnAnswer,
    show: &mut impl FnMut(&Delta),
) {
    for delta in deltas {
        show(&delta);
        match delta {
            Delta::Text { text, .. } | Delta::Refusal { text, .. } => {
                answer.first_text.get_or_insert_with(|| started.elapsed());
                answer.text.push_str(&text);
            }
            Delta::Reasoning { text, .. } => answer.reasoning.push_str(&text),
            Delta::Error { message, .. } => answer.broken_by = Some(message),
            // A turn offers no tools and asks for one answer; usage is taken from the stream's end.
            Delta::ToolCall { .. }
            | Delta::ToolArguments { .. }
            | Delta::Finish { .. }
            | Delta::Usage(_) => {}
        }
    }
}
