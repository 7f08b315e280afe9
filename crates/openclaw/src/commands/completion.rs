//! `completion`: a script for bash, zsh, fish, elvish or PowerShell.

use clap::CommandFactory;

use crate::cli::{Cli, CompletionArgs};
use crate::exit_code::Exit;
use crate::failed::{Done, Failed};
use crate::output::Output;

/// Prints the script.
pub(crate) fn run(args: &CompletionArgs, out: Output) -> Done {
    let shell = args
        .shell
        .or(args.shell_flag)
        .ok_or_else(|| Failed::new("name a shell"))?;
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "openclaw", &mut script);
    out.piece(&String::from_utf8_lossy(&script));
    Ok(Exit::Ok)
}
