//! `auth-state.json`: orders and statistics, written without ever touching a credential.
//!
//! The original kept both in one document, and a statistics write put tokens back that had just been replaced. Here the
//! two files have nothing in common: this one is written under its own lock, one entry at a time, and `auth-profiles.json`
//! is not even opened.

use std::path::{Path, PathBuf};
use std::time::Duration;

use config::{AgentId, Home, LockFile, ProfileId, ProviderId};
use serde_json::{Map, Value, json};

use crate::error::{Error, ShapeProblem};
use crate::profile_state::{FILE_NAME, Usage};
use crate::store_file;

/// How long a write waits for another one to end.
const LOCK_WAIT_MAX: Duration = Duration::from_secs(5);

/// The orders and statistics of one agent, which need not exist yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageFile {
    path: PathBuf,
}

impl UsageFile {
    /// Names the file of an agent; nothing is read.
    pub fn of_agent(home: &Home, agent: &AgentId) -> Self {
        Self {
            path: home.agent_dir(agent).join(FILE_NAME),
        }
    }

    /// Returns the path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Replaces what is known about the use of some profiles; fields that this program does not know stay.
    ///
    /// # Errors
    /// [`Error::LockStore`], [`Error::WriteStore`], and those of reading: [`Error::ReadStore`],
    /// [`Error::StoreTooLarge`], [`Error::StoreSyntax`], [`Error::StoreShape`]. The file is then the old one.
    pub fn record(&self, usage: &[(ProfileId, Usage)]) -> Result<(), Error> {
        self.change(|root| {
            change_object(root, "usageStats", |all| {
                for (id, usage) in usage {
                    change_object(all, id.as_str(), |entry| usage.merge_into(entry));
                }
            });
        })
    }

    /// Notes the profile of a provider that worked last.
    ///
    /// # Errors
    /// Those of [`UsageFile::record`].
    pub fn record_good(&self, provider: &ProviderId, id: &ProfileId) -> Result<(), Error> {
        self.change(|root| {
            change_object(root, "lastGood", |all| {
                all.insert(provider.to_string(), Value::from(id.as_str()));
            });
        })
    }

    /// Sets the order in which the profiles of a provider are tried, or removes it.
    ///
    /// # Errors
    /// Those of [`UsageFile::record`].
    pub fn set_order(
        &self,
        provider: &ProviderId,
        order: Option<&[ProfileId]>,
    ) -> Result<(), Error> {
        self.change(|root| {
            change_object(root, "order", |orders| match order {
                Some(ids) => {
                    let ids: Vec<_> = ids.iter().map(ProfileId::as_str).collect();
                    orders.insert(provider.to_string(), Value::from(ids));
                }
                None => {
                    orders.shift_remove(provider.as_str());
                }
            });
        })
    }

    fn change(&self, change: impl FnOnce(&mut Map<String, Value>)) -> Result<(), Error> {
        let write_error = |source| Error::WriteStore {
            path: self.path.clone(),
            source: Box::new(source),
        };
        if let Some(folder) = self.path.parent() {
            config::create_private_folder(folder).map_err(write_error)?;
        }
        let _lock =
            LockFile::acquire(&self.path, LOCK_WAIT_MAX).map_err(|source| Error::LockStore {
                path: self.path.clone(),
                source: Box::new(source),
            })?;
        let before = self.read()?;
        let mut after = before.clone();
        change(&mut after);
        if after == before {
            return Ok(());
        }
        let text = serde_json::to_string_pretty(&after).map_err(|source| Error::EncodeStore {
            path: self.path.clone(),
            source,
        })?;
        config::write_atomic(
            &self.path,
            format!("{text}\n").as_bytes(),
            config::FILE_MODE_SECRET,
        )
        .map_err(write_error)
    }

    fn read(&self) -> Result<Map<String, Value>, Error> {
        let Some(file) = store_file::read(&self.path)? else {
            return Ok(Map::from_iter([("version".to_owned(), Value::from(1))]));
        };
        match serde_json::from_str(&file.text) {
            Ok(Value::Object(root)) => Ok(root),
            Ok(_) => Err(Error::StoreShape {
                path: self.path.clone(),
                problem: ShapeProblem::RootNotAnObject,
            }),
            Err(source) => Err(Error::StoreSyntax {
                path: self.path.clone(),
                line: source.line(),
                column: source.column(),
                source,
            }),
        }
    }
}

impl Usage {
    /// Writes what is known over an entry; what is not known any more is removed, what is foreign stays.
    fn merge_into(&self, entry: &mut Map<String, Value>) {
        let time = |at_ms: Option<u64>| at_ms.map(Value::from);
        let text = |text: &Option<String>| text.clone().map(Value::from);
        let counts = (!self.failure_counts.is_empty()).then(|| json!(self.failure_counts));
        for (name, value) in [
            ("lastUsed", time(self.last_used_ms)),
            ("errorCount", Some(Value::from(self.error_count))),
            ("failureCounts", counts),
            ("lastFailureAt", time(self.last_failure_ms)),
            ("cooldownUntil", time(self.cooldown_until_ms)),
            ("cooldownReason", text(&self.cooldown_reason)),
            ("cooldownModel", text(&self.cooldown_model)),
            ("disabledUntil", time(self.disabled_until_ms)),
            ("disabledReason", text(&self.disabled_reason)),
        ] {
            match value {
                Some(value) => {
                    entry.insert(name.to_owned(), value);
                }
                None => {
                    entry.shift_remove(name);
                }
            }
        }
    }
}

/// Changes the object at `name`, which is made, or replaces what is not one.
fn change_object(
    root: &mut Map<String, Value>,
    name: &str,
    change: impl FnOnce(&mut Map<String, Value>),
) {
    let value = root.entry(name).or_insert(Value::Null);
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    if let Value::Object(fields) = value {
        change(fields);
    }
}
