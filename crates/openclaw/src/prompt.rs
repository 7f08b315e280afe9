//! What all questions to a person share: how they look, and what it means when they are not answered.

use inquire::InquireError;
use inquire::error::InquireResult;
use inquire::ui::RenderConfig;

use crate::failed::Failed;

/// Follows `--no-color`; `NO_COLOR` is followed by the default look.
pub(crate) fn look() -> RenderConfig<'static> {
    match anstream::ColorChoice::global() {
        anstream::ColorChoice::Never => RenderConfig::empty(),
        _ => RenderConfig::default(),
    }
}

/// Turns an answer into a value, and Esc, Ctrl-C or a missing terminal into a failure.
pub(crate) fn answered<T>(answer: InquireResult<T>) -> Result<T, Failed> {
    answer.map_err(|error| match error {
        InquireError::OperationCanceled | InquireError::OperationInterrupted => cancelled(),
        InquireError::NotTTY => Failed::new("there is no terminal to ask")
            .hint("`--help` names the flags that take the place of questions"),
        other => Failed::new(format!("the question could not be asked: {other}")),
    })
}

/// Returns the failure for a question that was not answered.
pub(crate) fn cancelled() -> Failed {
    Failed::new("cancelled; nothing was written")
}

/// Asks a yes-or-no question; the answer of Enter is yes.
pub(crate) fn confirm(question: &str) -> Result<bool, Failed> {
    let ask = inquire::Confirm::new(question)
        .with_default(true)
        .with_render_config(look());
    answered(ask.prompt())
}
