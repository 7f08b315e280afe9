//! What hosts list: asked with each key, kept in the home's cache, and laid over the shipped data.
//!
//! A list is evidence about one key on one host. It never takes away what the config names, and never makes a chat model
//! of something else.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::attempt::Upstream;
use crate::deadline::Deadline;
use crate::directory::Target;
use crate::failure::Failure;
use crate::probe::PROBE_MAX;
use crate::upstream_url::UrlError;

/// Most models of one host that are kept.
const MODELS_MAX: usize = 5000;
/// Longest model id that is kept, in bytes.
const ID_BYTES_MAX: usize = 256;
/// Names under which servers give the window of a model.
const WINDOW_NAMES: [&str; 4] = [
    "context_window",
    "context_length",
    "max_model_len",
    "max_context_length",
];

/// The lists of all hosts that were asked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ModelLists {
    /// One per host and credential.
    #[serde(default)]
    pub hosts: Vec<HostList>,
}

/// What one host said about one credential.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HostList {
    /// Provider id.
    pub provider: String,
    /// Base URL that was asked.
    pub base_url: String,
    /// Name and fingerprint of the credential; empty for a server that needs none.
    pub credential: String,
    /// When it was asked, in Unix milliseconds.
    pub asked_at_ms: u64,
    /// Whether the host has a list at all.
    pub has_list: bool,
    /// The list.
    #[serde(default)]
    pub models: Vec<LiveModel>,
    /// Models that were asked for an answer.
    #[serde(default)]
    pub checked: Vec<CheckedModel>,
}

/// One row of a host's list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LiveModel {
    /// Model id.
    pub id: String,
    /// When the host says it was made, in Unix seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<u64>,
    /// Window in tokens, on servers that tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context_window: Option<u64>,
}

/// What came of asking a model for an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CheckedModel {
    /// Model id.
    pub id: String,
    /// When it was asked, in Unix milliseconds.
    pub at_ms: u64,
    /// Class of the failure; none when it answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
}

/// How a list differs from what was known before.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    /// Ids that are new.
    pub added: Vec<String>,
    /// Ids that are gone.
    pub removed: Vec<String>,
    /// Ids of which the host says something else than before.
    pub changed: Vec<String>,
}

impl ModelLists {
    /// Returns what is known of a host with a credential.
    pub fn of(&self, provider: &str, base_url: &str, credential: &str) -> Option<&HostList> {
        self.hosts
            .iter()
            .find(|host| host.is_of(provider, base_url, credential))
    }

    /// Returns what is known of a target.
    pub fn of_target(&self, target: &Target) -> Option<&HostList> {
        self.of(
            &target.provider,
            target.base.as_str(),
            credential_of(target),
        )
    }

    /// Keeps a newer answer; what was checked stays.
    pub fn keep(&mut self, mut list: HostList) {
        let is_same =
            |host: &HostList| host.is_of(&list.provider, &list.base_url, &list.credential);
        match self.hosts.iter().position(is_same) {
            Some(at) => {
                let old = self.hosts.remove(at);
                list.checked.extend(old.checked);
                self.hosts.insert(at, list);
            }
            None => self.hosts.push(list),
        }
    }

    /// Notes that a model of a target was asked for an answer.
    pub fn note(&mut self, target: &Target, checked: CheckedModel) {
        let known = self.hosts.iter_mut().find(|host| {
            host.is_of(
                &target.provider,
                target.base.as_str(),
                credential_of(target),
            )
        });
        if let Some(host) = known {
            host.checked.retain(|old| old.id != checked.id);
            host.checked.push(checked);
        } else {
            let mut host = empty(target, checked.at_ms);
            host.checked.push(checked);
            self.hosts.push(host);
        }
    }
}

impl HostList {
    fn is_of(&self, provider: &str, base_url: &str, credential: &str) -> bool {
        self.provider == provider && self.base_url == base_url && self.credential == credential
    }

    /// Returns how this list differs from an older one.
    pub fn since(&self, older: &[LiveModel]) -> Difference {
        let before: HashMap<&str, &LiveModel> = older
            .iter()
            .map(|model| (model.id.as_str(), model))
            .collect();
        let now: HashMap<&str, &LiveModel> = self
            .models
            .iter()
            .map(|model| (model.id.as_str(), model))
            .collect();
        let ids = |models: &[LiveModel], wanted: &dyn Fn(&LiveModel) -> bool| {
            let kept = models.iter().filter(|model| wanted(model));
            kept.map(|model| model.id.clone()).collect()
        };
        Difference {
            added: ids(&self.models, &|model| {
                !before.contains_key(model.id.as_str())
            }),
            removed: ids(older, &|model| !now.contains_key(model.id.as_str())),
            changed: ids(&self.models, &|model| {
                let old = before.get(model.id.as_str());
                old.is_some_and(|old| says_something_else(old, model))
            }),
        }
    }
}

/// Says whether both rows tell something and it is not the same.
fn says_something_else(old: &LiveModel, new: &LiveModel) -> bool {
    let differs = |old: Option<u64>, new: Option<u64>| old.is_some() && new.is_some() && old != new;
    differs(old.created, new.created) || differs(old.context_window, new.context_window)
}

