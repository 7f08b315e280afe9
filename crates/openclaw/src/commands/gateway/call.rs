//! `gateway call`: one question to the running gateway, its answer as it came.

use std::time::Duration;

use serde_json::Value;

use crate::cli::gateway::{CallArgs, Method};
use crate::context::Context;
use crate::daemon::instance::Instance;
use crate::exit_code::Exit;
use crate::failed::{Done, Failed};
use crate::gateway_client::GatewayClient;

/// Asks, and prints the answer.
pub(super) fn run(args: &CallArgs, context: &Context) -> Done {
    check_parameters(&args.params)?;
    let config = context.config()?;
    let instance = Instance::of(&context.home);
    let gateway = GatewayClient::new(context, &config).of_instance(&instance);
    let wait = Duration::from_millis(args.timeout);
    let answered = crate::runtime::single()?.block_on(async {
        match args.method {
            Method::Health => gateway.health(wait).await,
            Method::Status => gateway.status(wait).await,
            Method::ModelsList => gateway.models(wait).await,
        }
    });
    let answer = answered.map_err(|failed| Failed {
        message: format!("Gateway call failed: {}", failed.message),
        ..failed
    })?;
    if args.json {
        context.out.line(answer.to_string());
    } else {
        context.out.line(format!("{answer:#}"));
    }
    Ok(Exit::Ok)
}

fn check_parameters(text: &str) -> Result<(), Failed> {
    let value: Value = serde_json::from_str(text)
        .map_err(|error| Failed::new(format!("`--params` is not JSON: {error}")))?;
    match value.as_object().map(serde_json::Map::len) {
        Some(0) => Ok(()),
        Some(_) => Err(Failed::new("this method takes no parameters").hint("leave `--params` out")),
        None => Err(Failed::new("`--params` is not a JSON object").hint("use `{}`")),
    }
}
