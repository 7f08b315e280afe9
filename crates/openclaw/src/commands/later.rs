//! Commands that parse but do nothing yet: they say so and end with their own exit code, never with success.

use crate::exit_code::Exit;
use crate::failed::{Done, Failed};

/// Says that `command` is not available yet, and what to do instead.
pub(crate) fn not_available(command: &str, instead: &str) -> Done {
    Err(
        Failed::new(format!("`openclaw {command}` is not available yet"))
            .exit(Exit::NotAvailable)
            .hint(instead),
    )
}

/// `plugins install …` and the like.
pub(crate) fn plugins(rest: &[String]) -> Done {
    not_available(
        &words("plugins install", rest),
        "everything Qwen needs is built in; `openclaw plugins list` shows it",
    )
}

/// The rest of `models auth …`.
pub(crate) fn models_auth(rest: &[String]) -> Done {
    not_available(
        &words("models auth", rest),
        "`openclaw models auth paste-token` stores a token; `openclaw models auth list` shows what is stored",
    )
}

/// Repeats the subcommand but not its flags, whose values could be secrets.
fn words(command: &str, rest: &[String]) -> String {
    let verbs = rest
        .iter()
        .take_while(|word| !word.starts_with('-'))
        .take(2);
    std::iter::once(command)
        .chain(verbs.map(String::as_str))
        .collect::<Vec<_>>()
        .join(" ")
}
