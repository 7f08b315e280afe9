//! Every request the emulator has seen, for tests and curious people.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU8, AtomicU16, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderMap, Method};
use serde_json::{Map, Value, json};

use crate::access;
use crate::host::{Host, Service};
use crate::key;
use crate::oauth::hide_secrets;

/// Most requests remembered; the oldest go first.
const REQUESTS_MAX: usize = 10_000;

/// Most body bytes remembered over all requests.
const BODY_BYTES_MAX: usize = 64 * 1024 * 1024;

/// How a reply ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Outcome {
    /// Still being answered.
    Open = 0,
    /// The whole reply was handed to the connection.
    Complete = 1,
    /// The client went away first.
    ClientGone = 2,
    /// A script cut the connection.
    Cut = 3,
}

impl Outcome {
    fn name(number: u8) -> &'static str {
        match number {
            1 => "complete",
            2 => "client_gone",
            3 => "cut",
            _ => "open",
        }
    }
}

/// What is known of a request when it arrives.
pub(crate) struct Arrival<'a> {
    /// Number of the connection it came on, from 1.
    pub(crate) connection: u64,
    /// `direct`, `proxy` (absolute form) or `tunnel`.
    pub(crate) via: &'static str,
    pub(crate) host: &'a Host,
    pub(crate) method: &'a Method,
    pub(crate) path: &'a str,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: &'a Bytes,
}

struct Entry {
    id: u64,
    at_ms: u64,
    known: Map<String, Value>,
    body: Bytes,
    status: AtomicU16,
    outcome: AtomicU8,
    n_events: AtomicU64,
}

/// Every request the emulator has seen, oldest first.
pub(crate) struct Journal {
    started: Instant,
    entries: Mutex<Entries>,
}

#[derive(Default)]
struct Entries {
    kept: VecDeque<Arc<Entry>>,
    n_seen: u64,
    body_bytes: usize,
}

impl Default for Journal {
    fn default() -> Self {
        Self {
            started: Instant::now(),
            entries: Mutex::default(),
        }
    }
}

impl Journal {
    /// Remembers a request; the returned witness sees how its reply ends.
    pub(crate) fn record(&self, arrival: &Arrival<'_>) -> Witness {
        let at_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let known = describe(arrival);
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.n_seen += 1;
        let entry = Arc::new(Entry {
            id: entries.n_seen,
            at_ms,
            known,
            body: shown_body(arrival),
            status: AtomicU16::new(0),
            outcome: AtomicU8::new(Outcome::Open as u8),
            n_events: AtomicU64::new(0),
        });
        entries.body_bytes += entry.body.len();
        entries.kept.push_back(Arc::clone(&entry));
        while entries.kept.len() > REQUESTS_MAX || entries.body_bytes > BODY_BYTES_MAX {
            let Some(oldest) = entries.kept.pop_front() else {
                break;
            };
            entries.body_bytes = entries.body_bytes.saturating_sub(oldest.body.len());
        }
        Witness(entry)
    }

    /// Returns every remembered request, oldest first.
    pub(crate) fn all(&self) -> Vec<Value> {
        let kept: Vec<Arc<Entry>> = {
            let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
            entries.kept.iter().map(Arc::clone).collect()
        };
        kept.iter().map(|entry| entry.as_json()).collect()
    }

    /// Forgets everything; request numbers start at 1 again.
    pub(crate) fn clear(&self) {
        *self.entries.lock().unwrap_or_else(PoisonError::into_inner) = Entries::default();
    }
}

impl Entry {
    fn as_json(&self) -> Value {
        let mut all = Map::new();
        all.insert("id".to_owned(), json!(self.id));
        all.insert("at_ms".to_owned(), json!(self.at_ms));
        all.extend(self.known.clone());
        let body = serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&self.body).into_owned()));
        all.insert("body".to_owned(), body);
        let status = match self.status.load(Ordering::Acquire) {
            0 => Value::Null,
            status => json!(status),
        };
        all.insert("status".to_owned(), status);
        let outcome = Outcome::name(self.outcome.load(Ordering::Acquire));
        all.insert("outcome".to_owned(), json!(outcome));
        all.insert(
            "events".to_owned(),
            json!(self.n_events.load(Ordering::Acquire)),
        );
        Value::Object(all)
    }
}

