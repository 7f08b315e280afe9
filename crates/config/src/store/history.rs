//! Generations of the config: who changed it, when, and the exact bytes before and after.
//!
//! `<state>/config-history/` holds one small JSON file per change and one file per distinct content, named after its
//! SHA-256. All are private, since the config may hold secrets. A generation is noted before the config is replaced; one
//! whose change never came to be, because the writer was killed in between, is recognised by its hashes and left out.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::WriteOrigin;
use super::digest;
use crate::error::Error;
use crate::file::{self, FILE_MODE_SECRET};
use crate::text::FILE_BYTES_MAX;

/// How many generations are kept.
pub const GENERATIONS_MAX: usize = 50;
/// How many bytes of old contents are kept, in all; the newest generation is kept in any case.
const CONTENTS_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// The largest description of a generation that is read, in bytes.
const ENTRY_BYTES_MAX: u64 = 64 * 1024;
/// The largest content that is read, in bytes: one more than a config may have.
const CONTENT_BYTES_MAX: u64 = FILE_BYTES_MAX as u64 + 1;

/// One change of the config file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generation {
    /// Its number; the first change is 1.
    pub number: u64,
    /// When it was made, RFC 3339 in UTC.
    pub at: String,
    /// The words of the command that made it.
    pub command: Vec<String>,
    /// SHA-256 of the file before it; `None` when there was no file.
    pub before: Option<String>,
    /// SHA-256 of the file after it; `None` when it took the file away.
    pub after: Option<String>,
    /// The generation that it took back.
    pub undoes: Option<u64>,
}

/// The generations of one config file.
#[derive(Debug, Clone)]
pub struct History {
    folder: PathBuf,
    config_path: PathBuf,
}

/// What [`History::record`] is told.
pub(super) struct Change<'a> {
    pub(super) before: Option<&'a [u8]>,
    pub(super) after: Option<&'a [u8]>,
    pub(super) undoes: Option<u64>,
    pub(super) origin: &'a WriteOrigin,
}

impl History {
    pub(super) fn new(folder: PathBuf, config_path: &Path) -> Self {
        Self {
            folder,
            config_path: config_path.to_owned(),
        }
    }

    /// Returns the folder that holds the generations.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the generations, oldest first. `current` is the content of the file now.
    ///
    /// # Errors
    /// [`Error::Io`] when the folder or an entry cannot be read. Entries that are not understood are left out.
    pub fn generations(&self, current: Option<&[u8]>) -> Result<Vec<Generation>, Error> {
        let mut found = self.entries()?;
        if found
            .last()
            .is_some_and(|last| never_happened(last, current))
        {
            found.pop();
        }
        Ok(found)
    }

    /// Returns the bytes of a content.
    ///
    /// # Errors
    /// [`Error::Io`] when the file is gone or does not have the bytes its name says.
    pub fn content(&self, sha256: &str) -> Result<Vec<u8>, Error> {
        let path = self.content_path(sha256);
        let gone = || Error::io("read", &path)(ErrorKind::NotFound.into());
        let bytes = file::read_optional(&path, CONTENT_BYTES_MAX)?.ok_or_else(gone)?;
        if digest::sha256(&bytes) == sha256 {
            return Ok(bytes);
        }
        Err(Error::io("read", &path)(ErrorKind::InvalidData.into()))
    }

    /// Notes a change that is about to be made. Only call it while holding the config's lock.
    pub(super) fn record(&self, change: &Change<'_>) -> Result<(), Error> {
        file::create_private_folder(&self.folder)?;
        let mut entries = self.entries()?;
        if let Some(last) = entries.last()
            && never_happened(last, change.before)
        {
            delete(&self.entry_path(last.number))?;
            entries.pop();
        }
        let generation = Generation {
            number: self.next_number(&entries)?,
            at: change.origin.at.clone(),
            command: change.origin.command.clone(),
            before: self.keep(change.before)?,
            after: self.keep(change.after)?,
            undoes: change.undoes,
        };
        let text = self.entry_text(&generation);
        file::write_atomic(
            &self.entry_path(generation.number),
            text.as_bytes(),
            FILE_MODE_SECRET,
        )?;
        entries.push(generation);
        self.prune(&mut entries)
    }

    /// Other config files of the same home count with the same numbers.
    fn next_number(&self, entries: &[Generation]) -> Result<u64, Error> {
        let highest = self.numbers()?.last().copied();
        let last = entries.last().map(|last| last.number);
        Ok(highest.max(last).unwrap_or_default() + 1)
    }

