//! A whole Messages answer.

use serde_json::{Value, json};

use super::wire;
use crate::formats::translation::{End, Identity, Kind, Part};

/// Says a whole answer as a message.
///
/// # Errors
/// The name of the tool whose arguments are not JSON, which a message cannot hold.
pub(crate) fn whole(identity: &Identity, parts: &[Part], end: End) -> Result<Value, String> {
    let content: Vec<Value> = parts.iter().map(block).collect::<Result<_, _>>()?;
    let stop_reason = wire::stop_reason(end.finish);
    let usage = wire::usage(end.usage);
    Ok(wire::message(identity, &content, Some(stop_reason), &usage))
}

fn block(part: &Part) -> Result<Value, String> {
    Ok(match &part.kind {
        Kind::Reasoning => json!({"type": "thinking", "thinking": part.text, "signature": ""}),
        Kind::Text => json!({"type": "text", "text": part.text}),
        Kind::Call { id, name } => {
            let input: Value = match part.text.trim() {
                "" => json!({}),
                written => serde_json::from_str(written).map_err(|_| name.clone())?,
            };
            json!({"type": "tool_use", "id": id, "name": name, "input": input})
        }
    })
}
