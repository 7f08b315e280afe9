//! `config undo`: the file becomes what it was before a change, byte for byte.

use config::{ConfigStore, UndoPlan};
use serde_json::json;

use crate::cli::config::ConfigUndoArgs;
use crate::config_change::diff_of;
use crate::context::Context;
use crate::exit_code::Exit;
use crate::failed::{Done, Failed};

/// Shows or makes the step back.
pub(super) fn run(args: &ConfigUndoArgs, context: &Context) -> Done {
    let store = ConfigStore::new(&context.home, &context.environment);
    let plan = store.plan_undo(args.number).map_err(Failed::of_config)?;
    let lines = diff_of(plan.current.as_deref(), plan.target.as_deref());
    if plan.edited_since && !args.force && !args.dry_run {
        return Err(edited(&store, context));
    }
    let changes = plan.current != plan.target;
    let committed = (changes && !args.dry_run)
        .then(|| store.apply_undo(&plan, &Context::write_origin(&["config", "undo"])))
        .transpose()
        .map_err(Failed::of_config)?;
    if args.json {
        context.out.json(&json!({
            "ok": true,
            "undone": plan.generation.number,
            "command": plan.generation.command.join(" "),
            "dryRun": args.dry_run,
            "changed": changes,
            "editedSince": plan.edited_since,
            "configPath": store.path(),
            "backup": committed.and_then(|committed| committed.backup),
            "diff": lines,
        }));
        return Ok(Exit::Ok);
    }
    tell(args, &plan, &lines, context);
    Ok(Exit::Ok)
}

fn edited(store: &ConfigStore, context: &Context) -> Failed {
    let file = context.home.display(store.path());
    Failed::new(format!(
        "{file} was edited by hand since its last change, so undoing would take that back too"
    ))
    .hint("`openclaw config undo --dry-run` shows what would change; `--force` does it")
}

fn tell(args: &ConfigUndoArgs, plan: &UndoPlan, lines: &[String], context: &Context) {
    let file = context.home.display(context.home.config_path());
    let what = format!(
        "change {} (`{}`)",
        plan.generation.number,
        plan.generation.command.join(" ")
    );
    if args.dry_run {
        context.out.line(format!("--- {file}"));
        context
            .out
            .line(format!("+++ {file} (before {what}, dry run)"));
        for line in lines {
            context.out.line(line);
        }
    } else if plan.target.is_none() {
        context
            .out
            .note(format!("Undid {what}: {file} is gone, as before"));
    } else if lines.is_empty() {
        context
            .out
            .note(format!("{file} is already as before {what}"));
    } else {
        context
            .out
            .note(format!("Undid {what}: {file} is as before"));
        context
            .out
            .note("Restart the gateway, if it runs, to use the old values.");
    }
}
