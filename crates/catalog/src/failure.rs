//! The error atlas: what a failure means, whom it concerns, and what to do.

use std::time::Duration;

use serde::Deserialize;

use crate::endpoint::EndpointFamily;
use crate::key::KeyFamily;
use crate::language::Language;
use crate::token_limit;

/// Longest message that is searched, in bytes; upstream error texts are far shorter.
const MESSAGE_BYTES_MAX: usize = 4096;

text_enum! {
    /// What went wrong.
    pub enum ErrorClass {
        /// The key is wrong, expired or missing.
        InvalidKey => "invalid_key",
        /// The key belongs to another plan.
        WrongPlan => "wrong_plan",
        /// The key belongs to another region or workspace; usually learned by asking other hosts.
        WrongRegion => "wrong_region",
        /// The host does not serve this kind of client.
        ClientNotAdmitted => "client_not_admitted",
        /// The key has no right to the model; knowledge, not ill health.
        NotEntitled => "not_entitled",
        /// The host does not know the model.
        ModelNotFound => "model_not_found",
        /// Too fast; passes within a minute or so.
        Throttled => "throttled",
        /// A window of a subscription is used up.
        QuotaWindow => "quota_window",
        /// A free quota is used up for good.
        FreeTierExhausted => "free_tier_exhausted",
        /// The account owes money.
        Arrears => "arrears",
        /// The content was refused.
        ContentInspection => "content_inspection",
        /// The conversation is longer than the window.
        ContextOverflow => "context_overflow",
        /// A field of the request is not accepted.
        InvalidParameter => "invalid_parameter",
        /// The service failed.
        UpstreamFault => "upstream_fault",
        /// The host could not be reached.
        Network => "network",
        /// Our own deadline passed.
        LocalTimeout => "local_timeout",
        /// A stream broke off or was not one.
        StreamError => "stream_error",
        /// Nothing in the atlas fits.
        Unknown => "unknown",
    }
}

impl ErrorClass {
    /// Returns the HTTP status that a client of ours gets.
    pub const fn client_status(self) -> u16 {
        match self {
            Self::ContentInspection | Self::ContextOverflow | Self::InvalidParameter => 400,
            Self::InvalidKey | Self::WrongPlan | Self::WrongRegion => 401,
            Self::Arrears => 402,
            Self::ClientNotAdmitted | Self::NotEntitled | Self::FreeTierExhausted => 403,
            Self::ModelNotFound => 404,
            Self::Throttled | Self::QuotaWindow => 429,
            Self::UpstreamFault | Self::Network | Self::StreamError | Self::Unknown => 502,
            Self::LocalTimeout => 504,
        }
    }

    /// Returns [`Self::client_status`], or the upstream's own status where that says more about the request.
    pub const fn client_status_for(self, upstream: Option<u16>) -> u16 {
        match (self, upstream) {
            (Self::InvalidParameter, Some(status @ (409 | 413 | 415 | 422)))
            | (Self::UpstreamFault, Some(status @ (503 | 504))) => status,
            (class, _) => class.client_status(),
        }
    }

    /// Returns the `error.type` of the `OpenAI` error shape.
    pub const fn openai_type(self) -> &'static str {
        match self {
            Self::InvalidKey | Self::WrongPlan | Self::WrongRegion => "authentication_error",
            Self::ClientNotAdmitted | Self::NotEntitled => "permission_error",
            Self::ModelNotFound
            | Self::ContentInspection
            | Self::ContextOverflow
            | Self::InvalidParameter => "invalid_request_error",
            Self::Throttled => "rate_limit_error",
            Self::QuotaWindow | Self::FreeTierExhausted | Self::Arrears => "insufficient_quota",
            Self::UpstreamFault
            | Self::Network
            | Self::LocalTimeout
            | Self::StreamError
            | Self::Unknown => "server_error",
        }
    }
}

text_enum! {
    /// How far a failure reaches; narrowest first.
    pub enum ErrorScope {
        /// This request only.
        Request => "request",
        /// This model with this key on this host.
        Model => "model",
        /// Everything this key does on this host.
        Key => "key",
        /// Everything on this host.
        Host => "host",
        /// Everything of the account behind the key.
        Account => "account",
    }
}

