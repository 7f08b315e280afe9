//! Finds the members of a JSON object in place, without building a tree.
//!
//! A chat request can carry a hundred kilobytes of prompt of which the gateway needs three members. The scanner walks
//! the bytes once, skips strings with a vectorised search, and returns spans into the original text, so that a patch
//! is a splice and everything the client wrote stays as written. It checks brackets, strings and separators; numbers
//! and literals inside values are left to the upstream, which parses the document anyway.

use std::borrow::Cow;
use std::ops::Range;

use memchr::memchr2;

/// Deepest nesting accepted, in levels. Model Studio requests stay under 20.
pub const DEPTH_MAX: usize = 128;
/// Bytes of a string that are looked at one by one before the vectorised search starts.
const NEAR_BYTES: usize = 16;

/// One member of an object: where its key and its value stand in the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Byte range of the key, with its quotes.
    pub key: Range<usize>,
    /// Byte range of the value, without surrounding white space.
    pub value: Range<usize>,
}

/// Where the members of one object stand, without the text itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outline {
    /// Members in document order.
    pub members: Vec<Member>,
    /// Byte offset of the opening brace.
    pub open: usize,
    /// Byte offset of the closing brace.
    pub close: usize,
}

/// An object and where its members stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object<'a> {
    text: &'a str,
    outline: Outline,
}

/// What becomes of one member of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// It gets this JSON text as its value; a member that is not there is added at the end.
    Set(String),
    /// It goes away.
    Remove,
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

impl Outline {
    /// Scans `text`, which must hold exactly one JSON object and white space around it.
    ///
    /// # Errors
    /// [`SpanError`] names the first place that cannot be JSON.
    pub fn scan(text: &str) -> Result<Self, SpanError> {
        let mut scanner = Scanner::new(text);
        let mut members = Vec::with_capacity(16);
        let (open, close) = scanner.members(|scanner, key| {
            let start = scanner.at;
            scanner.value()?;
            let value = start..scanner.at;
            members.push(Member { key, value });
            Ok(())
        })?;
        scanner.end()?;
        Ok(Self {
            members,
            open,
            close,
        })
    }

    /// Returns the last member called `name`, as readers of duplicate keys do.
    pub fn find(&self, text: &str, name: &str) -> Option<&Member> {
        let members = self.members.iter().rev();
        members.into_iter().find(|member| member.is(text, name))
    }

