//! Provider entries whose service or host has been retired.

use catalog::SunsetSubject;

use super::super::{Check, Draft, Finding, Repair, Situation};
use crate::failed::Failed;
use crate::retired::{Retired, host_of};

pub(super) const CHECK: Check = Check {
    name: "retired-providers",
    title: "no provider entry is of a retired service",
    detect,
    repair: Repair::Edits(repair),
};

fn detect(situation: &Situation<'_>) -> Vec<Finding> {
    let retired = situation.retired();
    let value = situation.value();
    let has_references = !retired.references(&value).is_empty();
    let stays =
        has_references && super::retired_references::successor(situation, &retired).is_none();
    let finish = |finding: Finding| {
        if stays {
            finding.hint("`openclaw migrate qwen-portal` replaces it")
        } else {
            finding.hint("`openclaw doctor --fix` removes it").fixable()
        }
    };
    let mut findings: Vec<Finding> = retired
        .blocks(&value)
        .into_iter()
        .map(|path| {
            let url = path
                .key("baseUrl")
                .look_up(&value)
                .and_then(|url| url.as_str().map(str::to_owned));
            let why = why(situation, &path.to_string(), url.as_deref());
            let mut finding = Finding::warning(format!("`{path}` is of a retired service: {why}"))
                .in_file(situation.config_path())
                .path(path.to_string());
            finding.place = situation.place(&path);
            finish(finding)
        })
        .collect();
    for (file, path) in retired.generated(&situation.context.home) {
        let message = format!("`{path}` is left over from a retired provider");
        let finding = Finding::warning(message)
            .in_file(&file)
            .path(path.to_string());
        findings.push(finish(finding));
    }
    findings
}

fn why(situation: &Situation<'_>, id: &str, url: Option<&str>) -> String {
    let id = id
        .rsplit('.')
        .next()
        .unwrap_or(id)
        .trim_matches(|c| matches!(c, '[' | ']' | '"'));
    let catalog = &situation.catalog;
    let host = url.and_then(host_of).unwrap_or_default();
    let row = catalog
        .sunsets_for(SunsetSubject::Provider, id)
        .chain(catalog.sunsets_for(SunsetSubject::Host, host))
        .find(|row| row.has_come(situation.today));
    row.map_or_else(String::new, |row| match row.date {
        Some(date) => format!("{} ({date})", row.text),
        None => row.text.clone(),
    })
}

/// Removes entries that nothing refers to any more, after references have been rewritten.
fn repair(situation: &Situation<'_>, draft: &mut Draft) -> Result<(), Failed> {
    remove(situation, &situation.retired(), draft)
}

/// Removes entries of the config and of generated lists.
pub(super) fn remove(
    situation: &Situation<'_>,
    retired: &Retired,
    draft: &mut Draft,
) -> Result<(), Failed> {
    if !retired.references(draft.sketch.text().value()).is_empty() {
        return Ok(());
    }
    for path in retired.blocks(draft.sketch.text().value()) {
        draft.say(format!("remove `{path}`"));
        draft.sketch.remove_at(path)?;
    }
    for (file, path) in retired.generated(&situation.context.home) {
        if let Some(text) = draft.json(&file) {
            let text = text
                .remove(&path)
                .map_err(|error| Failed::from(config::Error::from(error)))?;
            draft.say(format!("remove `{path}` from {}", situation.shown(&file)));
            draft.replace_json(file, text);
        }
    }
    Ok(())
}