text_enum! {
    /// What may be tried next.
    pub enum RetryRule {
        /// Nothing: the same request fails everywhere.
        Never => "never",
        /// Another candidate; not this one again.
        NextCandidate => "next-candidate",
        /// This candidate once more at once, then another.
        RetryOnce => "retry-once",
        /// Another candidate if one is free; else this one after a wait.
        Backoff => "backoff",
        /// This candidate once more with a refreshed credential (if it can be refreshed), then another.
        RefreshOnce => "refresh-once",
        /// Another candidate; this one when its window reopens, found out by single probes.
        AfterReset => "after-reset",
    }
}

text_enum! {
    /// How a failure came to light.
    pub enum FailureKind {
        /// An answer with an HTTP status.
        Response => "response",
        /// An error event inside a stream that began with 200.
        StreamEvent => "stream-event",
        /// A stream that ended before its end mark.
        StreamCut => "stream-cut",
        /// A body that is not what its type promises.
        StreamGarbage => "stream-garbage",
        /// No connection, or a broken one: DNS, TCP, TLS, proxy.
        Network => "network",
        /// A deadline of ours.
        LocalTimeout => "local-timeout",
    }
}

/// What is known about a failure; borrowed, nothing of it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FailureFacts<'a> {
    /// What the endpoint speaks.
    pub family: EndpointFamily,
    /// HTTP status, if there was an answer.
    pub status: Option<u16>,
    /// The service's error code (or `OpenAI` `type` when it has no code).
    pub code: Option<&'a str>,
    /// The service's error text; empty when there is none.
    pub message: &'a str,
    /// How it came to light.
    pub kind: FailureKind,
    /// Family of the key that was used.
    pub key: KeyFamily,
}

impl Default for FailureFacts<'_> {
    fn default() -> Self {
        Self {
            family: EndpointFamily::OpenaiCustom,
            status: None,
            code: None,
            message: "",
            kind: FailureKind::Response,
            key: KeyFamily::Unknown,
        }
    }
}

/// What a failure means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Classification<'a> {
    /// What went wrong.
    pub class: ErrorClass,
    /// Finer word within the class, such as `week` or `allocation`.
    pub detail: Option<&'a str>,
    /// How far it reaches.
    pub scope: ErrorScope,
    /// What may be tried next.
    pub retry: RetryRule,
    /// First wait of the affected scope; none means no wait.
    pub wait: Option<Duration>,
    /// What happened, for people, in the catalog's language.
    pub cause: &'a str,
    /// What to do, for people, in the catalog's language.
    pub remedy: Option<&'a str>,
    /// Command that leads on.
    pub next: Option<&'a str>,
    /// The model's true limit in tokens, when the text of a context overflow names it.
    pub limit_tokens: Option<u64>,
    /// Id of the atlas row that decided, or `unknown`.
    pub rule: &'a str,
    /// False when only the status was known, or not even that.
    pub is_documented: bool,
}

impl Classification<'_> {
    /// Returns cause and remedy as one sentence.
    pub fn hint(&self) -> String {
        match self.remedy {
            Some(remedy) if self.cause.is_ascii() => format!("{}; {remedy}", self.cause),
            Some(remedy) => format!("{}；{remedy}", self.cause),
            None => self.cause.to_owned(),
        }
    }
}

/// One row of the atlas; a condition left out always holds.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ErrorRow {
    /// Unique id.
    pub id: String,
    /// How the failure came to light; left out: a response or an event in a stream.
    #[serde(default)]
    pub kinds: Vec<FailureKind>,
    /// What the endpoint speaks.
    #[serde(default)]
    pub families: Vec<EndpointFamily>,
    /// Family of the key that was used.
    #[serde(default)]
    pub keys: Vec<KeyFamily>,
    /// HTTP statuses.
    #[serde(default)]
    pub statuses: Vec<u16>,
    /// First and last HTTP status.
    #[serde(default)]
    pub status_range: Option<(u16, u16)>,
    /// Codes, ASCII case ignored; a trailing `*` matches any ending.
    #[serde(default)]
    pub codes: Vec<String>,
    /// Lower-case texts, one of which the message contains.
    #[serde(default)]
    pub messages: Vec<String>,
    /// The message is blank.
    #[serde(default)]
    pub empty_message: bool,
    /// What went wrong.
    pub class: ErrorClass,
    /// Finer word within the class.
    #[serde(default)]
    pub detail: Option<String>,
    /// How far it reaches.
    pub scope: ErrorScope,
    /// What may be tried next.
    pub retry: RetryRule,
    /// First wait of the affected scope, in seconds.
    #[serde(default)]
    pub wait_s: Option<u64>,
    /// Command that leads on.
    #[serde(default)]
    pub next: Option<String>,
    /// The row only guesses by status.
    #[serde(default)]
    pub fallback: bool,
    /// What happened, in English.
    #[serde(alias = "hint")]
    pub cause: String,
    /// What to do, in English.
    #[serde(default)]
    pub remedy: Option<String>,
    /// What happened, in Chinese.
    #[serde(default)]
    pub cause_zh: Option<String>,
    /// What to do, in Chinese.
    #[serde(default)]
    pub remedy_zh: Option<String>,
}

