//! Finds the credentials of a provider, in the order in which they are tried.
//!
//! 1. Stored profiles: in the order that the agent or the config names, else those that `auth.profiles` lists, else all
//!    of the provider; without a named order logins come before tokens and tokens before keys.
//! 2. Variables, by the order of names that the catalog gives, wherever each was set.
//! 3. `models.providers.<id>.apiKey` of the config.
//!
//! Wherever a key may stand, a reference to a variable, a file, a program or the keyring may stand too.
//!
//! A credential is used only for the provider it belongs to; [`scope`] says which ids mean the same provider.

mod config_key;
mod profiles;
mod scope;
mod variables;

use catalog::Catalog;
use config::{AgentId, Environment, Home, ProviderId, Settings};

use crate::agent_stores::AgentStores;
use crate::profile::Kind;
use crate::profile_store::ProfileStore;
use crate::qwen_cli;
use crate::secret::Secret;
use crate::secret_reference::{Programs, References};
use crate::source::{Candidate, Provenance, Resolution, Searched, SkipReason, Skipped, Unusable};
use crate::store::Warning;

use self::scope::Scope;

/// Prefixes that only `DashScope` keys have, so that the portal must never see them.
const DASHSCOPE_ONLY_PREFIXES: [&str; 2] = ["sk-sp-", "sk-ws-"];

/// Finds credentials for one agent; it reads the stores once, when it is made.
#[derive(Debug, Clone)]
pub struct Resolver<'a> {
    home: &'a Home,
    environment: &'a Environment,
    settings: &'a Settings,
    catalog: &'a Catalog,
    agent: AgentId,
    stores: AgentStores,
    programs: Programs,
}

impl<'a> Resolver<'a> {
    /// Reads the stores of the agent; a broken store becomes a warning of every resolution.
    pub fn new(
        home: &'a Home,
        environment: &'a Environment,
        settings: &'a Settings,
        catalog: &'a Catalog,
        agent: &AgentId,
    ) -> Self {
        Self {
            home,
            environment,
            settings,
            catalog,
            agent: agent.clone(),
            stores: AgentStores::load(home, agent),
            programs: Programs::Run,
        }
    }

    /// Decides whether programs that give secrets are started, which is so unless something else is said.
    #[must_use]
    pub fn with_programs(mut self, programs: Programs) -> Self {
        self.programs = programs;
        self
    }

    /// Returns what follows the references of the config.
    pub fn references(&self) -> References<'a> {
        References::new(
            self.home,
            self.environment,
            &self.settings.secrets,
            self.programs,
        )
    }

    /// Returns the stores that were read.
    pub fn stores(&self) -> &AgentStores {
        &self.stores
    }

    /// Returns every credential of the provider, best first, and what is not tried and why.
    ///
    /// `provider` may be an alias. `now_ms` is the time in milliseconds since 1970 UTC.
    pub fn candidates(&self, provider: &ProviderId, now_ms: u64) -> Resolution {
        let scope = Scope::of(provider, self.settings, self.environment, self.catalog);
        let mut resolution = Resolution {
            provider: provider.clone(),
            searched: Searched {
                agent: self.agent.clone(),
                store: ProfileStore::of_agent(self.home, &self.agent)
                    .path()
                    .to_owned(),
                variables: scope.variables().map(str::to_owned).collect(),
            },
            candidates: Vec::new(),
            is_ordered: false,
            skipped: Vec::new(),
            warnings: self.stores.warnings().to_vec(),
        };
        self.add_profiles(&scope, now_ms, &mut resolution);
        self.add_variables(&scope, &mut resolution);
        self.add_config_keys(&scope, now_ms, &mut resolution);
        self.add_foreign_login(&scope, &mut resolution);
        resolution
    }

    /// Mentions the login of Qwen Code where a portal credential is looked for.
    fn add_foreign_login(&self, scope: &Scope<'_>, resolution: &mut Resolution) {
        if !scope.is_portal() {
            return;
        }
        let path = qwen_cli::login_path(self.home);
        match qwen_cli::read_login(&path) {
            Ok(None) => {}
            Ok(Some(login)) => {
                resolution.warnings.extend(login.warning);
                resolution
                    .skipped
                    .push(skipped(Provenance::Foreign { path }, SkipReason::Foreign));
            }
            Err(error) => resolution.warnings.push(Warning::UnreadableStore {
                path,
                problem: crate::error::one_line(&error),
                hint: None,
            }),
        }
    }
}

/// Makes a candidate, after a last look at whether its secret may be sent to the provider at all.
fn candidate(
    scope: &Scope<'_>,
    kind: Kind,
    provenance: Provenance,
    secret: Result<Secret, Unusable>,
) -> Candidate {
    let secret = secret.and_then(|secret| match problem_of(scope, &secret) {
        Some(problem) => Err(problem),
        None => Ok(secret),
    });
    Candidate {
        label: provenance.label(),
        kind,
        provenance,
        reference: None,
        secret,
        expires_at_ms: None,
        caution: None,
    }
}

fn problem_of(scope: &Scope<'_>, secret: &Secret) -> Option<Unusable> {
    if let Some(reason) = secret.placeholder_reason() {
        return Some(Unusable::Placeholder { reason });
    }
    let sendable = |byte: u8| byte.is_ascii_graphic() || byte == b' ';
    if secret.expose().is_empty() || !secret.expose().bytes().all(sendable) {
        return Some(Unusable::Unsendable);
    }
    let prefix = secret.family_prefix();
    let is_misdirected = scope.is_portal() && DASHSCOPE_ONLY_PREFIXES.contains(&prefix);
    is_misdirected.then_some(Unusable::WrongFamily { prefix })
}

fn skipped(provenance: Provenance, reason: SkipReason) -> Skipped {
    Skipped {
        label: provenance.label(),
        provenance: Some(provenance),
        reason,
    }
}
