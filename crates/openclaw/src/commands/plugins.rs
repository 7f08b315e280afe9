//! `plugins`: the parts that OpenClaw calls plugins and that are built in here, and which of them are switched on.

use crate::cli::plugins::{PluginsArgs, PluginsCommand, PluginsListArgs};
use crate::context::Context;
use crate::failed::Done;

pub(crate) mod built_in;
mod info;
mod list;
mod switch;

/// Runs one of the commands.
pub(crate) fn run(args: &PluginsArgs, context: &Context) -> Done {
    match &args.command {
        None => list::run(&PluginsListArgs::default(), context),
        Some(PluginsCommand::List(args)) => list::run(args, context),
        Some(PluginsCommand::Info(args)) => info::run(args, context),
        Some(PluginsCommand::Enable(args)) => switch::run(args, true, context),
        Some(PluginsCommand::Disable(args)) => switch::run(args, false, context),
        Some(PluginsCommand::Install(args)) => crate::commands::later::plugins(&args.rest),
    }
}
