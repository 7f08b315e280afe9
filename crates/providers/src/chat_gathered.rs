//! Puts the chunks of a stream together into one whole reply, for a client that asked for no stream.
//!
//! What is not known here is kept: members of the reply and of each answer as they first came, texts joined, lists
//! lengthened.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::json_span::{Object, array_items};
use crate::sse::{EventSplitter, Verdict, event_data};

/// Members of a delta that are said once and never in pieces.
const SAID_ONCE: [&str; 4] = ["id", "object", "role", "type"];

/// A reply that is being put together.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    splitter: EventSplitter,
    /// Members of the reply, as raw JSON, in the order in which they came.
    members: Vec<(String, String)>,
    choices: BTreeMap<u64, Choice>,
    usage: Option<String>,
}

#[derive(Debug, Default)]
struct Choice {
    message: Map<String, Value>,
    finish_reason: Option<String>,
    /// Lists of token probabilities by name, their items as raw JSON so that no number changes.
    logprobs: Option<BTreeMap<String, Vec<String>>>,
    /// Other members, as raw JSON.
    members: Vec<(String, String)>,
}

impl Gathered {
    /// Takes the next bytes of the stream.
    pub(crate) fn push(&mut self, frame: &bytes::Bytes) {
        let mut splitter = std::mem::take(&mut self.splitter);
        splitter.push(frame, |event| {
            if let Ok(data) = std::str::from_utf8(&event_data(event)) {
                self.take(data);
            }
            Verdict::Drop
        });
        self.splitter = splitter;
    }

    fn take(&mut self, data: &str) -> Option<()> {
        let chunk = Object::scan(data).ok()?;
        for (key, raw) in chunk.members() {
            match key.as_ref() {
                "choices" => {
                    for item in array_items(raw).unwrap_or_default() {
                        self.take_choice(raw.get(item)?);
                    }
                }
                "usage" if raw.starts_with('{') => self.usage = Some(raw.to_owned()),
                "usage" | "object" => {}
                key => set_once(&mut self.members, key, raw),
            }
        }
        Some(())
    }

    fn take_choice(&mut self, text: &str) -> Option<()> {
        let object = Object::scan(text).ok()?;
        let index = object.raw("index").and_then(|raw| raw.parse().ok());
        let choice = self.choices.entry(index.unwrap_or_default()).or_default();
        for (key, raw) in object.members() {
            match key.as_ref() {
                "delta" => {
                    let delta = serde_json::from_str::<Map<String, Value>>(raw);
                    join_objects(&mut choice.message, delta.unwrap_or_default());
                }
                "finish_reason" if raw.starts_with('"') && raw.len() > 2 => {
                    choice.finish_reason = Some(raw.to_owned());
                }
                "index" | "finish_reason" => {}
                "logprobs" => choice.take_logprobs(raw),
                key => set_once(&mut choice.members, key, raw),
            }
        }
        Some(())
    }

    /// Returns the whole reply.
    pub(crate) fn finish(self) -> String {
        let choices: Vec<String> = self
            .choices
            .into_iter()
            .map(|(index, choice)| choice.finish(index))
            .collect();
        let mut members = self.members;
        members.push(("object".to_owned(), "\"chat.completion\"".to_owned()));
        members.push(("choices".to_owned(), format!("[{}]", choices.join(","))));
        members.extend(self.usage.map(|usage| ("usage".to_owned(), usage)));
        object_of(&members)
    }
}

impl Choice {
    fn take_logprobs(&mut self, raw: &str) {
        let Ok(object) = Object::scan(raw) else {
            return;
        };
        let lists = self.logprobs.get_or_insert_default();
        for (key, raw) in object.members() {
            let Ok(items) = array_items(raw) else {
                continue;
            };
            let items = items
                .into_iter()
                .filter_map(|span| raw.get(span).map(str::to_owned));
            lists.entry(key.to_string()).or_default().extend(items);
        }
    }

    fn finish(mut self, index: u64) -> String {
        self.message
            .entry("role")
            .or_insert_with(|| json!("assistant"));
        self.message.entry("content").or_insert(Value::Null);
        self.message
            .retain(|key, value| key == "content" || !value.is_null());
        let logprobs = self.logprobs.map_or("null".to_owned(), |lists| {
            let lists = lists.into_iter();
            let lists: Vec<_> = lists
                .map(|(key, items)| (key, format!("[{}]", items.join(","))))
                .collect();
            object_of(&lists)
        });
        let mut members = vec![
            ("index".to_owned(), index.to_string()),
            (
                "message".to_owned(),
                Value::Object(self.message).to_string(),
            ),
            ("logprobs".to_owned(), logprobs),
            (
                "finish_reason".to_owned(),
                self.finish_reason.unwrap_or("null".to_owned()),
            ),
        ];
        members.append(&mut self.members);
        object_of(&members)
    }
}

/// Keeps the first value that is not null.
fn set_once(members: &mut Vec<(String, String)>, key: &str, raw: &str) {
    match members.iter_mut().find(|(known, _)| known == key) {
        Some((_, value)) if value == "null" => raw.clone_into(value),
        Some(_) => {}
        None => members.push((key.to_owned(), raw.to_owned())),
    }
}

fn object_of(members: &[(String, String)]) -> String {
    let members: Vec<String> = members
        .iter()
        .map(|(key, raw)| format!("{}:{raw}", json!(key)))
        .collect();
    format!("{{{}}}", members.join(","))
}

