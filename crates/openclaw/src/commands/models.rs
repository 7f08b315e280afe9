//! `models`: which models there are, which is used, what they are called, and whether a credential is there.

use crate::cli::models::{
    AliasesArgs, FallbacksArgs, ModelsListArgs, ModelsSetArgs, ModelsStatusArgs,
};
use crate::cli::models_auth::AuthArgs;
use crate::context::Context;
use crate::failed::Done;

mod aliases;
mod auth;
mod choice;
mod fallbacks;
mod list;
mod names;
mod rows;
mod set;
mod status;

/// `models list`.
pub(crate) fn list(args: &ModelsListArgs, context: &Context) -> Done {
    list::run(args, context)
}

/// `models status`, and `models` alone.
pub(crate) fn status(args: &ModelsStatusArgs, context: &Context) -> Done {
    status::run(args, context)
}

/// `models set`.
pub(crate) fn set(args: &ModelsSetArgs, context: &Context) -> Done {
    set::run(args, context)
}

/// `models aliases`.
pub(crate) fn aliases(args: &AliasesArgs, context: &Context) -> Done {
    aliases::run(args, context)
}

/// `models fallbacks`.
pub(crate) fn fallbacks(args: &FallbacksArgs, context: &Context) -> Done {
    fallbacks::run(args, context)
}

/// `models auth`.
pub(crate) fn auth(args: &AuthArgs, context: &Context) -> Done {
    auth::run(args, context)
}
