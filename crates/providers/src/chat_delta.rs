//! A chat reply as typed pieces: what each chunk of a stream adds, or what a whole reply holds.
//!
//! Readers get a reply that is already in order (see [`crate::chat_stream`]): each tool call has one id, one name and
//! one index, which its first piece carries, and reasoning is never part of the text.

use bytes::Bytes;
use serde_json::Value;

use crate::sse::{EventSplitter, Verdict, event_data};
use crate::usage::Usage;

/// A piece of a reply. `choice` is the index of the answer among the `n` that were asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delta {
    /// Text of the answer.
    Text {
        /// Which answer.
        choice: u64,
        /// What is added.
        text: String,
    },
    /// Text of the reasoning, which is never part of the answer.
    Reasoning {
        /// Which answer.
        choice: u64,
        /// What is added.
        text: String,
    },
    /// Text with which the model declines to answer.
    Refusal {
        /// Which answer.
        choice: u64,
        /// What is added.
        text: String,
    },
    /// A tool call begins.
    ToolCall {
        /// Which answer.
        choice: u64,
        /// Place of the call among the answer's calls.
        index: u64,
        /// The id to which the tool's result refers.
        id: String,
        /// The function's name.
        name: String,
    },
    /// Arguments of a call that has begun; all of them together are JSON.
    ToolArguments {
        /// Which answer.
        choice: u64,
        /// Place of the call among the answer's calls.
        index: u64,
        /// What is added.
        text: String,
    },
    /// An answer ends.
    Finish {
        /// Which answer.
        choice: u64,
        /// `stop`, `length`, `tool_calls`, `content_filter`, or what else the host says.
        reason: String,
    },
    /// Token counts of the whole reply.
    Usage(Usage),
    /// The stream reports an error after it began, and ends.
    Error {
        /// What went wrong.
        message: String,
        /// The service's name for it.
        code: Option<String>,
    },
}

/// What all chunks of one reply repeat.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReplyHead {
    /// The service's id of the reply.
    pub id: String,
    /// The model that answers, as the service calls it.
    pub model: String,
    /// When the reply was made, in seconds since 1970.
    pub created: u64,
}

impl ReplyHead {
    /// Reads the head out of a chunk or a whole reply; what is missing stays empty.
    pub fn read(data: &[u8]) -> Option<Self> {
        let value: Value = serde_json::from_slice(data).ok()?;
        let text = |key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default();
        value.get("choices")?;
        Some(Self {
            id: text("id").to_owned(),
            model: text("model").to_owned(),
            created: value
                .get("created")
                .and_then(Value::as_u64)
                .unwrap_or_default(),
        })
    }
}

impl Delta {
    /// Reads the payload of one event, or the body of a whole reply. What is no chat reply gives nothing.
    pub fn read(data: &[u8]) -> Vec<Self> {
        let mut deltas = Vec::new();
        let Ok(value) = serde_json::from_slice::<Value>(data) else {
            return deltas;
        };
        if let Some(error) = value.get("error").filter(|error| !error.is_null()) {
            deltas.push(error_delta(error));
            return deltas;
        }
        let choices = value.get("choices").and_then(Value::as_array);
        for choice in choices.into_iter().flatten() {
            read_choice(choice, &mut deltas);
        }
        let usage = value.get("usage").filter(|usage| usage.is_object());
        deltas.extend(usage.and_then(|usage| Usage::parse(&usage.to_string()).map(Self::Usage)));
        deltas
    }
}

fn error_delta(error: &Value) -> Delta {
    let text = |key: &str| error.get(key).and_then(Value::as_str).map(str::to_owned);
    Delta::Error {
        message: text("message").unwrap_or_else(|| "the stream reported an error".to_owned()),
        code: text("code"),
    }
}

fn read_choice(value: &Value, deltas: &mut Vec<Delta>) {
    let choice = value
        .get("index")
        .and_then(Value::as_u64)
        .unwrap_or_default();
    if let Some(message) = value.get("delta").or_else(|| value.get("message")) {
        let text = |key: &str| non_empty(message, key).map(str::to_owned);
        deltas.extend(text("reasoning_content").map(|text| Delta::Reasoning { choice, text }));
        deltas.extend(text("content").map(|text| Delta::Text { choice, text }));
        deltas.extend(text("refusal").map(|text| Delta::Refusal { choice, text }));
        let calls = message.get("tool_calls").and_then(Value::as_array);
        for (place, call) in (0..).zip(calls.into_iter().flatten()) {
            read_call(choice, place, call, deltas);
        }
    }
    if let Some(reason) = non_empty(value, "finish_reason") {
        let reason = reason.to_owned();
        deltas.push(Delta::Finish { choice, reason });
    }
}

