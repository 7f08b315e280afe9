//! Faults on demand: rules that change the fate of matching requests.
//!
//! A script is a list of rules. The first rule that matches a request and has
//! not been used up decides; the others wait. A rule that names an error `status`, a
//! `code`, `message`, `body` or `garbage` answers by itself, before the key is
//! looked at; any other rule lets the endpoint answer and changes how the
//! answer is sent. A `status` below 400 only replaces the status of the answer.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use http::{HeaderName, HeaderValue, StatusCode};
use serde::Deserialize;
use serde_json::Value;

use crate::chat::quirk::Quirk;
use crate::error::Error;

/// Most rules in one script.
const RULES_MAX: usize = 1000;

/// Longest scripted wait, in milliseconds.
const DELAY_MS_MAX: u64 = 600_000;

/// Most content chunks of one scripted answer.
const CHUNKS_MAX: u32 = 1_000_000;

/// Which requests a rule is for; a field left out matches everything.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Matcher {
    /// The emulated host, ignoring case.
    host: Option<String>,
    /// The end of the path without its query, such as `/chat/completions`.
    path: Option<String>,
    /// The `model` field of a JSON body.
    model: Option<String>,
    /// The bearer key.
    key: Option<String>,
}

/// One rule of a script.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rule {
    #[serde(default, rename = "match")]
    matcher: Matcher,
    /// How many requests it is for; without it, all.
    times: Option<u64>,
    /// Status of the reply; 500 when only a code or message is given, 200 with only a body.
    pub(crate) status: Option<u16>,
    /// Error code.
    pub(crate) code: Option<String>,
    /// Error message.
    pub(crate) message: Option<String>,
    /// Raw body: a string is sent as it is, anything else as JSON.
    pub(crate) body: Option<Value>,
    /// Headers added to the reply, replacing the usual ones.
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, String>,
    /// Wait before the reply head, in milliseconds.
    #[serde(default)]
    pub(crate) delay_ms: u64,
    /// Wait between the reply head and the first body byte, in milliseconds.
    #[serde(default)]
    pub(crate) first_byte_delay_ms: u64,
    /// Wait after every event, in milliseconds.
    #[serde(default)]
    pub(crate) trickle_delay_ms: u64,
    /// Close the connection after this many events.
    pub(crate) cut_after_events: Option<u64>,
    /// Close the connection after this many body bytes.
    pub(crate) cut_after_bytes: Option<u64>,
    /// Close the connection without any reply.
    #[serde(default)]
    pub(crate) hang_up: bool,
    /// Reply with bytes that are neither JSON nor events nor UTF-8.
    #[serde(default)]
    pub(crate) garbage: bool,
    /// Send an error event after this many events, then end; 0 makes it the first event.
    pub(crate) stream_error_after_events: Option<u64>,
    /// Split the body in pieces of this many bytes, each written by itself.
    pub(crate) chunk_bytes: Option<usize>,
    /// Raw event payloads to play instead of the endpoint's stream.
    pub(crate) events: Option<Vec<String>>,
    /// Whether played `events` end with `[DONE]`; yes unless said otherwise.
    #[serde(default = "yes")]
    pub(crate) done: bool,
    /// Make chat completions answer with this many content chunks.
    pub(crate) chunks: Option<u32>,
    /// Make chat completions answer as some servers do.
    #[serde(default)]
    pub(crate) quirks: Vec<Quirk>,
}

fn yes() -> bool {
    true
}

impl Rule {
    /// Tells whether the rule answers by itself instead of the endpoint.
    pub(crate) fn answers(&self) -> bool {
        let plays = self.events.is_some() || self.stream_error_after_events.is_some();
        let refuses = self.code.is_some()
            || self.message.is_some()
            || self.status.is_some_and(|status| status >= 400);
        self.garbage || self.body.is_some() || (refuses && !plays)
    }

    /// Returns the status to put on an endpoint's own answer, if the rule names one.
    pub(crate) fn status_of_answer(&self) -> Option<StatusCode> {
        let status = self
            .status
            .filter(|_| self.stream_error_after_events.is_none())?;
        StatusCode::from_u16(status).ok()
    }

    fn matches(&self, facts: &Facts<'_>) -> bool {
        let Matcher {
            host,
            path,
            model,
            key,
        } = &self.matcher;
        host.as_ref()
            .is_none_or(|host| host.eq_ignore_ascii_case(facts.host))
            && path
                .as_ref()
                .is_none_or(|path| facts.path.ends_with(path.as_str()))
            && model
                .as_ref()
                .is_none_or(|model| Some(model.as_str()) == facts.model)
            && key
                .as_ref()
                .is_none_or(|key| Some(key.as_str()) == facts.key)
    }

