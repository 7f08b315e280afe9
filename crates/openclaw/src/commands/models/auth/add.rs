//! `models auth add`: asks for provider, profile and key, and stores the key.

use config::ProfileId;

use super::agent_place::{AgentPlace, provider_named};
use super::stored::NewProfile;
use super::{paste, question};
use crate::cli::models_auth::AuthAddArgs;
use crate::commands::models::names::Names;
use crate::context::Context;
use crate::exit_code::Exit;
use crate::failed::{Done, Failed};
use crate::output::is_interactive;
use crate::prompt;

/// How often a text that cannot be a key may be pasted.
const KEY_TRIES_MAX: usize = 3;

/// Asks, then stores.
pub(super) fn run(args: &AuthAddArgs, context: &Context) -> Done {
    if !is_interactive() {
        return Err(Failed::new("there is no terminal to ask").hint(
            "`openclaw models auth paste-api-key --provider <id>` takes the key from standard input",
        ));
    }
    let config = context.config()?;
    let place = AgentPlace::of(context, &config, &args.scope.agent)?;
    let names = Names::of(context, &config)?;
    let ids: Vec<String> = names
        .provider_ids()
        .into_iter()
        .filter(|id| !names.is_stand_in(id))
        .map(str::to_owned)
        .collect();
    let provider = provider_named(&names, &question::pick("Provider:", ids)?)?;
    let first = ProfileId::default_of(&provider);
    let stores = place.stores();
    let suggested = if stores.find(&first).is_some() {
        format!("{provider}:second")
    } else {
        first.to_string()
    };
    let id = ProfileId::new(&question::text("Profile:", &suggested)?)?;
    if paste::is_taken(&config, &id, &provider) {
        return Err(Failed::new(format!(
            "`{id}` is the name of another provider's profile in the config"
        ))
        .hint(format!("choose another name, such as `{provider}:second`")));
    }
    let is_there = stores.find(&id).is_some();
    if is_there && !question::confirm(&format!("Replace the credential in `{id}`?"))? {
        return Err(prompt::cancelled());
    }
    let secret = ask_key(&names, &provider, context)?;
    let profile = paste::profile(id, provider, secret, None);
    let new = NewProfile {
        profile: profile.clone(),
        place: &place,
        config: &config,
        words: &["models", "auth", "add"],
        edits: Vec::new(),
    };
    let stored = new.store(context)?;
    paste::report(&profile, &stored, &place, context, args.scope.json);
    context
        .out
        .note("The key was not tried; `openclaw models auth explain` shows whether it is used.");
    Ok(Exit::Ok)
}

fn ask_key(
    names: &Names<'_>,
    provider: &config::ProviderId,
    context: &Context,
) -> Result<credentials::Secret, Failed> {
    let question = format!("Key for {provider}:");
    for _ in 1..KEY_TRIES_MAX {
        match paste::checked(names, provider, &question::secret(&question)?) {
            Ok(secret) => return Ok(secret),
            Err(failed) => context.out.warn(failed.message),
        }
    }
    paste::checked(names, provider, &question::secret(&question)?)
}
