//! An explanation as text and as JSON.

use catalog::{Classification, EndpointFamily, Language};
use serde_json::{Value, json};

use super::pasted::Pasted;
use super::place::{Known, Place};
use super::wording::{self, words};
use crate::output::{Output, dim, strong};

/// Longest piece of the message that is shown, in characters.
const SHOWN_CHARS_MAX: usize = 200;

/// Everything there is to say about an error.
pub(super) struct Report<'a> {
    pub(super) verdict: Classification<'a>,
    pub(super) otherwise: Vec<(EndpointFamily, Classification<'a>)>,
    pub(super) language: Language,
    pub(super) pasted: &'a Pasted,
    pub(super) place: &'a Place,
}

impl Report<'_> {
    /// Prints the explanation for a person.
    pub(super) fn print(&self, out: Output) {
        let words = words(self.language);
        out.line(strong(name(&self.verdict)));
        out.line(format!("{}{}", words.cause, self.verdict.cause));
        if let Some(remedy) = self.verdict.remedy {
            out.line(format!("{}{remedy}", words.remedy));
        }
        if let Some(next) = self.verdict.next {
            out.line(format!("{}`{next}`", words.next));
        }
        if let Some(tokens) = self.verdict.limit_tokens {
            out.line(format!("{}{tokens} {}", words.window, words.tokens));
        }
        let (scope, retry) = (self.verdict.scope, self.verdict.retry);
        let covers = wording::scope(scope, self.language);
        out.line(format!("{}{scope}: {covers}", words.scope));
        let rule = wording::retry(retry, self.language);
        out.line(format!("{}{retry}: {rule}{}", words.retry, self.waits()));
        out.line(format!("{}{}", words.read, self.read()));
        for note in self.notes() {
            out.line(dim(format!("{}{note}", words.note)));
        }
    }

    /// Returns the explanation for programs.
    pub(super) fn json(&self) -> Value {
        let body = &self.pasted.body;
        let otherwise = self.otherwise.iter().map(|(family, verdict)| {
            let family = json!({"family": family});
            joined([meaning(verdict), family])
        });
        let around = json!({
            "ok": true,
            "language": self.language,
            "limitTokens": self.verdict.limit_tokens,
            "clientStatus": self.verdict.class.client_status_for(self.pasted.status),
            "retryAfterSeconds": self.pasted.retry_after,
            "read": {
                "kind": self.pasted.kind,
                "status": self.pasted.status,
                "code": body.code,
                "message": shown(&body.message),
                "param": body.param,
                "requestId": body.request_id,
                "host": self.place.host,
                "family": self.place.family,
                "hostKnown": self.place.known != Known::Assumed,
            },
            "otherwise": otherwise.collect::<Vec<_>>(),
            "notes": self.notes(),
        });
        joined([meaning(&self.verdict), around])
    }

    fn waits(&self) -> String {
        let words = words(self.language);
        let first = self
            .verdict
            .wait
            .map(|wait| (words.first_wait, wait.as_secs()));
        let asked = self
            .pasted
            .retry_after
            .map(|seconds| (words.asked_wait, seconds));
        let waits = first.into_iter().chain(asked);
        let parts: Vec<String> = waits
            .map(|(what, seconds)| format!(", {what} {seconds} s"))
            .collect();
        parts.concat()
    }

    /// Returns what was understood of the text.
    fn read(&self) -> String {
        let body = &self.pasted.body;
        let family = wording::family(self.place.family, self.language);
        let host = match (&self.place.host, &self.place.label) {
            (Some(host), Some(label)) => format!("{host} ({label})"),
            (Some(host), None) => host.clone(),
            (None, _) => family.to_owned(),
        };
        let message = shown(&body.message);
        let parts = [
            self.pasted.status.map(|status| format!("HTTP {status}")),
            body.code.as_ref().map(|code| format!("`{code}`")),
            (!message.is_empty()).then(|| format!("\"{message}\"")),
            Some(host),
            body.request_id
                .as_ref()
                .map(|id| format!("request id {id}")),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }

    fn notes(&self) -> Vec<String> {
        let words = words(self.language);
        let mut notes = Vec::new();
        let is_unknown = self.verdict.class == catalog::ErrorClass::Unknown;
        if !self.verdict.is_documented && !is_unknown {
            notes.push(words.guess.to_owned());
        }
        match (self.place.known, self.place.family) {
            (Known::Assumed, _) => {
                notes.push(words.no_host.to_owned());
                notes.extend(self.otherwise.iter().map(|(family, verdict)| {
                    let family = wording::family(*family, self.language);
                    format!(
                        "{} {family}: {}, {}",
                        words.elsewhere,
                        name(verdict),
                        verdict.cause
                    )
                }));
            }
            (_, EndpointFamily::OpenaiCustom) => notes.push(words.foreign_host.to_owned()),
            _ => {}
        }
        notes
    }
}

fn name(verdict: &Classification<'_>) -> String {
    match verdict.detail {
        Some(detail) => format!("{} ({detail})", verdict.class),
        None => verdict.class.to_string(),
    }
}

/// Returns one object with the members of both.
fn joined(objects: [Value; 2]) -> Value {
    let members = objects.into_iter().filter_map(|object| match object {
        Value::Object(members) => Some(members),
        _ => None,
    });
    Value::Object(members.flatten().collect())
}

fn meaning(verdict: &Classification<'_>) -> Value {
    json!({
        "class": verdict.class,
        "detail": verdict.detail,
        "scope": verdict.scope,
        "retry": verdict.retry,
        "waitSeconds": verdict.wait.map(|wait| wait.as_secs()),
        "cause": verdict.cause,
        "remedy": verdict.remedy,
        "next": verdict.next,
        "rule": verdict.rule,
        "documented": verdict.is_documented,
    })
}

/// Returns the start of a message on one line.
fn shown(message: &str) -> String {
    let line: Vec<&str> = message.split_whitespace().collect();
    line.join(" ").chars().take(SHOWN_CHARS_MAX).collect()
}