fn describe(arrival: &Arrival<'_>) -> Map<String, Value> {
    let key = access::bearer(arrival.headers)
        .and_then(key::find)
        .map(|known| known.key);
    let described = json!({
        "connection": arrival.connection,
        "via": arrival.via,
        "host": arrival.host.name,
        "method": arrival.method.as_str(),
        "path": arrival.path,
        "key": key,
        "headers": headers(arrival.headers),
    });
    match described {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// What is remembered of a body: all of it, except what would let somebody log in.
fn shown_body(arrival: &Arrival<'_>) -> Bytes {
    match arrival.host.service {
        Service::Models | Service::Storage => arrival.body.clone(),
        Service::Identity => hide_secrets(arrival.headers, arrival.body),
    }
}

fn headers(headers: &HeaderMap) -> Map<String, Value> {
    let mut shown: Map<String, Value> = Map::new();
    for (name, value) in headers {
        let text = if name == AUTHORIZATION || name == "x-api-key" {
            mask(&String::from_utf8_lossy(value.as_bytes()))
        } else {
            String::from_utf8_lossy(value.as_bytes()).into_owned()
        };
        match shown.get_mut(name.as_str()) {
            Some(Value::String(before)) => {
                before.push_str(", ");
                before.push_str(&text);
            }
            _ => {
                shown.insert(name.as_str().to_owned(), Value::String(text));
            }
        }
    }
    shown
}

/// Keeps the scheme and the family prefix of a key, never the key.
fn mask(value: &str) -> String {
    let (scheme, secret) = match value.split_once(' ') {
        Some((scheme, secret)) => (format!("{scheme} "), secret),
        None => (String::new(), value),
    };
    let family = ["sk-sp-", "sk-ws", "sk-"]
        .into_iter()
        .find(|family| secret.starts_with(family));
    format!("{scheme}{}***", family.unwrap_or_default())
}

/// Sees how one reply ends; dropped early, it notes that the client went away.
pub(crate) struct Witness(Arc<Entry>);

impl Witness {
    pub(crate) fn status(&self, status: http::StatusCode) {
        self.0.status.store(status.as_u16(), Ordering::Release);
    }

    pub(crate) fn event_sent(&self) {
        self.0.n_events.fetch_add(1, Ordering::AcqRel);
    }

    /// Notes the first end only; later ones are about a connection already settled.
    pub(crate) fn ended(&self, outcome: Outcome) {
        let _ = self.0.outcome.compare_exchange(
            Outcome::Open as u8,
            outcome as u8,
            Ordering::AcqRel,
            Ordering::Acquire,
        );
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.ended(Outcome::ClientGone);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrive(journal: &Journal, body: &'static [u8]) -> Witness {
        let mut headers = HeaderMap::new();
        headers.insert(
            AUTHORIZATION,
            "Bearer sk-emulator-standard-cn".parse().unwrap(),
        );
        headers.append("accept", "a".parse().unwrap());
        headers.append("accept", "b".parse().unwrap());
        journal.record(&Arrival {
            connection: 1,
            via: "direct",
            host: &Host::find("dashscope.aliyuncs.com").unwrap(),
            method: &Method::POST,
            path: "/x",
            headers: &headers,
            body: &Bytes::from_static(body),
        })
    }

    #[test]
    fn hides_keys_and_joins_repeated_headers() {
        let journal = Journal::default();
        drop(arrive(&journal, b"{\"a\":1}"));
        let seen = &journal.all()[0];
        assert_eq!(seen["headers"]["authorization"], "Bearer sk-***");
        assert_eq!(seen["key"], "sk-emulator-standard-cn");
        assert_eq!(seen["headers"]["accept"], "a, b");
        assert_eq!(seen["body"]["a"], 1);
        assert_eq!(seen["outcome"], "client_gone");
    }

    #[test]
    fn keeps_the_newest_requests_and_numbers_them_from_one() {
        let journal = Journal::default();
        for _ in 0..REQUESTS_MAX + 5 {
            arrive(&journal, b"").ended(Outcome::Complete);
        }
        let all = journal.all();
        assert_eq!((all.len(), all[0]["id"].as_u64()), (REQUESTS_MAX, Some(6)));
        assert_eq!(all[0]["outcome"], "complete");
        journal.clear();
        drop(arrive(&journal, b""));
        assert_eq!(journal.all()[0]["id"], 1);
    }
}
