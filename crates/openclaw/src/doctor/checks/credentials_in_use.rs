//! Whether the providers in use have a credential that works as far as can be told without asking.

use std::collections::BTreeSet;

use config::ProviderId;
use credentials::{Candidate, Resolution, SkipReason, Unusable};

use super::super::{Check, Finding, Repair, Situation, Status};

pub(super) const CHECK: Check = Check {
    name: "auth-profiles",
    title: "every provider in use has a credential",
    detect,
    repair: Repair::None,
};

fn detect(situation: &Situation<'_>) -> Vec<Finding> {
    let Some(resolver) = situation.resolver() else {
        return vec![Finding::skipped("the config cannot be read")];
    };
    let retired = situation.retired();
    let mut findings = Vec::new();
    for provider in in_use(situation) {
        let Ok(id) = ProviderId::new(&provider) else {
            continue;
        };
        if retired.is_provider(&provider) {
            continue;
        }
        let resolution = resolver.candidates(&id, situation.now_ms);
        let is_usable = resolution.usable().next().is_some();
        if !is_usable {
            findings.push(missing(situation, &resolution));
        }
        findings.extend(
            resolution
                .candidates
                .iter()
                .filter_map(|one| about(one, is_usable)),
        );
        findings.extend(skipped(&resolution, is_usable));
    }
    let mut seen = BTreeSet::new();
    findings.retain(|finding| seen.insert(finding.message.clone()));
    findings
}

/// Returns the providers of the default model, fallbacks, image model and agents; every configured one without these.
pub(super) fn in_use(situation: &Situation<'_>) -> Vec<String> {
    let settings = situation.settings();
    let defaults = &settings.agents.defaults;
    let mut choices = vec![&defaults.model, &defaults.image_model];
    choices.extend(
        settings
            .agents
            .entries
            .iter()
            .filter_map(|agent| agent.model.as_ref()),
    );
    let mut ids: Vec<String> = Vec::new();
    let references = choices
        .into_iter()
        .flat_map(|choice| choice.primary.iter().chain(&choice.fallbacks));
    let named = references.filter_map(|reference| Some(reference.split_once('/')?.0.to_owned()));
    for id in named {
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    if ids.is_empty() {
        ids.extend(
            settings
                .models
                .providers
                .iter()
                .map(|provider| provider.key.clone()),
        );
    }
    ids
}

/// What is missing only because this shell has not set a variable is no fault of the home.
fn missing(situation: &Situation<'_>, resolution: &Resolution) -> Finding {
    let refers =
        |candidate: &Candidate| matches!(candidate.secret, Err(Unusable::MissingVariable { .. }));
    let mut finding = Finding::warning(resolution.describe_none()).hint(resolution.hint());
    if resolution.candidates.iter().any(refers)
        || situation
            .catalog
            .provider(resolution.provider.as_str())
            .is_none()
    {
        finding.status = Status::Info;
    }
    finding
}

fn about(candidate: &Candidate, is_usable: bool) -> Option<Finding> {
    if let Some(caution) = &candidate.caution {
        return Some(Finding::info(format!("{}: {caution}", candidate.label)));
    }
    let problem = candidate.secret.as_ref().err()?;
    let message = format!("{}: {problem}", candidate.label);
    Some(match problem {
        // It is renewed before the next call.
        Unusable::Expired { .. } | Unusable::MissingVariable { .. } => Finding::info(message),
        _ if is_usable => Finding::info(message),
        _ => Finding::warning(message).hint("`openclaw onboard` stores a key that works"),
    })
}

fn skipped(resolution: &Resolution, is_usable: bool) -> Vec<Finding> {
    let provider = &resolution.provider;
    let finding = |skipped: &credentials::Skipped| {
        let message = format!("{}: {}", skipped.label, skipped.reason);
        Some(match &skipped.reason {
            SkipReason::Expired { .. } | SkipReason::InvalidExpiry | SkipReason::NoSecret
                if !is_usable =>
            {
                Finding::warning(message).hint(format!(
                    "`openclaw models auth paste-token --provider {provider}` replaces it"
                ))
            }
            SkipReason::KindMismatch { .. } if !is_usable => {
                Finding::warning(message).hint("`openclaw onboard` writes both anew")
            }
            SkipReason::Expired { .. }
            | SkipReason::InvalidExpiry
            | SkipReason::NoSecret
            | SkipReason::NotStored
            | SkipReason::KindMismatch { .. } => Finding::info(message),
            _ => return None,
        })
    };
    resolution.skipped.iter().filter_map(finding).collect()
}
