//! `models`: which models there are, which is used, what they are called, and whether a credential is there.

use crate::cli::models::{ModelsArgs, ModelsCommand, ModelsStatusArgs};
use crate::context::Context;
use crate::failed::Done;

mod aliases;
mod auth;
mod breakers;
mod choice;
mod explain_error;
mod fallbacks;
mod list;
mod names;
mod refresh;
mod rows;
mod set;
mod status;
mod unblock;
mod verify;
mod whoami;

/// Runs a command of `models`; without one, `models status`.
pub(crate) fn run(args: &ModelsArgs, context: &Context) -> Done {
    match &args.command {
        None => status::run(&ModelsStatusArgs::default(), context),
        Some(ModelsCommand::List(args)) => list::run(args, context),
        Some(ModelsCommand::Status(args)) => status::run(args, context),
        Some(ModelsCommand::Set(args)) => set::run(args, context),
        Some(ModelsCommand::Aliases(args)) => aliases::run(args, context),
        Some(ModelsCommand::Fallbacks(args)) => fallbacks::run(args, context),
        Some(ModelsCommand::Refresh(args)) => refresh::run(args, context),
        Some(ModelsCommand::Unblock(args)) => unblock::run(args, context),
        Some(ModelsCommand::Whoami(args)) => whoami::run(args, context),
        Some(ModelsCommand::Verify(args)) => verify::run(args, context),
        Some(ModelsCommand::ExplainError(args)) => explain_error::run(args, context),
        Some(ModelsCommand::Auth(args)) => auth::run(args, context),
    }
}
