//! What repairs a home: edits of the config and of the files beside it, made in one transaction.

use std::path::PathBuf;

use config::{AgentId, ConfigText, FILE_MODE_SECRET, ProfileId, Transaction};
use credentials::ProfileStore;

use crate::config_change::ConfigChange;
use crate::config_sketch::ConfigSketch;
use crate::context::{Context, ReadConfig};
use crate::failed::Failed;
use crate::home_files;

/// Steps that were decided and not yet made.
pub(crate) struct Draft {
    /// The config as it would be.
    pub(crate) sketch: ConfigSketch,
    steps: Vec<Step>,
    /// One line for each step, without secrets.
    says: Vec<String>,
}

/// A step beside the config.
enum Step {
    /// Gives a file or folder exactly these permissions.
    Mode { path: PathBuf, mode: u32 },
    /// Replaces a JSON file of the home.
    Json { path: PathBuf, text: ConfigText },
    /// Takes a profile out of the store of an agent.
    Profile { agent: AgentId, id: ProfileId },
    /// Deletes a file.
    Delete { path: PathBuf },
}

/// What was done.
#[derive(Debug, Default)]
pub(crate) struct Repaired {
    /// One line for each step.
    pub(crate) says: Vec<String>,
    /// Whether anything was written.
    pub(crate) changed: bool,
}

impl Draft {
    /// Begins with the config as it is.
    pub(crate) fn of(text: &ConfigText) -> Self {
        Self {
            sketch: ConfigSketch::of(text),
            steps: Vec::new(),
            says: Vec::new(),
        }
    }

    /// Notes a line for the person.
    pub(crate) fn say(&mut self, text: impl Into<String>) {
        self.says.push(text.into());
    }

    pub(crate) fn set_mode(&mut self, path: PathBuf, mode: u32) {
        self.steps.push(Step::Mode { path, mode });
    }

    pub(crate) fn replace_json(&mut self, path: PathBuf, text: ConfigText) {
        self.steps
            .retain(|step| !matches!(step, Step::Json { path: known, .. } if *known == path));
        self.steps.push(Step::Json { path, text });
    }

    /// Returns the text that a JSON file of the home has after the steps so far.
    pub(crate) fn json(&self, path: &std::path::Path) -> Option<ConfigText> {
        let planned = self.steps.iter().find_map(|step| match step {
            Step::Json { path: known, text } if known == path => Some(text.clone()),
            _ => None,
        });
        planned.or_else(|| crate::retired::read_json(path))
    }

    pub(crate) fn remove_profile(&mut self, agent: AgentId, id: ProfileId) {
        self.steps.push(Step::Profile { agent, id });
    }

    pub(crate) fn delete(&mut self, path: PathBuf) {
        self.steps.push(Step::Delete { path });
    }

    /// Says whether nothing is to be done.
    pub(crate) fn is_empty(&self) -> bool {
        self.steps.is_empty() && self.sketch.edits().is_empty()
    }

    /// Returns one line for each step.
    pub(crate) fn says(&self) -> &[String] {
        &self.says
    }

    fn files(&self, context: &Context) -> Vec<PathBuf> {
        self.steps
            .iter()
            .map(|step| match step {
                Step::Mode { path, .. } | Step::Json { path, .. } | Step::Delete { path } => {
                    path.clone()
                }
                Step::Profile { agent, .. } => ProfileStore::of_agent(&context.home, agent)
                    .path()
                    .to_owned(),
            })
            .filter(|path| !path.is_dir())
            .collect()
    }

    /// Makes the steps. Call it inside a transaction.
    pub(crate) fn make(
        &self,
        config: &ReadConfig,
        context: &Context,
        words: &[&str],
    ) -> Result<(), Failed> {
        // The config comes first: what is removed beside it is then no longer named by it.
        let change = ConfigChange::plan(config, self.sketch.edits())?;
        if change.changes_anything() && !self.sketch.edits().is_empty() {
            config
                .store
                .commit(&config.text, change.text(), &Context::write_origin(words))
                .map_err(Failed::of_config)?;
        }
        self.steps.iter().try_for_each(|step| step.make(context))
    }
}

impl Step {
    fn make(&self, context: &Context) -> Result<(), Failed> {
        match self {
            Self::Mode { path, mode } => set_mode(path, *mode),
            Self::Json { path, text } => {
                config::write_atomic(path, text.bytes(), FILE_MODE_SECRET).map_err(Failed::from)
            }
            Self::Profile { agent, id } => {
                let removed = ProfileStore::of_agent(&context.home, agent).remove(id);
                removed.map(drop).map_err(Failed::from)
            }
            Self::Delete { path } => std::fs::remove_file(path)
                .map_err(|error| Failed::new(format!("cannot delete {}: {error}", path.display()))),
        }
    }
}

/// Makes a draft in one transaction; `is_worse` looks at the result, and what it says rolls everything back.
pub(crate) fn apply(
    draft: &Draft,
    config: &ReadConfig,
    context: &Context,
    is_worse: impl FnOnce() -> Result<Option<String>, Failed>,
) -> Result<Repaired, Failed> {
    const WORDS: [&str; 2] = ["doctor", "--fix"];
    if draft.is_empty() {
        return Ok(Repaired::default());
    }
    let mut files = home_files::written(&context.home);
    files.extend(draft.files(context));
    let folders = home_files::written_folders(&context.home);
    let origin = Context::write_origin(&WORDS);
    let open = Transaction::begin(&context.home, &files, &folders, &origin)?;
    let done = draft
        .make(config, context, &WORDS)
        .and_then(|()| is_worse());
    match done {
        Ok(None) => {
            open.finish()?;
            Ok(Repaired {
                says: draft.says.clone(),
                changed: true,
            })
        }
        Ok(Some(why)) => {
            open.roll_back()?;
            Err(
                Failed::new(format!("the repair was taken back, since {why}"))
                    .hint("nothing is changed; `openclaw doctor --fix --dry-run` shows the steps"),
            )
        }
        Err(failed) => {
            open.roll_back()?;
            Err(failed)
        }
    }
}

#[cfg(unix)]
fn set_mode(path: &std::path::Path, mode: u32) -> Result<(), Failed> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).map_err(|error| {
        Failed::new(format!(
            "cannot set the permissions of {}: {error}",
            path.display()
        ))
    })
}

#[cfg(not(unix))]
fn set_mode(_path: &std::path::Path, _mode: u32) -> Result<(), Failed> {
    Ok(())
}
