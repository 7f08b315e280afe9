//! Arguments of `infer audio`.

use clap::{Args, Subcommand};

use super::MediaCallArgs;

const EXAMPLES: &str = "\
Examples:
  openclaw infer audio transcribe --file note.wav
  openclaw infer audio transcribe --file https://example.com/talk.mp3 --model qwen3-asr-flash-filetrans --format srt";

/// Sound.
#[derive(Debug, Args)]
pub(crate) struct AudioArgs {
    #[command(subcommand)]
    pub(crate) command: AudioCommand,
}

/// What can be done.
#[derive(Debug, Subcommand)]
pub(crate) enum AudioCommand {
    /// Write down what is said.
    #[command(after_help = EXAMPLES)]
    Transcribe(TranscribeArgs),
}

/// Arguments of `infer audio transcribe`.
#[derive(Debug, Args)]
pub(crate) struct TranscribeArgs {
    /// A sound file or a web URL. Long recordings need a URL and a model that works on files.
    #[arg(long, value_name = "FILE|URL")]
    pub(crate) file: String,
    /// Language that is spoken, such as en; guessed if absent.
    #[arg(long, value_name = "CODE")]
    pub(crate) language: Option<String>,
    /// How the transcript is printed.
    #[arg(long, value_name = "FORMAT", default_value = "text", value_parser = ["text", "srt", "vtt"])]
    pub(crate) format: String,
    #[command(flatten)]
    pub(crate) call: MediaCallArgs,
}

impl AudioArgs {
    /// Returns what every call takes.
    pub(crate) fn call(&self) -> &MediaCallArgs {
        let AudioCommand::Transcribe(args) = &self.command;
        &args.call
    }
}
