//! What can go wrong in this crate, and what the person can do about it.

use std::io;
use std::path::PathBuf;

use crate::settings::Problem;
use crate::text::{EditError, ParseError};

/// A failure of the config crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file operation failed; `operation` is a verb phrase such as `read`.
    #[error("cannot {operation} {}", path.display())]
    Io {
        /// What was tried.
        operation: &'static str,
        /// The file or folder it was tried on.
        path: PathBuf,
        /// The answer of the operating system.
        #[source]
        source: io::Error,
    },
    /// There is something at the path, but it is not a regular file.
    #[error("{} is a {found}, not a file", path.display())]
    NotAFile {
        /// The path that was expected to be a file.
        path: PathBuf,
        /// What it is instead.
        found: &'static str,
    },
    /// The text is not a config.
    #[error(transparent)]
    Parse(#[from] ParseError),
    /// The text could not be changed as asked.
    #[error(transparent)]
    Edit(#[from] EditError),
    /// No variable names a home folder.
    #[error("no home folder: OPENCLAW_HOME, HOME and USERPROFILE are all unset")]
    NoHome,
    /// A profile name has a form that is not safe in a folder name.
    #[error("`{name}` is not a profile name")]
    InvalidProfile {
        /// The name as given.
        name: String,
    },
    /// An identifier has the wrong form.
    #[error("`{value}` is not a valid {kind}: {rule}")]
    InvalidId {
        /// Which kind of identifier.
        kind: &'static str,
        /// The text as given.
        value: String,
        /// The form it must have.
        rule: &'static str,
    },
    /// Another process held the lock for the whole waiting time.
    #[error("{} is held by {}", path.display(), holder.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}")))]
    Locked {
        /// The lock file.
        path: PathBuf,
        /// The process that wrote it, when the file says so.
        holder: Option<u32>,
    },
    /// The file on disk is not the one the change was made from.
    #[error("{} was changed by another program in the meantime", path.display())]
    ConcurrentChange {
        /// The config file.
        path: PathBuf,
    },
    /// Writing is forbidden by the environment.
    #[error("{} is read-only because OPENCLAW_CONFIG_READONLY is set", path.display())]
    ReadOnly {
        /// The config file.
        path: PathBuf,
    },
    /// The history has no such change.
    #[error("{}", match number { Some(number) => format!("there is no change {number} in the history"), None => "there is no change left to undo".to_owned() })]
    NoGeneration {
        /// The number that was asked for.
        number: Option<u64>,
        /// The newest there is.
        newest: Option<u64>,
    },
    /// The new text would make the config worse: it has an error that the old one had not.
    #[error("the change would make the config invalid: {}", first.one_line())]
    Rejected {
        /// The first new problem.
        first: Box<Problem>,
    },
}

impl Error {
    /// Returns what the person can do next, when there is something specific.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Io { source, .. } => io_hint(source),
            Self::NotAFile { .. } => {
                Some("move it away, or name another file with OPENCLAW_CONFIG_PATH".to_owned())
            }
            Self::Parse(error) => error.hint.clone(),
            Self::Edit(error) => error.hint(),
            Self::NoHome => {
                Some("set OPENCLAW_HOME to the folder that should hold `.openclaw`".to_owned())
            }
            Self::InvalidProfile { .. } => {
                Some("use 1 to 64 letters, digits, `-` or `_`".to_owned())
            }
            Self::InvalidId { .. } | Self::NoGeneration { newest: None, .. } => None,
            Self::Locked { path, .. } => Some(format!(
                "wait for the other command to end; if none is running, delete {}",
                path.display()
            )),
            Self::ConcurrentChange { .. } => Some("run the command again".to_owned()),
            Self::ReadOnly { .. } => {
                Some("unset OPENCLAW_CONFIG_READONLY to allow the change".to_owned())
            }
            Self::Rejected { first } => first.hint.clone(),
            Self::NoGeneration { .. } => {
                Some("`openclaw config history` lists the changes".to_owned())
            }
        }
    }

    /// Builds the closure for `map_err` that adds the operation and the path to an I/O error.
    pub(crate) fn io(
        operation: &'static str,
        path: &std::path::Path,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io {
            operation,
            path,
            source,
        }
    }
}

fn io_hint(source: &io::Error) -> Option<String> {
    match source.kind() {
        io::ErrorKind::PermissionDenied => {
            Some("check the owner and the permissions of the file and its folder".to_owned())
        }
        io::ErrorKind::StorageFull => Some("free some disk space; nothing was changed".to_owned()),
        io::ErrorKind::ReadOnlyFilesystem => Some("the disk is mounted read-only".to_owned()),
        _ => None,
    }
}
