//! Where things are, and how cargo is called.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;
use serde_json::Value;

use crate::process;

/// The folder with the workspace's `Cargo.toml`.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

/// `cargo` in the workspace's folder, as if called from a shell.
///
/// The variables with which the outer `cargo run` describes the xtask package are taken away:
/// build scripts that watch them would run again after every change of caller.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new("cargo");
    command.current_dir(root()).args(arguments);
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
    command
}

/// What cargo says of the workspace, without its outside dependencies.
pub(crate) fn metadata() -> anyhow::Result<Value> {
    let text = process::output(&mut cargo(&["metadata", "--format-version=1", "--no-deps"]))?;
    serde_json::from_str(&text).context("reading the output of `cargo metadata`")
}

/// The folder cargo builds into.
pub(crate) fn target_directory() -> anyhow::Result<PathBuf> {
    let metadata = metadata()?;
    let text = metadata.get("target_directory").and_then(Value::as_str);
    text.map(PathBuf::from)
        .context("`cargo metadata` names no target directory")
}
