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
mod legacy;
mod logging;
mod models;
mod plugins;
mod problem;
mod reader;
mod routing;
mod schema;
mod secrets;

pub use agents::{AgentDefaults, AgentEntry, AgentModel, AgentsSettings, ModelChoice};
pub use auth::{AuthMode, AuthProfile, AuthSettings};
pub use env::EnvSettings;
pub use gateway::{Bind, GatewayAuth, GatewayAuthMode, GatewayMode, GatewaySettings, ReloadMode};
pub use legacy::{LegacyMove, legacy_moves};
pub use logging::{LogLevel, LoggingSettings};
pub use models::{Cost, ModelRow, ModelsMode, ModelsSettings, Opaque, ProviderSettings};
pub use plugins::PluginEntry;
pub use problem::{Problem, Severity};
pub use schema::json_schema;
pub use secrets::{
    ExecPlace, FileMode, FilePlace, ReferenceProblem, SecretPlace, SecretProvider, SecretsSettings,
};

use serde_json::Value;

use crate::include;
use crate::secret;
use crate::text::ConfigText;
pub use routing::RoutingSettings;

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
    /// `secrets`.
    pub secrets: SecretsSettings,
    /// `plugins.entries`, in file order.
    pub plugins: Vec<PluginEntry>,
    /// Names of variables that texts and secret references of the config refer to.
    pub variables: Vec<String>,
    /// `routing`.
    pub routing: RoutingSettings,
}

impl Settings {
    /// Reads the settings and everything that is wrong with them, ordered by line.
    pub fn read(text: &ConfigText) -> (Self, Vec<Problem>) {
        let resolved = include::resolve(text);
        let value = resolved.value(text);
        let mut reader = Reader::new(text, &resolved);
        let mut settings = match Section::root(value) {
            Some(root) => Self::read_root(&mut reader, &root),
            None => Self::default(),
        };
        collect_variables(value, &mut settings.variables);
        for problem in &resolved.problems {
            reader.error(problem.path.clone(), problem.message.clone(), None);
        }
        let references = reader.take_references();
        settings.secrets.check_references(&mut reader, references);
        known_keys::check(&mut reader, value);
        legacy::check(&mut reader);
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
            secrets: reader.part(root, "secrets", SecretsSettings::read),
            plugins: reader.part(root, "plugins", plugins::read),
            variables: Vec::new(),
            routing: reader.part(root, "routing", RoutingSettings::read),
        }
    }
}

/// Collects the names in `${NAME}` and in references to variables, each once, in file order.
fn collect_variables(value: &Value, names: &mut Vec<String>) {
    let mut add = |name: &str| {
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    };
    match value {
        Value::String(text) => secret::names_in(text).for_each(add),
        Value::Array(items) => items.iter().for_each(|item| collect_variables(item, names)),
        Value::Object(members) => {
            let is_env = members.get("source").and_then(Value::as_str) == Some("env");
            if let (true, Some(id)) = (is_env, members.get("id").and_then(Value::as_str)) {
                add(id);
            }
            members
                .values()
                .for_each(|member| collect_variables(member, names));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Returns every path that a reading of the text asked for.
#[cfg(test)]
fn asked_for(text: &ConfigText) -> Vec<crate::value_path::ValuePath> {
    let resolved = include::resolve(text);
    let reader = &mut Reader::new(text, &resolved);
    if let Some(root) = Section::root(text.value()) {
        Settings::read_root(reader, &root);
    }
    reader.asked.take()
}
