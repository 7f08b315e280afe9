//! What is listed: the models of each provider, and what `status` shows of it.

use catalog::{Catalog, InputKind, ModelKind, Plan, Provider};
use config::{ModelRow, ModelsMode, ProviderSettings};
use serde::Serialize;

use super::{Directory, Entry, Route};

/// One model of one provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ListedModel {
    /// `provider/model`.
    pub reference: String,
    /// Provider id.
    pub provider: String,
    /// Model id as the host knows it.
    pub id: String,
    /// Name for people.
    pub name: String,
    /// What it takes: text, image, video, audio.
    pub input: Vec<String>,
    /// Context window in tokens, when known.
    pub context_window: Option<u64>,
    /// Longest answer in tokens, when known.
    pub max_output_tokens: Option<u64>,
    /// Whether it can reason before it answers.
    pub reasoning: bool,
    /// Whether the config or the catalog says it takes part in chats.
    pub chats: bool,
    /// Whether the config lists it.
    pub configured: bool,
    /// Why it is not offered, although it can be named: what the host says of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub withheld: Option<String>,
    #[serde(skip)]
    pub(super) asks_usage: Option<bool>,
    /// Whether somebody said what it takes; if not, `input` is a guess.
    #[serde(skip)]
    pub(super) says_input: bool,
}

/// One provider as `status` shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProviderView<'a> {
    /// Provider id.
    pub id: &'a str,
    /// Base URL in use.
    pub base_url: Option<&'a str>,
    /// Plan of the host.
    pub plan: Option<String>,
    /// Region of the host.
    pub region: Option<String>,
    /// Name and fingerprint of the credential.
    pub credential: Option<&'a str>,
    /// Whether its models can be called.
    pub usable: bool,
    /// Why not.
    pub problem: Option<String>,
}

impl Directory {
    /// Returns every provider of this home.
    pub fn providers(&self) -> impl Iterator<Item = ProviderView<'_>> {
        self.providers.iter().map(view)
    }

    /// Returns the providers whose models can be called.
    pub fn usable_providers(&self) -> impl Iterator<Item = ProviderView<'_>> {
        self.providers().filter(|provider| provider.usable)
    }

    /// Returns every chat model that can be called, in config order, then catalog order.
    pub fn usable_models(&self) -> impl Iterator<Item = &ListedModel> {
        let usable = self
            .providers
            .iter()
            .filter(|entry| entry.problem.is_none() && !entry.is_twin);
        usable
            .flat_map(|entry| &entry.models)
            .filter(|model| model.chats && model.withheld.is_none())
    }

    /// Says whether config, host or catalog know the model of a route. An unknown one is asked for as written, since the
    /// host may be newer than what is shipped.
    pub fn knows(&self, route: &Route) -> bool {
        let (provider, model) = (route.provider.as_ref(), route.model.as_ref());
        let mut entries = self.providers.iter().filter(|entry| entry.id == provider);
        let is_listed = entries.any(|entry| entry.models.iter().any(|listed| listed.id == model));
        is_listed || self.catalog.model(provider, model, None).is_some()
    }

    /// Returns every chat model, usable or not, with whether it is usable.
    pub fn all_models(&self) -> impl Iterator<Item = (&ListedModel, bool)> {
        let rows = self.providers.iter().flat_map(|entry| {
            entry
                .models
                .iter()
                .map(|model| (model, entry.problem.is_none() && model.withheld.is_none()))
        });
        rows.filter(|(model, _)| model.chats)
    }
}

fn view(entry: &Entry) -> ProviderView<'_> {
    let target = entry.targets.first();
    ProviderView {
        id: &entry.id,
        base_url: target.map(|target| target.base.as_str()),
        plan: target
            .and_then(|target| target.plan)
            .map(|plan| plan.to_string()),
        region: target
            .and_then(|target| target.region)
            .map(|region| region.to_string()),
        credential: target
            .and_then(|target| target.credential())
            .map(AsRef::as_ref),
        usable: entry.problem.is_none(),
        problem: entry.problem.as_ref().map(ToString::to_string),
    }
}

/// Merges the config's rows with the catalog's for the plan of the host.
pub(super) fn models(
    catalog: &Catalog,
    mode: ModelsMode,
    configured: Option<&ProviderSettings>,
    known: Option<&Provider>,
    plan: Option<Plan>,
) -> Vec<ListedModel> {
    let rows = configured
        .map(|provider| provider.models.as_slice())
        .unwrap_or_default();
    let id = configured.map_or_else(
        || known.map(|known| known.id.clone()).unwrap_or_default(),
        |own| own.id.to_string(),
    );
    let mut listed: Vec<ListedModel> = rows
        .iter()
        .map(|row| from_config(catalog, &id, row))
        .collect();
    let Some(known) = known.filter(|_| mode == ModelsMode::Merge || rows.is_empty()) else {
        return listed;
    };
    for row in catalog.models(&known.id, plan) {
        if !listed.iter().any(|model| model.id == row.id()) {
            listed.push(ListedModel {
                reference: format!("{id}/{}", row.id()),
                provider: id.clone(),
                id: row.id().to_owned(),
                name: row.name().to_owned(),
                input: row.input().iter().map(InputKind::to_string).collect(),
                context_window: row.context_window,
                max_output_tokens: row.max_output_tokens,
                reasoning: row.reasoning,
                chats: row.model.kind == ModelKind::Chat,
                configured: false,
                withheld: None,
                asks_usage: None,
                says_input: true,
            });
        }
    }
    listed
}

fn from_config(catalog: &Catalog, provider: &str, row: &ModelRow) -> ListedModel {
    let id = row.id.as_str();
    let usage = row
        .compat
        .as_ref()
        .and_then(|compat| compat.get("supportsUsageInStreaming")?.as_bool());
    ListedModel {
        reference: format!("{provider}/{id}"),
        provider: provider.to_owned(),
        id: id.to_owned(),
        name: row.name.clone(),
        input: if row.input.is_empty() {
            vec!["text".to_owned()]
        } else {
            row.input.clone()
        },
        context_window: row.context_window,
        max_output_tokens: row.max_tokens,
        reasoning: row.reasoning.unwrap_or_default(),
        // A media model that some older discovery put into the config is still not a chat model.
        chats: catalog.model_kind(id) == ModelKind::Chat,
        configured: true,
        withheld: None,
        asks_usage: usage,
        says_input: !row.input.is_empty(),
    }
}
