//! What the hosts say about the credentials in use: asked once, for every check that wants to know.

use std::sync::Arc;

use catalog::KEY_PREFIX_BYTES_MAX;
use config::ProviderId;
use credentials::Secret;
use providers::Route;
use providers::probe::{self, Verdict};

use super::super::Situation;

/// What one host said.
pub(in super::super) struct Answer {
    pub(super) provider: String,
    pub(super) host: String,
    /// Name and fingerprint of the credential.
    pub(super) credential: String,
    pub(super) verdict: Verdict,
    /// Names of the hosts where a refused key works.
    pub(super) homes: Vec<String>,
}

/// Asks the host of each provider in use.
pub(in super::super) fn ask(situation: &Situation<'_>) -> Vec<Answer> {
    let (Some(config), Some(directory)) = (situation.config(), situation.directory()) else {
        return Vec::new();
    };
    let Ok(upstream) = situation.context.upstream(&config.environment) else {
        return Vec::new();
    };
    let Ok(runtime) = crate::runtime::single() else {
        return Vec::new();
    };
    let upstream = Arc::new(upstream);
    let mut answers = Vec::new();
    for provider in super::credentials_in_use::in_use(situation) {
        let model = directory
            .usable_models()
            .find(|model| model.provider == provider);
        let chain = model.and_then(|model| directory.chain(&model.reference).ok());
        let Some(route) = chain.as_ref().and_then(|chain| chain.routes().next()) else {
            continue;
        };
        answers.push(runtime.block_on(ask_one(situation, &upstream, &provider, route)));
    }
    answers
}

async fn ask_one(
    situation: &Situation<'_>,
    upstream: &Arc<providers::Upstream>,
    provider: &str,
    route: &Route,
) -> Answer {
    let catalog = &situation.catalog;
    let url = route.chat_url.to_string();
    let endpoint = catalog.endpoint_for_url(&url).map(|found| found.endpoint);
    let model = endpoint
        .and_then(|endpoint| probe::probe_model(catalog, endpoint))
        .unwrap_or_else(|| route.model.to_string());
    let verdict = probe::probe(upstream, route, &model).await;
    let homes = match (&verdict, secret_of(situation, provider)) {
        (Verdict::Refused(_), Some(secret)) => {
            let except = endpoint.map_or("", |endpoint| endpoint.id.as_str());
            probe::find_home(upstream, catalog, &secret, except).await
        }
        _ => Vec::new(),
    };
    let label = |id: &String| {
        catalog
            .endpoint(id)
            .map_or_else(|| id.clone(), |endpoint| endpoint.label.clone())
    };
    Answer {
        provider: provider.to_owned(),
        host: route.host.to_string(),
        credential: route.credential.to_string(),
        homes: homes.iter().map(label).collect(),
        verdict,
    }
}

/// Returns the secret that is tried first for a provider.
pub(super) fn secret_of(situation: &Situation<'_>, provider: &str) -> Option<Secret> {
    let id = ProviderId::new(provider).ok()?;
    let resolution = situation.resolver()?.candidates(&id, situation.now_ms);
    let (_, secret) = resolution.usable().next()?;
    Some(secret.clone())
}

/// Returns the beginning of a secret, which tells its family.
pub(super) fn prefix(secret: &Secret) -> String {
    secret.expose().chars().take(KEY_PREFIX_BYTES_MAX).collect()
}
