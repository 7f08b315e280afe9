//! Plugin entries of retired plugins, such as `qwen-portal-auth`.

use super::super::{Check, Draft, Finding, Repair, Situation};
use crate::failed::Failed;
use crate::retired::Retired;

pub(super) const CHECK: Check = Check {
    name: "retired-plugins",
    title: "no plugin entry is of a retired plugin",
    detect,
    repair: Repair::Edits(repair),
};

fn detect(situation: &Situation<'_>) -> Vec<Finding> {
    let entries = situation.retired().plugin_entries(&situation.value());
    let finding = |path: config::ValuePath| {
        let mut finding = Finding::warning(format!(
            "`{path}` is of a plugin that does not exist any more"
        ))
        .in_file(situation.config_path())
        .path(path.to_string());
        finding.place = situation.place(&path);
        finding.fixable()
    };
    entries.into_iter().map(finding).collect()
}

fn repair(situation: &Situation<'_>, draft: &mut Draft) -> Result<(), Failed> {
    remove(&situation.retired(), draft)
}

/// Removes entries of the config.
pub(super) fn remove(retired: &Retired, draft: &mut Draft) -> Result<(), Failed> {
    for path in retired.plugin_entries(draft.sketch.text().value()) {
        draft.say(format!("remove `{path}`"));
        draft.sketch.remove_at(path)?;
    }
    Ok(())
}
