//! A scripted stream, played as it was recorded.

use crate::reply::{Reply, event};

/// Plays raw event payloads.
pub(crate) fn answer(payloads: &[String], done: bool) -> Reply {
    let mut payloads = payloads.to_vec();
    if done && payloads.last().is_none_or(|last| last != "[DONE]") {
        payloads.push("[DONE]".to_owned());
    }
    Reply::events(Box::new(
        payloads.into_iter().map(|payload| event(&payload)),
    ))
}
