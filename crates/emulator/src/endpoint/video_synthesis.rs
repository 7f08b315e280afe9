//! `POST /api/v1/services/aigc/video-generation/video-synthesis`: takes a task.

use http::StatusCode;
use serde_json::{Value, json};

use crate::aigc::Task;
use crate::refusal::Refusal;
use crate::reply::Reply;
use crate::studio::{Exchange, Studio};

/// Answers with the id of a new task.
pub(crate) fn answer(studio: &Studio, exchange: &Exchange) -> Result<Reply, Refusal> {
    if !has(exchange, "x-dashscope-async") {
        return Err(Refusal::native(
            StatusCode::FORBIDDEN,
            "AccessDenied",
            "current user api does not support synchronous calls.",
        ));
    }
    let body = exchange.json.as_ref().filter(|body| body.is_object());
    let body = body
        .ok_or_else(|| invalid("Required body invalid, please check the request body format."))?;
    let model = body
        .get("model")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if !studio.aigc.video_models.knows(model) {
        let is_other = studio.models.find(exchange.host.plan, model).is_some();
        return Err(invalid(if is_other {
            "url error, please check url\u{ff01}"
        } else {
            "Model not exist."
        }));
    }
    let wish = studio
        .aigc
        .video_models
        .read(model, body)
        .map_err(|message| invalid(&message))?;
    let now_ms = studio.aigc.unix_ms();
    let resolves = has(exchange, "x-dashscope-ossresourceresolve");
    let found = |key: &String| studio.storage.uploaded_bytes(key, now_ms).is_some();
    let readable = resolves && wish.uploads.iter().all(found);
    if !wish.uploads.is_empty() && !readable {
        return Err(Refusal::native(
            StatusCode::BAD_REQUEST,
            "InvalidParameter.DataInspection",
            "Unable to download the media resource during the data inspection process.",
        ));
    }
    let id = studio.ids.uuid();
    let region = exchange.host.region;
    let mut task = Task::new(id.clone(), exchange.request_id.clone(), model, region);
    task.prompt = wish.prompt;
    task.product = wish.product;
    task.failure = wish.failure;
    studio.aigc.submit(task);
    Ok(Reply::json(
        StatusCode::OK,
        &json!({
            "request_id": exchange.request_id,
            "output": {"task_id": id, "task_status": "PENDING"},
        }),
    ))
}

fn has(exchange: &Exchange, header: &str) -> bool {
    exchange
        .headers
        .get(header)
        .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"enable"))
}

fn invalid(message: &str) -> Refusal {
    Refusal::native(StatusCode::BAD_REQUEST, "InvalidParameter", message)
}
