//! Just enough URL reading to recognise a host, and to refuse everything that looks like a trick.

/// Longest URL that is looked at, in bytes.
const URL_BYTES_MAX: usize = 2048;

/// A URL taken apart.
pub(crate) struct SplitUrl<'a> {
    /// `https`, or no scheme given.
    pub(crate) is_https: bool,
    /// Lower case, without trailing dots and without a default port.
    pub(crate) host: String,
    /// Without trailing slashes, query and fragment; empty for the root.
    pub(crate) path: &'a str,
}

/// Takes a URL apart, or returns none when two readers could disagree about its host.
pub(crate) fn split(text: &str) -> Option<SplitUrl<'_>> {
    let text = text.trim();
    let is_odd = |c: char| c.is_control() || c.is_whitespace() || c == '\\';
    if text.len() > URL_BYTES_MAX || text.contains(is_odd) {
        return None;
    }
    let address = text.split(['?', '#']).next()?;
    let (is_https, rest) = match address.split_once("://") {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => (true, rest),
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => (false, rest),
        Some(_) => return None,
        None => (true, address),
    };
    let (authority, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    let host = host_of(authority, is_https)?;
    Some(SplitUrl {
        is_https,
        host,
        path: path.trim_end_matches('/'),
    })
}

/// Tells whether a URL keeps its content private: `https`, or plain `http` to this very machine.
pub(crate) fn is_private(text: &str) -> bool {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic());
    let local_rest = ["http://127.0.0.1", "http://localhost", "http://[::1]"]
        .iter()
        .find_map(|prefix| text.strip_prefix(prefix));
    let is_local = local_rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '/']));
    let has_user = text
        .split_once("://")
        .is_some_and(|(_, rest)| rest.split('/').next().unwrap_or_default().contains('@'));
    is_plain && !has_user && (is_local || split(text).is_some_and(|url| url.is_https))
}

/// Returns the host when the authority is a plain DNS name on the scheme's own port.
fn host_of(authority: &str, is_https: bool) -> Option<String> {
    let (name, port) = authority.split_once(':').unwrap_or((authority, ""));
    let is_default_port = match port {
        "" => true,
        "443" => is_https,
        "80" => !is_https,
        _ => false,
    };
    let name = name.trim_end_matches('.');
    let is_dns = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    (is_default_port && !name.is_empty() && name.bytes().all(is_dns))
        .then(|| name.to_ascii_lowercase())
}
