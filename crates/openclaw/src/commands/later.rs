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

/// `plugins …`.
pub(crate) fn plugins(rest: &[String]) -> Done {
    let instead = if rest.iter().any(|word| word == "qwen-portal-auth") {
        "Qwen Portal's free tier ended on 2026-04-15: `openclaw onboard --auth-choice qwen-standard-api-key` sets up a key instead"
    } else {
        "everything Qwen needs is built in; no plugin has to be enabled"
    };
    not_available(&words("plugins", rest), instead)
}

/// `models auth …`.
pub(crate) fn models_auth(rest: &[String]) -> Done {
    not_available(
        &words("models auth", rest),
        "`openclaw onboard` stores a key; `openclaw models status` shows what is stored",
    )
}

/// `doctor …`.
pub(crate) fn doctor(rest: &[String]) -> Done {
    not_available(
        &words("doctor", rest),
        "`openclaw config validate` checks the config; `openclaw models status` shows the credentials",
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
