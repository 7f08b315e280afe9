//! What was learned about hosts, accounts, keys and models, as people and programs see it.

use jiff::Timestamp;
use providers::health::{self, Admission, Breaker};
use serde_json::{Value, json};

use crate::context::{Context, now_ms};
use crate::failed::Failed;

/// Returns the breakers that are open; nothing is created for it.
pub(super) fn open(context: &Context) -> Result<Vec<Breaker>, Failed> {
    let breakers = health::read(&context.home).map_err(|error| Failed::of(&error))?;
    Ok(breakers.into_iter().filter(Breaker::is_open).collect())
}

/// Returns a breaker for programs: times are Unix milliseconds.
pub(super) fn json(breaker: &Breaker) -> Value {
    let retry_ms = next_probe_ms(breaker);
    let evidence = &breaker.evidence;
    json!({
        "id": breaker.scope.to_string(),
        "scope": breaker.scope.kind(),
        "provider": evidence.provider,
        "model": evidence.model,
        "credential": evidence.credential,
        "profile": evidence.profile,
        "class": evidence.class,
        "detail": evidence.detail,
        "status": evidence.status,
        "code": evidence.code,
        "message": evidence.message,
        "hint": evidence.hint,
        "upstreamRequestId": evidence.upstream_request_id,
        "failures": breaker.failures,
        "since": breaker.since_ms,
        "until": breaker.until_ms,
        "nextProbe": retry_ms,
    })
}

/// Returns a breaker in one line.
pub(super) fn line(breaker: &Breaker) -> String {
    let evidence = &breaker.evidence;
    let detail = evidence
        .detail
        .as_deref()
        .map_or(String::new(), |detail| format!(" ({detail})"));
    format!(
        "{} {}{detail} | {}/{} with {} | since {} | until {} | next probe {}",
        breaker.scope,
        evidence.class,
        evidence.provider,
        evidence.model,
        evidence.credential,
        time(breaker.since_ms),
        time(breaker.until_ms),
        match next_probe_ms(breaker) {
            None => "now".to_owned(),
            Some(at_ms) => time(at_ms),
        }
    )
}

/// Returns when somebody may try again; none when that is now.
fn next_probe_ms(breaker: &Breaker) -> Option<u64> {
    match breaker.peek(now_ms()) {
        Admission::Resting { retry_ms } => Some(retry_ms),
        Admission::Ready | Admission::Probe => None,
    }
}

fn time(at_ms: u64) -> String {
    let time = i64::try_from(at_ms)
        .ok()
        .and_then(|ms| Timestamp::from_millisecond(ms).ok());
    time.map_or_else(|| "ever".to_owned(), |time| format!("{time:.0}"))
}