    fn keep(&self, content: Option<&[u8]>) -> Result<Option<String>, Error> {
        let Some(bytes) = content else {
            return Ok(None);
        };
        let sha256 = digest::sha256(bytes);
        let path = self.content_path(&sha256);
        if !path.exists() {
            file::write_atomic(&path, bytes, FILE_MODE_SECRET)?;
        }
        Ok(Some(sha256))
    }

    /// Deletes the oldest generations beyond the bounds, and contents that nothing names any more.
    fn prune(&self, entries: &mut Vec<Generation>) -> Result<(), Error> {
        while entries.len() > 1
            && (entries.len() > GENERATIONS_MAX || self.bytes_of(entries) > CONTENTS_BYTES_MAX)
        {
            let oldest = entries.remove(0);
            delete(&self.entry_path(oldest.number))?;
        }
        let mut named = BTreeSet::new();
        for number in self.numbers()? {
            if let Some((generation, _)) = self.entry(number)? {
                named.extend([generation.before, generation.after].into_iter().flatten());
            }
        }
        for name in self.names()? {
            // What a killed writer began is a copy of the config too.
            if name.starts_with('.') {
                delete(&self.folder.join(&name))?;
            }
            if let Some(sha256) = name.strip_suffix(CONTENT_SUFFIX)
                && !named.contains(sha256)
            {
                delete(&self.folder.join(&name))?;
            }
        }
        Ok(())
    }

    fn bytes_of(&self, entries: &[Generation]) -> u64 {
        let contents: BTreeSet<&String> = entries
            .iter()
            .flat_map(|entry| [&entry.before, &entry.after])
            .flatten()
            .collect();
        let bytes = |sha256: &&String| fs::metadata(self.content_path(sha256)).map(|m| m.len());
        contents
            .iter()
            .filter_map(|sha256| bytes(sha256).ok())
            .sum()
    }

    fn entries(&self) -> Result<Vec<Generation>, Error> {
        let own = self.config_path.display().to_string();
        let mut found = Vec::new();
        for number in self.numbers()? {
            if let Some((generation, path)) = self.entry(number)?
                && path == own
            {
                found.push(generation);
            }
        }
        Ok(found)
    }

    fn entry(&self, number: u64) -> Result<Option<(Generation, String)>, Error> {
        let bytes = file::read_optional(&self.entry_path(number), ENTRY_BYTES_MAX)?;
        let value: Option<Value> = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        Ok(value.and_then(|value| read_entry(number, &value)))
    }

    fn entry_text(&self, generation: &Generation) -> String {
        let value = json!({
            "at": generation.at,
            "command": generation.command,
            "configPath": self.config_path.display().to_string(),
            "before": generation.before,
            "after": generation.after,
            "undoes": generation.undoes,
        });
        format!("{value}\n")
    }

    fn numbers(&self) -> Result<Vec<u64>, Error> {
        let mut numbers: Vec<u64> = self
            .names()?
            .iter()
            .filter_map(|name| name.strip_suffix(ENTRY_SUFFIX)?.parse().ok())
            .collect();
        numbers.sort_unstable();
        Ok(numbers)
    }

    fn names(&self) -> Result<Vec<String>, Error> {
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(Error::io("read", &self.folder)(error)),
        };
        Ok(entries
            .flatten()
            .filter_map(|entry| entry.file_name().into_string().ok())
            .collect())
    }

    fn entry_path(&self, number: u64) -> PathBuf {
        self.folder.join(format!("{number:06}{ENTRY_SUFFIX}"))
    }

    fn content_path(&self, sha256: &str) -> PathBuf {
        self.folder.join(format!("{sha256}{CONTENT_SUFFIX}"))
    }
}

const ENTRY_SUFFIX: &str = ".json";
const CONTENT_SUFFIX: &str = ".content";

fn delete(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(Error::io("delete", path)(error)),
    }
}

/// A generation whose "before" is still there was noted by a writer that was killed before it wrote.
fn never_happened(generation: &Generation, current: Option<&[u8]>) -> bool {
    let current = current.map(digest::sha256);
    generation.after != current && generation.before == current
}

fn read_entry(number: u64, value: &Value) -> Option<(Generation, String)> {
    let text = |name: &str| Some(value.get(name)?.as_str()?.to_owned());
    let words = value.get("command")?.as_array()?;
    let generation = Generation {
        number,
        at: text("at")?,
        command: words
            .iter()
            .filter_map(|word| Some(word.as_str()?.to_owned()))
            .collect(),
        before: text("before"),
        after: text("after"),
        undoes: value.get("undoes").and_then(Value::as_u64),
    };
    Some((generation, text("configPath")?))
}
