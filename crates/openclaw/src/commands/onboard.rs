//! `onboard`.

use crate::cli::onboard::OnboardArgs;
use crate::context::Context;
use crate::failed::{Done, Failed};

pub(crate) fn run(_: &OnboardArgs, _: &Context) -> Done {
    Err(Failed::new("placeholder"))
}
