//! Which models exist for this home and how each is reached: config, catalog and credentials in one look-up.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use catalog::{Catalog, ModelKind, Provider, ResolvedRef, Standing};
use config::{ModelChoice, ProviderId, ProviderSettings, Settings};
use credentials::{
    Candidate, Kind, Provenance, References, Resolution, Resolver, Secret, Unusable,
};

use crate::failover::{Chain, Skipped};

mod listing;
mod live;
mod media;
mod native_formats;
mod route;
mod route_error;
mod rule_book;
mod surfaces;
mod video;

pub use listing::{ListedModel, ProviderView};
pub use route::{Route, StoredProfile, TIMEOUT_DEFAULT, Target, Turn};
use rule_book::{ProviderRules, RuleBook};

pub use route_error::{RouteError, did_you_mean};

/// Names suggested for an unknown model.
const SUGGESTIONS_MAX: usize = 3;
/// Longest part of a name from a request that is repeated in errors and logs, in characters.
const SHOWN_CHARS_MAX: usize = 200;
/// The model name that means the default agent.
const AGENT: &str = "openclaw";

/// Everything a request can name. Built from one reading of config, catalog and credentials; never changes.
pub struct Directory {
    catalog: Arc<Catalog>,
    providers: Vec<Entry>,
    aliases: Vec<(String, String)>,
    default_model: Option<String>,
    default_fallbacks: Vec<String>,
    video_model: ModelChoice,
    agents: Vec<(String, Option<ModelChoice>)>,
    allows_metered: bool,
    media_choices: Vec<(ModelKind, ModelChoice)>,
    rules: RuleBook,
    ready: HashMap<String, Arc<Chain>>,
    /// Agents that have credentials of their own, and what they see.
    agents_apart: Vec<(String, Directory)>,
}

/// One provider of this home.
struct Entry {
    id: String,
    /// One per credential, in the order in which they are tried; empty without a base URL.
    targets: Vec<Target>,
    problem: Option<RouteError>,
    models: Vec<ListedModel>,
    is_configured: bool,
    /// The config has the same service under an older name; its models are listed under that one only.
    is_twin: bool,
    rules: ProviderRules,
}

impl Directory {
    /// Builds the directory at `now_ms` (Unix milliseconds), which decides what has expired.
    pub fn build(
        catalog: Arc<Catalog>,
        settings: &Settings,
        resolver: &Resolver<'_>,
        now_ms: u64,
    ) -> Self {
        let mut ids: Vec<ProviderId> = settings
            .models
            .providers
            .iter()
            .map(|provider| provider.id.clone())
            .collect();
        for provider in catalog
            .providers()
            .iter()
            .filter(|provider| provider.status != Standing::Later)
        {
            if let Ok(id) = ProviderId::new(&provider.id)
                && !ids.contains(&id)
            {
                ids.push(id);
            }
        }
        let providers = ids
            .iter()
            .map(|id| {
                let sources = Sources {
                    resolution: resolver.candidates(id, now_ms),
                    references: resolver.references(),
                    now_ms,
                };
                entry(&catalog, settings, id, &sources)
            })
            .collect();
        let defaults = &settings.agents.defaults;
        let alias = |row: &config::AgentModel| Some((row.alias.clone()?, row.reference.clone()));
        let agents = settings.agents.entries.iter();
        let mut directory = Self {
            catalog,
            providers,
            aliases: defaults.models.iter().filter_map(alias).collect(),
            default_model: defaults.model.primary.clone(),
            default_fallbacks: defaults.model.fallbacks.clone(),
            video_model: defaults.video_generation_model.clone(),
            agents: agents
                .map(|agent| (agent.id.to_string(), agent.model.clone()))
                .collect(),
            allows_metered: settings.routing.allow_metered,
            media_choices: vec![
                (ModelKind::Vision, defaults.image_model.clone()),
                (ModelKind::Image, defaults.image_generation_model.clone()),
            ],
            rules: RuleBook::new(defaults),
            ready: HashMap::new(),
            agents_apart: Vec::new(),
        };
        directory.prepare();
        directory
    }

    /// Makes the routes that most requests use, so that a request is one look-up.
    fn prepare(&mut self) {
        let mut names: Vec<String> = self
            .usable_models()
            .map(|model| model.reference.clone())
            .collect();
        names.extend(self.aliases.iter().map(|(alias, _)| alias.clone()));
        names.extend(self.agent_models());
        let chains: Vec<_> = names
            .into_iter()
            .filter_map(|name| Some((self.find(&name).ok()?, name)))
            .collect();
        self.ready = chains
            .into_iter()
            .map(|(chain, name)| (name, Arc::new(chain)))
            .collect();
    }

