//! `POST /api/v1/oauth2/device/code`: begins a login.

use http::StatusCode;
use serde_json::json;

use crate::oauth::{Form, IdentityServer};
use crate::refusal::Refusal;
use crate::reply::Reply;
use crate::studio::Exchange;

/// The page a person is sent to; it is named, never played.
const PAGE: &str = "https://chat.qwen.ai/authorize";

/// Answers with a device code and what to show the person.
pub(crate) fn answer(server: &IdentityServer, exchange: &Exchange) -> Result<Reply, Refusal> {
    let form = Form::read(&exchange.headers, &exchange.body)?;
    let grant = server.begin(&form)?;
    let mut body = json!({
        "device_code": grant.device_code,
        "user_code": grant.user_code,
        "verification_uri": PAGE,
        "verification_uri_complete":
            format!("{PAGE}?user_code={}&client=qwen-code", grant.user_code),
        "expires_in": grant.expires_in_s,
    });
    if let (Some(fields), Some(interval_s)) = (body.as_object_mut(), grant.interval_s) {
        fields.insert("interval".to_owned(), json!(interval_s));
    }
    Ok(Reply::json(StatusCode::OK, &body))
}
