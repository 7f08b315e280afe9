//! Keys that were retired before the oldest supported release of OpenClaw.

use super::super::{Check, Draft, Finding, Repair, Situation};
use crate::failed::Failed;

pub(super) const CHECK: Check = Check {
    name: "retired-keys",
    title: "no key of the config was retired long ago",
    detect,
    repair: Repair::Edits(repair),
};

fn detect(situation: &Situation<'_>) -> Vec<Finding> {
    let Some(config) = situation.config() else {
        return vec![Finding::skipped("the config cannot be read")];
    };
    let moves = config::legacy_moves(&config.text);
    let finding = |found: config::LegacyMove| {
        let message = format!(
            "`{}` was retired before 2026.3 and is not read; `{}` takes its place",
            found.path, found.replacement
        );
        let mut finding = Finding::error(message)
            .in_file(config.store.path())
            .path(found.path.to_string());
        finding.place = situation.place(&found.path);
        match found.edits {
            Some(_) => finding.hint("`openclaw doctor --fix` moves it").fixable(),
            None => finding.hint(format!(
                "`{}` is set as well: remove one of the two",
                found.replacement
            )),
        }
    };
    moves.into_iter().map(finding).collect()
}

fn repair(_situation: &Situation<'_>, draft: &mut Draft) -> Result<(), Failed> {
    // One at a time: a move can take the place that the next one wants.
    for _ in 0..config::legacy_moves(draft.sketch.text()).len() {
        let next = config::legacy_moves(draft.sketch.text())
            .into_iter()
            .find_map(|found| Some((found.path, found.replacement, found.edits?)));
        let Some((path, replacement, edits)) = next else {
            break;
        };
        draft.sketch.make(&edits)?;
        draft.say(format!("move `{path}` to `{replacement}`"));
    }
    Ok(())
}
