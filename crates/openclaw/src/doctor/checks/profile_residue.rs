//! Profiles that nothing uses, that another store hides, or that hold the same secret twice.

use std::collections::BTreeMap;

use credentials::{Credential, HeldSecret, Profile, Warning};

use super::super::{Check, Finding, Repair, Situation};

pub(super) const CHECK: Check = Check {
    name: "profile-residue",
    title: "no profile is left over",
    detect,
    repair: Repair::None,
};

fn detect(situation: &Situation<'_>) -> Vec<Finding> {
    let stores = situation.stores();
    let retired = situation.retired();
    let mut findings = Vec::new();
    for (found, winner) in stores.shadowed() {
        let message = format!(
            "profile `{}` is hidden by the one of the same name in {}",
            found.profile.id,
            situation.shown(&winner)
        );
        findings.push(Finding::info(message).in_file(found.path()));
    }
    let mut by_secret: BTreeMap<String, Vec<&Profile>> = BTreeMap::new();
    let used = super::credentials_in_use::in_use(situation);
    for found in stores.winners() {
        let profile = found.profile;
        if let Some(secret) = secret_of(profile) {
            by_secret
                .entry(config::sha256(secret.as_bytes()))
                .or_default()
                .push(profile);
        }
        if !retired.is_provider(profile.provider.as_str()) && !is_used(situation, &used, profile) {
            let message = format!("no model in use belongs to profile `{}`", profile.id);
            findings.push(Finding::info(message).in_file(found.path()));
        }
    }
    for profiles in by_secret.values().filter(|profiles| profiles.len() > 1) {
        let ids: Vec<String> = profiles
            .iter()
            .map(|profile| format!("`{}`", profile.id))
            .collect();
        let message = format!("{} hold the same secret", ids.join(", "));
        let hint = "`openclaw models auth logout <id>` removes one";
        findings.push(Finding::warning(message).hint(hint));
    }
    findings.extend(stores.warnings().iter().filter_map(about));
    findings
}

/// An alias and its provider share credentials.
fn is_used(situation: &Situation<'_>, used: &[String], profile: &Profile) -> bool {
    let canonical = |id: &str| {
        situation
            .catalog
            .provider(id)
            .map_or(id.to_owned(), |found| found.id.clone())
    };
    let own = canonical(profile.provider.as_str());
    used.iter().any(|id| canonical(id) == own)
}

fn secret_of(profile: &Profile) -> Option<&str> {
    match &profile.credential {
        Credential::ApiKey {
            key: HeldSecret::Inline(secret),
        }
        | Credential::Token {
            token: HeldSecret::Inline(secret),
            ..
        } => Some(secret.expose()),
        Credential::OAuth(login) => login.refresh.as_ref().map(credentials::Secret::expose),
        Credential::ApiKey { .. } | Credential::Token { .. } => None,
    }
}

fn about(warning: &Warning) -> Option<Finding> {
    match warning {
        // Permissions have a check of their own.
        Warning::LooseMode { .. } => None,
        Warning::UnreadableStore {
            path,
            problem,
            hint,
        } => {
            let finding = Finding::error(problem.clone()).in_file(path);
            Some(match hint {
                Some(hint) => finding.hint(hint.clone()),
                None => finding,
            })
        }
        other => Some(Finding::warning(other.to_string())),
    }
}
