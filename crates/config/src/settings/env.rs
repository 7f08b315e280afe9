//! `env`: variables that the config adds to the environment.

use serde_json::Value;

use super::reader::{Reader, Section};
use crate::secret::Hidden;

/// `env`.
#[derive(Debug, Clone, Default)]
pub struct EnvSettings {
    /// The variables of `env.vars`, and those directly under `env`, which older versions allowed.
    pub vars: Vec<(String, Hidden)>,
    /// `shellEnv.enabled`: whether the login shell is asked for more.
    pub shell_env: Option<bool>,
    /// `shellEnv.timeoutMs`: how long its answer is waited for, 1 to 600000.
    pub shell_env_timeout_ms: Option<u64>,
}

impl EnvSettings {
    pub(super) fn read(reader: &mut Reader<'_>, section: &Section<'_>) -> Self {
        let mut settings = Self::default();
        if let Some(vars) = reader.section(section, "vars") {
            settings.add(reader, &vars);
        }
        if let Some(shell) = reader.section(section, "shellEnv") {
            settings.shell_env = reader.flag(&shell, "enabled");
            settings.shell_env_timeout_ms = reader.whole(&shell, "timeoutMs", 1..=600_000);
        }
        settings.add(reader, section);
        settings
    }

    fn add(&mut self, reader: &mut Reader<'_>, section: &Section<'_>) {
        let direct = section.path.segments().len() == 1;
        for (name, value) in section.members {
            match value {
                Value::Object(_) if direct && matches!(name.as_str(), "vars" | "shellEnv") => {}
                Value::String(text) => {
                    if !self.vars.iter().any(|(known, _)| known == name) {
                        self.vars.push((name.clone(), Hidden::new(text)));
                    }
                }
                Value::Null => {}
                _ if direct && matches!(name.as_str(), "vars" | "shellEnv") => {}
                _ => reader.error(
                    section.path.key(name),
                    "the value of a variable must be a text",
                    None,
                ),
            }
        }
    }
}
