//! The control endpoints below `/_emulator/`, on the direct listener only.

use bytes::Bytes;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::aigc;
use crate::key::KEYS;
use crate::oauth::{self, OauthControl};
use crate::reply::Reply;
use crate::studio::Studio;

/// Answers a control request; `path` begins behind `/_emulator`.
pub(crate) fn answer(studio: &Studio, method: &Method, path: &str, body: &Bytes) -> Reply {
    if let Some(reply) = oauth::answer(&OauthControl(&studio.identity), method, path, body) {
        return reply;
    }
    if let Some(reply) = aigc::control::answer(&studio.aigc, method, path, body) {
        return reply;
    }
    match (method, path) {
        (&Method::GET, "/requests") => {
            Reply::json(StatusCode::OK, &Value::Array(studio.journal.all()))
        }
        (&Method::POST, "/script") => load_script(studio, body),
        (&Method::POST, "/reset") => {
            studio.reset();
            Reply::json(StatusCode::OK, &json!({"reset": true}))
        }
        (&Method::GET, "/keys") => Reply::json(StatusCode::OK, &keys()),
        (&Method::GET, "/ca.pem") => {
            let pem = Bytes::from(studio.authority.pem().to_owned());
            Reply::whole(StatusCode::OK, "application/x-pem-file", pem)
        }
        _ => Reply::json(
            StatusCode::NOT_FOUND,
            &json!({
                "error": format!("no control endpoint `{method} /_emulator{path}`"),
                "endpoints": [
                    "GET /_emulator/requests",
                    "GET /_emulator/keys",
                    "GET /_emulator/ca.pem",
                    "POST /_emulator/script",
                    "POST /_emulator/reset",
                    "GET /_emulator/oauth",
                    "POST /_emulator/oauth",
                    "POST /_emulator/oauth/approve",
                    "POST /_emulator/oauth/deny",
                    "POST /_emulator/oauth/advance",
                    "GET /_emulator/tasks",
                    "POST /_emulator/tasks",
                ],
            }),
        ),
    }
}

fn load_script(studio: &Studio, body: &Bytes) -> Reply {
    match studio.script.load(body) {
        Ok(n_rules) => Reply::json(StatusCode::OK, &json!({"rules": n_rules})),
        Err(error) => Reply::json(
            StatusCode::BAD_REQUEST,
            &json!({"error": error.to_string()}),
        ),
    }
}

fn keys() -> Value {
    KEYS.iter()
        .map(|known| {
            json!({
                "key": known.key,
                "plan": known.plan.name(),
                "region": known.region.id(),
                "host": known.host,
            })
        })
        .collect()
}
