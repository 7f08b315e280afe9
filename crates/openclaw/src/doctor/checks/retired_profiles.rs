//! Credentials of retired providers: in the config's list and in the stores.

use credentials::{Expiry, FILE_NAME, Found};

use super::super::{Check, Draft, Finding, Repair, Situation};
use crate::failed::Failed;
use crate::retired::Retired;

pub(super) const CHECK: Check = Check {
    name: "retired-profiles",
    title: "no credential is of a retired provider",
    detect,
    repair: Repair::Edits(repair),
};

fn detect(situation: &Situation<'_>) -> Vec<Finding> {
    let retired = situation.retired();
    let value = situation.value();
    let keeps = keeps_provider(situation, &retired);
    let finish = |finding: Finding| {
        if keeps {
            finding.hint("`openclaw migrate qwen-portal` replaces it")
        } else {
            finding.hint("`openclaw doctor --fix` removes it").fixable()
        }
    };
    let mut findings: Vec<Finding> = retired
        .auth_entries(&value)
        .into_iter()
        .map(|path| {
            let mut finding = Finding::warning(format!("`{path}` is of a retired provider"))
                .in_file(situation.config_path())
                .path(path.to_string());
            finding.place = situation.place(&path);
            finish(finding)
        })
        .collect();
    for found in retired.profiles(situation.stores()) {
        let end = match found.profile.expiry() {
            Expiry::AtMs(at_ms) if at_ms <= situation.now_ms => ", and has expired",
            _ => "",
        };
        let message = format!(
            "profile `{}` is of a retired provider{end}",
            found.profile.id
        );
        let finding = Finding::warning(message).in_file(found.path());
        findings.push(if is_written_here(&found) {
            finish(finding)
        } else {
            let mut finding =
                finding.hint("it stays in a store that this program only reads, and is never used");
            finding.status = super::super::Status::Info;
            finding
        });
    }
    findings
}

fn is_written_here(found: &Found<'_>) -> bool {
    found
        .path()
        .file_name()
        .is_some_and(|name| name == FILE_NAME)
}

/// While anything refers to the provider and nothing can take its place, its credentials stay.
fn keeps_provider(situation: &Situation<'_>, retired: &Retired) -> bool {
    !retired.references(&situation.value()).is_empty()
        && super::retired_references::successor(situation, retired).is_none()
}

fn repair(situation: &Situation<'_>, draft: &mut Draft) -> Result<(), Failed> {
    let retired = situation.retired();
    if !retired.references(draft.sketch.text().value()).is_empty() {
        return Ok(());
    }
    remove(situation, &retired, draft)
}

/// Removes the credentials of retired providers from the config and from the stores that this program writes.
pub(super) fn remove(
    situation: &Situation<'_>,
    retired: &Retired,
    draft: &mut Draft,
) -> Result<(), Failed> {
    let entries = retired.auth_entries(draft.sketch.text().value());
    for path in entries {
        draft.say(format!("remove `{path}`"));
        draft.sketch.remove_at(path)?;
    }
    for found in retired.profiles(situation.stores()).filter(is_written_here) {
        let credentials::Provenance::Profile { id, agent, .. } = found.provenance() else {
            continue;
        };
        draft.say(format!(
            "remove profile `{id}` from {}",
            situation.shown(found.path())
        ));
        draft.remove_profile(agent, id);
    }
    Ok(())
}
