//! The folders that looking for a place to write may leave behind, and their removal when nothing came of it.

use std::path::{Path, PathBuf};

/// The folders that did not exist before, the deepest first.
pub(super) struct Footprint(Vec<PathBuf>);

impl Footprint {
    /// Notes which folders on the way to `folder` do not exist yet.
    pub(super) fn before(folder: &Path) -> Self {
        let missing = folder.ancestors().take_while(|folder| !folder.exists());
        Self(missing.map(Path::to_owned).collect())
    }

    /// Removes those that are empty; others have come into use meanwhile.
    pub(super) fn erase(self) {
        for folder in self.0 {
            if std::fs::remove_dir(folder).is_err() {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_new_and_empty_folders_go() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("a/b");
        let footprint = Footprint::before(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        footprint.erase();
        assert!(root.path().is_dir() && !root.path().join("a").exists());

        let footprint = Footprint::before(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(root.path().join("a/used"), "").unwrap();
        footprint.erase();
        assert!(root.path().join("a/used").is_file() && !folder.exists());
    }
}
