//! What went wrong with a call, as a value: the upstream's words, the catalog's verdict, the way on.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use catalog::{
    Catalog, EndpointFamily, ErrorClass, ErrorScope, FailureFacts, FailureKind, KeyFamily,
    RetryRule,
};
use credentials::oauth::RefreshError;
use memchr::memmem;
use serde_json::Value;

use crate::chat_request::Refusal;
use crate::directory::Route;
use crate::formats::Inexpressible;
use crate::health::{Breaker, Scope};

/// Longest upstream message kept, in characters.
const MESSAGE_CHARS_MAX: usize = 2000;

/// A failed call. Made by [`crate::Upstream::attempt`]; turned into text or HTTP only by the outermost layer.
#[derive(Debug, Clone)]
pub struct Failure {
    /// What went wrong.
    pub class: ErrorClass,
    /// How far it reaches.
    pub scope: ErrorScope,
    /// What may be tried next.
    pub retry: RetryRule,
    /// Finer word within the class.
    pub detail: Option<String>,
    /// HTTP status of the upstream, if it answered.
    pub status: Option<u16>,
    /// The upstream's error code.
    pub code: Option<String>,
    /// The request member the upstream blamed.
    pub param: Option<String>,
    /// The upstream's message, or what happened to the connection. Holds no secret of ours.
    pub message: String,
    /// Host that was called.
    pub host: Arc<str>,
    /// The upstream's request id.
    pub upstream_request_id: Option<String>,
    /// Seconds after which the upstream asked to be called again.
    pub retry_after: Option<u32>,
    /// The model's true window in tokens, when a context overflow names it.
    pub limit_tokens: Option<u64>,
    /// How long the affected scope rests at first, if it does.
    pub wait: Option<Duration>,
    /// Id of the atlas row that decided.
    pub rule: String,
    hint: String,
    next: Option<String>,
}

/// Where a failure happened: what classification needs besides the error itself.
#[derive(Debug, Clone)]
pub struct Place {
    /// Host that was called.
    pub host: Arc<str>,
    /// What the endpoint speaks.
    pub family: EndpointFamily,
    /// Family of the key that was used.
    pub key: KeyFamily,
}

/// What an error body says, whatever its envelope.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ErrorBody {
    /// The service's message.
    pub message: String,
    /// The service's code, or its type when there is no code.
    pub code: Option<String>,
    /// The request member it blames.
    pub param: Option<String>,
    /// The service's request id.
    pub request_id: Option<String>,
}

impl ErrorBody {
    /// Reads a body as [`Self::read`] does, with every occurrence of `secret` replaced before anything is shortened:
    /// some services echo the key they refuse.
    pub fn read_without(secret: &str, body: &[u8]) -> Self {
        Self::read(&without(secret, body))
    }

    /// Reads the OpenAI, native, Anthropic and bare-string envelopes; anything else becomes the message, shortened.
    pub fn read(body: &[u8]) -> Self {
        let Ok(value) = serde_json::from_slice::<Value>(body) else {
            return Self {
                message: shorten(String::from_utf8_lossy(body).trim()),
                ..Self::default()
            };
        };
        let text = |value: &Value, key: &str| value.get(key).and_then(scalar);
        let error = value
            .get("error")
            .filter(|error| !error.is_null())
            .unwrap_or(&value);
        if let Value::String(said) = error {
            return Self::of_string(said, text(&value, "error_description"));
        }
        Self {
            message: shorten(&text(error, "message").unwrap_or_default()),
            code: text(error, "code").or_else(|| text(error, "type")),
            param: text(error, "param"),
            request_id: ["request_id", "id"]
                .iter()
                .find_map(|key| text(&value, key).or_else(|| text(error, key))),
        }
    }
}

impl ErrorBody {
    /// Reads an `error` that is a string: a code where a description stands beside it (RFC 6749, section 5.2), else the
    /// message.
    fn of_string(said: &str, description: Option<String>) -> Self {
        match description {
            Some(description) => Self {
                message: shorten(&description),
                code: Some(said.to_owned()),
                ..Self::default()
            },
            None => Self {
                message: shorten(said),
                ..Self::default()
            },
        }
    }
}

fn without<'a>(secret: &str, body: &'a [u8]) -> Cow<'a, [u8]> {
    let secret = secret.as_bytes();
    if secret.is_empty() || memmem::find(body, secret).is_none() {
        return Cow::Borrowed(body);
    }
    let mut clean = Vec::with_capacity(body.len());
    let mut start = 0;
    for at in memmem::find_iter(body, secret) {
        clean.extend_from_slice(body.get(start..at).unwrap_or_default());
        clean.extend_from_slice(b"[redacted]");
        start = at + secret.len();
    }
    clean.extend_from_slice(body.get(start..).unwrap_or_default());
    Cow::Owned(clean)
}

