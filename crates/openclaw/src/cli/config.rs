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
    /// Merge a JSON5 document into the config; `null` removes a value.
    Patch(ConfigPatchArgs),
    /// Report every problem with line, column and the source line.
    Validate(ConfigJsonArgs),
    /// Print where the file is.
    File(ConfigJsonArgs),
    /// Show what changed since a change in the history; secrets are masked.
    Diff(ConfigDiffArgs),
    /// List who changed the config, and when.
    History(ConfigHistoryArgs),
    /// Put the config back as it was before a change, byte for byte.
    Undo(ConfigUndoArgs),
    /// Print the JSON Schema of the keys this program reads, with documentation and defaults.
    Schema,
    /// Show where variables come from.
    Env(ConfigEnvArgs),
}

impl ConfigCommand {
    /// Says whether errors are wanted as JSON.
    pub(crate) fn json(&self) -> bool {
        match self {
            Self::Get(args) => args.json,
            Self::Set(args) => args.json,
            Self::Unset(args) => args.json,
            Self::Patch(args) => args.json,
            Self::Validate(args) | Self::File(args) => args.json,
            Self::Diff(args) => args.json,
            Self::History(args) => args.json,
            Self::Undo(args) => args.json,
            Self::Env(args) => {
                let ConfigEnvCommand::Explain(args) = &args.command;
                args.json
            }
            Self::Schema => false,
        }
    }
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

/// Arguments of `config env`.
#[derive(Debug, Args)]
pub(crate) struct ConfigEnvArgs {
    #[command(subcommand)]
    pub(crate) command: ConfigEnvCommand,
}

/// What to do with variables.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigEnvCommand {
    /// Show which place sets each variable, what was found elsewhere, and how the running gateway differs.
    Explain(ConfigEnvExplainArgs),
}

/// Arguments of `config env explain`.
#[derive(Debug, Args)]
pub(crate) struct ConfigEnvExplainArgs {
    /// Variables to explain [default: keys, OPENCLAW_*, and whatever files and config set or refer to].
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<String>,
    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `config patch`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  echo '{gateway: {port: 18790, bind: null}}' | openclaw config patch --stdin --dry-run"
)]
pub(crate) struct ConfigPatchArgs {
    /// File that holds the document.
    #[arg(long, value_name = "FILE", required_unless_present = "stdin")]
    pub(crate) file: Option<PathBuf>,
    /// Read the document from standard input.
    #[arg(long, conflicts_with = "file")]
    pub(crate) stdin: bool,
    /// Replace the value at this path as a whole instead of merging into it; may be repeated.
    #[arg(long, value_name = "PATH")]
    pub(crate) replace_path: Vec<String>,
    /// Show what would change and write nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `config diff`.
#[derive(Debug, Args)]
pub(crate) struct ConfigDiffArgs {
    /// Number of the change, as `config history` shows it [default: the newest].
    pub(crate) number: Option<u64>,
    /// Show this change alone, not what came after it.
    #[arg(long)]
    pub(crate) only: bool,
    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `config history`.
#[derive(Debug, Args)]
pub(crate) struct ConfigHistoryArgs {
    /// Most changes to list, newest first.
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub(crate) limit: usize,
    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `config undo`.
#[derive(Debug, Args)]
pub(crate) struct ConfigUndoArgs {
    /// Number of the change: it and all later ones are undone [default: the newest that still stands].
    pub(crate) number: Option<u64>,
    /// Undo also what was edited by hand since.
    #[arg(long)]
    pub(crate) force: bool,
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
