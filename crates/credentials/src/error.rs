//! What can go wrong with credentials themselves; problems of a single candidate are in [`crate::Unusable`].

use std::path::PathBuf;

use thiserror::Error;

/// What went wrong while reading or writing credentials.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// A store exists and cannot be read.
    #[error("cannot read the credential store {}", path.display())]
    ReadStore {
        /// The store.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// There is a folder or a special file where a store belongs.
    #[error("{} is not a file", path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// A store is larger than any real one.
    #[error("the credential store {} is larger than {bytes_max} bytes", path.display())]
    StoreTooLarge {
        /// The store.
        path: PathBuf,
        /// The largest size that is read, in bytes.
        bytes_max: u64,
    },
    /// A store is not JSON: truncated, or edited by hand.
    #[error("the credential store {}:{line}:{column} is not valid JSON", path.display())]
    StoreSyntax {
        /// The store.
        path: PathBuf,
        /// One-based line of the fault.
        line: usize,
        /// Column of the fault, counted in bytes from 1; 0 is the end of the line before.
        column: usize,
        /// What the parser said.
        source: serde_json::Error,
    },
    /// A store is JSON, but not of the form of a store.
    #[error("the credential store {} is malformed: {problem}", path.display())]
    StoreShape {
        /// The store.
        path: PathBuf,
        /// What is wrong.
        problem: ShapeProblem,
    },
    /// A store was written by a later program and is left alone.
    #[error("the credential store {} has format version {version}, newer than this program can write", path.display())]
    FutureVersion {
        /// The store.
        path: PathBuf,
        /// Its version, above 1.
        version: u64,
    },
    /// The lock of a store could not be had in time.
    #[error("cannot lock the credential store {}", path.display())]
    LockStore {
        /// The store.
        path: PathBuf,
        /// What the lock said.
        source: Box<config::Error>,
    },
    /// A store could not be written; the old one is still there.
    #[error("cannot write the credential store {}", path.display())]
    WriteStore {
        /// The store.
        path: PathBuf,
        /// What went wrong.
        source: Box<config::Error>,
    },
    /// A store could not be turned into text; the old one is still there.
    #[error("cannot encode the credential store {}", path.display())]
    EncodeStore {
        /// The store.
        path: PathBuf,
        /// What the encoder said.
        source: serde_json::Error,
    },
    /// An identity server of the catalog has an address that is no URL.
    #[error("the identity server `{id}` has the address `{url}`, which is no URL")]
    IdentityServer {
        /// The row of the catalog.
        id: String,
        /// The address.
        url: String,
    },
    /// A `SQLite` store exists and cannot be read.
    #[error("cannot read the credentials in the database {}", path.display())]
    Database {
        /// The database in the home.
        path: PathBuf,
        /// What `SQLite` said.
        source: rusqlite::Error,
    },
    /// A `SQLite` store changed during each attempt to read it.
    #[error("the database {} kept changing while it was read", path.display())]
    DatabaseBusy {
        /// The database.
        path: PathBuf,
    },
}

/// How the JSON of a store differs from a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ShapeProblem {
    /// The top level is not an object.
    #[error("the top level is not an object")]
    RootNotAnObject,
    /// `profiles` is not an object.
    #[error("`profiles` is not an object")]
    ProfilesNotAnObject,
    /// The text is not UTF-8.
    #[error("the text is not UTF-8")]
    NotUtf8,
}

impl Error {
    /// Returns what a person can do next, where there is something to do.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::ReadStore { path, source }
                if source.kind() == std::io::ErrorKind::PermissionDenied =>
            {
                Some(format!(
                    "run `ls -l {}`: the file must belong to you, with mode 0600",
                    path.display()
                ))
            }
            Self::StoreSyntax { path, .. } | Self::StoreShape { path, .. } => Some(format!(
                "nothing was overwritten; repair {0}, or set it aside (`mv {0} {0}.broken`) and run `openclaw onboard`",
                path.display()
            )),
            Self::FutureVersion { .. } => {
                Some("update openclaw, or use the program that wrote the store".to_owned())
            }
            Self::NotAFile { path } => Some(format!("move {} away", path.display())),
            Self::DatabaseBusy { .. } => Some("stop the other program and try again".to_owned()),
            Self::LockStore { source, .. } | Self::WriteStore { source, .. } => source.hint(),
            Self::ReadStore { .. }
            | Self::StoreTooLarge { .. }
            | Self::EncodeStore { .. }
            | Self::IdentityServer { .. }
            | Self::Database { .. } => None,
        }
    }
}

/// Returns the message of an error and of its causes in one line.
pub(crate) fn one_line(error: &dyn std::error::Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(source) = cause {
        line.push_str(": ");
        line.push_str(&source.to_string());
        cause = source.source();
    }
    line
}