/// Returns a string or number as text; null and containers are nothing.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn shorten(text: &str) -> String {
    text.chars().take(MESSAGE_CHARS_MAX).collect()
}

impl Failure {
    /// Classifies an error the upstream sent, as a response or inside a stream.
    pub fn of_upstream(
        catalog: &Catalog,
        place: &Place,
        status: Option<u16>,
        body: ErrorBody,
        kind: FailureKind,
    ) -> Self {
        let facts = FailureFacts {
            family: place.family,
            status,
            code: body.code.as_deref(),
            message: &body.message,
            kind,
            key: place.key,
        };
        let verdict = catalog.classify(&facts);
        Self {
            class: verdict.class,
            scope: verdict.scope,
            retry: verdict.retry,
            wait: verdict.wait,
            rule: verdict.rule.to_owned(),
            detail: verdict.detail.map(str::to_owned),
            hint: verdict.hint(),
            next: verdict.next.map(str::to_owned),
            status,
            host: Arc::clone(&place.host),
            retry_after: None,
            limit_tokens: verdict.limit_tokens,
            upstream_request_id: body.request_id,
            param: body.param,
            code: body.code,
            message: body.message,
        }
    }

    /// Classifies a failure of our own side or of the connection.
    pub fn of_connection(
        catalog: &Catalog,
        place: &Place,
        kind: FailureKind,
        message: String,
    ) -> Self {
        let body = ErrorBody {
            message,
            ..ErrorBody::default()
        };
        Self::of_upstream(catalog, place, None, body, kind)
    }

    /// Makes the failure of a login that gives no access token.
    pub fn of_login(place: &Place, error: &RefreshError) -> Self {
        let class = if error.is_passing() {
            ErrorClass::Network
        } else {
            ErrorClass::InvalidKey
        };
        Self {
            class,
            scope: ErrorScope::Key,
            retry: RetryRule::NextCandidate,
            detail: error.cause().map(|cause| cause.to_string()),
            status: None,
            code: None,
            param: None,
            message: error.to_string(),
            host: Arc::clone(&place.host),
            upstream_request_id: None,
            retry_after: None,
            limit_tokens: None,
            wait: None,
            rule: "login".to_owned(),
            hint: error
                .hint()
                .unwrap_or_else(|| "`openclaw models auth list` shows the logins".to_owned()),
            next: None,
        }
    }

    /// Makes the failure of a request that has to be said in another format and cannot be.
    pub fn of_request(place: &Place, refused: &Inexpressible) -> Self {
        Self {
            code: Some("untranslatable_request".to_owned()),
            param: Some(refused.field.clone()),
            hint: "this host speaks chat completions only; the request was not sent".to_owned(),
            ..Self::not_sent(place, refused.to_string())
        }
    }

    /// Makes the failure of a request that this model cannot answer.
    pub fn of_refusal(place: &Place, refusal: &Refusal) -> Self {
        Self {
            param: Some(refusal.param.to_owned()),
            hint: "change the request, or choose another model; it was not sent".to_owned(),
            ..Self::not_sent(place, refusal.to_string())
        }
    }

    /// Makes the failure of a request that this candidate was not even asked; another may do better.
    fn not_sent(place: &Place, message: String) -> Self {
        Self {
            class: ErrorClass::InvalidParameter,
            scope: ErrorScope::Request,
            retry: RetryRule::NextCandidate,
            detail: None,
            status: None,
            limit_tokens: None,
            code: None,
            param: None,
            message,
            host: Arc::clone(&place.host),
            upstream_request_id: None,
            retry_after: None,
            wait: None,
            rule: "not_sent".to_owned(),
            hint: String::new(),
            next: None,
        }
    }

