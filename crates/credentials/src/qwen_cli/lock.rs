//! Qwen Code's own lock, `~/.qwen/oauth_creds.lock`: created exclusively, with a random name of its holder in it.
//!
//! A lock that has not been touched for [`STALE_AFTER`] is abandoned. Like Qwen Code, whoever finds one moves it aside
//! and deletes it. Between the look and the move somebody else may have taken the lock anew; what was moved is looked at
//! once more, and a lock that turns out to be alive is put back.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use config::Home;

use crate::error::Error;

/// The age after which Qwen Code takes a lock for abandoned.
const STALE_AFTER: Duration = Duration::from_secs(35);

/// The lock of Qwen Code's login, held by this process; dropping it releases it.
#[derive(Debug)]
pub(crate) struct QwenLock {
    path: PathBuf,
    holder: String,
}

impl QwenLock {
    /// Takes the lock, unless somebody holds it; that it can be made shows that the folder can be written to.
    pub(crate) fn try_take(home: &Home) -> Result<Option<Self>, Error> {
        let path = home.user_home().join(".qwen").join("oauth_creds.lock");
        if let Some(lock) = Self::try_create(&path)? {
            return Ok(Some(lock));
        }
        if is_stale(&path) && move_aside(&path) {
            return Self::try_create(&path);
        }
        Ok(None)
    }

    fn try_create(path: &Path) -> Result<Option<Self>, Error> {
        let failed = |source| Error::LockStore {
            path: path.to_owned(),
            source: Box::new(config::Error::Io {
                operation: "create the lock",
                path: path.to_owned(),
                source,
            }),
        };
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, config::FILE_MODE_SECRET);
        let mut file = match options.open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        let holder = crate::oauth::uuid_v4();
        if let Err(error) = file.write_all(holder.as_bytes()) {
            let _ = fs::remove_file(path);
            return Err(failed(error));
        }
        Ok(Some(Self {
            path: path.to_owned(),
            holder,
        }))
    }
}

impl Drop for QwenLock {
    fn drop(&mut self) {
        // After a long sleep of the machine somebody else may hold it.
        if fs::read_to_string(&self.path).is_ok_and(|holder| holder == self.holder) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn is_stale(path: &Path) -> bool {
    let modified = fs::metadata(path).and_then(|metadata| metadata.modified());
    modified.is_ok_and(|modified| {
        SystemTime::now()
            .duration_since(modified)
            .is_ok_and(|age| age > STALE_AFTER)
    })
}

/// Moves an abandoned lock aside and deletes it; returns whether the place is free.
fn move_aside(path: &Path) -> bool {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".stale.{}", crate::oauth::uuid_v4()));
    let aside = PathBuf::from(name);
    if fs::rename(path, &aside).is_err() {
        return false;
    }
    let was_stale = is_stale(&aside);
    if !was_stale {
        // A link fails where a rename would destroy a third holder's lock.
        let _ = fs::hard_link(&aside, path);
    }
    let _ = fs::remove_file(&aside);
    was_stale
}

#[cfg(test)]
mod tests {
    use config::{Environment, HomeOptions};

    use super::*;

    fn home(folder: &Path) -> Home {
        fs::create_dir_all(folder.join(".qwen")).unwrap();
        let environment = Environment::from_pairs([("HOME", folder.to_str().unwrap())]);
        Home::resolve(&environment, &HomeOptions::default()).unwrap()
    }

    #[test]
    fn excludes_and_releases() {
        let folder = tempfile::tempdir().unwrap();
        let home = home(folder.path());
        let lock = QwenLock::try_take(&home).unwrap().unwrap();
        assert!(QwenLock::try_take(&home).unwrap().is_none());
        drop(lock);
        assert_eq!(
            fs::read_dir(folder.path().join(".qwen")).unwrap().count(),
            0
        );
    }

    #[test]
    fn an_abandoned_lock_is_taken_over_and_not_released_by_its_old_holder() {
        let folder = tempfile::tempdir().unwrap();
        let home = home(folder.path());
        let first = QwenLock::try_take(&home).unwrap().unwrap();
        let path = first.path.clone();
        let file = fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(SystemTime::now() - STALE_AFTER - Duration::from_secs(5))
            .unwrap();
        let second = QwenLock::try_take(&home).unwrap().unwrap();
        drop(first);
        assert_eq!(fs::read_to_string(&path).unwrap(), second.holder);
        drop(second);
        assert!(!path.exists());
    }

    #[test]
    fn a_folder_that_cannot_be_written_to_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let home = home(folder.path());
        fs::remove_dir(folder.path().join(".qwen")).unwrap();
        assert!(matches!(
            QwenLock::try_take(&home),
            Err(Error::LockStore { .. })
        ));
    }
}