    /// Returns the raw text of the last member called `name`.
    pub fn raw<'t>(&self, text: &'t str, name: &str) -> Option<&'t str> {
        text.get(self.find(text, name)?.value.clone())
    }

    /// Returns `text` with some members changed; every other byte stays.
    pub fn edited(&self, text: &str, changes: &[(Cow<'_, str>, Change)]) -> String {
        let part = |range: Range<usize>| text.get(range).unwrap_or_default();
        let change_of = |member: &Member| {
            let found = changes.iter().find(|(name, _)| member.is(text, name));
            found.map(|(_, change)| change)
        };
        let mut out = String::with_capacity(text.len() + 64);
        out.push_str(part(0..self.open + 1));
        let mut end = self.open + 1;
        let mut n_kept = 0;
        let first_lead = self
            .members
            .first()
            .map_or(0..0, |member| end..member.key.start);
        for member in &self.members {
            let change = change_of(member);
            if change != Some(&Change::Remove) {
                // The white space before a key stays its own, the comma does not.
                let lead = if n_kept == 0 {
                    first_lead.clone()
                } else {
                    end..member.key.start
                };
                out.push_str(part(lead));
                out.push_str(part(member.key.start..member.value.start));
                match change {
                    Some(Change::Set(value)) => out.push_str(value),
                    _ => out.push_str(part(member.value.clone())),
                }
                n_kept += 1;
            }
            end = member.value.end;
        }
        out.push_str(part(end..self.close));
        for (name, change) in changes {
            if let Change::Set(value) = change
                && self.find(text, name).is_none()
            {
                if n_kept > 0 {
                    out.push(',');
                }
                out.push_str(&serde_json::Value::from(name.as_ref()).to_string());
                out.push(':');
                out.push_str(value);
                n_kept += 1;
            }
        }
        out.push_str(part(self.close..text.len()));
        out
    }
}

impl Member {
    /// Whether the member has this name, however its key is escaped.
    pub fn is(&self, text: &str, name: &str) -> bool {
        let raw = text.get(self.key.clone()).unwrap_or_default();
        let inner = raw.get(1..raw.len().saturating_sub(1)).unwrap_or_default();
        inner == name || inner.contains('\\') && decode_string(raw).as_deref() == Some(name)
    }
}

impl<'a> Object<'a> {
    /// Scans `text`, which must hold exactly one JSON object and white space around it.
    ///
    /// # Errors
    /// [`SpanError`] names the first place that cannot be JSON.
    pub fn scan(text: &'a str) -> Result<Self, SpanError> {
        let outline = Outline::scan(text)?;
        Ok(Self { text, outline })
    }

    /// Returns the raw text of the last member called `key`, as readers of duplicate keys do.
    pub fn raw(&self, key: &str) -> Option<&'a str> {
        self.outline.raw(self.text, key)
    }

    /// Returns where the value of the last member called `key` stands.
    pub fn span(&self, key: &str) -> Option<Range<usize>> {
        let member = self.outline.find(self.text, key)?;
        Some(member.value.clone())
    }

    /// Says how often `key` occurs.
    pub fn count(&self, key: &str) -> usize {
        let members = self.outline.members.iter();
        members.filter(|member| member.is(self.text, key)).count()
    }

    /// Iterates over the members in document order: the key with escapes resolved, and the raw value.
    pub fn members(&self) -> impl Iterator<Item = (Cow<'a, str>, &'a str)> {
        let text = self.text;
        let part = move |range: &Range<usize>| text.get(range.clone()).unwrap_or_default();
        self.outline.members.iter().map(move |member| {
            let key = decode_string(part(&member.key)).unwrap_or_default();
            (key, part(&member.value))
        })
    }

    /// Returns where the members stand.
    pub fn outline(&self) -> &Outline {
        &self.outline
    }

    /// Returns the text with some members changed; every other byte stays.
    pub fn edited(&self, changes: &[(Cow<'_, str>, Change)]) -> String {
        self.outline.edited(self.text, changes)
    }
}

/// Returns where the items of the JSON array `text` stand in it, without surrounding white space.
///
/// # Errors
/// [`SpanError`] names the first place that cannot be JSON; anything but an array is malformed at its start.
pub fn array_items(text: &str) -> Result<Vec<Range<usize>>, SpanError> {
    let mut scanner = Scanner::new(text);
    let mut items = Vec::new();
    scanner.elements(|scanner| {
        let start = scanner.at;
        scanner.value()?;
        items.push(start..scanner.at);
        Ok(())
    })?;
    scanner.end()?;
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

/// Walks over JSON text without building anything; the visitors take what they need.
pub(crate) struct Scanner<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Scanner<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self {
            text,
            bytes: text.as_bytes(),
            at: 0,
        }
    }

    /// Returns the offset of the next byte.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// Returns the text from `start` up to here.
    pub(crate) fn since(&self, start: usize) -> &'a str {
        self.text.get(start..self.at).unwrap_or_default()
    }

    /// Checks that nothing but white space follows.
    pub(crate) fn end(&mut self) -> Result<(), SpanError> {
        self.white_space();
        if self.at < self.bytes.len() {
            return Err(SpanError::Malformed(self.at));
        }
        Ok(())
    }

    /// Walks over an object; `visit` gets the range of each key and must consume the value. Returns where the braces
    /// stand.
    pub(crate) fn members(
        &mut self,
        mut visit: impl FnMut(&mut Self, Range<usize>) -> Result<(), SpanError>,
    ) -> Result<(usize, usize), SpanError> {
        self.white_space();
        if self.peek() != Some(b'{') {
            return Err(SpanError::NotAnObject);
        }
        let open = self.at;
        self.at += 1;
        self.white_space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok((open, self.at - 1));
        }
        loop {
            self.white_space();
            let key_start = self.at;
            self.string()?;
            let key = key_start..self.at;
            self.white_space();
            self.expect(b':')?;
            self.white_space();
            visit(self, key)?;
            if self.separator(b'}')? {
                return Ok((open, self.at - 1));
            }
        }
    }

    /// Walks over an array; `visit` must consume each element.
    pub(crate) fn elements(
        &mut self,
        mut visit: impl FnMut(&mut Self) -> Result<(), SpanError>,
    ) -> Result<(), SpanError> {
        self.white_space();
        self.expect(b'[')?;
        self.white_space();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.white_space();
            visit(self)?;
            if self.separator(b']')? {
                return Ok(());
            }
        }
    }

    /// Consumes a comma (false) or the closing bracket (true).
    fn separator(&mut self, closing: u8) -> Result<bool, SpanError> {
        self.white_space();
        match self.peek() {
            Some(b',') => {
                self.at += 1;
                Ok(false)
            }
            Some(byte) if byte == closing => {
                self.at += 1;
                Ok(true)
            }
            Some(_) => Err(SpanError::Malformed(self.at)),
            None => Err(SpanError::Truncated),
        }
    }

    pub(crate) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn white_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
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
            let step = string_step(rest).ok_or(SpanError::Truncated)?;
            let quote = rest.get(step) == Some(&b'"');
            self.at += step + if quote { 1 } else { 2 };
            if quote {
                return Ok(());
            }
        }
    }

    /// Skips one value: scalars by their characters, containers by counting brackets outside strings.
    pub(crate) fn value(&mut self) -> Result<(), SpanError> {
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

/// Finds the next quote or backslash. Prompts full of escaped line ends have one every few bytes, where starting the
/// vectorised search costs more than it saves.
fn string_step(rest: &[u8]) -> Option<usize> {
    let is_special = |byte: &u8| matches!(byte, b'"' | b'\\');
    let (near, far) = rest.split_at(rest.len().min(NEAR_BYTES));
    let found = near.iter().position(is_special);
    found.or_else(|| Some(near.len() + memchr2(b'"', b'\\', far)?))
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
        assert_eq!(text.as_bytes()[object.outline().close], b'}');
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
    fn changes_members_and_keeps_every_other_byte() {
        let set =
            |name: &'static str, value: &str| (Cow::Borrowed(name), Change::Set(value.into()));
        let remove = |name: &'static str| (Cow::Borrowed(name), Change::Remove);
        for (text, changes, expected) in [
            (
                r#"{ "a" : 1 , "b":2 }"#,
                vec![set("a", "3")],
                r#"{ "a" : 3 , "b":2 }"#,
            ),
            (r#"{ "a" : 1 , "b":2 }"#, vec![remove("a")], r#"{ "b":2 }"#),
            (
                r#"{ "a" : 1 , "b":2 }"#,
                vec![remove("b")],
                r#"{ "a" : 1 }"#,
            ),
            (
                r#"{ "a" : 1 , "b":2 }"#,
                vec![remove("b"), remove("a")],
                "{ }",
            ),
            (
                r#"{"a":1,"b":2}"#,
                vec![remove("b"), remove("a"), set("c", "4")],
                r#"{"c":4}"#,
            ),
            (
                r#"{"a":1,"b":2,"c":3}"#,
                vec![remove("b"), set("d", "4")],
                r#"{"a":1,"c":3,"d":4}"#,
            ),
            (
                " {} ",
                vec![set("a\"b", "1"), set("c", "[]")],
                r#" {"a\"b":1,"c":[]} "#,
            ),
            (r#"{"a":1,"\u0061":2}"#, vec![remove("a")], "{}"),
        ] {
            assert_eq!(
                Object::scan(text).unwrap().edited(&changes),
                expected,
                "{text}"
            );
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
            prop_assert_eq!(object.outline().members.len(), map.len());
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