    /// Returns the candidates of `text`: `provider/model`, an alias, a bare model id, `openclaw` or `openclaw/<agent>`.
    ///
    /// A model that was named is the only one asked, with each of its credentials. An agent has its model and then the
    /// configured fallbacks.
    ///
    /// # Errors
    /// [`RouteError`] says why there is none and what to do.
    pub fn chain(&self, text: &str) -> Result<Arc<Chain>, RouteError> {
        match self.ready.get(text) {
            Some(chain) => Ok(Arc::clone(chain)),
            None => self.find(text).map(|chain| self.noted(chain)),
        }
    }

    /// Lets an agent use what it sees with credentials of its own. To be called last.
    #[must_use]
    pub fn with_agent_apart(mut self, agent: &str, own: Self) -> Self {
        let name = format!("{AGENT}/{agent}");
        if let Ok(chain) = own.chain(&name) {
            self.ready.insert(name, chain);
        }
        self.agents_apart.push((agent.to_owned(), own));
        self
    }

    /// Returns the agents that have credentials of their own, and what they see.
    pub fn agents_apart(&self) -> impl Iterator<Item = (&str, &Self)> {
        let apart = self.agents_apart.iter();
        apart.map(|(agent, own)| (agent.as_str(), own))
    }

    /// Logs that nobody knows the model, for the case that it is a typing error.
    fn noted(&self, chain: Chain) -> Arc<Chain> {
        let first = chain.first();
        if !self.knows(first) {
            tracing::warn!(model = %first.reference(), "nobody knows this model; it is asked for as written");
        }
        Arc::new(chain)
    }

    fn find(&self, text: &str) -> Result<Chain, RouteError> {
        let text = text.trim();
        let models = match agent_name(text) {
            Some(agent) => self.models_of_agent(agent)?,
            None => vec![text.to_owned()],
        };
        let (mut routes, mut skipped, mut first_error) = (Vec::new(), Vec::new(), None);
        for model in models {
            match self.find_model(&model) {
                Ok(found) => routes.extend(found),
                Err(error) => {
                    skipped.push(Skipped {
                        model,
                        reason: error.to_string(),
                    });
                    first_error.get_or_insert(error);
                }
            }
        }
        let routes = self.within_billing(routes, &mut skipped);
        Chain::new(routes.into_iter().map(Arc::new).collect(), skipped)
            .ok_or_else(|| first_error.unwrap_or(RouteError::NoDefault))
    }

    /// Takes out candidates that would bill each request when the first one is paid for ahead or free.
    fn within_billing(&self, mut routes: Vec<Route>, skipped: &mut Vec<Skipped>) -> Vec<Route> {
        let starts_metered = routes
            .first()
            .is_none_or(|route| route.is_metered != Some(false));
        if !self.allows_metered && !starts_metered {
            routes.retain(|route| {
                let is_metered = route.is_metered == Some(true);
                if is_metered {
                    let reason =
                        "it bills each request, and `routing.allowMetered` is not set".to_owned();
                    skipped.push(Skipped {
                        model: route.reference(),
                        reason,
                    });
                }
                !is_metered
            });
        }
        routes
    }

    /// Returns the model of an agent and its fallbacks.
    fn models_of_agent(&self, agent: &str) -> Result<Vec<String>, RouteError> {
        let known = self.agents.iter().find(|(id, _)| id == agent);
        if known.is_none() && !matches!(agent, "" | "default" | "main") {
            return Err(RouteError::UnknownAgent(shown(agent)));
        }
        let own = known.and_then(|(_, choice)| choice.as_ref());
        let primary = own
            .and_then(|own| own.primary.clone())
            .or_else(|| self.default_model.clone());
        let own_fallbacks = own.map(|own| &own.fallbacks).filter(|own| !own.is_empty());
        let fallbacks = own_fallbacks.unwrap_or(&self.default_fallbacks);
        let mut models = vec![primary.ok_or(RouteError::NoDefault)?];
        for fallback in fallbacks {
            if !models.contains(fallback) {
                models.push(fallback.clone());
            }
        }
        Ok(models)
    }

