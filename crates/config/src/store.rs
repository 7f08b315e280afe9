//! The one place that reads and writes the config file.
//!
//! A commit takes the lock, reads the file again and refuses when it is not the one the change was made from, checks
//! that the change adds no error, keeps the old file as a backup, replaces the file and notes it in the audit log.

mod audit;
mod backup;
mod digest;
mod history;
mod undo;

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::env_var;
use crate::environment::Environment;
use crate::error::Error;
use crate::file::{self, FILE_MODE_SECRET};
use crate::home::Home;
use crate::lock_file::LockFile;
use crate::settings::{Problem, Settings, Severity};
use crate::text::{ConfigText, FILE_BYTES_MAX};

pub use backup::BACKUPS_MAX;
pub use digest::sha256;
pub use history::{GENERATIONS_MAX, Generation, History};
pub use undo::UndoPlan;

use history::Change;

/// How long a commit waits for another writer.
const LOCK_WAIT: Duration = Duration::from_secs(10);

/// The config file of one home.
#[derive(Debug, Clone)]
pub struct ConfigStore {
    path: PathBuf,
    log_dir: PathBuf,
    history: History,
    include_roots: Vec<PathBuf>,
    read_only: bool,
}

/// What reading the config file found.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The file.
    pub path: PathBuf,
    /// Its text, or `None` when it does not exist.
    pub text: Option<ConfigText>,
}

/// Who writes, for the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteOrigin {
    /// The words of the command, such as `["models", "set"]`; never values, which may be secrets.
    pub command: Vec<String>,
    /// The time of the write, RFC 3339 in UTC.
    pub at: String,
}

/// What a commit did.
#[derive(Debug)]
pub struct Committed {
    /// Whether the file was written; `false` when it already had these bytes.
    pub changed: bool,
    /// The copy of the old file, when there was one.
    pub backup: Option<PathBuf>,
    /// Why the audit log has no line about it; the config itself is written.
    pub audit_error: Option<Error>,
}

impl Loaded {
    /// Returns the text, or the beginning of a new one.
    pub fn text_or_new(&self) -> ConfigText {
        self.text
            .clone()
            .unwrap_or_else(|| ConfigText::new(&self.path))
    }
}

impl ConfigStore {
    /// Makes the store of a home; `OPENCLAW_CONFIG_READONLY` forbids commits.
    pub fn new(home: &Home, environment: &Environment) -> Self {
        Self {
            path: home.config_path().to_owned(),
            log_dir: home.log_dir(),
            history: History::new(home.config_history_dir(), home.config_path()),
            include_roots: include_roots(home, environment),
            read_only: environment.is_on(env_var::CONFIG_READONLY),
        }
    }

    /// Returns the config file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the config file. A missing file is not an error.
    ///
    /// # Errors
    /// [`Error::NotAFile`] for a folder in its place, [`Error::Io`] when it cannot be read, [`Error::Parse`] when its
    /// text is not a config.
    pub fn load(&self) -> Result<Loaded, Error> {
        let text = self
            .bytes()?
            .map(|bytes| ConfigText::parse(&self.path, bytes))
            .transpose()?
            .map(|text| text.with_include_roots(&self.include_roots));
        Ok(Loaded {
            path: self.path.clone(),
            text,
        })
    }

    /// Replaces the config file by `new`, which was made from `base`.
    ///
    /// # Errors
    /// [`Error::ReadOnly`], [`Error::Rejected`] when `new` has an error that `base` had not, [`Error::Locked`],
    /// [`Error::ConcurrentChange`] when the file is no longer `base`, [`Error::Io`]. Nothing is written then.
    pub fn commit(
        &self,
        base: &ConfigText,
        new: &ConfigText,
        origin: &WriteOrigin,
    ) -> Result<Committed, Error> {
        self.refuse_read_only()?;
        if let Some(first) = new_error(base, new) {
            return Err(Error::Rejected {
                first: Box::new(first),
            });
        }
        if let Some(folder) = self.path.parent() {
            file::create_private_folder(folder)?;
        }
        let _lock = LockFile::acquire(&self.path, LOCK_WAIT)?;
        self.check_unchanged(base)?;
        if base.is_on_disk() && base.bytes() == new.bytes() {
            return Ok(Committed {
                changed: false,
                backup: None,
                audit_error: None,
            });
        }
        file::sweep_temporaries(&self.path);
        self.replace(&Change {
            before: base.is_on_disk().then(|| base.bytes()),
            after: Some(new.bytes()),
            undoes: None,
            origin,
        })
    }

    /// Returns the generations of the file.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// Returns the bytes of the file, whatever they are; `None` when there is no file.
    ///
    /// # Errors
    /// [`Error::NotAFile`] or [`Error::Io`].
    pub fn bytes(&self) -> Result<Option<Vec<u8>>, Error> {
        // One byte more than the text accepts, so that the text reports the size.
        let bytes_max = u64::try_from(FILE_BYTES_MAX)
            .unwrap_or(u64::MAX)
            .saturating_add(1);
        file::read_optional(&self.path, bytes_max)
    }

    /// Notes the generation, keeps a backup, replaces or removes the file, and notes it in the audit log. Under the lock.
    fn replace(&self, change: &Change<'_>) -> Result<Committed, Error> {
        self.history.record(change)?;
        let backup = change
            .before
            .map(|bytes| backup::rotate(&self.path, bytes))
            .transpose()?;
        match change.after {
            Some(bytes) => file::write_atomic(&self.path, bytes, FILE_MODE_SECRET)?,
            None => file::remove(&self.path)?,
        }
        let audit_error = audit::append(&self.log_dir, &self.path, change).err();
        Ok(Committed {
            changed: true,
            backup,
            audit_error,
        })
    }

    fn refuse_read_only(&self) -> Result<(), Error> {
        if self.read_only {
            return Err(Error::ReadOnly {
                path: self.path.clone(),
            });
        }
        Ok(())
    }

    fn check_unchanged(&self, base: &ConfigText) -> Result<(), Error> {
        let on_disk = self.bytes()?;
        let expected = base.is_on_disk().then(|| base.bytes());
        if on_disk.as_deref() == expected {
            return Ok(());
        }
        Err(Error::ConcurrentChange {
            path: self.path.clone(),
        })
    }
}

fn include_roots(home: &Home, environment: &Environment) -> Vec<PathBuf> {
    let named = environment
        .path_var(env_var::INCLUDE_ROOTS)
        .unwrap_or_default();
    std::env::split_paths(named)
        .filter(|root| !root.as_os_str().is_empty())
        .filter_map(|root| home.expand(&root.to_string_lossy()).ok())
        .collect()
}

/// Returns the first error of `new` that `base` does not have: old errors do not stop an unrelated change.
fn new_error(base: &ConfigText, new: &ConfigText) -> Option<Problem> {
    let (_, before) = Settings::read(base);
    let (_, after) = Settings::read(new);
    let is_new = |problem: &Problem| {
        !before
            .iter()
            .any(|old| old.path == problem.path && old.message == problem.message)
    };
    after
        .into_iter()
        .find(|problem| problem.severity == Severity::Error && is_new(problem))
}
