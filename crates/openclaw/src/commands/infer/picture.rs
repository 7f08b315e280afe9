//! Shows a picture in terminals that can: kitty's and `iTerm2`'s protocols. In others the path is all there is.

use std::fmt::Write;
use std::io::IsTerminal;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use config::Environment;
use providers::media_fetch::Medium;

/// Most bytes of base64 in one escape of kitty's protocol.
const KITTY_CHUNK_BYTES: usize = 4096;
/// Largest picture that is shown, in bytes: it travels through the terminal as text.
const PICTURE_BYTES_MAX: usize = 8 * 1024 * 1024;

/// A way to show pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Protocol {
    /// kitty, Ghostty, Konsole: PNG only.
    Kitty,
    /// `iTerm2`, `WezTerm`, Mintty, VS Code: any format.
    Iterm,
}

/// Returns what shows `medium` on the terminal of standard output; none when it cannot.
pub(crate) fn escape(medium: &Medium, environment: &Environment) -> Option<String> {
    if !std::io::stdout().is_terminal() || medium.bytes.len() > PICTURE_BYTES_MAX {
        return None;
    }
    let protocol = protocol(|name| environment.get(name).unwrap_or_default().to_owned())?;
    written(protocol, medium)
}

/// Tells the terminal from the variables that it sets. Inside a multiplexer these are somebody else's.
fn protocol(variable: impl Fn(&str) -> String) -> Option<Protocol> {
    if !variable("TMUX").is_empty() || variable("TERM").starts_with("screen") {
        return None;
    }
    let program = variable("TERM_PROGRAM").to_ascii_lowercase();
    if variable("TERM").contains("kitty")
        || !variable("KITTY_WINDOW_ID").is_empty()
        || program == "ghostty"
    {
        return Some(Protocol::Kitty);
    }
    let is_iterm = matches!(
        program.as_str(),
        "iterm.app" | "wezterm" | "mintty" | "vscode"
    ) || variable("LC_TERMINAL") == "iTerm2";
    is_iterm.then_some(Protocol::Iterm)
}

fn written(protocol: Protocol, medium: &Medium) -> Option<String> {
    let data = BASE64_STANDARD.encode(&medium.bytes);
    let mut text = String::with_capacity(data.len() + 256);
    match protocol {
        Protocol::Kitty if medium.kind.mime != "image/png" => return None,
        Protocol::Kitty => {
            let mut rest = data.as_str();
            let mut control = "f=100,a=T,";
            while !rest.is_empty() {
                let (chunk, tail) = rest.split_at(rest.len().min(KITTY_CHUNK_BYTES));
                let more = u8::from(!tail.is_empty());
                // Writing to a string cannot fail.
                let _ = write!(text, "\x1b_G{control}m={more};{chunk}\x1b\\");
                (rest, control) = (tail, "");
            }
        }
        Protocol::Iterm => {
            let size = medium.bytes.len();
            let _ = write!(
                text,
                "\x1b]1337;File=inline=1;size={size};preserveAspectRatio=1:{data}\x07"
            );
        }
    }
    text.push('\n');
    Some(text)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use providers::media_type::MediaType;

    use super::*;

    fn found(variables: &[(&str, &str)]) -> Option<Protocol> {
        protocol(|name| {
            let known = variables.iter().find(|(known, _)| *known == name);
            known
                .map(|(_, value)| (*value).to_owned())
                .unwrap_or_default()
        })
    }

    #[test]
    fn terminals_are_told_by_their_variables() {
        assert_eq!(found(&[("TERM", "xterm-kitty")]), Some(Protocol::Kitty));
        assert_eq!(found(&[("TERM_PROGRAM", "ghostty")]), Some(Protocol::Kitty));
        assert_eq!(found(&[("TERM_PROGRAM", "WezTerm")]), Some(Protocol::Iterm));
        assert_eq!(found(&[("LC_TERMINAL", "iTerm2")]), Some(Protocol::Iterm));
        assert_eq!(found(&[("TERM", "xterm-256color")]), None);
        assert_eq!(found(&[("TERM", "xterm-kitty"), ("TMUX", "/tmp/x")]), None);
    }

    #[test]
    fn pictures_travel_in_pieces_that_terminals_take() {
        let bytes = [&b"\x89PNG\r\n\x1a\n"[..], &[7; 9000]].concat();
        let kind = MediaType::sniff(&bytes).unwrap();
        let bytes = Bytes::from(bytes);
        let kitty = written(Protocol::Kitty, &Medium { kind, bytes }).unwrap();
        let pieces: Vec<&str> = kitty.split("\x1b\\").collect();
        assert!(pieces[0].starts_with("\x1b_Gf=100,a=T,m=1;"));
        assert!(pieces[2].starts_with("\x1b_Gm=0;"));
        let jpeg = Bytes::from_static(b"\xff\xd8\xff\xe0");
        let medium = Medium {
            kind: MediaType::sniff(&jpeg).unwrap(),
            bytes: jpeg,
        };
        assert_eq!(written(Protocol::Kitty, &medium), None);
        let iterm = written(Protocol::Iterm, &medium).unwrap();
        assert!(iterm.contains("inline=1;size=4;") && iterm.ends_with("/9j/4A==\x07\n"));
    }
}
