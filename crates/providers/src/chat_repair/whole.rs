//! Whole replies: the same repairs, in one step.

use bytes::Bytes;
use catalog::ThinkTags;
use memchr::memmem;
use serde_json::json;

use crate::json_span::{array_items, splice};
use crate::think_tags::TagSplitter;

use super::repairs::{Repair, Repairs};
use super::tool_calls::ToolCalls;
use super::{Edit, Part, is_whole};

/// Puts a whole reply in order; the same bytes when it is.
pub(crate) fn whole_reply(body: &Bytes, tags: ThinkTags, repairs: &mut Repairs) -> Bytes {
    if tags == ThinkTags::Never && memmem::find(body, b"\"tool_calls\"").is_none() {
        return body.clone();
    }
    match edits(body, tags, repairs) {
        Some(edits) if !edits.is_empty() => Bytes::from(splice(body, edits)),
        _ => body.clone(),
    }
}

fn edits(body: &[u8], tags: ThinkTags, repairs: &mut Repairs) -> Option<Vec<Edit>> {
    let reply = Part::read(std::str::from_utf8(body).ok()?, 0)?;
    let list = reply.span("choices")?;
    let text = reply.text.get(list.clone())?;
    let mut edits = Vec::new();
    for item in array_items(text).ok()? {
        let start = list.start + item.start;
        if let Some(choice) = text.get(item).and_then(|text| Part::read(text, start)) {
            look_at_choice(&choice, tags, repairs, &mut edits);
        }
    }
    Some(edits)
}

fn look_at_choice(
    choice: &Part<'_>,
    tags: ThinkTags,
    repairs: &mut Repairs,
    edits: &mut Vec<Edit>,
) -> Option<()> {
    let message = choice.child("message")?;
    look_at_text(&message, tags, repairs, edits);
    let calls = message.list("tool_calls");
    let reason = choice.text_of("finish_reason").unwrap_or_default();
    if let Some(ordered) = ToolCalls::whole(&calls, is_whole(&reason), repairs) {
        message.set("tool_calls", json!(ordered).to_string(), edits);
    }
    if reason == "stop" && !calls.is_empty() {
        repairs.add(Repair::FinishReason);
        choice.set("finish_reason", "\"tool_calls\"".to_owned(), edits);
    }
    Some(())
}

fn look_at_text(
    message: &Part<'_>,
    tags: ThinkTags,
    repairs: &mut Repairs,
    edits: &mut Vec<Edit>,
) -> Option<()> {
    let has_own_reasoning =
        message.text_of("reasoning_content").is_some() || message.text_of("reasoning").is_some();
    let content = message.text_of("content").filter(|_| !has_own_reasoning)?;
    let mut splitter = TagSplitter::new(tags);
    let mut parted = splitter.push(&content);
    let held = splitter.finish();
    parted.reasoning.push_str(&held.reasoning);
    parted.text.push_str(&held.text);
    if parted.text != content {
        repairs.add(Repair::ThinkTags);
        message.set("content", json!(parted.text).to_string(), edits);
        if !parted.reasoning.is_empty() {
            message.set(
                "reasoning_content",
                json!(parted.reasoning).to_string(),
                edits,
            );
        }
    }
    Some(())
}
