//! The HTTP status in any text: a status line, `Error code: 429`, `"status":429`, `:HTTP_STATUS/400`, `403 Forbidden`.

/// Words that announce a status; what stands between is punctuation.
const BEFORE: [&str; 16] = [
    "http/1.0",
    "http/1.1",
    "http/2",
    "http/2.0",
    "http/3",
    "http_status",
    "http",
    "status",
    "status code",
    "status_code",
    "statuscode",
    "code",
    "error",
    "answered",
    "returned",
    "got",
];
/// Reason phrases that follow a status.
const AFTER: [&str; 16] = [
    "bad request",
    "unauthorized",
    "payment required",
    "forbidden",
    "not found",
    "method not allowed",
    "request timeout",
    "conflict",
    "payload too large",
    "request entity too large",
    "unprocessable",
    "too many requests",
    "internal server error",
    "bad gateway",
    "service unavailable",
    "gateway time",
];
/// Longest piece of text looked at beside a number, in bytes.
const BESIDE_BYTES_MAX: usize = 40;

/// Returns the first HTTP status of an error that `text` announces; failing that, a 200 of a status line.
pub(super) fn find(text: &str) -> Option<u16> {
    let lower = text.to_ascii_lowercase();
    let announced: Vec<u16> = numbers(&lower)
        .filter(|(at, number)| is_announced(&lower, *at, *number))
        .map(|(_, number)| number)
        .collect();
    let error = announced
        .iter()
        .find(|number| (400..=599).contains(*number));
    error
        .or_else(|| announced.iter().find(|number| **number == 200))
        .copied()
}

/// Iterates over the numbers of three digits that stand alone, with their places.
fn numbers(text: &str) -> impl Iterator<Item = (usize, u16)> {
    let is_word = |byte: Option<&u8>| {
        byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    let bytes = text.as_bytes();
    (0..bytes.len()).filter_map(move |at| {
        let digits = bytes.get(at..at + 3)?;
        let stands_alone = (at == 0 || !is_word(bytes.get(at - 1))) && !is_word(bytes.get(at + 3));
        let text = std::str::from_utf8(digits).ok()?;
        let all_digits = text.bytes().all(|byte| byte.is_ascii_digit());
        (stands_alone && all_digits).then(|| Some((at, text.parse().ok()?)))?
    })
}

fn is_announced(text: &str, at: usize, number: u16) -> bool {
    let before = text.get(..at).unwrap_or_default();
    let before = before.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
    let after = text.get(at + 3..).unwrap_or_default();
    let after = after.trim_start_matches([' ', '-']);
    let after = after
        .get(..BESIDE_BYTES_MAX.min(after.len()))
        .unwrap_or(after);
    let follows = number >= 400 && AFTER.iter().any(|phrase| after.starts_with(phrase));
    let leads = BEFORE.iter().any(|word| {
        before.strip_suffix(word).is_some_and(|rest| {
            rest.chars()
                .next_back()
                .is_none_or(|c| !c.is_ascii_alphabetic() || word.len() > 4)
        })
    });
    follows || leads
}

#[cfg(test)]
mod tests {
    use super::find;

    #[test]
    fn reads_the_status_where_programs_write_it() {
        let cases = [
            ("HTTP/1.1 429 Too Many Requests\r\n", Some(429)),
            ("HTTP/2 401 \r\ncontent-type: x", Some(401)),
            (
                "HTTP/1.1 200 Connection established\r\n\r\nHTTP/1.1 403 Forbidden",
                Some(403),
            ),
            ("id:1\nevent:error\n:HTTP_STATUS/400\ndata:{}", Some(400)),
            (
                "openai.RateLimitError: Error code: 429 - {'error': 1}",
                Some(429),
            ),
            ("{\"level\":\"warn\",\"status\":503}", Some(503)),
            ("status_code: 401, code: InvalidApiKey", Some(401)),
            (
                "AuthenticationError: 401 Incorrect API key provided",
                Some(401),
            ),
            ("Error: 404 status code (no body)", Some(404)),
            ("x (dashscope.aliyuncs.com answered 403)", Some(403)),
            ("405 Method Not Allowed", Some(405)),
            ("HTTP/1.1 200 OK\n\ndata: {}", Some(200)),
            ("the range is [1, 512] of 4294 and 500MB", None),
            ("port 443, sk-400-abc, 2026-11-429", None),
            ("statuses 7 and no others", None),
            ("错误码 status：429", Some(429)),
        ];
        for (text, expected) in cases {
            assert_eq!(find(text), expected, "{text}");
        }
    }
}
