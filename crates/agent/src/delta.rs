//! What one event of a chat stream adds to the answer.

use serde_json::Value;

/// A piece of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delta {
    /// Text of the answer.
    Text(String),
    /// Text of the reasoning, which is never part of the answer.
    Reasoning(String),
    /// The stream reports an error after content was sent.
    Error(String),
}

impl Delta {
    /// Reads the payload of one event; chunks without text give nothing.
    pub fn read(data: &[u8]) -> Option<Self> {
        let value: Value = serde_json::from_slice(data).ok()?;
        if let Some(error) = value.get("error").filter(|error| !error.is_null()) {
            let message = error
                .get("message")
                .and_then(Value::as_str)
                .unwrap_or("the stream reported an error");
            return Some(Self::Error(message.to_owned()));
        }
        let delta = value.get("choices")?.get(0)?.get("delta")?;
        let text = |key: &str| {
            delta
                .get(key)
                .and_then(Value::as_str)
                .filter(|text| !text.is_empty())
                .map(str::to_owned)
        };
        text("content")
            .map(Self::Text)
            .or_else(|| text("reasoning_content").map(Self::Reasoning))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_text_reasoning_and_errors_apart() {
        let read = |data: &str| Delta::read(data.as_bytes());
        assert_eq!(
            read(r#"{"choices":[{"delta":{"content":"a","reasoning_content":null}}]}"#),
            Some(Delta::Text("a".into()))
        );
        assert_eq!(
            read(r#"{"choices":[{"delta":{"content":null,"reasoning_content":"b"}}]}"#),
            Some(Delta::Reasoning("b".into()))
        );
        assert_eq!(read(r#"{"choices":[{"delta":{"content":""}}]}"#), None);
        assert_eq!(read(r#"{"choices":[],"usage":{}}"#), None);
        assert_eq!(
            read(r#"{"error":{"message":"m"}}"#),
            Some(Delta::Error("m".into()))
        );
        assert_eq!(read("[DONE]"), None);
    }
}
