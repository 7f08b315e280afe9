//! `health`: is the gateway there, and ready. Fails at once when nothing listens.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::cli::gateway::HealthArgs;
use crate::context::Context;
use crate::exit_code::Exit;
use crate::failed::Done;
use crate::gateway_client::GatewayClient;

/// Asks the gateway.
pub(crate) fn run(args: &HealthArgs, context: &Context) -> Done {
    let out = context.out.with_json(args.json);
    let config = context.config()?;
    let gateway = GatewayClient::new(context, &config);
    let started = Instant::now();
    let ready =
        crate::runtime::single()?.block_on(gateway.health(Duration::from_millis(args.timeout)))?;
    let took_ms = started.elapsed().as_secs_f64() * 1000.0;
    let is_ready = ready.get("ready") == Some(&Value::Bool(true));
    let failing: Vec<&str> = ready
        .get("failing")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    if args.json {
        out.json(&json!({"ok": is_ready, "address": gateway.address().to_string(), "durationMs": took_ms, "readiness": ready}));
    } else if is_ready && failing.is_empty() {
        out.line(format!("OK ({took_ms:.1} ms) {}", gateway.address()));
    } else {
        out.line(format!(
            "{} ({took_ms:.1} ms) {}: {}",
            if is_ready { "degraded" } else { "not ready" },
            gateway.address(),
            failing.join(", ")
        ));
    }
    Ok(if is_ready { Exit::Ok } else { Exit::Network })
}
