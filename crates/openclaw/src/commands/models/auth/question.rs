//! Questions to a person at a terminal. Esc and Ctrl-C end the command with nothing written.

use inquire::error::InquireResult;
use inquire::ui::RenderConfig;
use inquire::{Confirm, InquireError, Password, PasswordDisplayMode, Select, Text};

use crate::failed::Failed;

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

/// Returns the failure for a question that was not answered.
pub(super) fn cancelled() -> Failed {
    Failed::new("cancelled; nothing was written")
}

/// Follows `--no-color`; `NO_COLOR` is followed by the default look.
fn look() -> RenderConfig<'static> {
    match anstream::ColorChoice::global() {
        anstream::ColorChoice::Never => RenderConfig::empty(),
        _ => RenderConfig::default(),
    }
}

fn answered<T>(answer: InquireResult<T>) -> Result<T, Failed> {
    answer.map_err(|error| match error {
        InquireError::OperationCanceled | InquireError::OperationInterrupted => cancelled(),
        other => Failed::new(format!("the question could not be asked: {other}")),
    })
}
