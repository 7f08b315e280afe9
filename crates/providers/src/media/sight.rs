//! Which senses a chat needs: images and videos among its messages, in any of the formats in which clients write them.

use catalog::InputKind;
use memchr::memmem;
use serde_json::Value;

/// Returns what a model must be able to see to answer `body`. A body without the words is not looked at further.
pub fn needed(body: &[u8]) -> Vec<InputKind> {
    let mentions = |word: &str| memmem::find(body, word.as_bytes()).is_some();
    if !mentions("image") && !mentions("video") {
        return Vec::new();
    }
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let lists = ["messages", "input"]
        .iter()
        .filter_map(|name| body.get(*name)?.as_array());
    let parts = lists
        .flatten()
        .filter_map(|message| message.get("content")?.as_array())
        .flatten();
    let mut needed = Vec::new();
    for part in parts {
        let kind = match part.get("type").and_then(Value::as_str) {
            Some("image_url" | "input_image" | "image") => InputKind::Image,
            Some("video_url" | "input_video" | "video") => InputKind::Video,
            _ => continue,
        };
        if !needed.contains(&kind) {
            needed.push(kind);
        }
    }
    needed
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn parts_are_seen_in_every_format() {
        let chat = |part: Value| json!({"messages": [{"role": "user", "content": [part]}]});
        for (body, expected) in [
            (
                chat(json!({"type": "image_url", "image_url": {"url": "x"}})),
                vec![InputKind::Image],
            ),
            (
                chat(json!({"type": "video_url", "video_url": {"url": "x"}})),
                vec![InputKind::Video],
            ),
            (
                chat(json!({"type": "video", "video": ["x"]})),
                vec![InputKind::Video],
            ),
            (
                chat(json!({"type": "image", "source": {}})),
                vec![InputKind::Image],
            ),
            (
                json!({"input": [{"role": "user", "content": [{"type": "input_image", "image_url": "x"}]}]}),
                vec![InputKind::Image],
            ),
            (
                chat(json!({"type": "text", "text": "an image_url of a video"})),
                vec![],
            ),
            (
                json!({"messages": [{"role": "user", "content": "image"}]}),
                vec![],
            ),
        ] {
            assert_eq!(needed(body.to_string().as_bytes()), expected, "{body}");
        }
        assert_eq!(needed(b"image but no JSON"), []);
    }
}
