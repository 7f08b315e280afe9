//! `GET /openclaw/status`: what this gateway is, uses and has served; for `openclaw status`.

use axum::Json;
use axum::extract::State;
use providers::Directory;
use serde_json::{Map, Value, json};

use crate::auth::Caller;
use crate::state::Shared;

/// Returns a description without secrets: credentials appear as labels and masked fingerprints.
pub(crate) async fn status(State(shared): State<Shared>, _caller: Caller) -> Json<Value> {
    let agents: Map<String, Value> = shared
        .directory
        .agents_apart()
        .map(|(agent, own)| (agent.to_owned(), json!({"providers": providers(own)})))
        .collect();
    Json(json!({
        "version": env!("CARGO_PKG_VERSION"),
        "pid": std::process::id(),
        "uptimeMs": u64::try_from(shared.started.elapsed().as_millis()).unwrap_or(u64::MAX),
        "listening": shared.bound.to_string(),
        "logFile": shared.log.path(),
        "draining": shared.draining.is_cancelled(),
        "defaultModel": shared.directory.default_model(),
        "providers": providers(&shared.directory),
        "agentsApart": agents,
        "reloads": shared.reloads.read(),
        "totals": shared.totals.read(),
        "ledger": ledger(&shared),
    }))
}

fn providers(directory: &Directory) -> Vec<Value> {
    let views = directory.providers().map(|provider| {
        json!({
            "provider": provider.id,
            "baseUrl": provider.base_url,
            "plan": provider.plan,
            "region": provider.region,
            "credential": provider.credential,
            "usable": provider.usable,
            "problem": provider.problem,
        })
    });
    views.collect()
}

fn ledger(shared: &Shared) -> Value {
    let reading = shared.ledger.read();
    json!({
        "file": shared.ledger.path(),
        "written": reading.written,
        "missing": reading.missing,
        "problem": reading.problem,
    })
}
