//! What the checks look at. Read once; what costs time is read when the first check asks for it.

use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use catalog::{CalendarDay, Catalog};
use config::{AgentId, Settings, ValuePath};
use credentials::{AgentStores, Resolver};
use providers::Directory;
use serde_json::Value;

use crate::context::{Context, ReadConfig, now_ms};
use crate::failed::Failed;
use crate::gateway_client::GatewayClient;
use crate::retired::Retired;

/// How long the gateway may take to say that it is there; a port that refuses answers at once.
const GATEWAY_WAIT: Duration = Duration::from_secs(2);

/// A home and how it is looked at.
pub(crate) struct Situation<'a> {
    pub(crate) context: &'a Context,
    pub(crate) catalog: Arc<Catalog>,
    /// The config, or why it cannot be read.
    pub(crate) config: Result<ReadConfig, config::Error>,
    pub(crate) today: CalendarDay,
    pub(crate) now_ms: u64,
    /// Whether hosts may be asked.
    pub(crate) deep: bool,
    stores: OnceLock<AgentStores>,
    gateway: OnceLock<Option<Value>>,
    answers: OnceLock<Vec<super::checks::hosts::Answer>>,
}

impl<'a> Situation<'a> {
    /// Reads the home; a config that cannot be read is a finding, not a failure.
    pub(crate) fn read(context: &'a Context, deep: bool) -> Result<Self, Failed> {
        Ok(Self {
            context,
            catalog: context.catalog()?,
            config: context.try_config()?,
            today: today(),
            now_ms: now_ms(),
            deep,
            stores: OnceLock::new(),
            gateway: OnceLock::new(),
            answers: OnceLock::new(),
        })
    }

    /// Returns the config, when it can be read.
    pub(crate) fn config(&self) -> Option<&ReadConfig> {
        self.config.as_ref().ok()
    }

    /// Returns the settings; those of an empty config when it cannot be read.
    pub(crate) fn settings(&self) -> Settings {
        self.config()
            .map(|config| config.settings.clone())
            .unwrap_or_default()
    }

    /// Returns the config file.
    pub(crate) fn config_path(&self) -> &Path {
        self.context.home.config_path()
    }

    /// Returns the value of the config with included files in place.
    pub(crate) fn value(&self) -> Value {
        self.config()
            .map_or(Value::Null, |config| config.text.effective_value())
    }

    /// Returns line and column of a value of the config.
    pub(crate) fn place(&self, path: &ValuePath) -> Option<(usize, usize)> {
        let location = self.config()?.text.locate(path)?;
        Some((location.line, location.column))
    }

    /// Returns the stores of the main agent.
    pub(crate) fn stores(&self) -> &AgentStores {
        self.stores
            .get_or_init(|| AgentStores::load(&self.context.home, &AgentId::main()))
    }

    /// Returns what finds credentials.
    pub(crate) fn resolver(&self) -> Option<Resolver<'_>> {
        Some(self.context.resolver(self.config()?, &self.catalog))
    }

    /// Returns what exists and how it is reached.
    pub(crate) fn directory(&self) -> Option<Directory> {
        self.context.directory(self.config()?).ok()
    }

    /// Returns what has been retired.
    pub(crate) fn retired(&self) -> Retired {
        Retired::by(&self.catalog, &self.settings(), self.today)
    }

    /// Returns the view of the running gateway, when one answers.
    pub(crate) fn gateway(&self) -> Option<&Value> {
        let ask = || {
            let client = GatewayClient::new(self.context, self.config()?);
            let runtime = crate::runtime::single().ok()?;
            runtime.block_on(client.status(GATEWAY_WAIT)).ok()
        };
        self.gateway.get_or_init(ask).as_ref()
    }

    /// Returns what the hosts said about each credential in use; empty unless they may be asked.
    pub(super) fn answers(&self) -> &[super::checks::hosts::Answer] {
        self.answers.get_or_init(|| {
            if self.deep {
                super::checks::hosts::ask(self)
            } else {
                Vec::new()
            }
        })
    }

    /// Returns a path as people read it.
    pub(crate) fn shown(&self, path: &Path) -> String {
        self.context.home.display(path)
    }
}

/// Returns the day, in UTC.
pub(crate) fn today() -> CalendarDay {
    let text = jiff::Timestamp::now().to_string();
    text.get(..10)
        .and_then(|day| day.parse().ok())
        .unwrap_or(CalendarDay::FIRST)
}
