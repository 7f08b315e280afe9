//! The kinds of load, and one measurement of one target under one of them.

use std::path::Path;
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::{Value, json};

use super::cores::{Cores, pinned, repin};
use super::figures::real;
use super::process_tree::ProcessTree;
use super::target::Target;
use crate::process;

const SAMPLE_PAUSE: Duration = Duration::from_millis(100);
const DRIVE_MAX: Duration = Duration::from_secs(90);
/// Between two measurements, so that closing connections do not count for the next one.
const SETTLE: Duration = Duration::from_millis(300);

/// One kind of load.
pub(super) struct Phase {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    pub(super) is_default: bool,
    load: Load,
    n_connections: u32,
    /// Whether the gateway joins mock and driver on their core. With one request at a time only
    /// one of them runs at any moment, and waking an idle core would be most of the latency.
    shares_core: bool,
}

enum Load {
    Requests { prompt_bytes: u32 },
    Streams,
    Flood,
}

const PROMPT_BYTES: u32 = 700;

pub(super) static PHASES: [Phase; 7] = [
    Phase::requests("c1", "1 connection, 1 KB requests, all on one core", 1),
    Phase::requests("c16", "16 connections, 1 KB requests", 16),
    Phase::requests("c64", "64 connections, 1 KB requests", 64),
    Phase::streams("s200", "200 streams, 100 chunks, 20 ms apart", 200),
    Phase::streams("s1000", "1,000 streams, 100 chunks, 20 ms apart", 1000),
    Phase {
        name: "big",
        about: "16 connections, 100 KB requests",
        is_default: false,
        load: Load::Requests {
            prompt_bytes: 100_000,
        },
        n_connections: 16,
        shares_core: false,
    },
    Phase {
        name: "flood",
        about: "4 connections, streams of 5,000 chunks without delay",
        is_default: false,
        load: Load::Flood,
        n_connections: 4,
        shares_core: false,
    },
];

/// What one measurement gave.
pub(super) struct Sample {
    pub(super) target: &'static str,
    pub(super) phase: &'static str,
    pub(super) round: usize,
    /// The driver's own report.
    pub(super) report: Value,
    /// Processor time of the target per request, or per chunk when streaming.
    pub(super) cpu_us: Option<f64>,
    pub(super) rss_kib: u64,
}

impl Phase {
    const fn requests(name: &'static str, about: &'static str, n_connections: u32) -> Self {
        Self {
            name,
            about,
            is_default: true,
            load: Load::Requests {
                prompt_bytes: PROMPT_BYTES,
            },
            n_connections,
            shares_core: n_connections == 1,
        }
    }

    const fn streams(name: &'static str, about: &'static str, n_connections: u32) -> Self {
        Self {
            name,
            about,
            is_default: true,
            load: Load::Streams,
            n_connections,
            shares_core: false,
        }
    }

    pub(super) fn is_streamed(&self) -> bool {
        !matches!(self.load, Load::Requests { .. })
    }

    fn arguments(&self, is_quick: bool) -> Vec<String> {
        let duration_ms = if is_quick { 400 } else { 2000 };
        let n_connections = self.n_connections;
        let text = match self.load {
            Load::Requests { prompt_bytes } => format!(
                "requests --connections {n_connections} --duration-ms {duration_ms} --prompt-bytes {prompt_bytes}"
            ),
            Load::Streams => {
                let n_chunks = if is_quick { 25 } else { 100 };
                format!(
                    "streams --connections {n_connections} --chunks {n_chunks} --delay-us 20000"
                )
            }
            Load::Flood => format!(
                "flood --connections {n_connections} --duration-ms {duration_ms} --chunks 5000"
            ),
        };
        text.split(' ').map(str::to_owned).collect()
    }

    /// Drives the target once.
    ///
    /// # Errors
    /// The driver fails: almost nothing but failures came back, say.
    pub(super) fn measure(
        &self,
        target: &mut Target,
        round: usize,
        bench: &Bench<'_>,
    ) -> anyhow::Result<Sample> {
        let tree = ProcessTree::of(target.pid);
        if self.shares_core {
            repin(tree.pids(), bench.cores.outer)?;
        }
        sleep(SETTLE);
        let cpu_before_us = tree.cpu_us();
        let (report, rss_kib) = self.drive(target, &tree, bench)?;
        let cpu_us = ProcessTree::of(target.pid)
            .cpu_us()
            .saturating_sub(cpu_before_us);
        target.check_running()?;
        if self.shares_core && target.is_gateway() {
            repin(tree.pids(), bench.cores.gateway)?;
        }
        let counted = if self.is_streamed() { "chunks" } else { "ok" };
        let n_units = report.get(counted).and_then(Value::as_u64).unwrap_or(0);
        Ok(Sample {
            target: target.name,
            phase: self.name,
            round,
            cpu_us: (n_units > 0).then(|| real(cpu_us) / real(n_units)),
            report,
            rss_kib,
        })
    }

    fn drive(
        &self,
        target: &Target,
        tree: &ProcessTree,
        bench: &Bench<'_>,
    ) -> anyhow::Result<(Value, u64)> {
        let mut command = pinned(bench.cores.outer, bench.load.as_os_str());
        command.arg("drive").args(self.arguments(bench.is_quick));
        command.args(["--port", &target.port.to_string()]);
        command.args(["--key", target.key, "--model", target.model]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = process::spawn(&mut command)?;
        let mut rss_kib = tree.rss_kib();
        let mut waited = Duration::ZERO;
        while child.try_wait()?.is_none() && waited < DRIVE_MAX {
            sleep(SAMPLE_PAUSE);
            waited += SAMPLE_PAUSE;
            rss_kib = rss_kib.max(tree.rss_kib());
        }
        if waited >= DRIVE_MAX {
            child.kill()?;
        }
        let output = child.wait_with_output()?;
        if !output.status.success() {
            let message = String::from_utf8_lossy(&output.stderr);
            bail!("{} under {}: {}", target.name, self.name, message.trim());
        }
        let report = serde_json::from_slice(&output.stdout).context("reading the driver")?;
        Ok((report, rss_kib))
    }
}

/// What every measurement needs.
pub(super) struct Bench<'a> {
    pub(super) load: &'a Path,
    pub(super) cores: &'a Cores,
    pub(super) is_quick: bool,
}

impl Sample {
    /// A number of the driver's report, as `/latency_us/p50`.
    pub(super) fn figure(&self, pointer: &str) -> Option<f64> {
        self.report.pointer(pointer).and_then(Value::as_f64)
    }

    /// Requests that failed, and paced streams that never ended.
    pub(super) fn n_failures(&self) -> u64 {
        let count = |name: &str| self.report.get(name).and_then(Value::as_u64).unwrap_or(0);
        let n_stuck = if self.phase.starts_with('s') {
            count("unfinished")
        } else {
            0
        };
        count("failures") + n_stuck
    }

    /// What went wrong first, if anything did.
    pub(super) fn first_failure(&self) -> Option<&str> {
        let text = self.report.get("first_failure").and_then(Value::as_str);
        text.filter(|text| !text.is_empty())
    }

    pub(super) fn to_json(&self) -> Value {
        json!({
            "target": self.target,
            "phase": self.phase,
            "round": self.round,
            "cpu_us": self.cpu_us,
            "rss_kib": self.rss_kib,
            "report": self.report,
        })
    }
}
