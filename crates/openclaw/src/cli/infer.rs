//! Arguments of `infer`.

use clap::{Args, Subcommand};

/// Direct calls.
#[derive(Debug, Args)]
pub(crate) struct InferArgs {
    #[command(subcommand)]
    pub(crate) command: InferCommand,
}

/// What can be called.
#[derive(Debug, Subcommand)]
pub(crate) enum InferCommand {
    /// Text models.
    Model(InferModelArgs),
}

/// Calls of text models.
#[derive(Debug, Args)]
pub(crate) struct InferModelArgs {
    #[command(subcommand)]
    pub(crate) command: InferModelCommand,
}

/// Calls of text models.
#[derive(Debug, Subcommand)]
pub(crate) enum InferModelCommand {
    /// Send one prompt and print the answer.
    Run(InferModelRunArgs),
}

/// Arguments of `infer model run`.
#[derive(Debug, Args)]
pub(crate) struct InferModelRunArgs {
    /// The prompt; `-` reads it from standard input.
    #[arg(long, value_name = "TEXT")]
    pub(crate) prompt: String,
    /// Model to call; the default model if absent.
    #[arg(long, value_name = "REF")]
    pub(crate) model: Option<String>,
    /// Call the model from this process (the default when no gateway runs).
    #[arg(long, conflicts_with = "gateway")]
    pub(crate) local: bool,
    /// Call the model through the running gateway.
    #[arg(long)]
    pub(crate) gateway: bool,
    /// Seconds the call may take.
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) timeout: u64,
    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}
