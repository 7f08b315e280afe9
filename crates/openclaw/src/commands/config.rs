//! `config`: get, set, unset, validate, file.

use crate::cli::config::ConfigCommand;
use crate::context::Context;
use crate::failed::{Done, Failed};

pub(crate) fn run(_: &ConfigCommand, _: &Context) -> Done {
    Err(Failed::new("placeholder"))
}
