//! How many tokens a Messages request might have: an estimate, for hosts that do not count before they answer.

use serde_json::Value;

/// Characters of one token in most scripts; the tokenizers of Qwen come close to this for English and code.
const CHARS_PER_TOKEN: u64 = 4;
/// Characters from this on take two thirds of a token each: Chinese, Japanese, Korean.
const FIRST_DENSE_CHAR: char = '\u{2e80}';
/// Tokens of three dense characters.
const TOKENS_PER_THREE_DENSE: u64 = 2;
/// Tokens of an image of common size.
const IMAGE_TOKENS: u64 = 1200;
/// Tokens around every message.
const MESSAGE_TOKENS: u64 = 4;
/// Members whose text reaches the model.
const COUNTED: [&str; 3] = ["system", "messages", "tools"];

/// Returns an estimate for the parts of `body` that reach the model. It may be off by a third.
pub fn estimate(body: &Value) -> u64 {
    let counted = COUNTED.iter().filter_map(|key| body.get(*key));
    let n_messages = body
        .get("messages")
        .and_then(Value::as_array)
        .map_or(0, Vec::len);
    let mut text = Text::default();
    for value in counted {
        text.add(value);
    }
    text.tokens() + MESSAGE_TOKENS * (n_messages as u64)
}

#[derive(Default)]
struct Text {
    chars: u64,
    dense: u64,
    images: u64,
}

impl Text {
    fn add(&mut self, value: &Value) {
        match value {
            Value::String(text) => self.add_text(text),
            Value::Array(values) => values.iter().for_each(|value| self.add(value)),
            Value::Object(members) => {
                let is_media = matches!(
                    members.get("type").and_then(Value::as_str),
                    Some("image" | "video")
                );
                if is_media {
                    self.images += 1;
                    return;
                }
                for (key, value) in members {
                    self.add_text(key);
                    self.add(value);
                }
            }
            Value::Number(_) | Value::Bool(_) | Value::Null => self.chars += 1,
        }
    }

    fn add_text(&mut self, text: &str) {
        for character in text.chars() {
            if character >= FIRST_DENSE_CHAR {
                self.dense += 1;
            } else {
                self.chars += 1;
            }
        }
    }

    fn tokens(&self) -> u64 {
        self.chars.div_ceil(CHARS_PER_TOKEN)
            + (self.dense * TOKENS_PER_THREE_DENSE).div_ceil(3)
            + self.images * IMAGE_TOKENS
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn counts_what_reaches_the_model() {
        let body =
            |text: &str| json!({"model": "m", "messages": [{"role": "user", "content": text}]});
        let base = estimate(&body(""));
        assert_eq!(estimate(&body(&"word ".repeat(80))) - base, 100);
        assert_eq!(estimate(&body(&"字".repeat(300))) - base, 200);
        let image = json!({"messages": [{"content": [{"type": "image", "source": {"data": "A".repeat(9000)}}]}]});
        assert!((1200..1300).contains(&estimate(&image)));
        let with_system = json!({"system": "a".repeat(400), "messages": []});
        assert_eq!(estimate(&with_system), 100);
    }
}
