//! Local commands and the start of the gateway.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use serde_json::{Value, json};

use super::figures::{largest, median, real, shown, smallest, table};
use super::homes::Home;
use super::process_tree::{ProcessTree, memory_kib};
use super::{machine, openclaw_binary, probe, write_json};
use crate::process::{self, Server};

const WARM_UP_RUNS: usize = 3;
/// Runs of a command whose memory is watched; apart from the timed ones, as watching disturbs.
const MEMORY_RUNS: usize = 10;
/// Starts of the gateway after which its idle memory is read.
const IDLE_RUNS: usize = 3;
const IDLE_AFTER: Duration = Duration::from_secs(3);
/// Pause between two attempts to reach the gateway: the resolution of its start time.
const CONNECT_PAUSE: Duration = Duration::from_micros(200);
const READY_MAX: Duration = Duration::from_secs(20);
const KIB_PER_MB: f64 = 1000.0 / 1.024;

const COMMAND_GOAL_MS: f64 = 10.0;
const READY_GOAL_MS: f64 = 50.0;
const IDLE_GOAL_MB: f64 = 15.0;
const BINARY_GOAL_MB: f64 = 15.0;

const COMMANDS: [&[&str]; 3] = [
    &["--version"],
    &["models", "list", "--provider", "qwen"],
    &["config", "get", "agents.defaults.model.primary"],
];

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Timed runs of each command, after three that do not count
    #[arg(long, default_value_t = 15)]
    rounds: usize,
    /// Write the measurements as JSON to a file, or to standard output
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "-")]
    json: Option<PathBuf>,
    /// Measure this program instead of building ours
    #[arg(long, value_name = "PATH")]
    binary: Option<PathBuf>,
}

/// One row of the result.
struct Row {
    what: String,
    unit: &'static str,
    values: Vec<f64>,
    goal: Option<f64>,
}

/// Measures and prints.
///
/// # Errors
/// A command fails, or the gateway does not start.
pub(super) fn run(options: &Options) -> anyhow::Result<()> {
    let binary = openclaw_binary(options.binary.as_deref())?;
    let machine = machine::describe();
    let mut rows = Vec::new();
    for arguments in COMMANDS {
        rows.extend(command_rows(&binary, arguments, options.rounds)?);
    }
    rows.extend(gateway_rows(&binary, options.rounds)?);
    let n_bytes = binary
        .metadata()
        .context("reading the binary's size")?
        .len();
    let size = vec![real(n_bytes) / 1e6];
    rows.push(Row::new(
        "size of the binary",
        "MB",
        size,
        Some(BINARY_GOAL_MB),
    ));
    if let Some(path) = &options.json {
        let rows: Vec<_> = rows.iter().map(Row::to_json).collect();
        write_json(path, &json!({"machine": machine, "rows": rows}))?;
    }
    if options.json.as_deref() != Some(Path::new("-")) {
        println!("\n{}\n", machine::line(&machine));
        print_table(&rows);
    }
    Ok(())
}

fn command_rows(binary: &Path, arguments: &[&str], n_rounds: usize) -> anyhow::Result<[Row; 2]> {
    let home = Home::with_qwen(probe::free_port()?)?;
    let command = || {
        let mut command = Command::new(binary);
        home.settle(&mut command).args(arguments);
        command.stdin(Stdio::null());
        command
    };
    process::output(&mut command()).context("a command that is to be measured fails")?;
    let mut times_ms = Vec::with_capacity(n_rounds);
    for round in 0..WARM_UP_RUNS + n_rounds {
        let time = time(&mut command())?;
        if round >= WARM_UP_RUNS {
            times_ms.push(time.as_secs_f64() * 1e3);
        }
    }
    let peaks = (0..MEMORY_RUNS).map(|_| peak_mb(&mut command()));
    let peaks_mb = peaks.collect::<anyhow::Result<Vec<_>>>()?;
    // On a busy machine a command may end between two looks: the most that was seen is the truth.
    let peak_mb = Vec::from_iter(largest(&peaks_mb));
    let what = format!("openclaw {}", arguments.join(" "));
    let memory = format!("{what}: memory");
    Ok([
        Row::new(&what, "ms", times_ms, Some(COMMAND_GOAL_MS)),
        Row::new(&memory, "MB", peak_mb, None),
    ])
}

