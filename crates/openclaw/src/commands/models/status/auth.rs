//! The credentials of each provider: what is taken, what else there is, what is not used and why.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use config::{AgentId, ProviderId};
use credentials::{
    AgentStores, Candidate, Kind, ProfileStore, Provenance, Resolution, Resolver, SkipReason,
};

use super::login::{Login, Status};
use crate::commands::models::names::Names;
use crate::context::{Context, ReadConfig};

/// All credentials of the agent.
pub(super) struct Auth {
    /// The store into which a new credential would be written.
    pub(super) store_path: PathBuf,
    pub(super) providers: Vec<ProviderAuth>,
    pub(super) logins: Vec<Login>,
    pub(super) resting: Vec<Resting>,
    pub(super) warnings: Vec<String>,
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
    pub(super) id: String,
    kind: Kind,
    shown: String,
}

/// A profile that rests after failures.
pub(super) struct Resting {
    pub(super) profile: String,
    /// `cooldown` or `disabled`.
    pub(super) kind: &'static str,
    pub(super) reason: Option<String>,
    pub(super) until_ms: u64,
    pub(super) remaining_ms: u64,
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
        let ids = ids(names, &in_use);
        let providers: Vec<ProviderAuth> = ids
            .into_iter()
            .filter_map(|id| provider(names, &resolver, &id, in_use.contains(&id), now_ms))
            .collect();
        let warnings: BTreeSet<String> = providers
            .iter()
            .flat_map(|provider| &provider.resolution.warnings)
            .chain(resolver.stores().warnings())
            .map(ToString::to_string)
            .collect();
        let store = ProfileStore::of_agent(&context.home, &AgentId::main());
        Self {
            store_path: store.path().to_owned(),
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
}

impl ProviderAuth {
    /// Returns how many profiles of a kind there are.
    pub(super) fn count(&self, kind: Kind) -> usize {
        let of_kind = |line: &&ProfileLine| line.kind == kind;
        self.profiles.iter().filter(of_kind).count()
    }

    /// Returns the state of the credential that is taken; when none can be taken, why.
    pub(super) fn status(&self) -> Status {
        if let Some((candidate, _)) = self.resolution.usable().next() {
            return Status::at(candidate.expires_at_ms, self.now_ms);
        }
        let past = |candidate: &Candidate| {
            Status::at(candidate.expires_at_ms, self.now_ms) == Status::Expired
        };
        let is_expired = self.resolution.candidates.iter().any(past)
            || self.resolution.skipped.iter().any(|skipped| {
                matches!(
                    skipped.reason,
                    SkipReason::Expired { .. } | SkipReason::InvalidExpiry
                )
            });
        match self.problem {
            // A server of one's own may need no credential.
            None => Status::Static,
            Some(_) if is_expired => Status::Expired,
            Some(_) => Status::Missing,
        }
    }

    /// Returns the source that is taken, as kind and detail; paths are written by `show`.
    pub(super) fn effective(&self, show: impl Fn(&Path) -> String) -> (&'static str, String) {
        match self.resolution.usable().next() {
            Some((candidate, _)) => match &candidate.provenance {
                Provenance::Profile { store, .. } => ("profiles", show(store.path())),
                Provenance::Env { name, .. } => ("env", name.clone()),
                Provenance::Config { path, .. } => ("config", path.clone()),
                Provenance::Foreign { path } => ("foreign", show(path)),
            },
            None if self.problem.is_none() => ("none-needed", "none-needed".to_owned()),
            None => ("missing", "missing".to_owned()),
        }
    }

