//! Media on this machine: read from one canonical path, within a size, and only when the bytes are media.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use bytes::Bytes;

use crate::media_fetch::Medium;
use crate::media_type::{MediaKind, MediaType, SNIFF_BYTES};

/// Why a file is not used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// It cannot be read.
    #[error("cannot read {}", path.display())]
    Unreadable {
        /// Where.
        path: PathBuf,
        /// The operating system's reason.
        #[source]
        source: io::Error,
    },
    /// It is a folder, a device or a pipe.
    #[error("{} is not a file", .0.display())]
    NotAFile(PathBuf),
    /// It is over the limit.
    #[error("{} has {bytes} bytes, more than the {max} that are taken", path.display())]
    TooLarge {
        /// Where.
        path: PathBuf,
        /// Its size.
        bytes: u64,
        /// The limit.
        max: u64,
    },
    /// It is of another kind.
    #[error("{} is {found}, not {wanted}", path.display())]
    WrongKind {
        /// Where.
        path: PathBuf,
        /// What it is.
        found: &'static str,
        /// What was wanted.
        wanted: String,
    },
}

/// Reads the file that `path` leads to when it is of one of `kinds` and not over `bytes_max`.
///
/// # Errors
/// [`FileError`].
pub fn read(path: &Path, kinds: &[MediaKind], bytes_max: u64) -> Result<Medium, FileError> {
    let unreadable = |path: &Path| {
        let path = path.to_owned();
        move |source| FileError::Unreadable { path, source }
    };
    let real = path.canonicalize().map_err(unreadable(path))?;
    // Looked at before it is opened: opening a pipe waits for its writer.
    if !real.metadata().map_err(unreadable(path))?.is_file() {
        return Err(FileError::NotAFile(real));
    }
    let file = File::open(&real).map_err(unreadable(path))?;
    let bytes = file.metadata().map_err(unreadable(path))?.len();
    let path = real;
    if bytes > bytes_max {
        let max = bytes_max;
        return Err(FileError::TooLarge { path, bytes, max });
    }
    let mut read = Vec::new();
    let reading = file.take(bytes_max).read_to_end(&mut read);
    reading.map_err(unreadable(&path))?;
    let kind = MediaType::sniff(read.get(..SNIFF_BYTES).unwrap_or(&read));
    match kind.filter(|kind| kinds.contains(&kind.kind)) {
        Some(kind) => Ok(Medium {
            kind,
            bytes: Bytes::from(read),
        }),
        None => Err(FileError::WrongKind {
            path,
            found: kind.map_or("of no known format", |kind| kind.kind.name()),
            wanted: MediaKind::list(kinds),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_media_within_the_limit_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            path
        };
        let image = at("a.txt", b"\x89PNG\r\n\x1a\nrest");
        let images = &[MediaKind::Image];
        let said = |path: &Path, max| read(path, images, max).unwrap_err().to_string();
        assert_eq!(read(&image, images, 12).unwrap().kind.mime, "image/png");
        assert!(said(&image, 11).contains("more than the 11"));
        assert!(said(&at("b.png", b"secret=1"), 99).contains("of no known format, not image"));
        assert!(said(folder.path(), 99).contains("is not a file"));
        assert!(said(&folder.path().join("none"), 99).contains("cannot read"));
        #[cfg(unix)]
        {
            let link = folder.path().join("link.png");
            std::os::unix::fs::symlink("b.png", &link).unwrap();
            // What is said names the file behind the link.
            assert!(said(&link, 99).contains("b.png"));
            assert!(said(Path::new("/dev/zero"), 99).contains("is not a file"));
        }
    }
}
