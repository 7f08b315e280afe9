//! Lock files that a killed process left behind.

use std::path::PathBuf;

use config::LockFile;

use super::super::{Check, Draft, Finding, Repair, Situation};
use crate::home_files;

pub(super) const CHECK: Check = Check {
    name: "locks",
    title: "no lock is left behind",
    detect,
    repair: Repair::Steps(repair),
};

fn detect(situation: &Situation<'_>) -> Vec<Finding> {
    stale(situation)
        .into_iter()
        .map(|path| {
            let message = format!(
                "{} was left behind by a process that is gone",
                situation.shown(&path)
            );
            // The next writer takes it over by itself.
            Finding::info(message).in_file(&path).fixable()
        })
        .collect()
}

fn repair(situation: &Situation<'_>, draft: &mut Draft) {
    for path in stale(situation) {
        draft.say(format!("delete {}", situation.shown(&path)));
        draft.delete(path);
    }
}

fn stale(situation: &Situation<'_>) -> Vec<PathBuf> {
    home_files::written(&situation.context.home)
        .iter()
        .map(|file| LockFile::path_of(file))
        .filter(|path| path.is_file() && LockFile::is_abandoned(path))
        .collect()
}
