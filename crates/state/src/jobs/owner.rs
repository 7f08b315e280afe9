//! Who works on jobs: a process, known to be alive as long as it holds a lock that the system takes away when it ends.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use config::Home;

use crate::error::Error;

/// A process that works on jobs. Dropping it gives up its name.
#[derive(Debug)]
pub struct Owner {
    name: String,
    folder: PathBuf,
    _lock: File,
}

impl Owner {
    /// Returns the folder in which the owners of `home` leave their locks.
    pub fn folder(home: &Home) -> PathBuf {
        crate::folder(home).join("owners")
    }

    /// Makes this process the owner called `name`, which nobody else may have used.
    ///
    /// # Errors
    /// [`Error::Create`].
    pub fn start(folder: &Path, name: String) -> Result<Self, Error> {
        config::create_private_folder(folder).map_err(|source| Error::Create {
            path: folder.to_owned(),
            source: Box::new(source),
        })?;
        sweep(folder);
        let path = folder.join(&name);
        let locked = File::create(&path).and_then(|lock| lock.lock().map(|()| lock));
        let lock = locked.map_err(|source| Error::Lock { path, source })?;
        Ok(Self {
            name,
            folder: folder.to_owned(),
            _lock: lock,
        })
    }

    /// Returns the name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Says whether the owner called `name` is gone for good.
    pub fn is_dead(&self, name: &str) -> bool {
        name != self.name && is_free(&self.folder.join(name))
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        // The lock ends with the file; the name only saves the next one a look.
        let _ = std::fs::remove_file(self.folder.join(&self.name));
    }
}

/// Says whether nobody holds the lock at `path`. What cannot be told counts as held: its lease will run out.
fn is_free(path: &Path) -> bool {
    match File::open(path) {
        Ok(file) => !matches!(file.try_lock(), Err(TryLockError::WouldBlock)),
        Err(error) => error.kind() == std::io::ErrorKind::NotFound,
    }
}

/// Removes what owners that were killed left behind.
fn sweep(folder: &Path) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    for path in entries.flatten().map(|entry| entry.path()) {
        // A process that has made its file and not locked it yet would lose its name: that takes no second.
        let is_old = path
            .metadata()
            .and_then(|metadata| metadata.modified())
            .is_ok_and(|at| at.elapsed().is_ok_and(|age| age.as_secs() > 60));
        if is_old && is_free(&path) {
            let _ = std::fs::remove_file(&path);
        }
    }
}
