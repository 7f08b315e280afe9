//! `models auth clear-cooldown`: what rested after failures is tried again at once.

use config::ProfileId;
use credentials::{ProfileState, Usage};
use providers::health::{self, Breaker};
use serde_json::json;

use super::agent_place::AgentPlace;
use super::logout::no_such_profile;
use crate::cli::models_auth::AuthClearCooldownArgs;
use crate::context::Context;
use crate::exit_code::Exit;
use crate::failed::{Done, Failed};

/// Ends rests.
pub(super) fn run(args: &AuthClearCooldownArgs, context: &Context) -> Done {
    let config = context.config()?;
    let place = AgentPlace::of(context, &config, &args.scope.agent)?;
    let (state, warning) = ProfileState::load(place.usage.path());
    if let Some(warning) = warning {
        context.out.warn(warning.to_string());
    }
    let wanted = match &args.profile_id {
        Some(text) => Some(ProfileId::new(text)?),
        None => None,
    };
    if let Some(id) = &wanted
        && !state.usage.contains_key(id)
    {
        let stores = place.stores();
        if stores.find(id).is_none() {
            return Err(no_such_profile(id, &stores, &place));
        }
    }
    let cleared: Vec<(ProfileId, Usage)> = state
        .usage
        .iter()
        .filter(|(id, usage)| {
            has_failed(usage) && wanted.as_ref().is_none_or(|wanted| wanted == *id)
        })
        .map(|(id, usage)| (id.clone(), rested(usage)))
        .collect();
    let is_meant = |breaker: &Breaker| {
        let stored = breaker.evidence.profile.as_deref();
        let (agent, id) = stored.and_then(|text| text.split_once('/')).unzip();
        agent == Some(place.agent.as_str())
            && wanted
                .as_ref()
                .is_none_or(|wanted| id == Some(wanted.as_str()))
    };
    health::unblock(&context.home, is_meant).map_err(|error| Failed::of(&error))?;
    if !cleared.is_empty() {
        place.must_be_writable()?;
        place.usage.record(&cleared)?;
    }
    let ids: Vec<&str> = cleared.iter().map(|(id, _)| id.as_str()).collect();
    if args.scope.json {
        context.out.with_json(true).json(&json!({
            "ok": true,
            "agentId": place.agent.as_str(),
            "authStatePath": place.usage.path(),
            "cleared": ids,
        }));
        return Ok(Exit::Ok);
    }
    let file = format!("{}, agent {}", place.shown(place.usage.path()), place.agent);
    for id in &ids {
        context
            .out
            .line(format!("Cooldown cleared: {id} in {file}"));
    }
    if ids.is_empty() {
        context.out.line(format!("Nothing rests in {file}"));
    }
    Ok(Exit::Ok)
}

/// Says whether failures are noted: the next one would rest it for longer.
fn has_failed(usage: &Usage) -> bool {
    usage.error_count > 0
        || usage.cooldown_until_ms.is_some()
        || usage.disabled_until_ms.is_some()
        || !usage.failure_counts.is_empty()
}

/// Returns the use without its failures; when it was last used stays.
fn rested(usage: &Usage) -> Usage {
    Usage {
        last_used_ms: usage.last_used_ms,
        last_failure_ms: usage.last_failure_ms,
        ..Usage::default()
    }
}
