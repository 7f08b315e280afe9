//! Finds what is visibly wrong with a pasted key, before any endpoint is asked.
//!
//! Two strictnesses: [`Secret::parse_key`] refuses everything that no person means as a key, and
//! [`placeholder_reason`] names the texts that must never be sent as a bearer, wherever they were stored. The second
//! list is shorter, because local servers are commonly set up with words such as `none` or `dummy`.

use thiserror::Error;

use crate::secret::Secret;

/// The longest key or token accepted, in bytes; portal tokens are a few hundred bytes long.
pub const KEY_BYTES_MAX: usize = 16 * 1024;

/// Texts that programs wrote where a key belongs, to say that the credential lives elsewhere.
const MARKERS: &[&str] = &[
    "qwen-oauth",
    "qwen-portal",
    "qwen-cli",
    "minimax-oauth",
    "secretref-managed",
];

/// Prefix of the markers that name an environment variable in place of a key.
const MARKER_PREFIX: &str = "secretref-env:";

/// Parts of the texts that documentation prints where a key belongs.
const TEMPLATE_PARTS: &[&str] = &[
    "your-key",
    "your_key",
    "yourkey",
    "your-api",
    "your_api",
    "yourapi",
    "your-token",
    "your_token",
    "api-key-here",
    "api_key_here",
    "key-here",
    "key_here",
];

/// Words that stand for "no key" or "a key goes here", refused only when a person offers them as a key.
const EMPTY_WORDS: &[&str] = &[
    "none",
    "null",
    "undefined",
    "empty",
    "changeme",
    "change-me",
    "placeholder",
    "dummy",
    "test",
    "todo",
    "api_key",
    "api-key",
    "apikey",
    "key",
    "token",
    "password",
    "secret",
];

/// What is wrong with a text that was offered as a key.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum KeyProblem {
    /// There is nothing, or nothing but white space.
    #[error("the key is missing")]
    Missing,
    /// The text is longer than any key.
    #[error("the key is longer than {bytes_max} bytes")]
    TooLong {
        /// The longest key accepted, in bytes.
        bytes_max: usize,
    },
    /// There is white space inside; usually two things were pasted, or `Bearer` came along.
    #[error("the key has white space inside (at character {position})")]
    InnerWhitespace {
        /// One-based position of the white space, after trimming.
        position: usize,
    },
    /// There is a control character inside.
    #[error("the key has a control character inside (at character {position})")]
    Control {
        /// One-based position of the control character, after trimming.
        position: usize,
    },
    /// There is a character that no key has, such as a typographic dash.
    #[error("the key has a character that is not ASCII (at character {position})")]
    NotAscii {
        /// One-based position of the character, after trimming.
        position: usize,
    },
    /// The key still stands between quotation marks.
    #[error("the key stands between quotation marks")]
    Quoted,
    /// A whole `NAME=value` line was pasted.
    #[error("the text is an assignment, not a key: paste only what follows the `=`")]
    Assignment,
    /// The text is a placeholder, not a key.
    #[error("the text is a placeholder, not a key: {reason}")]
    Placeholder {
        /// Which placeholder it is.
        reason: &'static str,
    },
}

impl KeyProblem {
    /// Returns true when there was no key at all, as opposed to a bad one.
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Missing)
    }
}

impl Secret {
    /// Reads a key as a person pasted it: trims the ends and refuses what cannot be a key.
    ///
    /// # Errors
    /// The first [`KeyProblem`] found; its text never contains the key.
    pub fn parse_key(text: &str) -> Result<Self, KeyProblem> {
        let key = text.trim();
        check_length(key)?;
        check_characters(key)?;
        check_meaning(key)?;
        Ok(Self::new(key.to_owned()))
    }

    /// Returns why the secret must never be sent as a bearer, if it is a placeholder.
    pub fn placeholder_reason(&self) -> Option<&'static str> {
        placeholder_reason(self.expose())
    }
}

/// Returns why `text` is a placeholder that must never be sent as a bearer, or `None` for a possible secret.
pub fn placeholder_reason(text: &str) -> Option<&'static str> {
    let text = text.trim().to_ascii_lowercase();
    if MARKERS.contains(&text.as_str()) || text.starts_with(MARKER_PREFIX) {
        return Some("it only marks that the credential is stored elsewhere");
    }
    if text.starts_with("${") && text.ends_with('}') {
        return Some("it is a reference to a variable that is not set");
    }
    if text.starts_with('<') && text.ends_with('>')
        || TEMPLATE_PARTS.iter().any(|part| text.contains(part))
    {
        return Some("it is the example text of a manual");
    }
    is_filler(&text).then_some("it is made of filler characters")
}

/// Tells whether the text, without its family prefix, is nothing but `x`, `*`, `.` and the like.
fn is_filler(text: &str) -> bool {
    let body = ["sk-sp-", "sk-ws-", "sk-"]
        .iter()
        .find_map(|prefix| text.strip_prefix(prefix))
        .unwrap_or(text);
    body.chars()
        .all(|character| matches!(character, 'x' | '*' | '.' | '…' | '-' | '_'))
}

