//! Benchmarks. How to read them and what they gave is in docs/performance.md.

mod cores;
mod figures;
mod gateway;
mod homes;
mod machine;
mod nginx;
mod phase;
mod probe;
mod process_tree;
mod start;
mod summary;
mod target;

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Subcommand;
use serde_json::Value;

use crate::workspace::{cargo, target_directory};
use crate::{process, workspace};

#[derive(Subcommand)]
pub(crate) enum Benchmark {
    /// How long local commands take, how soon the gateway answers, and what memory they use
    Start(start::Options),
    /// What the gateway costs per request and per streamed chunk, beside nginx
    Gateway(gateway::Options),
}

pub(crate) fn run(benchmark: &Benchmark) -> anyhow::Result<()> {
    match benchmark {
        Benchmark::Start(options) => start::run(options),
        Benchmark::Gateway(options) => gateway::run(options),
    }
}

/// Builds a program of the workspace as it is shipped and returns where it is.
fn release_binary(name: &str) -> anyhow::Result<PathBuf> {
    process::run(&mut cargo(&["build", "--release", "--package", name]))?;
    Ok(target_directory()?.join("release").join(name))
}

/// The given program, or ours built as it is shipped.
fn openclaw_binary(given: Option<&Path>) -> anyhow::Result<PathBuf> {
    let Some(path) = given else {
        return release_binary("openclaw");
    };
    let path = workspace::root().join(path);
    path.canonicalize()
        .with_context(|| format!("{} is not there", path.display()))
}

/// Writes measurements for programs; `-` is standard output.
fn write_json(path: &Path, value: &Value) -> anyhow::Result<()> {
    let text = serde_json::to_string_pretty(value)?;
    if path.as_os_str() == "-" {
        println!("{text}");
        return Ok(());
    }
    std::fs::write(path, text + "\n").with_context(|| path.display().to_string())
}
