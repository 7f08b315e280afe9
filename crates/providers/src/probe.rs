//! Asks a host whether a key works there, with the cheapest question that proves it.
//!
//! The model list proves a key for nothing; the Coding Plan has no list, so there the question is one chat token.
//! Both go through [`Upstream`], the path every real request takes.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use catalog::{Catalog, Endpoint, ErrorClass, KEY_PREFIX_BYTES_MAX, ThinkingLevel};
use credentials::Secret;
use http::HeaderMap;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::attempt::{Call, Upstream};
use crate::chat_request::ChatRequest;
use crate::chat_rules::{ChatRules, RuleFacts};
use crate::deadline::Deadline;
use crate::directory::{Route, Target};
use crate::failure::Failure;

/// Longest time for one question to one host.
pub const PROBE_MAX: Duration = Duration::from_secs(15);

/// What a host said about a key.
#[derive(Debug)]
pub enum Verdict {
    /// The key works there. Holds the ids of the host's model list, when it has one.
    Works(Vec<String>),
    /// The key belongs to the host, but the account is out of quota or money right now.
    WorksLater(Failure),
    /// The host refuses the key.
    Refused(Failure),
    /// The host could not be asked.
    Unknown(Failure),
}

/// Asks the host of `route` whether its credential works.
pub async fn probe(upstream: &Upstream, route: &Route, model: &str) -> Verdict {
    let deadline = Deadline::after(PROBE_MAX);
    let asked = if route.models_url.is_some() {
        match upstream.model_list(route, deadline).await {
            // A host of one's own may have no list; then a chat decides.
            Err(failure) if failure.status == Some(404) => {
                chat_token(upstream, route, model, deadline)
                    .await
                    .map(|()| Vec::new())
            }
            listed => listed.map(|body| model_ids(&body)),
        }
    } else {
        chat_token(upstream, route, model, deadline)
            .await
            .map(|()| Vec::new())
    };
    match asked {
        Ok(models) => Verdict::Works(models),
        Err(failure) => judge(failure),
    }
}

/// Asks the host of `route` for one token of `model`, which shows whether the account may spend anything at all.
///
/// # Errors
/// The classified [`Failure`].
pub async fn one_token(upstream: &Upstream, route: &Route, model: &str) -> Result<(), Failure> {
    chat_token(upstream, route, model, Deadline::after(PROBE_MAX)).await
}

fn judge(failure: Failure) -> Verdict {
    match failure.class {
        ErrorClass::InvalidKey | ErrorClass::WrongPlan | ErrorClass::WrongRegion => {
            Verdict::Refused(failure)
        }
        // The key was accepted before any of these could be said.
        ErrorClass::Throttled
        | ErrorClass::QuotaWindow
        | ErrorClass::FreeTierExhausted
        | ErrorClass::Arrears
        | ErrorClass::NotEntitled
        | ErrorClass::ModelNotFound
        | ErrorClass::InvalidParameter
        | ErrorClass::ContextOverflow
        | ErrorClass::ContentInspection => Verdict::WorksLater(failure),
        ErrorClass::ClientNotAdmitted
        | ErrorClass::UpstreamFault
        | ErrorClass::Network
        | ErrorClass::LocalTimeout
        | ErrorClass::StreamError
        | ErrorClass::Unknown => match failure.status {
            Some(401 | 403) => Verdict::Refused(failure),
            _ => Verdict::Unknown(failure),
        },
    }
}

