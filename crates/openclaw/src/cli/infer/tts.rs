//! Arguments of `infer tts`.

use clap::{Args, Subcommand};

use super::MediaCallArgs;
use super::image::OutputArgs;

const EXAMPLES: &str = "\
Examples:
  openclaw infer tts convert --text \"Hello from the claw\" --play
  openclaw infer tts convert --text - --voice Ethan --output talk.wav < talk.txt
  openclaw infer tts voices";

/// Text to speech.
#[derive(Debug, Args)]
pub(crate) struct TtsArgs {
    #[command(subcommand)]
    pub(crate) command: TtsCommand,
}

/// What can be done.
#[derive(Debug, Subcommand)]
pub(crate) enum TtsCommand {
    /// Say a text. Longer texts are said in parts and joined.
    #[command(after_help = EXAMPLES)]
    Convert(TtsConvertArgs),
    /// List the voices of a model.
    Voices(TtsVoicesArgs),
}

/// Arguments of `infer tts convert`.
#[derive(Debug, Args)]
pub(crate) struct TtsConvertArgs {
    /// What to say; `-` reads it from standard input.
    #[arg(long, value_name = "TEXT")]
    pub(crate) text: String,
    /// Who says it; `openclaw infer tts voices` lists them.
    #[arg(long, value_name = "NAME")]
    pub(crate) voice: Option<String>,
    /// Language of the text, such as English; guessed if absent.
    #[arg(long, value_name = "NAME")]
    pub(crate) language: Option<String>,
    /// Format of the file; the model's usual one if absent.
    #[arg(long, value_name = "FORMAT")]
    pub(crate) format: Option<String>,
    /// Play it, when a player is installed.
    #[arg(long)]
    pub(crate) play: bool,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    #[command(flatten)]
    pub(crate) call: MediaCallArgs,
}

/// Arguments of `infer tts voices`.
#[derive(Debug, Args)]
pub(crate) struct TtsVoicesArgs {
    /// Model whose voices are listed; every model's if absent.
    #[arg(long, value_name = "ID")]
    pub(crate) model: Option<String>,
    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

impl TtsArgs {
    /// Says whether the answer is wanted as JSON.
    pub(crate) fn json(&self) -> bool {
        match &self.command {
            TtsCommand::Convert(args) => args.call.json,
            TtsCommand::Voices(args) => args.json,
        }
    }
}
