//! `config get`: one value; scalars bare, so that scripts can use them, everything else as JSON.

use serde_json::Value;

use super::{must_exist, no_such_value, parse_path};
use crate::cli::config::ConfigGetArgs;
use crate::config_secrets;
use crate::context::Context;
use crate::exit_code::Exit;
use crate::failed::Done;

/// Prints the value.
pub(super) fn run(args: &ConfigGetArgs, context: &Context) -> Done {
    let path = parse_path(&args.path)?;
    let config = context.config()?;
    must_exist(&config, context)?;
    // Whether a value is secret depends on the keys above it, so the whole document is looked at.
    let shown = config_secrets::redacted(&config.text.effective_value());
    let value = path
        .look_up(&shown)
        .ok_or_else(|| no_such_value(&config.text, &path))?;
    if args.json {
        context.out.json(value);
        return Ok(Exit::Ok);
    }
    context.out.line(match value {
        Value::String(text) => text.clone(),
        _ => format!("{value:#}"),
    });
    Ok(Exit::Ok)
}
