//! Reads `multipart/form-data` bodies (RFC 7578).

use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_TYPE;

/// Most parts of one form.
const PARTS_MAX: usize = 64;

/// One field of a form.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) name: String,
    pub(crate) body: Bytes,
}

impl Part {
    /// Returns the value as text, without outer blanks.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).trim().to_owned()
    }
}

/// Reads the fields of a form in order; none when the body is not a complete form.
pub(crate) fn read(headers: &HeaderMap, body: &Bytes) -> Option<Vec<Part>> {
    let kind = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    if !kind.to_ascii_lowercase().starts_with("multipart/form-data") {
        return None;
    }
    let boundary = kind.split_once("boundary=")?.1;
    let boundary = boundary.split(';').next()?.trim().trim_matches('"');
    let delimiter = format!("\r\n--{boundary}");
    let mut at = body.strip_prefix(format!("--{boundary}").as_bytes())?;
    let mut parts = Vec::new();
    loop {
        if at.starts_with(b"--") {
            return Some(parts);
        }
        at = at.strip_prefix(b"\r\n")?;
        let head_end = find(at, b"\r\n\r\n")?;
        let head = std::str::from_utf8(at.get(..head_end)?).ok()?;
        let content = at.get(head_end + 4..)?;
        let length = find(content, delimiter.as_bytes())?;
        parts.push(Part {
            name: name_in(head)?,
            body: body.slice_ref(content.get(..length)?),
        });
        if parts.len() > PARTS_MAX {
            return None;
        }
        at = content.get(length + delimiter.len()..)?;
    }
}

/// Returns the field name that the head of a part gives, quoted or not.
fn name_in(head: &str) -> Option<String> {
    let line = head.lines().find(|line| {
        line.get(..20)
            .is_some_and(|start| start.eq_ignore_ascii_case("content-disposition:"))
    })?;
    let value = line
        .split(';')
        .find_map(|piece| piece.trim().strip_prefix("name="))?;
    Some(value.trim_matches('"').to_owned())
}

fn find(hay: &[u8], needle: &[u8]) -> Option<usize> {
    hay.windows(needle.len())
        .position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(kind: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, kind.parse().unwrap());
        headers
    }

    #[test]
    fn reads_quoted_and_bare_names_and_binary_files() {
        let body = Bytes::from_static(
            b"--xx\r\nContent-Type: text/plain\r\nContent-Disposition: form-data; name=key\r\n\r\na/b\r\n--xx\r\n\
              Content-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n\x00\r\n--x\xff\r\n--xx--\r\n",
        );
        let parts = read(&headers("multipart/form-data; boundary=\"xx\""), &body).unwrap();
        assert_eq!(
            (parts[0].name.as_str(), parts[0].text()),
            ("key", "a/b".to_owned())
        );
        assert_eq!(parts[1].name, "file");
        assert_eq!(parts[1].body.as_ref(), b"\x00\r\n--x\xff");
        assert!(read(&headers("application/json"), &body).is_none());
        let cut = body.slice(..body.len() - 10);
        assert!(read(&headers("multipart/form-data; boundary=xx"), &cut).is_none());
    }
}
