//! Arguments of `infer video`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::MediaCallArgs;

const EXAMPLES: &str = "\
Examples:
  openclaw infer video generate --prompt \"a cat on a skateboard\" --resolution 720P --duration 5
  openclaw infer video generate --model qwen/wan2.6-i2v --image https://example.com/cat.png --prompt \"it yawns\"
  openclaw infer video generate --model qwen/wan2.6-r2v --video ./me.mp4 --upload --prompt \"character1 dances\"
  openclaw infer video generate --prompt \"waves\" --dry-run          show the request, send nothing
  openclaw infer video generate --prompt \"waves\" --no-wait          come back later: openclaw tasks watch <ID>

A video is a job that survives this program: closed or killed, `openclaw tasks watch <ID>` or a running gateway goes on
where it stopped. It is submitted once.";

const DESCRIBE_EXAMPLES: &str = "\
Examples:
  openclaw infer video describe --file clip.mp4 --prompt \"what happens?\"
  openclaw infer video describe --file https://example.com/clip.mp4 --fps 1
  openclaw infer video describe --file 1.png --file 2.png --file 3.png --fps 2";

/// Videos.
#[derive(Debug, Args)]
pub(crate) struct InferVideoArgs {
    #[command(subcommand)]
    pub(crate) command: InferVideoCommand,
}

/// What can be done with videos.
#[derive(Debug, Subcommand)]
pub(crate) enum InferVideoCommand {
    /// Make a video from words, images and videos.
    Generate(Box<VideoGenerateArgs>),
    /// Say what a video shows.
    #[command(after_help = DESCRIBE_EXAMPLES)]
    Describe(VideoDescribeArgs),
}

/// Arguments of `infer video describe`.
#[derive(Debug, Args)]
pub(crate) struct VideoDescribeArgs {
    /// A video file or web URL; given more than once, the frames of a video in order.
    #[arg(long = "file", value_name = "FILE|URL", required = true)]
    pub(crate) files: Vec<String>,
    /// What to say about it.
    #[arg(long, value_name = "TEXT", default_value = "Describe the video.")]
    pub(crate) prompt: String,
    /// Frames per second that are looked at, 0.1 to 10.
    #[arg(long, value_name = "N", value_parser = frames_per_second)]
    pub(crate) fps: Option<f64>,
    #[command(flatten)]
    pub(crate) call: MediaCallArgs,
}

fn frames_per_second(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (0.1..=10.0).contains(&number) {
        Ok(number)
    } else {
        Err("must be from 0.1 to 10".to_owned())
    }
}

impl InferVideoArgs {
    /// Says whether the answer is wanted as JSON.
    pub(crate) fn json(&self) -> bool {
        match &self.command {
            InferVideoCommand::Generate(args) => args.json,
            InferVideoCommand::Describe(args) => args.call.json,
        }
    }
}

/// Arguments of `infer video generate`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct VideoGenerateArgs {
    /// What happens in the video; `-` reads it from standard input.
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    pub(crate) prompt: String,
    /// What must not be in it.
    #[arg(long, value_name = "TEXT")]
    pub(crate) negative_prompt: Option<String>,
    /// Model to ask; `agents.defaults.videoGenerationModel` and its fallbacks, or `wan2.6-t2v`, if absent.
    #[arg(long, value_name = "REF")]
    pub(crate) model: Option<String>,
    /// Image to work from: an https URL, or a file with `--upload`; may be given again.
    #[arg(long, value_name = "URL")]
    pub(crate) image: Vec<String>,
    /// Video to work from: an https URL, or a file with `--upload`; may be given again. Videos count before images.
    #[arg(long, value_name = "URL")]
    pub(crate) video: Vec<String>,
    /// Sound to use, as an https URL.
    #[arg(long, value_name = "URL")]
    pub(crate) audio_url: Option<String>,
    /// Put files of this machine into the service's temporary storage (48 hours).
    #[arg(long)]
    pub(crate) upload: bool,
    /// Width and height, such as 1280x720.
    #[arg(long, value_name = "WxH")]
    pub(crate) size: Option<String>,
    /// Shape, such as 16:9.
    #[arg(long, value_name = "W:H")]
    pub(crate) aspect_ratio: Option<String>,
    /// Lines, such as 720P.
    #[arg(long, value_name = "LINES")]
    pub(crate) resolution: Option<String>,
    /// Length in seconds.
    #[arg(long, value_name = "SECONDS")]
    pub(crate) duration: Option<f64>,
    /// Whether it has sound, for models that leave the choice.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    pub(crate) audio: Option<bool>,
    /// Whether it carries the service's mark.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    pub(crate) watermark: Option<bool>,
    /// Makes the same request give the same video.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) seed: Option<u64>,
    /// Whether the service may embellish the prompt.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    pub(crate) prompt_extend: Option<bool>,
    /// One shot or several: single or multi.
    #[arg(long, value_name = "TYPE")]
    pub(crate) shot_type: Option<String>,
    /// Copy the video to this file; it stays in the media folder too.
    #[arg(long, visible_alias = "output", value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Overwrite that file.
    #[arg(long, requires = "out")]
    pub(crate) force: bool,
    /// Submit and come back at once.
    #[arg(long, conflicts_with_all = ["out", "dry_run"])]
    pub(crate) no_wait: bool,
    /// Show the request and send nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Milliseconds the job may take, from now to the file on disk.
    #[arg(long, value_name = "MS", default_value_t = 3_600_000, value_parser = clap::value_parser!(u64).range(1_000..=86_400_000))]
    pub(crate) timeout_ms: u64,
    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}
