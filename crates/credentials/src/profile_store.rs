//! `auth-profiles.json`: the store that this program reads and writes.
//!
//! A write takes the lock beside the file, reads the file again, changes one entry, writes a new file of mode 0600 next
//! to it, syncs it, renames it over the old one and syncs the folder. So a reader sees the old store or the new one, and
//! two writers never undo each other. What is not understood stays as it is.

use std::path::{Path, PathBuf};
use std::time::Duration;

use config::{AgentId, Home, LockFile, ProfileId};

use crate::document::{Document, VERSION};
use crate::error::Error;
use crate::profile::{Credential, Login, Profile};
use crate::profile_state::ProfileState;
use crate::store::{Origin, StoredProfiles, Warning};
use crate::store_file;

/// The name of the store in the folder of an agent.
pub const FILE_NAME: &str = "auth-profiles.json";

/// How long a write waits for another one to end.
const LOCK_WAIT_MAX: Duration = Duration::from_secs(10);

/// One `auth-profiles.json`, which need not exist yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileStore {
    path: PathBuf,
}

impl ProfileStore {
    /// Names the store at `path`; nothing is read.
    pub fn at(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
        }
    }

    /// Names the store of an agent; nothing is read.
    pub fn of_agent(home: &Home, agent: &AgentId) -> Self {
        Self {
            path: home.agent_dir(agent).join(FILE_NAME),
        }
    }

    /// Returns the path of the store.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the store; `None` when there is none.
    ///
    /// # Errors
    /// [`Error::ReadStore`] and [`Error::StoreTooLarge`] when the file cannot be read, [`Error::StoreSyntax`] and
    /// [`Error::StoreShape`] when it is not a store. A later version is only a warning.
    pub fn load(&self) -> Result<Option<StoredProfiles>, Error> {
        let Some(file) = store_file::read(&self.path)? else {
            return Ok(None);
        };
        let document = Document::parse(&self.path, &file.text)?;
        let mut stored = document.profiles(&Origin::Json(self.path.clone()));
        stored.state = ProfileState::from_root(document.root());
        stored.warnings.extend(file.mode_warning);
        Ok(Some(stored))
    }

    /// Adds the profile, or merges it into the entry of its id; returns the profile that was there.
    ///
    /// # Errors
    /// Those of [`ProfileStore::load`], [`Error::FutureVersion`] for a store of a later version, and
    /// [`Error::LockStore`] or [`Error::WriteStore`]. After each of them the store is the old one.
    pub fn upsert(&self, profile: &Profile) -> Result<Option<Profile>, Error> {
        self.change(|document| {
            let previous = document.profile(&profile.id);
            document.upsert(profile);
            (previous, Change::Write)
        })
    }

    /// Removes the profile of this id; returns the profile that was there.
    ///
    /// # Errors
    /// Those of [`ProfileStore::upsert`].
    pub fn remove(&self, id: &ProfileId) -> Result<Option<Profile>, Error> {
        if !self.path.exists() {
            return Ok(None);
        }
        self.change(|document| {
            let previous = document.profile(id);
            let change = if document.remove(id.as_str()) {
                Change::Write
            } else {
                Change::Nothing
            };
            (previous, change)
        })
    }

    /// Puts the tokens of `profile` in the place of older ones, if the store still holds what they replace.
    ///
    /// Without an entry the profile is added, or not, as `absent` says. Everything of an entry but its tokens stays as
    /// it is in the store at this moment.
    pub(crate) fn swap_login(
        &self,
        profile: &Profile,
        absent: Absent,
        may_replace: impl FnOnce(&Login) -> bool,
    ) -> Result<Swap, Error> {
        self.change(|document| {
            let Some(mut current) = document.profile(&profile.id) else {
                if absent == Absent::Refuse {
                    return (Swap::Gone, Change::Nothing);
                }
                document.upsert(profile);
                return (Swap::Done, Change::Write);
            };
            if current.credential == profile.credential {
                return (Swap::Done, Change::Nothing);
            }
            match &current.credential {
                Credential::OAuth(login) if may_replace(login) => {
                    current.credential = profile.credential.clone();
                    document.upsert(&current);
                    (Swap::Done, Change::Write)
                }
                _ => (Swap::Superseded, Change::Nothing),
            }
        })
    }

    /// Reads, changes and replaces the store while holding its lock.
    fn change<T>(&self, change: impl FnOnce(&mut Document) -> (T, Change)) -> Result<T, Error> {
        if let Some(folder) = self.path.parent() {
            config::create_private_folder(folder).map_err(|source| self.write_error(source))?;
        }
        let _lock =
            LockFile::acquire(&self.path, LOCK_WAIT_MAX).map_err(|source| Error::LockStore {
                path: self.path.clone(),
                source: Box::new(source),
            })?;
        // A killed writer may have left a copy of the secrets behind.
        config::sweep_temporaries(&self.path);
        let (mut document, mode_warning) = match store_file::read(&self.path)? {
            Some(file) => (Document::parse(&self.path, &file.text)?, file.mode_warning),
            None => (Document::empty(), None),
        };
        if document.version() > VERSION {
            return Err(Error::FutureVersion {
                path: self.path.clone(),
                version: document.version(),
            });
        }
        let (result, change) = change(&mut document);
        if change == Change::Write {
            self.write(document)?;
            if let Some(Warning::LooseMode { path, mode }) = mode_warning {
                let (path, mode) = (path.display(), format!("{mode:04o}"));
                tracing::warn!(%path, mode, "other users could read the credential store; its mode is 0600 now");
            }
        }
        Ok(result)
    }

    fn write(&self, document: Document) -> Result<(), Error> {
        let text = document.into_text().map_err(|source| Error::EncodeStore {
            path: self.path.clone(),
            source,
        })?;
        config::write_atomic(&self.path, text.as_bytes(), config::FILE_MODE_SECRET)
            .map_err(|source| self.write_error(source))
    }

    fn write_error(&self, source: config::Error) -> Error {
        Error::WriteStore {
            path: self.path.clone(),
            source: Box::new(source),
        }
    }
}

/// What [`ProfileStore::swap_login`] does when there is no entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Absent {
    /// Add the profile: it came from another place.
    Add,
    /// Leave it: somebody has removed it.
    Refuse,
}

/// What [`ProfileStore::swap_login`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Swap {
    /// The store holds the new tokens.
    Done,
    /// The store holds other tokens, which are newer or of another login.
    Superseded,
    /// Somebody has removed the profile.
    Gone,
}

/// Whether a change of the document is to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Write,
    Nothing,
}
