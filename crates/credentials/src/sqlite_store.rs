//! Reads the `SQLite` stores of `OpenClaw` 2026.6 and later, without touching them.
//!
//! Opening a database in its place would create side files, take locks and perhaps roll a log forward. So the database
//! and its write-ahead log are copied into a private temporary folder, and the copy is opened there. The rows hold the
//! same JSON document as `auth-profiles.json`.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rusqlite::{Connection, OptionalExtension};
use secrecy::zeroize::Zeroizing;
use serde_json::Value;

use crate::document::Document;
use crate::error::Error;
use crate::profile_state::ProfileState;
use crate::store::{Origin, StoredProfiles};

/// The largest database, and the largest write-ahead log, that is copied, in bytes.
pub const DATABASE_BYTES_MAX: u64 = 128 * 1024 * 1024;

/// How often a copy is tried when the database changes meanwhile.
const COPY_ATTEMPTS_MAX: u32 = 3;

/// Which of the two layouts a database has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// The database of one agent, `openclaw-agent.sqlite`.
    Agent,
    /// The database of the whole home, `state/openclaw.sqlite`.
    Shared,
}

/// The statements that read one layout; each selects one text.
struct Queries {
    store_table: &'static str,
    store: &'static str,
    state_table: &'static str,
    state: &'static str,
}

impl Layout {
    fn queries(self) -> Queries {
        match self {
            Self::Agent => Queries {
                store_table: "auth_profile_store",
                store: "SELECT store_json FROM auth_profile_store WHERE store_key = 'primary'",
                state_table: "auth_profile_state",
                state: "SELECT state_json FROM auth_profile_state WHERE state_key = 'primary'",
            },
            Self::Shared => Queries {
                store_table: "config_machine_state",
                store: "SELECT value_json FROM config_machine_state WHERE state_key = 'authProfiles.store'",
                state_table: "config_machine_state",
                state: "SELECT value_json FROM config_machine_state WHERE state_key = 'authProfiles.state'",
            },
        }
    }
}

/// Reads the profiles in the database at `path`; `None` when there is no database or it holds no store.
///
/// # Errors
/// [`Error::StoreTooLarge`] above [`DATABASE_BYTES_MAX`], [`Error::DatabaseBusy`] when it changes during each of three
/// copies, [`Error::Database`] when `SQLite` cannot read it, [`Error::ReadStore`] when it cannot be copied, and
/// [`Error::StoreSyntax`] or [`Error::StoreShape`] when the document in it is broken.
pub fn read(path: &Path, layout: Layout) -> Result<Option<StoredProfiles>, Error> {
    let Some(copy) = Copy::of(path)? else {
        return Ok(None);
    };
    let database_error = |source| Error::Database {
        path: path.to_owned(),
        source,
    };
    let connection = Connection::open(copy.database()).map_err(database_error)?;
    let queries = layout.queries();
    let store = select(&connection, queries.store_table, queries.store).map_err(database_error)?;
    let state = select(&connection, queries.state_table, queries.state).map_err(database_error)?;
    let Some(store) = store else {
        return Ok(None);
    };
    let document = Document::parse(path, &store)?;
    let mut stored = document.profiles(&Origin::Sqlite(path.to_owned()));
    stored.state = state.map(|state| state_of(&state)).unwrap_or_default();
    Ok(Some(stored))
}

/// Selects one text from a table that may be missing in this generation.
fn select(
    connection: &Connection,
    table: &str,
    query: &str,
) -> Result<Option<Zeroizing<String>>, rusqlite::Error> {
    let exists = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?1";
    if connection
        .query_row(exists, [table], |_| Ok(()))
        .optional()?
        .is_none()
    {
        return Ok(None);
    }
    connection
        .query_row(query, [], |row| row.get::<_, String>(0).map(Zeroizing::new))
        .optional()
}

/// Reads orders and statistics; broken ones are worth nothing.
fn state_of(text: &str) -> ProfileState {
    match serde_json::from_str(text) {
        Ok(Value::Object(root)) => ProfileState::from_root(&root),
        Ok(_) | Err(_) => ProfileState::default(),
    }
}

/// A private copy of a database, removed when dropped.
struct Copy {
    folder: tempfile::TempDir,
}

/// What tells whether a file changed: its length and time of change.
type Stamp = Option<(u64, SystemTime)>;

impl Copy {
    /// Copies the database and its log; `None` when there is no database.
    fn of(path: &Path) -> Result<Option<Self>, Error> {
        let read_error = |source| Error::ReadStore {
            path: path.to_owned(),
            source,
        };
        let log = log_path(path);
        for _ in 0..COPY_ATTEMPTS_MAX {
            let before = (
                stamp(path).map_err(read_error)?,
                stamp(&log).map_err(read_error)?,
            );
            let Some((database_bytes, _)) = before.0 else {
                return Ok(None);
            };
            let log_bytes = before.1.map_or(0, |(bytes, _)| bytes);
            if database_bytes.max(log_bytes) > DATABASE_BYTES_MAX {
                return Err(Error::StoreTooLarge {
                    path: path.to_owned(),
                    bytes_max: DATABASE_BYTES_MAX,
                });
            }
            let copy = Self {
                folder: tempfile::tempdir().map_err(read_error)?,
            };
            copy_file(path, &copy.database()).map_err(read_error)?;
            if log_bytes > 0 {
                copy_file(&log, &log_path(&copy.database())).map_err(read_error)?;
            }
            let after = (
                stamp(path).map_err(read_error)?,
                stamp(&log).map_err(read_error)?,
            );
            if before == after {
                return Ok(Some(copy));
            }
        }
        Err(Error::DatabaseBusy {
            path: path.to_owned(),
        })
    }

    fn database(&self) -> PathBuf {
        self.folder.path().join("copy.sqlite")
    }
}

fn log_path(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push("-wal");
    PathBuf::from(name)
}

fn stamp(path: &Path) -> io::Result<Stamp> {
    match std::fs::metadata(path) {
        Ok(metadata) => Ok(Some((metadata.len(), metadata.modified()?))),
        Err(error) if crate::store_file::is_absent(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Copies the content only: the mode of the original could keep `SQLite` from opening the copy.
fn copy_file(from: &Path, to: &Path) -> io::Result<()> {
    let mut source = File::open(from)?.take(DATABASE_BYTES_MAX);
    let mut target = OpenOptions::new().write(true).create_new(true).open(to)?;
    io::copy(&mut source, &mut target)?;
    Ok(())
}
