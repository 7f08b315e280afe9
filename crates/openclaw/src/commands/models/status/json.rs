//! `models status --json`: OpenClaw's keys, with the sources in their order and what is skipped beside them.

use credentials::{Candidate, Kind, Provenance, Secret};
use serde_json::{Map, Value, json};

use super::super::breakers;
use super::Report;
use super::auth::{Auth, ProfileLine, ProviderAuth, Resting, fingerprint};
use super::login::{Login, WARN_AFTER_MS};

/// Returns the whole document.
pub(super) fn document(report: &Report<'_>) -> Value {
    let defaults = &report.config.settings.agents.defaults;
    let image = defaults.image_model.primary.as_deref();
    let aliases: Map<String, Value> = report
        .names
        .aliases()
        .into_iter()
        .map(|(alias, reference)| (alias.to_owned(), json!(reference)))
        .collect();
    let allowed: Vec<&str> = defaults
        .models
        .iter()
        .map(|row| row.reference.as_str())
        .collect();
    json!({
        "configPath": report.config.store.path(),
        "agentDir": report.context.home.agent_dir(&report.agent),
        "agentId": report.agent.as_str(),
        "defaultModel": defaults.model.primary,
        "resolvedDefault": report.default(),
        "fallbacks": report.full_names(&defaults.model.fallbacks),
        "imageModel": image.map(|text| report.full_name(text)),
        "imageFallbacks": report.full_names(&defaults.image_model.fallbacks),
        "aliases": aliases,
        "allowed": allowed,
        "warnings": report.troubles(),
        "auth": auth(&report.auth),
        "breakers": list(&report.breakers, breakers::json),
    })
}

fn auth(auth: &Auth) -> Value {
    let missing: Vec<&str> = auth
        .providers
        .iter()
        .filter(|provider| provider.in_use && provider.problem.is_some())
        .map(|provider| provider.id.as_str())
        .collect();
    json!({
        "storePath": auth.store_path,
        "shellEnvFallback": {"enabled": false, "appliedKeys": []},
        "providersWithOAuth": auth.with_logins(),
        "missingProvidersInUse": missing,
        "providers": list(&auth.providers, provider),
        "unusableProfiles": list(&auth.resting, resting),
        "oauth": {
            "warnAfterMs": WARN_AFTER_MS,
            "profiles": list(&auth.logins, login),
            "providers": list(&auth.providers, provider_logins),
        },
        "warnings": auth.warnings,
    })
}

fn list<T>(items: &[T], one: impl Fn(&T) -> Value) -> Vec<Value> {
    items.iter().map(one).collect()
}

fn provider(provider: &ProviderAuth) -> Value {
    let (kind, detail) = provider.effective(|path| path.display().to_string());
    let labels: Vec<String> = provider.profiles.iter().map(ProfileLine::label).collect();
    let skipped = list(&provider.resolution.skipped, |skipped| {
        json!({
            "label": skipped.label,
            "source": skipped.provenance.as_ref().map(ToString::to_string),
            "reason": skipped.reason.to_string(),
        })
    });
    let mut value = json!({
        "provider": provider.id,
        "inUse": provider.in_use,
        "status": provider.status().as_str(),
        "effective": {"kind": kind, "detail": detail},
        "profiles": {
            "count": provider.profiles.len(),
            "oauth": provider.count(Kind::OAuth),
            "token": provider.count(Kind::Token),
            "apiKey": provider.count(Kind::ApiKey),
            "labels": labels,
        },
        "baseUrl": provider.base_url,
        "plan": provider.plan,
        "region": provider.region,
        "problem": provider.problem,
        "sources": list(&provider.resolution.candidates, candidate),
        "skipped": skipped,
    });
    if let (Some(env), Some(members)) = (variable(provider), value.as_object_mut()) {
        members.insert("env".to_owned(), env);
    }
    value
}

/// Returns the first variable that holds a credential.
fn variable(provider: &ProviderAuth) -> Option<Value> {
    let mut candidates = provider.resolution.candidates.iter();
    candidates.find_map(|candidate| match &candidate.provenance {
        Provenance::Env { name, .. } => Some(json!({
            "value": fingerprint(candidate),
            "source": format!("env: {name}"),
        })),
        _ => None,
    })
}

fn candidate(candidate: &Candidate) -> Value {
    json!({
        "label": candidate.label,
        "type": candidate.kind.as_str(),
        "source": candidate.provenance.to_string(),
        "fingerprint": candidate.secret.as_ref().ok().map(Secret::mask),
        "usable": candidate.secret.is_ok(),
        "problem": candidate.secret.as_ref().err().map(ToString::to_string),
        "caution": candidate.caution.map(|caution| caution.to_string()),
        "expiresAt": candidate.expires_at_ms,
    })
}

fn provider_logins(provider: &ProviderAuth) -> Value {
    let ids: Vec<&str> = provider
        .profiles
        .iter()
        .map(|line| line.id.as_str())
        .collect();
    json!({
        "provider": provider.id,
        "status": provider.status().as_str(),
        "profiles": ids,
        "effectiveProfiles": provider.usable_profiles(),
    })
}

fn login(login: &Login) -> Value {
    let mut value = json!({
        "profileId": login.id,
        "provider": login.provider,
        "type": login.kind,
        "status": login.status.as_str(),
        "source": "store",
        "label": login.id,
    });
    if let (Some(at_ms), Some(members)) = (login.expires_at_ms, value.as_object_mut()) {
        members.insert("expiresAt".to_owned(), json!(at_ms));
        members.insert("remainingMs".to_owned(), json!(login.remaining_ms()));
    }
    value
}

fn resting(resting: &Resting) -> Value {
    json!({
        "profileId": resting.profile,
        "kind": resting.kind,
        "reason": resting.reason,
        "until": resting.until_ms,
        "remainingMs": resting.remaining_ms,
    })
}
