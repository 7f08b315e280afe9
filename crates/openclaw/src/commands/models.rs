//! `models`: list, status, set, aliases, fallbacks.

use crate::cli::models::{
    AliasesArgs, FallbacksArgs, ModelsListArgs, ModelsSetArgs, ModelsStatusArgs,
};
use crate::context::Context;
use crate::failed::{Done, Failed};

pub(crate) fn list(_: &ModelsListArgs, _: &Context) -> Done {
    Err(Failed::new("placeholder"))
}
pub(crate) fn status(_: &ModelsStatusArgs, _: &Context) -> Done {
    Err(Failed::new("placeholder"))
}
pub(crate) fn set(_: &ModelsSetArgs, _: &Context) -> Done {
    Err(Failed::new("placeholder"))
}
pub(crate) fn aliases(_: &AliasesArgs, _: &Context) -> Done {
    Err(Failed::new("placeholder"))
}
pub(crate) fn fallbacks(_: &FallbacksArgs, _: &Context) -> Done {
    Err(Failed::new("placeholder"))
}
