//! `status`: home, default model, credentials and the running gateway at a glance.

use std::time::Duration;

use serde_json::{Value, json};

use crate::cli::gateway::StatusArgs;
use crate::context::Context;
use crate::exit_code::Exit;
use crate::failed::Done;
use crate::gateway_client::GatewayClient;
use crate::output::strong;

/// Prints the overview. A gateway that is not running is a fact, not a failure.
pub(crate) fn run(args: &StatusArgs, context: &Context) -> Done {
    let out = context.out.with_json(args.json);
    let config = context.config()?;
    let directory = context.directory(&config)?;
    let gateway = GatewayClient::new(context, &config);
    let running =
        crate::runtime::single()?.block_on(gateway.status(Duration::from_millis(args.timeout)));
    let errors = config
        .problems
        .iter()
        .filter(|problem| problem.severity == config::Severity::Error)
        .count();
    let providers: Vec<_> = directory
        .providers()
        .filter(|provider| provider.usable || provider.credential.is_some())
        .collect();
    if args.json {
        let gateway_view = match &running {
            Ok(view) => {
                json!({"running": true, "address": gateway.address().to_string(), "view": view})
            }
            Err(failed) => {
                json!({"running": false, "address": gateway.address().to_string(), "reason": failed.message})
            }
        };
        out.json(&json!({
            "version": env!("CARGO_PKG_VERSION"),
            "home": context.home.state_dir(),
            "config": {"path": context.home.config_path(), "exists": config.exists, "problems": config.problems.len(), "errors": errors},
            "defaultModel": directory.default_model(),
            "providers": providers,
            "gateway": gateway_view,
        }));
        return Ok(Exit::Ok);
    }
    let config_state = match (config.exists, errors) {
        (false, _) => "not there yet".to_owned(),
        (true, 0) => "ok".to_owned(),
        (true, n) => format!("{n} errors, see `openclaw config validate`"),
    };
    out.line(format!(
        "{}   {}",
        strong("Home   "),
        context.home.display(context.home.state_dir())
    ));
    out.line(format!(
        "{}   {} ({config_state})",
        strong("Config "),
        context.home.display(context.home.config_path())
    ));
    out.line(format!(
        "{}   {}",
        strong("Default"),
        directory
            .default_model()
            .unwrap_or("none: `openclaw onboard` sets one up")
    ));
    for provider in providers {
        let place = [provider.plan.as_deref(), provider.region.as_deref()]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(" ");
        let credential = provider.credential.unwrap_or("no credential");
        let url = provider.base_url.unwrap_or("no base URL");
        let problem = provider
            .problem
            .as_deref()
            .map(|problem| format!(": {problem}"))
            .unwrap_or_default();
        out.line(format!(
            "{}  {} {place} {url} {credential}{problem}",
            strong("Provider"),
            provider.id
        ));
    }
    match running {
        Ok(view) => out.line(format!(
            "{}   running at {}{}",
            strong("Gateway"),
            gateway.address(),
            served(&view)
        )),
        Err(failed) => out.line(format!("{}   {}", strong("Gateway"), failed.message)),
    }
    Ok(Exit::Ok)
}

fn served(view: &Value) -> String {
    let count = |name: &str| {
        view.pointer(&format!("/totals/{name}"))
            .and_then(Value::as_u64)
            .unwrap_or_default()
    };
    let seconds = view
        .get("uptimeMs")
        .and_then(Value::as_u64)
        .unwrap_or_default()
        / 1000;
    format!(
        ", up {seconds} s, {} requests ({} failed), {} + {} tokens",
        count("requests"),
        count("failed"),
        count("inputTokens"),
        count("outputTokens"),
    )
}