    /// Returns the names of the profiles whose secret may be sent, best first.
    pub(super) fn usable_profiles(&self) -> Vec<&str> {
        self.resolution
            .usable()
            .filter(|(candidate, _)| matches!(candidate.provenance, Provenance::Profile { .. }))
            .map(|(candidate, _)| candidate.label.as_str())
            .collect()
    }
}

impl ProfileLine {
    /// Returns the profile with what people may see of it: `qwen:default=sk-…3f2a`.
    pub(super) fn label(&self) -> String {
        format!("{}={}", self.id, self.shown)
    }
}

/// Returns what people may see of a credential, or why it has none.
pub(super) fn fingerprint(candidate: &Candidate) -> String {
    match &candidate.secret {
        Ok(secret) => secret.mask(),
        Err(reason) => format!("unusable ({reason})"),
    }
}

/// Returns the providers of the default model, the fallbacks and the image models.
fn in_use(names: &Names<'_>) -> Vec<String> {
    let defaults = &names.settings.agents.defaults;
    let mut ids: Vec<String> = Vec::new();
    for choice in [&defaults.model, &defaults.image_model] {
        for reference in choice.primary.iter().chain(&choice.fallbacks) {
            let named = names.look_up(reference).map(|named| named.provider);
            let written = || Some(reference.split_once('/')?.0.trim().to_lowercase());
            if let Some(provider) = named.or_else(written)
                && !ids.contains(&provider)
            {
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

/// Returns the credentials of a provider; none when it is neither used nor configured and has no credential.
fn provider(
    names: &Names<'_>,
    resolver: &Resolver<'_>,
    id: &str,
    in_use: bool,
    now_ms: u64,
) -> Option<ProviderAuth> {
    let resolution = resolver.candidates(&ProviderId::new(id).ok()?, now_ms);
    if !in_use && names.block(id).is_none() && resolution.candidates.is_empty() {
        return None;
    }
    let view = names.directory.providers().find(|view| view.id == id);
    Some(ProviderAuth {
        id: id.to_owned(),
        in_use,
        profiles: profile_lines(&resolution, resolver.stores()),
        resolution,
        base_url: view
            .as_ref()
            .and_then(|view| view.base_url.map(str::to_owned)),
        plan: view.as_ref().and_then(|view| view.plan.clone()),
        region: view.and_then(|view| view.region),
        problem: names.problem(id),
        now_ms,
    })
}

fn profile_lines(resolution: &Resolution, stores: &AgentStores) -> Vec<ProfileLine> {
    let tried = resolution.candidates.iter().filter_map(|candidate| {
        let Provenance::Profile { id, .. } = &candidate.provenance else {
            return None;
        };
        let shown = match (&candidate.secret, candidate.kind) {
            (Ok(_), Kind::OAuth) => "OAuth".to_owned(),
            (Ok(secret), Kind::Token) => format!("token:{}", secret.mask()),
            _ => fingerprint(candidate),
        };
        Some(ProfileLine {
            id: id.to_string(),
            kind: candidate.kind,
            shown,
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
            id: id.to_string(),
            kind: stores.find(id)?.profile.kind(),
            shown: format!("not used ({})", skipped.reason),
        })
    });
    tried.chain(not_tried).collect()
}

/// Returns the stored profiles, and those that only the config names.
fn logins(config: &ReadConfig, resolver: &Resolver<'_>, now_ms: u64) -> Vec<Login> {
    let stores = resolver.stores();
    let stored = stores
        .winners()
        .map(|found| Login::of_profile(found.profile, &config.environment, now_ms));
    let named = config.settings.auth.profiles.iter();
    let only_named = named
        .filter(|entry| stores.find(&entry.id).is_none())
        .map(|entry| Login::of_config(entry, now_ms));
    stored.chain(only_named).collect()
}

fn resting(stores: &AgentStores, now_ms: u64) -> Vec<Resting> {
    let mut resting = Vec::new();
    for (id, usage) in &stores.state().usage {
        for (kind, until, reason) in [
            ("disabled", usage.disabled_until_ms, &usage.disabled_reason),
            ("cooldown", usage.cooldown_until_ms, &usage.cooldown_reason),
        ] {
            if let Some(until_ms) = until.filter(|until| *until > now_ms) {
                resting.push(Resting {
                    profile: id.to_string(),
                    kind,
                    reason: reason.clone(),
                    until_ms,
                    remaining_ms: until_ms - now_ms,
                });
            }
        }
    }
    resting
}