fn read_call(choice: u64, place: u64, call: &Value, deltas: &mut Vec<Delta>) {
    let index = call.get("index").and_then(Value::as_u64).unwrap_or(place);
    let function = call.get("function").unwrap_or(&Value::Null);
    let (id, name) = (non_empty(call, "id"), non_empty(function, "name"));
    if id.is_some() || name.is_some() {
        deltas.push(Delta::ToolCall {
            choice,
            index,
            id: id.unwrap_or_default().to_owned(),
            name: name.unwrap_or_default().to_owned(),
        });
    }
    if let Some(text) = non_empty(function, "arguments") {
        deltas.push(Delta::ToolArguments {
            choice,
            index,
            text: text.to_owned(),
        });
    }
}

fn non_empty<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key)?.as_str().filter(|text| !text.is_empty())
}

/// Reads the frames of a stream, wherever they are cut, as deltas.
#[derive(Debug, Default)]
pub struct DeltaReader {
    splitter: EventSplitter,
}

impl DeltaReader {
    /// Feeds one frame and returns what the events that are now complete add.
    pub fn push(&mut self, frame: &Bytes) -> Vec<Delta> {
        let mut deltas = Vec::new();
        self.splitter.push(frame, |event| {
            deltas.append(&mut Delta::read(&event_data(event)));
            Verdict::Drop
        });
        deltas
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_text_reasoning_and_errors_apart() {
        let read = |data: &str| Delta::read(data.as_bytes());
        let (choice, text) = (0, "a".to_owned());
        assert_eq!(
            read(r#"{"choices":[{"delta":{"content":"a","reasoning_content":null}}]}"#),
            [Delta::Text { choice, text }]
        );
        let (choice, text) = (1, "b".to_owned());
        assert_eq!(
            read(r#"{"choices":[{"index":1,"delta":{"content":null,"reasoning_content":"b"}}]}"#),
            [Delta::Reasoning { choice, text }]
        );
        assert_eq!(read(r#"{"choices":[{"delta":{"content":""}}]}"#), []);
        assert_eq!(
            read(r#"{"error":{"message":"m","code":"c"}}"#),
            [Delta::Error {
                message: "m".into(),
                code: Some("c".into())
            }]
        );
        assert_eq!(read("[DONE]"), []);
    }

    #[test]
    fn a_whole_reply_is_read_like_a_stream_in_one_piece() {
        let whole = r#"{"id":"x","model":"m","created":7,"choices":[{"index":0,"message":{"role":"assistant",
            "content":"hi","reasoning_content":"hm","tool_calls":[{"id":"call_1","type":"function",
            "function":{"name":"f","arguments":"{}"}}]},"finish_reason":"tool_calls"}],
            "usage":{"prompt_tokens":3,"completion_tokens":2}}"#;
        let usage = Usage {
            input_tokens: 3,
            output_tokens: 2,
            ..Usage::default()
        };
        let (choice, index) = (0, 0);
        assert_eq!(
            Delta::read(whole.as_bytes()),
            [
                Delta::Reasoning {
                    choice,
                    text: "hm".into()
                },
                Delta::Text {
                    choice,
                    text: "hi".into()
                },
                Delta::ToolCall {
                    choice,
                    index,
                    id: "call_1".into(),
                    name: "f".into()
                },
                Delta::ToolArguments {
                    choice,
                    index,
                    text: "{}".into()
                },
                Delta::Finish {
                    choice,
                    reason: "tool_calls".into()
                },
                Delta::Usage(usage),
            ]
        );
        let head = ReplyHead::read(whole.as_bytes()).unwrap();
        assert_eq!((head.model.as_str(), head.created), ("m", 7));
    }

    #[test]
    fn frames_may_end_anywhere() {
        let text = "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\ndata: [DONE]\n\n";
        for at in 0..text.len() {
            let mut reader = DeltaReader::default();
            let mut deltas = reader.push(&Bytes::copy_from_slice(&text.as_bytes()[..at]));
            deltas.append(&mut reader.push(&Bytes::copy_from_slice(&text.as_bytes()[at..])));
            let (choice, text) = (0, "a".to_owned());
            assert_eq!(deltas, [Delta::Text { choice, text }], "cut at {at}");
        }
    }
}