/// Asks the host of a target for its list. A host without one is an answer, not a failure.
///
/// # Errors
/// The classified [`Failure`]; [`UrlError`] when the target has no usable URL.
///
/// # Cancel safety
/// Dropping the future closes the connection.
pub async fn ask(
    upstream: &Upstream,
    target: &Target,
    now_ms: u64,
) -> Result<Result<HostList, Failure>, UrlError> {
    let route = target.route("-")?;
    let mut host = empty(target, now_ms);
    if route.models_url.is_none() {
        return Ok(Ok(host));
    }
    let listed = upstream
        .model_list(&route, Deadline::after(PROBE_MAX))
        .await;
    Ok(match listed {
        Ok(body) => {
            host.has_list = true;
            host.models = read(&body);
            Ok(host)
        }
        Err(failure) if failure.status == Some(404) => Ok(host),
        Err(failure) => Err(failure),
    })
}

/// Reads a model list: `{"data": [...]}` or the array alone, of objects with an `id` or of ids.
pub fn read(body: &[u8]) -> Vec<LiveModel> {
    let value: Value = serde_json::from_slice(body).unwrap_or_default();
    let rows = value.get("data").unwrap_or(&value);
    let rows = rows.as_array().map(Vec::as_slice).unwrap_or_default();
    let mut models: Vec<LiveModel> = Vec::new();
    for model in rows.iter().take(MODELS_MAX).filter_map(live_model) {
        if !models.iter().any(|known| known.id == model.id) {
            models.push(model);
        }
    }
    models
}

fn live_model(row: &Value) -> Option<LiveModel> {
    let written = row.as_str().or_else(|| row.get("id")?.as_str())?;
    let is_printable = !written.contains(char::is_control);
    let id = written.trim();
    let is_usable = is_printable && !id.is_empty() && id.len() <= ID_BYTES_MAX;
    let window = WINDOW_NAMES
        .iter()
        .find_map(|name| row.get(name).and_then(Value::as_u64));
    is_usable.then(|| LiveModel {
        id: id.to_owned(),
        created: row.get("created").and_then(Value::as_u64),
        context_window: window,
    })
}

fn empty(target: &Target, now_ms: u64) -> HostList {
    HostList {
        provider: target.provider.to_string(),
        base_url: target.base.as_str().to_owned(),
        credential: credential_of(target).to_owned(),
        asked_at_ms: now_ms,
        has_list: false,
        models: Vec::new(),
        checked: Vec::new(),
    }
}

fn credential_of(target: &Target) -> &str {
    target.credential().map_or("", AsRef::as_ref)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(id: &str, window: Option<u64>) -> LiveModel {
        LiveModel {
            id: id.to_owned(),
            created: None,
            context_window: window,
        }
    }

    fn host(credential: &str, models: Vec<LiveModel>) -> HostList {
        HostList {
            provider: "qwen".to_owned(),
            base_url: "https://h/v1".to_owned(),
            credential: credential.to_owned(),
            asked_at_ms: 1,
            has_list: true,
            models,
            checked: Vec::new(),
        }
    }

    #[test]
    fn reads_lists_of_every_form() {
        let listed = read(br#"{"object":"list","data":[{"id":"a","created":5},{"id":"a"},{"id":""},{"x":1},{"id":"b\nb"},{"id":"c","max_model_len":4096}]}"#);
        let ids: Vec<&str> = listed.iter().map(|model| model.id.as_str()).collect();
        assert_eq!(ids, ["a", "c"]);
        assert_eq!(
            (listed[0].created, listed[1].context_window),
            (Some(5), Some(4096))
        );
        assert_eq!(read(br#"["x", "y"]"#).len(), 2);
        for nothing in [&b"<html>"[..], b"{}", b"{\"data\":5}", b""] {
            assert_eq!(read(nothing), []);
        }
        let many: Vec<Value> = (0..MODELS_MAX + 5).map(|n| n.to_string().into()).collect();
        assert_eq!(
            read(Value::Array(many).to_string().as_bytes()).len(),
            MODELS_MAX
        );
    }

    #[test]
    fn tells_what_changed() {
        let before = [model("a", Some(1)), model("b", Some(2)), model("c", None)];
        let now = host(
            "k",
            vec![model("b", Some(3)), model("c", Some(9)), model("d", None)],
        );
        let expected = Difference {
            added: vec!["d".to_owned()],
            removed: vec!["a".to_owned()],
            changed: vec!["b".to_owned()],
        };
        assert_eq!(now.since(&before), expected);
        assert_eq!(now.since(&now.models), Difference::default());
    }

    #[test]
    fn a_newer_list_replaces_that_of_the_same_key_and_keeps_what_was_checked() {
        let mut lists = ModelLists::default();
        let mut first = host("one", vec![model("a", None)]);
        first.checked.push(CheckedModel {
            id: "x".to_owned(),
            at_ms: 3,
            refused: None,
        });
        lists.keep(first);
        lists.keep(host("two", vec![model("b", None)]));
        lists.keep(host("one", vec![model("c", None)]));
        assert_eq!(lists.hosts.len(), 2);
        let kept = lists.of("qwen", "https://h/v1", "one").unwrap();
        assert_eq!((kept.models[0].id.as_str(), kept.checked.len()), ("c", 1));
        assert_eq!(lists.of("qwen", "https://other/v1", "one"), None);
    }
}
