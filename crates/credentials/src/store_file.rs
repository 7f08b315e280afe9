//! Reads small private files, with a size cap and a look at their mode.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use secrecy::zeroize::Zeroizing;

use crate::error::{Error, ShapeProblem};
use crate::store::Warning;

/// The largest JSON store that is read, in bytes; fifty logins take about 30 KiB.
pub const STORE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Permission bits that let others than the owner at a file.
const OTHERS_BITS: u32 = 0o077;

/// The text of a private file and what its mode says.
pub(crate) struct PrivateText {
    /// The content, overwritten when dropped.
    pub(crate) text: Zeroizing<String>,
    /// The complaint about its mode, if there is one.
    pub(crate) mode_warning: Option<Warning>,
}

/// Reads a whole file; `None` when it does not exist.
pub(crate) fn read(path: &Path) -> Result<Option<PrivateText>, Error> {
    let read_error = |source| Error::ReadStore {
        path: path.to_owned(),
        source,
    };
    let metadata = match std::fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(source) if is_absent(&source) => return Ok(None),
        Err(source) => return Err(read_error(source)),
    };
    // Opening a pipe could wait for ever, so the kind is looked at first.
    if !metadata.is_file() {
        return Err(Error::NotAFile {
            path: path.to_owned(),
        });
    }
    let file = File::open(path).map_err(read_error)?;
    let mut bytes = Zeroizing::new(Vec::with_capacity(
        usize::try_from(metadata.len().min(STORE_BYTES_MAX)).unwrap_or(0) + 1,
    ));
    file.take(STORE_BYTES_MAX + 1)
        .read_to_end(&mut bytes)
        .map_err(read_error)?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > STORE_BYTES_MAX {
        return Err(Error::StoreTooLarge {
            path: path.to_owned(),
            bytes_max: STORE_BYTES_MAX,
        });
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| Error::StoreShape {
        path: path.to_owned(),
        problem: ShapeProblem::NotUtf8,
    })?;
    Ok(Some(PrivateText {
        text: Zeroizing::new(text.to_owned()),
        mode_warning: mode_warning(path, &metadata),
    }))
}

/// Tells whether an error says that there is no such file.
pub(crate) fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

/// Returns the path with a leading `~` replaced by the user's home.
pub(crate) fn expand_home(path: &str, home: &Path) -> PathBuf {
    match path.strip_prefix('~') {
        Some("") => home.to_owned(),
        Some(rest) if rest.starts_with('/') => home.join(rest.trim_start_matches('/')),
        Some(_) | None => PathBuf::from(path),
    }
}

#[cfg(unix)]
fn mode_warning(path: &Path, metadata: &std::fs::Metadata) -> Option<Warning> {
    use std::os::unix::fs::PermissionsExt;
    let mode = metadata.permissions().mode() & 0o7777;
    (mode & OTHERS_BITS != 0).then(|| Warning::LooseMode {
        path: path.to_owned(),
        mode,
    })
}

#[cfg(not(unix))]
fn mode_warning(_path: &Path, _metadata: &std::fs::Metadata) -> Option<Warning> {
    None
}
