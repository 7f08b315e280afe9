//! `config history` and `config diff`: who changed what, and when.

use config::{ConfigStore, Error, Generation};
use serde_json::{Value, json};

use crate::cli::config::{ConfigDiffArgs, ConfigHistoryArgs};
use crate::config_change::diff_of;
use crate::context::Context;
use crate::exit_code::Exit;
use crate::failed::{Done, Failed};

/// Lists the generations, newest first.
pub(super) fn list(args: &ConfigHistoryArgs, context: &Context) -> Done {
    let store = ConfigStore::new(&context.home, &context.environment);
    let current = store.bytes().map_err(Failed::of_config)?;
    let generations = store.history().generations(current.as_deref())?;
    let edited = edited_since(&generations, current.as_deref());
    let shown: Vec<&Generation> = generations.iter().rev().take(args.limit).collect();
    if args.json {
        let rows: Vec<Value> = shown.iter().map(|one| row(&store, one)).collect();
        context.out.json(&json!({
            "configPath": store.path(), "count": generations.len(), "editedSince": edited, "generations": rows,
        }));
        return Ok(Exit::Ok);
    }
    if edited {
        context
            .out
            .line("edited by hand since; `openclaw config diff` shows what");
    }
    for generation in &shown {
        context.out.line(line(&store, generation));
    }
    if shown.is_empty() {
        context.out.note("No changes are noted yet.");
    }
    Ok(Exit::Ok)
}

/// Shows what changed since before a generation, or in it alone.
pub(super) fn diff(args: &ConfigDiffArgs, context: &Context) -> Done {
    let store = ConfigStore::new(&context.home, &context.environment);
    let current = store.bytes().map_err(Failed::of_config)?;
    let generations = store.history().generations(current.as_deref())?;
    let wanted = match args.number {
        Some(number) => generations.iter().find(|one| one.number == number),
        None => generations.last(),
    };
    let generation = wanted.ok_or_else(|| {
        Failed::from(Error::NoGeneration {
            number: args.number,
            newest: generations.last().map(|last| last.number),
        })
    })?;
    let before = content(&store, generation.before.as_deref())?;
    let after = if args.only {
        content(&store, generation.after.as_deref())?
    } else {
        current
    };
    let lines = diff_of(before.as_deref(), after.as_deref());
    if args.json {
        context.out.json(&json!({
            "configPath": store.path(), "number": generation.number, "only": args.only, "diff": lines,
        }));
        return Ok(Exit::Ok);
    }
    let file = context.home.display(store.path());
    if lines.is_empty() {
        context.out.note(format!("Nothing differs in {file}"));
        return Ok(Exit::Ok);
    }
    let number = generation.number;
    context
        .out
        .line(format!("--- {file} (before change {number})"));
    context.out.line(if args.only {
        format!("+++ {file} (after change {number})")
    } else {
        format!("+++ {file}")
    });
    for line in &lines {
        context.out.line(line);
    }
    Ok(Exit::Ok)
}

fn content(store: &ConfigStore, sha256: Option<&str>) -> Result<Option<Vec<u8>>, Failed> {
    sha256
        .map(|sha256| store.history().content(sha256))
        .transpose()
        .map_err(Failed::from)
}

/// Says whether the file is not as its newest generation left it.
fn edited_since(generations: &[Generation], current: Option<&[u8]>) -> bool {
    generations
        .last()
        .is_some_and(|last| last.after != current.map(config::sha256))
}

/// Returns how many lines a generation added and removed; nothing when its contents are gone.
fn lines_changed(store: &ConfigStore, generation: &Generation) -> Option<(usize, usize)> {
    let before = content(store, generation.before.as_deref()).ok()?;
    let after = content(store, generation.after.as_deref()).ok()?;
    let lines = diff_of(before.as_deref(), after.as_deref());
    let count = |mark: char| lines.iter().filter(|line| line.starts_with(mark)).count();
    Some((count('+'), count('-')))
}

fn row(store: &ConfigStore, generation: &Generation) -> Value {
    let changed = lines_changed(store, generation);
    json!({
        "number": generation.number,
        "at": generation.at,
        "command": generation.command.join(" "),
        "before": generation.before,
        "after": generation.after,
        "undoes": generation.undoes,
        "added": changed.map(|(added, _)| added),
        "removed": changed.map(|(_, removed)| removed),
    })
}

fn line(store: &ConfigStore, generation: &Generation) -> String {
    let at = generation.at.get(..19).unwrap_or(&generation.at);
    let changed = match lines_changed(store, generation) {
        Some((added, removed)) => format!("+{added} -{removed}"),
        None => "contents are gone".to_owned(),
    };
    let undoes = generation
        .undoes
        .map(|number| format!(" (undoes {number})"))
        .unwrap_or_default();
    let command = generation.command.join(" ");
    format!(
        "{:>4}  {at}Z  {command}{undoes}  {changed}",
        generation.number
    )
}
