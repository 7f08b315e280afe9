//! `/health`, `/healthz`: alive. `/ready`, `/readyz`: able to serve, and if not, why.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::json;

use crate::state::Shared;

/// Answers 200 as long as the process serves requests at all. Needs no credential and tells nothing else.
pub(crate) async fn live() -> Json<serde_json::Value> {
    Json(json!({"ok": true, "status": "live"}))
}

/// Answers 200 when requests are accepted, else 503 with the reasons.
pub(crate) async fn ready(State(shared): State<Shared>) -> Response {
    let mut failing = Vec::new();
    if shared.draining.is_cancelled() {
        failing.push("draining");
    }
    if shared.directory.usable_providers().next().is_none() {
        failing.push("no_usable_provider");
    }
    let uptime_ms = u64::try_from(shared.started.elapsed().as_millis()).unwrap_or(u64::MAX);
    // A gateway without a key is degraded, not broken: it answers, and says why on each request.
    let status = if shared.draining.is_cancelled() {
        StatusCode::SERVICE_UNAVAILABLE
    } else {
        StatusCode::OK
    };
    (
        status,
        Json(json!({"ready": status.is_success(), "failing": failing, "uptimeMs": uptime_ms})),
    )
        .into_response()
}
