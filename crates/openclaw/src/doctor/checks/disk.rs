//! Whether the home can be written, and whether there is room.

use std::path::Path;

use super::super::{Check, Finding, Repair, Situation};

pub(super) const CHECK: Check = Check {
    name: "disk-space",
    title: "the home has room and can be written",
    detect,
    repair: Repair::None,
};

/// Less room than this is a warning, in bytes.
const FREE_BYTES_MIN: u64 = 64 * 1024 * 1024;

fn detect(situation: &Situation<'_>) -> Vec<Finding> {
    let folder = situation.context.home.state_dir();
    let Some(existing) = folder.ancestors().find(|folder| folder.is_dir()) else {
        return vec![Finding::skipped("the home's folder cannot be looked at")];
    };
    let mut findings = Vec::new();
    if std::fs::metadata(existing).is_ok_and(|metadata| metadata.permissions().readonly()) {
        let message = format!("{} cannot be written", situation.shown(existing));
        findings.push(
            Finding::warning(message)
                .in_file(existing)
                .hint("check its owner and permissions"),
        );
    }
    match free_bytes(existing) {
        Some(free) if free < FREE_BYTES_MIN => {
            let message = format!(
                "only {} MiB are free for {}",
                free / 1024 / 1024,
                situation.shown(existing)
            );
            findings.push(
                Finding::warning(message).hint("free some room: a full disk stops logs and logins"),
            );
        }
        Some(_) => {}
        None => findings.push(Finding::skipped(
            "the system does not tell how much room there is",
        )),
    }
    findings
}

#[cfg(unix)]
fn free_bytes(folder: &Path) -> Option<u64> {
    let found = rustix::fs::statvfs(folder).ok()?;
    found.f_bavail.checked_mul(found.f_frsize)
}

#[cfg(not(unix))]
fn free_bytes(_folder: &Path) -> Option<u64> {
    None
}
