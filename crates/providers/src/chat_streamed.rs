//! Writes a whole reply as a stream, for a client that asked for one and a host that did not give it.

use bytes::{Bytes, BytesMut};
use serde_json::{Value, json};

use crate::json_span::{Object, array_items};
use crate::sse::push_event;

/// Returns the events of a stream that says what `body` says: for each answer its message in one chunk and its end in
/// another, the token counts, and the end mark. `None` when `body` is no chat reply.
pub(crate) fn events(body: &[u8]) -> Option<Bytes> {
    let text = std::str::from_utf8(body).ok()?;
    let reply = Object::scan(text).ok()?;
    let list = reply.raw("choices")?;
    let mut head = String::from("{");
    for (key, raw) in reply.members() {
        match key.as_ref() {
            "choices" | "usage" => {}
            "object" => head.push_str("\"object\":\"chat.completion.chunk\","),
            key => head.extend([&json!(key).to_string(), ":", raw, ","]),
        }
    }
    let mut out = BytesMut::with_capacity(body.len() + 512);
    for span in array_items(list).ok()? {
        for choice in choice_chunks(list.get(span)?)? {
            push_event(
                &mut out,
                format!("{head}\"choices\":[{choice}]}}").as_bytes(),
            );
        }
    }
    if let Some(usage) = reply.raw("usage").filter(|usage| usage.starts_with('{')) {
        let chunk = format!("{head}\"choices\":[],\"usage\":{usage}}}");
        push_event(&mut out, chunk.as_bytes());
    }
    push_event(&mut out, b"[DONE]");
    Some(out.freeze())
}

/// Writes one answer as two: what it says, and that it ends.
fn choice_chunks(text: &str) -> Option<[String; 2]> {
    let choice = Object::scan(text).ok()?;
    let index = choice.raw("index").unwrap_or("0");
    let delta = indexed_calls(choice.raw("message")?);
    let reason = choice.raw("finish_reason").unwrap_or("\"stop\"");
    let mut others = String::new();
    for (key, raw) in choice.members() {
        if !matches!(key.as_ref(), "index" | "message" | "finish_reason") {
            others.extend([",", &json!(key).to_string(), ":", raw]);
        }
    }
    Some([
        format!("{{\"index\":{index},\"delta\":{delta},\"finish_reason\":null{others}}}"),
        format!("{{\"index\":{index},\"delta\":{{}},\"finish_reason\":{reason}}}"),
    ])
}

/// Gives the tool calls of a message the indexes that a stream must have: in a whole reply their order is enough.
fn indexed_calls(message: &str) -> String {
    let calls = Object::scan(message).ok().and_then(|object| {
        let span = object.span("tool_calls")?;
        let calls: Vec<Value> = serde_json::from_str(object.raw("tool_calls")?).ok()?;
        Some((span, calls))
    });
    let Some((span, mut calls)) = calls else {
        return message.to_owned();
    };
    for (index, call) in calls.iter_mut().enumerate() {
        if let Some(call) = call.as_object_mut() {
            call.insert("index".to_owned(), json!(index));
        }
    }
    let (before, after) = (message.get(..span.start), message.get(span.end..));
    [
        before.unwrap_or_default(),
        &json!(calls).to_string(),
        after.unwrap_or_default(),
    ]
    .concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat_delta::{Delta, DeltaReader};

    #[test]
    fn a_stream_says_what_the_whole_says() {
        let whole = r#"{"id":"c","object":"chat.completion","created":7,"x":1.50,"choices":[
            {"index":0,"message":{"role":"assistant","content":"hi","reasoning_content":"hm"},"finish_reason":"length","logprobs":{"content":[-0.10]}},
            {"index":1,"message":{"role":"assistant","content":"","tool_calls":[
                {"id":"a","type":"function","function":{"name":"f","arguments":"{}"}},
                {"id":"b","type":"function","function":{"name":"g","arguments":"{}"}}]},"finish_reason":"tool_calls"}],
            "usage":{"prompt_tokens":3,"completion_tokens":2}}"#;
        let events = events(whole.as_bytes()).unwrap();
        let text = std::str::from_utf8(&events).unwrap();
        assert!(text.ends_with("\n\ndata: [DONE]\n\n"));
        assert!(text.contains("\"x\":1.50,") && text.contains("[-0.10]"));
        assert!(!text.contains("\"chat.completion\""));
        let sorted = |mut deltas: Vec<Delta>| {
            deltas.sort_by_key(|delta| format!("{delta:?}"));
            deltas
        };
        let streamed = DeltaReader::default().push(&events);
        assert_eq!(sorted(streamed), sorted(Delta::read(whole.as_bytes())));
        assert_eq!(super::events(b"{\"data\":[]}"), None);
    }
}
