//! What a read of a store gives, whatever the form of the store.

use std::fmt;
use std::path::{Path, PathBuf};

use config::ProfileId;

use crate::profile::{EntryProblem, Profile};
use crate::profile_state::ProfileState;

/// Where a store is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// An `auth-profiles.json`, which this program reads and writes.
    Json(PathBuf),
    /// A `SQLite` database of a later generation, which is only read.
    Sqlite(PathBuf),
    /// A flat JSON file of an early generation, which is only read.
    Legacy(PathBuf),
}

impl Origin {
    /// Returns the path of the store.
    pub fn path(&self) -> &Path {
        match self {
            Self::Json(path) | Self::Sqlite(path) | Self::Legacy(path) => path,
        }
    }
}

/// The profiles of one store, in the order in which it holds them.
#[derive(Debug, Clone)]
pub struct StoredProfiles {
    /// Where they come from.
    pub origin: Origin,
    /// The usable entries.
    pub profiles: Vec<Profile>,
    /// Orders and statistics kept beside the profiles.
    pub state: ProfileState,
    /// What a person should know about the store.
    pub warnings: Vec<Warning>,
}

impl StoredProfiles {
    /// Makes a store without profiles.
    pub(crate) fn empty(origin: Origin) -> Self {
        Self {
            origin,
            profiles: Vec::new(),
            state: ProfileState::default(),
            warnings: Vec::new(),
        }
    }

    /// Returns the format version of the store when it is later than this program can write.
    pub fn future_version(&self) -> Option<u64> {
        self.warnings.iter().find_map(|warning| match warning {
            Warning::FutureVersion { version, .. } => Some(*version),
            _ => None,
        })
    }

    /// Returns the profile of this id.
    pub fn get(&self, id: &ProfileId) -> Option<&Profile> {
        self.profiles.iter().find(|profile| profile.id == *id)
    }
}

/// Something about a store that does not stop its use.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Warning {
    /// Entries that are not profiles; they are ignored and left where they are.
    SkippedEntries {
        /// The store.
        path: PathBuf,
        /// The names of the entries and what is wrong with each.
        entries: Vec<(String, EntryProblem)>,
    },
    /// The store is of a later format and was read as far as it is understood.
    FutureVersion {
        /// The store.
        path: PathBuf,
        /// Its version, above 1.
        version: u64,
    },
    /// Other users of the machine may read the file.
    LooseMode {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Orders and statistics could not be read; the profiles are used without them.
    UnreadableState {
        /// The file.
        path: PathBuf,
    },
    /// A store could not be read; the other stores are used without it.
    UnreadableStore {
        /// The store.
        path: PathBuf,
        /// What went wrong, in one line.
        problem: String,
        /// What a person can do about it.
        hint: Option<String>,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SkippedEntries { path, entries } => {
                write!(
                    formatter,
                    "{}: {} entries skipped:",
                    path.display(),
                    entries.len()
                )?;
                entries.iter().try_for_each(|(id, problem)| {
                    write!(formatter, " `{}` ({problem})", id.escape_default())
                })
            }
            Self::FutureVersion { path, version } => write!(
                formatter,
                "{}: format version {version} is newer than this program; read as far as understood, never written",
                path.display()
            ),
            Self::LooseMode { path, mode } => write!(
                formatter,
                "{0}: mode {mode:04o} lets other users read it; run `chmod 600 {0}`",
                path.display()
            ),
            Self::UnreadableState { path } => {
                write!(
                    formatter,
                    "{}: order and statistics ignored, the file is not readable JSON",
                    path.display()
                )
            }
            Self::UnreadableStore {
                problem,
                hint: Some(hint),
                ..
            } => write!(formatter, "{problem} ({hint})"),
            Self::UnreadableStore {
                problem,
                hint: None,
                ..
            } => formatter.write_str(problem),
        }
    }
}
