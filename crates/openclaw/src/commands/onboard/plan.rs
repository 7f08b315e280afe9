//! The whole set-up as a value: it can be shown, applied, and undone where a step fails.

use std::path::{Path, PathBuf};

use config::{AgentId, ConfigText, Edit, GatewayAuthMode, Settings};
use credentials::ProfilePlan;
use serde_json::{Value, json};

use super::check::Answer;
use super::default_model::{self, DefaultModel};
use super::draft::{Draft, Wanted};
use super::key::Key;
use super::site::Site;
use super::voice::Voice;
use super::{Desk, Settled};
use crate::config_change::ConfigChange;
use crate::context::{Context, ReadConfig};
use crate::failed::Failed;

/// Everything that was decided. Nothing is written yet.
pub(super) struct OnboardPlan<'a> {
    pub(super) site: Site,
    pub(super) key: Option<Key>,
    pub(super) answer: Answer,
    pub(super) default_model: DefaultModel,
    pub(super) workspace: PathBuf,
    /// One line for each thing that changes, without secrets.
    pub(super) changes: Vec<String>,
    pub(super) warnings: Vec<String>,
    pub(super) change: ConfigChange<'a>,
    pub(super) profile: Option<ProfilePlan>,
    /// The edits of `change`.
    pub(super) edits: Vec<Edit>,
    config: &'a ReadConfig,
}

impl<'a> OnboardPlan<'a> {
    /// Plans the set-up of a site with a key that was checked.
    pub(super) fn make(desk: &Desk<'a>, settled: Settled) -> Result<Self, Failed> {
        let Settled { site, key, answer } = settled;
        let home = &desk.context.home;
        let held = key
            .as_ref()
            .map(|key| key.held(desk.args.secret_input_mode))
            .transpose()?;
        let profile = held
            .map(|held| {
                let (provider, id) = (&site.provider, &site.profile);
                credentials::write_api_key_profile(home, &AgentId::main(), provider, id, held)
            })
            .transpose()?;
        let default_model = default_model::decide(desk, &site)?;
        let workspace = workspace(desk)?;
        let draft = Draft::make(
            desk,
            &Wanted {
                site: &site,
                has_profile: profile.is_some(),
                default_model: &default_model,
                workspace: &workspace.to_string_lossy(),
            },
        )?;
        let edits = draft.sketch.edits().to_vec();
        let change = ConfigChange::plan(desk.config, &edits)?;
        refuse_disabled(change.text(), &site)?;
        let mut changes: Vec<String> = profile.iter().map(ProfilePlan::describe).collect();
        changes.extend(draft.changes);
        if !workspace.exists() {
            changes.push(format!("create the folder {}", home.display(&workspace)));
        }
        let mut warnings = default_model.warnings.clone();
        warnings.extend(draft.warnings);
        warnings.extend(about_answer(&site, &answer));
        warnings.extend(about_variable(desk, key.as_ref()));
        Ok(Self {
            site,
            key,
            answer,
            default_model,
            workspace,
            changes,
            warnings,
            change,
            profile,
            edits,
            config: desk.config,
        })
    }

    /// Writes the plan: the profile first, which is harmless alone, then the config in one step, then the folder.
    ///
    /// Killed in between, the home is the old one with one profile more. When the config cannot be written, the
    /// profile is put back as it was.
    pub(super) fn apply(&self, context: &Context, voice: Voice) -> Result<(), Failed> {
        let applied = self.profile.clone().map(ProfilePlan::apply).transpose()?;
        if let Err(failed) = self.write_config(context, voice) {
            if let Some(Err(error)) = applied.map(credentials::AppliedProfile::undo) {
                let said = Failed::from(error).message;
                voice.warn(format!("the profile could not be put back: {said}"));
            }
            return Err(failed);
        }
        if let Err(error) = config::create_private_folder(&self.workspace) {
            // The folder only matters to tools that write files; answers do not need it.
            voice.warn(Failed::from(error).message);
        }
        Ok(())
    }

