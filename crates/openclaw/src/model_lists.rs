//! The cache of what hosts list: one file in the home, replaced as a whole, under a lock.

use std::path::PathBuf;
use std::time::Duration;

use config::{FILE_MODE_SECRET, Home, LockFile, create_private_folder, write_atomic};
use providers::discovery::ModelLists;

use crate::failed::Failed;

/// Name of the file in the cache.
const FILE: &str = "model-lists.json";
/// Longest wait for another process that writes it.
const LOCK_WAIT: Duration = Duration::from_secs(5);

/// Returns where the cache of a home is.
pub(crate) fn path(home: &Home) -> PathBuf {
    home.cache_dir().join(FILE)
}

/// The file.
pub(crate) struct ModelListFile {
    path: PathBuf,
    shown: String,
}

impl ModelListFile {
    /// Returns the file of a home, which may not exist.
    pub(crate) fn of(home: &Home) -> Self {
        let path = path(home);
        let shown = home.display(&path);
        Self { path, shown }
    }

    /// Returns its name for people.
    pub(crate) fn shown(&self) -> &str {
        &self.shown
    }

    /// Reads the lists; none when there is no file.
    pub(crate) fn read(&self) -> Result<ModelLists, Failed> {
        let text = match std::fs::read(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(ModelLists::default());
            }
            Err(error) => {
                return Err(Failed::new(format!("cannot read {}: {error}", self.shown)));
            }
        };
        serde_json::from_slice(&text).map_err(|error| {
            Failed::new(format!(
                "{} is not what `openclaw models refresh` writes and is not used: {error}",
                self.shown
            ))
        })
    }

    /// Changes the lists; a broken file is replaced.
    pub(crate) fn change(&self, change: impl FnOnce(&mut ModelLists)) -> Result<(), Failed> {
        if let Some(folder) = self.path.parent() {
            create_private_folder(folder)?;
        }
        let _lock = LockFile::acquire(&self.path, LOCK_WAIT)?;
        let mut lists = self.read().unwrap_or_default();
        change(&mut lists);
        let mut text = serde_json::to_vec_pretty(&lists)
            .map_err(|error| Failed::new(format!("cannot write {}: {error}", self.shown)))?;
        text.push(b'\n');
        Ok(write_atomic(&self.path, &text, FILE_MODE_SECRET)?)
    }
}
