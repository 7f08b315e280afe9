//! Arguments of `gateway`, `health`, `status` and `logs`.

use clap::{Args, Subcommand};

use crate::daemon::supervisor::Platform;

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
    /// Start it in the background.
    Start(StartArgs),
    /// Stop it: open requests are finished first.
    Stop(StopArgs),
    /// Stop it and start it again.
    Restart(StopArgs),
    /// Show which process serves this home and whether it answers; fails when none does.
    Status(StatusArgs),
    /// Show the gateway's log, like `openclaw logs`.
    Logs(LogsArgs),
    /// Ask the running gateway one question.
    Call(CallArgs),
    /// Make it a service that starts with the machine, and check that it sees the same credentials.
    Install(InstallArgs),
    /// Stop the service and delete its files.
    Uninstall(UninstallArgs),
}

/// Arguments of `gateway install`.
#[derive(Debug, Args)]
#[command(
    after_help = "Variables that hold keys are kept in `service.env` in the home (private), never in the service's \
own file.\n\nExamples:\n  openclaw gateway install --dry-run\n  openclaw gateway install --dry-run --platform launchd"
)]
pub(crate) struct InstallArgs {
    /// Port instead of `gateway.port`.
    #[arg(long, value_name = "PORT")]
    pub(crate) port: Option<u16>,
    /// Install for the machine instead of the user; needs its administrator.
    #[arg(long)]
    pub(crate) system: bool,
    /// Replace a service file that differs.
    #[arg(long)]
    pub(crate) force: bool,
    /// Only show what would be written and run.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// The service manager to show it for; this machine's if absent.
    #[arg(long, value_enum, requires = "dry_run")]
    pub(crate) platform: Option<Platform>,
    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `gateway uninstall`.
#[derive(Debug, Args)]
pub(crate) struct UninstallArgs {
    /// The service of the machine instead of the user's.
    #[arg(long)]
    pub(crate) system: bool,
    /// Only show what would be deleted.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `gateway start`.
#[derive(Debug, Args)]
pub(crate) struct StartArgs {
    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `gateway stop` and `gateway restart`.
#[derive(Debug, Args)]
pub(crate) struct StopArgs {
    /// Do not wait for open streams: end them with an error event.
    #[arg(long)]
    pub(crate) force: bool,
    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `gateway call`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  openclaw gateway call health\n  openclaw gateway call models.list --json"
)]
pub(crate) struct CallArgs {
    /// What to ask.
    #[arg(value_enum, value_name = "METHOD")]
    pub(crate) method: Method,
    /// Parameters as a JSON object; the methods of today take none.
    #[arg(long, value_name = "JSON", default_value = "{}")]
    pub(crate) params: String,
    /// Print the answer in one line.
    #[arg(long)]
    pub(crate) json: bool,
    /// Milliseconds to wait for the answer.
    #[arg(long, value_name = "MS", default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..=600_000))]
    pub(crate) timeout: u64,
}

/// What `gateway call` can ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Method {
    /// Is it ready, and if not, why.
    #[value(name = "health")]
    Health,
    /// What it is, uses and has served.
    #[value(name = "status")]
    Status,
    /// The models that it serves.
    #[value(name = "models.list")]
    ModelsList,
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
