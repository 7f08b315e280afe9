//! The one way in which commands change openclaw.json: plan the edits, show them, commit them.
//!
//! A plan is refused where the result would have an error that the file had not, so that `--dry-run` and the real run
//! refuse the same things.

use std::path::PathBuf;

use config::{ConfigText, Edit, Problem, Settings, Severity};

use crate::config_secrets;
use crate::context::{Context, ReadConfig};
use crate::failed::Failed;

mod diff;

/// A change of the config that has been checked and not yet written.
pub(crate) struct ConfigChange<'a> {
    config: &'a ReadConfig,
    new: ConfigText,
    /// Warnings that the file had not.
    warnings: Vec<Problem>,
}

/// What became of a change.
#[derive(Debug, Default)]
pub(crate) struct Written {
    /// Whether the file was replaced.
    pub(crate) changed: bool,
    /// The copy of the file as it was before.
    pub(crate) backup: Option<PathBuf>,
}

impl<'a> ConfigChange<'a> {
    /// Makes the edits on the text as it was read; nothing is written.
    pub(crate) fn plan(config: &'a ReadConfig, edits: &[Edit]) -> Result<Self, Failed> {
        let new = config
            .text
            .apply(edits)
            .map_err(|error| Failed::from(config::Error::from(error)))?;
        let (errors, warnings) = new_problems(config, &new);
        match errors.into_iter().next() {
            Some(first) => Err(rejected(first)),
            None => Ok(Self {
                config,
                new,
                warnings,
            }),
        }
    }

    /// Returns the text that would be written.
    pub(crate) fn text(&self) -> &ConfigText {
        &self.new
    }

    /// Says whether anything would be written.
    pub(crate) fn changes_anything(&self) -> bool {
        !self.config.exists || self.config.text.bytes() != self.new.bytes()
    }

    /// Returns the lines that differ, as a unified diff in which secrets are masked.
    pub(crate) fn diff(&self) -> Vec<String> {
        let old = self.config.exists.then(|| self.config.text.bytes());
        diff_of(old, Some(self.new.bytes()))
    }

    fn warn(&self, context: &Context) {
        for warning in &self.warnings {
            context.out.warn(warning.one_line());
        }
    }

    /// Shows the diff as data, under the name of the file.
    pub(crate) fn show(&self, context: &Context) {
        self.warn(context);
        let file = context.home.display(self.config.store.path());
        if !self.changes_anything() {
            context
                .out
                .note(format!("Nothing would change in {file} (dry run)"));
            return;
        }
        context.out.line(format!("--- {file}"));
        context.out.line(format!("+++ {file} (dry run)"));
        for line in self.diff() {
            context.out.line(line);
        }
    }

    /// Replaces the file and says so on standard error. `words` are those of the command, such as `["models", "set"]`.
    pub(crate) fn apply(&self, context: &Context, words: &[&str]) -> Result<Written, Failed> {
        self.warn(context);
        let file = context.home.display(self.config.store.path());
        if !self.changes_anything() {
            context
                .out
                .note(format!("Config is already so: {file} (nothing written)"));
            return Ok(Written::default());
        }
        let committed = self
            .config
            .store
            .commit(&self.config.text, &self.new, &Context::write_origin(words))
            .map_err(Failed::of_config)?;
        if committed.changed {
            context.out.note(format!("Updated config: {file}"));
        }
        if let Some(backup) = &committed.backup {
            context
                .out
                .note(format!("  Backup: {}", context.home.display(backup)));
        }
        if let Some(error) = &committed.audit_error {
            context.out.warn(format!(
                "the change is written, but not noted in the audit log: {}",
                Failed::of(error).message
            ));
        }
        Ok(Written {
            changed: committed.changed,
            backup: committed.backup,
        })
    }

    /// Shows the diff or replaces the file.
    pub(crate) fn show_or_apply(
        &self,
        context: &Context,
        words: &[&str],
        dry_run: bool,
    ) -> Result<Written, Failed> {
        if dry_run {
            self.show(context);
            return Ok(Written::default());
        }
        self.apply(context, words)
    }
}

/// Returns a unified diff of two contents of the config in which secrets are masked; `None` is no file.
///
/// The lines of a content that is not a config are not shown, since secrets could not be told apart.
pub(crate) fn diff_of(old: Option<&[u8]>, new: Option<&[u8]>) -> Vec<String> {
    let lines = |bytes: Option<&[u8]>| {
        let Some(bytes) = bytes else {
            return diff::Lines::default();
        };
        let text = String::from_utf8_lossy(bytes);
        match ConfigText::parse("openclaw.json", bytes.to_vec()) {
            Ok(parsed) => diff::Lines::new(&text, &config_secrets::masked_text(&parsed)),
            Err(_) => diff::Lines::new(&text, &HIDDEN_LINE.repeat(text.lines().count())),
        }
    };
    diff::unified(&lines(old), &lines(new))
}

/// Stands for a line of a file that is not a config.
const HIDDEN_LINE: &str = "…\n";

/// Returns the errors and warnings of the new text that the old one had not: old errors do not stop a change.
fn new_problems(config: &ReadConfig, new: &ConfigText) -> (Vec<Problem>, Vec<Problem>) {
    let is_new = |problem: &Problem| {
        !config
            .problems
            .iter()
            .any(|old| old.path == problem.path && old.message == problem.message)
    };
    let (_, problems) = Settings::read(new);
    problems
        .into_iter()
        .filter(is_new)
        .partition(|problem| problem.severity == Severity::Error)
}

fn rejected(first: Problem) -> Failed {
    let excerpt = first.excerpt.clone();
    Failed::from(config::Error::Rejected {
        first: Box::new(first),
    })
    .excerpt(excerpt)
}
