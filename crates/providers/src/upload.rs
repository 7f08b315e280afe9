//! The service's own temporary storage: a file is uploaded for one model, and can be referred to for 48 hours.

use bytes::{BufMut, Bytes, BytesMut};
use catalog::FailureKind;
use http::{HeaderValue, Method, Request, Uri, header};
use http_body_util::Full;
use memchr::memmem;
use serde_json::Value;

use crate::attempt::Upstream;
use crate::deadline::Deadline;
use crate::directory::Route;
use crate::failure::Failure;
use crate::json_call::JsonRequest;

/// Largest file that is uploaded, in bytes; the service's own limit may be lower.
pub const UPLOAD_BYTES_MAX: u64 = 200 * 1024 * 1024;
/// Bytes per megabyte, as the service counts.
const MEGABYTE: u64 = 1024 * 1024;
/// Longest name of an uploaded file, in characters.
const NAME_CHARS_MAX: usize = 80;

impl Upstream {
    /// Uploads a file for the model of `route` and returns its `oss://` URL.
    ///
    /// # Errors
    /// [`Failure`] when the service does not take it.
    ///
    /// # Cancel safety
    /// Dropping the future leaves at most a file behind that the service removes by itself.
    pub async fn upload(
        &self,
        route: &Route,
        name: &str,
        bytes: &Bytes,
        deadline: Deadline,
    ) -> Result<String, Failure> {
        let path = format!("/uploads?action=getPolicy&model={}", route.model);
        let url = self.jobs_url(route, &path).map_err(|failure| *failure)?;
        let granted = self
            .ask_job(route, &JsonRequest::get(url), deadline)
            .await?;
        let granted = granted.value();
        let grant = granted.get("data").unwrap_or(&granted);
        let text = |name: &str| grant.get(name).and_then(Value::as_str).unwrap_or_default();
        let megabytes_max = grant.get("max_file_size_mb").and_then(Value::as_u64);
        if megabytes_max.is_some_and(|max| bytes.len() as u64 > max.saturating_mul(MEGABYTE)) {
            let max = megabytes_max.unwrap_or_default();
            let message = format!("`{name}` is larger than the {max} MB that may be uploaded");
            return Err(self.not_uploaded(route, message));
        }
        let key = format!("{}/{}", text("upload_dir"), plain(name));
        let fields = [
            ("OSSAccessKeyId", text("oss_access_key_id")),
            ("Signature", text("signature")),
            ("policy", text("policy")),
            ("x-oss-object-acl", text("x_oss_object_acl")),
            ("x-oss-forbid-overwrite", text("x_oss_forbid_overwrite")),
            ("key", key.as_str()),
            ("success_action_status", "200"),
        ];
        let host = text("upload_host").parse::<Uri>();
        let host =
            host.map_err(|_| self.not_uploaded(route, "the service names no place".to_owned()))?;
        let request = form(host, &fields, plain(name).as_str(), bytes);
        match deadline.bound(self.send_form(route, request)).await {
            Ok(sent) => sent.map(|()| format!("oss://{key}")),
            Err(_) => Err(self.too_late(route)),
        }
    }

    async fn send_form(&self, route: &Route, request: Request<Full<Bytes>>) -> Result<(), Failure> {
        // Sent without the key of the route: the storage is another host, and the grant is in the form.
        let sent = self.client().send(request).await;
        let status = sent
            .map_err(|error| self.unreachable(route, &error))?
            .status();
        if status.is_success() {
            return Ok(());
        }
        let message = format!("the temporary storage answered {}", status.as_u16());
        Err(self.not_uploaded(route, message))
    }

    fn not_uploaded(&self, route: &Route, message: String) -> Failure {
        self.of_connection(route, FailureKind::Response, message)
    }
}

/// Makes a `multipart/form-data` request (RFC 7578); the file is its last part.
fn form(url: Uri, fields: &[(&str, &str)], name: &str, bytes: &Bytes) -> Request<Full<Bytes>> {
    let boundary = boundary(bytes);
    let mut body = BytesMut::with_capacity(bytes.len() + 4096);
    for (field, value) in fields {
        let part = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"{field}\"\r\n\r\n{value}\r\n"
        );
        body.put_slice(part.as_bytes());
    }
    let head = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
         Content-Type: application/octet-stream\r\n\r\n"
    );
    body.put_slice(head.as_bytes());
    body.put_slice(bytes);
    body.put_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    let mut request = Request::new(Full::new(body.freeze()));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = url;
    let headers = request.headers_mut();
    let agent = HeaderValue::from_static(crate::attempt::USER_AGENT);
    headers.insert(header::USER_AGENT, agent);
    if let Ok(kind) = HeaderValue::try_from(format!("multipart/form-data; boundary={boundary}")) {
        headers.insert(header::CONTENT_TYPE, kind);
    }
    request
}

/// Returns a line that the file does not hold.
fn boundary(bytes: &[u8]) -> String {
    let candidates = (0..u32::MAX).map(|number| format!("openclaw-part-{number:08x}"));
    let mut free = candidates.filter(|text| memmem::find(bytes, text.as_bytes()).is_none());
    free.next().unwrap_or_default()
}

/// Returns a file name that is safe inside a URL and a header.
fn plain(name: &str) -> String {
    let safe = |c: char| {
        if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_') {
            c
        } else {
            '_'
        }
    };
    let plain: String = name.chars().map(safe).collect();
    // The ending tells the service what the file is.
    let surplus = plain.len().saturating_sub(NAME_CHARS_MAX);
    plain.chars().skip(surplus).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_safe_and_keep_their_ending() {
        assert_eq!(plain("a b\"\r\n/\u{e9}.png"), "a_b_____.png");
        assert_eq!(
            plain(&format!("{}.mp4", "x".repeat(200))).len(),
            NAME_CHARS_MAX
        );
        assert!(plain(&format!("{}.mp4", "x".repeat(200))).ends_with("x.mp4"));
    }

    #[test]
    fn the_boundary_is_not_in_the_file() {
        let file = b"--openclaw-part-00000000 and openclaw-part-00000001";
        assert_eq!(boundary(file), "openclaw-part-00000002");
    }
}
