//! One line per config write in `logs/config-audit.jsonl`, in the form `OpenClaw` uses.

use std::io::Write as _;
use std::path::Path;

use serde_json::{Value, json};

use super::digest::sha256;
use super::history::Change;
use crate::error::Error;
use crate::file;

/// Appends the line about a write that has been done.
pub(super) fn append(log_dir: &Path, config: &Path, change: &Change<'_>) -> Result<(), Error> {
    file::create_private_folder(log_dir)?;
    let path = log_dir.join("config-audit.jsonl");
    let mut argv = vec!["openclaw".to_owned()];
    argv.extend(change.origin.command.iter().cloned());
    let line: Value = json!({
        "ts": change.origin.at,
        "source": "config-io",
        "event": "config.write",
        "configPath": config.display().to_string(),
        "pid": std::process::id(),
        "argv": argv,
        "existsBefore": change.before.is_some(),
        "previousHash": change.before.map(sha256),
        "nextHash": change.after.map(sha256),
        "previousBytes": change.before.map(<[u8]>::len),
        "nextBytes": change.after.map(<[u8]>::len),
        "result": if change.after.is_some() { "rename" } else { "remove" },
    });
    // One write call, so that lines of two processes do not mix.
    file::open_append(&path)?
        .write_all(format!("{line}\n").as_bytes())
        .map_err(Error::io("append to", &path))
}
