//! The two outer ends of the gateway benchmark.
//!
//! `load mock` answers like an OpenAI-compatible provider; `load drive` asks like many clients at
//! once. Both are one poll loop on one thread, so that what they cost is small and steady beside
//! what is measured, and both speak plain HTTP/1.1 on loopback only. Every content chunk of a
//! stream carries the time at which the mock queued it: the client's clock minus that time is how
//! long the gateway (and the kernel, twice) kept the chunk.

mod body;
mod clock;
mod drive;
mod field;
mod histogram;
mod mock;

use std::io::Write as _;

use anyhow::Context as _;
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(about = "Mock upstream and load generator of the gateway benchmark")]
struct Arguments {
    #[command(subcommand)]
    role: Role,
}

#[derive(Subcommand)]
enum Role {
    /// Answer chat completions until killed
    Mock(mock::Options),
    /// Send chat completions and print one JSON object of measurements
    Drive(drive::Options),
}

fn main() -> anyhow::Result<()> {
    match Arguments::parse().role {
        Role::Mock(options) => mock::serve(&options),
        Role::Drive(options) => {
            let report = drive::run(&options)?;
            writeln!(std::io::stdout(), "{report}").context("printing the measurements")
        }
    }
}
