//! The write of one API key as a value: it can be described, applied and undone.

use std::path::Path;

use config::{AgentId, Home, ProfileId, ProviderId};

use crate::error::Error;
use crate::profile::{Credential, HeldSecret, Profile};
use crate::profile_store::ProfileStore;

/// A planned write of one profile.
#[derive(Debug, Clone)]
pub struct ProfilePlan {
    store: ProfileStore,
    shown_path: String,
    profile: Profile,
    previous: Option<Profile>,
}

/// A write that was done, and what it takes to undo it.
#[derive(Debug)]
#[must_use = "keep it until the steps that follow have succeeded, so that the write can be undone"]
pub struct AppliedProfile {
    store: ProfileStore,
    written: Profile,
    previous: Option<Profile>,
}

/// Plans to store an API key, or a reference to one, as a profile of the agent; nothing is written yet.
///
/// # Errors
/// Those of [`ProfileStore::load`], so that a broken store is found before anything else is changed.
pub fn write_api_key_profile(
    home: &Home,
    agent: &AgentId,
    provider: &ProviderId,
    id: &ProfileId,
    key: HeldSecret,
) -> Result<ProfilePlan, Error> {
    let store = ProfileStore::of_agent(home, agent);
    let stored = store.load()?;
    if let Some(version) = stored
        .as_ref()
        .and_then(crate::store::StoredProfiles::future_version)
    {
        return Err(Error::FutureVersion {
            path: store.path().to_owned(),
            version,
        });
    }
    Ok(ProfilePlan {
        previous: stored.and_then(|stored| stored.get(id).cloned()),
        shown_path: home.display(store.path()),
        profile: Profile::api_key(id.clone(), provider.clone(), key),
        store,
    })
}

impl ProfilePlan {
    /// Returns the file that will be written.
    pub fn path(&self) -> &Path {
        self.store.path()
    }

    /// Returns the profile that will be written.
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// Says in one line what [`ProfilePlan::apply`] will do; secrets are masked.
    pub fn describe(&self) -> String {
        let Self {
            profile,
            shown_path,
            previous,
            ..
        } = self;
        let new = shown(&profile.credential);
        match previous {
            None => format!("add profile `{}` ({new}) to {shown_path}", profile.id),
            Some(old)
                if old.credential == profile.credential && old.provider == profile.provider =>
            {
                format!("keep profile `{}` ({new}) in {shown_path}", profile.id)
            }
            Some(old) => {
                format!(
                    "replace profile `{}` ({}) by ({new}) in {shown_path}",
                    profile.id,
                    shown(&old.credential)
                )
            }
        }
    }

    /// Writes the profile.
    ///
    /// # Errors
    /// Those of [`ProfileStore::upsert`]; after each of them the store is the old one.
    pub fn apply(self) -> Result<AppliedProfile, Error> {
        let previous = self.store.upsert(&self.profile)?;
        Ok(AppliedProfile {
            store: self.store,
            written: self.profile,
            previous,
        })
    }
}

impl AppliedProfile {
    /// Puts the profile back as it was, unless another program has changed it since.
    ///
    /// # Errors
    /// Those of [`ProfileStore::upsert`].
    pub fn undo(self) -> Result<(), Error> {
        let now = self
            .store
            .load()?
            .and_then(|stored| stored.get(&self.written.id).cloned());
        if now.is_none_or(|now| now.credential != self.written.credential) {
            return Ok(());
        }
        match self.previous {
            Some(previous) => self.store.upsert(&previous).map(drop),
            None => self.store.remove(&self.written.id).map(drop),
        }
    }
}

fn shown(credential: &Credential) -> String {
    match credential {
        Credential::ApiKey { key } => format!("api_key, {}", shown_secret(key)),
        Credential::Token { token, .. } => format!("token, {}", shown_secret(token)),
        Credential::OAuth(_) => "oauth".to_owned(),
    }
}

fn shown_secret(held: &HeldSecret) -> String {
    match held {
        HeldSecret::Inline(secret) => secret.mask(),
        HeldSecret::Reference(reference) => {
            format!("{}:{}", reference.source.as_str(), reference.id)
        }
        HeldSecret::Missing => "no secret".to_owned(),
    }
}
