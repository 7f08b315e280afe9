//! The Vercel AI SDK, installed for the scenarios of `tests/sdk` where Node.js is there.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;

use crate::process;

/// Oldest Node.js that runs the SDK.
const NODE_MAJOR_MIN: u32 = 20;
/// What is installed, and the script that uses it.
const FILES: [&str; 3] = ["package.json", "package-lock.json", "scenario.mjs"];
/// The file that decides what is installed.
const LOCK: &str = "package-lock.json";

/// Installs the pinned packages of `source` into `folder`; `None` on a machine without Node.js, which is said loudly.
///
/// # Errors
/// The packages cannot be installed.
pub(crate) fn install(source: &Path, folder: &Path) -> anyhow::Result<Option<PathBuf>> {
    if let Some(reason) = why_not() {
        println!("!!! SKIPPED: {reason}, so the Vercel AI SDK was NOT tested");
        return Ok(None);
    }
    fs::create_dir_all(folder).context("making the folder of the Vercel AI SDK")?;
    let wanted = fs::read_to_string(source.join(LOCK)).context("reading the pinned packages")?;
    let stamp = folder.join("installed-lock.json");
    for file in FILES {
        fs::copy(source.join(file), folder.join(file))
            .with_context(|| format!("copying {file}"))?;
    }
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        println!("the packages of the Vercel AI SDK are installed already");
        return Ok(Some(folder.to_owned()));
    }
    let mut npm = Command::new("npm");
    npm.current_dir(folder).args(["ci", "--ignore-scripts"]);
    npm.args(["--no-audit", "--no-fund", "--loglevel=error"]);
    process::run(&mut npm).context("hint: installing the packages needs a Node.js registry")?;
    fs::write(&stamp, wanted).context("noting the installed packages")?;
    Ok(Some(folder.to_owned()))
}

/// Says why the packages cannot be used here; nothing is installed to change that.
fn why_not() -> Option<String> {
    let Ok(version) = process::output(Command::new("node").arg("--version")) else {
        return Some("`node` is not installed".to_owned());
    };
    let version = version.trim();
    if major(version).is_none_or(|major| major < NODE_MAJOR_MIN) {
        return Some(format!("node {version} is older than {NODE_MAJOR_MIN}"));
    }
    let has_npm = process::succeeds("npm", &["--version"]);
    (!has_npm).then(|| "`npm` is not installed".to_owned())
}

/// Returns the first number of a version such as `v20.20.2`.
fn major(version: &str) -> Option<u32> {
    let (major, _) = version.strip_prefix('v')?.split_once('.')?;
    major.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_major_version() {
        assert_eq!(major("v20.20.2"), Some(20));
        assert_eq!(major("20"), None);
    }
}