    fn write_config(&self, context: &Context, voice: Voice) -> Result<(), Failed> {
        if !voice.is_quiet() {
            return self.change.apply(context, &["onboard"]).map(drop);
        }
        self.config
            .store
            .commit(
                &self.config.text,
                self.change.text(),
                &Context::write_origin(&["onboard"]),
            )
            .map(drop)
            .map_err(Failed::of_config)
    }

    /// Returns the gateway's part of the result as it will be.
    pub(super) fn gateway(&self, context: &Context) -> Value {
        let (settings, _) = Settings::read(self.change.text());
        let gateway = &settings.gateway;
        let mode = match gateway.auth.mode {
            Some(GatewayAuthMode::None) => "none",
            Some(GatewayAuthMode::Password) => "password",
            Some(GatewayAuthMode::TrustedProxy) => "trusted-proxy",
            Some(GatewayAuthMode::Token) | None => "token",
        };
        let port = gateway.port.unwrap_or_else(|| context.home.default_port());
        json!({"port": port, "bind": text_at(self.change.text(), "gateway.bind").unwrap_or("loopback"), "authMode": mode})
    }
}

/// An old error in the provider's block would make the new key unusable; better nothing is written.
fn refuse_disabled(text: &ConfigText, site: &Site) -> Result<(), Failed> {
    let (settings, _) = Settings::read(text);
    let problem = settings
        .models
        .provider(&site.provider)
        .and_then(|provider| provider.disabled.as_ref());
    match problem {
        Some(problem) => Err(Failed::new(format!(
            "the config of `{}` has an error: {}",
            site.provider,
            problem.one_line()
        ))
        .hint("`openclaw config validate` shows the line; nothing was written")),
        None => Ok(()),
    }
}

/// Returns the folder of the agent's files: the flag, the config, the home's own.
fn workspace(desk: &Desk<'_>) -> Result<PathBuf, Failed> {
    let home = &desk.context.home;
    if let Some(folder) = &desk.args.workspace {
        return Ok(home.expand(&folder.to_string_lossy())?);
    }
    match &desk.config.settings.agents.defaults.workspace {
        Some(folder) => Ok(home.expand(folder)?),
        None => Ok(home.workspace_dir()),
    }
}

fn text_at<'t>(text: &'t ConfigText, path: &str) -> Option<&'t str> {
    text.get(&path.parse().ok()?)?.as_str()
}

fn about_answer(site: &Site, answer: &Answer) -> Option<String> {
    match answer {
        Answer::WorksLater(failure) => Some(format!(
            "the key belongs to {}, but it cannot be used right now: {} ({})",
            site.name,
            failure.client_message(),
            failure.hint()
        )),
        Answer::Works(models) if !models.is_empty() && !models.contains(&site.model) => {
            let listed: Vec<&str> = models.iter().take(5).map(String::as_str).collect();
            Some(format!(
                "{} does not list the model {}; it lists {}",
                site.host(),
                site.model,
                listed.join(", ")
            ))
        }
        Answer::Works(_) => None,
        Answer::NotAsked => Some("whether the key works was not checked".to_owned()),
    }
}

/// A reference to a variable is only as good as the places that set the variable.
fn about_variable(desk: &Desk<'_>, key: Option<&Key>) -> Option<String> {
    use super::key::KeySource;
    use config::Origin;

    if desk.args.secret_input_mode != crate::cli::onboard::SecretInputMode::Ref {
        return None;
    }
    let KeySource::Variable { name, origin } = &key?.source else {
        return None;
    };
    let place = match origin {
        Origin::Process | Origin::Shell(_) => "in this shell".to_owned(),
        Origin::Service(path) | Origin::DotenvCwd(path) => format!("in {}", shown(desk, path)),
        Origin::DotenvHome(_) | Origin::Config => return None,
    };
    Some(format!(
        "{name} is set {place}: the gateway needs it where it runs, for example in {}",
        shown(desk, &desk.context.home.dotenv_path())
    ))
}

fn shown(desk: &Desk<'_>, path: &Path) -> String {
    desk.context.home.display(path)
}
