//! Finds the members of a JSON object in place, without building a tree.
//!
//! A chat request can carry a hundred kilobytes of prompt of which the gateway needs three members. The scanner walks
//! the bytes once, skips strings with a vectorised search, and returns spans into the original text, so that a patch
//! is a splice and everything the client wrote stays as written. It checks brackets, strings and separators; numbers
//! and literals inside values are left to the upstream, which parses the document anyway.

use std::borrow::Cow;
use std::ops::Range;

use bytes::Bytes;
use memchr::memchr2;

/// Deepest nesting accepted, in levels. Model Studio requests stay under 20.
pub const DEPTH_MAX: usize = 128;

/// One member of an object: where its key and its value stand in the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member<'a> {
    /// The key with escapes resolved.
    pub key: Cow<'a, str>,
    /// Byte range of the value, without surrounding white space.
    pub value: Range<usize>,
}

/// The members of one object and where it ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object<'a> {
    text: &'a str,
    /// Members in document order.
    pub members: Vec<Member<'a>>,
    /// Byte offset of the closing brace.
    pub close: usize,
}

/// Why a text is not a JSON object this scanner accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SpanError {
    /// The document does not start with `{`.
    #[error("the body must be a JSON object")]
    NotAnObject,
    /// A character stands where JSON does not allow it.
    #[error("malformed JSON at byte {0}")]
    Malformed(usize),
    /// The text ends inside a value.
    #[error("the JSON text ends too early")]
    Truncated,
    /// Brackets are nested deeper than [`DEPTH_MAX`].
    #[error("JSON is nested deeper than {DEPTH_MAX} levels")]
    TooDeep,
}

impl<'a> Object<'a> {
    /// Scans `text`, which must hold exactly one JSON object and white space around it.
    ///
    /// # Errors
    /// [`SpanError`] names the first place that cannot be JSON.
    pub fn scan(text: &'a str) -> Result<Self, SpanError> {
        let mut scanner = Scanner {
            bytes: text.as_bytes(),
            at: 0,
        };
        let object = scanner.object(text)?;
        scanner.white_space();
        if scanner.at < scanner.bytes.len() {
            return Err(SpanError::Malformed(scanner.at));
        }
        Ok(object)
    }

    /// Returns the raw text of the last member called `key`, as readers of duplicate keys do.
    pub fn raw(&self, key: &str) -> Option<&'a str> {
        self.span(key).and_then(|span| self.text.get(span))
    }

    /// Returns where the value of the last member called `key` stands.
    pub fn span(&self, key: &str) -> Option<Range<usize>> {
        self.members
            .iter()
            .rev()
            .find(|member| member.key == key)
            .map(|member| member.value.clone())
    }

    /// Says how often `key` occurs.
    pub fn count(&self, key: &str) -> usize {
        self.members
            .iter()
            .filter(|member| member.key == key)
            .count()
    }
}

/// Returns where the items of the JSON array `text` stand in it, without surrounding white space.
///
/// # Errors
/// [`SpanError`] names the first place that cannot be JSON; anything but an array is malformed at its start.
pub fn array_items(text: &str) -> Result<Vec<Range<usize>>, SpanError> {
    let mut scanner = Scanner {
        bytes: text.as_bytes(),
        at: 0,
    };
    let items = scanner.items()?;
    scanner.white_space();
    if scanner.at < scanner.bytes.len() {
        return Err(SpanError::Malformed(scanner.at));
    }
    Ok(items)
}

/// Replaces each range of `text` by its text; ranges do not overlap, and equal insertion points keep their order.
pub(crate) fn splice(text: &[u8], mut edits: Vec<(Range<usize>, String)>) -> Vec<u8> {
    edits.sort_by_key(|(range, _)| range.start);
    let added: usize = edits.iter().map(|(_, text)| text.len()).sum();
    let mut out = Vec::with_capacity(text.len() + added);
    let mut at = 0;
    for (range, instead) in &edits {
        out.extend_from_slice(text.get(at..range.start).unwrap_or_default());
        out.extend_from_slice(instead.as_bytes());
        at = range.end;
    }
    out.extend_from_slice(text.get(at..).unwrap_or_default());
    out
}

