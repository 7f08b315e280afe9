//! Rules for the project as a whole: what must be there, and what every crate declares.

use super::{Finding, ProjectFile};

/// Files a reader looks for at the root. A licence may be split into `LICENSE-…` files.
const REQUIRED: [&str; 5] = [
    "README.md",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "LICENSE",
];

pub(super) fn check(files: &[ProjectFile], findings: &mut Vec<Finding>) {
    for name in REQUIRED {
        let is_there = files.iter().any(|file| {
            let parts = name == "LICENSE" && file.path.starts_with("LICENSE-");
            file.path == name || parts
        });
        if !is_there {
            findings.push(Finding::new(name, 0, "is missing"));
        }
    }
    for file in files {
        if file.path.ends_with("/Cargo.toml") && !follows_lints(&file.text) {
            let message = "a crate says `[lints]` and `workspace = true`";
            findings.push(Finding::new(&file.path, 0, message));
        }
    }
}

fn follows_lints(manifest: &str) -> bool {
    let lines = manifest.lines().map(str::trim);
    let mut section = lines.skip_while(|line| *line != "[lints]").skip(1);
    section
        .find(|line| !line.is_empty() && !line.starts_with('#'))
        .is_some_and(|line| line.replace(' ', "") == "workspace=true")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> ProjectFile {
        ProjectFile {
            path: path.to_owned(),
            text: text.to_owned(),
        }
    }

    fn told(files: &[ProjectFile]) -> Vec<String> {
        let mut findings = Vec::new();
        check(files, &mut findings);
        findings.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn missing_files_are_named() {
        let mut files: Vec<_> = REQUIRED.iter().map(|name| file(name, "")).collect();
        assert_eq!(told(&files), Vec::<String>::new());
        files.retain(|file| file.path != "LICENSE");
        assert_eq!(told(&files), ["LICENSE: is missing"]);
        files.push(file("LICENSE-MIT", ""));
        assert_eq!(told(&files), Vec::<String>::new());
    }

    #[test]
    fn a_manifest_takes_the_lints_of_the_workspace() {
        assert!(follows_lints(
            "[package]\n\n[lints]\n# ours\nworkspace = true\n"
        ));
        assert!(!follows_lints("[package]\nworkspace = true\n"));
        assert!(!follows_lints(
            "[lints]\n[dependencies]\nworkspace = true\n"
        ));
        assert!(!follows_lints("[lints.clippy]\nworkspace = true\n"));
    }
}
