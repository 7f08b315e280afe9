//! `config patch`: a merge patch (RFC 7396) in JSON5. Objects merge, `null` removes, everything else replaces.

use std::io::Read as _;

use config::{ConfigText, Edit, FILE_BYTES_MAX, ValuePath};
use serde_json::{Map, Value, json};

use super::parse_path;
use crate::cli::config::ConfigPatchArgs;
use crate::config_change::ConfigChange;
use crate::config_secrets::{self, REDACTED};
use crate::context::Context;
use crate::exit_code::Exit;
use crate::failed::{Done, Failed};

/// Turns the document into edits and makes them in one step.
pub(super) fn run(args: &ConfigPatchArgs, context: &Context) -> Done {
    let patch = read(args)?;
    if config_secrets::contains_mark(patch.value()) {
        return Err(
            Failed::new(format!("`{REDACTED}` stands for a secret and is not one"))
                .hint("leave such values out of the patch: what it does not name stays"),
        );
    }
    let whole = args
        .replace_path
        .iter()
        .map(|path| parse_path(path))
        .collect::<Result<Vec<_>, _>>()?;
    let config = context.config()?;
    let mut edits = Vec::new();
    if let Value::Object(members) = patch.value() {
        let merge = Merge {
            text: &config.text,
            whole: &whole,
        };
        merge.object(&ValuePath::root(), members, &mut edits);
    }
    let change = ConfigChange::plan(&config, &edits)?;
    if !args.json {
        change.show_or_apply(context, &["config", "patch"], args.dry_run)?;
        return Ok(Exit::Ok);
    }
    let diff = change.diff();
    let changed = change.changes_anything();
    let written = (!args.dry_run)
        .then(|| change.apply(context, &["config", "patch"]))
        .transpose()?;
    context.out.json(&json!({
        "ok": true,
        "dryRun": args.dry_run,
        "changed": changed,
        "configPath": config.store.path(),
        "backup": written.and_then(|written| written.backup),
        "diff": diff,
    }));
    Ok(Exit::Ok)
}

/// Reads the patch with the reader of the config file and all its limits.
fn read(args: &ConfigPatchArgs) -> Result<ConfigText, Failed> {
    let bytes_max = u64::try_from(FILE_BYTES_MAX).unwrap_or(u64::MAX) + 1;
    let mut bytes = Vec::new();
    let (name, read) = if let Some(path) = &args.file {
        let file = std::fs::File::open(path);
        let read = file.and_then(|file| file.take(bytes_max).read_to_end(&mut bytes));
        (path.display().to_string(), read)
    } else {
        let stdin = std::io::stdin().lock();
        let read = stdin.take(bytes_max).read_to_end(&mut bytes);
        ("standard input".to_owned(), read)
    };
    read.map_err(|error| Failed::new(format!("cannot read the patch from {name}: {error}")))?;
    ConfigText::parse(name, bytes).map_err(|error| Failed::of_config(error.into()))
}

struct Merge<'a> {
    text: &'a ConfigText,
    /// Values that are replaced, not merged.
    whole: &'a [ValuePath],
}

impl Merge<'_> {
    /// The depth of a patch is bounded by its reader.
    fn object(&self, at: &ValuePath, members: &Map<String, Value>, edits: &mut Vec<Edit>) {
        for (key, value) in members {
            let path = at.key(key);
            let current = self.text.get(&path);
            match (value, current) {
                (Value::Null, None) => {}
                (Value::Null, Some(_)) => edits.push(Edit::Remove { path }),
                (Value::Object(inner), Some(Value::Object(_))) if !self.whole.contains(&path) => {
                    self.object(&path, inner, edits);
                }
                (value, Some(current)) if value == current => {}
                (value, _) => edits.push(Edit::Set {
                    path,
                    value: without_nulls(value),
                }),
            }
        }
    }
}

/// A new object has nothing that its nulls could remove.
fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(members) => members
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(key, value)| (key.clone(), without_nulls(value)))
            .collect(),
        other => other.clone(),
    }
}