fn check_length(key: &str) -> Result<(), KeyProblem> {
    if key.is_empty() {
        return Err(KeyProblem::Missing);
    }
    if key.len() > KEY_BYTES_MAX {
        return Err(KeyProblem::TooLong {
            bytes_max: KEY_BYTES_MAX,
        });
    }
    Ok(())
}

fn check_characters(key: &str) -> Result<(), KeyProblem> {
    // A filler with an ellipsis is better explained as a placeholder than as "not ASCII".
    if let Some(reason) = placeholder_reason(key) {
        return Err(KeyProblem::Placeholder { reason });
    }
    for (index, character) in key.chars().enumerate() {
        let position = index + 1;
        if character.is_whitespace() {
            return Err(KeyProblem::InnerWhitespace { position });
        }
        if character.is_control() {
            return Err(KeyProblem::Control { position });
        }
        if !character.is_ascii() {
            return Err(KeyProblem::NotAscii { position });
        }
    }
    Ok(())
}

fn check_meaning(key: &str) -> Result<(), KeyProblem> {
    if key.starts_with(['"', '\'', '`']) || key.ends_with(['"', '\'', '`']) {
        return Err(KeyProblem::Quoted);
    }
    if key
        .split_once('=')
        .is_some_and(|(name, _)| is_variable_name(name))
    {
        return Err(KeyProblem::Assignment);
    }
    if EMPTY_WORDS.contains(&key.to_ascii_lowercase().as_str()) {
        return Err(KeyProblem::Placeholder {
            reason: "it is a word that stands for a key",
        });
    }
    Ok(())
}

fn is_variable_name(name: &str) -> bool {
    (name.ends_with("_KEY") || name.ends_with("_TOKEN"))
        && name
            .chars()
            .all(|character| matches!(character, 'A'..='Z' | '0'..='9' | '_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(text: &str) -> KeyProblem {
        Secret::parse_key(text).expect_err("the text must be refused")
    }

    #[test]
    fn a_key_is_trimmed_at_its_ends() {
        for text in ["sk-abc123", "  sk-abc123\n", "\r\n\tsk-abc123 \r\n"] {
            assert_eq!(Secret::parse_key(text).unwrap().expose(), "sk-abc123");
        }
        assert_eq!(
            Secret::parse_key("base64+token/==").unwrap().expose(),
            "base64+token/=="
        );
    }

    #[test]
    fn nothing_is_missing() {
        for text in ["", " ", "\n", "\t \r\n"] {
            assert!(problem(text).is_missing(), "{text:?}");
        }
    }

    #[test]
    fn what_cannot_be_a_key_is_refused_with_its_place() {
        assert_eq!(
            problem("sk-abc 123"),
            KeyProblem::InnerWhitespace { position: 7 }
        );
        assert_eq!(
            problem("Bearer sk-abc123"),
            KeyProblem::InnerWhitespace { position: 7 }
        );
        assert_eq!(
            problem("sk-abc\n123"),
            KeyProblem::InnerWhitespace { position: 7 }
        );
        assert_eq!(
            problem("sk-abc\u{7}123"),
            KeyProblem::Control { position: 7 }
        );
        assert_eq!(problem("sk–abc123"), KeyProblem::NotAscii { position: 3 });
        assert_eq!(problem("\"sk-abc123\""), KeyProblem::Quoted);
        assert_eq!(problem("QWEN_API_KEY=sk-abc123"), KeyProblem::Assignment);
        assert_eq!(
            problem(&"k".repeat(KEY_BYTES_MAX + 1)),
            KeyProblem::TooLong {
                bytes_max: KEY_BYTES_MAX
            }
        );
    }

    #[test]
    fn placeholders_are_refused() {
        for text in [
            "qwen-oauth",
            " QWEN-OAUTH ",
            "qwen-portal",
            "secretref-managed",
            "secretref-env:QWEN_API_KEY",
            "your-key",
            "sk-your-api-key",
            "YOUR_API_KEY",
            "sk-xxx",
            "sk-xxxxxxxxxxxx",
            "sk-sp-xxxx",
            "sk-...",
            "sk-…",
            "sk-",
            "****",
            "<key>",
            "<your key>",
            "${QWEN_API_KEY}",
            "changeme",
            "none",
            "undefined",
        ] {
            assert!(
                matches!(problem(text), KeyProblem::Placeholder { .. }),
                "{text:?}: {:?}",
                problem(text)
            );
        }
    }

    #[test]
    fn words_that_local_servers_accept_may_be_sent() {
        for text in [
            "none",
            "dummy",
            "EMPTY",
            "ollama-local",
            "sk-emulator-standard-intl",
            "sk-fake-qwen-0123456789",
        ] {
            assert_eq!(placeholder_reason(text), None, "{text:?}");
        }
    }
}
