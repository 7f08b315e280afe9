//! What can be typed. Only definitions: each command turns its arguments into a plan in its own module.

use clap::{Args, Parser, Subcommand};

pub(crate) mod agent;
pub(crate) mod backup;
pub(crate) mod config;
pub(crate) mod doctor;
pub(crate) mod gateway;
pub(crate) mod infer;
pub(crate) mod later;
pub(crate) mod migrate;
pub(crate) mod models;
pub(crate) mod models_auth;
pub(crate) mod onboard;
pub(crate) mod plugins;
pub(crate) mod tasks;
pub(crate) mod thinking;
pub(crate) mod usage;

const AFTER_HELP: &str = "\
Getting started:
  openclaw demo                                      see it work without a key
  openclaw onboard                                   paste a key; the plan and region are checked
  openclaw gateway run                               serve http://127.0.0.1:18789/v1
  openclaw agent --message \"hello\"                   one answer in the terminal

Exit codes:
  0 done                            3 credential refused or missing
  1 error                           4 quota used up
  2 not available yet, or expiring  5 host or gateway not reachable
                                    78 second gateway of a home, as a service";

/// Qwen Cloud for OpenClaw: one local OpenAI-compatible gateway for every Qwen model.
#[derive(Debug, Parser)]
#[command(name = "openclaw", disable_version_flag = true, after_help = AFTER_HELP, max_term_width = 110)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// Flags every command takes.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// Use the home `~/.openclaw-<NAME>` instead of `~/.openclaw`.
    #[arg(long, value_name = "NAME", global = true)]
    pub(crate) profile: Option<String>,
    /// Use the development home `~/.openclaw-dev` and port 19001.
    #[arg(long, global = true)]
    pub(crate) dev: bool,
    /// Keep log lines from this level on: trace, debug, info, warn, error.
    #[arg(long, value_name = "LEVEL", global = true)]
    pub(crate) log_level: Option<String>,
    /// Print without colour (`NO_COLOR` does the same).
    #[arg(long, global = true)]
    pub(crate) no_color: bool,
    /// Print the version.
    #[arg(short = 'V', long)]
    pub(crate) version: bool,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Set up a key: checks it with the service before anything is written.
    #[command(visible_alias = "setup")]
    Onboard(Box<onboard::OnboardArgs>),
    /// List models, choose the default, manage aliases and fallbacks.
    Models(models::ModelsArgs),
    /// Read and edit openclaw.json without losing comments or layout.
    Config(config::ConfigArgs),
    /// Call a model directly.
    #[command(visible_alias = "capability")]
    Infer(infer::InferArgs),
    /// Ask the agent one question; the answer streams to the terminal.
    Agent(agent::AgentArgs),
    /// Long jobs, such as videos: list, show, wait for, cancel.
    Tasks(tasks::TasksArgs),
    /// Run and inspect the gateway.
    Gateway(gateway::GatewayArgs),
    /// Ask the running gateway whether it is well.
    Health(gateway::HealthArgs),
    /// Show configuration, credentials and the running gateway at a glance.
    Status(gateway::StatusArgs),
    /// Show the gateway's log.
    Logs(gateway::LogsArgs),
    /// Show what the gateway decided for one request, and why.
    Trace(gateway::TraceArgs),
    /// Show what was used and what it cost, by model, caller, host, hour or day.
    Usage(usage::UsageArgs),
    /// Print a completion script for a shell.
    Completion(CompletionArgs),
    /// Show the main job on the built-in emulator: onboard, gateway, streamed answer. No key, no network.
    Demo(DemoArgs),
    /// Run the built-in Model Studio emulator. It is not the real service.
    Emulator(EmulatorArgs),
    /// Show the built-in plugins, and switch them on or off.
    Plugins(plugins::PluginsArgs),
    /// Say what is wrong with the home, and repair what has one right answer.
    Doctor(doctor::DoctorArgs),
    /// Copy what a home cannot make again, and put it back.
    Backup(backup::BackupArgs),
    /// Say which generation the home is, move it off retired providers, or take that back.
    Migrate(migrate::MigrateArgs),
}

/// Arguments of `completion`.
#[derive(Debug, Args)]
pub(crate) struct CompletionArgs {
    /// Shell to complete for.
    #[arg(
        value_enum,
        value_name = "SHELL",
        required_unless_present = "shell_flag"
    )]
    pub(crate) shell: Option<clap_complete::Shell>,
    /// Same as the argument, as OpenClaw spells it.
    #[arg(
        short = 's',
        long = "shell",
        value_enum,
        id = "shell_flag",
        conflicts_with = "shell"
    )]
    pub(crate) shell_flag: Option<clap_complete::Shell>,
}

/// Arguments of `demo`.
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// The question to ask.
    #[arg(long, default_value = "What does this gateway do?")]
    pub(crate) message: String,
    /// Print one JSON object at the end instead of the story.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `emulator`.
#[derive(Debug, Args)]
#[command(after_help = crate::commands::emulator::KEYS_HELP.as_str())]
pub(crate) struct EmulatorArgs {
    /// Loopback address to listen on; port 0 takes a free one.
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:0")]
    pub(crate) listen: std::net::SocketAddr,
    /// Write the certificate of the emulator's own authority to this file (a new temporary file if absent).
    #[arg(long, value_name = "FILE")]
    pub(crate) ca_out: Option<std::path::PathBuf>,
    /// Print the environment that sends Rust, Python and Node clients through the emulator.
    #[arg(long)]
    pub(crate) print_env: bool,
    /// Print one JSON object with address, CA file and environment.
    #[arg(long)]
    pub(crate) json: bool,
}
