//! The JSON document of a profile store, kept whole so that nothing in it is lost by a rewrite.

use std::path::Path;

use config::ProfileId;
use secrecy::zeroize::{Zeroize, Zeroizing};
use serde_json::{Map, Value};

use crate::error::{Error, ShapeProblem};
use crate::profile::Profile;
use crate::store::{Origin, StoredProfiles, Warning};

/// The newest version of the format that this program may write.
pub(crate) const VERSION: u64 = 1;

/// A parsed store; its texts are overwritten when it is dropped.
pub(crate) struct Document {
    /// The top level; its `profiles` is empty here and keeps only the place of the key.
    root: Map<String, Value>,
    /// What belongs under `profiles`.
    entries: Map<String, Value>,
}

impl Document {
    /// Starts a store without entries.
    pub(crate) fn empty() -> Self {
        let mut root = Map::new();
        root.insert("version".to_owned(), Value::from(VERSION));
        Self {
            root,
            entries: Map::new(),
        }
    }

    /// Parses the text of a store; `path` is only named in errors.
    pub(crate) fn parse(path: &Path, text: &str) -> Result<Self, Error> {
        let value = serde_json::from_str(text).map_err(|source| Error::StoreSyntax {
            path: path.to_owned(),
            line: source.line(),
            column: source.column(),
            source,
        })?;
        let shape_error = |problem| Error::StoreShape {
            path: path.to_owned(),
            problem,
        };
        let Value::Object(mut root) = value else {
            return Err(shape_error(ShapeProblem::RootNotAnObject));
        };
        let entries = match root.get_mut("profiles") {
            None => Map::new(),
            Some(Value::Object(entries)) => std::mem::take(entries),
            Some(_) => return Err(shape_error(ShapeProblem::ProfilesNotAnObject)),
        };
        Ok(Self { root, entries })
    }

    /// Returns the format version; a store without one is of version 1.
    pub(crate) fn version(&self) -> u64 {
        self.root
            .get("version")
            .and_then(Value::as_u64)
            .unwrap_or(VERSION)
    }

    /// Returns the top level beside `profiles`.
    pub(crate) fn root(&self) -> &Map<String, Value> {
        &self.root
    }

    /// Reads what the document means, skipping and counting the entries that mean nothing.
    pub(crate) fn profiles(&self, origin: &Origin) -> StoredProfiles {
        let mut stored = StoredProfiles::empty(origin.clone());
        let mut problems = Vec::new();
        for (id, entry) in &self.entries {
            match Profile::from_entry(id, entry) {
                Ok(profile) => stored.profiles.push(profile),
                Err(problem) => problems.push((id.clone(), problem)),
            }
        }
        if self.version() > VERSION {
            stored.warnings.push(Warning::FutureVersion {
                path: origin.path().to_owned(),
                version: self.version(),
            });
        }
        if !problems.is_empty() {
            stored.warnings.push(Warning::SkippedEntries {
                path: origin.path().to_owned(),
                entries: problems,
            });
        }
        stored
    }

    /// Returns the profile of this id, if its entry is one.
    pub(crate) fn profile(&self, id: &ProfileId) -> Option<Profile> {
        Profile::from_entry(id.as_str(), self.entries.get(id.as_str())?).ok()
    }

    /// Adds the profile or merges it into the entry of its id.
    pub(crate) fn upsert(&mut self, profile: &Profile) {
        let entry = self
            .entries
            .entry(profile.id.as_str())
            .or_insert(Value::Null);
        if let Value::Object(fields) = entry {
            profile.merge_into(fields);
            return;
        }
        let mut fields = Map::new();
        profile.merge_into(&mut fields);
        *entry = Value::Object(fields);
    }

    /// Removes the entry of this id; returns false when there is none.
    pub(crate) fn remove(&mut self, id: &str) -> bool {
        self.entries
            .shift_remove(id)
            .map(|mut entry| wipe(&mut entry))
            .is_some()
    }

    /// Returns the text as the original program writes it: two spaces, a line break at the end.
    pub(crate) fn into_text(mut self) -> Result<Zeroizing<String>, serde_json::Error> {
        if !self.root.contains_key("version") {
            self.root
                .shift_insert(0, "version".to_owned(), Value::from(VERSION));
        }
        let entries = std::mem::take(&mut self.entries);
        self.root
            .insert("profiles".to_owned(), Value::Object(entries));
        let mut text = Zeroizing::new(serde_json::to_string_pretty(&self.root)?);
        text.push('\n');
        Ok(text)
    }
}

impl Drop for Document {
    fn drop(&mut self) {
        self.root.values_mut().for_each(wipe);
        self.entries.values_mut().for_each(wipe);
    }
}

/// Overwrites every text inside `value`.
pub(crate) fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(items) => items.iter_mut().for_each(wipe),
        Value::Object(fields) => fields.values_mut().for_each(wipe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
