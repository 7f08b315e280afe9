//! Steers tasks below `/_emulator/tasks`.

use bytes::Bytes;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Aigc, Settings};
use crate::error::Error;
use crate::reply::Reply;

impl Aigc {
    /// Changes settings and lets time pass (`advance_ms`); what is left out stays as it is.
    ///
    /// # Errors
    /// [`Error::Tasks`] when the document is not understood; nothing was changed.
    pub(crate) fn configure(&self, document: &Value) -> Result<Value, Error> {
        let failed = |problem: String| Error::Tasks { problem };
        let mut state = self.lock();
        let mut wanted = json!(state.settings);
        let changes = document
            .as_object()
            .ok_or_else(|| failed("it is not an object".to_owned()))?;
        let mut advance_ms = 0;
        for (name, value) in changes {
            if name == "advance_ms" {
                advance_ms = value
                    .as_u64()
                    .ok_or_else(|| failed("`advance_ms` is not a number".to_owned()))?;
            } else if let Some(wanted) = wanted.as_object_mut() {
                wanted.insert(name.clone(), value.clone());
            }
        }
        let settings: Settings =
            serde_json::from_value(wanted).map_err(|error| failed(error.to_string()))?;
        settings.check().map_err(failed)?;
        if settings.frozen {
            state.clock.stop();
        } else {
            state.clock.run();
        }
        state.clock.advance(advance_ms);
        state.settings = settings;
        Ok(json!({"settings": state.settings}))
    }
}

/// Answers a control request; none when it is for something else.
pub(crate) fn answer(aigc: &Aigc, method: &Method, path: &str, body: &Bytes) -> Option<Reply> {
    match (method, path) {
        (&Method::GET, "/tasks") => Some(Reply::json(StatusCode::OK, &aigc.shown())),
        (&Method::POST, "/tasks") => {
            let document: Value = serde_json::from_slice(body).unwrap_or_default();
            Some(match aigc.configure(&document) {
                Ok(reply) => Reply::json(StatusCode::OK, &reply),
                Err(error) => Reply::json(
                    StatusCode::BAD_REQUEST,
                    &json!({"error": error.to_string()}),
                ),
            })
        }
        _ => None,
    }
}
