//! Whether others on the machine can read what is secret.

use std::path::{Path, PathBuf};

use config::{FILE_MODE_SECRET, FOLDER_MODE_SECRET};

use super::super::{Check, Draft, Finding, Repair, Situation};
use crate::home_files;
use crate::retired::agents;

pub(super) const CHECK: Check = Check {
    name: "permissions",
    title: "only the owner can read what is secret",
    detect,
    repair: Repair::Steps(repair),
};

fn detect(situation: &Situation<'_>) -> Vec<Finding> {
    loose(situation)
        .into_iter()
        .map(|(path, mode, wanted)| {
            let message = format!(
                "{} can be read by others (mode {mode:04o})",
                situation.shown(&path)
            );
            Finding::warning(message)
                .in_file(&path)
                .hint(format!(
                    "`chmod {wanted:o} {}`, or `openclaw doctor --fix`",
                    path.display()
                ))
                .fixable()
        })
        .collect()
}

fn repair(situation: &Situation<'_>, draft: &mut Draft) {
    for (path, _, wanted) in loose(situation) {
        draft.say(format!(
            "give {} the mode {wanted:04o}",
            situation.shown(&path)
        ));
        draft.set_mode(path, wanted);
    }
}

/// Returns what others can read, with its mode and the mode it should have.
fn loose(situation: &Situation<'_>) -> Vec<(PathBuf, u32, u32)> {
    let home = &situation.context.home;
    let mut paths = home_files::written(home);
    paths.push(home.dotenv_path());
    paths.push(home.state_dir().join("state/openclaw.sqlite"));
    paths.extend(
        agents(home)
            .iter()
            .map(|agent| home.agent_dir(agent).join("openclaw-agent.sqlite")),
    );
    paths.push(home.state_dir().to_owned());
    paths.push(home.config_history_dir());
    paths
        .into_iter()
        .filter_map(|path| {
            let (mode, is_folder) = mode_of(&path)?;
            let wanted = if is_folder {
                FOLDER_MODE_SECRET
            } else {
                FILE_MODE_SECRET
            };
            (mode & 0o077 != 0).then_some((path, mode, mode & wanted))
        })
        .collect()
}

#[cfg(unix)]
fn mode_of(path: &Path) -> Option<(u32, bool)> {
    use std::os::unix::fs::PermissionsExt;
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.permissions().mode() & 0o7777, metadata.is_dir()))
}

#[cfg(not(unix))]
fn mode_of(_path: &Path) -> Option<(u32, bool)> {
    None
}
