//! Changes of several files of a home that count together or not at all.
//!
//! [`Transaction::begin`] copies every file that may change into `<state>/transactions/<id>/` and syncs that journal
//! before anything is touched. While it is open the files are changed by whoever owns them. [`Transaction::finish`] notes
//! how they ended up; [`Transaction::roll_back`] puts every byte and mode back. A process that is killed in between leaves
//! an open journal behind, and [`Transaction::recover`] rolls it back. A finished journal can be undone later, as long as
//! nobody has changed the files since.

use std::collections::BTreeSet;
use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::error::Error;
use crate::file::{self, FILE_MODE_SECRET};
use crate::home::Home;
use crate::store::{WriteOrigin, sha256};

/// How many finished journals are kept.
pub const FINISHED_MAX: usize = 5;
/// How long a transaction waits for another one.
const LOCK_WAIT: Duration = Duration::from_secs(10);
/// How long a look for left-over journals waits: a live transaction holds the lock.
const RECOVERY_WAIT: Duration = Duration::from_millis(50);
/// The largest file that takes part, in bytes.
const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// The most files that take part.
const FILES_MAX: usize = 10_000;
const JOURNAL: &str = "journal.json";
/// The file whose lock of the operating system a running transaction holds: it ends with the process.
const RUNNING: &str = "running";
/// How often a lock that is taken is looked at again.
const LOCK_POLL: Duration = Duration::from_millis(20);

/// An open transaction. Dropped without [`Transaction::finish`] it stays open, as if the process had been killed.
#[must_use = "an open transaction is rolled back by the next run"]
pub struct Transaction {
    folder: PathBuf,
    journal: Journal,
    lock: RunningLock,
}

/// A transaction that ended well, and what undoing it takes.
#[derive(Debug, Clone)]
pub struct Finished {
    folder: PathBuf,
    journal: Journal,
}

#[derive(Debug, Clone)]
struct Journal {
    command: Vec<String>,
    at: String,
    is_finished: bool,
    files: Vec<Entry>,
    /// Folders that did not exist before.
    new_folders: Vec<PathBuf>,
    /// Folders whose new files belong to the transaction.
    folders: Vec<PathBuf>,
}

#[derive(Debug, Clone)]
struct Entry {
    path: PathBuf,
    before: Option<Kept>,
    /// SHA-256 afterwards; `None` when there is no file. Known when finished.
    after: Option<String>,
}

/// A file as it was.
#[derive(Debug, Clone)]
struct Kept {
    /// Name of the copy in the journal's folder.
    copy: String,
    sha256: String,
    mode: u32,
}

impl Transaction {
    /// Copies the files, and all files of the folders, that may change. Paths that do not exist may come to be.
    ///
    /// # Errors
    /// [`Error::Locked`] when another transaction is open, [`Error::Io`] when something cannot be copied; nothing is
    /// left behind then.
    pub fn begin(
        home: &Home,
        files: &[PathBuf],
        folders: &[PathBuf],
        origin: &WriteOrigin,
    ) -> Result<Self, Error> {
        let root = root(home);
        let lock = RunningLock::acquire(&root, LOCK_WAIT)?;
        let number = numbers(&root)?.last().copied().unwrap_or_default() + 1;
        let folder = root.join(format!("{number:06}"));
        file::create_private_folder(&folder)?;
        match copy_all(&folder, files, folders, origin) {
            Ok(journal) => Ok(Self {
                folder,
                journal,
                lock,
            }),
            Err(error) => {
                let _ = fs::remove_dir_all(&folder);
                lock.release();
                Err(error)
            }
        }
    }

    /// Notes how the files ended up, and forgets the oldest finished transactions.
    ///
    /// # Errors
    /// [`Error::Io`]; the transaction is then still open.
    pub fn finish(mut self) -> Result<Finished, Error> {
        for path in files_in(&self.journal.folders)? {
            if !self.journal.files.iter().any(|entry| entry.path == path) {
                self.journal.files.push(Entry {
                    path,
                    before: None,
                    after: None,
                });
            }
        }
        for entry in &mut self.journal.files {
            entry.after =
                file::read_optional(&entry.path, FILE_BYTES_MAX)?.map(|bytes| sha256(&bytes));
        }
        self.journal.is_finished = true;
        write_journal(&self.folder, &self.journal)?;
        if let Some(root) = self.folder.parent() {
            forget_oldest(root)?;
        }
        Ok(Finished {
            folder: self.folder,
            journal: self.journal,
        })
    }

