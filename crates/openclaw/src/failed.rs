//! Why a command failed: the one error type of the binary, made from the typed errors of the libraries.

use crate::exit_code::Exit;

/// A failure as the person sees it.
#[derive(Debug, Clone)]
pub(crate) struct Failed {
    /// How the process ends.
    pub(crate) exit: Exit,
    /// One line: what happened and where.
    pub(crate) message: String,
    /// The source line with a marker, when a file is at fault.
    pub(crate) excerpt: Option<String>,
    /// What to type or change next.
    pub(crate) hint: Option<String>,
}

/// The result of a command.
pub(crate) type Done = Result<Exit, Failed>;

impl Failed {
    /// Creates a failure without a number of its own.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            exit: Exit::Error,
            message: message.into(),
            excerpt: None,
            hint: None,
        }
    }

    /// Creates a failure from an error and its causes, in one line.
    pub(crate) fn of(error: &dyn std::error::Error) -> Self {
        let mut message = error.to_string();
        let mut cause = error.source();
        while let Some(source) = cause {
            let text = source.to_string();
            if !message.contains(&text) {
                message = format!("{message}: {text}");
            }
            cause = source.source();
        }
        Self::new(message.replace('\n', " "))
    }

    /// Sets the exit code.
    pub(crate) fn exit(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }

    /// Sets what to do next.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Sets what to do next, if anything is known.
    pub(crate) fn maybe_hint(mut self, hint: Option<String>) -> Self {
        self.hint = hint.or(self.hint);
        self
    }

    /// Sets the source line.
    pub(crate) fn excerpt(mut self, excerpt: impl Into<String>) -> Self {
        self.excerpt = Some(excerpt.into());
        self
    }

    /// Returns the kind used in JSON.
    pub(crate) fn kind(&self) -> &'static str {
        match self.exit {
            Exit::Ok | Exit::Error => "cli_error",
            Exit::NotAvailable => "not_available",
            Exit::Auth => "auth_error",
            Exit::Quota => "quota_error",
            Exit::Network => "network_error",
            Exit::Duplicate => "already_running",
        }
    }
}

impl From<config::Error> for Failed {
    fn from(error: config::Error) -> Self {
        Self::of(&error).maybe_hint(error.hint())
    }
}

impl From<credentials::Error> for Failed {
    fn from(error: credentials::Error) -> Self {
        Self::of(&error).maybe_hint(error.hint())
    }
}

impl From<catalog::Error> for Failed {
    fn from(error: catalog::Error) -> Self {
        Self::of(&error)
    }
}

impl From<providers::Failure> for Failed {
    fn from(failure: providers::Failure) -> Self {
        let hint = match failure.next_command() {
            Some(command) => format!("{} (next: `{command}`)", failure.hint()),
            None => failure.hint().to_owned(),
        };
        Self::new(failure.to_string())
            .exit(Exit::of_class(failure.class))
            .hint(hint)
    }
}

impl From<providers::Exhausted> for Failed {
    fn from(exhausted: providers::Exhausted) -> Self {
        let message = exhausted.message();
        let Some(failure) = exhausted.decisive() else {
            return Self::new(message);
        };
        let only = exhausted.tried() == 1 && exhausted.skipped().is_empty();
        let failed = Self::from(failure.clone());
        if only {
            failed
        } else {
            Self { message, ..failed }
        }
    }
}
