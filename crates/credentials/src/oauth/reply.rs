//! Reads what an identity server answers to a request for tokens.

use serde_json::{Map, Value};

use crate::document::wipe;
use crate::secret::Secret;

use super::transport::{CauseClass, TokenReply};

/// The longest life of a token that is believed, in seconds: ten years.
const LIFETIME_S_MAX: f64 = 315_360_000.0;

/// The longest error code that is kept, in bytes; the codes of the standards have at most 25.
const CODE_BYTES_MAX: usize = 64;

/// Codes that come with a 400 and say that the same request may succeed later (RFC 6749, section 4.1.2.1, and RFC 8628).
const PASSING_CODES: [&str; 4] = [
    "temporarily_unavailable",
    "server_error",
    "slow_down",
    "authorization_pending",
];

/// New tokens.
#[derive(Debug, Clone)]
pub(super) struct Grant {
    /// The access token.
    pub(super) access: Secret,
    /// The new refresh token; without one the old one stays.
    pub(super) refresh: Option<Secret>,
    /// How long the access token lives, in milliseconds, above 0.
    pub(super) lifetime_ms: u64,
    /// The host that the token is for, as written.
    pub(super) resource_url: Option<String>,
}

/// Why a call brought no tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum CallFailure {
    /// There was no answer.
    Unreachable(CauseClass),
    /// The server cannot serve the request at the moment.
    Unavailable {
        /// The status of the answer.
        status: u16,
    },
    /// The answer makes no sense.
    Malformed {
        /// The status of the answer.
        status: u16,
    },
    /// The server does not accept what it was sent, and never will.
    Refused(Refusal),
    /// The request could not be put together.
    Unbuildable,
}

/// A final no of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    /// The status of the answer.
    pub(super) status: u16,
    /// The error code in it, such as `invalid_grant`.
    pub(super) code: Option<String>,
}

impl CallFailure {
    /// Returns the kind of the failure.
    pub(super) fn cause(&self) -> CauseClass {
        match self {
            Self::Unreachable(cause) => *cause,
            Self::Unavailable { .. } | Self::Refused(_) => CauseClass::Refused,
            Self::Malformed { .. } | Self::Unbuildable => CauseClass::Malformed,
        }
    }

    /// Returns the status of the answer, if there was one.
    pub(super) fn status(&self) -> Option<u16> {
        match self {
            Self::Unavailable { status } | Self::Malformed { status } => Some(*status),
            Self::Refused(refusal) => Some(refusal.status),
            Self::Unreachable(_) | Self::Unbuildable => None,
        }
    }
}

/// What the server says about a login that is being made.
#[derive(Debug)]
pub(super) enum PollAnswer {
    /// The person has agreed.
    Granted(Grant),
    /// The person has not decided yet.
    Pending,
    /// As before, and the questions come too often.
    SlowDown,
    /// There is no answer, or none that counts.
    Failed(CallFailure),
}

/// Reads the answer to a refresh.
pub(super) fn read_refresh(reply: &TokenReply) -> Result<Grant, CallFailure> {
    let body = Body::read(reply);
    match body.error(reply.status) {
        Some(failure) => Err(failure),
        None => body.grant().ok_or(CallFailure::Malformed {
            status: reply.status,
        }),
    }
}

/// Reads the answer to a question for the outcome of a login.
pub(super) fn read_poll(reply: &TokenReply) -> PollAnswer {
    let body = Body::read(reply);
    match (body.code().as_deref(), body.error(reply.status)) {
        (Some("authorization_pending"), _) => PollAnswer::Pending,
        (Some("slow_down"), _) => PollAnswer::SlowDown,
        (_, Some(failure)) => PollAnswer::Failed(failure),
        // The server says 200 with empty tokens while it waits.
        (_, None) if body.is_unfinished() => PollAnswer::Pending,
        (_, None) => match body.grant().filter(|grant| grant.refresh.is_some()) {
            Some(grant) => PollAnswer::Granted(grant),
            None => PollAnswer::Failed(CallFailure::Malformed {
                status: reply.status,
            }),
        },
    }
}

/// The fields of an answer; its texts are overwritten when it is dropped.
pub(super) struct Body {
    fields: Option<Map<String, Value>>,
    is_page: bool,
}

impl Body {
    /// Parses an answer; one that is no JSON object has no fields.
    pub(super) fn read(reply: &TokenReply) -> Self {
        let fields = match serde_json::from_slice(&reply.body) {
            Ok(Value::Object(fields)) => Some(fields),
            Ok(_) | Err(_) => None,
        };
        Self {
            fields,
            is_page: reply.body.trim_ascii_start().starts_with(b"<"),
        }
    }

