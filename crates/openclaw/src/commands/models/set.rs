//! `models set`: the default model. The name leads to one provider, and never to a vendor nobody asked for.

use config::{ConfigText, Edit};
use serde_json::{Value, json};

use super::choice::{allow, cautions, choose, defaults_path, must_chat};
use super::names::Names;
use crate::cli::models::ModelsSetArgs;
use crate::config_change::ConfigChange;
use crate::context::Context;
use crate::exit_code::Exit;
use crate::failed::Done;

/// Sets the default model.
pub(super) fn run(args: &ModelsSetArgs, context: &Context) -> Done {
    let out = context.out.with_json(args.json);
    let config = context.config()?;
    let names = Names::of(context, &config)?;
    let named = choose(&names, &args.reference)?;
    must_chat(&names, &named)?;
    let key = named.key();
    let cautions = cautions(&names, &args.reference, &named);
    for caution in &cautions {
        out.warn(caution);
    }
    let mut edits = vec![primary(&config.text, &key)];
    edits.extend(allow(&names, &config.text, &named));
    let change = ConfigChange::plan(&config, &edits)?;
    if args.json {
        let diff = change.diff();
        let changed = change.changes_anything();
        let written = if args.dry_run {
            None
        } else {
            Some(change.apply(context, &["models", "set"])?)
        };
        out.json(&json!({
            "ok": true,
            "defaultModel": key,
            "changed": changed,
            "dryRun": args.dry_run,
            "configPath": config.store.path(),
            "backup": written.and_then(|written| written.backup),
            "warnings": cautions,
            "diff": diff,
        }));
        return Ok(Exit::Ok);
    }
    change.show_or_apply(context, &["models", "set"], args.dry_run)?;
    if !args.dry_run {
        out.line(format!("Default model: {key}"));
    }
    Ok(Exit::Ok)
}

/// Returns the edit that keeps the form of `agents.defaults.model`: a text stays a text.
fn primary(text: &ConfigText, key: &str) -> Edit {
    let path = defaults_path().key("model");
    let path = match text.get(&path) {
        Some(Value::String(_)) => path,
        _ => path.key("primary"),
    };
    Edit::Set {
        path,
        value: json!(key),
    }
}