    /// Puts every file back as it was, bytes and mode, and forgets the transaction.
    ///
    /// # Errors
    /// [`Error::Io`]; the journal stays, and the next run tries again.
    pub fn roll_back(self) -> Result<(), Error> {
        restore(&self.journal, &self.folder, |_| true)?;
        delete_folder(&self.folder)?;
        self.lock.release();
        Ok(())
    }

    /// Rolls back what killed processes left open; returns the commands that were interrupted.
    ///
    /// # Errors
    /// [`Error::Io`] when a file cannot be put back. A transaction that is still running is left alone.
    pub fn recover(home: &Home) -> Result<Vec<String>, Error> {
        let root = root(home);
        if open_journals(&root)?.is_empty() {
            return Ok(Vec::new());
        }
        let Ok(lock) = RunningLock::acquire(&root, RECOVERY_WAIT) else {
            return Ok(Vec::new());
        };
        let mut commands = Vec::new();
        // Newest first, as they were laid on top of each other.
        for (folder, journal) in open_journals(&root)?.into_iter().rev() {
            if let Some(journal) = journal {
                restore(&journal, &folder, |_| true)?;
                commands.push(journal.command.join(" "));
            }
            delete_folder(&folder)?;
        }
        lock.release();
        Ok(commands)
    }

    /// Returns the commands whose transactions are open, running or interrupted.
    ///
    /// # Errors
    /// [`Error::Io`] when the journals cannot be read.
    pub fn open(home: &Home) -> Result<Vec<String>, Error> {
        let journals = open_journals(&root(home))?;
        let commands = journals.into_iter().filter_map(|(_, journal)| journal);
        Ok(commands.map(|journal| journal.command.join(" ")).collect())
    }
}

impl Finished {
    /// Returns the finished transactions of a home, oldest first.
    ///
    /// # Errors
    /// [`Error::Io`] when the journals cannot be read.
    pub fn all(home: &Home) -> Result<Vec<Self>, Error> {
        let root = root(home);
        let mut found = Vec::new();
        for number in numbers(&root)? {
            let folder = root.join(format!("{number:06}"));
            if let Some(journal) = read_journal(&folder)?.filter(|journal| journal.is_finished) {
                found.push(Self { folder, journal });
            }
        }
        Ok(found)
    }

    /// Returns the command that made it.
    pub fn command(&self) -> String {
        self.journal.command.join(" ")
    }

    /// Returns when it was begun, RFC 3339 in UTC.
    pub fn at(&self) -> &str {
        &self.journal.at
    }

    /// Returns the files whose content it changed.
    pub fn changed(&self) -> impl Iterator<Item = &Path> {
        self.journal
            .files
            .iter()
            .filter(|entry| entry.before.as_ref().map(|kept| &kept.sha256) != entry.after.as_ref())
            .map(|entry| entry.path.as_path())
    }

    /// Returns the files that it changed and that somebody has changed since.
    ///
    /// # Errors
    /// [`Error::Io`] when a file cannot be read.
    pub fn changed_since(&self) -> Result<Vec<PathBuf>, Error> {
        let changed: BTreeSet<&Path> = self.changed().collect();
        let mut found = Vec::new();
        for entry in &self.journal.files {
            let now = file::read_optional(&entry.path, FILE_BYTES_MAX)?.map(|bytes| sha256(&bytes));
            if changed.contains(entry.path.as_path()) && now != entry.after {
                found.push(entry.path.clone());
            }
        }
        Ok(found)
    }

    /// Puts every file that it changed back as it was, bytes and mode, and forgets the transaction.
    ///
    /// Killed in between, it is an open transaction, which the next run rolls back to the same end.
    ///
    /// # Errors
    /// [`Error::Locked`] when a transaction is running, [`Error::Io`].
    pub fn undo(mut self, home: &Home) -> Result<(), Error> {
        let lock = RunningLock::acquire(&root(home), LOCK_WAIT)?;
        let changed: BTreeSet<PathBuf> = self.changed().map(Path::to_owned).collect();
        self.journal.is_finished = false;
        write_journal(&self.folder, &self.journal)?;
        restore(&self.journal, &self.folder, |entry| {
            changed.contains(&entry.path)
        })?;
        delete_folder(&self.folder)?;
        lock.release();
        Ok(())
    }
}

fn root(home: &Home) -> PathBuf {
    home.state_dir().join("transactions")
}

