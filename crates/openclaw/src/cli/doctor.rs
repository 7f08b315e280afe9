//! Arguments of `doctor`.

use clap::{Args, ValueEnum};

/// Findings that matter less are not listed, and do not fail `--lint`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SeverityMin {
    /// Everything that was found.
    Info,
    /// What will not work, or not for long.
    Warning,
    /// What does not work.
    Error,
}

/// Arguments of `doctor`.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes:
  0 nothing at or above the threshold (warning, or what --severity-min says)
  1 findings
  2 the check itself failed

Examples:
  openclaw doctor                        look, and say what is wrong
  openclaw doctor --deep                 also ask the hosts whether keys and models work
  openclaw doctor --fix --dry-run        show what would be repaired
  openclaw doctor --lint --sarif         for a code host")]
pub(crate) struct DoctorArgs {
    /// Repair what has one right answer, as one step that can be taken back with `openclaw migrate undo`.
    #[arg(long, visible_alias = "repair", conflicts_with = "lint")]
    pub(crate) fix: bool,
    /// With `--fix`: show the steps and write nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Do not ask before repairing.
    #[arg(long, short)]
    pub(crate) yes: bool,
    /// Ask nothing.
    #[arg(long)]
    pub(crate) non_interactive: bool,
    /// Also ask the hosts: keys, plans, regions, models, TLS.
    #[arg(long)]
    pub(crate) deep: bool,
    /// Only look, for scripts.
    #[arg(long)]
    pub(crate) lint: bool,
    /// Print one JSON object.
    #[arg(long, conflicts_with = "sarif")]
    pub(crate) json: bool,
    /// Print a SARIF 2.1.0 log.
    #[arg(long, conflicts_with = "fix")]
    pub(crate) sarif: bool,
    /// Least severity to list and to fail on.
    #[arg(long, value_name = "LEVEL", value_enum)]
    pub(crate) severity_min: Option<SeverityMin>,
    /// Run this check only; may be repeated.
    #[arg(long, value_name = "CHECK")]
    pub(crate) only: Vec<String>,
    /// Leave this check out; may be repeated.
    #[arg(long, value_name = "CHECK")]
    pub(crate) skip: Vec<String>,
    /// Show also what is well.
    #[arg(long)]
    pub(crate) all: bool,
    /// Accepted for OpenClaw's scripts.
    #[arg(long, hide = true)]
    pub(crate) no_workspace_suggestions: bool,
    /// Accepted for OpenClaw's scripts.
    #[arg(long, hide = true)]
    pub(crate) force: bool,
}
