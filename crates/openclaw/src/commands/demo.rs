//! `demo`.

use crate::cli::DemoArgs;
use crate::failed::{Done, Failed};
use crate::output::Output;

pub(crate) fn run(_: &DemoArgs, _: Output) -> Done {
    Err(Failed::new("placeholder"))
}
