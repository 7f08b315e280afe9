//! The events of a streamed Messages answer.

use bytes::{BufMut, BytesMut};
use serde_json::{Value, json};

use super::wire;
use crate::formats::translation::{End, Fault, Identity, Kind, Part, Render};
use crate::usage::Usage;

/// Writes events.
pub(crate) struct Events {
    identity: Identity,
}

impl Events {
    pub(crate) fn new(identity: Identity) -> Self {
        Self { identity }
    }
}

fn write(name: &str, members: Value, out: &mut BytesMut) {
    let mut event = json!({"type": name});
    if let (Some(event), Value::Object(members)) = (event.as_object_mut(), members) {
        event.extend(members);
    }
    out.put_slice(format!("event: {name}\ndata: {event}\n\n").as_bytes());
}

fn delta(part: &Part, delta: &Value, out: &mut BytesMut) {
    let event = json!({"index": part.place, "delta": delta});
    write("content_block_delta", event, out);
}

impl Render for Events {
    fn begin(&mut self, out: &mut BytesMut) {
        // What the question costs is known at the end; the last event says it.
        let usage = wire::usage(Usage::default());
        let message = wire::message(&self.identity, &[], None, &usage);
        write("message_start", json!({"message": message}), out);
        write("ping", json!({}), out);
    }

    fn open(&mut self, part: &Part, out: &mut BytesMut) {
        let block = match &part.kind {
            Kind::Reasoning => json!({"type": "thinking", "thinking": "", "signature": ""}),
            Kind::Text => json!({"type": "text", "text": ""}),
            Kind::Call { id, name } => {
                json!({"type": "tool_use", "id": id, "name": name, "input": {}})
            }
        };
        let event = json!({"index": part.place, "content_block": block});
        write("content_block_start", event, out);
    }

    fn more(&mut self, part: &Part, text: &str, out: &mut BytesMut) {
        let more = match part.kind {
            Kind::Reasoning => json!({"type": "thinking_delta", "thinking": text}),
            Kind::Text => json!({"type": "text_delta", "text": text}),
            Kind::Call { .. } => json!({"type": "input_json_delta", "partial_json": text}),
        };
        delta(part, &more, out);
    }

    fn close(&mut self, part: &Part, out: &mut BytesMut) {
        if part.kind == Kind::Reasoning {
            // Clients wait for it; Model Studio signs nothing either.
            let empty = json!({"type": "signature_delta", "signature": ""});
            delta(part, &empty, out);
        }
        write("content_block_stop", json!({"index": part.place}), out);
    }

    fn end(&mut self, _parts: &[Part], end: End, out: &mut BytesMut) {
        let stop_reason = wire::stop_reason(end.finish);
        let event = json!({
            "delta": {"stop_reason": stop_reason, "stop_sequence": null},
            "usage": wire::usage(end.usage),
        });
        write("message_delta", event, out);
        write("message_stop", json!({}), out);
    }

    fn fail(&mut self, _parts: &[Part], error: &Fault, out: &mut BytesMut) {
        let error = json!({"type": "api_error", "message": error.message});
        write("error", json!({"error": error}), out);
    }
}
