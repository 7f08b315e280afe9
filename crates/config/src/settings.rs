//! What the config means: a typed view of the parts the product uses.
//!
//! Reading is lenient. A value of the wrong kind is reported as a [`Problem`] and counts as unset, a provider with a
//! problem is marked and the others stay usable, and everything that is not listed here is left alone: the file belongs
//! to the person and to newer versions of the program as much as to this one.

mod agents;
mod auth;
mod env;
mod gateway;
mod known_keys;
mod logging;
mod models;
mod plugins;
mod problem;
mod reader;

use serde_json::Value;

pub use agents::{AgentDefaults, AgentEntry, AgentModel, AgentsSettings, ModelChoice};
pub use auth::{AuthMode, AuthProfile, AuthSettings};
pub use env::EnvSettings;
pub use gateway::{Bind, GatewayAuth, GatewayAuthMode, GatewayMode, GatewaySettings};
pub use logging::{LogLevel, LoggingSettings};
pub use models::{Cost, ModelRow, ModelsMode, ModelsSettings, Opaque, ProviderSettings};
pub use plugins::PluginEntry;
pub use problem::{Problem, Severity};

use crate::text::ConfigText;
use reader::{Reader, Section};

/// The config, read.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// `gateway`.
    pub gateway: GatewaySettings,
    /// `models`.
    pub models: ModelsSettings,
    /// `agents`.
    pub agents: AgentsSettings,
    /// `auth`.
    pub auth: AuthSettings,
    /// `env`.
    pub env: EnvSettings,
    /// `logging`.
    pub logging: LoggingSettings,
    /// `plugins.entries`, in file order.
    pub plugins: Vec<PluginEntry>,
    /// `routing`, which only this program has; its reader is the router.
    pub routing: Option<Value>,
}

impl Settings {
    /// Reads the settings and everything that is wrong with them, ordered by line.
    pub fn read(text: &ConfigText) -> (Self, Vec<Problem>) {
        let mut reader = Reader::new(text);
        let settings = match Section::root(text) {
            Some(root) => Self::read_root(&mut reader, &root),
            None => Self::default(),
        };
        known_keys::check(&mut reader);
        (settings, reader.into_problems())
    }

    fn read_root(reader: &mut Reader<'_>, root: &Section<'_>) -> Self {
        Self {
            gateway: reader.part(root, "gateway", GatewaySettings::read),
            models: reader.part(root, "models", ModelsSettings::read),
            agents: reader.part(root, "agents", AgentsSettings::read),
            auth: reader.part(root, "auth", AuthSettings::read),
            env: reader.part(root, "env", EnvSettings::read),
            logging: reader.part(root, "logging", LoggingSettings::read),
            plugins: reader.part(root, "plugins", plugins::read),
            routing: root.value("routing").cloned(),
        }
    }
}
