//! Arguments of `config`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Read and edit openclaw.json.
#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    pub(crate) command: ConfigCommand,
}

/// What to do with the config.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Print one value; secrets are redacted.
    Get(ConfigGetArgs),
    /// Set one value; every other byte of the file stays as it is.
    Set(ConfigSetArgs),
    /// Remove one value; every other byte of the file stays as it is.
    Unset(ConfigUnsetArgs),
    /// Report every problem with line, column and the source line.
    Validate(ConfigJsonArgs),
    /// Print where the file is.
    File(ConfigJsonArgs),
}

/// Arguments of `config get`.
#[derive(Debug, Args)]
pub(crate) struct ConfigGetArgs {
    /// Path such as `agents.defaults.model.primary` or `models.providers["qwen"].baseUrl`.
    pub(crate) path: String,
    /// Print the value as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `config set`.
#[derive(Debug, Args)]
pub(crate) struct ConfigSetArgs {
    /// Path such as `gateway.port`.
    pub(crate) path: String,
    /// Value: JSON5 when it parses, else text.
    #[arg(allow_hyphen_values = true)]
    pub(crate) value: String,
    /// Refuse a value that is not valid JSON5 instead of taking it as text.
    #[arg(long, visible_alias = "strict-json")]
    pub(crate) strict: bool,
    /// Show what would change and write nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `config unset`.
#[derive(Debug, Args)]
pub(crate) struct ConfigUnsetArgs {
    /// Path of the value to remove.
    pub(crate) path: String,
    /// Show what would change and write nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `config validate` and `config file`.
#[derive(Debug, Args)]
pub(crate) struct ConfigJsonArgs {
    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
    /// File to check instead of the home's.
    #[arg(long, value_name = "FILE", hide = true)]
    pub(crate) path: Option<PathBuf>,
}
