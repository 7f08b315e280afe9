//! Variables: `.env` files, the login shell, and names that the config refers to.

use super::super::{Check, Finding, Repair, Situation};

pub(super) const CHECK: Check = Check {
    name: "environment",
    title: "variables are read from everywhere they are expected",
    detect,
    repair: Repair::None,
};

fn detect(situation: &Situation<'_>) -> Vec<Finding> {
    let Some(config) = situation.config() else {
        return vec![Finding::skipped("the config cannot be read")];
    };
    let mut findings = Vec::new();
    for report in situation.context.dotenv_reports().unwrap_or_default() {
        for bad in &report.bad_lines {
            findings.push(
                Finding::warning(bad.why.to_string())
                    .in_file(&report.path)
                    .at(bad.line, 1),
            );
        }
        for name in &report.refused {
            let message = format!("{name} is not taken from the `.env` of a working folder");
            findings.push(Finding::info(message).in_file(&report.path));
        }
    }
    if let Some(error) = config.environment.shell_error() {
        let hint = "set `env.shellEnv.timeoutMs`, or `env.shellEnv.enabled` to false";
        findings.push(Finding::warning(error.to_string()).hint(hint));
    }
    for name in &config.settings.variables {
        if config.environment.path_var(name).is_none() {
            let message = format!("the config refers to {name}, which is not set here");
            let hint = format!(
                "set it in {}",
                situation.shown(&situation.context.home.dotenv_path())
            );
            findings.push(Finding::info(message).hint(hint));
        }
    }
    findings
}
