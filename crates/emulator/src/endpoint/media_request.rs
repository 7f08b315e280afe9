//! What the endpoints of media models share: the body, the model, the links.

use http::StatusCode;
use serde_json::Value;

use crate::refusal::Refusal;
use crate::storage;
use crate::studio::{Exchange, Studio};

/// Says whether a header enables something.
pub(super) fn enables(exchange: &Exchange, header: &str) -> bool {
    exchange
        .headers
        .get(header)
        .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"enable"))
}

/// Returns the body and the model it names.
pub(super) fn body(exchange: &Exchange) -> Result<(&Value, &str), Refusal> {
    let body = exchange.json.as_ref().filter(|body| body.is_object());
    let body = body
        .ok_or_else(|| invalid("Required body invalid, please check the request body format."))?;
    let model = body.get("model").and_then(Value::as_str);
    Ok((body, model.unwrap_or_default()))
}

/// Checks that a task is asked for as one, and that nothing else is.
pub(super) fn check_async(exchange: &Exchange, is_task: bool) -> Result<(), Refusal> {
    let message = match (is_task, enables(exchange, "x-dashscope-async")) {
        (true, false) => "current user api does not support synchronous calls.",
        (false, true) => "current user api does not support asynchronous calls.",
        _ => return Ok(()),
    };
    Err(Refusal::native(
        StatusCode::FORBIDDEN,
        "AccessDenied",
        message,
    ))
}

/// What a model of another endpoint is told.
pub(super) fn no_such_model(is_known_elsewhere: bool) -> Refusal {
    invalid(if is_known_elsewhere {
        "url error, please check url\u{ff01}"
    } else {
        "Model not exist."
    })
}

/// Keeps a file and returns the link to it.
pub(super) fn keep(
    studio: &Studio,
    exchange: &Exchange,
    name: &str,
    kind: &'static str,
    bytes: Vec<u8>,
) -> String {
    let key = format!("7d/{name}");
    studio.storage.keep(&key, kind, bytes.into());
    storage::link(exchange, &key, studio.aigc.links_expire_ms())
}

/// Returns a seed for what a request makes.
pub(super) fn seed(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

pub(super) fn invalid(message: &str) -> Refusal {
    Refusal::native(StatusCode::BAD_REQUEST, "InvalidParameter", message)
}
