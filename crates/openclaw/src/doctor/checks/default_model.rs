//! Whether the default model, its fallbacks and the image model can be called.

use providers::directory::RouteError;

use super::super::{Check, Finding, Repair, Situation};

pub(super) const CHECK: Check = Check {
    name: "model-references",
    title: "every model that is configured for use can be found",
    detect,
    repair: Repair::None,
};

fn detect(situation: &Situation<'_>) -> Vec<Finding> {
    let (Some(config), Some(directory)) = (situation.config(), situation.directory()) else {
        return vec![Finding::skipped("the config cannot be read")];
    };
    if !config.exists {
        return Vec::new();
    }
    let retired = situation.retired();
    let defaults = &config.settings.agents.defaults;
    let mut findings = Vec::new();
    let uses = [
        ("agents.defaults.model", &defaults.model),
        ("agents.defaults.imageModel", &defaults.image_model),
    ];
    for (path, choice) in uses {
        for reference in choice.primary.iter().chain(&choice.fallbacks) {
            let is_retired = reference
                .split_once('/')
                .is_some_and(|(provider, _)| retired.is_provider(provider));
            if is_retired {
                continue;
            }
            // What is only short of a credential here is told by the check of credentials.
            let Err(error) = directory.chain(reference) else {
                continue;
            };
            if matches!(error, RouteError::NoCredential { .. }) {
                continue;
            }
            let finding = Finding::error(format!("`{reference}` cannot be called: {error}"))
                .in_file(situation.config_path())
                .path(path)
                .hint(error.hint());
            findings.push(finding);
        }
    }
    if defaults.model.primary.is_none() && !config.settings.models.providers.is_empty() {
        findings.push(
            Finding::warning("no default model is set")
                .in_file(situation.config_path())
                .hint("`openclaw models set <provider/model>` sets one"),
        );
    }
    findings
}
