//! `/api/v1/tasks`: looks at tasks, lists them, cancels them.

use http::StatusCode;
use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};
use serde_json::{Map, Value, json};

use crate::aigc::{Status, Task};
use crate::refusal::Refusal;
use crate::reply::Reply;
use crate::storage;
use crate::studio::{Exchange, Studio};

/// Rows of a page when the client names no number, and most rows of a page.
const PAGE_ROWS_DEFAULT: usize = 10;
const PAGE_ROWS_MAX: usize = 100;

/// `GET /api/v1/tasks/{id}`: one that is not known is a success that says so.
pub(crate) fn look(studio: &Studio, exchange: &Exchange, id: &str) -> Reply {
    let expires_ms = studio.aigc.links_expire_ms();
    let shown = studio.aigc.look(exchange.host.region, id, |task, now_ms| {
        let link = link(exchange, task, expires_ms);
        show(task, now_ms, &exchange.request_id, &link)
    });
    let unknown = || {
        json!({
            "request_id": exchange.request_id,
            "output": {"task_id": id, "task_status": "UNKNOWN"},
        })
    };
    Reply::json(StatusCode::OK, &shown.unwrap_or_else(unknown))
}

/// `POST /api/v1/tasks/{id}/cancel`.
pub(crate) fn cancel(studio: &Studio, exchange: &Exchange, id: &str) -> Result<Reply, Refusal> {
    if studio.aigc.cancel(exchange.host.region, id) {
        let body = json!({"request_id": exchange.request_id});
        return Ok(Reply::json(StatusCode::OK, &body));
    }
    Err(Refusal::native(
        StatusCode::BAD_REQUEST,
        "UnsupportedOperation",
        "Failed to cancel the task, please confirm if the task is in PENDING status.",
    ))
}

/// `GET /api/v1/tasks`: newest first.
pub(crate) fn list(studio: &Studio, exchange: &Exchange) -> Reply {
    let wants = |name: &str, value: &str| {
        exchange
            .query_value(name)
            .is_none_or(|wanted| wanted.is_empty() || wanted == value)
    };
    let rows = studio.aigc.list(exchange.host.region, |task, now_ms| {
        let fits = wants("model_name", &task.model)
            && wants("task_id", &task.id)
            && wants("status", task.status(now_ms).name());
        fits.then(|| row(task, now_ms))
    });
    let rows: Vec<Value> = rows.into_iter().flatten().collect();
    let number = |name: &str| {
        exchange
            .query_value(name)
            .and_then(|text| text.parse().ok())
    };
    let page_size = number("page_size").unwrap_or(PAGE_ROWS_DEFAULT);
    let page_size = page_size.clamp(1, PAGE_ROWS_MAX);
    let page_no = number("page_no").unwrap_or(1).max(1);
    let total = rows.len();
    let from = (page_no - 1).saturating_mul(page_size);
    let page: Vec<Value> = rows.into_iter().skip(from).take(page_size).collect();
    Reply::json(
        StatusCode::OK,
        &json!({
            "total": total, "data": page, "total_page": total.div_ceil(page_size), "page_no": page_no,
            "request_id": exchange.request_id, "page_size": page_size,
        }),
    )
}

fn row(task: &Task, now_ms: u64) -> Value {
    let mut row = json!({
        "api_key_id": "1", "caller_parent_id": "1", "caller_uid": "1",
        "gmt_create": task.submitted_ms, "model_name": task.model, "region": task.region.id(),
        "request_id": task.request_id, "status": task.status(now_ms).name(), "task_id": task.id,
        "user_api_unique_key":
            format!("apikey:v1:aigc:video-generation:video-synthesis:{}", task.model),
    });
    let status = task.status(now_ms);
    if let Some(row) = row.as_object_mut() {
        if status != Status::Pending {
            row.insert("start_time".to_owned(), json!(task.begins_ms()));
        }
        if matches!(status, Status::Succeeded | Status::Failed) {
            row.insert("end_time".to_owned(), json!(task.ends_ms()));
        }
    }
    row
}

fn show(task: &Task, now_ms: u64, request_id: &str, link: &str) -> Value {
    let status = task.status(now_ms);
    let mut output = Map::new();
    let mut put = |name: &str, value: Value| output.insert(name.to_owned(), value);
    put("task_id", json!(task.id));
    put("task_status", json!(status.name()));
    put("submit_time", time(task.submitted_ms));
    let began = status != Status::Pending && status != Status::Canceled;
    if began {
        put("scheduled_time", time(task.begins_ms()));
    }
    match (status, &task.failure) {
        (Status::Succeeded, _) => {
            put("end_time", time(task.ends_ms()));
            if let Some(made) = task.product.output.as_ref().and_then(Value::as_object) {
                output.extend(made.clone());
            } else {
                put("orig_prompt", json!(task.prompt));
                put("video_url", json!(link));
            }
        }
        (Status::Failed, Some(failure)) => {
            put("end_time", time(task.ends_ms()));
            put("code", json!(failure.code));
            put("message", json!(failure.message));
        }
        (Status::Canceled, _) => {
            put("end_time", time(task.canceled_ms.unwrap_or(now_ms)));
        }
        (Status::Pending | Status::Running | Status::Failed, _) => {}
    }
    let mut body = json!({"request_id": request_id, "output": output});
    if let (Status::Succeeded, Some(body)) = (status, body.as_object_mut()) {
        body.insert("usage".to_owned(), task.product.usage.clone());
    }
    body
}

fn link(exchange: &Exchange, task: &Task, expires_ms: u64) -> String {
    storage::link(exchange, &format!("1d/38/{}.mp4", task.id), expires_ms)
}

/// Times of tasks are those of Beijing, in any region.
fn time(unix_ms: u64) -> Value {
    let zone = TimeZone::fixed(Offset::constant(8));
    let at = i64::try_from(unix_ms).ok();
    let at = at.and_then(|at| Timestamp::from_millisecond(at).ok());
    json!(at.map(|at| {
        at.to_zoned(zone)
            .strftime("%Y-%m-%d %H:%M:%S%.3f")
            .to_string()
    }))
}
