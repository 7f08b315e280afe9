//! Questions to a person at a terminal. Esc and Ctrl-C end the command with nothing written.

use inquire::{Confirm, Password, PasswordDisplayMode, Select, Text};

use crate::failed::Failed;
use crate::prompt::{answered, look};

/// Asks for a secret without showing it.
pub(super) fn secret(question: &str) -> Result<String, Failed> {
    let asked = Password::new(question)
        .without_confirmation()
        .with_display_mode(PasswordDisplayMode::Masked)
        .with_help_message("only stars are shown")
        .with_render_config(look());
    answered(asked.prompt())
}

/// Asks for a line of text.
pub(super) fn text(question: &str, default: &str) -> Result<String, Failed> {
    let asked = Text::new(question)
        .with_default(default)
        .with_render_config(look());
    answered(asked.prompt())
}

/// Asks for one of several.
pub(super) fn pick(question: &str, entries: Vec<String>) -> Result<String, Failed> {
    answered(
        Select::new(question, entries)
            .with_render_config(look())
            .prompt(),
    )
}

/// Asks a question whose default answer is no.
pub(super) fn confirm(question: &str) -> Result<bool, Failed> {
    answered(
        Confirm::new(question)
            .with_default(false)
            .with_render_config(look())
            .prompt(),
    )
}
