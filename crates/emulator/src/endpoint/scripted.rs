//! Replies that a script rule gives by itself.

use bytes::Bytes;
use http::StatusCode;
use serde_json::Value;

use crate::refusal::{Refusal, Surface};
use crate::reply::{EVENT_STREAM, JSON, Reply, event, named_event};
use crate::route;
use crate::script::Rule;
use crate::studio::Exchange;

/// Bytes that look like a reply at first and are none: cut JSON, then broken UTF-8.
const GARBAGE: &[u8] =
    b"data: {\"choices\":[{\"delta\":{\"content\":\"\xff\xfe\x00\xc3(\n\n<html>\x80\r\n";

/// What a response that failed says of a request that came too fast.
const RESPONSES_TOO_FAST: &str =
    "Operation model request rate limit exceeded, please try again later.";

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
            &refusal(rule, route::surface(exchange)),
            &exchange.request_id,
        ),
    }
}

/// Returns the error as an event inside a stream.
pub(crate) fn error_event(rule: &Rule, exchange: &Exchange) -> Bytes {
    let surface = route::surface(exchange);
    let refused = refusal(rule, surface);
    let body = refused.body(&exchange.request_id).unwrap_or_default();
    match surface {
        Surface::Anthropic => named_event("error", &body.to_string()),
        Surface::Responses => {
            let failed = serde_json::json!({"code": "server_error", "message": refused.message()});
            let response =
                serde_json::json!({"object": "response", "status": "failed", "error": failed});
            let event = serde_json::json!({"type": "response.failed", "response": response});
            named_event("response.failed", &event.to_string())
        }
        Surface::OpenAi | Surface::Native | Surface::Oauth | Surface::Other => {
            event(&body.to_string())
        }
    }
}

/// The error a rule plays, in the envelope of `surface`.
fn refusal(rule: &Rule, surface: Surface) -> Refusal {
    let status = rule
        .status
        .and_then(|status| StatusCode::from_u16(status).ok());
    let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let code = rule.code.as_deref().unwrap_or(match status.as_u16() {
        429 if surface == Surface::Oauth => "slow_down",
        400..=499 if surface == Surface::Oauth => "invalid_request",
        _ if surface == Surface::Oauth => "server_error",
        401 => "invalid_api_key",
        404 => "model_not_found",
        429 => "limit_requests",
        400..=499 => "invalid_parameter_error",
        _ => "internal_error",
    });
    let message = rule
        .message
        .as_deref()
        .unwrap_or(match (surface, status.as_u16()) {
            // The status does not say it, so the text must.
            (Surface::Responses, 429) => RESPONSES_TOO_FAST,
            _ => "Scripted by the openclaw emulator.",
        });
    Refusal::on(surface, status, code, message)
}
