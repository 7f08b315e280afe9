//! What every request cost: running totals and one record per request.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use providers::chat_repair::Repairs;
use providers::chat_stream::StreamEnd;
use providers::{Route, Trace, Usage};
use serde::Serialize;
use state::{Entry, Tokens};

use crate::auth::Caller;
use crate::log::Level;
use crate::state::Shared;

/// Longest model name kept of a request, in bytes.
const REQUESTED_MODEL_BYTES_MAX: usize = 200;
/// Longest name of a conversation that is kept, in characters.
const SESSION_CHARS_MAX: usize = 100;

/// Totals since the gateway started. Counts are requests or tokens.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    requests: AtomicU64,
    failed: AtomicU64,
    open_streams: AtomicU64,
    usage_missing: AtomicU64,
    input_tokens: AtomicU64,
    output_tokens: AtomicU64,
    cached_tokens: AtomicU64,
    reasoning_tokens: AtomicU64,
}

/// A reading of [`Totals`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TotalsReading {
    /// Chat requests that reached a route.
    pub(crate) requests: u64,
    /// Of these, requests that ended with an error.
    pub(crate) failed: u64,
    /// Streams open right now.
    pub(crate) open_streams: u64,
    /// Successful requests for which the upstream sent no usage.
    pub(crate) usage_missing: u64,
    /// Prompt tokens.
    pub(crate) input_tokens: u64,
    /// Answer tokens.
    pub(crate) output_tokens: u64,
    /// Prompt tokens served from a cache.
    pub(crate) cached_tokens: u64,
    /// Answer tokens spent on reasoning.
    pub(crate) reasoning_tokens: u64,
}

impl Totals {
    /// Reads all counters; each is exact, together they may be one request apart.
    pub(crate) fn read(&self) -> TotalsReading {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        TotalsReading {
            requests: get(&self.requests),
            failed: get(&self.failed),
            open_streams: get(&self.open_streams),
            usage_missing: get(&self.usage_missing),
            input_tokens: get(&self.input_tokens),
            output_tokens: get(&self.output_tokens),
            cached_tokens: get(&self.cached_tokens),
            reasoning_tokens: get(&self.reasoning_tokens),
        }
    }
}

impl Totals {
    /// Adds a request that has ended.
    fn add(&self, seen: &Seen) {
        let add = |counter: &AtomicU64, value: u64| counter.fetch_add(value, Ordering::Relaxed);
        if seen.stream {
            self.open_streams.fetch_sub(1, Ordering::Relaxed);
        }
        let complete = seen.is_complete();
        if !complete {
            add(&self.failed, 1);
        }
        match seen.usage {
            Some(usage) => {
                add(&self.input_tokens, usage.input_tokens);
                add(&self.output_tokens, usage.output_tokens);
                add(&self.cached_tokens, usage.cached_tokens);
                add(&self.reasoning_tokens, usage.reasoning_tokens);
            }
            None if complete => {
                add(&self.usage_missing, 1);
            }
            None => {}
        }
    }
}

/// One request from its route to its end. Dropping it records it, whatever happened.
pub(crate) struct RequestRecord {
    shared: Shared,
    route: Arc<Route>,
    started: Instant,
    seen: Seen,
}

/// What was seen of the request so far.
struct Seen {
    request_id: String,
    caller: Caller,
    requested_model: String,
    session: Option<String>,
    stream: bool,
    status: u16,
    outcome: &'static str,
    upstream_request_id: Option<String>,
    first_byte: Option<Duration>,
    usage: Option<Usage>,
    trace: Trace,
    repairs: Repairs,
    corrections: Vec<String>,
}

/// The members of the log line. Names are those of the metrics and docs.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    request_id: &'a str,
    caller: &'a str,
    requested_model: &'a str,
    provider: &'a str,
    model: &'a str,
    host: &'a str,
    credential: &'a str,
    stream: bool,
    status: u16,
    outcome: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    upstream_request_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_byte_ms: Option<u64>,
    duration_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Usage>,
    #[serde(skip_serializing_if = "Trace::is_empty")]
    trace: &'a Trace,
    /// What was put in order in the reply.
    #[serde(skip_serializing_if = "Option::is_none")]
    repairs: Option<Repairs>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    corrections: &'a [String],
}

