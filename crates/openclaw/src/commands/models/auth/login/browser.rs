//! Opens a page in the person's browser, when there is one. It is a courtesy: failing changes nothing.

use std::process::{Command, Stdio};

use config::Environment;

/// Variables of which one is set where a graphical session runs.
const DISPLAYS: [&str; 2] = ["DISPLAY", "WAYLAND_DISPLAY"];

/// Opens `url` and says whether a program was started.
pub(super) fn open(url: &str, environment: &Environment) -> bool {
    if !has_display(environment) || !is_page(url) {
        return false;
    }
    Command::new(opener())
        .arg(url)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .is_ok()
}

/// The program is called with the address as its only argument, never through a shell.
fn opener() -> &'static str {
    if cfg!(target_os = "macos") {
        "open"
    } else if cfg!(windows) {
        "explorer"
    } else {
        "xdg-open"
    }
}

fn has_display(environment: &Environment) -> bool {
    if cfg!(any(target_os = "macos", windows)) {
        return environment.path_var("SSH_CONNECTION").is_none();
    }
    DISPLAYS
        .iter()
        .any(|name| environment.path_var(name).is_some())
}

/// Only a web address is handed to another program; a server's answer could hold anything.
fn is_page(url: &str) -> bool {
    let is_plain = url.bytes().all(|byte| byte.is_ascii_graphic());
    is_plain && (url.starts_with("https://") || url.starts_with("http://127.0.0.1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_web_addresses_are_opened() {
        for (url, expected) in [
            ("https://chat.qwen.ai/authorize?user_code=A-B", true),
            ("http://127.0.0.1:9/x", true),
            ("http://chat.qwen.ai/", false),
            ("file:///etc/passwd", false),
            ("--help", false),
            ("https://a b", false),
            ("", false),
        ] {
            assert_eq!(is_page(url), expected, "{url}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn without_a_display_nothing_is_started() {
        let environment = Environment::from_pairs([("PATH", "/usr/bin")]);
        assert!(!open("https://chat.qwen.ai/", &environment));
    }
}
