//! Replies that a script rule gives by itself.

use bytes::Bytes;
use http::StatusCode;
use serde_json::Value;

use crate::reply::{EVENT_STREAM, JSON, Reply, event};
use crate::route;
use crate::script::Rule;
use crate::studio::Exchange;

/// Bytes that look like a reply at first and are none: cut JSON, then broken UTF-8.
const GARBAGE: &[u8] =
    b"data: {\"choices\":[{\"delta\":{\"content\":\"\xff\xfe\x00\xc3(\n\n<html>\x80\r\n";

/// Answers as the rule says.
pub(crate) fn answer(rule: &Rule, exchange: &Exchange) -> Reply {
    let status = rule
        .status
        .and_then(|status| StatusCode::from_u16(status).ok());
    if rule.garbage {
        let streaming = exchange
            .json
            .as_ref()
            .and_then(|body| body.get("stream")?.as_bool())
            .unwrap_or(false);
        let content_type = if streaming { EVENT_STREAM } else { JSON };
        return Reply::whole(
            status.unwrap_or(StatusCode::OK),
            content_type,
            Bytes::from_static(GARBAGE),
        );
    }
    match &rule.body {
        Some(Value::String(text)) => Reply::whole(
            status.unwrap_or(StatusCode::OK),
            JSON,
            Bytes::from(text.clone()),
        ),
        Some(body) => Reply::json(status.unwrap_or(StatusCode::OK), body),
        None => Reply::refused(
            &rule.refusal(route::surface(exchange)),
            &exchange.request_id,
        ),
    }
}

/// Returns the error as an event inside a stream.
pub(crate) fn error_event(rule: &Rule, exchange: &Exchange) -> Bytes {
    let refusal = rule.refusal(route::surface(exchange));
    let body = refusal.body(&exchange.request_id).unwrap_or_default();
    event(&body.to_string())
}
