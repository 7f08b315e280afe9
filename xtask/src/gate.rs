//! Everything a change has to pass, in the order in which mistakes are found fastest.

mod ai_sdk;
mod sdk;

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::Context as _;

use crate::workspace::cargo;
use crate::{dag, process, tidy, workspace};

/// Size a release binary should not exceed, in bytes.
const BINARY_BYTES_GOAL: u64 = 15_000_000;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Stop after the Rust tests: no documentation, no Python, no release build
    #[arg(long)]
    fast: bool,
}

struct Step {
    title: &'static str,
    /// Whether `--fast` runs it too.
    is_fast: bool,
    run: fn() -> anyhow::Result<()>,
    hint: &'static str,
}

const STEPS: &[Step] = &[
    Step {
        title: "tools",
        is_fast: true,
        run: tools,
        hint: "rustup component add rustfmt clippy",
    },
    Step {
        title: "formatting",
        is_fast: true,
        run: formatting,
        hint: "cargo fmt --all",
    },
    Step {
        title: "lints",
        is_fast: true,
        run: lints,
        hint: "the lint's name in brackets leads to its explanation",
    },
    Step {
        title: "the feature `keyring`",
        is_fast: false,
        run: keyring,
        hint: "cargo check -p openclaw --features keyring",
    },
    Step {
        title: "graph of crates",
        is_fast: true,
        run: dag::run,
        hint: "a new arrow needs a line in xtask/dag.txt with a reason above it",
    },
    Step {
        title: "tidy",
        is_fast: true,
        run: tidy::run,
        hint: "cargo xtask tidy",
    },
    Step {
        title: "unit and integration tests",
        is_fast: true,
        run: tests,
        hint: "cargo test -p <crate> <name> runs one test",
    },
    Step {
        title: "documentation tests",
        is_fast: false,
        run: || process::run(&mut cargo(&["test", "--workspace", "--doc"])),
        hint: "cargo test --doc -p <crate>",
    },
    Step {
        title: "documentation",
        is_fast: false,
        run: documentation,
        hint: "RUSTDOCFLAGS=-Dwarnings cargo doc --workspace --no-deps",
    },
    Step {
        title: "OpenAI, Anthropic and Vercel SDKs against the binary",
        is_fast: false,
        run: sdk::run,
        hint: "the scenarios are in tests/sdk",
    },
    Step {
        title: "quickstart of the README",
        is_fast: false,
        run: quickstart,
        hint: "cargo run --release -- demo",
    },
];

/// Runs the gate; stops at the first step that fails.
///
/// # Errors
/// A step failed; its hint is part of the message.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let steps: Vec<_> = STEPS
        .iter()
        .filter(|step| step.is_fast || !options.fast)
        .collect();
    let started = Instant::now();
    let mut times = Vec::with_capacity(steps.len());
    for (index, step) in steps.iter().enumerate() {
        println!("\n==> [{}/{}] {}", index + 1, steps.len(), step.title);
        let step_started = Instant::now();
        let result = (step.run)();
        let took = seconds(step_started.elapsed());
        if let Err(error) = result {
            println!("\n==> FAILED: {} after {took}", step.title);
            return Err(error.context(format!(
                "{} failed after {took}\nhint: {}",
                step.title, step.hint
            )));
        }
        println!("==> ok: {} in {took}", step.title);
        times.push((step.title, took));
    }
    println!("\n==> all passed in {}", seconds(started.elapsed()));
    for (title, took) in times {
        println!("    {took:>9}  {title}");
    }
    Ok(())
}

fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}

fn tools() -> anyhow::Result<()> {
    process::run(&mut cargo(&["--version"]))?;
    process::run(&mut cargo(&["fmt", "--version"])).context("rustfmt is missing")?;
    process::run(&mut cargo(&["clippy", "--version"])).context("clippy is missing")
}

/// Prints the names of the files that differ, not every difference.
fn formatting() -> anyhow::Result<()> {
    let check = ["fmt", "--all", "--check", "--", "--files-with-diff"];
    process::run(&mut cargo(&check))
}

fn lints() -> anyhow::Result<()> {
    let clippy = ["clippy", "--workspace", "--all-targets"];
    process::run(cargo(&clippy).args(["--", "-D", "warnings"]))
}

/// What no other step builds has to compile too.
fn keyring() -> anyhow::Result<()> {
    process::run(&mut cargo(&[
        "check",
        "-p",
        "openclaw",
        "--features",
        "keyring",
    ]))
}

fn tests() -> anyhow::Result<()> {
    let kinds = ["test", "--workspace", "--lib", "--bins", "--tests"];
    process::run(&mut cargo(&kinds))
}

fn documentation() -> anyhow::Result<()> {
    let doc = ["doc", "--workspace", "--no-deps"];
    process::run(cargo(&doc).env("RUSTDOCFLAGS", "-Dwarnings"))
}

/// The first thing a reader of the README types has to work as printed there.
fn quickstart() -> anyhow::Result<()> {
    process::run(&mut cargo(&["build", "--release"]))?;
    let started = Instant::now();
    process::run(&mut cargo(&["run", "--release", "--", "demo"]))?;
    println!("the demo took {}", seconds(started.elapsed()));
    let binary = workspace::target_directory()?.join("release/openclaw");
    let n_bytes = binary
        .metadata()
        .context("reading the binary's size")?
        .len();
    println!("the binary has {n_bytes} bytes (goal: at most {BINARY_BYTES_GOAL})");
    process::run(Command::new(&binary).arg("--version"))
}
