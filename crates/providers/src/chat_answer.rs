//! From a reply of a host to the answer that the client asked for: a stream, or all of it in one piece.
//!
//! Some models answer streams only, or think in streams only; the catalog knows most of them, and what a host refuses
//! teaches the others. They are asked for a stream, and the answer is put together here, where it may still fail and be
//! asked of another candidate. A client that asked for a stream gets one, also from a host that answers in one piece.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use catalog::{FailureKind, ReplyForm};
use http::header::{self, HeaderMap, HeaderValue};
use http_body_util::BodyExt;

use crate::answer_body::{AnswerBody, is_events};
use crate::attempt::{Answer, Call, REPLY_BYTES_MAX, Reply, STREAM_IDLE_MAX, Upstream};
use crate::chat_gathered::Gathered;
use crate::chat_repair::{Repair, Repairs, whole_reply};
use crate::chat_stream::{ChatStream, Ended, StreamPolicy};
use crate::chat_streamed;
use crate::directory::Route;
use crate::failure::Failure;
use crate::formats::Format;
use crate::http_client::ReplyBody;

/// Most models remembered to answer streams only.
const REMEMBERED_MAX: usize = 256;
/// The atlas's word for a refusal of requests without `stream`.
const STREAM_ONLY: &str = "stream-only";

/// Models that refused a request without `stream`, by host; the catalog did not know of them.
#[derive(Debug, Default)]
pub(crate) struct StreamsOnly(Mutex<HashSet<(Arc<str>, Arc<str>)>>);

impl StreamsOnly {
    fn contains(&self, route: &Route) -> bool {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        !known.is_empty() && known.contains(&(Arc::clone(&route.host), Arc::clone(&route.model)))
    }

    fn add(&self, route: &Route) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() < REMEMBERED_MAX {
            known.insert((Arc::clone(&route.host), Arc::clone(&route.model)));
        }
    }
}

/// A reply that has begun, and what to make of it.
struct Arrived<'a> {
    call: Call<'a>,
    form: ReplyForm,
    headers: HeaderMap,
    repairs: Repairs,
}

impl Upstream {
    /// Sends a chat and returns the answer in the form that the client asked for.
    pub(crate) async fn chat_once(&self, call: Call<'_>) -> Result<Reply, Failure> {
        let route = call.route;
        let form = route.reply_form(self.catalog());
        let wants_whole = !call.request.is_stream();
        if wants_whole && (form.streams_only || self.streams_only().contains(route)) {
            return Box::pin(self.chat_gathered(call, form)).await;
        }
        match self.chat_sent(call, form).await {
            Err(failure) if wants_whole && failure.detail.as_deref() == Some(STREAM_ONLY) => {
                tracing::info!(model = %route.reference(), host = %route.host, "asked again for a stream");
                let reply = Box::pin(self.chat_gathered(call, form)).await?;
                self.streams_only().add(route);
                Ok(reply)
            }
            done => done,
        }
    }

    /// Asks for a stream, for a client that wants the answer in one piece.
    async fn chat_gathered(&self, call: Call<'_>, form: ReplyForm) -> Result<Reply, Failure> {
        let request = call.request.as_stream();
        let (response, corrections) = self.send_chat(call, &request).await?;
        let reply = self.answer_of(call, form, response).await?;
        Ok(Reply {
            corrections,
            ..reply
        })
    }

    async fn chat_sent(&self, call: Call<'_>, form: ReplyForm) -> Result<Reply, Failure> {
        let (response, corrections) = self.send_chat(call, call.request).await?;
        let reply = self.answer_of(call, form, response).await?;
        Ok(Reply {
            corrections,
            ..reply
        })
    }

    /// Makes the answer that the client wants of what the host sends.
    async fn answer_of(
        &self,
        call: Call<'_>,
        form: ReplyForm,
        response: http::Response<ReplyBody>,
    ) -> Result<Reply, Failure> {
        let (parts, body) = response.into_parts();
        let mut arrived = Arrived {
            call,
            form,
            headers: parts.headers,
            repairs: Repairs::default(),
        };
        let answer = match (call.request.is_stream(), is_event_stream(&arrived.headers)) {
            (true, true) => self.stream(&mut arrived, body.into()).await?,
            (true, false) => Box::pin(self.stream_of_unknown(&mut arrived, body)).await?,
            (false, true) => Box::pin(self.gather(&mut arrived, body.into())).await?,
            (false, false) => self.whole_answer(&mut arrived, body).await?,
        };
        Ok(Reply {
            status: parts.status,
            headers: arrived.headers,
            answer,
            repairs: arrived.repairs,
            corrections: Vec::new(),
        })
    }