fn copy_all(
    folder: &Path,
    files: &[PathBuf],
    folders: &[PathBuf],
    origin: &WriteOrigin,
) -> Result<Journal, Error> {
    let mut paths: BTreeSet<PathBuf> = files.iter().cloned().collect();
    paths.extend(files_in(folders)?);
    if paths.len() > FILES_MAX {
        return Err(Error::io("copy", folder)(ErrorKind::FileTooLarge.into()));
    }
    let mut new_folders: Vec<PathBuf> = paths
        .iter()
        .filter_map(|path| path.parent())
        .chain(folders.iter().map(PathBuf::as_path))
        .flat_map(|folder| folder.ancestors().take_while(|folder| !folder.exists()))
        .map(Path::to_owned)
        .collect();
    // The deepest first, so that each is empty when its turn comes.
    new_folders.sort_by_key(|folder| std::cmp::Reverse(folder.components().count()));
    new_folders.dedup();
    let mut entries = Vec::new();
    for (number, path) in paths.into_iter().enumerate() {
        let before = keep(folder, number, &path)?;
        entries.push(Entry {
            path,
            before,
            after: None,
        });
    }
    let journal = Journal {
        command: origin.command.clone(),
        at: origin.at.clone(),
        is_finished: false,
        files: entries,
        new_folders,
        folders: folders.to_vec(),
    };
    write_journal(folder, &journal)?;
    Ok(journal)
}

fn keep(folder: &Path, number: usize, path: &Path) -> Result<Option<Kept>, Error> {
    let Some(bytes) = file::read_optional(path, FILE_BYTES_MAX)? else {
        return Ok(None);
    };
    let copy = format!("{number:05}.before");
    file::write_atomic(&folder.join(&copy), &bytes, FILE_MODE_SECRET)?;
    Ok(Some(Kept {
        copy,
        sha256: sha256(&bytes),
        mode: file::mode_of(path)?,
    }))
}

/// Returns the files directly in some folders; those that do not exist have none.
fn files_in(folders: &[PathBuf]) -> Result<Vec<PathBuf>, Error> {
    let mut found = Vec::new();
    for folder in folders {
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(error) => return Err(Error::io("read", folder)(error)),
        };
        found.extend(
            entries
                .flatten()
                .map(|entry| entry.path())
                .filter(|path| path.is_file()),
        );
    }
    Ok(found)
}

/// Puts files back. Doing it twice does no harm.
fn restore(journal: &Journal, folder: &Path, wanted: impl Fn(&Entry) -> bool) -> Result<(), Error> {
    for entry in journal.files.iter().filter(|entry| wanted(entry)) {
        file::sweep_temporaries(&entry.path);
        match &entry.before {
            Some(kept) => {
                let copy = folder.join(&kept.copy);
                let bytes = file::read_optional(&copy, FILE_BYTES_MAX)?
                    .ok_or_else(|| Error::io("read", &copy)(ErrorKind::NotFound.into()))?;
                file::put_back(&entry.path, &bytes, kept.mode)?;
            }
            None if entry.path.is_file() => file::remove(&entry.path)?,
            None => {}
        }
    }
    let known: BTreeSet<&PathBuf> = journal.files.iter().map(|entry| &entry.path).collect();
    for path in files_in(&journal.folders)? {
        if !journal.is_finished && !known.contains(&path) {
            file::remove(&path)?;
        }
    }
    for folder in &journal.new_folders {
        // A folder that something else has put files into stays.
        let _ = fs::remove_dir(folder);
    }
    Ok(())
}

fn delete_folder(folder: &Path) -> Result<(), Error> {
    fs::remove_dir_all(folder).map_err(Error::io("delete", folder))
}

/// Held while a transaction runs.
struct RunningLock {
    file: File,
    path: PathBuf,
}

impl RunningLock {
    fn acquire(root: &Path, wait: Duration) -> Result<Self, Error> {
        let path = root.join(RUNNING);
        let start = Instant::now();
        loop {
            file::create_private_folder(root)?;
            let file = file::open_append(&path)?;
            match file.try_lock() {
                Ok(()) if is_same_file(&file, &path) => return Ok(Self { file, path }),
                // It was deleted by the transaction that ended in between.
                Ok(()) => continue,
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => return Err(Error::io("lock", &path)(error)),
            }
            if start.elapsed() >= wait {
                return Err(Error::Locked { path, holder: None });
            }
            std::thread::sleep(LOCK_POLL);
        }
    }

