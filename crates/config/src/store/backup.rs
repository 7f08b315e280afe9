//! Old versions of a file: the newest in `.bak`, older ones in `.bak.1` to `.bak.4`, as `OpenClaw` keeps them.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::file::{self, FILE_MODE_SECRET};

/// How many old versions of the config are kept.
pub const BACKUPS_MAX: usize = 5;

/// Moves each backup to the next older place and writes `bytes` as the newest; returns its path.
pub(super) fn rotate(path: &Path, bytes: &[u8]) -> Result<PathBuf, Error> {
    for age in (1..BACKUPS_MAX).rev() {
        let (newer, older) = (place(path, age - 1), place(path, age));
        match fs::rename(&newer, &older) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(Error::io("rename the backup", &newer)(error)),
        }
    }
    let newest = place(path, 0);
    file::write_atomic(&newest, bytes, FILE_MODE_SECRET)?;
    Ok(newest)
}

fn place(path: &Path, age: usize) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".bak");
    if age > 0 {
        name.push(format!(".{age}"));
    }
    PathBuf::from(name)
}
