//! A change of several files that a killed process left half done.

use config::Transaction;

use super::super::{Check, Finding, Repair, Situation};
use crate::failed::Failed;

pub(super) const CHECK: Check = Check {
    name: "interrupted-change",
    title: "no change of the home was interrupted",
    detect,
    // Put back before anything else is read; see `commands::doctor`.
    repair: Repair::None,
};

fn detect(situation: &Situation<'_>) -> Vec<Finding> {
    match Transaction::open(&situation.context.home) {
        Ok(commands) => commands
            .into_iter()
            .map(|command| {
                Finding::error(format!(
                    "`openclaw {command}` was interrupted, or is still running"
                ))
                .hint("`openclaw doctor --fix` puts the files back as they were before it")
                .fixable()
            })
            .collect(),
        Err(error) => vec![Finding::warning(Failed::of(&error).message)],
    }
}