/// Does what [`splice`] does; without a change the result is `body` itself.
pub(crate) fn spliced(body: &Bytes, edits: Vec<(Range<usize>, String)>) -> Bytes {
    if edits.is_empty() {
        return body.clone();
    }
    Bytes::from(splice(body, edits))
}

struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Scanner<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn white_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn object<'t>(&mut self, text: &'t str) -> Result<Object<'t>, SpanError> {
        self.white_space();
        if self.peek() != Some(b'{') {
            return Err(SpanError::NotAnObject);
        }
        self.at += 1;
        let mut members = Vec::with_capacity(16);
        self.white_space();
        if self.peek() == Some(b'}') {
            let close = self.at;
            self.at += 1;
            return Ok(Object {
                text,
                members,
                close,
            });
        }
        loop {
            members.push(self.member(text)?);
            self.white_space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => break,
                Some(_) => return Err(SpanError::Malformed(self.at)),
                None => return Err(SpanError::Truncated),
            }
        }
        let close = self.at;
        self.at += 1;
        Ok(Object {
            text,
            members,
            close,
        })
    }

    fn items(&mut self) -> Result<Vec<Range<usize>>, SpanError> {
        self.white_space();
        self.expect(b'[')?;
        let mut items = Vec::new();
        self.white_space();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(items);
        }
        loop {
            self.white_space();
            let start = self.at;
            self.value()?;
            items.push(start..self.at);
            self.white_space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => break,
                Some(_) => return Err(SpanError::Malformed(self.at)),
                None => return Err(SpanError::Truncated),
            }
        }
        self.at += 1;
        Ok(items)
    }

    fn member<'t>(&mut self, text: &'t str) -> Result<Member<'t>, SpanError> {
        self.white_space();
        let key_start = self.at;
        self.string()?;
        let raw_key = text.get(key_start..self.at).ok_or(SpanError::Truncated)?;
        self.white_space();
        self.expect(b':')?;
        self.white_space();
        let start = self.at;
        self.value()?;
        Ok(Member {
            key: decode_string(raw_key).ok_or(SpanError::Malformed(key_start))?,
            value: start..self.at,
        })
    }

    fn expect(&mut self, byte: u8) -> Result<(), SpanError> {
        match self.peek() {
            Some(found) if found == byte => {
                self.at += 1;
                Ok(())
            }
            Some(_) => Err(SpanError::Malformed(self.at)),
            None => Err(SpanError::Truncated),
        }
    }

    fn string(&mut self) -> Result<(), SpanError> {
        self.expect(b'"')?;
        loop {
            let rest = self.bytes.get(self.at..).unwrap_or_default();
            let step = memchr2(b'"', b'\\', rest).ok_or(SpanError::Truncated)?;
            let quote = rest.get(step) == Some(&b'"');
            self.at += step + if quote { 1 } else { 2 };
            if quote {
                return Ok(());
            }
        }
    }

    /// Skips one value: scalars by their characters, containers by counting brackets outside strings.
    fn value(&mut self) -> Result<(), SpanError> {
        match self.peek().ok_or(SpanError::Truncated)? {
            b'"' => self.string(),
            b'{' | b'[' => self.container(),
            b'-' | b'0'..=b'9' | b't' | b'f' | b'n' => {
                self.scalar();
                Ok(())
            }
            _ => Err(SpanError::Malformed(self.at)),
        }
    }

    fn scalar(&mut self) {
        while matches!(
            self.peek(),
            Some(b'-' | b'+' | b'.' | b'0'..=b'9' | b'a'..=b'z' | b'E')
        ) {
            self.at += 1;
        }
    }

    fn container(&mut self) -> Result<(), SpanError> {
        let mut open = [0u8; DEPTH_MAX];
        let mut depth = 0usize;
        loop {
            let byte = self.peek().ok_or(SpanError::Truncated)?;
            match byte {
                b'"' => {
                    self.string()?;
                    continue;
                }
                b'{' | b'[' => {
                    *open.get_mut(depth).ok_or(SpanError::TooDeep)? = byte + 2; // `}` and `]` follow by two in ASCII
                    depth += 1;
                }
                b'}' | b']' => {
                    depth -= 1;
                    if open.get(depth) != Some(&byte) {
                        return Err(SpanError::Malformed(self.at));
                    }
                }
                0..=8 | 11 | 12 | 14..=31 => return Err(SpanError::Malformed(self.at)),
                _ => {}
            }
            self.at += 1;
            if depth == 0 {
                return Ok(());
            }
        }
    }
}

