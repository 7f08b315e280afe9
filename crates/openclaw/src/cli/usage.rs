//! Arguments of `usage`.

use clap::{Args, ValueEnum};

/// What was used.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  openclaw usage                              the last seven days, by model
  openclaw usage --by day --since 30d
  openclaw usage --by caller --since 2026-11-01 --json

Every request through the gateway is counted. Days begin at midnight UTC.
Single requests are kept for 30 days, sums by hour for 92 days, sums by day for five years.
A request whose price is not known has an unknown cost, not none.")]
pub(crate) struct UsageArgs {
    /// By what to sum up.
    #[arg(long, value_enum, value_name = "KEY", default_value_t = UsageBy::Model)]
    pub(crate) by: UsageBy,
    /// From when on: `12h`, `7d`, `4w`, or a date such as 2026-11-01.
    #[arg(long, value_name = "WHEN", default_value = "7d")]
    pub(crate) since: String,
    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

/// By what to sum up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum UsageBy {
    /// Model, as `provider/model`.
    Model,
    /// Who asked.
    Caller,
    /// Host that was asked.
    Host,
    /// Hour.
    Hour,
    /// Day, in UTC.
    Day,
}