    /// Makes the failure of a candidate that is not asked because of what it said before.
    pub(crate) fn of_resting(breaker: &Breaker, route: &Route, now_ms: u64, retry_ms: u64) -> Self {
        let evidence = &breaker.evidence;
        let wait_s = retry_ms.saturating_sub(now_ms).div_ceil(1000);
        let ago_s = now_ms.saturating_sub(breaker.last_failure_ms) / 1000;
        Self {
            class: evidence.class,
            scope: match breaker.scope {
                Scope::Host { .. } => ErrorScope::Host,
                Scope::Account { .. } => ErrorScope::Account,
                Scope::Key { .. } => ErrorScope::Key,
                Scope::Model { .. } => ErrorScope::Model,
            },
            retry: RetryRule::AfterReset,
            detail: evidence.detail.clone(),
            status: None,
            code: evidence.code.clone(),
            param: None,
            message: format!(
                "not asked: {ago_s} s ago it said: {}; the next attempt is made in {wait_s} s",
                evidence.message
            ),
            host: Arc::clone(&route.host),
            upstream_request_id: evidence.upstream_request_id.clone(),
            retry_after: u32::try_from(wait_s.max(1)).ok(),
            wait: None,
            limit_tokens: None,
            rule: "resting".to_owned(),
            hint: format!(
                "{}; `openclaw models unblock {}` lets the next request try at once",
                evidence.hint, breaker.scope
            ),
            next: Some("openclaw models status".to_owned()),
        }
    }

    /// Says whether the same request may succeed a little later.
    pub fn asks_to_wait(&self) -> bool {
        matches!(self.retry, RetryRule::Backoff | RetryRule::RetryOnce)
    }

    /// Says whether the service has refused the request, so that nothing came of it. Otherwise something may have.
    pub fn is_refusal(&self) -> bool {
        self.status.is_some_and(|status| status < 500)
    }

    /// Returns the class name used in answers, logs and metrics.
    pub fn class_name(&self) -> &'static str {
        self.class.as_str()
    }

    /// Returns the HTTP status for our client.
    pub fn client_status(&self) -> u16 {
        self.class.client_status_for(self.status)
    }

    /// Returns the OpenAI error type for our client.
    pub fn openai_type(&self) -> &'static str {
        self.class.openai_type()
    }

    /// Returns the message for a client: what happened and where.
    pub fn client_message(&self) -> String {
        let said = if self.message.is_empty() {
            "no error text"
        } else {
            self.message.as_str()
        };
        match (self.scope, self.status) {
            (ErrorScope::Request, Some(_)) => said.to_owned(),
            (ErrorScope::Request, None) if self.class == ErrorClass::InvalidParameter => {
                said.to_owned()
            }
            (_, Some(status)) => format!("{said} ({} answered {status})", self.host),
            (_, None) => format!("{said} ({})", self.host),
        }
    }

    /// Returns one sentence on cause and remedy.
    pub fn hint(&self) -> &str {
        &self.hint
    }

    /// Returns the command that leads on.
    pub fn next_command(&self) -> Option<&str> {
        self.next.as_deref()
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            formatter,
            "{}: {}",
            self.class_name(),
            self.client_message()
        )
    }
}

impl std::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_envelope() {
        let read = |body: &str| ErrorBody::read(body.as_bytes());
        let body =
            |message: &str, code: Option<&str>, param: Option<&str>, id: Option<&str>| ErrorBody {
                message: message.into(),
                code: code.map(Into::into),
                param: param.map(Into::into),
                request_id: id.map(Into::into),
            };
        for (text, expected) in [
            (
                r#"{"error":{"message":"m","type":"t","param":null,"code":"c"},"request_id":"r"}"#,
                body("m", Some("c"), None, Some("r")),
            ),
            (
                r#"{"error":{"message":"m","type":"t","param":"p","code":null,"id":"r"}}"#,
                body("m", Some("t"), Some("p"), Some("r")),
            ),
            (
                r#"{"code":"InvalidApiKey","message":"m","request_id":"r"}"#,
                body("m", Some("InvalidApiKey"), None, Some("r")),
            ),
            (
                r#"{"type":"error","error":{"type":"t","message":"m"},"request_id":"r"}"#,
                body("m", Some("t"), None, Some("r")),
            ),
            (r#"{"error":"bare"}"#, body("bare", None, None, None)),
            (
                r#"{"error":"invalid_grant","error_description":"m"}"#,
                body("m", Some("invalid_grant"), None, None),
            ),
            (
                "<html>bad gateway</html>",
                body("<html>bad gateway</html>", None, None, None),
            ),
            ("", body("", None, None, None)),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn never_repeats_a_key() {
        let read = |body: &str| ErrorBody::read_without("sk-abc", body.as_bytes());
        let twice = read(r#"{"error":{"message":"key sk-abc is bad, sk-abc","code":"sk-abc"}}"#);
        assert_eq!(twice.message, "key [redacted] is bad, [redacted]");
        assert_eq!(twice.code.as_deref(), Some("[redacted]"));
        let at_the_cut = format!("{}sk-abc", "x".repeat(MESSAGE_CHARS_MAX - 3));
        assert!(read(&at_the_cut).message.ends_with("x[re"));
        assert_eq!(ErrorBody::read_without("", b"sk-abc").message, "sk-abc");
    }
}
