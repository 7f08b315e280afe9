//! The credentials of each provider: what is taken, what else there is, what is not used and why.

use std::collections::BTreeSet;

use config::ProviderId;
use credentials::{
    AgentStores, Candidate, Kind, Provenance, Resolution, Resolver, SkipReason, Usage,
};
use providers::directory::ProviderView;
use serde_json::{Value, json};

use super::login::{Login, Status, WARN_AFTER_MS};
use crate::commands::models::names::Names;
use crate::context::{Context, ReadConfig};

/// All credentials of the agent.
pub(super) struct Auth {
    /// The store into which a new credential would be written.
    pub(super) store_path: std::path::PathBuf,
    pub(super) providers: Vec<ProviderAuth>,
    pub(super) logins: Vec<Login>,
    pub(super) warnings: Vec<String>,
    resting: Vec<Value>,
}

/// The credentials of one provider.
pub(super) struct ProviderAuth {
    pub(super) id: String,
    /// Whether the default model, a fallback or the image model belongs to it.
    pub(super) in_use: bool,
    pub(super) profiles: Vec<ProfileLine>,
    pub(super) resolution: Resolution,
    pub(super) base_url: Option<String>,
    pub(super) plan: Option<String>,
    pub(super) region: Option<String>,
    pub(super) problem: Option<String>,
    now_ms: u64,
}

/// One profile of a provider, used or not.
pub(super) struct ProfileLine {
    kind: Kind,
    pub(super) label: String,
}

impl Auth {
    /// Reads the stores and asks for each provider that is configured, used, or has a credential.
    pub(super) fn read(
        context: &Context,
        config: &ReadConfig,
        names: &Names<'_>,
        now_ms: u64,
    ) -> Self {
        let resolver = context.resolver(config, &names.catalog);
        let in_use = in_use(names);
        let mut providers: Vec<ProviderAuth> = Vec::new();
        for id in ids(names, &in_use) {
            let Ok(parsed) = ProviderId::new(&id) else {
                continue;
            };
            let resolution = resolver.candidates(&parsed, now_ms);
            let is_expected = in_use.contains(&id) || names.block(&id).is_some();
            if is_expected || !resolution.candidates.is_empty() {
                let view = names.directory.providers().find(|view| view.id == id);
                let profiles = profile_lines(&resolution, resolver.stores());
                let used = in_use.contains(&id);
                providers.push(ProviderAuth::new(
                    id, used, profiles, resolution, view, now_ms,
                ));
            }
        }
        let warnings: BTreeSet<String> = providers
            .iter()
            .flat_map(|provider| &provider.resolution.warnings)
            .chain(resolver.stores().warnings())
            .map(ToString::to_string)
            .collect();
        Self {
            store_path: credentials::ProfileStore::of_agent(
                &context.home,
                &config::AgentId::main(),
            )
            .path()
            .to_owned(),
            logins: logins(config, &resolver, now_ms),
            resting: resting(resolver.stores(), now_ms),
            providers,
            warnings: warnings.into_iter().collect(),
        }
    }

    /// Returns `provider (count)` for each provider with logins or tokens.
    pub(super) fn with_logins(&self) -> Vec<String> {
        self.providers
            .iter()
            .filter_map(|provider| {
                let count = provider.count(Kind::OAuth) + provider.count(Kind::Token);
                (count > 0).then(|| format!("{} ({count})", provider.id))
            })
            .collect()
    }

    /// Returns the section in OpenClaw's form, with the sources in their order beside it.
    pub(super) fn json(&self) -> Value {
        let missing: Vec<&str> = self
            .providers
            .iter()
            .filter(|provider| provider.in_use && provider.problem.is_some())
            .map(|provider| provider.id.as_str())
            .collect();
        let providers: Vec<Value> = self.providers.iter().map(ProviderAuth::json).collect();
        let logins: Vec<Value> = self.logins.iter().map(login_json).collect();
        let by_provider: Vec<Value> = self
            .providers
            .iter()
            .map(|provider| self.provider_logins(provider))
            .collect();
        json!({
            "storePath": self.store_path,
            "shellEnvFallback": {"enabled": false, "appliedKeys": []},
            "providersWithOAuth": self.with_logins(),
            "missingProvidersInUse": missing,
            "providers": providers,
            "unusableProfiles": self.resting,
            "oauth": {"warnAfterMs": WARN_AFTER_MS, "profiles": logins, "providers": by_provider},
            "warnings": self.warnings,
        })
    }

