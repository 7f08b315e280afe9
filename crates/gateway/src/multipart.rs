//! Reads `multipart/form-data` (RFC 7578) out of a body that was read already, without copying files.

use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use memchr::memmem;

use crate::openai_error::OpenAiError;

/// Most fields of one form.
const FIELDS_MAX: usize = 64;
/// Longest boundary (RFC 2046, 5.1.1).
const BOUNDARY_BYTES_MAX: usize = 70;

/// One field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Field {
    /// Its name, without the `[]` of lists.
    pub(crate) name: String,
    /// Its value: a text or a file.
    pub(crate) value: Bytes,
}

/// The fields of a form, in order.
#[derive(Debug)]
pub(crate) struct Form(Vec<Field>);

impl Form {
    /// Says whether the headers announce a form.
    pub(crate) fn is_announced(headers: &HeaderMap) -> bool {
        let kind = headers
            .get(CONTENT_TYPE)
            .and_then(|kind| kind.to_str().ok());
        kind.unwrap_or_default()
            .trim_start()
            .to_ascii_lowercase()
            .starts_with("multipart/form-data")
    }

    /// Reads the form in `body`.
    pub(crate) fn read(headers: &HeaderMap, body: &Bytes) -> Result<Self, OpenAiError> {
        let malformed =
            || OpenAiError::bad_request("the body is not a complete multipart/form-data form");
        if !Self::is_announced(headers) {
            let message = "send the request as multipart/form-data";
            return Err(OpenAiError::bad_request(message));
        }
        let boundary = boundary(headers).ok_or_else(malformed)?;
        let fields = fields(body, &boundary).ok_or_else(malformed)?;
        Ok(Self(fields))
    }

    /// Returns the last field of a name as text.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        let value = self.file(name)?;
        let text = String::from_utf8_lossy(&value).trim().to_owned();
        (!text.is_empty()).then_some(text)
    }

    /// Returns the last field of a name.
    pub(crate) fn file(&self, name: &str) -> Option<Bytes> {
        self.files(name).last()
    }

    /// Returns all fields of a name.
    pub(crate) fn files(&self, name: &str) -> impl Iterator<Item = Bytes> {
        self.0
            .iter()
            .filter(move |field| field.name == name)
            .map(|field| field.value.clone())
    }
}

fn boundary(headers: &HeaderMap) -> Option<String> {
    let kind = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let mut parameters = kind.split(';').skip(1).map(str::trim);
    let boundary = parameters.find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.eq_ignore_ascii_case("boundary")
            .then(|| value.trim_matches('"').to_owned())
    })?;
    (1..=BOUNDARY_BYTES_MAX)
        .contains(&boundary.len())
        .then_some(boundary)
}

fn fields(body: &Bytes, boundary: &str) -> Option<Vec<Field>> {
    let delimiter = format!("\r\n--{boundary}");
    let mut rest = body.strip_prefix(format!("--{boundary}").as_bytes())?;
    let mut fields = Vec::new();
    loop {
        if rest.starts_with(b"--") {
            return Some(fields);
        }
        rest = rest.strip_prefix(b"\r\n")?;
        let head_end = memmem::find(rest, b"\r\n\r\n")?;
        let head = std::str::from_utf8(rest.get(..head_end)?).ok()?;
        let content = rest.get(head_end + 4..)?;
        let length = memmem::find(content, delimiter.as_bytes())?;
        if fields.len() == FIELDS_MAX {
            return None;
        }
        fields.push(Field {
            name: name(head)?,
            value: body.slice_ref(content.get(..length)?),
        });
        rest = content.get(length + delimiter.len()..)?;
    }
}

/// Returns the name that the head of a field gives.
fn name(head: &str) -> Option<String> {
    let line = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.trim()
            .eq_ignore_ascii_case("content-disposition")
            .then_some(value)
    })?;
    let name = line
        .split(';')
        .find_map(|parameter| parameter.trim().strip_prefix("name="))?;
    Some(name.trim_matches('"').trim_end_matches("[]").to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(kind: &str, body: &'static [u8]) -> Result<Form, OpenAiError> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, kind.parse().unwrap());
        Form::read(&headers, &Bytes::from_static(body))
    }

    const BODY: &[u8] = b"--x\r\nContent-Disposition: form-data; name=\"image[]\"; filename=\"a.png\"\r\nContent-Type: image/png\r\n\r\n\x89P\r\n--y\r\n--x\r\ncontent-disposition: form-data; name=prompt\r\n\r\n a cat \r\n--x--\r\n";

    #[test]
    fn fields_are_read_with_their_bytes() {
        let form = read("multipart/form-data; boundary=x", BODY).unwrap();
        assert_eq!(form.text("prompt").as_deref(), Some("a cat"));
        assert_eq!(form.file("image").unwrap(), &b"\x89P\r\n--y"[..]);
        assert_eq!(form.files("image").count(), 1);
        assert_eq!(form.text("mask"), None);
        assert!(read("Multipart/Form-Data; boundary=\"x\"", BODY).is_ok());
    }

    #[test]
    fn what_is_no_complete_form_is_refused() {
        for (kind, body) in [
            ("application/json", BODY),
            ("multipart/form-data", BODY),
            ("multipart/form-data; boundary=z", BODY),
            ("multipart/form-data; boundary=x", &BODY[..BODY.len() - 8]),
            (
                "multipart/form-data; boundary=x",
                b"--x\r\n\r\nno name\r\n--x--",
            ),
            ("multipart/form-data; boundary=x", b""),
        ] {
            assert!(read(kind, body).is_err(), "{kind}");
        }
    }
}
