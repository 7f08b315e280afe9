//! `models auth logout`: takes a profile out of its store, `auth.profiles` and `auth.order`.

use config::{Edit, Home, ProfileId, ValuePath};
use credentials::oauth::LoginStore;
use credentials::{AgentStores, FILE_NAME, Found, ProfileState, Provenance, qwen_cli};
use serde_json::{Value, json};

use super::agent_place::AgentPlace;
use super::question;
use super::state::fingerprint;
use crate::cli::models_auth::AuthLogoutArgs;
use crate::config_change::ConfigChange;
use crate::context::{Context, ReadConfig};
use crate::exit_code::Exit;
use crate::failed::{Done, Failed};
use crate::output::is_interactive;
use crate::prompt;

/// The words of the command, for the audit log.
const WORDS: [&str; 3] = ["models", "auth", "logout"];

/// Removes a profile.
pub(super) fn run(args: &AuthLogoutArgs, context: &Context) -> Done {
    let out = context.out.with_json(args.scope.json);
    let config = context.config()?;
    let place = AgentPlace::of(context, &config, &args.scope.agent)?;
    let id = ProfileId::new(&args.profile_id)?;
    let stores = place.stores();
    let found = stores.find(&id);
    if let Some(found) = &found {
        must_be_own(found, &place)?;
    }
    let edits = edits(&config, &id);
    if found.is_none() && edits.is_empty() {
        return Err(no_such_profile(&id, &stores, &place));
    }
    let removal = Removal {
        shown: found.as_ref().map(|found| shown(found, &place)),
        warnings: warnings(&stores, &id, &place, &context.home),
        id,
    };
    let change = ConfigChange::plan(&config, &edits)?;
    for warning in &removal.warnings {
        out.warn(warning);
    }
    if args.dry_run {
        removal.show(&change, !edits.is_empty(), context, args.scope.json);
        return Ok(Exit::Ok);
    }
    place.must_be_writable()?;
    place.say_if_others_can_read();
    ask(args, &removal)?;
    let logins = LoginStore::new(&context.home);
    if found.is_some() {
        logins.check_writable(&place.agent)?;
    }
    // The config first: cut off in between, the same command ends the work.
    if !edits.is_empty() {
        change.apply(context, &WORDS)?;
    }
    if found.is_some() {
        logins.forget(&place.agent, &removal.id)?;
    }
    leave_orders(&place, &removal.id)?;
    removal.done(&place, context, args.scope.json);
    Ok(Exit::Ok)
}

/// What is going to be removed.
struct Removal {
    id: ProfileId,
    /// The stored profile for people; none when only the config names it.
    shown: Option<String>,
    warnings: Vec<String>,
}

impl Removal {
    fn show(&self, change: &ConfigChange<'_>, has_edits: bool, context: &Context, as_json: bool) {
        if as_json {
            context.out.json(&json!({
                "ok": true, "dryRun": true, "profileId": self.id.as_str(),
                "stored": self.shown, "warnings": self.warnings,
                "diff": if has_edits { change.diff() } else { Vec::new() },
            }));
            return;
        }
        if let Some(shown) = &self.shown {
            context.out.line(format!("would remove {shown}"));
        }
        if has_edits {
            change.show(context);
        }
    }

    fn done(&self, place: &AgentPlace<'_>, context: &Context, as_json: bool) {
        if as_json {
            context.out.json(&json!({
                "ok": true, "dryRun": false, "profileId": self.id.as_str(),
                "agentId": place.agent.as_str(), "authStorePath": place.store.path(),
                "stored": self.shown, "warnings": self.warnings,
            }));
            return;
        }
        let what = match &self.shown {
            Some(shown) => format!("Removed {shown}"),
            None => format!(
                "Removed {} from the config; {} held no such profile",
                self.id,
                place.described()
            ),
        };
        context.out.line(what);
    }
}

fn ask(args: &AuthLogoutArgs, removal: &Removal) -> Result<(), Failed> {
    if args.yes {
        return Ok(());
    }
    if args.scope.json || !is_interactive() {
        return Err(Failed::new(format!(
            "removing `{}` needs a yes, and there is no terminal to ask",
            removal.id
        ))
        .hint("`--yes` removes it without a question, `--dry-run` shows what would go"));
    }
    let what = removal
        .shown
        .clone()
        .unwrap_or_else(|| removal.id.to_string());
    if question::confirm(&format!("Remove {what}?"))? {
        return Ok(());
    }
    Err(prompt::cancelled())
}

