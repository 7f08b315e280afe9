//! All stores that an agent reads: its own, then those of the agent `main`.
//!
//! Each generation of `OpenClaw` kept credentials elsewhere and did not read the place before. Here every place is read,
//! and for a profile id the first place that has it wins:
//!
//! 1. `auth-profiles.json` of the agent, the only one that this program writes;
//! 2. `openclaw-agent.sqlite` of the agent;
//! 3. `auth.json` of the agent;
//! 4. the same three of the agent `main`;
//! 5. `state/openclaw.sqlite`, shared by all agents;
//! 6. `credentials/oauth.json`, shared by all agents.

use std::path::{Path, PathBuf};

use config::{AgentId, Home, ProfileId};

use crate::error::{Error, one_line};
use crate::legacy_import;
use crate::profile::Profile;
use crate::profile_state::{self, ProfileState};
use crate::profile_store::ProfileStore;
use crate::source::Provenance;
use crate::sqlite_store::{self, Layout};
use crate::store::{Origin, StoredProfiles, Warning};

/// The name of an agent's database.
const AGENT_DATABASE: &str = "openclaw-agent.sqlite";

/// The place of the shared database below the state folder.
const SHARED_DATABASE: &str = "state/openclaw.sqlite";

/// The profiles that one agent sees, with the places they come from.
#[derive(Debug, Clone, Default)]
pub struct AgentStores {
    layers: Vec<Layer>,
    state: ProfileState,
    warnings: Vec<Warning>,
}

/// One store and the agent it belongs to.
#[derive(Debug, Clone)]
struct Layer {
    agent: AgentId,
    stored: StoredProfiles,
}

/// A profile and the place it comes from.
#[derive(Debug, Clone, Copy)]
pub struct Found<'a> {
    /// The profile.
    pub profile: &'a Profile,
    layer: &'a Layer,
}

impl Found<'_> {
    /// Returns where the profile was found.
    pub fn provenance(&self) -> Provenance {
        Provenance::Profile {
            id: self.profile.id.clone(),
            store: self.layer.stored.origin.clone(),
            agent: self.layer.agent.clone(),
        }
    }

    /// Returns the agent that owns the store.
    pub(crate) fn agent(&self) -> &AgentId {
        &self.layer.agent
    }

    /// Returns the store that holds the profile.
    pub(crate) fn origin(&self) -> &Origin {
        &self.layer.stored.origin
    }

    /// Returns the path of the store that holds the profile.
    pub fn path(&self) -> &Path {
        self.layer.stored.origin.path()
    }
}

impl AgentStores {
    /// Reads every store of the agent.
    ///
    /// A broken store does not hide the others: it becomes a [`Warning::UnreadableStore`].
    pub fn load(home: &Home, agent: &AgentId) -> Self {
        let mut stores = Self::default();
        stores.add_agent(home, agent);
        let main = AgentId::main();
        if *agent != main {
            stores.add_agent(home, &main);
        }
        let shared = home.state_dir().join(SHARED_DATABASE);
        stores.add(&main, &shared, sqlite_store::read(&shared, Layout::Shared));
        let logins = home.state_dir().join(legacy_import::LOGINS_FILE);
        stores.add(&main, &logins, legacy_import::read(&logins));
        stores
    }

    /// Returns the profile of this id that wins.
    pub fn find(&self, id: &ProfileId) -> Option<Found<'_>> {
        self.all().find(|found| found.profile.id == *id)
    }

    /// Returns the profiles that win, in the order of the stores.
    pub fn winners(&self) -> impl Iterator<Item = Found<'_>> {
        self.all().filter(|found| self.winner_over(found).is_none())
    }

    /// Returns the profiles that another store hides, each with the path of that store.
    pub fn shadowed(&self) -> impl Iterator<Item = (Found<'_>, PathBuf)> {
        self.all()
            .filter_map(|found| Some((found, self.winner_over(&found)?.path().to_owned())))
    }

    /// Returns orders and statistics; those of the agent itself win over those of `main`.
    pub fn state(&self) -> &ProfileState {
        &self.state
    }

    /// Returns what a person should know about the stores.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    fn all(&self) -> impl Iterator<Item = Found<'_>> {
        self.layers.iter().flat_map(|layer| {
            layer
                .stored
                .profiles
                .iter()
                .map(move |profile| Found { profile, layer })
        })
    }

    fn winner_over(&self, found: &Found<'_>) -> Option<Found<'_>> {
        self.find(&found.profile.id)
            .filter(|winner| !std::ptr::eq(winner.profile, found.profile))
    }

    fn add_agent(&mut self, home: &Home, agent: &AgentId) {
        let folder = home.agent_dir(agent);
        let (state, warning) = ProfileState::load(&folder.join(profile_state::FILE_NAME));
        self.merge_state(state);
        self.warnings.extend(warning);
        let store = ProfileStore::of_agent(home, agent);
        self.add(agent, store.path(), store.load());
        let database = folder.join(AGENT_DATABASE);
        self.add(
            agent,
            &database,
            sqlite_store::read(&database, Layout::Agent),
        );
        let flat = folder.join(legacy_import::AGENT_FILE);
        self.add(agent, &flat, legacy_import::read(&flat));
    }

    fn add(&mut self, agent: &AgentId, path: &Path, read: Result<Option<StoredProfiles>, Error>) {
        match read {
            Ok(None) => {}
            Ok(Some(mut stored)) => {
                self.warnings.append(&mut stored.warnings);
                self.merge_state(std::mem::take(&mut stored.state));
                self.layers.push(Layer {
                    agent: agent.clone(),
                    stored,
                });
            }
            Err(error) => self.warnings.push(Warning::UnreadableStore {
                path: path.to_owned(),
                problem: one_line(&error),
                hint: error.hint(),
            }),
        }
    }

    fn merge_state(&mut self, below: ProfileState) {
        self.state = std::mem::take(&mut self.state).over(below);
    }
}
