//! What is said after a login was made.

use std::path::PathBuf;

use config::{AgentId, ProfileId};
use serde_json::json;

use super::screen::event_line;
use super::{Desk, models_json};
use crate::commands::models::auth::state::moment;
use crate::context::{Context, now_ms};
use crate::failed::Failed;
use crate::output::Output;

/// What was written.
pub(super) struct Report {
    pub(super) profile: ProfileId,
    /// Store file and agent, for people.
    pub(super) place: String,
    pub(super) agent: AgentId,
    pub(super) store_path: PathBuf,
    pub(super) config_path: PathBuf,
    /// The agent's `models.json`, when it was written.
    pub(super) models_path: Option<PathBuf>,
    pub(super) expires_at_ms: Option<u64>,
    pub(super) base_url: String,
    pub(super) default_model: Option<String>,
    pub(super) warnings: Vec<String>,
}

impl Report {
    /// Writes the generated list of the agent's models; only the original program needs it, so a failure is a warning.
    pub(super) fn finish(&mut self, desk: &Desk<'_>) {
        match models_json::write(&desk.place.folder, desk.catalog, &self.base_url) {
            Ok(path) => self.models_path = Some(path),
            Err(failed) => self.warnings.push(failed.message),
        }
    }

    pub(super) fn print(&self, context: &Context, as_json: bool) {
        let out = context.out;
        for warning in &self.warnings {
            out.warn(warning);
        }
        if as_json {
            event_line(
                out,
                &json!({
                    "event": "done",
                    "profileId": self.profile.as_str(),
                    "provider": super::PROVIDER,
                    "type": "oauth",
                    "agentId": self.agent.as_str(),
                    "authStorePath": self.store_path,
                    "configPath": self.config_path,
                    "modelsJsonPath": self.models_path,
                    "expiresAt": self.expires_at_ms,
                    "baseUrl": self.base_url,
                    "defaultModel": self.default_model,
                    "warnings": self.warnings,
                }),
            );
            return;
        }
        let ending = self.expires_at_ms.map_or_else(String::new, |at_ms| {
            format!(", token good until {}", moment(at_ms, now_ms()))
        });
        out.line(format!(
            "Auth profile: {} ({}/oauth){ending} in {}",
            self.profile,
            super::PROVIDER,
            self.place
        ));
        if let Some(model) = &self.default_model {
            out.line(format!("Default model set to {model}"));
        }
        out.note(
            "Tokens are renewed ahead of their end while the gateway runs, and on use otherwise.",
        );
        out.note(format!(
            "Requests go to {}; `models.providers.{}.baseUrl` changes that.",
            self.base_url,
            super::PROVIDER
        ));
    }
}

/// Prints a failure as the last event.
pub(super) fn error_event(out: Output, failed: &Failed) {
    event_line(
        out,
        &json!({
            "event": "error",
            "type": failed.kind(),
            "message": failed.message,
            "hint": failed.hint,
            "exitCode": failed.exit.number(),
        }),
    );
}
