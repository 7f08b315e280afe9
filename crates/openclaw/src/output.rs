//! The only place that prints. Data goes to standard output, everything else to standard error.

use std::io::{IsTerminal, Write};

use anstyle::{AnsiColor, Style};
use serde_json::{Value, json};

use crate::failed::Failed;

/// How and where to print.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    json: bool,
}

const ERROR: Style = AnsiColor::Red.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();
const HINT: Style = AnsiColor::Cyan.on_default().bold();
const STRONG: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();

#[expect(
    clippy::unused_self,
    reason = "printing is a capability: only who was handed an `Output` may print"
)]
impl Output {
    /// Sets up colours once: none without a terminal, with `NO_COLOR`, or with `--no-color`.
    pub(crate) fn new(no_color: bool) -> Self {
        if no_color {
            anstream::ColorChoice::Never.write_global();
        }
        Self { json: false }
    }

    /// Returns the same output for a command that was asked for JSON.
    pub(crate) fn with_json(self, json: bool) -> Self {
        Self { json }
    }

    /// Says whether the command was asked for JSON.
    pub(crate) fn is_json(self) -> bool {
        self.json
    }

    /// Prints a line of data.
    pub(crate) fn line(self, text: impl AsRef<str>) {
        let _ = writeln!(anstream::stdout().lock(), "{}", text.as_ref());
    }

    /// Prints data without a line end and shows it at once.
    pub(crate) fn piece(self, text: &str) {
        let mut out = anstream::stdout().lock();
        let _ = out.write_all(text.as_bytes());
        let _ = out.flush();
    }

    /// Prints escapes for the terminal as they are.
    pub(crate) fn raw(self, text: &str) {
        let mut out = std::io::stdout().lock();
        let _ = out.write_all(text.as_bytes());
        let _ = out.flush();
    }

    /// Shows a piece of text beside the data, without a line end.
    pub(crate) fn aside(self, text: &str) {
        let _ = write!(anstream::stderr().lock(), "{text}");
    }

    /// Prints one JSON document as data.
    pub(crate) fn json(self, value: &Value) {
        let text = if std::io::stdout().is_terminal() {
            format!("{value:#}")
        } else {
            value.to_string()
        };
        self.line(text);
    }

    /// Tells the person something that is not data.
    pub(crate) fn note(self, text: impl AsRef<str>) {
        let _ = writeln!(anstream::stderr().lock(), "{}", text.as_ref());
    }

    /// Tells the person about something that may need attention.
    pub(crate) fn warn(self, text: impl AsRef<str>) {
        let _ = writeln!(
            anstream::stderr().lock(),
            "{WARNING}warning{WARNING:#}: {}",
            text.as_ref()
        );
    }

    /// Tells the person what to do next.
    pub(crate) fn hint(self, text: impl AsRef<str>) {
        let _ = writeln!(
            anstream::stderr().lock(),
            "{HINT}hint{HINT:#}: {}",
            text.as_ref()
        );
    }

    /// Says why a command failed, where, and what to do next.
    pub(crate) fn failed(self, failed: &Failed) {
        if self.json {
            self.json(&json!({"ok": false, "error": {
                "type": failed.kind(),
                "message": failed.message,
                "hint": failed.hint,
                "exitCode": failed.exit.number(),
            }}));
        }
        let mut err = anstream::stderr().lock();
        let _ = writeln!(err, "{ERROR}error{ERROR:#}: {}", failed.message);
        if let Some(excerpt) = &failed.excerpt {
            let _ = writeln!(err, "{}", excerpt.trim_end());
        }
        drop(err);
        if let Some(hint) = &failed.hint {
            self.hint(hint);
        }
    }
}

/// Returns `text` in bold where the terminal can.
pub(crate) fn strong(text: impl std::fmt::Display) -> String {
    format!("{STRONG}{text}{STRONG:#}")
}

/// Returns `text` dimmed where the terminal can.
pub(crate) fn dim(text: impl std::fmt::Display) -> String {
    format!("{DIM}{text}{DIM:#}")
}

/// Says whether a person reads standard output.
pub(crate) fn is_interactive() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}
