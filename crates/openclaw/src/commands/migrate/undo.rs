//! `migrate undo`: every file of the last migration or repair as it was, bytes and mode.

use config::Finished;
use serde_json::json;

use crate::cli::migrate::MigrateUndoArgs;
use crate::context::Context;
use crate::exit_code::Exit;
use crate::failed::{Done, Failed};

/// Puts the files back.
pub(super) fn run(args: &MigrateUndoArgs, context: &Context) -> Done {
    let last = Finished::all(&context.home)?.pop().ok_or_else(|| {
        Failed::new("there is no migration or repair to undo")
            .hint("`openclaw config history` lists single changes of the config")
    })?;
    let shown = |path: &std::path::Path| context.home.display(path);
    let since = last.changed_since()?;
    if !since.is_empty() && !args.force {
        let names: Vec<String> = since.iter().map(|path| shown(path)).collect();
        return Err(Failed::new(format!(
            "{} changed since `openclaw {}`",
            names.join(", "),
            last.command()
        ))
        .hint("`--force` takes these changes back too"));
    }
    let (command, at) = (last.command(), last.at().to_owned());
    let files: Vec<String> = last.changed().map(shown).collect();
    last.undo(&context.home)?;
    if args.json {
        context
            .out
            .json(&json!({"ok": true, "undone": command, "at": at, "files": files}));
        return Ok(Exit::Ok);
    }
    context
        .out
        .note(format!("Undid `openclaw {command}` of {at}:"));
    for file in files {
        context.out.note(format!("  {file}"));
    }
    Ok(Exit::Ok)
}