    fn provider_logins(&self, provider: &ProviderAuth) -> Value {
        let ids: Vec<&str> = provider
            .profiles
            .iter()
            .filter_map(|line| line.label.split_once('=').map(|(id, _)| id))
            .collect();
        let effective: Vec<&str> = provider
            .resolution
            .usable()
            .filter(|(candidate, _)| matches!(candidate.provenance, Provenance::Profile { .. }))
            .map(|(candidate, _)| candidate.label.as_str())
            .collect();
        json!({
            "provider": provider.id,
            "status": provider.status().as_str(),
            "profiles": ids,
            "effectiveProfiles": effective,
        })
    }
}

impl ProviderAuth {
    fn new(
        id: String,
        in_use: bool,
        profiles: Vec<ProfileLine>,
        resolution: Resolution,
        view: Option<ProviderView<'_>>,
        now_ms: u64,
    ) -> Self {
        let problem = match &view {
            Some(view) => view.problem.clone(),
            None => Some("there is no such provider".to_owned()),
        };
        Self {
            id,
            in_use,
            profiles,
            resolution,
            base_url: view
                .as_ref()
                .and_then(|view| view.base_url.map(str::to_owned)),
            plan: view.as_ref().and_then(|view| view.plan.clone()),
            region: view.and_then(|view| view.region),
            problem,
            now_ms,
        }
    }

    /// Returns how many profiles of a kind there are.
    pub(super) fn count(&self, kind: Kind) -> usize {
        self.profiles
            .iter()
            .filter(|line| line.kind == kind)
            .count()
    }

    /// Returns the state of the credential that is taken; when none can be taken, why.
    pub(super) fn status(&self) -> Status {
        let expired = |candidate: &Candidate| {
            Status::at(candidate.expires_at_ms, self.now_ms) == Status::Expired
        };
        match self.resolution.usable().next() {
            Some((candidate, _)) => Status::at(candidate.expires_at_ms, self.now_ms),
            // A server of one's own may need no credential.
            None if self.problem.is_none() => Status::Static,
            None if self.resolution.candidates.iter().any(expired) => Status::Expired,
            None if self.resolution.skipped.iter().any(|skipped| {
                matches!(
                    skipped.reason,
                    SkipReason::Expired { .. } | SkipReason::InvalidExpiry
                )
            }) =>
            {
                Status::Expired
            }
            None => Status::Missing,
        }
    }

    /// Returns the source that is taken, as kind and detail; paths are shortened by `show`.
    pub(super) fn effective(
        &self,
        show: impl Fn(&std::path::Path) -> String,
    ) -> (&'static str, String) {
        let Some((candidate, _)) = self.resolution.usable().next() else {
            let kind = if self.problem.is_none() {
                "none-needed"
            } else {
                "missing"
            };
            return (kind, kind.to_owned());
        };
        match &candidate.provenance {
            Provenance::Profile { store, .. } => ("profiles", show(store.path())),
            Provenance::Env { name, .. } => ("env", name.clone()),
            Provenance::Config { path, .. } => ("config", path.clone()),
            Provenance::Foreign { path } => ("foreign", show(path)),
        }
    }

    fn json(&self) -> Value {
        let (kind, detail) = self.effective(|path| path.display().to_string());
        let labels: Vec<&str> = self
            .profiles
            .iter()
            .map(|line| line.label.as_str())
            .collect();
        let mut value = json!({
            "provider": self.id,
            "inUse": self.in_use,
            "status": self.status().as_str(),
            "effective": {"kind": kind, "detail": detail},
            "profiles": {
                "count": self.profiles.len(),
                "oauth": self.count(Kind::OAuth),
                "token": self.count(Kind::Token),
                "apiKey": self.count(Kind::ApiKey),
                "labels": labels,
            },
            "baseUrl": self.base_url,
            "plan": self.plan,
            "region": self.region,
            "problem": self.problem,
            "sources": self.resolution.candidates.iter().map(candidate_json).collect::<Vec<_>>(),
            "skipped": self.skipped_json(),
        });
        if let (Some((name, mask, origin)), Some(members)) =
            (self.variable(), value.as_object_mut())
        {
            members.insert(
                "env".to_owned(),
                json!({"value": mask, "source": format!("env: {name}"), "origin": origin}),
            );
        }
        value
    }

    fn skipped_json(&self) -> Vec<Value> {
        let skipped = self.resolution.skipped.iter();
        skipped
            .map(|skipped| {
                json!({
                    "label": skipped.label,
                    "source": skipped.provenance.as_ref().map(ToString::to_string),
                    "reason": skipped.reason.to_string(),
                })
            })
            .collect()
    }

    /// Returns the first variable that holds a credential: name, fingerprint, origin.
    pub(super) fn variable(&self) -> Option<(&str, String, String)> {
        self.resolution
            .candidates
            .iter()
            .find_map(|candidate| match &candidate.provenance {
                Provenance::Env { name, .. } => Some((
                    name.as_str(),
                    fingerprint(candidate),
                    candidate.provenance.to_string(),
                )),
                _ => None,
            })
    }
}

