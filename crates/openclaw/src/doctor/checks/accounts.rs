//! Whether the models in use are part of the plan, and whether the account can pay.

use catalog::Availability;
use providers::probe::Verdict;

use super::super::{Check, Finding, Repair, Situation};

pub(super) const CHECK: Check = Check {
    name: "entitlement",
    title: "the models in use are part of the plan",
    detect,
    repair: Repair::None,
};

fn detect(situation: &Situation<'_>) -> Vec<Finding> {
    let references = references(situation);
    let mut findings: Vec<Finding> = references
        .iter()
        .filter_map(|(provider, model)| by_plan(situation, provider, model))
        .collect();
    for answer in situation.answers() {
        match &answer.verdict {
            Verdict::Works(listed) if !listed.is_empty() => {
                let missing = references.iter().filter(|(provider, model)| {
                    *provider == answer.provider
                        && !listed.iter().any(|id| id.eq_ignore_ascii_case(model))
                });
                findings.extend(missing.map(|(provider, model)| {
                    Finding::warning(format!(
                        "{} does not list `{provider}/{model}`",
                        answer.host
                    ))
                    .hint("`openclaw models list` shows what the key can use")
                }));
            }
            Verdict::WorksLater(failure) => findings.push(
                Finding::warning(format!("{}: {}", answer.host, failure.client_message()))
                    .hint(failure.hint().to_owned()),
            ),
            Verdict::Works(_) | Verdict::Refused(_) | Verdict::Unknown(_) => {}
        }
    }
    if findings.is_empty() && !situation.deep {
        findings.push(Finding::skipped(
            "the plans have the models; `--deep` asks the hosts",
        ));
    }
    findings
}

fn references(situation: &Situation<'_>) -> Vec<(String, String)> {
    let settings = situation.settings();
    let defaults = &settings.agents.defaults;
    let all = [&defaults.model, &defaults.image_model];
    let references = all
        .into_iter()
        .flat_map(|choice| choice.primary.iter().chain(&choice.fallbacks));
    references
        .filter_map(|reference| reference.split_once('/'))
        .map(|(provider, model)| (provider.to_owned(), model.to_owned()))
        .collect()
}

fn by_plan(situation: &Situation<'_>, provider: &str, model: &str) -> Option<Finding> {
    let settings = situation.settings();
    let block = settings
        .models
        .providers
        .iter()
        .find(|block| block.key == provider)?;
    let endpoint = situation
        .catalog
        .endpoint_for_url(block.base_url.as_deref()?)?
        .endpoint;
    let shipped = situation.catalog.provider(provider)?;
    let row = situation
        .catalog
        .model(&shipped.id, model, Some(endpoint.plan))?;
    (row.availability == Availability::No).then(|| {
        Finding::warning(format!(
            "`{provider}/{model}` is not part of {}",
            endpoint.label
        ))
        .in_file(situation.config_path())
        .hint(
            "`openclaw models list` shows what the plan has; `openclaw models set` chooses another",
        )
    })
}