fn join_objects(whole: &mut Map<String, Value>, piece: Map<String, Value>) {
    for (key, value) in piece {
        match whole.get_mut(&key) {
            Some(known) => join(known, value, &key),
            None => {
                whole.insert(key, value);
            }
        }
    }
}

fn join(whole: &mut Value, piece: Value, key: &str) {
    match (whole, piece) {
        (_, Value::Null) => {}
        (Value::String(text), Value::String(piece)) => {
            if !SAID_ONCE.contains(&key) || text.is_empty() {
                text.push_str(&piece);
            }
        }
        (Value::Object(object), Value::Object(piece)) => join_objects(object, piece),
        (Value::Array(list), Value::Array(piece)) => join_lists(list, piece),
        (whole, piece) => *whole = piece,
    }
}

/// Items with an index belong to the item with the same one, others go to the end.
fn join_lists(list: &mut Vec<Value>, piece: Vec<Value>) {
    for item in piece {
        let index = item.get("index").cloned();
        let same = list
            .iter_mut()
            .find(|known| index.is_some() && known.get("index") == index.as_ref());
        match same {
            Some(known) => join(known, item, ""),
            None => list.push(item),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn gather(chunks: &[&str]) -> Value {
        let mut gathered = Gathered::default();
        for chunk in chunks {
            gathered.push(&Bytes::from(format!("data: {chunk}\n\n")));
        }
        gathered.push(&Bytes::from_static(b"data: [DONE]\n\n"));
        serde_json::from_str(&gathered.finish()).unwrap()
    }

    #[test]
    fn text_reasoning_and_probabilities_are_joined() {
        let whole = gather(&[
            r#"{"id":"c","object":"chat.completion.chunk","created":7,"x":null,"choices":[{"index":0,"delta":{"role":"assistant","content":null,"reasoning_content":""},"logprobs":null,"finish_reason":null}],"usage":null}"#,
            r#"{"id":"c","x":1.50,"choices":[{"index":0,"delta":{"role":null,"content":null,"reasoning_content":"h"}}]}"#,
            r#"{"id":"c","choices":[{"index":0,"delta":{"role":"assistant","content":null,"reasoning_content":"m"}}]}"#,
            r#"{"id":"c","choices":[{"index":0,"delta":{"content":"a","reasoning_content":null},"logprobs":{"content":[{"token":"a","logprob":-0.1000}]}}]}"#,
            r#"{"id":"c","choices":[{"index":0,"delta":{"content":"b"},"logprobs":{"content":[{"token":"b","logprob":-2e-7}]},"finish_reason":"stop","y":true}]}"#,
            r#"{"id":"c","choices":[],"usage":{"prompt_tokens":1,"z":[1]}}"#,
        ]);
        assert_eq!(
            whole,
            json!({
                "id": "c", "created": 7, "x": 1.5, "object": "chat.completion",
                "choices": [{
                    "index": 0, "finish_reason": "stop", "y": true,
                    "message": {"role": "assistant", "content": "ab", "reasoning_content": "hm"},
                    "logprobs": {"content": [{"token": "a", "logprob": -0.1}, {"token": "b", "logprob": -2e-7}]},
                }],
                "usage": {"prompt_tokens": 1, "z": [1]},
            })
        );
    }

    #[test]
    fn numbers_keep_their_spelling() {
        let mut gathered = Gathered::default();
        gathered.push(&Bytes::from_static(
            b"data: {\"x\":1.50,\"choices\":[{\"delta\":{},\"logprobs\":{\"content\":[-0.10000000000000000001]}}]}\n\n",
        ));
        let whole = gathered.finish();
        assert!(
            whole.contains("\"x\":1.50") && whole.contains("[-0.10000000000000000001]"),
            "{whole}"
        );
    }

    #[test]
    fn calls_choices_and_sound_are_joined() {
        let whole = gather(&[
            r#"{"choices":[{"index":1,"delta":{"content":"one"}}]}"#,
            r#"{"choices":[{"index":0,"delta":{"content":null,"tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"f","arguments":""}}]}}]}"#,
            r#"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":1,"id":"b","type":"function","function":{"name":"g","arguments":"{}"}}]}}]}"#,
            r#"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"type":"function","function":{"arguments":"{}"}}]}}]}"#,
            r#"{"choices":[{"index":0,"delta":{"audio":{"id":"s","data":"QUJD","expires_at":1}}},{"index":1,"delta":{},"finish_reason":"stop"}]}"#,
            r#"{"choices":[{"index":0,"delta":{"audio":{"id":"s","data":"REVG","expires_at":2}},"finish_reason":"tool_calls"}]}"#,
        ]);
        let first = &whole["choices"][0]["message"];
        assert_eq!(
            first,
            &json!({"content": null, "role": "assistant", "audio": {"id": "s", "data": "QUJDREVG", "expires_at": 2}, "tool_calls": [
                {"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}},
                {"index": 1, "id": "b", "type": "function", "function": {"name": "g", "arguments": "{}"}},
            ]})
        );
        assert_eq!(whole["choices"][0]["finish_reason"], "tool_calls");
        assert_eq!(whole["choices"][1]["message"]["content"], "one");
        assert_eq!(whole["choices"][1]["finish_reason"], "stop");
    }
}
