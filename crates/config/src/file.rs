//! Files that hold secrets: private, and replaced as a whole or not at all.

use std::fs::{self, File};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use crate::error::Error;

/// The permissions of a file that may hold secrets: read and write for its owner only.
pub const FILE_MODE_SECRET: u32 = 0o600;
/// The permissions of a folder that may hold secrets.
pub const FOLDER_MODE_SECRET: u32 = 0o700;

/// The most symbolic links that are followed from a config file to its target.
const LINKS_MAX: usize = 16;

const TEMPORARY_SUFFIX: &str = ".tmp";

/// Replaces a file: writes a new one beside it, syncs it, renames it over the old one and syncs the folder.
///
/// Killed at any moment it leaves the old or the new file, never a mixture. A symbolic link stays one and its target
/// is replaced. The file gets `mode`, or keeps its permissions when they are stricter. Missing folders are not made.
///
/// # Errors
/// [`Error::Io`] with the step that failed; the old file is then untouched, unless only syncing the folder failed.
pub fn write_atomic(path: &Path, bytes: &[u8], mode: u32) -> Result<(), Error> {
    let mode = stricter(&follow_links(path)?, mode);
    put_back(path, bytes, mode)
}

/// Replaces a file as [`write_atomic`] does, with exactly this mode.
///
/// # Errors
/// Those of [`write_atomic`].
pub fn put_back(path: &Path, bytes: &[u8], mode: u32) -> Result<(), Error> {
    let target = follow_links(path)?;
    let folder = folder_of(&target);
    let mut temporary = temporary_for(&target)?;
    let file = temporary.as_file_mut();
    file.write_all(bytes).map_err(Error::io("write", &target))?;
    set_mode(file, mode).map_err(Error::io("set the permissions of", &target))?;
    file.sync_all().map_err(Error::io("sync", &target))?;
    temporary
        .persist(&target)
        .map_err(|error| Error::io("replace", &target)(error.error))?;
    sync_folder(folder)
}

/// Creates a private temporary file beside `target`, under a name that [`sweep_temporaries`] finds.
pub(crate) fn temporary_for(target: &Path) -> Result<tempfile::NamedTempFile, Error> {
    let folder = folder_of(target);
    tempfile::Builder::new()
        .prefix(&temporary_prefix(target))
        .suffix(TEMPORARY_SUFFIX)
        .tempfile_in(folder)
        .map_err(Error::io("create a temporary file in", folder))
}

/// Deletes temporary files that killed writers of `path` left behind. Only call it while holding the file's lock.
pub fn sweep_temporaries(path: &Path) {
    let Ok(target) = follow_links(path) else {
        return;
    };
    let prefix = temporary_prefix(&target);
    let Ok(entries) = fs::read_dir(folder_of(&target)) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with(&prefix) && name.ends_with(TEMPORARY_SUFFIX) {
            // A left-over file is only untidy; failing to delete it must not stop the write.
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Deletes a file, or the target of a symbolic link, and syncs the folder.
pub(crate) fn remove(path: &Path) -> Result<(), Error> {
    let target = follow_links(path)?;
    fs::remove_file(&target).map_err(Error::io("delete", &target))?;
    sync_folder(folder_of(&target))
}

/// Reads a file of at most `bytes_max` bytes; returns `None` when it does not exist.
///
/// # Errors
/// [`Error::NotAFile`] for a folder or device, [`Error::Io`] when it cannot be read or is too large.
pub(crate) fn read_optional(path: &Path, bytes_max: u64) -> Result<Option<Vec<u8>>, Error> {
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::io("read", path)(error)),
    };
    if !metadata.is_file() {
        let found = if metadata.is_dir() {
            "folder"
        } else {
            "special file"
        };
        return Err(Error::NotAFile {
            path: path.to_owned(),
            found,
        });
    }
    let file = File::open(path).map_err(Error::io("read", path))?;
    let mut bytes = Vec::new();
    // One byte more than allowed tells a file that is too large from one that just fits.
    file.take(bytes_max + 1)
        .read_to_end(&mut bytes)
        .map_err(Error::io("read", path))?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > bytes_max) {
        return Err(Error::io("read", path)(ErrorKind::FileTooLarge.into()));
    }
    Ok(Some(bytes))
}

/// Creates a folder and its parents, readable by the owner only; folders that exist keep their permissions.
///
/// # Errors
/// [`Error::Io`] when it cannot be created.
pub fn create_private_folder(folder: &Path) -> Result<(), Error> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, FOLDER_MODE_SECRET);
    builder
        .create(folder)
        .map_err(Error::io("create the folder", folder))
}

/// Opens a file for appending, creating it with [`FILE_MODE_SECRET`].
pub(crate) fn open_append(path: &Path) -> Result<File, Error> {
    let mut options = fs::OpenOptions::new();
    options.append(true).create(true);
    private(&mut options);
    options.open(path).map_err(Error::io("append to", path))
}

