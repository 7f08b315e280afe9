//! Names of the same service from older releases, such as `modelstudio/…`: they work here, not everywhere.

use std::collections::BTreeSet;

use super::super::{Check, Finding, Repair, Situation};

pub(super) const CHECK: Check = Check {
    name: "older-names",
    title: "providers have their present names",
    detect,
    repair: Repair::None,
};

fn detect(situation: &Situation<'_>) -> Vec<Finding> {
    let settings = situation.settings();
    let catalog = &situation.catalog;
    let retired = situation.retired();
    let mut names: BTreeSet<&str> = BTreeSet::new();
    let choice = &settings.agents.defaults.model;
    let image = &settings.agents.defaults.image_model;
    let references = choice
        .primary
        .iter()
        .chain(&choice.fallbacks)
        .chain(&image.primary)
        .chain(&image.fallbacks);
    names.extend(references.filter_map(|text| Some(text.split_once('/')?.0)));
    names.extend(
        settings
            .models
            .providers
            .iter()
            .map(|provider| provider.key.as_str()),
    );
    names
        .into_iter()
        .filter(|name| !retired.is_provider(name))
        .filter_map(|name| Some((name, catalog.provider(name)?)))
        .filter(|(name, provider)| provider.id != *name)
        .map(|(name, provider)| {
            let message = format!(
                "`{name}` is an older name of `{}`; it works here, and OpenClaw 2026.5.20 finds no credential for it",
                provider.id
            );
            Finding::info(message).hint(format!("`openclaw migrate {name}` writes `{}` everywhere", provider.id))
        })
        .collect()
}
