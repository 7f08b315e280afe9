//! Model references as people write them: `provider/model`, a bare model id, or an alias.

use std::fmt;

use crate::Catalog;
use crate::provider::{Provider, Standing};

/// How many close names an unknown one is answered with.
const SUGGESTIONS_MAX: usize = 3;

/// A provider id and a model id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModelRef {
    /// Canonical id of a shipped provider, or a custom id exactly as the config has it.
    pub provider: String,
    /// Model id; known ones in the service's spelling, others as written.
    pub model: String,
}

impl fmt::Display for ModelRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.provider, self.model)
    }
}

/// What a provider id means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResolvedProvider<'a> {
    /// A provider that the config defines by itself; shipped data says nothing about it.
    Custom(String),
    /// A shipped provider.
    Shipped {
        /// The provider.
        provider: &'a Provider,
        /// Whether it was named by an alias.
        by_alias: bool,
    },
}

impl ResolvedProvider<'_> {
    /// Returns the id under which credentials and configuration are kept.
    pub fn id(&self) -> &str {
        match self {
            Self::Custom(id) => id,
            Self::Shipped { provider, .. } => &provider.id,
        }
    }
}

/// What a model reference means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResolvedRef {
    /// Exactly one model.
    One {
        /// The model.
        model: ModelRef,
        /// Whether shipped data has a row for it; an unknown id is passed to the service as it is.
        is_known: bool,
    },
    /// A bare id that several providers have; the caller picks the one that is set up.
    Several(Vec<ModelRef>),
    /// A bare id, or a provider without a model, that nothing fits.
    NoSuchModel {
        /// Close names.
        nearest: Vec<String>,
    },
    /// A reference whose provider does not exist.
    NoSuchProvider {
        /// What was written before the slash.
        provider: String,
        /// Close provider ids.
        nearest: Vec<String>,
    },
}

impl Catalog {
    /// Says what a provider id means; `is_custom` tells whether the config defines exactly this id.
    ///
    /// A shipped canonical id stays shipped even when the config sets fields of it. An id that the config defines
    /// beats an alias with the same spelling, so that its URL never receives another provider's key.
    pub fn resolve_provider(
        &self,
        text: &str,
        is_custom: impl Fn(&str) -> bool,
    ) -> Option<ResolvedProvider<'_>> {
        let text = text.trim();
        let canonical = self.providers().iter().find(|provider| provider.id == text);
        if let Some(provider) = canonical {
            return Some(ResolvedProvider::Shipped {
                provider,
                by_alias: false,
            });
        }
        if is_custom(text) {
            return Some(ResolvedProvider::Custom(text.to_owned()));
        }
        let provider = self.provider(text)?;
        let by_alias = !provider.id.eq_ignore_ascii_case(text);
        Some(ResolvedProvider::Shipped { provider, by_alias })
    }

    /// Says what a model reference means.
    ///
    /// Asked in this order: an alias of the user's (`aliases` holds alias and target), the longest custom provider id
    /// followed by a slash, a shipped provider followed by a slash, a bare model id. A bare id never leads to a
    /// provider that does not have it.
    pub fn resolve_ref(
        &self,
        text: &str,
        custom_provider_ids: &[&str],
        aliases: &[(&str, &str)],
    ) -> ResolvedRef {
        let text = text.trim();
        let target = aliases
            .iter()
            .find(|(alias, _)| *alias == text)
            .or_else(|| {
                aliases
                    .iter()
                    .find(|(alias, _)| alias.eq_ignore_ascii_case(text))
            })
            .map_or(text, |(_, target)| target.trim());
        let bare = self.bare_id(target);
        let Some((provider, model)) = split_ref(target, custom_provider_ids) else {
            return bare.unwrap_or_else(|| ResolvedRef::NoSuchModel {
                nearest: self.nearest_models(target, SUGGESTIONS_MAX),
            });
        };
        let is_custom = |id: &str| custom_provider_ids.contains(&id);
        match self.resolve_provider(provider, is_custom) {
            Some(resolved) => self.model_of(&resolved, model),
            // Some of the service's own ids hold a slash.
            None => bare.unwrap_or_else(|| ResolvedRef::NoSuchProvider {
                provider: provider.to_owned(),
                nearest: self.nearest_providers(provider, custom_provider_ids),
            }),
        }
    }

    /// Returns the providers that have a model of this id, in catalog order; never one that only sounds like it.
    pub fn providers_with_model(&self, id: &str) -> Vec<&Provider> {
        self.providers()
            .iter()
            .filter(|provider| provider.status != Standing::Later)
            .filter(|provider| {
                self.model(&provider.id, id, None)
                    .is_some_and(|row| row.availability != crate::Availability::No)
            })
            .collect()
    }

    fn bare_id(&self, id: &str) -> Option<ResolvedRef> {
        let mut models: Vec<ModelRef> = self
            .providers_with_model(id)
            .into_iter()
            .filter_map(|provider| self.model(&provider.id, id, None))
            .map(|row| ModelRef {
                provider: row.provider.id.clone(),
                model: row.id().to_owned(),
            })
            .collect();
        match models.len() {
            0 => None,
            1 => models.pop().map(|model| ResolvedRef::One {
                model,
                is_known: true,
            }),
            _ => Some(ResolvedRef::Several(models)),
        }
    }

    fn model_of(&self, provider: &ResolvedProvider<'_>, model: &str) -> ResolvedRef {
        let model = model.trim();
        if model.is_empty() {
            let prefix = format!("{}/", provider.id());
            return ResolvedRef::NoSuchModel {
                nearest: self.nearest_models(&prefix, SUGGESTIONS_MAX),
            };
        }
        let known = match provider {
            ResolvedProvider::Custom(_) => None,
            ResolvedProvider::Shipped { provider, .. } => self.model(&provider.id, model, None),
        };
        ResolvedRef::One {
            model: ModelRef {
                provider: provider.id().to_owned(),
                model: known.map_or(model, |row| row.id()).to_owned(),
            },
            is_known: known.is_some(),
        }
    }

    fn nearest_providers(&self, text: &str, custom: &[&str]) -> Vec<String> {
        let shipped = self.providers().iter().map(|provider| provider.id.as_str());
        crate::nearest(text, custom.iter().copied().chain(shipped), SUGGESTIONS_MAX)
            .into_iter()
            .map(str::to_owned)
            .collect()
    }
}

/// Splits at the longest custom provider id, else at the first slash.
fn split_ref<'a>(text: &'a str, custom: &[&str]) -> Option<(&'a str, &'a str)> {
    custom
        .iter()
        .filter_map(|id| {
            let model = text.strip_prefix(id)?.strip_prefix('/')?;
            Some((text.get(..id.len())?, model))
        })
        .max_by_key(|(id, _)| id.len())
        .or_else(|| text.split_once('/'))
}