    async fn open(
        &self,
        arrived: &Arrived<'_>,
        body: AnswerBody,
    ) -> Result<ChatStream<AnswerBody>, Failure> {
        let (call, route) = (arrived.call, arrived.call.route);
        let policy = StreamPolicy {
            strip_usage: call.request.is_stream() && !call.request.asks_usage(),
            secret: route.secret().cloned(),
            idle_max: STREAM_IDLE_MAX,
            n_choices: call.request.n_choices(),
            format: Format::Chat,
            think_tags: arrived.form.think_tags,
            stop: call.stop.clone(),
        };
        let opened = ChatStream::open(body, policy).await;
        opened.map_err(|error| self.no_stream(route, &arrived.headers, error))
    }

    async fn stream(&self, arrived: &mut Arrived<'_>, body: AnswerBody) -> Result<Answer, Failure> {
        Ok(Answer::Stream(Box::new(self.open(arrived, body).await?)))
    }

    /// Makes a stream of a body that is called something else: of one that is a stream all the same, or of a whole reply.
    async fn stream_of_unknown(
        &self,
        arrived: &mut Arrived<'_>,
        body: ReplyBody,
    ) -> Result<Answer, Failure> {
        let route = arrived.call.route;
        let looked_at = AnswerBody::look_at(body).await;
        let (body, has_events) = looked_at.map_err(|error| self.broken_off(route, &error))?;
        arrived.set_content_type("text/event-stream");
        if has_events {
            return self.stream(arrived, body).await;
        }
        let whole = self.whole(route, body).await?;
        self.usage_in(route, &arrived.headers, &whole)
            .map_err(|fault| *fault)?;
        let events = chat_streamed::events(&whole).ok_or_else(|| self.garbage(route))?;
        arrived.repairs.add(Repair::Streamed);
        self.stream(arrived, events.into()).await
    }

    async fn whole_answer(
        &self,
        arrived: &mut Arrived<'_>,
        body: ReplyBody,
    ) -> Result<Answer, Failure> {
        let route = arrived.call.route;
        let whole = self.whole(route, body).await?;
        if is_events(&whole) {
            return Box::pin(self.gather(arrived, whole.into())).await;
        }
        let usage = self
            .usage_in(route, &arrived.headers, &whole)
            .map_err(|fault| *fault)?;
        let whole = whole_reply(&whole, arrived.form.think_tags, &mut arrived.repairs);
        Ok(Answer::Whole(whole, usage))
    }

    /// Reads a stream to its end and puts the answer together. Until then nothing is committed: a stream that breaks is
    /// a failure like any other.
    async fn gather(&self, arrived: &mut Arrived<'_>, body: AnswerBody) -> Result<Answer, Failure> {
        let route = arrived.call.route;
        let mut stream = self.open(arrived, body).await?;
        let (mut gathered, mut bytes) = (Gathered::default(), 0);
        while let Some(Ok(frame)) = stream.frame().await {
            let Ok(data) = frame.into_data() else {
                continue;
            };
            bytes += data.len();
            if bytes > REPLY_BYTES_MAX {
                let message = format!("the reply is longer than {REPLY_BYTES_MAX} bytes");
                return Err(self.of_connection(route, FailureKind::StreamCut, message));
            }
            gathered.push(&data);
        }
        let end = stream.end();
        self.check_end(arrived, &stream).map_err(|fault| *fault)?;
        arrived.repairs.extend(end.repairs);
        arrived.repairs.add(Repair::Gathered);
        arrived.set_content_type("application/json");
        Ok(Answer::Whole(Bytes::from(gathered.finish()), end.usage))
    }

    /// Fails unless the stream said all it had to say.
    fn check_end(
        &self,
        arrived: &Arrived<'_>,
        stream: &ChatStream<AnswerBody>,
    ) -> Result<(), Box<Failure>> {
        let route = arrived.call.route;
        if let Some(error) = stream.upstream_error() {
            let failure = self.error_inside(route, &arrived.headers, error);
            return Err(Box::new(failure));
        }
        let (kind, message) = match stream.end().ended {
            Ended::Complete => return Ok(()),
            Ended::Silent => (
                FailureKind::LocalTimeout,
                "the upstream went silent in the middle of the answer",
            ),
            Ended::Stopped => (FailureKind::LocalTimeout, "the gateway is shutting down"),
            Ended::UpstreamCut | Ended::UpstreamError | Ended::ClientGone => (
                FailureKind::StreamCut,
                "the upstream closed the stream before the answer was finished",
            ),
        };
        let failure = self.of_connection(route, kind, message.to_owned());
        Err(Box::new(failure))
    }
}

impl Arrived<'_> {
    fn set_content_type(&mut self, kind: &'static str) {
        self.headers
            .insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    }
}

pub(crate) fn is_event_stream(headers: &HeaderMap) -> bool {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    kind.get(..17)
        .is_some_and(|kind| kind.eq_ignore_ascii_case("text/event-stream"))
}