    fn find_model(&self, text: &str) -> Result<Vec<Route>, RouteError> {
        let custom: Vec<&str> = self
            .providers
            .iter()
            .filter(|entry| entry.is_configured)
            .map(|entry| entry.id.as_str())
            .collect();
        let aliases: Vec<(&str, &str)> = self
            .aliases
            .iter()
            .map(|(alias, to)| (alias.as_str(), to.as_str()))
            .collect();
        match self.catalog.resolve_ref(text, &custom, &aliases) {
            ResolvedRef::One { model, .. } => self.routes_on(&model.provider, &model.model),
            ResolvedRef::Several(models) => {
                let mut errors = Vec::new();
                for model in models {
                    match self.routes_on(&model.provider, &model.model) {
                        Ok(routes) => return Ok(routes),
                        Err(error) => errors.push(error),
                    }
                }
                Err(errors
                    .into_iter()
                    .next()
                    .unwrap_or_else(|| self.unknown(text)))
            }
            ResolvedRef::NoSuchModel { .. } | ResolvedRef::NoSuchProvider { .. } => {
                self.bare_configured(text)
            }
        }
    }

    /// A bare id that only the config knows belongs to the configured provider that lists it.
    fn bare_configured(&self, text: &str) -> Result<Vec<Route>, RouteError> {
        let owner = self
            .providers
            .iter()
            .find(|entry| entry.models.iter().any(|model| model.id == text));
        match owner {
            Some(entry) => self.routes_on(&entry.id, text),
            None => Err(self.unknown(text)),
        }
    }

    /// Returns the routes to a model of a provider, one per credential.
    fn routes_on(&self, provider: &str, model: &str) -> Result<Vec<Route>, RouteError> {
        let entry = self
            .providers
            .iter()
            .find(|entry| entry.id == provider)
            .ok_or_else(|| self.unknown(provider))?;
        let renewable = || entry.targets.iter().any(Target::is_renewed);
        if let Some(problem) = entry
            .problem
            .as_ref()
            .filter(|problem| problem.is_final() || !renewable())
        {
            return Err(problem.clone());
        }
        let listed = entry.models.iter().find(|row| row.id == model);
        let declines_usage = listed.is_some_and(|row| row.asks_usage == Some(false));
        let routes = entry
            .targets
            .iter()
            .filter_map(|target| target.route(model).ok());
        let rules = self
            .rules
            .rules(&self.catalog, &entry.rules, provider, model);
        let routes: Vec<Route> = routes
            .map(|route| {
                let route = route.with_rules(&self.catalog, Arc::clone(&rules));
                if declines_usage {
                    route.without_usage()
                } else {
                    route
                }
            })
            .collect();
        if routes.is_empty() {
            Err(self.unknown(model))
        } else {
            Ok(routes)
        }
    }

    fn unknown(&self, text: &str) -> RouteError {
        RouteError::UnknownModel {
            text: shown(text),
            nearest: self.nearest(text),
        }
    }

    /// Returns the usable names nearest to `text`; when nothing is usable, the nearest of the catalog.
    pub fn nearest(&self, text: &str) -> Vec<String> {
        let by_reference = text.contains('/');
        // A bare id is compared with bare ids, or every prefix would count as a difference.
        let compared = |model: &ListedModel| {
            if by_reference {
                model.reference.clone()
            } else {
                model.id.clone()
            }
        };
        let mut names: Vec<(String, String)> = self
            .usable_models()
            .map(|model| (compared(model), model.reference.clone()))
            .collect();
        if names.is_empty() {
            return self.catalog.nearest_models(text, SUGGESTIONS_MAX);
        }
        names.extend(
            self.aliases
                .iter()
                .map(|(alias, _)| (alias.clone(), alias.clone())),
        );
        let nearest = catalog::nearest(
            text,
            names.iter().map(|(name, _)| name.as_str()),
            SUGGESTIONS_MAX,
        );
        let shown = |name: &str| {
            names
                .iter()
                .find(|(compared, _)| compared == name)
                .map(|(_, shown)| shown.clone())
        };
        nearest.into_iter().filter_map(shown).collect()
    }

    /// Returns the default model as configured.
    pub fn default_model(&self) -> Option<&str> {
        self.default_model.as_deref()
    }

    /// Returns the agents of the roster.
    pub fn agent_ids(&self) -> impl Iterator<Item = &str> {
        self.agents.iter().map(|(id, _)| id.as_str())
    }

    /// Says whether any provider is called with a login that has to be renewed.
    pub fn has_renewed_logins(&self) -> bool {
        self.providers
            .iter()
            .flat_map(|entry| &entry.targets)
            .any(Target::is_renewed)
    }

