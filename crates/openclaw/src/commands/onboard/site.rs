//! The place that is set up: provider, host, models, and the profile that holds its key.

use catalog::{
    AuthChoice, Catalog, ConfigModelCost, ConfigModelRow, Endpoint, InputKind, Plan, Region,
};
use config::{ProfileId, ProviderId};
use credentials::Secret;
use providers::directory::Target;
use providers::{Route, probe};

use super::selection::CustomServer;
use super::workspace_host::{WorkspaceHost, patterns};
use crate::failed::Failed;

/// Window written for a model nothing is known about, in tokens.
const CONTEXT_WINDOW_UNKNOWN: u64 = 128_000;
/// Longest answer written for a model nothing is known about, in tokens.
const MAX_TOKENS_UNKNOWN: u64 = 8_192;

/// The place that is set up.
#[derive(Debug, Clone)]
pub(super) struct Site {
    /// Id for `--auth-choice`; none for servers of one's own and hosts that no choice names.
    pub(super) auth_choice: Option<String>,
    pub(super) provider: ProviderId,
    pub(super) profile: ProfileId,
    /// Name for people, such as `Standard (Global)`.
    pub(super) name: String,
    pub(super) base_url: String,
    /// Id of the endpoint in the catalog.
    pub(super) endpoint: Option<String>,
    pub(super) plan: Option<Plan>,
    pub(super) region: Option<Region>,
    /// Model id that becomes the default.
    pub(super) model: String,
    /// Alias of that model.
    pub(super) alias: Option<String>,
    /// Rows for `models.providers.<id>.models`.
    pub(super) rows: Vec<ConfigModelRow>,
    /// Key under `plugins.entries` that the original program needs enabled.
    pub(super) plugin: Option<String>,
    /// Whether the host is one of the vendor's, so that it never answers without a key.
    pub(super) needs_key: bool,
}

impl Site {
    /// Makes the site of an auth choice.
    pub(super) fn of_choice(catalog: &Catalog, choice: &AuthChoice) -> Result<Self, Failed> {
        let endpoint = catalog
            .endpoint(&choice.endpoint)
            .ok_or_else(|| incomplete(&choice.endpoint))?;
        let site = Self::of_endpoint(catalog, endpoint, None)?;
        Ok(Self {
            auth_choice: Some(choice.id.clone()),
            profile: ProfileId::new(&choice.profile_id)?,
            ..site
        })
    }

    /// Makes the site of an endpoint; a pattern needs the workspace id.
    pub(super) fn of_endpoint(
        catalog: &Catalog,
        endpoint: &Endpoint,
        workspace: Option<&str>,
    ) -> Result<Self, Failed> {
        let provider = catalog
            .provider(&endpoint.provider)
            .ok_or_else(|| incomplete(&endpoint.provider))?;
        let choice = catalog.choice_for_endpoint(&endpoint.id);
        let profile = choice.map_or(&provider.profile_id, |choice| &choice.profile_id);
        Ok(Self {
            auth_choice: choice.map(|choice| choice.id.clone()),
            provider: ProviderId::new(&provider.id)?,
            profile: ProfileId::new(profile)?,
            name: place_name(&endpoint.label),
            base_url: endpoint
                .base_url_for(workspace)
                .ok_or_else(|| incomplete(&endpoint.id))?,
            endpoint: Some(endpoint.id.clone()),
            plan: Some(endpoint.plan),
            region: Some(endpoint.region),
            model: probe::probe_model(catalog, endpoint)
                .ok_or_else(|| incomplete(&endpoint.provider))?,
            alias: provider.default_model_alias.clone(),
            rows: catalog
                .models(&provider.id, Some(endpoint.plan))
                .map(|row| row.config_row())
                .collect(),
            plugin: Some(provider.plugin_id.clone()),
            needs_key: true,
        })
    }

