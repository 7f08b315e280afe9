//! What a check says.

use std::path::PathBuf;

use config::{Problem, Severity};
use serde_json::{Value, json};

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Status {
    /// It was looked at and is well.
    Ok,
    /// It could not be looked at here; never a fault.
    Skipped,
    /// Worth knowing, nothing to do.
    Info,
    /// Something does not work as it seems to, or will stop to.
    Warning,
    /// Something does not work.
    Error,
}

impl Status {
    /// Returns the word for it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Skipped => "skipped",
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    /// The id of the check; filled in by [`super::Check::run`].
    pub(crate) check: String,
    pub(crate) status: Status,
    /// What was found, in one line, without secrets.
    pub(crate) message: String,
    /// The file it is in.
    pub(crate) file: Option<PathBuf>,
    /// Line and column in the file, counted from 1.
    pub(crate) place: Option<(usize, usize)>,
    /// The value in the config it is about.
    pub(crate) path: Option<String>,
    /// What to do about it.
    pub(crate) hint: Option<String>,
    /// What shows it: a source line, a date, an answer of a host. Never a secret.
    pub(crate) evidence: Option<String>,
    /// Whether `--fix` can repair it.
    pub(crate) fixable: bool,
}

impl Finding {
    fn new(status: Status, message: impl Into<String>) -> Self {
        Self {
            check: String::new(),
            status,
            message: message.into(),
            file: None,
            place: None,
            path: None,
            hint: None,
            evidence: None,
            fixable: false,
        }
    }

    pub(crate) fn ok(message: impl Into<String>) -> Self {
        Self::new(Status::Ok, message)
    }

    pub(crate) fn skipped(message: impl Into<String>) -> Self {
        Self::new(Status::Skipped, message)
    }

    pub(crate) fn info(message: impl Into<String>) -> Self {
        Self::new(Status::Info, message)
    }

    pub(crate) fn warning(message: impl Into<String>) -> Self {
        Self::new(Status::Warning, message)
    }

    pub(crate) fn error(message: impl Into<String>) -> Self {
        Self::new(Status::Error, message)
    }

    pub(crate) fn of_problem(problem: &Problem, config: &std::path::Path) -> Self {
        let status = match problem.severity {
            Severity::Error => Status::Error,
            Severity::Warning => Status::Warning,
        };
        let mut finding = Self::new(status, problem.one_line())
            .in_file(problem.file.as_deref().unwrap_or(config))
            .at(problem.line, problem.column)
            .path(problem.path.to_string())
            .evidence(problem.excerpt.clone());
        finding.hint.clone_from(&problem.hint);
        finding
    }

    #[must_use]
    pub(crate) fn in_file(mut self, file: &std::path::Path) -> Self {
        self.file = Some(file.to_owned());
        self
    }

    #[must_use]
    pub(crate) fn at(mut self, line: usize, column: usize) -> Self {
        self.place = Some((line, column));
        self
    }

    #[must_use]
    pub(crate) fn path(mut self, path: impl Into<String>) -> Self {
        self.path = Some(path.into());
        self
    }

    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    #[must_use]
    pub(crate) fn evidence(mut self, evidence: impl Into<String>) -> Self {
        self.evidence = Some(evidence.into());
        self
    }

    /// Says that `--fix` repairs it.
    #[must_use]
    pub(crate) fn fixable(mut self) -> Self {
        self.fixable = true;
        if self.hint.is_none() {
            self.hint = Some("`openclaw doctor --fix` repairs it".to_owned());
        }
        self
    }

    /// Returns the finding as OpenClaw's lint writes it.
    pub(crate) fn json(&self) -> Value {
        json!({
            "checkId": self.check,
            "severity": self.status.word(),
            "message": self.message,
            "path": self.path,
            "file": self.file,
            "line": self.place.map(|(line, _)| line),
            "column": self.place.map(|(_, column)| column),
            "fixHint": self.hint,
            "evidence": self.evidence,
            "fixable": self.fixable,
        })
    }
}
