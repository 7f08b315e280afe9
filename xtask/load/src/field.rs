//! Reading single members of a JSON text by scanning.
//!
//! The mock must cost little, and the requests it sees are the driver's own, perhaps written anew
//! by a gateway: a scan for `"name":` is enough, and a tree is not built.

use memchr::memmem;

/// The text after the colon of the first member called `name`.
pub(crate) fn after<'a>(json: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let mut rest = json;
    while let Some(at) = memmem::find(rest, name.as_bytes()) {
        let (before, found) = rest.split_at_checked(at)?;
        let tail = found.get(name.len()..)?;
        let value = tail
            .strip_prefix(b"\"")
            .map(<[u8]>::trim_ascii_start)
            .and_then(|tail| tail.strip_prefix(b":"));
        if let (Some(value), Some(b'"')) = (value, before.last()) {
            return Some(value.trim_ascii_start());
        }
        rest = tail;
    }
    None
}

/// The member `name` as a whole number.
pub(crate) fn number(json: &[u8], name: &str) -> Option<u64> {
    let value = after(json, name)?;
    let n_digits = value
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let digits = std::str::from_utf8(value.get(..n_digits)?).ok()?;
    digits.parse().ok()
}

/// The member `name` as a string without escapes.
pub(crate) fn text<'a>(json: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let value = after(json, name)?.strip_prefix(b"\"")?;
    value.get(..memchr::memchr(b'"', value)?)
}

/// Whether the member `name` is there and `true`.
pub(crate) fn is_true(json: &[u8], name: &str) -> bool {
    after(json, name).is_some_and(|value| value.starts_with(b"true"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = br#"{"model" : "m-1", "note":"model", "stream_options":{"include_usage": true},"stream":false,"seed":  42}"#;

    #[test]
    fn members_are_found_with_any_spacing() {
        assert_eq!(text(BODY, "model"), Some(&b"m-1"[..]));
        assert_eq!(number(BODY, "seed"), Some(42));
        assert!(is_true(BODY, "include_usage"));
        assert!(!is_true(BODY, "stream"));
    }

    #[test]
    fn a_value_is_not_taken_for_a_name() {
        assert_eq!(
            text(br#"{"a":"model","model":"x"}"#, "model"),
            Some(&b"x"[..])
        );
        assert_eq!(after(br#"{"submodel":1}"#, "model"), None);
        assert_eq!(number(b"{}", "seed"), None);
    }
}
