//! Rules of the repository that no compiler checks.

mod layout;
mod source;
mod text;

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use crate::workspace;

/// Folders that hold nothing of ours.
const SKIPPED: [&str; 6] = [
    ".git",
    ".venv",
    "target",
    "node_modules",
    "__pycache__",
    "proptest-regressions",
];

/// A file of the project: its path from the root with `/`, and its text.
pub(crate) struct ProjectFile {
    pub(crate) path: String,
    pub(crate) text: String,
}

/// A rule broken at a place. Line 0 means the file as a whole.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    path: String,
    line: usize,
    message: String,
}

impl Finding {
    pub(crate) fn new(path: &str, line: usize, message: impl Into<String>) -> Self {
        Self {
            path: path.to_owned(),
            line,
            message: message.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(out, "{}: {}", self.path, self.message),
            line => write!(out, "{}:{line}: {}", self.path, self.message),
        }
    }
}

impl ProjectFile {
    pub(crate) fn is_rust(&self) -> bool {
        self.has_extension("rs")
    }

    pub(crate) fn has_extension(&self, extension: &str) -> bool {
        Path::new(&self.path)
            .extension()
            .is_some_and(|found| found == extension)
    }

    /// The lines with their numbers, counted from one.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        (1..).zip(self.text.lines())
    }
}

/// Checks every rule on every file.
///
/// # Errors
/// A rule is broken, or a file cannot be read.
pub(crate) fn run() -> anyhow::Result<()> {
    let root = workspace::root();
    let files = files(&root)?;
    let findings = findings(&files);
    for finding in &findings {
        println!("{finding}");
    }
    if !findings.is_empty() {
        bail!("broken rules: {}", findings.len());
    }
    println!("{} files, all tidy", files.len());
    Ok(())
}

fn findings(files: &[ProjectFile]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files {
        text::check(file, &mut findings);
        if file.is_rust() {
            source::check(file, &mut findings);
        }
    }
    layout::check(files, &mut findings);
    findings.sort();
    findings
}

/// Reads every text file of the project.
fn files(root: &Path) -> anyhow::Result<Vec<ProjectFile>> {
    let mut files = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if path.is_symlink() || SKIPPED.contains(&name.as_ref()) {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else {
                files.extend(read(root, &path)?);
            }
        }
    }
    files.sort_by(|left, right| left.path.cmp(&right.path));
    Ok(files)
}

/// Reads a file; none when it is not text.
fn read(root: &Path, path: &PathBuf) -> anyhow::Result<Option<ProjectFile>> {
    let bytes = fs::read(path).with_context(|| path.display().to_string())?;
    let relative = path.strip_prefix(root)?;
    let words: Vec<_> = relative.iter().map(|word| word.to_string_lossy()).collect();
    let file = String::from_utf8(bytes).ok().map(|text| ProjectFile {
        path: words.join("/"),
        text,
    });
    Ok(file)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// What one check says of one file, as `line: message`.
    pub(crate) fn told(
        check: fn(&ProjectFile, &mut Vec<Finding>),
        path: &str,
        text: &str,
    ) -> Vec<String> {
        let file = ProjectFile {
            path: path.to_owned(),
            text: text.to_owned(),
        };
        let mut findings = Vec::new();
        check(&file, &mut findings);
        let lines = findings.iter();
        lines
            .map(|finding| format!("{}: {}", finding.line, finding.message))
            .collect()
    }

    #[test]
    fn a_finding_names_its_place() {
        let at_line = Finding::new("a/b.rs", 7, "too long");
        assert_eq!(at_line.to_string(), "a/b.rs:7: too long");
        let whole = Finding::new("a/b.rs", 0, "too long");
        assert_eq!(whole.to_string(), "a/b.rs: too long");
    }

    #[test]
    fn files_are_found_below_folders_but_not_in_skipped_ones() {
        let root = tempfile::tempdir().unwrap();
        for folder in ["a/b", "target/x", ".git"] {
            fs::create_dir_all(root.path().join(folder)).unwrap();
        }
        fs::write(root.path().join("a/b/c.txt"), "text").unwrap();
        fs::write(root.path().join("a/image"), [0xff, 0xfe, 0x00]).unwrap();
        fs::write(root.path().join("target/x/y.txt"), "text").unwrap();
        fs::write(root.path().join(".git/HEAD"), "text").unwrap();
        let found = files(root.path()).unwrap();
        let paths: Vec<_> = found.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(paths, ["a/b/c.txt"]);
    }
}
