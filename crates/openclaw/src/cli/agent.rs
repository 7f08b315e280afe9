//! Arguments of `agent`.

use catalog::ThinkingLevel;
use clap::Args;

/// One turn of the agent.
#[derive(Debug, Args)]
pub(crate) struct AgentArgs {
    /// The message; `-` reads it from standard input.
    #[arg(short, long, value_name = "TEXT")]
    pub(crate) message: String,
    /// An image or video to look at: a file or a web URL; may be given again.
    #[arg(long, value_name = "FILE|URL")]
    pub(crate) attach: Vec<String>,
    /// Agent to ask.
    #[arg(long, value_name = "ID", default_value = "main")]
    pub(crate) agent: String,
    /// Model for this turn instead of the agent's.
    #[arg(long, value_name = "REF")]
    pub(crate) model: Option<String>,
    /// How long to think: off, minimal, low, medium, high, xhigh, adaptive or max. Put into the words of the model; one
    /// that cannot do it says so.
    #[arg(long, value_name = "LEVEL", value_parser = super::thinking::level)]
    pub(crate) thinking: Option<ThinkingLevel>,
    /// Call the model from this process, without the gateway.
    #[arg(long)]
    pub(crate) local: bool,
    /// Seconds the turn may take.
    #[arg(long, value_name = "SECONDS", default_value_t = 600, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) timeout: u64,
    /// Print one JSON object instead of streaming the text.
    #[arg(long)]
    pub(crate) json: bool,
}
