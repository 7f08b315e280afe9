//! `models auth order`: the order in which an agent tries the profiles of a provider, kept in its `auth-state.json`.

use config::{ProfileId, ProviderId};
use credentials::{AgentStores, ProfileState};
use serde_json::{Value, json};

use super::agent_place::{AgentPlace, provider_named};
use super::logout::no_such_profile;
use crate::cli::models_auth::{
    AuthOrderArgs, AuthOrderCommand, AuthOrderProviderArgs, AuthOrderSetArgs,
};
use crate::commands::models::names::Names;
use crate::context::{Context, ReadConfig};
use crate::exit_code::Exit;
use crate::failed::{Done, Failed};

/// Runs one of the commands.
pub(super) fn run(args: &AuthOrderArgs, context: &Context) -> Done {
    match &args.command {
        AuthOrderCommand::Get(args) => get(args, context),
        AuthOrderCommand::Set(args) => set(args, context),
        AuthOrderCommand::Clear(args) => clear(args, context),
    }
}

/// Whose order, with everything that tells about it.
struct Subject<'a> {
    context: &'a Context,
    config: &'a ReadConfig,
    names: &'a Names<'a>,
    place: AgentPlace<'a>,
    provider: ProviderId,
    as_json: bool,
}

impl<'a> Subject<'a> {
    fn of(
        args: &AuthOrderProviderArgs,
        context: &'a Context,
        config: &'a ReadConfig,
        names: &'a Names<'a>,
    ) -> Result<Self, Failed> {
        Ok(Self {
            place: AgentPlace::of(context, config, &args.scope.agent)?,
            provider: provider_named(names, &args.provider)?,
            context,
            config,
            names,
            as_json: args.scope.json,
        })
    }

    /// Returns what the agent's own file says.
    fn own(&self) -> Option<Vec<ProfileId>> {
        let (mut state, warning) = ProfileState::load(self.place.usage.path());
        if let Some(warning) = warning {
            self.context.out.warn(warning.to_string());
        }
        state.order.remove(&self.provider)
    }

    /// Returns the order that is followed where the agent has none of its own, and where it is.
    fn inherited(&self, stores: &AgentStores) -> Option<(Vec<ProfileId>, String)> {
        let stored = stores.state().order.get(&self.provider);
        if let Some(order) = stored {
            return Some((order.clone(), "agent main, or an older store".to_owned()));
        }
        let order = self.config.settings.auth.order_of(&self.provider)?;
        let file = self.place.shown(self.config.store.path());
        Some((
            order.to_vec(),
            format!("`auth.order.{}` in {file}", self.provider),
        ))
    }

    fn show(&self, changed: bool) {
        let stores = self.place.stores();
        let own = self.own();
        let inherited = own.is_none().then(|| self.inherited(&stores)).flatten();
        if self.as_json {
            let mut value = json!({
                "agentId": self.place.agent.as_str(),
                "agentDir": self.place.folder,
                "provider": self.provider.as_str(),
                "authStatePath": self.place.usage.path(),
                "order": own.as_deref().map(texts),
                "inherited": inherited.map(|(order, from)| json!({"order": texts(&order), "from": from})),
            });
            if let (true, Some(members)) = (changed, value.as_object_mut()) {
                members.insert("ok".to_owned(), Value::Bool(true));
            }
            self.context.out.with_json(true).json(&value);
            return;
        }
        let place = format!(
            "{}, agent {}",
            self.place.shown(self.place.usage.path()),
            self.place.agent
        );
        let out = self.context.out;
        match (own, inherited) {
            (Some(order), _) => out.line(format!(
                "Order of {}: {} in {place}",
                self.provider,
                texts(&order).join(", ")
            )),
            (None, Some((order, from))) => out.line(format!(
                "Order of {}: none in {place}; {} from {from}",
                self.provider,
                texts(&order).join(", ")
            )),
            (None, None) => out.line(format!(
                "Order of {}: none in {place}; logins come before tokens, tokens before keys",
                self.provider
            )),
        }
    }
}

fn texts(order: &[ProfileId]) -> Vec<&str> {
    order.iter().map(ProfileId::as_str).collect()
}

fn get(args: &AuthOrderProviderArgs, context: &Context) -> Done {
    let config = context.config()?;
    let names = Names::of(context, &config)?;
    Subject::of(args, context, &config, &names)?.show(false);
    Ok(Exit::Ok)
}

fn set(args: &AuthOrderSetArgs, context: &Context) -> Done {
    let config = context.config()?;
    let names = Names::of(context, &config)?;
    let subject = Subject::of(&args.target, context, &config, &names)?;
    let stores = subject.place.stores();
    let mut order: Vec<ProfileId> = Vec::new();
    for text in &args.profiles {
        let id = checked(text, &subject, &stores)?;
        if !order.contains(&id) {
            order.push(id);
        }
    }
    subject.place.must_be_writable()?;
    subject
        .place
        .usage
        .set_order(&subject.provider, Some(&order))?;
    subject.show(true);
    Ok(Exit::Ok)
}

fn clear(args: &AuthOrderProviderArgs, context: &Context) -> Done {
    let config = context.config()?;
    let names = Names::of(context, &config)?;
    let subject = Subject::of(args, context, &config, &names)?;
    if subject.own().is_some() {
        subject.place.must_be_writable()?;
        subject.place.usage.set_order(&subject.provider, None)?;
    }
    subject.show(true);
    Ok(Exit::Ok)
}

/// Returns the profile, which must be stored and be one of the provider: others would never be tried.
fn checked(text: &str, subject: &Subject<'_>, stores: &AgentStores) -> Result<ProfileId, Failed> {
    let id = ProfileId::new(text)?;
    let found = stores
        .find(&id)
        .ok_or_else(|| no_such_profile(&id, stores, &subject.place))?;
    let owner = &found.profile.provider;
    if subject.names.is_same_service(&subject.provider, owner) {
        return Ok(id);
    }
    Err(
        Failed::new(format!("`{id}` belongs to provider `{owner}`")).hint(format!(
            "`openclaw models auth list --provider {}` shows what can be ordered",
            subject.provider
        )),
    )
}
