//! `config set` and `config unset`: one value changes, every other byte stays.

use config::{ConfigText, Edit, ValuePath};
use serde_json::{Value, json};

use super::{must_exist, no_such_value, parse_path};
use crate::cli::config::{ConfigSetArgs, ConfigUnsetArgs};
use crate::config_change::ConfigChange;
use crate::config_secrets::{self, REDACTED};
use crate::context::Context;
use crate::exit_code::Exit;
use crate::failed::{Done, Failed};

/// What a running gateway does not take over: where it listens, and how it logs.
const READ_AT_START: [&str; 4] = [
    "gateway.port",
    "gateway.bind",
    "gateway.customBindHost",
    "logging",
];

/// How the change is made and reported.
struct Request<'a> {
    words: [&'a str; 2],
    path: &'a ValuePath,
    dry_run: bool,
    json: bool,
}

/// Sets a value.
pub(super) fn set(args: &ConfigSetArgs, context: &Context) -> Done {
    let path = parse_path(&args.path)?;
    let value = value_of(&args.value, args.strict)?;
    if config_secrets::contains_mark(&value) {
        return Err(
            Failed::new(format!("`{REDACTED}` stands for a secret and is not one"))
                .hint("give the secret itself, or leave the value as it is"),
        );
    }
    let request = Request {
        words: ["config", "set"],
        path: &path,
        dry_run: args.dry_run,
        json: args.json,
    };
    let is_bare = !args.strict && !matches!(value, Value::String(_));
    let edit = Edit::Set {
        path: path.clone(),
        value,
    };
    change(&request, edit, context).map_err(|failed| {
        if is_bare && failed.hint.is_none() {
            failed.hint("a number or word that is meant as text needs quotes: '\"…\"'")
        } else {
            failed
        }
    })
}

/// Removes a value.
pub(super) fn unset(args: &ConfigUnsetArgs, context: &Context) -> Done {
    let path = parse_path(&args.path)?;
    let request = Request {
        words: ["config", "unset"],
        path: &path,
        dry_run: args.dry_run,
        json: args.json,
    };
    let edit = Edit::Remove { path: path.clone() };
    change(&request, edit, context)
}

fn change(request: &Request<'_>, edit: Edit, context: &Context) -> Done {
    let out = context.out.with_json(request.json);
    let config = context.config()?;
    if matches!(edit, Edit::Remove { .. }) {
        must_exist(&config, context)?;
        // The editor knows the same, but not what is near.
        let effective = config.text.effective_value();
        if request.path.look_up(&effective).is_none() {
            return Err(no_such_value(&config.text, request.path));
        }
    }
    let change = ConfigChange::plan(&config, &[edit])?;
    let would_change = change.changes_anything();
    if request.json {
        let diff = change.diff();
        let written = if request.dry_run {
            None
        } else {
            Some(change.apply(context, &request.words)?)
        };
        out.json(&json!({
            "ok": true,
            "path": request.path.to_string(),
            "dryRun": request.dry_run,
            "changed": would_change,
            "configPath": config.store.path(),
            "backup": written.and_then(|written| written.backup),
            "restartNeeded": would_change && needs_restart(request.path),
            "diff": diff,
        }));
        return Ok(Exit::Ok);
    }
    let written = change.show_or_apply(context, &request.words, request.dry_run)?;
    if written.changed {
        out.note(if needs_restart(request.path) {
            "Restart the gateway, if it runs, to use the new value."
        } else {
            "No restart is needed."
        });
    }
    Ok(Exit::Ok)
}

fn needs_restart(path: &ValuePath) -> bool {
    let path = path.to_string();
    let is_part = |whole: &str, part: &str| {
        let rest = part.strip_prefix(whole);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    };
    // A whole section is changed with all that is in it.
    READ_AT_START
        .iter()
        .any(|read| is_part(read, &path) || is_part(&path, read) || path.is_empty())
}

/// Reads a value as JSON5; what is not JSON5 is text, unless that is refused.
fn value_of(text: &str, strict: bool) -> Result<Value, Failed> {
    match json5(text) {
        Ok(value) => Ok(value),
        Err(why) if strict => Err(Failed::new(format!("the value is not JSON5: {why}"))
            .hint("quote text twice, as in '\"text\"', or leave out `--strict`")),
        Err(_) => Ok(Value::String(text.to_owned())),
    }
}

/// Reads the value as the only member of an object, with the reader of the config file and all its limits.
fn json5(text: &str) -> Result<Value, String> {
    let document = format!("{{value:{text}\n}}");
    let parsed =
        ConfigText::parse("value", document.into_bytes()).map_err(|error| error.message)?;
    let members = parsed
        .value()
        .as_object()
        .filter(|members| members.len() == 1);
    let value = members
        .and_then(|members| members.get("value"))
        .ok_or("it is more than one value")?;
    // `Infinity` and `NaN` have no form in JSON and would be written as null.
    if value.is_null() && text.trim() != "null" {
        return Err("it is no JSON value".to_owned());
    }
    Ok(value.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_json5_and_else_text() {
        let cases = [
            ("18789", json!(18789)),
            ("0x10", json!(16)),
            ("true", json!(true)),
            ("null", json!(null)),
            ("{a: 1, /* c */ b: [2,],}", json!({"a": 1, "b": [2]})),
            ("'text'", json!("text")),
            ("\"18789\"", json!("18789")),
            ("text", json!("text")),
            ("", json!("")),
            ("1, other: 2", json!("1, other: 2")),
            ("1} //", json!("1} //")),
            ("NaN", json!("NaN")),
            ("-Infinity", json!("-Infinity")),
            ("qwen/qwen3.5-plus", json!("qwen/qwen3.5-plus")),
            ("https://h/v1", json!("https://h/v1")),
            ("[", json!("[")),
        ];
        for (text, expected) in cases {
            assert_eq!(value_of(text, false).unwrap(), expected, "{text}");
        }
        for text in ["text", "1, other: 2", "[", "", "NaN"] {
            assert!(value_of(text, true).is_err(), "{text}");
        }
    }
}