fn shown(found: &Found<'_>, place: &AgentPlace<'_>) -> String {
    let profile = found.profile;
    format!(
        "{} ({}/{}) {} from {}",
        profile.id,
        profile.provider,
        profile.kind(),
        fingerprint(profile).unwrap_or_else(|| "without a secret".to_owned()),
        place.described()
    )
}

/// A credential has one owner; it goes where that owner keeps it, or not at all.
fn must_be_own(found: &Found<'_>, place: &AgentPlace<'_>) -> Result<(), Failed> {
    let Provenance::Profile { id, store, agent } = found.provenance() else {
        return Ok(());
    };
    let is_written_here = store
        .path()
        .file_name()
        .is_some_and(|name| name == FILE_NAME);
    if !is_written_here {
        return Err(Failed::new(format!(
            "`{id}` is in {}, which this program only reads",
            place.shown(store.path())
        ))
        .hint("remove it with the OpenClaw release that wrote it"));
    }
    if agent != place.agent {
        return Err(Failed::new(format!(
            "`{id}` belongs to agent {agent}, not to agent {}",
            place.agent
        ))
        .hint(format!(
            "`openclaw models auth logout {id} --agent {agent}` removes it for every agent that reads it"
        )));
    }
    Ok(())
}

/// Returns what stays behind under the same name.
fn warnings(
    stores: &AgentStores,
    id: &ProfileId,
    place: &AgentPlace<'_>,
    home: &Home,
) -> Vec<String> {
    let foreign = qwen_cli::login_path(home);
    let comes_back = (id.as_str() == qwen_cli::PROFILE && foreign.is_file()).then(|| {
        format!(
            "Qwen Code keeps this login in {}, from where it is taken over again",
            place.shown(&foreign)
        )
    });
    let below = stores
        .shadowed()
        .filter(|(found, _)| found.profile.id == *id);
    below
        .map(|(found, _)| {
            format!(
                "a profile of the same name in {} is used from then on",
                place.shown(found.path())
            )
        })
        .chain(comes_back)
        .collect()
}

/// Takes the profile out of the agent's own orders.
fn leave_orders(place: &AgentPlace<'_>, id: &ProfileId) -> Result<(), Failed> {
    let (state, _) = ProfileState::load(place.usage.path());
    for (provider, order) in state.order {
        let kept: Vec<ProfileId> = order.iter().filter(|one| *one != id).cloned().collect();
        if kept.len() < order.len() {
            let kept = (!kept.is_empty()).then_some(kept.as_slice());
            place.usage.set_order(&provider, kept)?;
        }
    }
    Ok(())
}

/// Returns the edits that take the profile out of `auth.profiles` and every order.
fn edits(config: &ReadConfig, id: &ProfileId) -> Vec<Edit> {
    let mut edits = Vec::new();
    let listing = ValuePath::of(["auth", "profiles", id.as_str()]);
    if config.text.get(&listing).is_some() {
        edits.push(Edit::Remove { path: listing });
    }
    let orders = config.text.get(&ValuePath::of(["auth", "order"]));
    for (provider, order) in orders.and_then(Value::as_object).into_iter().flatten() {
        let ids = order.as_array().map(Vec::as_slice).unwrap_or_default();
        let kept: Vec<&Value> = ids
            .iter()
            .filter(|one| **one != json!(id.as_str()))
            .collect();
        if kept.len() == ids.len() {
            continue;
        }
        let path = ValuePath::of(["auth", "order", provider.as_str()]);
        edits.push(if kept.is_empty() {
            Edit::Remove { path }
        } else {
            Edit::Set {
                path,
                value: json!(kept),
            }
        });
    }
    edits
}

/// Returns the failure for a profile that is not there, with the nearest that is.
pub(super) fn no_such_profile(
    id: &ProfileId,
    stores: &AgentStores,
    place: &AgentPlace<'_>,
) -> Failed {
    let known: Vec<&str> = stores
        .winners()
        .map(|found| found.profile.id.as_str())
        .collect();
    let near = catalog::nearest(id.as_str(), known.iter().copied(), 1);
    let hint = match (near.first(), known.as_slice()) {
        (_, []) => "no profiles are stored; `openclaw models auth add` stores one".to_owned(),
        (Some(near), _) => format!("did you mean `{near}`? there are {}", known.join(", ")),
        (None, _) => format!("there are {}", known.join(", ")),
    };
    Failed::new(format!(
        "there is no profile `{id}` ({})",
        place.described()
    ))
    .hint(hint)
}
