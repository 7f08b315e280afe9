//! Reads the `SQLite` stores of `OpenClaw` 2026.6 and later, without touching them.
//!
//! Opening a database in the usual way would create side files, take locks and perhaps roll a log forward. So a database
//! at rest is opened as immutable, which does none of that; one with a log beside it is copied, log included, into a
//! private temporary folder and opened there. Either way the read is repeated when a file changed meanwhile. The rows
//! hold the same JSON document as `auth-profiles.json`.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rusqlite::{Connection, OpenFlags, OptionalExtension};
use secrecy::zeroize::Zeroizing;
use serde_json::Value;
use tempfile::TempDir;

use crate::document::Document;
use crate::error::Error;
use crate::profile_state::ProfileState;
use crate::store::{Origin, StoredProfiles};

/// The largest database, and the largest log, that is copied, in bytes; a database at rest may be larger.
pub const DATABASE_BYTES_MAX: u64 = 128 * 1024 * 1024;

/// How often a read is tried when the database changes meanwhile.
const ATTEMPTS_MAX: u32 = 3;

/// The ends of the names of logs: what was committed and is not in the database yet, and how to undo what was not.
const LOG_SUFFIXES: [&str; 2] = ["-wal", "-journal"];

/// The name of a copy in its folder.
const COPY_NAME: &str = "copy.sqlite";

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
/// [`Error::StoreTooLarge`] when a database in use is above [`DATABASE_BYTES_MAX`], [`Error::DatabaseBusy`] when it
/// changes during each of three reads, [`Error::Database`] when `SQLite` cannot read it, [`Error::ReadStore`] when it
/// cannot be copied, and [`Error::StoreSyntax`] or [`Error::StoreShape`] when the document in it is broken.
pub fn read(path: &Path, layout: Layout) -> Result<Option<StoredProfiles>, Error> {
    for _ in 0..ATTEMPTS_MAX {
        let before = Stamps::of(path)?;
        if before.database.is_none() {
            return Ok(None);
        }
        let rows = Rows::read(path, &before, layout);
        if Stamps::of(path)? == before {
            return rows?.stored(path);
        }
    }
    Err(Error::DatabaseBusy {
        path: path.to_owned(),
    })
}

/// The two texts of a store.
struct Rows {
    store: Option<Zeroizing<String>>,
    state: Option<Zeroizing<String>>,
}

impl Rows {
    fn read(path: &Path, stamps: &Stamps, layout: Layout) -> Result<Self, Error> {
        let database_error = |source| Error::Database {
            path: path.to_owned(),
            source,
        };
        let uri = immutable_uri(path).filter(|_| stamps.is_at_rest());
        // The folder of a copy must outlive the connection to it.
        let (_folder, connection) = if let Some(uri) = uri {
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
            (None, Connection::open_with_flags(uri, flags))
        } else {
            let folder = copy(path, stamps)?;
            let connection = Connection::open(folder.path().join(COPY_NAME));
            (Some(folder), connection)
        };
        let connection = connection.map_err(database_error)?;
        let queries = layout.queries();
        Ok(Self {
            store: select(&connection, queries.store_table, queries.store)
                .map_err(database_error)?,
            state: select(&connection, queries.state_table, queries.state)
                .map_err(database_error)?,
        })
    }

    fn stored(self, path: &Path) -> Result<Option<StoredProfiles>, Error> {
        let Some(store) = self.store else {
            return Ok(None);
        };
        let document = Document::parse(path, &store)?;
        let mut stored = document.profiles(&Origin::Sqlite(path.to_owned()));
        stored.state = self.state.map(|state| state_of(&state)).unwrap_or_default();
        Ok(Some(stored))
    }
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

/// What tells whether a file changed: its length and time of change; `None` when there is no file.
type Stamp = Option<(u64, SystemTime)>;

/// The stamps of a database and of its logs.
#[derive(PartialEq, Eq)]
struct Stamps {
    database: Stamp,
    logs: [Stamp; LOG_SUFFIXES.len()],
}

impl Stamps {
    fn of(path: &Path) -> Result<Self, Error> {
        let stamp =
            |path: PathBuf| stamp(&path).map_err(|source| Error::ReadStore { path, source });
        let [committed, undo] = LOG_SUFFIXES.map(|suffix| stamp(with_suffix(path, suffix)));
        Ok(Self {
            database: stamp(path.to_owned())?,
            logs: [committed?, undo?],
        })
    }

    /// Tells whether all there is to know is in the database itself.
    fn is_at_rest(&self) -> bool {
        self.logs.iter().all(|log| bytes(*log) == 0)
    }
}

/// Copies the database and its logs into a private folder.
fn copy(path: &Path, stamps: &Stamps) -> Result<TempDir, Error> {
    let read_error = |source| Error::ReadStore {
        path: path.to_owned(),
        source,
    };
    let largest = stamps
        .logs
        .iter()
        .chain([&stamps.database])
        .map(|stamp| bytes(*stamp))
        .max();
    if largest.is_some_and(|bytes| bytes > DATABASE_BYTES_MAX) {
        return Err(Error::StoreTooLarge {
            path: path.to_owned(),
            bytes_max: DATABASE_BYTES_MAX,
        });
    }
    let folder = tempfile::tempdir().map_err(read_error)?;
    let target = folder.path().join(COPY_NAME);
    copy_file(path, &target).map_err(read_error)?;
    for (suffix, stamp) in LOG_SUFFIXES.iter().zip(stamps.logs) {
        if bytes(stamp) > 0 {
            copy_file(&with_suffix(path, suffix), &with_suffix(&target, suffix))
                .map_err(read_error)?;
        }
    }
    Ok(folder)
}

fn bytes(stamp: Stamp) -> u64 {
    stamp.map_or(0, |(bytes, _)| bytes)
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn stamp(path: &Path) -> io::Result<Stamp> {
    match std::fs::metadata(path) {
        Ok(metadata) => Ok(Some((metadata.len(), metadata.modified()?))),
        Err(error) if crate::store_file::is_absent(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Returns the URI under which `SQLite` reads the file without locks and side files (<https://sqlite.org/uri.html>).
fn immutable_uri(path: &Path) -> Option<String> {
    let is_plain =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'_' | b'.' | b'~');
    let encoded: String = path
        .to_str()?
        .bytes()
        .map(|byte| {
            if is_plain(byte) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect();
    Some(format!("file:{encoded}?mode=ro&immutable=1"))
}

/// Copies the content only: the mode of the original could keep `SQLite` from opening the copy.
fn copy_file(from: &Path, to: &Path) -> io::Result<()> {
    let mut source = File::open(from)?.take(DATABASE_BYTES_MAX);
    let mut target = OpenOptions::new().write(true).create_new(true).open(to)?;
    io::copy(&mut source, &mut target)?;
    Ok(())
}
