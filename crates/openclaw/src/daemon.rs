//! The gateway as something that lives on its own: one per home, known to the service manager of the machine.

use crate::cli::Global;

pub(crate) mod description;
pub(crate) mod instance;
mod launchd;
pub(crate) mod notify;
pub(crate) mod supervisor;
mod systemd;
mod windows;

/// Returns the arguments of a gateway in the same home that nobody looks at.
pub(crate) fn run_arguments(port: Option<u16>, global: &Global) -> Vec<String> {
    let mut words: Vec<String> = ["gateway", "run", "--quiet"].map(str::to_owned).into();
    if let Some(port) = port {
        words.extend(["--port".to_owned(), port.to_string()]);
    }
    if let Some(profile) = &global.profile {
        words.extend(["--profile".to_owned(), profile.clone()]);
    }
    if global.dev {
        words.push("--dev".to_owned());
    }
    if let Some(level) = &global.log_level {
        words.extend(["--log-level".to_owned(), level.clone()]);
    }
    words
}

/// Escapes text for XML.
fn xml(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
