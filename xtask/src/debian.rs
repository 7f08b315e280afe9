//! Installing what a chore needs, where that is possible.

use std::process::Command;

use anyhow::{Context as _, bail};

use crate::process;

/// Installs packages through apt.
///
/// `RUNLEVEL=1` keeps the packages from starting their services: they are wanted as programs.
///
/// # Errors
/// This is not Debian, we are not root, or apt fails; the message says what to install by hand.
pub(crate) fn install(packages: &[&str], what_for: &str) -> anyhow::Result<()> {
    let list = packages.join(" ");
    let by_hand =
        format!("hint: install {list} (Debian's names) with your package manager; {what_for}");
    if !process::succeeds("apt-get", &["--version"]) || !is_root() {
        bail!("{list} is missing and can be installed here only by hand\n{by_hand}");
    }
    println!("installing {list}: {what_for}");
    let fetched = process::run(apt(&["update", "-qq"]).arg("-y"));
    let install = ["install", "-y", "-qq", "--no-install-recommends"];
    fetched
        .and_then(|()| process::run(apt(&install).args(packages)))
        .context(by_hand)
}

fn apt(arguments: &[&str]) -> Command {
    let mut command = Command::new("apt-get");
    command.args(arguments).env("RUNLEVEL", "1");
    command.env("DEBIAN_FRONTEND", "noninteractive");
    command
}

fn is_root() -> bool {
    let user = process::output(Command::new("id").arg("-u"));
    user.is_ok_and(|id| id.trim() == "0")
}
