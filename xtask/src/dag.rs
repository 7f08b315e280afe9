//! The graph of crates as a checked table: a new arrow between crates is a visible decision.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use anyhow::{Context as _, bail};
use serde_json::Value;

use crate::workspace;

/// For each crate the crates of the workspace it uses.
type Graph = BTreeMap<String, BTreeSet<String>>;

const TABLE: &str = "xtask/dag.txt";

/// Compares the table with what cargo says.
///
/// # Errors
/// They differ, or the table cannot be read.
pub(crate) fn run() -> anyhow::Result<()> {
    let text = fs::read_to_string(workspace::root().join(TABLE)).context(TABLE)?;
    let listed = parse(&text)?;
    let found = graph(&workspace::metadata()?);
    let differences = differences(&listed, &found);
    for difference in &differences {
        println!("{difference}");
    }
    if !differences.is_empty() {
        bail!(
            "{TABLE} and the crates differ: {} lines above",
            differences.len()
        );
    }
    let n_arrows: usize = found.values().map(BTreeSet::len).sum();
    println!("{} crates, {n_arrows} arrows, all listed", found.len());
    Ok(())
}

/// Reads `crate -> crate crate` lines; `(none)` stands for no dependency. A line needs a comment
/// somewhere above it that no empty line parts from it: the reason for its arrows.
fn parse(text: &str) -> anyhow::Result<Graph> {
    let mut graph = Graph::new();
    let mut has_reason = false;
    for (index, line) in text.lines().enumerate() {
        let (line, number) = (line.trim(), index + 1);
        if line.is_empty() {
            has_reason = false;
        } else if line.starts_with('#') {
            has_reason = true;
        } else {
            let (from, to) = line
                .split_once("->")
                .with_context(|| format!("{TABLE}:{number}: no `->` in `{line}`"))?;
            if !has_reason {
                bail!("{TABLE}:{number}: no reason (`# ...`) above `{line}`");
            }
            let words = to.split_whitespace().filter(|word| *word != "(none)");
            let previous = graph.insert(from.trim().to_owned(), words.map(str::to_owned).collect());
            if previous.is_some() {
                bail!("{TABLE}:{number}: a second line for `{}`", from.trim());
            }
        }
    }
    Ok(graph)
}

/// The arrows between workspace members, without those that only tests have.
fn graph(metadata: &Value) -> Graph {
    let packages = list(metadata, "packages");
    let name = |value: &Value| value.get("name").and_then(Value::as_str).map(str::to_owned);
    let members: BTreeSet<String> = packages.iter().filter_map(name).collect();
    let uses = |package: &Value| {
        list(package, "dependencies")
            .iter()
            .filter(|dependency| dependency.get("kind").and_then(Value::as_str) != Some("dev"))
            .filter_map(name)
            .filter(|used| members.contains(used))
            .collect()
    };
    let packages = packages.iter();
    packages
        .filter_map(|package| Some((name(package)?, uses(package))))
        .collect()
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    let list = value.get(name).and_then(Value::as_array);
    list.map_or(&[], Vec::as_slice)
}

fn differences(listed: &Graph, found: &Graph) -> Vec<String> {
    let empty = BTreeSet::new();
    let names: BTreeSet<_> = listed.keys().chain(found.keys()).collect();
    let mut differences = Vec::new();
    for name in names {
        match (listed.contains_key(name), found.contains_key(name)) {
            (false, _) => {
                differences.push(format!("`{name}` has no line in {TABLE}"));
            }
            (_, false) => {
                differences.push(format!("`{name}` is listed but there is no such crate"));
            }
            _ => {}
        }
        let listed = listed.get(name).unwrap_or(&empty);
        let found = found.get(name).unwrap_or(&empty);
        for new in found.difference(listed) {
            differences.push(format!("`{name} -> {new}` is not listed"));
        }
        for gone in listed.difference(found) {
            differences.push(format!("`{name} -> {gone}` is listed but no longer there"));
        }
    }
    differences
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found() -> Graph {
        graph(&json!({"packages": [
            {"name": "low", "dependencies": [{"name": "serde", "kind": null}]},
            {"name": "high", "dependencies": [
                {"name": "low", "kind": null},
                {"name": "fake", "kind": "dev"},
            ]},
            {"name": "fake", "dependencies": []},
        ]}))
    }

    #[test]
    fn a_true_table_has_no_differences() {
        let listed = parse("# why\nlow -> (none)\nfake -> (none)\n\n# why\nhigh -> low\n").unwrap();
        assert_eq!(differences(&listed, &found()), Vec::<String>::new());
    }

    #[test]
    fn new_and_gone_arrows_and_crates_are_told() {
        let listed = parse("# why\nlow -> high\nhigh -> (none)\nold -> (none)").unwrap();
        let told = differences(&listed, &found());
        assert_eq!(
            told,
            [
                "`fake` has no line in xtask/dag.txt",
                "`high -> low` is not listed",
                "`low -> high` is listed but no longer there",
                "`old` is listed but there is no such crate",
            ]
        );
    }

    #[test]
    fn a_line_without_a_reason_is_refused() {
        let error = parse("# why\na -> (none)\n\nb -> a").unwrap_err();
        assert_eq!(
            error.to_string(),
            "xtask/dag.txt:4: no reason (`# ...`) above `b -> a`"
        );
        assert!(parse("# why\na -> b\na -> c").is_err());
        assert!(parse("# why\na b").is_err());
    }
}
