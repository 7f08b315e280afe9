//! Form bodies, `application/x-www-form-urlencoded`: read, and shown without secrets.

use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_TYPE;

use super::invalid;
use crate::refusal::Refusal;

/// Longest form, in bytes.
const FORM_BYTES_MAX: usize = 16 * 1024;

/// Most fields of a form.
const FIELDS_MAX: usize = 32;

const FORM: &str = "application/x-www-form-urlencoded";

/// Fields that nobody but client and server may see.
const SECRETS: [&str; 5] = [
    "refresh_token",
    "access_token",
    "device_code",
    "code_verifier",
    "client_secret",
];

/// The fields of a form, decoded.
#[derive(Debug)]
pub(crate) struct Form(Vec<(String, String)>);

impl Form {
    /// Reads a body; a field given twice is refused (RFC 6749, section 3.2).
    pub(crate) fn read(headers: &HeaderMap, body: &Bytes) -> Result<Self, Refusal> {
        if !is_form(headers) {
            return Err(invalid("the content type must be that of a form"));
        }
        if body.len() > FORM_BYTES_MAX {
            return Err(invalid("the form is too long"));
        }
        let text = std::str::from_utf8(body).map_err(|_| invalid("the form is no text"))?;
        let mut fields: Vec<(String, String)> = Vec::new();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let damaged = || invalid("the form is damaged");
            let name = decode(name).ok_or_else(damaged)?;
            let value = decode(value).ok_or_else(damaged)?;
            if fields.len() == FIELDS_MAX || fields.iter().any(|(known, _)| *known == name) {
                return Err(invalid("a field is repeated, or there are too many"));
            }
            fields.push((name, value));
        }
        Ok(Self(fields))
    }

    /// Returns the value of a field; an empty one counts as absent.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let field = self.0.iter().find(|(known, _)| known == name);
        field
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    /// Returns the value of a field that must be there.
    pub(crate) fn required(&self, name: &str) -> Result<&str, Refusal> {
        self.get(name)
            .ok_or_else(|| invalid(&format!("`{name}` is missing")))
    }
}

/// Returns a body sent to the identity server as it may be shown: the secrets of a form
/// masked, anything else hidden whole.
pub(crate) fn hide_secrets(headers: &HeaderMap, body: &Bytes) -> Bytes {
    if body.is_empty() {
        return Bytes::new();
    }
    match std::str::from_utf8(body) {
        Ok(text) if is_form(headers) => Bytes::from(masked(text)),
        _ => Bytes::from_static(b"***"),
    }
}

fn masked(text: &str) -> String {
    let shown: Vec<String> = text
        .split('&')
        .map(|pair| match pair.split_once('=') {
            Some((name, _)) if is_secret(name) => format!("{name}=***"),
            _ => pair.to_owned(),
        })
        .collect();
    shown.join("&")
}

fn is_secret(name: &str) -> bool {
    decode(name).is_none_or(|name| SECRETS.contains(&name.trim()))
}

fn is_form(headers: &HeaderMap) -> bool {
    let written = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let essence = written.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case(FORM)
}

/// Undoes percent-encoding and `+`; nothing when the text is damaged.
fn decode(written: &str) -> Option<String> {
    let mut bytes = written.bytes();
    let mut decoded = Vec::with_capacity(written.len());
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => {
                let high = char::from(bytes.next()?).to_digit(16)?;
                let low = char::from(bytes.next()?).to_digit(16)?;
                u8::try_from(high << 4 | low).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(decoded).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers() -> HeaderMap {
        let mut headers = HeaderMap::new();
        let value = "Application/X-www-form-urlencoded; charset=utf-8";
        headers.insert(CONTENT_TYPE, value.parse().unwrap());
        headers
    }

    fn read(text: &str) -> Result<Form, Refusal> {
        Form::read(&headers(), &Bytes::copy_from_slice(text.as_bytes()))
    }

    #[test]
    fn reads_both_ways_to_write_a_blank() {
        let form = read("scope=openid%20profile+email&empty=&u=%C3%a9").unwrap();
        assert_eq!(form.get("scope"), Some("openid profile email"));
        assert_eq!(form.get("u"), Some("é"));
        assert_eq!((form.get("empty"), form.get("other")), (None, None));
        assert!(form.required("empty").is_err());
    }

    #[test]
    fn refuses_damage_repetition_and_other_bodies() {
        for text in ["a=%", "a=%4", "a=%zz", "a=%ff", "a=1&a=2", "a=1&%61=2"] {
            assert!(read(text).is_err(), "{text}");
        }
        assert!(read(&"a".repeat(FORM_BYTES_MAX + 1)).is_err());
        assert!(Form::read(&HeaderMap::new(), &Bytes::from_static(b"a=1")).is_err());
    }

    #[test]
    fn shows_no_secret_however_it_is_written() {
        let hide = |headers: &HeaderMap, text: &'static str| {
            hide_secrets(headers, &Bytes::from_static(text.as_bytes()))
        };
        assert_eq!(
            hide(
                &headers(),
                "a=1%20&refresh_token=rt&device%5Fcode=dc&%zz=x&b"
            ),
            "a=1%20&refresh_token=***&device%5Fcode=***&%zz=***&b"
        );
        assert_eq!(hide(&HeaderMap::new(), "{\"refresh_token\":\"rt\"}"), "***");
        assert_eq!(hide(&HeaderMap::new(), ""), "");
    }
}
