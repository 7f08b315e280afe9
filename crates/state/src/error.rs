//! What can go wrong with a database.

use std::path::PathBuf;

/// What can go wrong with a database.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The folder or the file cannot be made.
    #[error("cannot create {}", path.display())]
    Create {
        /// The folder or file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: Box<config::Error>,
    },
    /// The lock of a process that works on jobs cannot be had.
    #[error("cannot lock {}", path.display())]
    Lock {
        /// The lock file.
        path: PathBuf,
        /// The operating system's reason.
        #[source]
        source: std::io::Error,
    },
    /// `SQLite` refuses.
    #[error("cannot use {}: {source}", path.display())]
    Database {
        /// The database.
        path: PathBuf,
        /// What `SQLite` says.
        #[source]
        source: rusqlite::Error,
    },
    /// A later version of this program has changed the tables.
    #[error("{} was written by a newer openclaw (version {found} of its tables, this one knows {known})", path.display())]
    Newer {
        /// The database.
        path: PathBuf,
        /// Version of its tables.
        found: u32,
        /// Newest version known here.
        known: u32,
    },
}
