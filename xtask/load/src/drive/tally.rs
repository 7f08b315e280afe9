//! What the clients saw, added up.

use serde_json::{Value, json};

use super::client::Outcome;
use crate::clock::now_ns;
use crate::histogram::Histogram;

/// Counts and durations. Durations and `n_ok_measured` leave out the warm-up; the other counts
/// cover the whole run, because the gateway's processor time is read over the whole run too.
pub(super) struct Tally {
    measure_from_ns: u64,
    latency: Histogram,
    first_byte: Histogram,
    chunk_delay: Histogram,
    n_ok: u64,
    n_ok_measured: u64,
    n_failures: u64,
    n_chunks: u64,
    n_chunks_measured: u64,
    n_with_usage: u64,
    first_failure: String,
}

impl Tally {
    pub(super) fn new(measure_from_ns: u64) -> Self {
        Self {
            measure_from_ns,
            latency: Histogram::new(),
            first_byte: Histogram::new(),
            chunk_delay: Histogram::new(),
            n_ok: 0,
            n_ok_measured: 0,
            n_failures: 0,
            n_chunks: 0,
            n_chunks_measured: 0,
            n_with_usage: 0,
            first_failure: String::new(),
        }
    }

    pub(super) fn n_failures(&self) -> u64 {
        self.n_failures
    }

    pub(super) fn first_failure(&self) -> &str {
        &self.first_failure
    }

    pub(super) fn first_byte(&mut self, sent_at_ns: u64, now: u64) {
        if sent_at_ns >= self.measure_from_ns {
            self.first_byte.record(now.saturating_sub(sent_at_ns));
        }
    }

    pub(super) fn chunk(&mut self, stamp_ns: u64, now: u64) {
        self.n_chunks += 1;
        if stamp_ns >= self.measure_from_ns {
            self.n_chunks_measured += 1;
            self.chunk_delay.record(now.saturating_sub(stamp_ns));
        }
    }

    pub(super) fn conclude(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Answered {
                sent_at_ns,
                with_usage,
            } => {
                self.n_ok += 1;
                self.n_with_usage += u64::from(*with_usage);
                if *sent_at_ns >= self.measure_from_ns {
                    self.n_ok_measured += 1;
                    self.latency.record(now_ns().saturating_sub(*sent_at_ns));
                }
            }
            Outcome::Failed(reason) => {
                self.n_failures += 1;
                if self.first_failure.is_empty() {
                    self.first_failure.clone_from(reason);
                }
            }
        }
    }

    pub(super) fn report(&self, now: u64, n_unfinished: u64) -> Value {
        let measured_ns = now.saturating_sub(self.measure_from_ns);
        json!({
            "wall_s": seconds(measured_ns),
            "ok": self.n_ok,
            "failures": self.n_failures,
            "unfinished": n_unfinished,
            "with_usage": self.n_with_usage,
            "chunks": self.n_chunks,
            "requests_per_s": rate(self.n_ok_measured, measured_ns),
            "chunks_per_s": rate(self.n_chunks_measured, measured_ns),
            "latency_us": quantiles(&self.latency),
            "first_byte_us": quantiles(&self.first_byte),
            "chunk_delay_us": quantiles(&self.chunk_delay),
            "first_failure": self.first_failure,
        })
    }
}

fn quantiles(histogram: &Histogram) -> Value {
    let at = |permille| histogram.quantile_ns(permille).map(microseconds);
    json!({ "n": histogram.len(), "p50": at(500), "p90": at(900), "p99": at(990) })
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a measured duration has far fewer than 52 significant bits"
)]
fn microseconds(nanoseconds: u64) -> f64 {
    nanoseconds as f64 / 1e3
}

fn seconds(nanoseconds: u64) -> f64 {
    microseconds(nanoseconds) / 1e6
}

fn rate(count: u64, nanoseconds: u64) -> f64 {
    // The same cast serves for a count: both are plain measured numbers.
    let count = microseconds(count) * 1e3;
    if nanoseconds == 0 {
        0.0
    } else {
        count / seconds(nanoseconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_warm_up_counts_for_totals_only() {
        let mut tally = Tally::new(1000);
        tally.chunk(500, 600);
        tally.chunk(2000, 7000);
        let (sent_at_ns, with_usage) = (10, true);
        tally.conclude(&Outcome::Answered {
            sent_at_ns,
            with_usage,
        });
        tally.conclude(&Outcome::Failed("first".to_owned()));
        tally.conclude(&Outcome::Failed("second".to_owned()));
        let report = tally.report(1_000_001_000, 0);
        assert_eq!(report["chunks"], 2);
        assert_eq!(report["chunk_delay_us"]["n"], 1);
        assert_eq!(report["ok"], 1);
        assert_eq!(report["latency_us"]["n"], 0);
        assert_eq!(report["failures"], 2);
        assert_eq!(report["first_failure"], "first");
        assert_eq!(report["chunks_per_s"], 1.0);
    }
}