    fn check(&self) -> Result<(), String> {
        let waits = [
            self.delay_ms,
            self.first_byte_delay_ms,
            self.trickle_delay_ms,
        ];
        if waits.into_iter().any(|wait| wait > DELAY_MS_MAX) {
            return Err(format!("a wait is longer than {DELAY_MS_MAX} ms"));
        }
        if self
            .status
            .is_some_and(|status| !(200..=599).contains(&status))
        {
            return Err("`status` must be from 200 to 599".to_owned());
        }
        if self
            .status
            .is_some_and(|status| StatusCode::from_u16(status).is_err())
        {
            return Err("`status` is no HTTP status".to_owned());
        }
        if self.chunk_bytes == Some(0) {
            return Err("`chunk_bytes` must be at least 1".to_owned());
        }
        if self.chunks.is_some_and(|n| n > CHUNKS_MAX) {
            return Err(format!("`chunks` must be at most {CHUNKS_MAX}"));
        }
        for (name, value) in &self.headers {
            if HeaderName::try_from(name).is_err() || HeaderValue::try_from(value).is_err() {
                return Err(format!("`{name}` is no usable header"));
            }
        }
        Ok(())
    }
}

/// What rules can match.
pub(crate) struct Facts<'a> {
    pub(crate) host: &'a str,
    /// Without the query.
    pub(crate) path: &'a str,
    pub(crate) model: Option<&'a str>,
    pub(crate) key: Option<&'a str>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    rules: Vec<Rule>,
}

/// The rules in force.
#[derive(Default)]
pub(crate) struct Script {
    rules: Mutex<Vec<Live>>,
}

struct Live {
    rule: Arc<Rule>,
    left: Option<u64>,
}

impl Script {
    /// Replaces the rules by those of a JSON document; says how many there are.
    pub(crate) fn load(&self, document: &[u8]) -> Result<usize, Error> {
        let wrong = |problem: String| Error::Script { problem };
        let Document { rules } =
            serde_json::from_slice(document).map_err(|error| wrong(error.to_string()))?;
        if rules.len() > RULES_MAX {
            return Err(wrong(format!("more than {RULES_MAX} rules")));
        }
        for (number, rule) in rules.iter().enumerate() {
            rule.check()
                .map_err(|problem| wrong(format!("rule {number}: {problem}")))?;
        }
        let live: Vec<Live> = rules
            .into_iter()
            .map(|rule| Live {
                left: rule.times,
                rule: Arc::new(rule),
            })
            .collect();
        let n_rules = live.len();
        *self.rules.lock().unwrap_or_else(PoisonError::into_inner) = live;
        Ok(n_rules)
    }

    /// Returns the rule for a request and uses it up once.
    pub(crate) fn take(&self, facts: &Facts<'_>) -> Option<Arc<Rule>> {
        let mut rules = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        let live = rules
            .iter_mut()
            .find(|live| live.left != Some(0) && live.rule.matches(facts))?;
        live.left = live.left.map(|left| left - 1);
        Some(Arc::clone(&live.rule))
    }

    pub(crate) fn clear(&self) {
        self.rules
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FACTS: Facts<'static> = Facts {
        host: "dashscope.aliyuncs.com",
        path: "/compatible-mode/v1/chat/completions",
        model: Some("qwen-plus"),
        key: None,
    };

    fn script(rules: &str) -> Script {
        let script = Script::default();
        script
            .load(format!(r#"{{"rules":{rules}}}"#).as_bytes())
            .unwrap();
        script
    }

    #[test]
    fn the_first_live_match_decides_until_it_is_used_up() {
        let script = script(
            r#"[{"match":{"model":"other"},"status":501},
                {"match":{"path":"/chat/completions"},"times":2,"status":429},
                {"match":{"host":"DASHSCOPE.aliyuncs.com"},"status":503}]"#,
        );
        let statuses: Vec<u16> = (0..4)
            .map(|_| script.take(&FACTS).unwrap().status.unwrap())
            .collect();
        assert_eq!(statuses, [429, 429, 503, 503]);
        script.clear();
        assert!(script.take(&FACTS).is_none());
    }

    #[test]
    fn refuses_what_it_does_not_understand() {
        for rules in [
            r#"[{"statsu":500}]"#,
            r#"[{"status":99}]"#,
            r#"[{"chunk_bytes":0}]"#,
            r#"[{"delay_ms":600001}]"#,
            r#"[{"headers":{"a b":"c"}}]"#,
            r#"[{"match":{"methd":"GET"}}]"#,
        ] {
            let document = format!(r#"{{"rules":{rules}}}"#);
            assert!(
                Script::default().load(document.as_bytes()).is_err(),
                "{rules}"
            );
        }
    }
}
