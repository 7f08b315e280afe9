//! What is wrong with a config that can be parsed.

use std::fmt;
use std::path::PathBuf;

use crate::value_path::ValuePath;

/// How bad a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Something is probably not what was meant, but has no effect or a safe one.
    Warning,
    /// A value cannot be used and counts as unset.
    Error,
}

/// Something wrong at one place of the config. Displays as one line without the file's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// The value it is about.
    pub path: ValuePath,
    /// What is wrong; never contains the value of a secret.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// The line, counted from 1.
    pub line: usize,
    /// The column in characters, counted from 1.
    pub column: usize,
    /// The included file it is in; `None` for the config itself.
    pub file: Option<PathBuf>,
    /// The source line with a caret under the place; values of secret keys are masked.
    pub excerpt: String,
}

impl Problem {
    /// Returns path and message.
    pub fn one_line(&self) -> String {
        format!("{}: {}", self.path, self.message)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.one_line())
    }
}
