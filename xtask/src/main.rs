//! Project chores: the gate (`test`), the graph of crates (`dag`), repository rules (`tidy`) and
//! the benchmarks (`bench`). Run as `cargo xtask <chore>` from anywhere in the repository.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a tool for the people who work on the project: what it prints is its result"
)]

mod bench;
mod dag;
mod debian;
mod gate;
mod process;
mod tidy;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Project chores")]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Run everything a change has to pass; what it needs it installs (as root on Debian)
    Test(gate::Options),
    /// Compare the dependencies between the crates with xtask/dag.txt
    Dag,
    /// Check the rules of the repository that no compiler checks
    Tidy,
    /// Measure; see docs/performance.md
    #[command(subcommand)]
    Bench(bench::Benchmark),
}

fn main() -> ExitCode {
    let Err(error) = run(Arguments::parse().chore) else {
        return ExitCode::SUCCESS;
    };
    eprintln!("error: {error}");
    for cause in error.chain().skip(1) {
        eprintln!("  because: {cause}");
    }
    ExitCode::FAILURE
}

fn run(chore: Chore) -> anyhow::Result<()> {
    match chore {
        Chore::Test(options) => gate::run(&options),
        Chore::Dag => dag::run(),
        Chore::Tidy => tidy::run(),
        Chore::Bench(benchmark) => bench::run(&benchmark),
    }
}
