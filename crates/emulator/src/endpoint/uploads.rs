//! `GET /api/v1/uploads?action=getPolicy`: lets a client upload one file for 48 hours.

use http::StatusCode;
use serde_json::json;

use crate::refusal::Refusal;
use crate::reply::Reply;
use crate::storage;
use crate::studio::{Exchange, Studio};

/// How long an upload may begin, in seconds.
const GRANT_S: u64 = 300;

/// Answers with what the form must hold.
pub(crate) fn answer(studio: &Studio, exchange: &Exchange) -> Result<Reply, Refusal> {
    let model = exchange.query_value("model").unwrap_or_default();
    if exchange.query_value("action") != Some("getPolicy") || model.is_empty() {
        return Err(Refusal::native(
            StatusCode::BAD_REQUEST,
            "InvalidParameter",
            "action must be getPolicy and model must not be empty",
        ));
    }
    let folder = format!("dashscope-instant/emulator/{}", studio.ids.uuid());
    let until_ms = studio.aigc.unix_ms().saturating_add(GRANT_S * 1000);
    studio.storage.grant(&folder, until_ms);
    let upload_host = exchange.origin_of(storage::upload_host(exchange.host.region));
    Ok(Reply::json(
        StatusCode::OK,
        &json!({
            "data": {
                "policy": "ZW11bGF0b3I=", "signature": "ZW11bGF0b3I=", "upload_dir": folder,
                "upload_host": upload_host, "expire_in_seconds": GRANT_S, "max_file_size_mb": 1024,
                "capacity_limit_mb": 999_999_999, "oss_access_key_id": "EMULATOR",
                "x_oss_object_acl": "private", "x_oss_forbid_overwrite": "true",
            },
            "request_id": exchange.request_id,
        }),
    ))
}
