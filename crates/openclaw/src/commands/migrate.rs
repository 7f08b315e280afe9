//! `migrate`: which generation a home is, the move off a retired or renamed provider, and the way back.

use crate::cli::migrate::{MigrateArgs, MigrateCommand};
use crate::context::Context;
use crate::failed::Done;

mod provider;
mod survey;
mod undo;

/// Runs one of the commands.
pub(crate) fn run(args: &MigrateArgs, context: &Context) -> Done {
    match &args.command {
        None => survey::run(args, context),
        Some(MigrateCommand::QwenPortal(args)) => provider::run("qwen-portal", args, context),
        Some(MigrateCommand::Modelstudio(args)) => provider::run("modelstudio", args, context),
        Some(MigrateCommand::Undo(args)) => undo::run(args, context),
    }
}