fn time(command: &mut Command) -> anyhow::Result<Duration> {
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let started = Instant::now();
    let status = command.status()?;
    let took = started.elapsed();
    if !status.success() {
        bail!("a command that is to be measured ended with {status}");
    }
    Ok(took)
}

/// The largest memory of a command: its high-water mark, read until the process is gone.
fn peak_mb(command: &mut Command) -> anyhow::Result<f64> {
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn()?;
    let mut peak_kib = 0;
    while let Some(kib) = memory_kib(child.id(), "VmHWM:") {
        peak_kib = kib;
    }
    child.wait()?;
    Ok(real(peak_kib) / KIB_PER_MB)
}

fn gateway_rows(binary: &Path, n_rounds: usize) -> anyhow::Result<[Row; 2]> {
    let mut ready_ms = Vec::with_capacity(n_rounds);
    let mut idle_mb = Vec::with_capacity(IDLE_RUNS);
    for round in 0..WARM_UP_RUNS + n_rounds {
        let port = probe::free_port()?;
        let home = Home::with_qwen(port)?;
        let mut command = Command::new(binary);
        home.settle(&mut command).args(["gateway", "run"]);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let started = Instant::now();
        let mut server = Server::start(&mut command)?;
        await_health(&mut server, port, started)?;
        if round >= WARM_UP_RUNS {
            ready_ms.push(started.elapsed().as_secs_f64() * 1e3);
        }
        if round < IDLE_RUNS {
            sleep(IDLE_AFTER);
            idle_mb.push(real(ProcessTree::of(server.pid()).rss_kib()) / KIB_PER_MB);
        }
    }
    Ok([
        Row::new(
            "gateway: start to first 200",
            "ms",
            ready_ms,
            Some(READY_GOAL_MS),
        ),
        Row::new("gateway: idle memory", "MB", idle_mb, Some(IDLE_GOAL_MB)),
    ])
}

fn await_health(server: &mut Server, port: u16, started: Instant) -> anyhow::Result<()> {
    while started.elapsed() < READY_MAX {
        if probe::get(port, "/healthz").is_ok_and(|reply| reply.status == 200) {
            return Ok(());
        }
        server
            .check_running()
            .context("the gateway that is to be measured")?;
        sleep(CONNECT_PAUSE);
    }
    bail!("the gateway did not answer 200 on /healthz within {READY_MAX:?}");
}

impl Row {
    fn new(what: &str, unit: &'static str, values: Vec<f64>, goal: Option<f64>) -> Self {
        Self {
            what: what.to_owned(),
            unit,
            values,
            goal,
        }
    }

    fn verdict(&self) -> &'static str {
        match (median(&self.values), self.goal) {
            (Some(median), Some(goal)) if median <= goal => "reached",
            (Some(_), Some(_)) => "MISSED",
            _ => "",
        }
    }

    fn cells(&self) -> Vec<String> {
        let with_unit = |value: Option<f64>| format!("{} {}", shown(value, 1), self.unit);
        vec![
            self.what.clone(),
            with_unit(median(&self.values)),
            with_unit(smallest(&self.values)),
            with_unit(largest(&self.values)),
            self.values.len().to_string(),
            self.goal
                .map_or(String::new(), |goal| format!("{goal:.0} {}", self.unit)),
            self.verdict().to_owned(),
        ]
    }

    fn to_json(&self) -> Value {
        json!({
            "what": self.what,
            "unit": self.unit,
            "median": median(&self.values),
            "values": self.values,
            "goal": self.goal,
        })
    }
}

fn print_table(rows: &[Row]) {
    let head = ["what", "median", "min", "max", "n", "goal", ""];
    let cells: Vec<_> = rows.iter().map(Row::cells).collect();
    print!("{}", table(&head, &cells));
}
