//! `models auth list`: the stored profiles of an agent, and which file each is in.

use config::ProviderId;
use credentials::{AgentStores, Found, Provenance};
use serde_json::{Value, json};

use super::agent_place::{AgentPlace, provider_named};
use super::state::{Judge, ending, fingerprint, resting, resting_json};
use crate::cli::models_auth::AuthListArgs;
use crate::commands::models::names::Names;
use crate::context::{Context, now_ms};
use crate::exit_code::Exit;
use crate::failed::Done;
use crate::output::strong;

/// Lists the profiles.
pub(super) fn run(args: &AuthListArgs, context: &Context) -> Done {
    let out = context.out.with_json(args.scope.json);
    let config = context.config()?;
    config.warn_about_errors(out);
    let place = AgentPlace::of(context, &config, &args.scope.agent)?;
    let names = Names::of(context, &config)?;
    let provider = match &args.provider {
        Some(text) => Some(provider_named(&names, text)?),
        None => None,
    };
    let stores = place.stores();
    for warning in stores.warnings() {
        out.warn(warning.to_string());
    }
    let wanted = |found: &Found<'_>| match &provider {
        None => true,
        Some(provider) => names.is_same_service(provider, &found.profile.provider),
    };
    let found: Vec<Found<'_>> = stores.winners().filter(wanted).collect();
    let view = View {
        judge: Judge::new(&context.home, &names.catalog, &place.agent, now_ms())?,
        stores: &stores,
        place: &place,
        now_ms: now_ms(),
    };
    if args.scope.json {
        let profiles: Vec<Value> = found.iter().map(|found| view.json(found)).collect();
        out.json(&json!({
            "agentId": place.agent.as_str(),
            "agentDir": place.folder,
            "authStorePath": place.store.path(),
            "authStatePath": place.usage.path(),
            "provider": provider.as_ref().map(ProviderId::as_str),
            "profiles": profiles,
        }));
        return Ok(Exit::Ok);
    }
    out.line(format!("Agent: {}", place.agent));
    out.line(format!("Auth store: {}", place.shown(place.store.path())));
    out.line(format!(
        "Auth state file: {}",
        place.shown(place.usage.path())
    ));
    if let Some(provider) = &provider {
        out.line(format!("Provider: {provider}"));
    }
    if found.is_empty() {
        out.line("Profiles: (none)");
        out.hint("`openclaw onboard` sets up a key; `openclaw models auth add` stores another");
        return Ok(Exit::Ok);
    }
    out.line(strong("Profiles:"));
    for found in &found {
        out.line(view.line(found));
    }
    Ok(Exit::Ok)
}

/// Returns the agent whose store holds the profile.
fn owner(found: &Found<'_>) -> String {
    match found.provenance() {
        Provenance::Profile { agent, .. } => agent.to_string(),
        _ => String::new(),
    }
}

/// What a line about a profile is made from.
struct View<'a> {
    judge: Judge,
    stores: &'a AgentStores,
    place: &'a AgentPlace<'a>,
    now_ms: u64,
}

impl View<'_> {
    fn line(&self, found: &Found<'_>) -> String {
        let profile = found.profile;
        let usage = self.stores.state().usage.get(&profile.id);
        let judged = self.judge.of(profile);
        let mut parts = vec![
            format!("{}/{}", profile.provider, profile.kind()),
            fingerprint(profile).unwrap_or_else(|| "no secret".to_owned()),
            judged.state.to_owned(),
        ];
        parts.extend(ending(judged.expiry, self.now_ms));
        parts.extend(judged.refusal);
        parts.extend(judged.repair.map(|command| format!("repair: `{command}`")));
        parts.extend(usage.and_then(|usage| resting(usage, self.now_ms)));
        format!(
            "- {} [{}] in {}, agent {}",
            profile.id,
            parts.join("; "),
            self.place.shown(found.path()),
            owner(found)
        )
    }

    fn json(&self, found: &Found<'_>) -> Value {
        let profile = found.profile;
        let usage = self.stores.state().usage.get(&profile.id);
        let judged = self.judge.of(profile);
        json!({
            "id": profile.id.as_str(),
            "provider": profile.provider.as_str(),
            "type": profile.kind().as_str(),
            "label": profile.id.as_str(),
            "fingerprint": fingerprint(profile),
            "status": judged.state,
            "expiresAt": judged.expiry.at_ms(),
            "refusal": judged.refusal,
            "repair": judged.repair,
            "store": found.path(),
            "agent": owner(found),
            "rest": usage.map(|usage| resting_json(usage, self.now_ms)),
        })
    }
}
