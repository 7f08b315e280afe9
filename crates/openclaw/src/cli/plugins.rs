//! Arguments of `plugins`.

use clap::{Args, Subcommand};

use crate::cli::later::RestArgs;

/// Plugins; without a command the same as `plugins list`.
#[derive(Debug, Args)]
pub(crate) struct PluginsArgs {
    #[command(subcommand)]
    pub(crate) command: Option<PluginsCommand>,
}

/// What to do with plugins.
#[derive(Debug, Subcommand)]
pub(crate) enum PluginsCommand {
    /// List the built-in plugins and whether each is switched on.
    List(PluginsListArgs),
    /// Show one plugin: what it is for, whether it is switched on and why.
    #[command(visible_alias = "inspect")]
    Info(PluginsInfoArgs),
    /// Switch plugins on.
    Enable(PluginsSwitchArgs),
    /// Switch plugins off.
    Disable(PluginsSwitchArgs),
    /// Installing is not available: everything Qwen needs is built in.
    #[command(hide = true, alias = "uninstall", alias = "update")]
    Install(RestArgs),
}

/// Arguments of `plugins list`.
#[derive(Debug, Args, Default)]
pub(crate) struct PluginsListArgs {
    /// Only those that are switched on.
    #[arg(long)]
    pub(crate) enabled: bool,
    /// Also say what each is for.
    #[arg(long)]
    pub(crate) verbose: bool,
    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `plugins info`.
#[derive(Debug, Args)]
pub(crate) struct PluginsInfoArgs {
    /// The plugin.
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `plugins enable` and `plugins disable`.
#[derive(Debug, Args)]
pub(crate) struct PluginsSwitchArgs {
    /// The plugins.
    #[arg(value_name = "ID", required = true)]
    pub(crate) ids: Vec<String>,
    /// Show what would change and write nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

impl PluginsArgs {
    /// Says whether JSON was asked for.
    pub(crate) fn json(&self) -> bool {
        match &self.command {
            None | Some(PluginsCommand::Install(_)) => false,
            Some(PluginsCommand::List(args)) => args.json,
            Some(PluginsCommand::Info(args)) => args.json,
            Some(PluginsCommand::Enable(args) | PluginsCommand::Disable(args)) => args.json,
        }
    }
}
