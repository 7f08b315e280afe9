//! Streams of hosts that speak the client's own format: what their events tell, and errors in their shape.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::json;

use super::watch::is_error_envelope;
use crate::formats::Format;
use crate::json_span::{Object, decode_string};
use crate::usage::Usage;

/// What an event tells.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// It is no JSON object.
    Garbage,
    /// Nothing that concerns anybody here.
    Other,
    /// Token counts that may still grow.
    Usage(Usage),
    /// The end of the answer, and the counts if they came with it.
    End(Option<Usage>),
    /// An error, in an event that clients of the format understand or in another envelope.
    Error { is_of_format: bool },
}

/// Token counts as these formats name them.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Counts {
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    input_tokens_details: Option<InputDetails>,
    output_tokens_details: Option<OutputDetails>,
    cache_read_input_tokens: Option<u64>,
    cache_creation_input_tokens: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct InputDetails {
    cached_tokens: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct OutputDetails {
    reasoning_tokens: Option<u64>,
}

/// Reads the token counts of a message or a response.
pub(crate) fn usage(raw: &str) -> Option<Usage> {
    let counts: Option<Counts> = serde_json::from_str(raw).ok()?;
    let counts = counts?;
    let read = counts.cache_read_input_tokens.unwrap_or_default();
    let written = counts.cache_creation_input_tokens.unwrap_or_default();
    let details = counts.input_tokens_details.unwrap_or_default();
    let reasoning = counts.output_tokens_details.unwrap_or_default();
    Some(Usage {
        // Messages count apart what was read from or written to a cache; responses include it.
        input_tokens: counts.input_tokens.unwrap_or_default() + read + written,
        output_tokens: counts.output_tokens.unwrap_or_default(),
        cached_tokens: details.cached_tokens.unwrap_or(read),
        cache_write_tokens: written,
        reasoning_tokens: reasoning.reasoning_tokens.unwrap_or_default(),
    })
}

/// Reads the data of an event.
pub(super) fn read(format: Format, data: &[u8]) -> Seen {
    let text = std::str::from_utf8(data).unwrap_or_default();
    let Ok(event) = Object::scan(text) else {
        return Seen::Garbage;
    };
    let kind = event
        .raw("type")
        .and_then(decode_string)
        .unwrap_or_default();
    let inner = |key: &str| Object::scan(event.raw(key)?).ok();
    let counts = |holder: Option<Object<'_>>| holder?.raw("usage").and_then(usage);
    match (format, kind.as_ref()) {
        (Format::Responses, "response.completed" | "response.incomplete") => {
            Seen::End(counts(inner("response")))
        }
        (Format::Responses, "response.failed" | "error") | (Format::Messages, "error") => {
            Seen::Error { is_of_format: true }
        }
        (Format::Messages, "message_start") => {
            counts(inner("message")).map_or(Seen::Other, Seen::Usage)
        }
        (Format::Messages, "message_delta") => event
            .raw("usage")
            .and_then(usage)
            .map_or(Seen::Other, Seen::Usage),
        (Format::Messages, "message_stop") => Seen::End(None),
        _ if is_error_envelope(&event) => Seen::Error {
            is_of_format: false,
        },
        _ => Seen::Other,
    }
}

/// Returns an error as an event; `number` is the next number in a stream that counts its events.
pub(super) fn error_event(format: Format, number: u64, message: &str, code: Option<&str>) -> Bytes {
    let (name, event) = if format == Format::Messages {
        let error = json!({"type": "api_error", "message": message});
        ("error", json!({"type": "error", "error": error}))
    } else {
        let error = json!({"code": code.unwrap_or("server_error"), "message": message});
        let response =
            json!({"object": "response", "status": "failed", "error": error, "output": []});
        let name = "response.failed";
        let event = json!({"type": name, "sequence_number": number, "response": response});
        (name, event)
    };
    Bytes::from(format!("event: {name}\ndata: {event}\n\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_tell_counts_ends_and_errors() {
        let read = |format: Format, data: &str| super::read(format, data.as_bytes());
        let counts = Usage {
            input_tokens: 11,
            output_tokens: 7,
            cached_tokens: 5,
            cache_write_tokens: 0,
            reasoning_tokens: 3,
        };
        let completed = r#"{"type":"response.completed","response":{"usage":{"input_tokens":11,"output_tokens":7,
            "input_tokens_details":{"cached_tokens":5},"output_tokens_details":{"reasoning_tokens":3}}}}"#;
        assert_eq!(read(Format::Responses, completed), Seen::End(Some(counts)));
        let delta = r#"{"type":"message_delta","usage":{"input_tokens":6,"cache_read_input_tokens":5,"output_tokens":7}}"#;
        let counts = Usage {
            reasoning_tokens: 0,
            ..counts
        };
        assert_eq!(read(Format::Messages, delta), Seen::Usage(counts));
        assert_eq!(
            read(Format::Messages, r#"{"type":"message_stop"}"#),
            Seen::End(None)
        );
        assert_eq!(read(Format::Messages, r#"{"type":"ping"}"#), Seen::Other);
        assert_eq!(read(Format::Messages, "<html>"), Seen::Garbage);
        for (text, is_of_format) in [
            (
                r#"{"type":"error","error":{"type":"overloaded_error","message":"m"}}"#,
                true,
            ),
            (r#"{"error":{"message":"m","code":"c"}}"#, false),
            (
                r#"{"code":"Throttling","message":"m","request_id":"r"}"#,
                false,
            ),
        ] {
            assert_eq!(
                read(Format::Messages, text),
                Seen::Error { is_of_format },
                "{text}"
            );
        }
    }
}