/// Makes files that `options` creates private.
pub(crate) fn private(options: &mut fs::OpenOptions) {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, FILE_MODE_SECRET);
    #[cfg(not(unix))]
    let _ = options;
}

/// Returns the file that a chain of symbolic links ends at, also when that does not exist yet.
pub(crate) fn follow_links(path: &Path) -> Result<PathBuf, Error> {
    let mut target = path.to_owned();
    for _ in 0..LINKS_MAX {
        match fs::read_link(&target) {
            Ok(link) => target = folder_of(&target).join(link),
            // Not a link, or nothing there.
            Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::NotFound) => {
                return Ok(target);
            }
            Err(error) => return Err(Error::io("follow the link", path)(error)),
        }
    }
    Err(Error::io("follow the link", path)(std::io::Error::other(
        "too many symbolic links",
    )))
}

fn folder_of(path: &Path) -> &Path {
    path.parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

fn temporary_prefix(target: &Path) -> String {
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    format!(".{name}.")
}

/// Returns the permission bits of a file.
///
/// # Errors
/// [`Error::Io`] when it cannot be looked at.
#[cfg(unix)]
pub fn mode_of(path: &Path) -> Result<u32, Error> {
    use std::os::unix::fs::PermissionsExt;
    let metadata = fs::metadata(path).map_err(Error::io("read", path))?;
    Ok(metadata.permissions().mode() & 0o7777)
}

/// Returns the mode of private files: there are no permission bits here.
///
/// # Errors
/// None.
#[cfg(not(unix))]
pub fn mode_of(_path: &Path) -> Result<u32, Error> {
    Ok(FILE_MODE_SECRET)
}

#[cfg(unix)]
fn stricter(target: &Path, mode: u32) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    let existing = fs::metadata(target).map(|metadata| metadata.permissions().mode() & 0o777);
    existing
        .ok()
        .filter(|existing| existing & !mode == 0)
        .unwrap_or(mode)
}

#[cfg(not(unix))]
fn stricter(_target: &Path, mode: u32) -> u32 {
    mode
}

#[cfg(unix)]
fn set_mode(file: &File, mode: u32) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn set_mode(_file: &File, _mode: u32) -> std::io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> Result<(), Error> {
    let sync = || File::open(folder)?.sync_all();
    sync().map_err(Error::io("sync the folder", folder))
}

/// Windows has no way to sync a folder; the rename itself is journalled.
#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> Result<(), Error> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    fn mode(path: &Path) -> u32 {
        use std::os::unix::fs::PermissionsExt;
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[cfg(unix)]
    #[test]
    fn makes_files_private_and_keeps_stricter_ones() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        write_atomic(&path, b"1", FILE_MODE_SECRET).unwrap();
        assert_eq!(mode(&path), 0o600);
        for (before, after) in [
            (0o644, 0o600),
            (0o400, 0o400),
            (0o600, 0o600),
            (0o640, 0o600),
        ] {
            fs::set_permissions(&path, fs::Permissions::from_mode(before)).unwrap();
            write_atomic(&path, b"2", FILE_MODE_SECRET).unwrap();
            assert_eq!(mode(&path), after, "{before:o}");
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_survives_and_its_target_changes() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("dotfiles/openclaw.json");
        create_private_folder(target.parent().unwrap()).unwrap();
        let link = folder.path().join("openclaw.json");
        // Also when the target does not exist yet.
        std::os::unix::fs::symlink("dotfiles/openclaw.json", &link).unwrap();
        for text in ["1", "2"] {
            write_atomic(&link, text.as_bytes(), FILE_MODE_SECRET).unwrap();
            assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
            assert_eq!(fs::read_to_string(&target).unwrap(), text);
        }
        let circle = folder.path().join("circle");
        std::os::unix::fs::symlink("circle", &circle).unwrap();
        assert!(write_atomic(&circle, b"", FILE_MODE_SECRET).is_err());
    }

    #[test]
    fn a_missing_folder_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let error =
            write_atomic(&folder.path().join("no/a.json"), b"", FILE_MODE_SECRET).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("cannot create a temporary file in "),
            "{error}"
        );
    }

    #[test]
    fn sweeps_only_its_own_left_overs() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        for name in [".a.json.x1.tmp", ".b.json.x1.tmp", "a.json.bak"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        sweep_temporaries(&path);
        let mut left: Vec<_> = fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        left.sort();
        assert_eq!(left, [".b.json.x1.tmp", "a.json.bak"]);
    }

    #[test]
    fn reads_only_files_of_the_right_size() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        assert_eq!(read_optional(&path, 3).unwrap(), None);
        fs::write(&path, "123").unwrap();
        assert_eq!(read_optional(&path, 3).unwrap().unwrap(), b"123");
        assert!(matches!(read_optional(&path, 2), Err(Error::Io { .. })));
        assert!(matches!(
            read_optional(folder.path(), 3),
            Err(Error::NotAFile {
                found: "folder",
                ..
            })
        ));
    }
}
