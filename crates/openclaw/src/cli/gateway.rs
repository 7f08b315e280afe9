//! Arguments of `gateway`, `health`, `status` and `logs`.

use clap::{Args, Subcommand};

/// The gateway.
#[derive(Debug, Args)]
pub(crate) struct GatewayArgs {
    #[command(subcommand)]
    pub(crate) command: Option<GatewayCommand>,
    #[command(flatten)]
    pub(crate) run: GatewayRunArgs,
}

/// What to do with the gateway; `run` when absent.
#[derive(Debug, Subcommand)]
pub(crate) enum GatewayCommand {
    /// Serve in the foreground until SIGINT or SIGTERM, then drain.
    Run(GatewayRunArgs),
    /// Ask the running gateway whether it is well.
    Health(HealthArgs),
    /// Show the running gateway.
    Status(StatusArgs),
}

/// Arguments of `gateway run`.
#[derive(Debug, Args)]
pub(crate) struct GatewayRunArgs {
    /// Port instead of `gateway.port` (default 18789; 0 takes a free one).
    #[arg(long, value_name = "PORT")]
    pub(crate) port: Option<u16>,
    /// Where to listen instead of `gateway.bind`: loopback, lan, or an IP address.
    #[arg(long, value_name = "WHERE")]
    pub(crate) bind: Option<String>,
    /// Start although the home was never onboarded: loopback only, with a token made for this run.
    #[arg(long)]
    pub(crate) allow_unconfigured: bool,
    /// Do not show log lines on the terminal.
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

/// Arguments of `health`.
#[derive(Debug, Args)]
pub(crate) struct HealthArgs {
    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
    /// Milliseconds to wait for an answer.
    #[arg(long, value_name = "MS", default_value_t = 3000, value_parser = clap::value_parser!(u64).range(1..=600_000))]
    pub(crate) timeout: u64,
}

/// Arguments of `status`.
#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
    /// Milliseconds to wait for the gateway.
    #[arg(long, value_name = "MS", default_value_t = 3000, value_parser = clap::value_parser!(u64).range(1..=600_000))]
    pub(crate) timeout: u64,
}

/// Arguments of `logs`.
#[derive(Debug, Args)]
pub(crate) struct LogsArgs {
    /// Keep printing new lines until interrupted.
    #[arg(short, long)]
    pub(crate) follow: bool,
    /// Lines to show from the end.
    #[arg(long, value_name = "LINES", default_value_t = 200, value_parser = clap::value_parser!(u32).range(0..=1_000_000))]
    pub(crate) limit: u32,
    /// Print records as JSON lines: one `meta`, then one `log` per line.
    #[arg(long)]
    pub(crate) json: bool,
    /// Print lines exactly as they stand in the file.
    #[arg(long, conflicts_with = "json")]
    pub(crate) plain: bool,
}

/// Arguments of `trace`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  openclaw trace req-5f3a09c1-2b")]
pub(crate) struct TraceArgs {
    /// The gateway's id of the request: the `x-request-id` header of the answer.
    #[arg(value_name = "REQUEST_ID")]
    pub(crate) request_id: String,
    /// Print the record as one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}
