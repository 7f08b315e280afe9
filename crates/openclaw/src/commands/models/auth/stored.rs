//! Writes one profile: the entry of `auth.profiles` is planned first, then the secret is stored, then the config
//! changes. Killed in between, the home is the old one with one profile more.

use config::{Edit, ProfileId, ProviderId, ValuePath};
use credentials::{Kind, Profile};
use serde_json::{Value, json};

use super::agent_place::AgentPlace;
use crate::config_change::ConfigChange;
use crate::context::{Context, ReadConfig};
use crate::failed::Failed;

/// A profile on its way into a store.
pub(super) struct NewProfile<'a> {
    pub(super) profile: Profile,
    pub(super) place: &'a AgentPlace<'a>,
    pub(super) config: &'a ReadConfig,
    /// Words of the command, for the audit log.
    pub(super) words: &'a [&'a str],
    /// Further edits of the config, in the same write.
    pub(super) edits: Vec<Edit>,
}

/// What a write did.
#[derive(Debug)]
pub(super) struct Stored {
    /// Whether a profile of this name was there before.
    pub(super) replaced: bool,
    /// What keeps the new profile from being used, or from being used first.
    pub(super) warnings: Vec<String>,
}

impl NewProfile<'_> {
    /// Stores the profile and lists it in the config; on a failure of the second, the store is put back.
    pub(super) fn store(mut self, context: &Context) -> Result<Stored, Failed> {
        self.place.must_be_writable()?;
        self.place.say_if_others_can_read();
        let profile = &self.profile;
        let listed = listing(self.config, &profile.id, &profile.provider, profile.kind());
        let mut edits: Vec<Edit> = listed.into_iter().collect();
        edits.append(&mut self.edits);
        let change = ConfigChange::plan(self.config, &edits)?;
        let store = &self.place.store;
        let previous = store.upsert(profile)?;
        if !edits.is_empty()
            && let Err(failed) = change.apply(context, self.words)
        {
            let undone = match &previous {
                Some(previous) => store.upsert(previous).map(drop),
                None => store.remove(&profile.id).map(drop),
            };
            if let Err(error) = undone {
                let said = Failed::from(error).message;
                context
                    .out
                    .warn(format!("the profile could not be put back: {said}"));
            }
            return Err(failed);
        }
        Ok(Stored {
            replaced: previous.is_some(),
            warnings: self.hindrances(),
        })
    }

    /// Returns what an order does to the profile: those that an order leaves out are never tried.
    fn hindrances(&self) -> Vec<String> {
        let (id, provider) = (&self.profile.id, &self.profile.provider);
        let stores = self.place.stores();
        let of_agent = stores.state().order.get(provider).map(Vec::as_slice);
        let order = of_agent.or_else(|| self.config.settings.auth.order_of(provider));
        let Some(order) = order.filter(|order| !order.is_empty() && !order.contains(id)) else {
            return Vec::new();
        };
        let all: Vec<&str> = order.iter().chain([id]).map(ProfileId::as_str).collect();
        vec![format!(
            "the order of `{provider}` leaves `{id}` out, so it is not tried; `openclaw models auth order set --provider {provider} {}` adds it",
            all.join(" ")
        )]
    }
}

/// Returns the edit that lists a profile in the config, unless it is listed so already.
fn listing(config: &ReadConfig, id: &ProfileId, provider: &ProviderId, kind: Kind) -> Option<Edit> {
    let path = ValuePath::of(["auth", "profiles", id.as_str()]);
    let entry = config.text.get(&path);
    let field = |name: &str| {
        entry
            .and_then(|entry| entry.get(name))
            .and_then(Value::as_str)
    };
    let mode = field("mode").map(|mode| mode.replace('-', "_"));
    if field("provider") == Some(provider.as_str()) && mode.as_deref() == Some(kind.as_str()) {
        return None;
    }
    let value = json!({"provider": provider.as_str(), "mode": kind.as_str()});
    Some(Edit::Set { path, value })
}