impl ErrorRow {
    fn fits(&self, facts: &FailureFacts<'_>, message: &str) -> bool {
        self.fits_kind(facts.kind)
            && holds(&self.families, &facts.family)
            && holds(&self.keys, &facts.key)
            && self.fits_status(facts.status)
            && self.fits_code(facts.code)
            && (self.messages.is_empty() || self.messages.iter().any(|text| message.contains(text)))
            && (!self.empty_message || message.trim().is_empty())
    }

    /// Returns cause and remedy in a language; a row without a translation is shown in English.
    fn text(&self, language: Language) -> (&str, Option<&str>) {
        match (language, &self.cause_zh) {
            (Language::Chinese, Some(cause)) => (cause, self.remedy_zh.as_deref()),
            (Language::Chinese, None) | (Language::English, _) => {
                (&self.cause, self.remedy.as_deref())
            }
        }
    }

    fn fits_kind(&self, kind: FailureKind) -> bool {
        if self.kinds.is_empty() {
            matches!(kind, FailureKind::Response | FailureKind::StreamEvent)
        } else {
            self.kinds.contains(&kind)
        }
    }

    fn fits_status(&self, status: Option<u16>) -> bool {
        let in_list =
            self.statuses.is_empty() || status.is_some_and(|s| self.statuses.contains(&s));
        let in_range = self
            .status_range
            .is_none_or(|(first, last)| status.is_some_and(|s| (first..=last).contains(&s)));
        in_list && in_range
    }

    fn fits_code(&self, code: Option<&str>) -> bool {
        self.codes.is_empty()
            || code.is_some_and(|code| {
                self.codes
                    .iter()
                    .any(|pattern| code_fits(pattern, code.trim()))
            })
    }
}

/// Finds the first row that fits; see [`crate::Catalog::classify`].
pub(crate) fn classify<'a>(
    rows: &'a [ErrorRow],
    facts: &FailureFacts<'_>,
    language: Language,
) -> Classification<'a> {
    let message = cut(facts.message).to_ascii_lowercase();
    let Some(row) = rows.iter().find(|row| row.fits(facts, &message)) else {
        return unknown(language);
    };
    let (cause, remedy) = row.text(language);
    Classification {
        class: row.class,
        detail: row.detail.as_deref(),
        scope: row.scope,
        retry: row.retry,
        wait: row.wait_s.map(Duration::from_secs),
        cause,
        remedy,
        next: row.next.as_deref(),
        limit_tokens: (row.class == ErrorClass::ContextOverflow)
            .then(|| token_limit::in_message(&message))
            .flatten(),
        rule: &row.id,
        is_documented: !row.fallback,
    }
}

/// What nothing fits: no scope is blamed, another candidate may try, and the rule says so openly.
const fn unknown(language: Language) -> Classification<'static> {
    let (cause, remedy) = match language {
        Language::English => (
            "the error atlas does not know this failure",
            "read the message; please report it with its request id",
        ),
        Language::Chinese => (
            "错误库中没有这个错误",
            "请查看报错原文，并附上 request id 反馈",
        ),
    };
    Classification {
        class: ErrorClass::Unknown,
        detail: None,
        scope: ErrorScope::Request,
        retry: RetryRule::NextCandidate,
        wait: None,
        cause,
        remedy: Some(remedy),
        next: Some("openclaw logs --limit 50"),
        limit_tokens: None,
        rule: "unknown",
        is_documented: false,
    }
}

fn holds<T: PartialEq>(wanted: &[T], value: &T) -> bool {
    wanted.is_empty() || wanted.contains(value)
}

fn code_fits(pattern: &str, code: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => code
            .get(..prefix.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(prefix)),
        None => pattern.eq_ignore_ascii_case(code),
    }
}

fn cut(message: &str) -> &str {
    let mut end = message.len().min(MESSAGE_BYTES_MAX);
    while !message.is_char_boundary(end) {
        end -= 1;
    }
    message.get(..end).unwrap_or_default()
}