    /// Returns a text field that is not empty.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        let text = self.fields.as_ref()?.get(name)?.as_str()?.trim();
        (!text.is_empty()).then_some(text)
    }

    /// Returns a whole or broken number of seconds as milliseconds; none unless above zero.
    pub(super) fn seconds_as_ms(&self, name: &str) -> Option<u64> {
        let seconds = self.fields.as_ref()?.get(name)?.as_f64()?;
        let is_time = seconds.is_finite() && seconds > 0.0;
        let ms = (seconds.min(LIFETIME_S_MAX) * 1000.0).ceil();
        is_time.then(|| format!("{ms:.0}").parse().ok()).flatten()
    }

    /// Returns the error code, when it looks like one; anything else could be an echo of a secret.
    pub(super) fn code(&self) -> Option<String> {
        let code = self.text("error")?;
        let is_code = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
        (code.len() <= CODE_BYTES_MAX && code.bytes().all(is_code)).then(|| code.to_owned())
    }

    /// Says what an answer that is not a success means.
    pub(super) fn error(&self, status: u16) -> Option<CallFailure> {
        let code = self.code();
        match status {
            200..=299 if self.text("error").is_none() => None,
            // A page instead of JSON comes from something in between, not from the identity server.
            400 | 401 if self.is_page => Some(CallFailure::Malformed { status }),
            200..=299 | 400 | 401 => {
                let is_passing = code
                    .as_deref()
                    .is_some_and(|code| PASSING_CODES.contains(&code));
                Some(if is_passing {
                    CallFailure::Unavailable { status }
                } else {
                    CallFailure::Refused(Refusal { status, code })
                })
            }
            _ => Some(CallFailure::Unavailable { status }),
        }
    }

    fn is_unfinished(&self) -> bool {
        self.fields.is_some() && self.text("access_token").is_none()
    }

    fn grant(&self) -> Option<Grant> {
        let secret = |name: &str| self.text(name).map(|text| Secret::new(text.to_owned()));
        Some(Grant {
            access: secret("access_token")?,
            refresh: secret("refresh_token"),
            lifetime_ms: self.seconds_as_ms("expires_in")?,
            resource_url: self.text("resource_url").map(str::to_owned),
        })
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        for value in self
            .fields
            .iter_mut()
            .flat_map(|fields| fields.values_mut())
        {
            wipe(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(status: u16, body: &str) -> TokenReply {
        TokenReply::new(status, body.as_bytes().to_vec())
    }

    #[test]
    fn refreshes_are_read() {
        let refused = |status, code: Option<&str>| {
            CallFailure::Refused(Refusal {
                status,
                code: code.map(str::to_owned),
            })
        };
        let malformed = CallFailure::Malformed { status: 200 };
        for (status, body, expected) in [
            (200, "", malformed.clone()),
            (200, "[]", malformed.clone()),
            (200, r#"{"access_token":"a"}"#, malformed.clone()),
            (
                200,
                r#"{"access_token":"a","expires_in":0}"#,
                malformed.clone(),
            ),
            (
                200,
                r#"{"access_token":"a","expires_in":"60"}"#,
                malformed.clone(),
            ),
            (200, r#"{"access_token":null,"expires_in":60}"#, malformed),
            (
                200,
                r#"{"error":"invalid_grant"}"#,
                refused(200, Some("invalid_grant")),
            ),
            (
                400,
                r#"{"error":"invalid_grant"}"#,
                refused(400, Some("invalid_grant")),
            ),
            (400, r#"{"error":"rt-SECRET"}"#, refused(400, None)),
            (400, "", refused(400, None)),
            (401, "{}", refused(401, None)),
            (400, "<html>", CallFailure::Malformed { status: 400 }),
            (
                400,
                r#"{"error":"server_error"}"#,
                CallFailure::Unavailable { status: 400 },
            ),
            (403, "{}", CallFailure::Unavailable { status: 403 }),
            (
                429,
                r#"{"error":"slow_down"}"#,
                CallFailure::Unavailable { status: 429 },
            ),
            (503, "<html>", CallFailure::Unavailable { status: 503 }),
        ] {
            let failure = read_refresh(&reply(status, body)).unwrap_err();
            assert_eq!(failure, expected, "{status} {body}");
        }
        let grant = read_refresh(&reply(
            200,
            r#"{"access_token":"a","refresh_token":"","expires_in":1.5,"resource_url":"h"}"#,
        ));
        let grant = grant.unwrap();
        assert_eq!((grant.lifetime_ms, grant.refresh), (1500, None));
        assert_eq!(grant.resource_url.as_deref(), Some("h"));
    }

    #[test]
    fn outcomes_of_a_login_are_read() {
        let is = |status, body: &str, expected: fn(&PollAnswer) -> bool| {
            let answer = read_poll(&reply(status, body));
            assert!(expected(&answer), "{status} {body}: {answer:?}");
        };
        let pending = |answer: &PollAnswer| matches!(answer, PollAnswer::Pending);
        is(400, r#"{"error":"authorization_pending"}"#, pending);
        is(200, r#"{"status":"pending","access_token":null}"#, pending);
        is(429, r#"{"error":"slow_down"}"#, |answer| {
            matches!(answer, PollAnswer::SlowDown)
        });
        is(429, "{}", |answer| {
            matches!(answer, PollAnswer::Failed(CallFailure::Unavailable { .. }))
        });
        is(401, "{}", |answer| {
            matches!(answer, PollAnswer::Failed(CallFailure::Refused(_)))
        });
        is(
            200,
            r#"{"access_token":"a","refresh_token":"r","expires_in":60}"#,
            |answer| matches!(answer, PollAnswer::Granted(_)),
        );
        is(200, r#"{"access_token":"a","expires_in":60}"#, |answer| {
            matches!(answer, PollAnswer::Failed(CallFailure::Malformed { .. }))
        });
    }
}
