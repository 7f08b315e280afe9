//! `backup`: copies of what a home cannot make again, with a manifest that proves them.

use std::fs;
use std::path::{Path, PathBuf};

use config::{FILE_MODE_SECRET, Transaction};
use serde_json::{Value, json};

use crate::cli::backup::{
    BackupArgs, BackupCommand, BackupCreateArgs, BackupListArgs, BackupNameArgs, BackupRestoreArgs,
};
use crate::context::Context;
use crate::exit_code::Exit;
use crate::failed::{Done, Failed};
use crate::home_files;
use crate::output::is_interactive;
use crate::prompt;

/// The largest file that is copied, in bytes.
const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;
const MANIFEST: &str = "manifest.json";

/// A backup that was read.
struct Backup {
    folder: PathBuf,
    created_at: String,
    files: Vec<Kept>,
}

/// One file of a backup.
struct Kept {
    /// Where it belongs.
    path: PathBuf,
    /// Its copy in the folder.
    copy: PathBuf,
    sha256: String,
    mode: u32,
}

/// Runs one of the commands.
pub(crate) fn run(args: &BackupArgs, context: &Context) -> Done {
    match &args.command {
        BackupCommand::Create(args) => create(args, context),
        BackupCommand::List(args) => Ok(list(args, context)),
        BackupCommand::Verify(args) => verify(args, context),
        BackupCommand::Restore(args) => restore(args, context),
    }
}

fn create(args: &BackupCreateArgs, context: &Context) -> Done {
    let files: Vec<PathBuf> = home_files::kept(&context.home);
    let at = jiff::Timestamp::now().to_string();
    let name: String = at
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .take(15)
        .collect();
    let folder = match &args.output {
        Some(folder) => context.home.expand(&folder.to_string_lossy())?,
        None => root(context).join(name),
    };
    if folder.exists() {
        return Err(Failed::new(format!(
            "{} is there already",
            context.home.display(&folder)
        )));
    }
    if !args.dry_run {
        let done = copy_all(&folder, &files, &at);
        if done.is_err() {
            // Half a backup is worse than none.
            let _ = fs::remove_dir_all(&folder);
        }
        done?;
        damaged(&read(&folder)?).map_or(Ok(()), Err)?;
    }
    let shown: Vec<String> = files
        .iter()
        .map(|path| context.home.display(path))
        .collect();
    if args.json {
        context
            .out
            .json(&json!({"ok": true, "dryRun": args.dry_run, "folder": folder, "files": shown}));
        return Ok(Exit::Ok);
    }
    for file in &shown {
        context.out.line(file);
    }
    let what = if args.dry_run {
        "Would copy"
    } else {
        "Copied and verified"
    };
    context.out.note(format!(
        "{what} {} files: {}",
        shown.len(),
        context.home.display(&folder)
    ));
    Ok(Exit::Ok)
}

fn copy_all(folder: &Path, files: &[PathBuf], at: &str) -> Result<(), Failed> {
    config::create_private_folder(folder)?;
    let mut rows = Vec::new();
    for (number, path) in files.iter().enumerate() {
        let bytes = bytes_of(path)?;
        let copy = format!("{number:05}");
        config::write_atomic(&folder.join(&copy), &bytes, FILE_MODE_SECRET)?;
        rows.push(json!({"path": path, "copy": copy, "sha256": config::sha256(&bytes), "mode": config::mode_of(path)?}));
    }
    let manifest = json!({"schemaVersion": 1, "createdAt": at, "files": rows});
    // Last: a folder without a manifest is no backup.
    let text = format!("{manifest:#}\n");
    config::write_atomic(&folder.join(MANIFEST), text.as_bytes(), FILE_MODE_SECRET)
        .map_err(Failed::from)
}

fn list(args: &BackupListArgs, context: &Context) -> Exit {
    let found: Vec<Backup> = names(context)
        .iter()
        .filter_map(|name| read(&root(context).join(name)).ok())
        .collect();
    if args.json {
        let rows: Vec<Value> = found
            .iter()
            .map(|one| json!({"name": one.folder.file_name().map(|name| name.to_string_lossy().into_owned()), "createdAt": one.created_at, "files": one.files.len()}))
            .collect();
        context.out.json(&json!({"backups": rows}));
        return Exit::Ok;
    }
    for one in &found {
        let name = one.folder.file_name().unwrap_or_default().to_string_lossy();
        context.out.line(format!(
            "{name}  {}  {} files",
            one.created_at,
            one.files.len()
        ));
    }
    if found.is_empty() {
        context
            .out
            .note("There are no backups; `openclaw backup create` makes one.");
    }
    Exit::Ok
}

fn verify(args: &BackupNameArgs, context: &Context) -> Done {
    let name = match &args.name {
        Some(name) => name.clone(),
        None => names(context)
            .pop()
            .ok_or_else(|| Failed::new("there is no backup"))?,
    };
    let backup = find(&name, context)?;
    if let Some(failed) = damaged(&backup) {
        return Err(failed);
    }
    if args.json {
        context
            .out
            .json(&json!({"ok": true, "folder": backup.folder, "files": backup.files.len()}));
    } else {
        context.out.line(format!(
            "{}: {} files, all as they were copied",
            context.home.display(&backup.folder),
            backup.files.len()
        ));
    }
    Ok(Exit::Ok)
}

