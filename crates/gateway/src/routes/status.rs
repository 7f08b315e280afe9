//! `GET /openclaw/status`: what this gateway is, uses and has served; for `openclaw status`.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use crate::auth::Caller;
use crate::state::Shared;

/// Returns a description without secrets: credentials appear as labels and masked fingerprints.
pub(crate) async fn status(State(shared): State<Shared>, _caller: Caller) -> Json<Value> {
    let providers: Vec<Value> = shared
        .directory
        .providers()
        .map(|provider| {
            json!({
                "provider": provider.id,
                "baseUrl": provider.base_url,
                "plan": provider.plan,
                "region": provider.region,
                "credential": provider.credential,
                "usable": provider.usable,
                "problem": provider.problem,
            })
        })
        .collect();
    Json(json!({
        "version": env!("CARGO_PKG_VERSION"),
        "pid": std::process::id(),
        "uptimeMs": u64::try_from(shared.started.elapsed().as_millis()).unwrap_or(u64::MAX),
        "listening": shared.bound.to_string(),
        "logFile": shared.log.path(),
        "draining": shared.draining.is_cancelled(),
        "defaultModel": shared.directory.default_model(),
        "providers": providers,
        "reloads": shared.reloads.read(),
        "totals": shared.totals.read(),
    }))
}
