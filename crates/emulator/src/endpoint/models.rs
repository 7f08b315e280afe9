//! `GET /models`: one page, newest first, in the recorded shape.

use http::StatusCode;
use serde_json::{Value, json};

use crate::MODEL_OWNER;
use crate::reply::Reply;
use crate::studio::{Exchange, Studio};

/// Seconds between the invented creation times of neighbours.
const AGE_STEP_S: u64 = 86_400;

/// Creation time of the newest model: 2025-12-01, in seconds since 1970.
const NEWEST_CREATED_S: u64 = 1_764_547_200;

/// Answers with the models of the host's plan.
pub(crate) fn answer(studio: &Studio, exchange: &Exchange) -> Reply {
    let created = (0..).map(|age: u64| NEWEST_CREATED_S.saturating_sub(age * AGE_STEP_S));
    let data: Vec<Value> = studio
        .models
        .on(exchange.host.plan)
        .zip(created)
        .map(|(row, created)| {
            json!({"id": row.id, "object": "model", "created": created, "owned_by": MODEL_OWNER})
        })
        .collect();
    let id_of = |row: Option<&Value>| row.and_then(|row| row.get("id").cloned());
    let (first_id, last_id) = (id_of(data.first()), id_of(data.last()));
    let body = json!({
        "object": "list",
        "data": data,
        "first_id": first_id,
        "last_id": last_id,
        "has_more": false,
    });
    Reply::json(StatusCode::OK, &body)
}
