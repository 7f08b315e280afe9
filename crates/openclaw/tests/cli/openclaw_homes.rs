//! Copies of the homes that OpenClaw wrote, and what a look at a whole home shows.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use crate::home::Home;

/// Copies one of the homes, with the modes that OpenClaw gives to files and folders.
pub(crate) fn copy_of(name: &str) -> Home {
    let home = Home::new();
    copy(&folder().join(name), home.path());
    home
}

/// Returns the names of the homes, sorted.
pub(crate) fn names() -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder())
        .expect("the homes")
        .map(|entry| {
            entry
                .expect("a home")
                .file_name()
                .into_string()
                .expect("a name")
        })
        .collect();
    names.sort();
    names
}

/// Returns content, mode and time of change of everything in a home, to see that nothing was touched.
pub(crate) fn state(home: &Home) -> BTreeMap<PathBuf, String> {
    let mut state = BTreeMap::new();
    note(home.path(), &mut state);
    state
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/homes")
}

fn note(path: &Path, state: &mut BTreeMap<PathBuf, String>) {
    let meta = fs::symlink_metadata(path).expect("its metadata");
    let mut line = format!(
        "{:o} {}.{:09}",
        meta.mode(),
        meta.mtime(),
        meta.mtime_nsec()
    );
    if meta.is_dir() {
        for entry in fs::read_dir(path).expect("the folder") {
            note(&entry.expect("an entry").path(), state);
        }
    } else {
        let bytes = fs::read(path).expect("the file");
        line = format!("{line} {bytes:?}");
    }
    state.insert(path.to_owned(), line);
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).expect("the folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        let mode = if entry.path().is_dir() {
            fs::create_dir_all(&target).expect("the folder");
            copy(&entry.path(), &target);
            0o700
        } else {
            fs::copy(entry.path(), &target).expect("the copy");
            0o600
        };
        fs::set_permissions(&target, fs::Permissions::from_mode(mode)).expect("the mode");
    }
}
