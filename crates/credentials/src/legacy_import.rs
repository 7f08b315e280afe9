//! Reads the stores of the first generations: `auth.json` of an agent and `credentials/oauth.json` of the home.
//!
//! Both are flat: provider to credential. Each becomes the profile `<provider>:default` where no later store has one.
//! The files are never changed; a login in them moves into the store of its agent when it is renewed.

use std::path::Path;

use config::{ProfileId, ProviderId};
use serde_json::{Map, Value};

use crate::document::wipe;
use crate::error::{Error, ShapeProblem};
use crate::profile::{EntryProblem, Profile};
use crate::store::{Origin, StoredProfiles, Warning};
use crate::store_file;

/// The name of the old store in the folder of an agent.
pub(crate) const AGENT_FILE: &str = "auth.json";

/// The place of the old store of logins below the state folder.
pub(crate) const LOGINS_FILE: &str = "credentials/oauth.json";

/// Reads one of the two files; `None` when there is none.
pub(crate) fn read(path: &Path) -> Result<Option<StoredProfiles>, Error> {
    let Some(file) = store_file::read(path)? else {
        return Ok(None);
    };
    let value = serde_json::from_str(&file.text).map_err(|source| Error::StoreSyntax {
        path: path.to_owned(),
        line: source.line(),
        column: source.column(),
        source,
    })?;
    let Value::Object(mut entries) = value else {
        return Err(Error::StoreShape {
            path: path.to_owned(),
            problem: ShapeProblem::RootNotAnObject,
        });
    };
    let mut stored = StoredProfiles::empty(Origin::Legacy(path.to_owned()));
    stored.warnings.extend(file.mode_warning);
    let mut problems = Vec::new();
    for (provider, entry) in &mut entries {
        match profile(provider, entry) {
            Ok(profile) => stored.profiles.push(profile),
            Err(problem) => problems.push((provider.clone(), problem)),
        }
        wipe(entry);
    }
    if !problems.is_empty() {
        stored.warnings.push(Warning::SkippedEntries {
            path: path.to_owned(),
            entries: problems,
        });
    }
    Ok(Some(stored))
}

/// Completes an entry of the flat form and reads it as one of today.
fn profile(provider: &str, entry: &Value) -> Result<Profile, EntryProblem> {
    let provider = ProviderId::new(provider).map_err(|_| EntryProblem::NoProvider)?;
    let mut fields = entry.as_object().ok_or(EntryProblem::NotAnObject)?.clone();
    let default = |fields: &mut Map<String, Value>, name: &str, value: &str| {
        fields
            .entry(name)
            .or_insert_with(|| Value::String(value.to_owned()));
    };
    default(&mut fields, "provider", provider.as_str());
    if !fields.contains_key("mode") {
        default(&mut fields, "type", "oauth");
    }
    let mut entry = Value::Object(fields);
    let profile = Profile::from_entry(ProfileId::default_of(&provider).as_str(), &entry);
    wipe(&mut entry);
    profile
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Kind;

    #[test]
    fn flat_entries_become_default_profiles() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("auth.json");
        let text = r#"{"qwen-portal":{"access":"a","refresh":"r","expires":5,"email":"e"},
            "qwen":{"type":"api_key","key":"k"},"x":{"mode":"token","token":"t"},"y":3,"z":{"type":"?"}}"#;
        std::fs::write(&path, text).unwrap();
        let stored = read(&path).unwrap().unwrap();
        let found: Vec<_> = stored
            .profiles
            .iter()
            .map(|profile| (profile.id.as_str(), profile.kind()))
            .collect();
        assert_eq!(
            found,
            [
                ("qwen-portal:default", Kind::OAuth),
                ("qwen:default", Kind::ApiKey),
                ("x:default", Kind::Token)
            ]
        );
        let skipped = stored.warnings.iter().find_map(|warning| match warning {
            Warning::SkippedEntries { entries, .. } => Some(entries.len()),
            _ => None,
        });
        assert_eq!(skipped, Some(2));
        assert!(read(&folder.path().join("none.json")).unwrap().is_none());
        std::fs::write(&path, "[]").unwrap();
        assert!(read(&path).is_err());
    }
}
