//! Arguments of `infer image`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::MediaCallArgs;

const GENERATE_EXAMPLES: &str = "\
Examples:
  openclaw infer image generate --prompt \"a red fox in the snow\"
  openclaw infer image generate --prompt \"a logo\" --size 1328x1328 --n 2 --output logos/
  openclaw infer image edit --file photo.png --prompt \"make it night\" --output night.png";

const DESCRIBE_EXAMPLES: &str = "\
Examples:
  openclaw infer image describe --file photo.png
  openclaw infer image describe --file https://example.com/a.jpg --prompt \"what is written there?\"
  openclaw infer image describe-many --file a.png --file b.png --prompt \"what differs?\"";

/// Images: drawn, changed, described.
#[derive(Debug, Args)]
pub(crate) struct ImageArgs {
    #[command(subcommand)]
    pub(crate) command: ImageCommand,
}

/// What can be done.
#[derive(Debug, Subcommand)]
pub(crate) enum ImageCommand {
    /// Draw images from text.
    #[command(after_help = GENERATE_EXAMPLES)]
    Generate(ImageDrawArgs),
    /// Change images as a text says.
    #[command(after_help = GENERATE_EXAMPLES)]
    Edit(ImageEditArgs),
    /// Say what an image shows.
    #[command(after_help = DESCRIBE_EXAMPLES)]
    Describe(DescribeArgs),
    /// Say what several images show, together.
    #[command(name = "describe-many", after_help = DESCRIBE_EXAMPLES)]
    DescribeMany(DescribeArgs),
}

/// Arguments of `infer image generate`.
#[derive(Debug, Args)]
pub(crate) struct ImageDrawArgs {
    /// What to draw; `-` reads it from standard input.
    #[arg(long, value_name = "TEXT")]
    pub(crate) prompt: String,
    /// How many.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) n: u64,
    /// Pixels such as 1328x1328, or a name such as 2K; the model's usual size if absent.
    #[arg(long, value_name = "SIZE")]
    pub(crate) size: Option<String>,
    /// What must not be in it.
    #[arg(long, value_name = "TEXT")]
    pub(crate) negative_prompt: Option<String>,
    /// Number that makes the result repeatable.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(0..=2_147_483_647))]
    pub(crate) seed: Option<u64>,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    #[command(flatten)]
    pub(crate) call: MediaCallArgs,
}

/// Arguments of `infer image edit`.
#[derive(Debug, Args)]
pub(crate) struct ImageEditArgs {
    /// An image to start from: a file or a web URL; may be given again.
    #[arg(
        long = "file",
        alias = "image",
        value_name = "FILE|URL",
        required = true
    )]
    pub(crate) files: Vec<String>,
    #[command(flatten)]
    pub(crate) draw: ImageDrawArgs,
}

/// Where a file goes.
#[derive(Debug, Args)]
pub(crate) struct OutputArgs {
    /// File to write, or folder for files with names of their own; the `media` folder of the home if absent.
    #[arg(long, short, value_name = "PATH")]
    pub(crate) output: Option<PathBuf>,
    /// Replace the file if it is there.
    #[arg(long)]
    pub(crate) force: bool,
    /// Show what would be sent, and send nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// Arguments of `describe`.
#[derive(Debug, Args)]
pub(crate) struct DescribeArgs {
    /// A file or a web URL; may be given again.
    #[arg(long = "file", value_name = "FILE|URL", required = true)]
    pub(crate) files: Vec<String>,
    /// What to say about it.
    #[arg(long, value_name = "TEXT", default_value = "Describe the image.")]
    pub(crate) prompt: String,
    #[command(flatten)]
    pub(crate) call: MediaCallArgs,
}

impl ImageArgs {
    /// Returns what every call takes.
    pub(crate) fn call(&self) -> &MediaCallArgs {
        match &self.command {
            ImageCommand::Generate(args) => &args.call,
            ImageCommand::Edit(args) => &args.draw.call,
            ImageCommand::Describe(args) | ImageCommand::DescribeMany(args) => &args.call,
        }
    }
}
