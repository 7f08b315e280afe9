//! What every request cost: running totals and one record per request.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use providers::{Route, Usage};
use serde::Serialize;

use crate::auth::Caller;
use crate::log::{Level, Log};
use crate::state::Shared;

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

/// One request from its route to its end. Dropping it records it, whatever happened.
pub(crate) struct RequestRecord {
    log: Log,
    totals: Arc<Totals>,
    started: Instant,
    record: Record,
    streaming: bool,
}

/// The members of the log line. Names are those of the metrics and docs.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    request_id: String,
    caller: &'static str,
    requested_model: String,
    #[serde(flatten)]
    route: RouteFields,
    stream: bool,
    status: u16,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    upstream_request_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_byte_ms: Option<u64>,
    duration_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Usage>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RouteFields {
    provider: Arc<str>,
    model: Arc<str>,
    host: Arc<str>,
    credential: Arc<str>,
}

impl RequestRecord {
    /// Opens the record of a request that was routed.
    pub(crate) fn open(
        shared: &Shared,
        request_id: &str,
        caller: Caller,
        requested_model: &str,
        route: &Route,
    ) -> Self {
        let (log, totals) = (&shared.log, &shared.totals);
        totals.requests.fetch_add(1, Ordering::Relaxed);
        let record = Record {
            request_id: request_id.to_owned(),
            caller: caller.label(),
            requested_model: requested_model.chars().take(200).collect(),
            route: RouteFields {
                provider: Arc::clone(&route.provider),
                model: Arc::clone(&route.model),
                host: Arc::clone(&route.host),
                credential: Arc::clone(&route.credential),
            },
            stream: false,
            status: 0,
            outcome: "client_gone",
            upstream_request_id: None,
            first_byte_ms: None,
            duration_ms: 0,
            usage: None,
        };
        Self {
            log: log.clone(),
            totals: Arc::clone(totals),
            started: Instant::now(),
            record,
            streaming: false,
        }
    }

    /// Notes that the upstream answered with `status`.
    pub(crate) fn answered(&mut self, status: u16, upstream_request_id: Option<&str>) {
        self.record.status = status;
        self.record.upstream_request_id = upstream_request_id.map(str::to_owned);
        self.record.first_byte_ms = Some(millis(self.started.elapsed()));
    }

    /// Notes that the reply is a stream that is now open.
    pub(crate) fn streaming(&mut self) {
        self.record.stream = true;
        self.streaming = true;
        self.totals.open_streams.fetch_add(1, Ordering::Relaxed);
    }

    /// Notes how the request ended and what it used, and records it.
    pub(crate) fn close(mut self, outcome: &'static str, usage: Option<Usage>) {
        self.record.outcome = outcome;
        self.record.usage = usage;
    }
}

impl Drop for RequestRecord {
    fn drop(&mut self) {
        let add = |counter: &AtomicU64, value: u64| counter.fetch_add(value, Ordering::Relaxed);
        if self.streaming {
            self.totals.open_streams.fetch_sub(1, Ordering::Relaxed);
        }
        let complete = self.record.outcome == "complete";
        if !complete {
            add(&self.totals.failed, 1);
        }
        match self.record.usage {
            Some(usage) => {
                add(&self.totals.input_tokens, usage.input_tokens);
                add(&self.totals.output_tokens, usage.output_tokens);
                add(&self.totals.cached_tokens, usage.cached_tokens);
                add(&self.totals.reasoning_tokens, usage.reasoning_tokens);
            }
            None if complete => {
                add(&self.totals.usage_missing, 1);
            }
            None => {}
        }
        self.record.duration_ms = millis(self.started.elapsed());
        self.log
            .write(Level::Info, "gateway/request", "request", &self.record);
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