    /// Returns the names under which agents can be asked.
    pub fn agent_models(&self) -> impl Iterator<Item = String> {
        let default = [AGENT.to_owned(), format!("{AGENT}/default")];
        let main =
            (!self.agents.iter().any(|(id, _)| id == "main")).then(|| format!("{AGENT}/main"));
        default
            .into_iter()
            .chain(main)
            .chain(self.agents.iter().map(|(id, _)| format!("{AGENT}/{id}")))
    }
}

fn shown(text: &str) -> String {
    text.chars().take(SHOWN_CHARS_MAX).collect()
}

/// Returns the agent that a model name means; empty for the default agent.
fn agent_name(text: &str) -> Option<&str> {
    let rest = text.strip_prefix(AGENT)?;
    if rest.is_empty() {
        Some("")
    } else {
        rest.strip_prefix('/')
    }
}

/// Returns the credentials that may be tried one after the other: the stored profiles, which the operator put in order;
/// without any, the first other source. Going on from a profile to a variable could move a request to another account.
fn logins(resolution: &Resolution) -> Vec<&Candidate> {
    let can_be_used = |candidate: &&Candidate| candidate.secret.is_ok() || is_renewable(candidate);
    let is_profile =
        |candidate: &&Candidate| matches!(candidate.provenance, Provenance::Profile { .. });
    let usable = || resolution.candidates.iter().filter(can_be_used);
    let profiles: Vec<_> = usable().filter(is_profile).collect();
    if profiles.is_empty() {
        usable().take(1).collect()
    } else {
        profiles
    }
}

/// Says whether an access token for the candidate can be had although the stored one has expired.
fn is_renewable(candidate: &Candidate) -> bool {
    candidate.kind == Kind::OAuth && matches!(candidate.secret, Err(Unusable::Expired { .. }))
}

/// Returns `target` with the credential of `candidate`.
fn with_login(catalog: &Catalog, target: &Target, candidate: &Candidate, turn: Turn) -> Target {
    let profile = match &candidate.provenance {
        Provenance::Profile { id, agent, .. } => Some(StoredProfile {
            agent: agent.clone(),
            id: id.clone(),
        }),
        _ => None,
    };
    let target = target.clone().with_profile(profile.clone(), turn);
    match (profile, &candidate.secret) {
        (Some(login), _) if candidate.kind == Kind::OAuth => {
            target.with_renewed(&candidate.label, login)
        }
        (_, Ok(secret)) => target.with_secret(catalog, &candidate.label, secret),
        (_, Err(_)) => target,
    }
}

/// Returns how the credential at `place` takes turns with the others.
fn turn(resolution: &Resolution, place: usize, kind: Kind) -> Turn {
    let rank = if resolution.is_ordered {
        return Turn::Ordered(u16::try_from(place).unwrap_or(u16::MAX));
    } else {
        match kind {
            Kind::OAuth => 0,
            Kind::Token => 1,
            Kind::ApiKey => 2,
        }
    };
    Turn::Ranked(rank)
}

/// Says whether the config has the service of `id` under one of its aliases and not under `id` itself.
fn is_twin(catalog: &Catalog, settings: &Settings, id: &ProviderId) -> bool {
    let Some(known) = catalog
        .provider(id.as_str())
        .filter(|known| known.id == id.as_str())
    else {
        return false;
    };
    let is_same = |provider: &ProviderSettings| {
        let url = provider.base_url.as_deref().unwrap_or_default();
        let host = catalog.endpoint_for_url(url);
        known.answers_to(provider.id.as_str())
            && host.is_some_and(|host| host.endpoint.provider == known.id)
    };
    settings.models.provider(id).is_none() && settings.models.providers.iter().any(is_same)
}

/// Where the secrets of one provider come from.
struct Sources<'a> {
    resolution: Resolution,
    references: References<'a>,
    now_ms: u64,
}