    /// Lets others in, and leaves no folder behind when there are no journals.
    fn release(self) {
        if let Some(root) = self.path.parent()
            && numbers(root).is_ok_and(|numbers| numbers.is_empty())
        {
            // Still locked: whoever waits for this file finds that it is gone and makes another.
            let _ = fs::remove_file(&self.path);
            let _ = fs::remove_dir(root);
        }
        let _ = self.file.unlock();
    }
}

#[cfg(unix)]
fn is_same_file(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let ids = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
    match (file.metadata(), fs::metadata(path)) {
        (Ok(held), Ok(there)) => ids(held) == ids(there),
        _ => false,
    }
}

/// A file that is open cannot be replaced here.
#[cfg(not(unix))]
fn is_same_file(_file: &File, path: &Path) -> bool {
    path.exists()
}

fn forget_oldest(root: &Path) -> Result<(), Error> {
    let numbers = numbers(root)?;
    let n_extra = numbers.len().saturating_sub(FINISHED_MAX);
    for number in numbers.into_iter().take(n_extra) {
        let folder = root.join(format!("{number:06}"));
        fs::remove_dir_all(&folder).map_err(Error::io("delete", &folder))?;
    }
    Ok(())
}

fn numbers(root: &Path) -> Result<Vec<u64>, Error> {
    let entries = match fs::read_dir(root) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Error::io("read", root)(error)),
    };
    let mut numbers: Vec<u64> = entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect();
    numbers.sort_unstable();
    Ok(numbers)
}

/// Returns the journals that are not finished; one that was never written has no files to put back.
fn open_journals(root: &Path) -> Result<Vec<(PathBuf, Option<Journal>)>, Error> {
    let mut found = Vec::new();
    for number in numbers(root)? {
        let folder = root.join(format!("{number:06}"));
        let journal = read_journal(&folder)?;
        if journal.as_ref().is_none_or(|journal| !journal.is_finished) {
            found.push((folder, journal));
        }
    }
    Ok(found)
}

fn write_journal(folder: &Path, journal: &Journal) -> Result<(), Error> {
    let files: Vec<Value> = journal
        .files
        .iter()
        .map(|entry| {
            let before = entry
                .before
                .as_ref()
                .map(|kept| json!({"copy": kept.copy, "sha256": kept.sha256, "mode": kept.mode}));
            json!({"path": entry.path, "before": before, "after": entry.after})
        })
        .collect();
    let text = json!({
        "command": journal.command, "at": journal.at, "finished": journal.is_finished,
        "files": files, "newFolders": journal.new_folders, "folders": journal.folders,
    });
    file::write_atomic(
        &folder.join(JOURNAL),
        format!("{text}\n").as_bytes(),
        FILE_MODE_SECRET,
    )
}

fn read_journal(folder: &Path) -> Result<Option<Journal>, Error> {
    let bytes = file::read_optional(&folder.join(JOURNAL), FILE_BYTES_MAX)?;
    let value: Option<Value> = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    Ok(value.and_then(|value| parse_journal(&value)))
}

fn parse_journal(value: &Value) -> Option<Journal> {
    let paths = |name: &str| -> Option<Vec<PathBuf>> {
        let items = value.get(name)?.as_array()?;
        items
            .iter()
            .map(|item| Some(PathBuf::from(item.as_str()?)))
            .collect()
    };
    let words = value.get("command")?.as_array()?.iter();
    Some(Journal {
        command: words
            .filter_map(|word| Some(word.as_str()?.to_owned()))
            .collect(),
        at: value.get("at")?.as_str()?.to_owned(),
        is_finished: value.get("finished")?.as_bool()?,
        files: value
            .get("files")?
            .as_array()?
            .iter()
            .map(parse_entry)
            .collect::<Option<_>>()?,
        new_folders: paths("newFolders")?,
        folders: paths("folders")?,
    })
}

fn parse_entry(value: &Value) -> Option<Entry> {
    let before = match value.get("before")? {
        Value::Null => None,
        kept => Some(Kept {
            copy: kept.get("copy")?.as_str()?.to_owned(),
            sha256: kept.get("sha256")?.as_str()?.to_owned(),
            mode: u32::try_from(kept.get("mode")?.as_u64()?).ok()?,
        }),
    };
    Some(Entry {
        path: PathBuf::from(value.get("path")?.as_str()?),
        before,
        after: value
            .get("after")
            .and_then(Value::as_str)
            .map(str::to_owned),
    })
}
