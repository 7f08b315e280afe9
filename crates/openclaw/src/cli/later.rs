//! Commands whose behaviour comes later: they parse as in OpenClaw and say plainly that they are not available.

use clap::Args;

/// Arguments that are taken as they come.
#[derive(Debug, Args)]
pub(crate) struct RestArgs {
    /// What OpenClaw would be given.
    #[arg(
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "ARGS"
    )]
    pub(crate) rest: Vec<String>,
}