impl RequestRecord {
    /// Opens the record of a request that was routed.
    pub(crate) fn open(
        shared: &Shared,
        request_id: &str,
        caller: Caller,
        mut requested_model: String,
        route: &Arc<Route>,
    ) -> Self {
        shared.totals.requests.fetch_add(1, Ordering::Relaxed);
        if requested_model.len() > REQUESTED_MODEL_BYTES_MAX {
            requested_model = requested_model
                .chars()
                .take(REQUESTED_MODEL_BYTES_MAX / 4)
                .collect();
        }
        let seen = Seen {
            request_id: request_id.to_owned(),
            caller,
            requested_model,
            session: None,
            stream: false,
            status: 0,
            outcome: "client_gone",
            upstream_request_id: None,
            first_byte: None,
            usage: None,
            trace: Trace::default(),
            repairs: Repairs::default(),
            corrections: Vec::new(),
        };
        Self {
            shared: shared.clone(),
            route: Arc::clone(route),
            started: Instant::now(),
            seen,
        }
    }

    /// Notes the conversation it belongs to.
    pub(crate) fn in_session(&mut self, session: Option<&str>) {
        let kept = |session: &str| session.chars().take(SESSION_CHARS_MAX).collect();
        self.seen.session = session.map(kept);
    }

    /// Notes which candidate answered.
    pub(crate) fn answered_by(&mut self, route: &Arc<Route>) {
        self.route = Arc::clone(route);
    }

    /// Notes what was decided on the way to the answer.
    pub(crate) fn decided(&mut self, trace: &Trace) {
        self.seen.trace.clone_from(trace);
    }

    /// Notes that the upstream answered with `status`.
    pub(crate) fn answered(&mut self, status: u16, upstream_request_id: Option<&str>) {
        self.seen.status = status;
        self.seen.upstream_request_id = upstream_request_id.map(str::to_owned);
        self.seen.first_byte = Some(self.started.elapsed());
    }

    /// Notes what was sent otherwise than the client wrote it.
    pub(crate) fn corrected(&mut self, corrections: &[String]) {
        self.seen.corrections = corrections.to_vec();
    }

    /// Notes that the reply is a stream that is now open.
    pub(crate) fn streaming(&mut self) {
        self.seen.stream = true;
        self.shared
            .totals
            .open_streams
            .fetch_add(1, Ordering::Relaxed);
    }

    /// Notes what had to be put in order in the reply.
    pub(crate) fn repaired(&mut self, repairs: Repairs) {
        self.seen.repairs.extend(repairs);
    }

    /// Notes how the request ended and what it used, and records it.
    pub(crate) fn close(mut self, outcome: &'static str, usage: Option<Usage>) {
        self.seen.outcome = outcome;
        self.seen.usage = usage;
    }

    /// Notes how a stream ended.
    pub(crate) fn close_stream(mut self, end: StreamEnd) {
        self.repaired(end.repairs);
        self.close(end.ended.as_str(), end.usage);
    }
}

impl Seen {
    fn is_complete(&self) -> bool {
        self.outcome == "complete"
    }
}

impl RequestRecord {
    /// Returns what is written down of it for good.
    fn entry(&self, duration: Duration) -> Entry {
        let seen = &self.seen;
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH);
        let begun = since_1970.unwrap_or_default().saturating_sub(duration);
        let tokens = |usage: Usage| Tokens {
            input: usage.input_tokens,
            output: usage.output_tokens,
            cached: usage.cached_tokens,
            cache_write: usage.cache_write_tokens,
            reasoning: usage.reasoning_tokens,
        };
        Entry {
            at_ms: millis(begun),
            id: seen.request_id.clone(),
            caller: seen.caller.label().into(),
            session: seen.session.clone(),
            model: self.route.reference(),
            host: Arc::clone(&self.route.host),
            credential: Arc::clone(&self.route.credential),
            status: seen.status,
            outcome: seen.outcome,
            is_complete: seen.is_complete(),
            is_stream: seen.stream,
            duration_ms: millis(duration),
            first_byte_ms: seen.first_byte.map(millis),
            tokens: seen.usage.map(tokens),
            cost: None,
        }
    }
}

impl Drop for RequestRecord {
    fn drop(&mut self) {
        let duration = self.started.elapsed();
        self.shared.totals.add(&self.seen);
        self.shared.ledger.record(self.entry(duration));
        let seen = &self.seen;
        let line = Line {
            request_id: &seen.request_id,
            caller: seen.caller.label(),
            requested_model: &seen.requested_model,
            provider: &self.route.provider,
            model: &self.route.model,
            host: &self.route.host,
            credential: &self.route.credential,
            stream: seen.stream,
            status: seen.status,
            outcome: seen.outcome,
            upstream_request_id: seen.upstream_request_id.as_deref(),
            first_byte_ms: seen.first_byte.map(millis),
            duration_ms: millis(duration),
            usage: seen.usage,
            trace: &seen.trace,
            repairs: (!seen.repairs.is_empty()).then_some(seen.repairs),
            corrections: &seen.corrections,
        };
        self.shared
            .log
            .write(Level::Info, "gateway/request", "request", &line);
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
