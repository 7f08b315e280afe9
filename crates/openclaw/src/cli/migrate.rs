//! Arguments of `migrate`.

use clap::{Args, Subcommand};

use super::onboard::KeyFlags;

/// Arguments of `migrate`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  openclaw migrate                                    which generation this home is, and what would change
  openclaw migrate qwen-portal --dry-run              the whole plan
  openclaw migrate qwen-portal --to qwen-api-key      to the Coding Plan; asks for the key
  openclaw migrate undo                               back to the byte")]
pub(crate) struct MigrateArgs {
    #[command(subcommand)]
    pub(crate) command: Option<MigrateCommand>,
    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

/// What to migrate.
#[derive(Debug, Subcommand)]
pub(crate) enum MigrateCommand {
    /// Move a home off the retired Qwen Portal login, to a key of Model Studio.
    QwenPortal(MigrateProviderArgs),
    /// Write `qwen` for the older name `modelstudio`; the stored key is kept.
    Modelstudio(MigrateProviderArgs),
    /// Put back what the last migration or repair changed, byte for byte.
    Undo(MigrateUndoArgs),
}

/// Arguments of a migration.
#[derive(Debug, Args)]
pub(crate) struct MigrateProviderArgs {
    /// Plan and region to move to, an auth choice of `onboard` [default: what the key or the host tells].
    #[arg(long, value_name = "ID")]
    pub(crate) to: Option<String>,
    #[command(flatten)]
    pub(crate) keys: KeyFlags,
    /// Read the key from standard input.
    #[arg(long, help_heading = "Keys")]
    pub(crate) api_key_stdin: bool,
    /// Do not ask the service whether the key works, and make no live request.
    #[arg(long)]
    pub(crate) skip_probe: bool,
    /// Show the whole plan and write nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Do not ask before writing.
    #[arg(long, short)]
    pub(crate) yes: bool,
    /// Ask nothing.
    #[arg(long)]
    pub(crate) non_interactive: bool,
    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `migrate undo`.
#[derive(Debug, Args)]
pub(crate) struct MigrateUndoArgs {
    /// Take back also what has been changed in the same files since.
    #[arg(long)]
    pub(crate) force: bool,
    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

impl MigrateArgs {
    /// Says whether errors are wanted as JSON.
    pub(crate) fn json(&self) -> bool {
        match &self.command {
            None => self.json,
            Some(MigrateCommand::QwenPortal(args) | MigrateCommand::Modelstudio(args)) => args.json,
            Some(MigrateCommand::Undo(args)) => args.json,
        }
    }
}
