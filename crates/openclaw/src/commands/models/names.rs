//! What a model or provider name means in this home: config, catalog and credentials asked together.

use std::collections::HashMap;
use std::sync::Arc;

use catalog::{Catalog, ModelKind, ResolvedRef};
use config::{ModelRow, ProviderId, ProviderSettings, Settings};
use credentials::Programs;
use providers::Directory;
use providers::directory::ListedModel;

use crate::context::{Context, ReadConfig};
use crate::failed::Failed;

/// The names of one home.
pub(super) struct Names<'a> {
    context: &'a Context,
    config: &'a ReadConfig,
    programs: Programs,
    pub(super) settings: &'a Settings,
    pub(super) catalog: Arc<Catalog>,
    pub(super) directory: Directory,
    providers: HashMap<String, Reach>,
}

/// How a provider of this home can be reached.
#[derive(Debug, Clone)]
pub(super) struct Reach {
    /// Why its models cannot be called.
    problem: Option<String>,
    /// Whether it is known where it is; without a config, only a key tells.
    has_host: bool,
    /// Whether its host is this machine.
    pub(super) is_local: bool,
}

/// A model that a name leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) provider: String,
    pub(super) model: String,
}

impl Named {
    /// Returns `provider/model`.
    pub(super) fn key(&self) -> String {
        format!("{}/{}", self.provider, self.model)
    }
}

impl<'a> Names<'a> {
    /// Reads catalog and credentials. No program is started for that: a name has the same meaning without its key.
    pub(super) fn of(context: &'a Context, config: &'a ReadConfig) -> Result<Self, Failed> {
        Self::read(context, config, Programs::Leave)
    }

    /// The same for commands that show the credentials themselves: those that programs give are asked for.
    pub(super) fn with_credentials(
        context: &'a Context,
        config: &'a ReadConfig,
    ) -> Result<Self, Failed> {
        Self::read(context, config, Programs::Run)
    }

    fn read(
        context: &'a Context,
        config: &'a ReadConfig,
        programs: Programs,
    ) -> Result<Self, Failed> {
        let directory = context.directory_with(config, programs)?;
        let providers = directory
            .providers()
            .map(|view| {
                let reach = Reach {
                    has_host: view.base_url.is_some(),
                    problem: view.problem.clone(),
                    is_local: view.base_url.is_some_and(is_loopback),
                };
                (view.id.to_owned(), reach)
            })
            .collect();
        Ok(Self {
            context,
            config,
            programs,
            settings: &config.settings,
            catalog: context.catalog()?,
            directory,
            providers,
        })
    }

    /// Returns how a provider is reached; none when this home has no such provider.
    pub(super) fn reach(&self, provider: &str) -> Option<&Reach> {
        self.providers.get(provider)
    }

    /// Says whether the models of a provider can be called.
    pub(super) fn is_usable(&self, provider: &str) -> bool {
        self.reach(provider)
            .is_some_and(|reach| reach.problem.is_none())
    }

    /// Returns why the models of a provider cannot be called.
    pub(super) fn problem(&self, provider: &str) -> Option<String> {
        let Some(reach) = self.reach(provider) else {
            return Some(format!("there is no provider `{provider}`"));
        };
        let problem = reach.problem.clone()?;
        if reach.has_host || self.block(provider).is_some() {
            return Some(problem);
        }
        // Without a host in the config it is the key that is missing, not the host.
        let id = ProviderId::new(provider).ok()?;
        let resolver = self.context.resolver(self.config, &self.catalog);
        let resolver = resolver.with_programs(self.programs);
        let found = resolver.candidates(&id, crate::context::now_ms());
        Some(found.describe_none())
    }

    /// Returns what a reference of the config leads to; none when it leads nowhere.
    pub(super) fn look_up(&self, text: &str) -> Option<Named> {
        match self.resolve(text) {
            ResolvedRef::One { model, .. } => Some(Named {
                provider: model.provider,
                model: model.model,
            }),
            ResolvedRef::Several(_) | ResolvedRef::NoSuchModel { .. } => {
                let candidates = self.with_id(text.trim());
                let usable = candidates
                    .iter()
                    .find(|named| self.is_usable(&named.provider));
                usable.or(candidates.first()).cloned()
            }
            ResolvedRef::NoSuchProvider { .. } => None,
        }
    }

    /// Asks the catalog, with the providers and aliases of this home.
    pub(super) fn resolve(&self, text: &str) -> ResolvedRef {
        let custom: Vec<&str> = self
            .settings
            .models
            .providers
            .iter()
            .map(|provider| provider.id.as_str())
            .collect();
        self.catalog.resolve_ref(text, &custom, &self.aliases())
    }

    /// Returns aliases and what they stand for, in config order.
    pub(super) fn aliases(&self) -> Vec<(&'a str, &'a str)> {
        let rows = self.settings.agents.defaults.models.iter();
        rows.filter_map(|row| Some((row.alias.as_deref()?, row.reference.as_str())))
            .collect()
    }

