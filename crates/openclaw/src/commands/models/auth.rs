//! `models auth`: stored credentials. Every line about one names the file it is in and the agent it belongs to, and
//! never shows more of a secret than its mask.

use crate::cli::models_auth::{AuthArgs, AuthCommand};
use crate::context::Context;
use crate::failed::Done;

mod add;
mod agent_place;
mod cooldown;
mod explain;
mod list;
mod login;
mod login_config;
mod logout;
mod order;
mod paste;
mod question;
mod state;
mod stored;

/// Runs one of the commands.
pub(super) fn run(args: &AuthArgs, context: &Context) -> Done {
    match &args.command {
        AuthCommand::List(args) => list::run(args, context),
        AuthCommand::Explain(args) => explain::run(args, context),
        AuthCommand::Add(args) => add::run(args, context),
        AuthCommand::Login(args) => login::run(args, context),
        AuthCommand::PasteToken(args) => paste::token(args, context),
        AuthCommand::PasteApiKey(args) => paste::api_key(args, context),
        AuthCommand::Logout(args) => logout::run(args, context),
        AuthCommand::Order(args) => order::run(args, context),
        AuthCommand::ClearCooldown(args) => cooldown::run(args, context),
        AuthCommand::Other(args) => crate::commands::later::models_auth(&args.rest),
    }
}
