//! One database: opened with private modes, brought up to date, used by one caller at a time.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use crate::error::Error;

/// How long a statement waits for another process to finish its own.
pub const BUSY_WAIT_MAX: Duration = Duration::from_secs(5);

/// The tables of a database.
#[derive(Debug, Clone, Copy)]
pub struct Schema {
    /// The statements that lead from each version to the next; the first from an empty file. Never changed, only added to.
    pub migrations: &'static [&'static str],
    /// What a crash of the machine may take back.
    pub durability: Durability,
}

impl Schema {
    /// Returns the version that the migrations lead to.
    fn version(&self) -> u32 {
        u32::try_from(self.migrations.len()).unwrap_or(u32::MAX)
    }
}

/// What a crash of the machine may take back. A crash of the program takes back nothing in either case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Nothing: every commit is on disk before it returns.
    EveryCommit,
    /// The last commits. For what can be learned again.
    Relaxed,
}

/// An open database. One caller at a time; statements are short.
#[derive(Debug)]
pub struct Database {
    path: PathBuf,
    connection: Mutex<Connection>,
}

impl Database {
    /// Opens the database at `path`, which is made (readable by the owner only) when there is none, and brings its tables
    /// up to date.
    ///
    /// # Errors
    /// [`Error::Create`], [`Error::Database`], and [`Error::Newer`] for tables of a later version.
    pub fn open(path: &Path, schema: &Schema) -> Result<Self, Error> {
        if let Some(folder) = path.parent() {
            let create_error = |source| Error::Create {
                path: folder.to_owned(),
                source: Box::new(source),
            };
            config::create_private_folder(folder).map_err(create_error)?;
        }
        create_private(path)?;
        let database_error = error_at(path);
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(path, flags).map_err(&database_error)?;
        connection
            .busy_timeout(BUSY_WAIT_MAX)
            .map_err(&database_error)?;
        let synchronous = match schema.durability {
            Durability::EveryCommit => "FULL",
            Durability::Relaxed => "NORMAL",
        };
        // A rollback journal, not a log beside the file: a command that only reads can then open it without writing.
        connection
            .pragma_update(None, "synchronous", synchronous)
            .map_err(&database_error)?;
        migrate(&mut connection, path, schema)?;
        Ok(Self {
            path: path.to_owned(),
            connection: Mutex::new(connection),
        })
    }

    /// Opens the database at `path` for reading; `None` when there is none. Creates and changes no file.
    ///
    /// # Errors
    /// [`Error::Database`], and [`Error::Newer`] for tables of a later version.
    pub fn open_read_only(path: &Path, schema: &Schema) -> Result<Option<Self>, Error> {
        if !path.exists() {
            return Ok(None);
        }
        let database_error = error_at(path);
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(&database_error)?;
        connection
            .busy_timeout(BUSY_WAIT_MAX)
            .map_err(&database_error)?;
        let version = version(&connection).map_err(&database_error)?;
        if version == 0 {
            // Made by somebody who was stopped before it had tables.
            return Ok(None);
        }
        check_version(path, schema, version)?;
        Ok(Some(Self {
            path: path.to_owned(),
            connection: Mutex::new(connection),
        }))
    }

    /// Returns where the database is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Runs statements that read.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub fn read<T>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, Error> {
        // A caller that panicked has left no half transaction behind: dropping one rolls it back.
        let connection = self
            .connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        work(&connection).map_err(error_at(&self.path))
    }

    /// Runs statements that write, all or none of them. No other process writes meanwhile.
    ///
    /// # Errors
    /// [`Error::Database`]; nothing was written then.
    pub fn write<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, Error> {
        let mut connection = self
            .connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let done = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .and_then(|transaction| {
                let done = work(&transaction)?;
                transaction.commit()?;
                Ok(done)
            });
        done.map_err(error_at(&self.path))
    }
}

fn error_at(path: &Path) -> impl Fn(rusqlite::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::Database {
        path: path.clone(),
        source,
    }
}

/// Makes an empty file that only the owner can read; `SQLite` gives its journal the same mode.
fn create_private(path: &Path) -> Result<(), Error> {
    if path.exists() {
        return Ok(());
    }
    config::write_atomic(path, b"", config::FILE_MODE_SECRET).map_err(|source| Error::Create {
        path: path.to_owned(),
        source: Box::new(source),
    })
}

fn version(connection: &Connection) -> rusqlite::Result<u32> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

fn check_version(path: &Path, schema: &Schema, found: u32) -> Result<(), Error> {
    let known = schema.version();
    if found > known {
        return Err(Error::Newer {
            path: path.to_owned(),
            found,
            known,
        });
    }
    Ok(())
}

fn migrate(connection: &mut Connection, path: &Path, schema: &Schema) -> Result<(), Error> {
    let database_error = error_at(path);
    let known = schema.version();
    let found = version(connection).map_err(&database_error)?;
    check_version(path, schema, found)?;
    if found == known {
        return Ok(());
    }
    let migrated = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .and_then(|transaction| {
            // Another process may have been faster.
            let found = version(&transaction)?;
            for statements in schema.migrations.iter().skip(found as usize) {
                transaction.execute_batch(statements)?;
            }
            transaction.pragma_update(None, "user_version", found.max(known))?;
            transaction.commit()
        });
    migrated.map_err(database_error)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Schema = Schema {
        migrations: &["CREATE TABLE a (x INTEGER NOT NULL) STRICT"],
        durability: Durability::EveryCommit,
    };
    const TWO: Schema = Schema {
        migrations: &[
            "CREATE TABLE a (x INTEGER NOT NULL) STRICT",
            "ALTER TABLE a ADD COLUMN y TEXT",
        ],
        durability: Durability::Relaxed,
    };

    fn insert(database: &Database, x: i64) -> Result<(), Error> {
        database.write(|tables| {
            tables.execute("INSERT INTO a (x) VALUES (?1)", [x])?;
            if x < 0 {
                return Err(rusqlite::Error::QueryReturnedNoRows);
            }
            Ok(())
        })
    }

    fn sum(database: &Database) -> i64 {
        let sum = database.read(|tables| {
            tables.query_row("SELECT coalesce(sum(x), 0) FROM a", [], |row| row.get(0))
        });
        sum.unwrap()
    }

    #[test]
    fn grows_with_the_program_and_refuses_what_is_newer() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state/x.sqlite");
        assert!(Database::open_read_only(&path, &ONE).unwrap().is_none());
        assert!(!folder.path().join("state").exists());
        insert(&Database::open(&path, &ONE).unwrap(), 3).unwrap();
        let newer = Database::open(&path, &TWO).unwrap();
        assert_eq!(sum(&newer), 3);
        let found = Database::open(&path, &ONE).unwrap_err();
        assert!(matches!(
            found,
            Error::Newer {
                found: 2,
                known: 1,
                ..
            }
        ));
        let found = Database::open_read_only(&path, &ONE).unwrap_err();
        assert!(matches!(found, Error::Newer { .. }));
    }

    #[test]
    fn a_write_is_all_or_nothing_and_reading_writes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.sqlite");
        let database = Database::open(&path, &ONE).unwrap();
        insert(&database, 1).unwrap();
        insert(&database, -5).unwrap_err();
        let before = std::fs::read(&path).unwrap();
        let reader = Database::open_read_only(&path, &ONE).unwrap().unwrap();
        assert_eq!(sum(&reader), 1);
        insert(&reader, 2).unwrap_err();
        assert_eq!(std::fs::read(&path).unwrap(), before);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_can_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state/x.sqlite");
        insert(&Database::open(&path, &ONE).unwrap(), 1).unwrap();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