    /// Returns every model with this bare id, those of the config first; never one that only sounds like it.
    pub(super) fn with_id(&self, id: &str) -> Vec<Named> {
        let listed = self.directory.all_models().map(|(model, _)| Named {
            provider: model.provider.clone(),
            model: model.id.clone(),
        });
        let shipped = self
            .catalog
            .providers_with_model(id)
            .into_iter()
            .filter_map(|provider| self.catalog.model(&provider.id, id, None))
            .map(|row| Named {
                provider: row.provider.id.clone(),
                model: row.id().to_owned(),
            });
        let mut found: Vec<Named> = Vec::new();
        for named in listed
            .filter(|named| named.model.eq_ignore_ascii_case(id))
            .chain(shipped)
        {
            if !self.is_stand_in(&named.provider) && !found.contains(&named) {
                found.push(named);
            }
        }
        found
    }

    /// Says whether a shipped id only stands in for a provider that the config has under an alias.
    ///
    /// The config of the older release names `modelstudio`; listing the same models once more as `qwen` is noise.
    pub(super) fn is_stand_in(&self, provider: &str) -> bool {
        self.block(provider).is_none() && !self.blocks_of_service(provider).is_empty()
    }

    /// Returns the config's providers, under whatever name, that are the service of a shipped provider.
    pub(super) fn blocks_of_service(&self, provider: &str) -> Vec<&'a ProviderSettings> {
        self.settings
            .models
            .providers
            .iter()
            .filter(|block| self.service(block.id.as_str()) == Some(provider))
            .collect()
    }

    /// Returns the shipped provider that a provider id of this home is, unless the config makes it something else.
    pub(super) fn service(&self, provider: &str) -> Option<&str> {
        let known = self.catalog.provider(provider)?;
        let elsewhere = self
            .block(provider)
            .and_then(|block| block.base_url.as_deref())
            .is_some_and(|url| {
                let found = self.catalog.endpoint_for_url(url);
                found.is_none_or(|found| found.endpoint.provider != known.id)
            });
        (!elsewhere || provider == known.id).then_some(known.id.as_str())
    }

    /// Says whether two provider ids are the same one, or two names of one service.
    pub(super) fn is_same_service(&self, one: &ProviderId, other: &ProviderId) -> bool {
        one == other
            || self
                .catalog
                .provider(one.as_str())
                .is_some_and(|known| known.answers_to(other.as_str()))
    }

    /// Returns the config's part about a provider.
    pub(super) fn block(&self, provider: &str) -> Option<&'a ProviderSettings> {
        self.settings
            .models
            .providers
            .iter()
            .find(|block| block.id.as_str() == provider)
    }

    /// Returns the row that the directory lists for a model, of chat models only.
    pub(super) fn listed(&self, named: &Named) -> Option<&ListedModel> {
        let mut rows = self.directory.all_models().map(|(model, _)| model);
        rows.find(|model| model.provider == named.provider && model.id == named.model)
    }

    /// Returns the config's row of a model.
    pub(super) fn configured_row(&self, named: &Named) -> Option<&'a ModelRow> {
        let mut rows = self.block(&named.provider)?.models.iter();
        rows.find(|row| row.id.as_str() == named.model)
    }

    /// Returns the catalog's row of a model.
    pub(super) fn shipped_row(&self, named: &Named) -> Option<catalog::ModelRow<'_>> {
        self.catalog
            .model(self.service(&named.provider)?, &named.model, None)
    }

    /// Says whether config or catalog describe the model.
    pub(super) fn is_known(&self, named: &Named) -> bool {
        self.configured_row(named).is_some() || self.shipped_row(named).is_some()
    }

    /// Returns what a model is for.
    pub(super) fn kind(&self, named: &Named) -> ModelKind {
        self.catalog.model_kind(&named.model)
    }

    /// Returns the id of every provider of this home, those of the config first.
    pub(super) fn provider_ids(&self) -> Vec<&str> {
        self.directory.providers().map(|view| view.id).collect()
    }
}

/// Says whether a kind of model can take part in a chat, alone or with images and sound.
pub(super) fn can_chat(kind: ModelKind) -> bool {
    matches!(kind, ModelKind::Chat | ModelKind::Vision | ModelKind::Omni)
}

fn is_loopback(url: &str) -> bool {
    let after_scheme = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = after_scheme
        .split(['/', '?', '#'])
        .next()
        .unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    let host = match host.rsplit_once(':') {
        Some((name, _)) if !host.ends_with(']') => name,
        _ => host,
    };
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || address
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::is_loopback;

    #[test]
    fn knows_this_machine() {
        for url in [
            "http://127.0.0.1:8080/v1",
            "http://localhost/v1",
            "http://[::1]:1/",
            "http://u@LOCALHOST:1",
        ] {
            assert!(is_loopback(url), "{url}");
        }
        for url in [
            "https://dashscope.aliyuncs.com/v1",
            "http://127.0.0.1.example/",
            "",
            "http://10.0.0.1/",
        ] {
            assert!(!is_loopback(url), "{url}");
        }
    }
}
