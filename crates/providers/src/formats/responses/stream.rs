//! The events of a streamed Responses answer.

use bytes::{BufMut, BytesMut};
use serde_json::{Value, json};

use super::wire::{self, Echo, Standing, arguments, item, item_id, output_text, summary};
use crate::formats::translation::{End, Fault, Identity, Kind, Part, Render};

/// Writes events, numbered from 0.
pub(crate) struct Events {
    identity: Identity,
    echo: Echo,
    next: u64,
}

impl Events {
    pub(crate) fn new(identity: Identity, echo: Echo) -> Self {
        Self {
            identity,
            echo,
            next: 0,
        }
    }

    fn write(&mut self, name: &str, members: Value, out: &mut BytesMut) {
        let name = format!("response.{name}");
        let mut event = json!({"type": name, "sequence_number": self.next});
        if let (Some(event), Value::Object(members)) = (event.as_object_mut(), members) {
            event.extend(members);
        }
        self.next += 1;
        out.put_slice(format!("event: {name}\ndata: {event}\n\n").as_bytes());
    }

    fn of_response(
        &mut self,
        name: &str,
        parts: &[Part],
        standing: Standing<'_>,
        out: &mut BytesMut,
    ) {
        let response = wire::response(&self.identity, &self.echo, parts, standing);
        self.write(name, json!({"response": response}), out);
    }

    fn of_item(&mut self, name: &str, part: &Part, status: &str, out: &mut BytesMut) {
        let item = item(&self.identity, part, status);
        self.write(name, json!({"output_index": part.place, "item": item}), out);
    }

    /// Writes an event about what an item holds.
    fn within(&mut self, name: &str, part: &Part, more: Value, out: &mut BytesMut) {
        let id = item_id(&self.identity, part);
        let mut event = json!({"item_id": id, "output_index": part.place});
        let position = match part.kind {
            Kind::Reasoning => Some("summary_index"),
            Kind::Text => Some("content_index"),
            Kind::Call { .. } => None,
        };
        if let (Some(members), Value::Object(more)) = (event.as_object_mut(), more) {
            if let Some(position) = position {
                members.insert(position.to_owned(), 0.into());
            }
            members.extend(more);
        }
        self.write(name, event, out);
    }
}

impl Render for Events {
    fn begin(&mut self, out: &mut BytesMut) {
        self.of_response("created", &[], Standing::InProgress, out);
        self.of_response("in_progress", &[], Standing::InProgress, out);
    }

    fn open(&mut self, part: &Part, out: &mut BytesMut) {
        self.of_item("output_item.added", part, "in_progress", out);
        match part.kind {
            Kind::Reasoning => {
                let empty = json!({"part": summary("")});
                self.within("reasoning_summary_part.added", part, empty, out);
            }
            Kind::Text => {
                let empty = json!({"part": output_text("")});
                self.within("content_part.added", part, empty, out);
            }
            Kind::Call { .. } => {}
        }
    }

    fn more(&mut self, part: &Part, text: &str, out: &mut BytesMut) {
        let (name, more) = match part.kind {
            Kind::Reasoning => ("reasoning_summary_text.delta", json!({"delta": text})),
            Kind::Text => ("output_text.delta", json!({"delta": text, "logprobs": []})),
            Kind::Call { .. } => ("function_call_arguments.delta", json!({"delta": text})),
        };
        self.within(name, part, more, out);
    }

    fn close(&mut self, part: &Part, out: &mut BytesMut) {
        match &part.kind {
            Kind::Reasoning => {
                let text = json!({"text": part.text});
                self.within("reasoning_summary_text.done", part, text, out);
                let whole = json!({"part": summary(&part.text)});
                self.within("reasoning_summary_part.done", part, whole, out);
            }
            Kind::Text => {
                let text = json!({"text": part.text, "logprobs": []});
                self.within("output_text.done", part, text, out);
                let whole = json!({"part": output_text(&part.text)});
                self.within("content_part.done", part, whole, out);
            }
            Kind::Call { name, .. } => {
                let whole = json!({"name": name, "arguments": arguments(part)});
                self.within("function_call_arguments.done", part, whole, out);
            }
        }
        self.of_item("output_item.done", part, "completed", out);
    }

    fn end(&mut self, parts: &[Part], end: End, out: &mut BytesMut) {
        let standing = Standing::Ended(end);
        self.of_response(standing.name(), parts, standing, out);
    }

    fn fail(&mut self, parts: &[Part], error: &Fault, out: &mut BytesMut) {
        self.of_response("failed", parts, Standing::Failed(error), out);
    }
}