/// Returns the providers of the default model, the fallbacks and the image models.
fn in_use(names: &Names<'_>) -> Vec<String> {
    let defaults = &names.settings.agents.defaults;
    let mut ids: Vec<String> = Vec::new();
    for choice in [&defaults.model, &defaults.image_model] {
        for reference in choice.primary.iter().chain(&choice.fallbacks) {
            let provider = match names.look_up(reference) {
                Some(named) => named.provider,
                None => match reference.split_once('/') {
                    Some((provider, _)) => provider.trim().to_lowercase(),
                    None => continue,
                },
            };
            if !ids.contains(&provider) {
                ids.push(provider);
            }
        }
    }
    ids
}

/// Returns the providers to look at: used, configured, then every other that the catalog knows.
fn ids(names: &Names<'_>, in_use: &[String]) -> Vec<String> {
    let mut ids = in_use.to_vec();
    for id in names.provider_ids() {
        if !ids.iter().any(|known| known == id) && !names.is_stand_in(id) {
            ids.push(id.to_owned());
        }
    }
    ids
}

fn profile_lines(resolution: &Resolution, stores: &AgentStores) -> Vec<ProfileLine> {
    let tried = resolution.candidates.iter().filter_map(|candidate| {
        let Provenance::Profile { .. } = candidate.provenance else {
            return None;
        };
        let shown = match (&candidate.secret, candidate.kind) {
            (Err(reason), _) => format!("unusable ({reason})"),
            (Ok(_), Kind::OAuth) => "OAuth".to_owned(),
            (Ok(secret), Kind::Token) => format!("token:{}", secret.mask()),
            (Ok(secret), Kind::ApiKey) => secret.mask(),
        };
        Some(ProfileLine {
            kind: candidate.kind,
            label: format!("{}={shown}", candidate.label),
        })
    });
    let not_tried = resolution.skipped.iter().filter_map(|skipped| {
        let Some(Provenance::Profile { id, .. }) = &skipped.provenance else {
            return None;
        };
        if matches!(skipped.reason, SkipReason::OtherProvider { .. }) {
            return None;
        }
        Some(ProfileLine {
            kind: stores.find(id)?.profile.kind(),
            label: format!("{id}=not used ({})", skipped.reason),
        })
    });
    tried.chain(not_tried).collect()
}

fn logins(config: &ReadConfig, resolver: &Resolver<'_>, now_ms: u64) -> Vec<Login> {
    let stores = resolver.stores();
    let mut logins: Vec<Login> = stores
        .winners()
        .map(|found| Login::of_profile(found.profile, &config.environment, now_ms))
        .collect();
    let named = config.settings.auth.profiles.iter();
    logins.extend(
        named
            .filter(|entry| stores.find(&entry.id).is_none())
            .map(|entry| Login::of_config(entry, now_ms)),
    );
    logins
}

/// Returns the profiles that rest after failures.
fn resting(stores: &AgentStores, now_ms: u64) -> Vec<Value> {
    let usage = stores.state().usage.iter();
    let rest = |kind: &str, until: Option<u64>, reason: &Option<String>, id: &str| {
        let until = until.filter(|until| *until > now_ms)?;
        Some(
            json!({"profileId": id, "kind": kind, "reason": reason, "until": until, "remainingMs": until - now_ms}),
        )
    };
    usage
        .flat_map(|(id, usage): (&config::ProfileId, &Usage)| {
            let id = id.as_str();
            let disabled = rest(
                "disabled",
                usage.disabled_until_ms,
                &usage.disabled_reason,
                id,
            );
            let cooldown = rest(
                "cooldown",
                usage.cooldown_until_ms,
                &usage.cooldown_reason,
                id,
            );
            disabled.into_iter().chain(cooldown)
        })
        .collect()
}

fn candidate_json(candidate: &Candidate) -> Value {
    json!({
        "label": candidate.label,
        "type": candidate.kind.as_str(),
        "source": candidate.provenance.to_string(),
        "fingerprint": candidate.secret.as_ref().ok().map(credentials::Secret::mask),
        "usable": candidate.secret.is_ok(),
        "problem": candidate.secret.as_ref().err().map(ToString::to_string),
        "caution": candidate.caution.map(|caution| caution.to_string()),
        "expiresAt": candidate.expires_at_ms,
    })
}

fn login_json(login: &Login) -> Value {
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

/// Returns what people may see of a credential, or why it has none.
pub(super) fn fingerprint(candidate: &Candidate) -> String {
    match &candidate.secret {
        Ok(secret) => secret.mask(),
        Err(reason) => format!("unusable ({reason})"),
    }
}
