//! Where the rules of a route come from: the catalog, and what this home's config says about a model.

use std::sync::Arc;

use catalog::{Catalog, EndpointFamily, Plan, Provider};
use config::{AgentDefaults, ModelRow, ProviderSettings};
use serde_json::Value;

use super::Target;
use crate::chat_rules::{ChatRules, RuleFacts};

/// What the config says about models of one provider.
pub(super) struct ProviderRules {
    family: EndpointFamily,
    plan: Option<Plan>,
    params: Option<Value>,
    rows: Vec<ModelRow>,
}

/// What the config says about models of all providers.
#[derive(Default)]
pub(super) struct RuleBook {
    thinking_default: Option<String>,
    /// Model references as written, with their parameters.
    params: Vec<(String, Value)>,
}

impl ProviderRules {
    /// Notes what is known of a provider whose host is `target`.
    pub(super) fn new(
        catalog: &Catalog,
        target: Option<&Target>,
        known: Option<&Provider>,
        configured: Option<&ProviderSettings>,
    ) -> Self {
        let of_host = target.map(|target| (target.family, target.plan));
        // Somebody's proxy under the service's own name speaks what the service speaks.
        let assumed = known.and_then(|known| catalog.endpoint(&known.assumed_endpoint));
        let of_name = assumed.map(|endpoint| (endpoint.family, Some(endpoint.plan)));
        let of_host = of_host.filter(|(family, _)| *family != EndpointFamily::OpenaiCustom);
        let (family, plan) = of_host
            .or(of_name)
            .unwrap_or((EndpointFamily::OpenaiCustom, None));
        Self {
            family,
            plan,
            params: configured.and_then(|provider| provider.params.clone()),
            rows: configured.map_or_else(Vec::new, |provider| provider.models.clone()),
        }
    }
}

impl RuleBook {
    pub(super) fn new(defaults: &AgentDefaults) -> Self {
        let params = |row: &config::AgentModel| Some((row.reference.clone(), row.params.clone()?));
        Self {
            thinking_default: defaults.thinking_default.clone(),
            params: defaults.models.iter().filter_map(params).collect(),
        }
    }

    /// Returns the rules for a model of a provider.
    pub(super) fn rules(
        &self,
        catalog: &Catalog,
        own: &ProviderRules,
        provider: &str,
        model: &str,
    ) -> Arc<ChatRules> {
        let row = own.rows.iter().find(|row| row.id.as_str() == model);
        let names_it = |reference: &str| match reference.split_once('/') {
            Some((named, id)) => id == model && is_same(catalog, named, provider),
            None => reference == model,
        };
        let of_agents = self.params.iter().filter(|(name, _)| names_it(name));
        let mut params: Vec<&Value> = own.params.iter().collect();
        params.extend(row.and_then(|row| row.params.as_ref()));
        params.extend(of_agents.map(|(_, params)| params));
        Arc::new(ChatRules::new(
            catalog,
            &RuleFacts {
                family: own.family,
                plan: own.plan,
                provider,
                model,
                row,
                params: &params,
                thinking_default: self.thinking_default.as_deref(),
            },
        ))
    }
}

/// Whether two provider names mean the same provider.
fn is_same(catalog: &Catalog, one: &str, other: &str) -> bool {
    let id = |name: &str| catalog.provider(name).map(|provider| provider.id.clone());
    one == other || id(one).is_some_and(|one| id(other) == Some(one))
}
