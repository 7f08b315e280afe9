//! Arguments of `infer embedding`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::MediaCallArgs;

const EXAMPLES: &str = "\
Examples:
  openclaw infer embedding create --text \"first\" --text \"second\"
  openclaw infer embedding create --file lines.txt --dimensions 256 --json
  cat lines.txt | openclaw infer embedding create --file - --json";

/// Vectors of texts.
#[derive(Debug, Args)]
pub(crate) struct EmbeddingArgs {
    #[command(subcommand)]
    pub(crate) command: EmbeddingCommand,
}

/// What can be done.
#[derive(Debug, Subcommand)]
pub(crate) enum EmbeddingCommand {
    /// Make a vector of each text. Any number of texts; they are sent in batches the model takes.
    #[command(after_help = EXAMPLES)]
    Create(EmbeddingCreateArgs),
}

/// Arguments of `infer embedding create`.
#[derive(Debug, Args)]
pub(crate) struct EmbeddingCreateArgs {
    /// A text; may be given again.
    #[arg(long, value_name = "TEXT", required_unless_present = "file")]
    pub(crate) text: Vec<String>,
    /// A file with one text per line; `-` is standard input.
    #[arg(long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// Length of the vectors; the model's usual length if absent.
    #[arg(long, value_name = "N")]
    pub(crate) dimensions: Option<u64>,
    #[command(flatten)]
    pub(crate) call: MediaCallArgs,
}

impl EmbeddingArgs {
    /// Returns what every call takes.
    pub(crate) fn call(&self) -> &MediaCallArgs {
        let EmbeddingCommand::Create(args) = &self.command;
        &args.call
    }
}
