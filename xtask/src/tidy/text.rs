//! Rules for every text file.

use super::{Finding, ProjectFile};

/// Folders that exist on one machine only. Put together here, so that this file passes.
const MACHINE_FOLDERS: [&str; 2] = [concat!("/wo", "rk/"), concat!("/ro", "ot/")];
const HOMES: &str = concat!("/ho", "me/");
/// Names that stand for anybody in examples and recorded files (`operator…` in any length).
const ANYBODY: [&str; 6] = ["someone", "user", "you", "me", "alice", "bob"];

pub(super) fn check(file: &ProjectFile, findings: &mut Vec<Finding>) {
    for (number, line) in file.lines() {
        for folder in MACHINE_FOLDERS {
            if absolute(line, folder).next().is_some() {
                let message = format!("a path of one machine: {folder}");
                findings.push(Finding::new(&file.path, number, message));
            }
        }
        if let Some(owner) = absolute(line, HOMES).find_map(somebody) {
            let message = format!("somebody's home: {HOMES}{owner}");
            findings.push(Finding::new(&file.path, number, message));
        }
    }
}

/// What follows each occurrence of `folder` that begins a path.
fn absolute<'a>(line: &'a str, folder: &'static str) -> impl Iterator<Item = &'a str> {
    line.match_indices(folder).filter_map(|(at, _)| {
        let before = line.get(..at)?.chars().next_back();
        let begins = before.is_none_or(|c| !c.is_alphanumeric() && !"/._-~}>".contains(c));
        begins.then(|| line.get(at + folder.len()..))?
    })
}

/// The person whose home this is, unless the name stands for anybody.
fn somebody(rest: &str) -> Option<&str> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    let name = rest.split(|c| !is_name(c)).next().unwrap_or_default();
    let is_anybody = name.is_empty() || name.starts_with("operator") || ANYBODY.contains(&name);
    (!is_anybody).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::super::tests::told;
    use super::*;

    #[test]
    fn paths_of_one_machine_are_found() {
        let text = format!(
            "ok\nread {}a/b\nin \"{}.x\"",
            MACHINE_FOLDERS[0], MACHINE_FOLDERS[1]
        );
        let findings = told(check, "notes.md", &text);
        assert_eq!(findings.len(), 2, "{findings:?}");
        assert!(findings[0].starts_with("2: ") && findings[1].starts_with("3: "));
    }

    #[test]
    fn longer_paths_and_hosts_with_the_same_words_are_not() {
        let text = format!(
            "~{0} x{0} http://host{1} $HOME{1}",
            MACHINE_FOLDERS[0], MACHINE_FOLDERS[1]
        );
        assert_eq!(told(check, "notes.md", &text), Vec::<String>::new());
    }

    #[test]
    fn a_home_is_somebodys_unless_it_is_anybodys() {
        for name in ["operator", "operatoroperator", "user", "<user>", "$USER"] {
            let text = format!("path: {HOMES}{name}/.openclaw");
            assert_eq!(told(check, "a.json", &text), Vec::<String>::new(), "{name}");
        }
        let text = format!("path: {HOMES}jane.doe/.openclaw");
        let findings = told(check, "a.json", &text);
        assert_eq!(findings, [format!("1: somebody's home: {HOMES}jane.doe")]);
    }
}
