//! Rules for Rust files.

use super::{Finding, ProjectFile};

/// Lines of a file without its unit tests. Past 450 a file should have been split already.
const LINES_MAX: usize = 800;
/// Names that say nothing about what is inside.
const EMPTY_NAMES: [&str; 9] = [
    "utils", "util", "helpers", "helper", "common", "misc", "types", "manager", "service",
];
/// Marks of unfinished work. Put together here, so that this file passes.
const UNFINISHED: [&str; 3] = [
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("to", "do!"),
];

pub(super) fn check(file: &ProjectFile, findings: &mut Vec<Finding>) {
    check_name(file, findings);
    check_length(file, findings);
    check_module_doc(file, findings);
    check_lines(file, findings);
    check_expectations(file, findings);
}

fn check_name(file: &ProjectFile, findings: &mut Vec<Finding>) {
    let name = file.path.rsplit('/').next().unwrap_or_default();
    let stem = name.strip_suffix(".rs").unwrap_or(name);
    if stem == "mod" {
        let message = "use `folder.rs` beside `folder/` instead of mod.rs";
        findings.push(Finding::new(&file.path, 0, message));
    }
    if EMPTY_NAMES.contains(&stem) {
        let message = format!("`{stem}` says nothing: name the file after what is in it");
        findings.push(Finding::new(&file.path, 0, message));
    }
}

fn check_length(file: &ProjectFile, findings: &mut Vec<Finding>) {
    let is_test = file.path.contains("/tests/") || file.path.ends_with("/tests.rs");
    let n_lines = lines_before_tests(&file.text);
    if !is_test && n_lines > LINES_MAX {
        let message = format!("{n_lines} lines before the tests; at most {LINES_MAX}");
        findings.push(Finding::new(&file.path, 0, message));
    }
}

/// Lines up to the test module, if it is the file's last part as it should be.
fn lines_before_tests(text: &str) -> usize {
    let mut lines = text.lines().enumerate().peekable();
    while let Some((index, line)) = lines.next() {
        let follows = lines.peek().map_or("", |(_, next)| next);
        if line == "#[cfg(test)]" && follows.contains("mod ") {
            return index;
        }
    }
    text.lines().count()
}

/// The first file of a crate says what the crate is for.
fn check_module_doc(file: &ProjectFile, findings: &mut Vec<Finding>) {
    let is_root = file.path.ends_with("src/lib.rs") || file.path.ends_with("src/main.rs");
    if is_root && !file.text.starts_with("//!") {
        let message = "a crate begins with a `//!` text that says what it is for";
        findings.push(Finding::new(&file.path, 1, message));
    }
}

fn check_lines(file: &ProjectFile, findings: &mut Vec<Finding>) {
    for (number, line) in file.lines() {
        if line.ends_with([' ', '\t', '\r']) {
            findings.push(Finding::new(&file.path, number, "white space at the end"));
        }
        if line.trim_end().contains('\t') {
            findings.push(Finding::new(&file.path, number, "a tab"));
        }
        if UNFINISHED.iter().any(|mark| has_word(line, mark)) {
            findings.push(Finding::new(&file.path, number, "unfinished work"));
        }
    }
}

fn has_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line.get(..at).and_then(|text| text.chars().next_back());
        let after = line
            .get(at + word.len()..)
            .and_then(|text| text.chars().next());
        [before, after]
            .into_iter()
            .flatten()
            .all(|c| !c.is_alphanumeric() && c != '_')
    })
}

/// A lint is set aside only with a reason, and only where it would fire.
fn check_expectations(file: &ProjectFile, findings: &mut Vec<Finding>) {
    let mut open: Option<(usize, String)> = None;
    for (number, line) in file.lines() {
        let line = line.trim();
        if open.is_none() && is_lint_attribute(line) {
            open = Some((number, String::new()));
        }
        let Some((begins, attribute)) = &mut open else {
            continue;
        };
        attribute.push_str(line);
        if !line.contains(")]") {
            continue;
        }
        if attribute.contains("allow(") {
            let message = "`allow` stays when its cause is gone: use `expect`";
            findings.push(Finding::new(&file.path, *begins, message));
        } else if !attribute.contains("reason") {
            let message = "`expect` without a reason";
            findings.push(Finding::new(&file.path, *begins, message));
        }
        open = None;
    }
}

