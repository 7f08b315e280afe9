//! Arguments of `backup`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Arguments of `backup`.
#[derive(Debug, Args)]
pub(crate) struct BackupArgs {
    #[command(subcommand)]
    pub(crate) command: BackupCommand,
}

/// What to do with backups.
#[derive(Debug, Subcommand)]
pub(crate) enum BackupCommand {
    /// Copy config, credentials and sessions lists into a private folder, with a manifest of hashes and modes.
    Create(BackupCreateArgs),
    /// List the backups of this home.
    List(BackupListArgs),
    /// Check that a backup is complete and unchanged.
    Verify(BackupNameArgs),
    /// Put the files of a backup back, as one step that `openclaw migrate undo` takes back.
    Restore(BackupRestoreArgs),
}

/// Arguments of `backup create`.
#[derive(Debug, Args)]
pub(crate) struct BackupCreateArgs {
    /// Folder to make [default: a new one in `backups/` of the home].
    #[arg(long, value_name = "DIR")]
    pub(crate) output: Option<PathBuf>,
    /// Show what would be copied and write nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `backup list`.
#[derive(Debug, Args)]
pub(crate) struct BackupListArgs {
    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `backup verify`.
#[derive(Debug, Args)]
pub(crate) struct BackupNameArgs {
    /// Name from `backup list`, or a folder [default: the newest].
    pub(crate) name: Option<String>,
    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `backup restore`.
#[derive(Debug, Args)]
pub(crate) struct BackupRestoreArgs {
    /// Name from `backup list`, or a folder.
    pub(crate) name: String,
    /// Show what would be put back and write nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Do not ask before writing.
    #[arg(long, short)]
    pub(crate) yes: bool,
    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

impl BackupArgs {
    /// Says whether errors are wanted as JSON.
    pub(crate) fn json(&self) -> bool {
        match &self.command {
            BackupCommand::Create(args) => args.json,
            BackupCommand::List(args) => args.json,
            BackupCommand::Verify(args) => args.json,
            BackupCommand::Restore(args) => args.json,
        }
    }
}
