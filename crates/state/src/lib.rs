//! Remembers across restarts, in `SQLite`. One file per purpose below `<state>/state/`, so that trouble with one of them
//! is not trouble with the others. Payloads are opaque: this crate knows keys, times and leases, and nothing of providers.
//!
//! A [`Database`] is opened when it is first needed; its tables are brought up to date by [`Schema::migrations`]. Reading
//! commands use [`Database::open_read_only`], which creates nothing.

mod database;
mod error;
mod jobs;
mod ledger;
mod routing;

pub use database::{BUSY_WAIT_MAX, Database, Durability, Schema};
pub use error::Error;
pub use jobs::{
    Job, JobChange, JobFilter, JobState, JobStore, Lease, NewJob, Owner, SUBMISSION_HELD_MS_MAX,
    Submission,
};
pub use ledger::{
    Cost, DAY_MS, Entry, Grouping, HOUR_MS, Ledger, LedgerEvent, LedgerReading, LedgerStore, Tell,
    Tokens, Usage, UsageRow, UsageSum,
};
pub use routing::{BreakerRow, RoutingMemory};

use std::path::PathBuf;

use config::Home;

/// Returns the folder of our databases. `OpenClaw` 2026.9 keeps its own there, under another name.
pub fn folder(home: &Home) -> PathBuf {
    home.state_dir().join("state")
}
