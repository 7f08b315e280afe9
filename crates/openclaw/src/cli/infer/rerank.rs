//! Arguments of `infer rerank`.

use std::path::PathBuf;

use clap::Args;

use super::MediaCallArgs;

const EXAMPLES: &str = "\
Examples:
  openclaw infer rerank --query \"capital of France\" --document \"Paris\" --document \"Rome\"
  openclaw infer rerank --query \"refunds\" --file paragraphs.txt --top-n 3 --json";

/// Arguments of `infer rerank`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct RerankArgs {
    /// What the documents are compared with.
    #[arg(long, value_name = "TEXT")]
    pub(crate) query: String,
    /// A document; may be given again.
    #[arg(long, value_name = "TEXT", required_unless_present = "file")]
    pub(crate) document: Vec<String>,
    /// A file with one document per line; `-` is standard input.
    #[arg(long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// How many of the best to show; all if absent.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) top_n: Option<u64>,
    /// What "near" means here, in words, for models that take it.
    #[arg(long, value_name = "TEXT")]
    pub(crate) instruct: Option<String>,
    #[command(flatten)]
    pub(crate) call: MediaCallArgs,
}
