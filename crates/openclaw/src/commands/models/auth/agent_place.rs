//! The agent whose credentials are meant, and where it keeps them.

use std::path::{Path, PathBuf};

use config::{AgentId, ProviderId};
use credentials::{AgentStores, ProfileStore, Resolver, UsageFile, Warning};

use crate::commands::models::names::Names;
use crate::context::{Context, ReadConfig};
use crate::failed::Failed;

/// An agent and its files.
pub(super) struct AgentPlace<'a> {
    context: &'a Context,
    pub(super) agent: AgentId,
    pub(super) folder: PathBuf,
    pub(super) store: ProfileStore,
    pub(super) usage: UsageFile,
}

impl<'a> AgentPlace<'a> {
    /// Finds the agent: `main`, one that the config names, or one that has a folder.
    pub(super) fn of(
        context: &'a Context,
        config: &ReadConfig,
        agent: &str,
    ) -> Result<Self, Failed> {
        let agent = AgentId::new(agent)?;
        let folder = context.home.agent_dir(&agent);
        let listed: Vec<&str> = config
            .settings
            .agents
            .entries
            .iter()
            .map(|entry| entry.id.as_str())
            .collect();
        let is_known =
            agent == AgentId::main() || listed.contains(&agent.as_str()) || folder.is_dir();
        if !is_known {
            return Err(no_such_agent(&agent, &listed));
        }
        Ok(Self {
            store: ProfileStore::of_agent(&context.home, &agent),
            usage: UsageFile::of_agent(&context.home, &agent),
            context,
            agent,
            folder,
        })
    }

    /// Returns every store that the agent reads.
    pub(super) fn stores(&self) -> AgentStores {
        AgentStores::load(&self.context.home, &self.agent)
    }

    /// Returns what finds the agent's credentials.
    pub(super) fn resolver<'r>(
        &'r self,
        config: &'r ReadConfig,
        catalog: &'r catalog::Catalog,
    ) -> Resolver<'r> {
        Resolver::new(
            &self.context.home,
            &config.environment,
            &config.settings,
            catalog,
            &self.agent,
        )
    }

    /// Refuses where the environment forbids every write to the store.
    pub(super) fn must_be_writable(&self) -> Result<(), Failed> {
        let name = config::env_var::AUTH_STORE_READONLY;
        if !self.context.environment.is_on(name) {
            return Ok(());
        }
        Err(Failed::new(format!(
            "{name} forbids every write to {}",
            self.shown(self.store.path())
        ))
        .hint(format!("unset {name}; nothing was written")))
    }

    /// Says that the coming write takes the store away from other users of the machine.
    pub(super) fn say_if_others_can_read(&self) {
        let warnings = self
            .store
            .load()
            .ok()
            .flatten()
            .map(|stored| stored.warnings);
        for warning in warnings.iter().flatten() {
            if let Warning::LooseMode { path, mode } = warning {
                self.context.out.warn(format!(
                    "other users could read {} (mode {mode:04o}); writing it makes that 0600",
                    self.shown(path)
                ));
            }
        }
    }

    /// Writes a path for people.
    pub(super) fn shown(&self, path: &Path) -> String {
        self.context.home.display(path)
    }

    /// Returns where a new credential is written, for people: file and agent.
    pub(super) fn described(&self) -> String {
        format!("{}, agent {}", self.shown(self.store.path()), self.agent)
    }
}

/// Returns the provider that a person names: one of the config or of the catalog, under the name that was typed.
pub(super) fn provider_named(names: &Names<'_>, text: &str) -> Result<ProviderId, Failed> {
    let id = ProviderId::new(text)?;
    let is_known =
        names.block(id.as_str()).is_some() || names.catalog.provider(id.as_str()).is_some();
    if is_known {
        return Ok(id);
    }
    let aliases = names
        .catalog
        .providers()
        .iter()
        .flat_map(|provider| provider.aliases.iter().map(String::as_str));
    let known: Vec<&str> = names.provider_ids();
    let near = catalog::nearest(id.as_str(), known.iter().copied().chain(aliases), 1);
    let suggestion = near
        .first()
        .map(|id| format!("did you mean `{id}`? "))
        .unwrap_or_default();
    Err(Failed::new(format!("there is no provider `{id}`"))
        .hint(format!("{suggestion}known are {}", known.join(", "))))
}

fn no_such_agent(agent: &AgentId, listed: &[&str]) -> Failed {
    let known: Vec<&str> = std::iter::once("main")
        .chain(listed.iter().copied().filter(|id| *id != "main"))
        .collect();
    let near = catalog::nearest(agent.as_str(), known.iter().copied(), 1);
    let suggestion = near
        .first()
        .map(|id| format!("did you mean `{id}`? "))
        .unwrap_or_default();
    Failed::new(format!("there is no agent `{agent}`"))
        .hint(format!("{suggestion}known are {}", known.join(", ")))
}
