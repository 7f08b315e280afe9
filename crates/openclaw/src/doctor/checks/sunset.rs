//! Retirements that are still to come and touch this home.

use catalog::{Sunset, SunsetSubject};

use super::super::{Check, Finding, Repair, Situation, Status};
use crate::retired::host_of;

pub(super) const CHECK: Check = Check {
    name: "sunset",
    title: "nothing that this home uses is about to be retired",
    detect,
    repair: Repair::None,
};

/// How many days ahead a retirement is a warning; before, it is only mentioned.
const WARN_DAYS: i64 = 90;

fn detect(situation: &Situation<'_>) -> Vec<Finding> {
    let finding = |(row, used): (&Sunset, String)| {
        let days = row.date.map(|date| date.days_since(situation.today));
        let when = match (row.date, days) {
            (Some(date), Some(days)) if days > 0 => format!("{date}, in {days} days"),
            (Some(date), _) => date.to_string(),
            (None, _) => "no day is named".to_owned(),
        };
        let mut finding = Finding::info(format!("`{used}`: {} ({when})", row.text));
        if days.is_some_and(|days| days <= WARN_DAYS) {
            finding.status = Status::Warning;
        }
        match (&row.next, &row.replaced_by) {
            (Some(next), _) => finding.hint(format!("`{next}`")),
            (None, Some(name)) => finding.hint(format!("use `{name}` instead")),
            (None, None) => finding,
        }
    };
    touching(situation).into_iter().map(finding).collect()
}

/// Returns the rows that touch this home, each with the name that does. What retired providers, hosts and plugins did
/// to the home is repaired by checks of their own, so of those only what is still to come is here.
fn touching<'s>(situation: &'s Situation<'_>) -> Vec<(&'s Sunset, String)> {
    let mut found: Vec<(&Sunset, String)> = Vec::new();
    for (subject, name) in used(situation) {
        for row in situation.catalog.sunsets_for(subject, &name) {
            let has_own_check = matches!(
                subject,
                SunsetSubject::Host | SunsetSubject::Provider | SunsetSubject::Plugin
            );
            let is_past = row.has_come(situation.today);
            let is_known = found.iter().any(|(known, _)| known.id == row.id);
            if is_known || (has_own_check && is_past) {
                continue;
            }
            found.push((row, name.clone()));
        }
    }
    found
}

/// Returns the messages about retirements ahead, for `status`.
pub(crate) fn ahead(situation: &Situation<'_>) -> Vec<String> {
    detect(situation)
        .into_iter()
        .filter(|finding| finding.status >= Status::Warning)
        .map(|finding| finding.message)
        .collect()
}

/// Returns the names that this home uses, by subject.
fn used(situation: &Situation<'_>) -> Vec<(SunsetSubject, String)> {
    let settings = situation.settings();
    let defaults = &settings.agents.defaults;
    let mut used = Vec::new();
    let mut choices = vec![&defaults.model, &defaults.image_model];
    choices.extend(
        settings
            .agents
            .entries
            .iter()
            .filter_map(|agent| agent.model.as_ref()),
    );
    let references = choices
        .into_iter()
        .flat_map(|choice| choice.primary.iter().chain(&choice.fallbacks));
    for reference in references {
        let (provider, model) = reference.split_once('/').unwrap_or(("", reference));
        used.push((SunsetSubject::Model, model.to_owned()));
        used.push((SunsetSubject::Provider, provider.to_owned()));
    }
    for provider in &settings.models.providers {
        used.push((SunsetSubject::Provider, provider.key.clone()));
        let url = provider.base_url.as_deref().unwrap_or_default();
        if let Some(host) = host_of(url) {
            used.push((SunsetSubject::Host, host.to_owned()));
            let path = url.split_once(host).map_or("", |(_, path)| path);
            used.push((SunsetSubject::Path, path.to_owned()));
        }
    }
    used.extend(
        settings
            .plugins
            .iter()
            .map(|plugin| (SunsetSubject::Plugin, plugin.id.clone())),
    );
    used
}
