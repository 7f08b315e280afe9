//! Orders and statistics of profiles: kept apart from the secrets, and worth less than them.
//!
//! Since 2026.5.20 they have a file of their own, `auth-state.json`; before, they stood in `auth-profiles.json`. Writing
//! them must never rewrite a credential: a statistics write that put old tokens back is how the original lost logins.
//! Nothing here is an error: what cannot be understood is ignored.

use std::collections::BTreeMap;
use std::path::Path;

use config::{ProfileId, ProviderId};
use serde_json::{Map, Value};

use crate::profile::entry::whole_ms;
use crate::store::Warning;
use crate::store_file;

/// The name of the file beside `auth-profiles.json`.
pub const FILE_NAME: &str = "auth-state.json";

/// Orders and statistics of the profiles of one agent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProfileState {
    /// The order in which the profiles of a provider are tried; those not listed are not tried.
    pub order: BTreeMap<ProviderId, Vec<ProfileId>>,
    /// The profile that worked last.
    pub last_good: BTreeMap<ProviderId, ProfileId>,
    /// What is known about the use of each profile.
    pub usage: BTreeMap<ProfileId, Usage>,
}

/// What is known about the use of one profile; times are milliseconds since 1970 UTC.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Usage {
    /// When it was last used.
    pub last_used_ms: Option<u64>,
    /// Failures since the last success.
    pub error_count: u64,
    /// Failures since the last success, by reason.
    pub failure_counts: BTreeMap<String, u64>,
    /// When it last failed.
    pub last_failure_ms: Option<u64>,
    /// Until when it rests after failures.
    pub cooldown_until_ms: Option<u64>,
    /// Why it rests.
    pub cooldown_reason: Option<String>,
    /// The one model that the rest is about; all models without it.
    pub cooldown_model: Option<String>,
    /// Until when it is off, usually for want of money.
    pub disabled_until_ms: Option<u64>,
    /// Why it is off.
    pub disabled_reason: Option<String>,
}

impl ProfileState {
    /// Reads `auth-state.json`; an unreadable file is a warning, and a missing one is nothing.
    pub fn load(path: &Path) -> (Self, Option<Warning>) {
        let unreadable = || {
            (
                Self::default(),
                Some(Warning::UnreadableState {
                    path: path.to_owned(),
                }),
            )
        };
        let Ok(file) = store_file::read(path) else {
            return unreadable();
        };
        let Some(file) = file else {
            return (Self::default(), None);
        };
        match serde_json::from_str::<Value>(&file.text) {
            Ok(Value::Object(root)) => (Self::from_root(&root), None),
            Ok(_) | Err(_) => unreadable(),
        }
    }

    /// Reads the three keys at the top level of a state or an older store.
    pub(crate) fn from_root(root: &Map<String, Value>) -> Self {
        Self {
            order: entries(root, "order")
                .filter_map(|(provider, ids)| {
                    Some((ProviderId::new(provider).ok()?, profile_ids(ids)?))
                })
                .collect(),
            last_good: entries(root, "lastGood")
                .filter_map(|(provider, id)| {
                    Some((ProviderId::new(provider).ok()?, profile_id(id)?))
                })
                .collect(),
            usage: entries(root, "usageStats")
                .filter_map(|(id, usage)| {
                    Some((
                        ProfileId::new(id).ok()?,
                        Usage::from_entry(usage.as_object()?),
                    ))
                })
                .collect(),
        }
    }

    /// Returns this state completed by `below`; what this one says wins.
    pub(crate) fn over(mut self, below: Self) -> Self {
        for (provider, order) in below.order {
            self.order.entry(provider).or_insert(order);
        }
        for (provider, id) in below.last_good {
            self.last_good.entry(provider).or_insert(id);
        }
        for (id, usage) in below.usage {
            self.usage.entry(id).or_insert(usage);
        }
        self
    }
}

impl Usage {
    fn from_entry(fields: &Map<String, Value>) -> Self {
        let time = |name: &str| {
            fields
                .get(name)
                .and_then(whole_ms)
                .filter(|at_ms| *at_ms > 0)
        };
        let text = |name: &str| fields.get(name).and_then(Value::as_str).map(str::to_owned);
        Self {
            last_used_ms: time("lastUsed"),
            error_count: fields
                .get("errorCount")
                .and_then(whole_ms)
                .unwrap_or_default(),
            failure_counts: entries(fields, "failureCounts")
                .filter_map(|(reason, count)| Some((reason.clone(), whole_ms(count)?)))
                .collect(),
            last_failure_ms: time("lastFailureAt"),
            cooldown_until_ms: time("cooldownUntil"),
            cooldown_reason: text("cooldownReason"),
            cooldown_model: text("cooldownModel"),
            disabled_until_ms: time("disabledUntil"),
            disabled_reason: text("disabledReason"),
        }
    }
}

fn entries<'a>(
    root: &'a Map<String, Value>,
    name: &str,
) -> impl Iterator<Item = (&'a String, &'a Value)> {
    root.get(name)
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
}

fn profile_ids(ids: &Value) -> Option<Vec<ProfileId>> {
    Some(ids.as_array()?.iter().filter_map(profile_id).collect())
}

fn profile_id(id: &Value) -> Option<ProfileId> {
    ProfileId::new(id.as_str()?).ok()
}