fn is_lint_attribute(line: &str) -> bool {
    let attribute = line.strip_prefix("#![").or_else(|| line.strip_prefix("#["));
    attribute.is_some_and(|attribute| {
        let is_plain = attribute.starts_with("expect(") || attribute.starts_with("allow(");
        let is_conditional = attribute.starts_with("cfg_attr(")
            && (attribute.contains("expect(") || attribute.contains("allow("));
        is_plain || is_conditional
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::told;
    use super::*;

    fn none() -> Vec<String> {
        Vec::new()
    }

    #[test]
    fn empty_names_and_mod_rs_are_refused() {
        for (path, n_findings) in [
            ("crates/a/src/b/mod.rs", 1),
            ("crates/a/src/utils.rs", 1),
            ("crates/a/src/manager.rs", 1),
            ("crates/a/src/service.rs", 1),
            ("crates/a/src/service_unit.rs", 0),
            ("crates/a/src/model.rs", 0),
        ] {
            assert_eq!(told(check_name, path, "").len(), n_findings, "{path}");
        }
    }

    #[test]
    fn only_lines_before_the_tests_count() {
        let code = "fn a() {}\n".repeat(LINES_MAX);
        let tests = format!("#[cfg(test)]\nmod tests {{\n{code}}}\n");
        let path = "crates/a/src/a.rs";
        assert_eq!(told(check_length, path, &format!("{code}{tests}")), none());
        let longer = format!("{code}\n{tests}");
        let message = "0: 801 lines before the tests; at most 800";
        assert_eq!(told(check_length, path, &longer), [message]);
        let gated_import = format!("#[cfg(test)]\nuse x::y;\n{code}");
        assert_eq!(told(check_length, path, &gated_import).len(), 1);
        assert_eq!(told(check_length, "crates/a/tests/a.rs", &longer), none());
    }

    #[test]
    fn a_crate_without_a_doc_is_refused() {
        assert_eq!(
            told(check_module_doc, "crates/a/src/lib.rs", "//! Does.\n"),
            none()
        );
        assert_eq!(
            told(check_module_doc, "crates/a/src/lib.rs", "mod x;\n").len(),
            1
        );
        assert_eq!(
            told(check_module_doc, "crates/a/src/x.rs", "mod x;\n"),
            none()
        );
    }

    #[test]
    fn blanks_tabs_and_unfinished_work_are_refused() {
        let text = format!(
            "a \n\tb\nc // {}: later\n{}()\n",
            UNFINISHED[0], UNFINISHED[2]
        );
        let expected = [
            "1: white space at the end",
            "2: a tab",
            "3: unfinished work",
            "4: unfinished work",
        ];
        assert_eq!(told(check_lines, "crates/a/src/a.rs", &text), expected);
        let text = format!("let {}S = 1; // x{}\n", UNFINISHED[0], UNFINISHED[1]);
        assert_eq!(told(check_lines, "crates/a/src/a.rs", &text), none());
    }

    #[test]
    fn lints_are_set_aside_with_a_reason_only() {
        let path = "crates/a/src/a.rs";
        let good = "#[expect(\n    dead_code,\n    reason = \"later\"\n)]\nfn a() {}\n";
        assert_eq!(told(check_expectations, path, good), none());
        let bad = "#[expect(dead_code)]\nfn a() { b.expect(\"reason\"); }\n";
        assert_eq!(
            told(check_expectations, path, bad),
            ["1: `expect` without a reason"]
        );
        let allow = "x\n#![cfg_attr(test, allow(dead_code))]\n";
        assert_eq!(told(check_expectations, path, allow).len(), 1);
        assert_eq!(told(check_expectations, path, "#[derive(Debug)]\n"), none());
    }
}