fn restore(args: &BackupRestoreArgs, context: &Context) -> Done {
    let backup = find(&args.name, context)?;
    if let Some(failed) = damaged(&backup) {
        return Err(failed);
    }
    let differ: Vec<&Kept> = backup
        .files
        .iter()
        .filter(|kept| {
            bytes_of(&kept.path)
                .map(|bytes| config::sha256(&bytes))
                .ok()
                .as_ref()
                != Some(&kept.sha256)
        })
        .collect();
    let shown: Vec<String> = differ
        .iter()
        .map(|kept| context.home.display(&kept.path))
        .collect();
    if !args.dry_run && !differ.is_empty() {
        let asks = !args.yes && !args.json && is_interactive();
        if asks && !prompt::confirm(&format!("Put {} back?", shown.join(", ")))? {
            return Err(prompt::cancelled());
        }
        put_back(&backup, context)?;
    }
    if args.json {
        context
            .out
            .json(&json!({"ok": true, "dryRun": args.dry_run, "files": shown}));
        return Ok(Exit::Ok);
    }
    for file in &shown {
        context.out.line(file);
    }
    context.out.note(match (shown.is_empty(), args.dry_run) {
        (true, _) => "Every file is as in the backup.",
        (false, true) => "Would be put back.",
        (false, false) => "Put back; `openclaw migrate undo` takes it back.",
    });
    Ok(Exit::Ok)
}

fn put_back(backup: &Backup, context: &Context) -> Result<(), Failed> {
    let files: Vec<PathBuf> = backup.files.iter().map(|kept| kept.path.clone()).collect();
    let open = Transaction::begin(
        &context.home,
        &files,
        &[],
        &Context::write_origin(&["backup", "restore"]),
    )?;
    let written = backup.files.iter().try_for_each(|kept| {
        let bytes = bytes_of(&kept.copy)?;
        if let Some(folder) = kept.path.parent() {
            config::create_private_folder(folder)?;
        }
        config::put_back(&kept.path, &bytes, kept.mode).map_err(Failed::from)
    });
    match written {
        Ok(()) => open.finish().map(drop).map_err(Failed::from),
        Err(failed) => {
            open.roll_back()?;
            Err(failed)
        }
    }
}

/// Names the first file that is missing or changed.
fn damaged(backup: &Backup) -> Option<Failed> {
    let is_whole = |kept: &&Kept| {
        bytes_of(&kept.copy).is_ok_and(|bytes| config::sha256(&bytes) == kept.sha256)
    };
    let bad = backup.files.iter().find(|kept| !is_whole(kept))?;
    Some(
        Failed::new(format!(
            "the copy of {} in {} is missing or changed",
            bad.path.display(),
            backup.folder.display()
        ))
        .hint("`openclaw backup list` shows the others"),
    )
}

fn find(name: &str, context: &Context) -> Result<Backup, Failed> {
    let own = root(context).join(name);
    let folder = if own.is_dir() {
        own
    } else {
        context.home.expand(name)?
    };
    read(&folder).map_err(|failed| failed.hint("`openclaw backup list` shows what there is"))
}

fn read(folder: &Path) -> Result<Backup, Failed> {
    let bytes = bytes_of(&folder.join(MANIFEST))?;
    let manifest: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let rows = manifest.get("files").and_then(Value::as_array);
    let kept = |row: &Value| {
        let text = |name: &str| row.get(name)?.as_str();
        let copy = text("copy")?;
        // A manifest must not point out of its folder.
        let is_plain = copy.bytes().all(|byte| byte.is_ascii_digit());
        is_plain.then_some(Kept {
            path: PathBuf::from(text("path")?),
            copy: folder.join(copy),
            sha256: text("sha256")?.to_owned(),
            mode: u32::try_from(row.get("mode")?.as_u64()?).ok()?,
        })
    };
    let files: Option<Vec<Kept>> = rows.and_then(|rows| rows.iter().map(kept).collect());
    let created_at = manifest.get("createdAt").and_then(Value::as_str);
    let (Some(files), Some(created_at)) = (files, created_at) else {
        return Err(Failed::new(format!(
            "{} is not a backup of this program",
            folder.display()
        )));
    };
    Ok(Backup {
        folder: folder.to_owned(),
        created_at: created_at.to_owned(),
        files,
    })
}

/// Returns the names of the home's backups, oldest first.
fn names(context: &Context) -> Vec<String> {
    let entries = fs::read_dir(root(context)).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort();
    names
}

fn root(context: &Context) -> PathBuf {
    context.home.state_dir().join("backups")
}

fn bytes_of(path: &Path) -> Result<Vec<u8>, Failed> {
    let failed =
        |error: std::io::Error| Failed::new(format!("cannot read {}: {error}", path.display()));
    let metadata = fs::metadata(path).map_err(failed)?;
    if !metadata.is_file() || metadata.len() > FILE_BYTES_MAX {
        return Err(Failed::new(format!(
            "{} is not a file of at most 64 MiB",
            path.display()
        )));
    }
    fs::read(path).map_err(failed)
}
