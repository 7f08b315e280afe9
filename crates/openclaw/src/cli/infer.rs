//! Arguments of `infer`.

use catalog::ThinkingLevel;
use clap::{Args, Subcommand};

pub(crate) mod audio;
pub(crate) mod embedding;
pub(crate) mod image;
pub(crate) mod rerank;
pub(crate) mod tts;
pub(crate) mod video;

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
    /// Vectors of texts.
    Embedding(embedding::EmbeddingArgs),
    /// Order documents by how near they are to a query.
    Rerank(rerank::RerankArgs),
    /// Videos.
    Video(video::InferVideoArgs),
    /// Draw, change and describe images.
    Image(image::ImageArgs),
    /// Text to speech.
    Tts(tts::TtsArgs),
    /// Speech to text.
    Audio(audio::AudioArgs),
}

/// What every call of a media model takes.
#[derive(Debug, Args)]
pub(crate) struct MediaCallArgs {
    /// Model to call; the configured one, or the first that your key can use, if absent.
    #[arg(long, value_name = "REF")]
    pub(crate) model: Option<String>,
    /// Seconds the call may take.
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) timeout: u64,
    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

impl InferArgs {
    /// Says whether the answer is wanted as JSON.
    pub(crate) fn json(&self) -> bool {
        match &self.command {
            InferCommand::Model(args) => {
                let InferModelCommand::Run(args) = &args.command;
                args.json
            }
            InferCommand::Embedding(args) => args.call().json,
            InferCommand::Rerank(args) => args.call.json,
            InferCommand::Video(args) => args.json(),
            InferCommand::Image(args) => args.call().json,
            InferCommand::Tts(args) => args.json(),
            InferCommand::Audio(args) => args.call().json,
        }
    }
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
    /// How long to think: off, minimal, low, medium, high, xhigh, adaptive or max. Put into the words of the model; one
    /// that cannot do it says so.
    #[arg(long, value_name = "LEVEL", value_parser = super::thinking::level)]
    pub(crate) thinking: Option<ThinkingLevel>,
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
