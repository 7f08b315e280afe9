//! What the values of the config mean: kinds, ranges, unknown keys, included files.

use super::super::{Check, Finding, Repair, Situation};

pub(super) const CHECK: Check = Check {
    name: "config-meaning",
    title: "every value of the config can be used",
    detect,
    repair: Repair::None,
};

fn detect(situation: &Situation<'_>) -> Vec<Finding> {
    let Some(config) = situation.config() else {
        return vec![Finding::skipped("the config cannot be read")];
    };
    let retired = config::legacy_moves(&config.text);
    config
        .problems
        .iter()
        // Retired keys have a check of their own, which can repair them.
        .filter(|problem| !retired.iter().any(|one| one.path == problem.path))
        .map(|problem| Finding::of_problem(problem, config.store.path()))
        .collect()
}