/// Resolves the escapes of a JSON string given with its quotes.
pub fn decode_string(raw: &str) -> Option<Cow<'_, str>> {
    let inner = raw.strip_prefix('"')?.strip_suffix('"')?;
    if inner.contains('\\') {
        serde_json::from_str::<String>(raw).ok().map(Cow::Owned)
    } else {
        Some(Cow::Borrowed(inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn finds_members_in_place() {
        let text = r#" {"model" : "a/b", "mod\u0065l":"c", "x":[{"y":"]}"}], "n":-1.5e3} "#;
        let object = Object::scan(text).unwrap();
        assert_eq!(
            object.raw("model"),
            Some("\"c\""),
            "the last duplicate wins"
        );
        assert_eq!(object.count("model"), 2);
        assert_eq!(object.raw("x"), Some(r#"[{"y":"]}"}]"#));
        assert_eq!(object.raw("n"), Some("-1.5e3"));
        assert_eq!(text.as_bytes()[object.close], b'}');
    }

    #[test]
    fn refuses_what_is_not_an_object() {
        for (text, error) in [
            ("", SpanError::NotAnObject),
            ("[]", SpanError::NotAnObject),
            ("{", SpanError::Truncated),
            (r#"{"a""#, SpanError::Truncated),
            (r#"{"a":1"#, SpanError::Truncated),
            (r#"{"a":[1}"#, SpanError::Malformed(7)),
            (r#"{"a":1} x"#, SpanError::Malformed(8)),
            (r#"{"a":1,}"#, SpanError::Malformed(7)),
            ("{a:1}", SpanError::Malformed(1)),
            (r#"{"a":?}"#, SpanError::Malformed(5)),
        ] {
            assert_eq!(Object::scan(text), Err(error), "{text}");
        }
    }

    #[test]
    fn finds_items_in_place() {
        let text = r#" [ {"a":[1]} ,"x]", -1.5 ] "#;
        let items = array_items(text).unwrap();
        let items: Vec<&str> = items.into_iter().map(|span| &text[span]).collect();
        assert_eq!(items, [r#"{"a":[1]}"#, r#""x]""#, "-1.5"]);
        assert_eq!(array_items("[ ]"), Ok(vec![]));
        for (text, error) in [
            ("{}", SpanError::Malformed(0)),
            ("[1,]", SpanError::Malformed(3)),
            ("[1 2]", SpanError::Malformed(3)),
            ("[1] x", SpanError::Malformed(4)),
            ("[1", SpanError::Truncated),
            ("", SpanError::Truncated),
        ] {
            assert_eq!(array_items(text), Err(error), "{text}");
        }
    }

    #[test]
    fn bounds_the_depth() {
        let deep = |n: usize| format!("{{\"a\":{}{}}}", "[".repeat(n), "]".repeat(n));
        assert!(Object::scan(&deep(DEPTH_MAX)).is_ok());
        assert_eq!(Object::scan(&deep(DEPTH_MAX + 1)), Err(SpanError::TooDeep));
    }

    fn json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            ".{0,12}".prop_map(Into::into),
        ];
        leaf.prop_recursive(4, 32, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
                prop::collection::btree_map(".{0,6}", inner, 0..4)
                    .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn agrees_with_the_parser(map in prop::collection::btree_map(".{0,6}", json(), 0..6), pretty in any::<bool>()) {
            let value = serde_json::Value::Object(map.clone().into_iter().collect());
            let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
            let object = Object::scan(&text).unwrap();
            prop_assert_eq!(object.members.len(), map.len());
            for (key, expected) in &map {
                let found: serde_json::Value = serde_json::from_str(object.raw(key).unwrap()).unwrap();
                prop_assert_eq!(&found, expected);
            }
        }

        #[test]
        fn never_panics(text in "[\\{\\}\\[\\]\":,\\\\a1 ]{0,40}") {
            let _ = Object::scan(&text);
        }
    }
}