    /// Makes the site of a server of one's own.
    pub(super) fn of_custom(catalog: &Catalog, server: &CustomServer) -> Result<Self, Failed> {
        let id = server.provider.as_str();
        let target =
            Target::new(catalog, id, &server.base_url).map_err(|error| Failed::of(&error))?;
        let known = catalog.endpoint_for_url(target.base.as_str());
        if known.as_ref().is_some_and(|known| known.is_plain_http) {
            return Err(Failed::new(format!(
                "a key must not be sent to {} without encryption",
                target.host
            ))
            .hint("write the base URL with `https://`"));
        }
        let row = known
            .as_ref()
            .and_then(|known| {
                catalog.model(&known.endpoint.provider, &server.model, Some(known.plan()))
            })
            .map_or_else(|| unknown_row(&server.model), |row| row.config_row());
        Ok(Self {
            auth_choice: None,
            profile: ProfileId::new(&format!("{id}:default"))?,
            name: target.host.to_string(),
            base_url: target.base.as_str().to_owned(),
            endpoint: None,
            plan: target.plan,
            region: target.region,
            model: server.model.clone(),
            alias: None,
            rows: vec![row],
            plugin: None,
            needs_key: known.is_some(),
            provider: server.provider.clone(),
        })
    }

    /// Makes the sites that a workspace can have: one when its region is known, else one for each region.
    pub(super) fn of_workspace(
        catalog: &Catalog,
        workspace: &WorkspaceHost,
        choice: Option<&AuthChoice>,
    ) -> Result<Vec<Self>, Failed> {
        let by_choice = choice
            .map(|choice| region_of(catalog, choice))
            .transpose()?;
        if let (Some(by_choice), Some(own)) = (by_choice, workspace.region)
            && by_choice != own
        {
            return Err(Failed::new(format!(
                "the workspace stands in region `{own}`, the auth choice in `{by_choice}`"
            ))
            .hint("leave out `--auth-choice`; the workspace's URL tells its region"));
        }
        let region = workspace.region.or(by_choice);
        let sites: Vec<Self> = patterns(catalog)
            .filter(|endpoint| region.is_none_or(|region| endpoint.region == region))
            .map(|endpoint| Self::of_endpoint(catalog, endpoint, Some(&workspace.id)))
            .collect::<Result<_, _>>()?;
        if sites.is_empty() {
            return Err(Failed::new("that region has no workspace hosts"));
        }
        Ok(sites)
    }

    /// Returns `provider/model` of the default model.
    pub(super) fn default_ref(&self) -> String {
        format!("{}/{}", self.provider, self.model)
    }

    /// Returns the host name.
    pub(super) fn host(&self) -> &str {
        let rest = self
            .base_url
            .split_once("://")
            .map_or(self.base_url.as_str(), |(_, rest)| rest);
        rest.split('/').next().unwrap_or_default()
    }

    /// Returns the way to the default model with a key.
    pub(super) fn route(&self, catalog: &Catalog, key: Option<&Secret>) -> Result<Route, Failed> {
        let target = Target::new(catalog, self.provider.as_str(), &self.base_url)
            .map_err(|error| Failed::of(&error))?;
        let target = match key {
            Some(key) => target.with_secret(catalog, self.profile.as_str(), key),
            None => target,
        };
        target
            .route(&self.model)
            .map_err(|error| Failed::of(&error))
    }
}

/// Only pay-as-you-go keys have workspaces, so only Standard choices tell a region for one.
fn region_of(catalog: &Catalog, choice: &AuthChoice) -> Result<Region, Failed> {
    catalog
        .endpoint(&choice.endpoint)
        .filter(|endpoint| endpoint.plan == Plan::Standard)
        .map(|endpoint| endpoint.region)
        .ok_or_else(|| {
            Failed::new(format!(
                "`--workspace-id` and `--auth-choice {}` contradict each other",
                choice.id
            ))
            .hint("workspace hosts take pay-as-you-go keys: use a `qwen-standard-api-key` choice, or none")
        })
}

/// Writes `Standard, Global` as `Standard (Global)`.
fn place_name(label: &str) -> String {
    match label.split_once(", ") {
        Some((plan, region)) => format!("{plan} ({region})"),
        None => label.to_owned(),
    }
}

fn unknown_row(id: &str) -> ConfigModelRow {
    ConfigModelRow {
        id: id.to_owned(),
        name: id.to_owned(),
        reasoning: false,
        input: vec![InputKind::Text],
        cost: ConfigModelCost::default(),
        context_window: CONTEXT_WINDOW_UNKNOWN,
        max_tokens: MAX_TOKENS_UNKNOWN,
    }
}

/// The shipped tables are checked by tests; a home's own tables can still be incomplete.
fn incomplete(row: &str) -> Failed {
    Failed::new(format!("the catalog has no complete row for `{row}`"))
        .hint("the files in the home's `catalog` folder add to the shipped tables; check them")
}
