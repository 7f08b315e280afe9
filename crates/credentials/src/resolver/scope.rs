//! Which provider ids mean the same provider, so that a credential never goes to somebody else's host.
//!
//! `modelstudio` is an older name of `qwen`: a profile under either name is a credential of the same service. But a
//! config may define a provider of its own under such a name, with its own host or key. Then the name belongs to that
//! definition: nothing stored for `qwen` is sent there, and its key is used for nothing else.

use catalog::{Catalog, Plan, Provider};
use config::{Environment, ProviderId, ProviderSettings, SecretInput, Settings};

use crate::key_lint::placeholder_reason;

/// The wire format of every provider of the catalog.
const USUAL_API: &str = "openai-completions";

/// The ids whose credentials may be used for one provider.
pub(super) struct Scope<'a> {
    /// What the catalog knows about the provider; `None` for a provider that only the config defines.
    pub(super) known: Option<&'a Provider>,
    /// The accepted ids, the most fitting first; never empty.
    pub(super) accepted: Vec<ProviderId>,
}

impl<'a> Scope<'a> {
    /// Decides for the provider called `requested`, which may be an alias.
    pub(super) fn of(
        requested: &ProviderId,
        settings: &Settings,
        environment: &Environment,
        catalog: &'a Catalog,
    ) -> Self {
        let Some(known) = catalog.provider(requested.as_str()) else {
            return Self {
                known: None,
                accepted: vec![requested.clone()],
            };
        };
        let definitions = Definitions {
            known,
            settings,
            environment,
            catalog,
        };
        if definitions.is_own(requested) {
            return Self {
                known: None,
                accepted: vec![requested.clone()],
            };
        }
        let canonical = ProviderId::new(&known.id).unwrap_or_else(|_| requested.clone());
        let first = if definitions.block(requested).is_some() {
            requested.clone()
        } else {
            canonical
        };
        let mut accepted = vec![first.clone()];
        if definitions
            .block(&first)
            .is_some_and(|block| definitions.has_foreign_host(block))
        {
            return Self {
                known: Some(known),
                accepted,
            };
        }
        let names = std::iter::once(&known.id).chain(&known.aliases);
        for id in names.filter_map(|name| ProviderId::new(name).ok()) {
            if !accepted.contains(&id) && !definitions.is_own(&id) {
                accepted.push(id);
            }
        }
        Self {
            known: Some(known),
            accepted,
        }
    }

    /// Tells whether credentials of this provider id may be used.
    pub(super) fn accepts(&self, provider: &ProviderId) -> bool {
        self.accepted.contains(provider)
    }

    /// Returns the variables that may hold a credential, in their order; a provider of the config has none.
    pub(super) fn variables(&self) -> impl Iterator<Item = &'a str> {
        self.known.into_iter().flat_map(Provider::all_env_vars)
    }

    /// Tells whether the provider is the portal, which takes portal tokens only.
    pub(super) fn is_portal(&self) -> bool {
        self.known
            .is_some_and(|known| known.plans.contains(&Plan::Portal))
    }

    /// Tells whether the provider is `DashScope` in one of its plans, which never takes a portal token.
    pub(super) fn is_dashscope(&self) -> bool {
        self.known
            .is_some_and(|known| !known.plans.contains(&Plan::Portal))
    }

    /// Tells whether the id means the same provider in the catalog, accepted or not.
    pub(super) fn is_related(&self, provider: &ProviderId) -> bool {
        self.accepts(provider)
            || self
                .known
                .is_some_and(|known| known.answers_to(provider.as_str()))
    }
}

/// What the config says about the ids of one known provider.
struct Definitions<'a> {
    known: &'a Provider,
    settings: &'a Settings,
    environment: &'a Environment,
    catalog: &'a Catalog,
}

impl Definitions<'_> {
    fn block(&self, id: &ProviderId) -> Option<&ProviderSettings> {
        self.settings.models.provider(id)
    }

    /// Tells whether the config makes the alias a provider of its own: by a key, a wire format or a host.
    fn is_own(&self, id: &ProviderId) -> bool {
        let Some(block) = self.block(id).filter(|_| id.as_str() != self.known.id) else {
            return false;
        };
        block.api_key.as_ref().is_some_and(is_key)
            || block.api.as_deref().is_some_and(|api| api != USUAL_API)
            || self.has_foreign_host(block)
    }

    /// Tells whether the block has a base URL that is not a host of the known provider.
    fn has_foreign_host(&self, block: &ProviderSettings) -> bool {
        block.base_url.as_deref().is_some_and(|url| {
            let url = config::substitute(url, self.environment).unwrap_or_default();
            let found = self.catalog.endpoint_for_url(&url);
            found.is_none_or(|found| found.endpoint.provider != self.known.id)
        })
    }
}

/// Tells whether a configured key is more than a placeholder.
fn is_key(input: &SecretInput) -> bool {
    match input {
        SecretInput::Plain(text) => {
            !text.expose().trim().is_empty() && placeholder_reason(text.expose()).is_none()
        }
        SecretInput::Ref(_) | SecretInput::EnvTemplate(_) => true,
    }
}
