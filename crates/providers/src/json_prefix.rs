//! Says, while a JSON object arrives in pieces, whether what is there can still become one.

use crate::json_span::DEPTH_MAX;

/// What may come next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// The opening brace.
    Object,
    /// A key, or the end of an object that has no member yet.
    KeyOrEnd,
    /// A key, after a comma.
    Key,
    /// The colon after a key.
    Colon,
    /// A value.
    Value,
    /// A value, or the end of an array that is empty so far.
    ValueOrEnd,
    /// A comma or the closing bracket.
    CommaOrEnd,
    /// More of a string; `is_key` when it is a member's name.
    InString { is_key: bool },
    /// The character after a backslash.
    InEscape { is_key: bool },
    /// So many more hexadecimal digits.
    InHex { is_key: bool, left: u8 },
    /// More of a number, which is not looked at closely.
    InNumber,
    /// The rest of `true`, `false` or `null`.
    InWord(&'static [u8]),
    /// White space only.
    Nothing,
    /// No more: this cannot be JSON.
    Dead,
}

/// A JSON object that arrives in pieces.
#[derive(Debug, Clone)]
pub(crate) struct JsonPrefix {
    next: Next,
    /// Which containers are open; true for objects.
    open: Vec<bool>,
}

impl Default for JsonPrefix {
    fn default() -> Self {
        Self {
            next: Next::Object,
            open: Vec::new(),
        }
    }
}

impl JsonPrefix {
    /// Reads on. Once no continuation can be JSON, nothing changes that.
    pub(crate) fn push(&mut self, text: &str) {
        for &byte in text.as_bytes() {
            self.next = self.step(byte);
            if self.next == Next::Dead {
                return;
            }
        }
    }

    /// Says whether no continuation can make this a JSON object. Some texts that cannot become one pass: numbers are
    /// not looked at closely.
    pub(crate) fn is_dead(&self) -> bool {
        self.next == Next::Dead
    }

    /// Says whether the object is closed.
    pub(crate) fn is_complete(&self) -> bool {
        self.next == Next::Nothing
    }

    fn step(&mut self, byte: u8) -> Next {
        match (self.next, byte) {
            (Next::InString { is_key }, _) => in_string(byte, is_key),
            (Next::InEscape { is_key }, b'u') => Next::InHex { is_key, left: 4 },
            (Next::InEscape { is_key }, b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                Next::InString { is_key }
            }
            (Next::InHex { is_key, left }, _) if byte.is_ascii_hexdigit() => match left {
                1 => Next::InString { is_key },
                _ => Next::InHex {
                    is_key,
                    left: left - 1,
                },
            },
            (Next::InWord([expected, rest @ ..]), _) if byte == *expected => match rest {
                [] => Next::CommaOrEnd,
                rest => Next::InWord(rest),
            },
            (Next::InNumber, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-') => Next::InNumber,
            (Next::InNumber, _) => {
                self.next = Next::CommaOrEnd;
                self.step(byte)
            }
            (Next::InEscape { .. } | Next::InHex { .. } | Next::InWord(_), _) => Next::Dead,
            (same, b' ' | b'\t' | b'\n' | b'\r') => same,
            (Next::Object, b'{') => self.enter(true),
            (Next::KeyOrEnd | Next::Key, b'"') => Next::InString { is_key: true },
            (Next::KeyOrEnd, b'}') | (Next::ValueOrEnd, b']') => self.leave(),
            (Next::CommaOrEnd, b'}') if self.open.last() == Some(&true) => self.leave(),
            (Next::CommaOrEnd, b']') if self.open.last() == Some(&false) => self.leave(),
            (Next::CommaOrEnd, b',') if self.open.last() == Some(&true) => Next::Key,
            (Next::CommaOrEnd, b',') | (Next::Colon, b':') => Next::Value,
            (Next::Value | Next::ValueOrEnd, _) => self.value(byte),
            _ => Next::Dead,
        }
    }

    fn value(&mut self, byte: u8) -> Next {
        match byte {
            b'{' => self.enter(true),
            b'[' => self.enter(false),
            b'"' => Next::InString { is_key: false },
            b'-' | b'0'..=b'9' => Next::InNumber,
            b't' => Next::InWord(b"rue"),
            b'f' => Next::InWord(b"alse"),
            b'n' => Next::InWord(b"ull"),
            _ => Next::Dead,
        }
    }

    fn enter(&mut self, is_object: bool) -> Next {
        if self.open.len() == DEPTH_MAX {
            return Next::Dead;
        }
        self.open.push(is_object);
        if is_object {
            Next::KeyOrEnd
        } else {
            Next::ValueOrEnd
        }
    }

    fn leave(&mut self) -> Next {
        self.open.pop();
        if self.open.is_empty() {
            Next::Nothing
        } else {
            Next::CommaOrEnd
        }
    }
}

fn in_string(byte: u8, is_key: bool) -> Next {
    match byte {
        b'"' if is_key => Next::Colon,
        b'"' => Next::CommaOrEnd,
        b'\\' => Next::InEscape { is_key },
        0..=0x1f => Next::Dead,
        _ => Next::InString { is_key },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn dies(text: &str) -> bool {
        let mut prefix = JsonPrefix::default();
        prefix.push(text);
        prefix.is_dead()
    }

    #[test]
    fn knows_when_there_is_no_way_on() {
        for text in [
            "",
            "{",
            " {\"a",
            "{\"a\\u00e",
            "{\"a\":[1.5e",
            "{\"a\":tr",
            "{\"a\":[],\"b\":{}}\n",
            "{\"a\":-0, ",
        ] {
            assert!(!dies(text), "{text}");
        }
        for text in [
            "x",
            "[",
            "\"",
            "{{",
            "{'",
            "{\"a\",",
            "{\"a\":1}}",
            "{\"a\":1}{",
            "{\"a\":T",
            "{\"a\":nx",
            "{\"a\":[1}",
            "{\"a\":\"\n",
            "{\"a\":\"\\d",
            "{\"a\":1,}",
            "{\"a\":[,",
            "{,",
        ] {
            assert!(dies(text), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_beginning_of_json_is_dead(
            map in prop::collection::btree_map(".{0,6}", prop_oneof![
                any::<bool>().prop_map(serde_json::Value::from), any::<f64>().prop_map(serde_json::Value::from),
                prop::collection::vec(".{0,4}", 0..3).prop_map(serde_json::Value::from),
                Just(serde_json::Value::Null),
            ], 0..5), pretty in any::<bool>(),
        ) {
            let text = if pretty { serde_json::to_string_pretty(&map) } else { serde_json::to_string(&map) }.unwrap();
            let mut prefix = JsonPrefix::default();
            for character in text.chars() {
                prefix.push(character.encode_utf8(&mut [0; 4]));
                prop_assert!(!prefix.is_dead());
            }
            prefix.push("x");
            prop_assert!(prefix.is_dead());
        }
    }
}
