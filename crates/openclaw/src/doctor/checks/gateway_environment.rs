//! Whether the running gateway sees the same variables as this command.

use super::super::{Check, Finding, Repair, Situation};
use crate::gateway_environment::{differences, of_process};

pub(super) const CHECK: Check = Check {
    name: "gateway-environment",
    title: "the gateway sees the same variables as this command",
    detect,
    repair: Repair::None,
};

fn detect(situation: &Situation<'_>) -> Vec<Finding> {
    let Some(config) = situation.config() else {
        return vec![Finding::skipped("the config cannot be read")];
    };
    let Some(pid) = situation
        .gateway()
        .and_then(|view| view.get("pid")?.as_u64())
    else {
        return vec![Finding::skipped("no gateway runs")];
    };
    let Some(theirs) = of_process(pid, situation.context, &config.settings) else {
        return vec![Finding::skipped(
            "the system does not show the gateway's variables",
        )];
    };
    let keys = situation
        .catalog
        .providers()
        .iter()
        .flat_map(catalog::Provider::all_env_vars);
    let mut names: Vec<String> = keys.map(str::to_owned).collect();
    names.extend(config.settings.variables.iter().cloned());
    names.sort();
    names.dedup();
    differences(&names, &config.environment, &theirs)
        .iter()
        .map(|difference| {
            let hint = format!(
                "set it in {}, which both read, and restart the gateway",
                situation.shown(&situation.context.home.dotenv_path())
            );
            Finding::warning(difference.line()).hint(hint)
        })
        .collect()
}