fn entry(
    catalog: &Arc<Catalog>,
    settings: &Settings,
    id: &ProviderId,
    sources: &Sources<'_>,
) -> Entry {
    let resolution = &sources.resolution;
    let configured = settings.models.provider(id);
    let known = catalog.provider(id.as_str());
    let logins = logins(resolution);
    let usable = resolution.usable().next();
    let base_url = base_url(catalog, configured, known, usable.map(|(_, secret)| secret))
        .or_else(|| assumed_url(catalog, known.filter(|_| resolution.has_unread())));
    let target = base_url.and_then(|url| Target::new(catalog, id.as_str(), &url).ok());
    let plan = target.as_ref().and_then(|target| target.plan);
    let disabled = configured.and_then(|provider| provider.disabled.as_ref());
    let names_url = configured.is_some_and(|provider| provider.base_url.is_some());
    let problem = match (disabled, &target, usable) {
        (Some(problem), _, _) => Some(RouteError::Disabled {
            provider: id.to_string(),
            problem: problem.message.clone(),
        }),
        // The key decides which of the vendor's hosts is meant; without one there is no host to speak of.
        (None, None, None) if known.is_some() && !names_url => Some(RouteError::NoCredential {
            provider: id.to_string(),
            reasons: resolution.reasons(),
        }),
        (None, None, _) => Some(RouteError::Disabled {
            provider: id.to_string(),
            problem: "it has no usable `baseUrl`".into(),
        }),
        (None, Some(_), Some(_)) => None,
        // What a program gives is asked for before a call, not to list things.
        (None, Some(_), None) if resolution.has_unread() => None,
        // A server of one's own may need no key; the vendor's hosts always do.
        (None, Some(target), None)
            if target.plan.is_none() && known.is_none() && resolution.candidates.is_empty() =>
        {
            None
        }
        (None, Some(_), None) => Some(RouteError::NoCredential {
            provider: id.to_string(),
            reasons: resolution.reasons(),
        }),
    };
    let target = target.map(|target| match configured {
        Some(provider) => with_settings(target, provider, sources),
        None => target,
    });
    let rules = ProviderRules::new(catalog, target.as_ref(), known, configured);
    let targets = target.map(|target| match logins.as_slice() {
        [] => vec![target],
        logins => logins
            .iter()
            .enumerate()
            .map(|(place, login)| {
                let turn = turn(resolution, place, login.kind);
                with_login(catalog, &target, login, turn)
            })
            .collect(),
    });
    let targets = targets.unwrap_or_default();
    let models = listing::models(catalog, settings.models.mode, configured, known, plan);
    Entry {
        id: id.to_string(),
        targets,
        problem,
        models,
        is_configured: configured.is_some(),
        is_twin: is_twin(catalog, settings, id),
        rules,
    }
}

/// Decides the base URL: the config's, else the one the key's family points to, else the catalog's assumption.
fn base_url(
    catalog: &Catalog,
    configured: Option<&ProviderSettings>,
    known: Option<&Provider>,
    secret: Option<&Secret>,
) -> Option<String> {
    if let Some(url) = configured.and_then(|provider| provider.base_url.clone()) {
        return Some(url);
    }
    let known = known?;
    let assumed = catalog.endpoint(&known.assumed_endpoint)?;
    let head: String = secret?
        .expose()
        .chars()
        .take(catalog::KEY_PREFIX_BYTES_MAX)
        .collect();
    let family = catalog.key_family(&head);
    let fits = |endpoint: &&catalog::Endpoint| {
        endpoint.provider == known.id && !endpoint.is_workspace_pattern() && endpoint.admits(family)
    };
    let same_region = |endpoint: &&catalog::Endpoint| endpoint.region == assumed.region;
    let chosen = if assumed.admits(family) {
        Some(assumed)
    } else {
        catalog
            .endpoints()
            .iter()
            .filter(fits)
            .find(same_region)
            .or_else(|| catalog.endpoints().iter().find(fits))
    };
    chosen.map(|endpoint| endpoint.base_url.clone())
}

/// Returns the host of a provider whose key is not known yet.
fn assumed_url(catalog: &Catalog, known: Option<&Provider>) -> Option<String> {
    let endpoint = catalog.endpoint(&known?.assumed_endpoint)?;
    Some(endpoint.base_url.clone())
}

fn with_settings(mut target: Target, provider: &ProviderSettings, sources: &Sources<'_>) -> Target {
    if let Some(seconds) = provider.timeout_seconds {
        target.timeout = Duration::from_secs(seconds);
    }
    for (name, value) in &provider.headers {
        let value = sources.references.resolve(value, sources.now_ms);
        // A header whose secret cannot be had is left out; the service says what it misses.
        let Ok(value) = value else { continue };
        if let (Ok(name), Ok(mut value)) = (
            http::HeaderName::try_from(name),
            http::HeaderValue::try_from(value.expose()),
        ) {
            value.set_sensitive(true);
            target.extra_headers.insert(name, value);
        }
    }
    target
}

#[cfg(test)]
mod tests;