/// Asks for one token of `model`.
async fn chat_token(
    upstream: &Upstream,
    route: &Route,
    model: &str,
    deadline: Deadline,
) -> Result<(), Failure> {
    let body = json!({"model": model, "messages": [{"role": "user", "content": "hi"}], "max_tokens": 1, "stream": false});
    let Ok(request) = ChatRequest::parse(Bytes::from(body.to_string())) else {
        return Ok(());
    };
    // A model that thinks bills its thoughts too, whatever the limit of the answer is.
    let rules = ChatRules::new(
        upstream.catalog(),
        &RuleFacts {
            family: route.place().family,
            plan: route.plan,
            provider: &route.provider,
            model,
            row: None,
            params: &[],
            thinking_default: Some(ThinkingLevel::Off.as_str()),
        },
    );
    let route = route
        .clone()
        .with_model(model)
        .with_rules(upstream.catalog(), Arc::new(rules));
    let stop = CancellationToken::new();
    upstream
        .attempt(Call {
            route: &route,
            request: &request,
            headers: &HeaderMap::new(),
            deadline,
            stop: &stop,
        })
        .await
        .map(drop)
}

fn model_ids(body: &[u8]) -> Vec<String> {
    let value: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let rows = value
        .get("data")
        .unwrap_or(&value)
        .as_array()
        .cloned()
        .unwrap_or_default();
    rows.iter()
        .filter_map(|row| Some(row.get("id")?.as_str()?.to_owned()))
        .collect()
}

/// What one of the vendor's hosts said about a key.
#[derive(Debug)]
pub struct HostAnswer {
    /// Id of the endpoint.
    pub endpoint: String,
    /// The way to it with the key.
    pub route: Route,
    /// What it said.
    pub verdict: Verdict,
}

impl Verdict {
    /// Says whether the key belongs to the host, whatever else is wrong.
    pub fn is_home(&self) -> bool {
        matches!(self, Self::Works(_) | Self::WorksLater(_))
    }
}

/// Asks every host of the key's family but `except` in parallel, and returns what each said, in catalog order.
pub async fn ask_hosts(
    upstream: &Arc<Upstream>,
    catalog: &Catalog,
    secret: &Secret,
    except: &str,
) -> Vec<HostAnswer> {
    let head: String = secret.expose().chars().take(KEY_PREFIX_BYTES_MAX).collect();
    let family = catalog.key_family(&head);
    let mut asking = tokio::task::JoinSet::new();
    let hosts = catalog
        .endpoints_for_key(family)
        .filter(|endpoint| endpoint.id != except && !endpoint.is_workspace_pattern());
    for (place, endpoint) in hosts.enumerate() {
        let Some((route, model)) = question(catalog, endpoint, secret) else {
            continue;
        };
        let (upstream, endpoint) = (Arc::clone(upstream), endpoint.id.clone());
        asking.spawn(async move {
            let verdict = probe(&upstream, &route, &model).await;
            let answer = HostAnswer {
                endpoint,
                route,
                verdict,
            };
            (place, answer)
        });
    }
    let mut answers = asking.join_all().await;
    answers.sort_by_key(|(place, _)| *place);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

/// Asks every other host of the key's family in parallel; returns the endpoints where the key works.
pub async fn find_home(
    upstream: &Arc<Upstream>,
    catalog: &Arc<Catalog>,
    secret: &Secret,
    except: &str,
) -> Vec<String> {
    let answers = ask_hosts(upstream, catalog, secret, except).await;
    let homes = answers
        .into_iter()
        .filter(|answer| answer.verdict.is_home());
    homes.map(|answer| answer.endpoint).collect()
}

fn question(catalog: &Catalog, endpoint: &Endpoint, secret: &Secret) -> Option<(Route, String)> {
    let model = probe_model(catalog, endpoint)?;
    let target = Target::new(catalog, &endpoint.provider, &endpoint.base_url).ok()?;
    let route = target
        .with_secret(catalog, "key", secret)
        .route(&model)
        .ok()?;
    Some((route, model))
}

/// Returns the model that a one-token question to `endpoint` names.
pub fn probe_model(catalog: &Catalog, endpoint: &Endpoint) -> Option<String> {
    let provider = catalog.provider(&endpoint.provider)?;
    Some(
        provider
            .default_model
            .rsplit_once('/')
            .map_or(provider.default_model.as_str(), |(_, id)| id)
            .to_owned(),
    )
}
