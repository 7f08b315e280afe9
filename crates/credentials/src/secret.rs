//! The one type that holds a secret.
//!
//! A [`Secret`] cannot be printed or serialised by accident: it has no `Display` and no `Serialize`, its `Debug` shows
//! nothing, and its memory is overwritten when the last copy goes away. The text comes out only through
//! [`Secret::expose`], which is easy to search for. People see [`Secret::mask`].

use std::fmt::{self, Write};
use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString, zeroize::Zeroize};
use sha2::{Digest, Sha256};

/// The most characters of a secret that a mask may show, beyond its family prefix.
pub const MASK_CHARS_MAX: usize = 4;

/// How many characters a secret must have for each character that its mask shows.
const CHARS_PER_SHOWN_CHAR: usize = 4;

/// A secret text: an API key, an access token or a refresh token.
///
/// Copies share one allocation, which is overwritten when the last of them is dropped.
///
/// ```
/// let secret = credentials::Secret::new("sk-sp-0123456789abcdef".to_owned());
/// assert_eq!(format!("{secret:?}"), "Secret(..)");
/// assert_eq!(secret.mask(), "sk-sp-…cdef");
/// ```
///
/// It cannot be shown:
///
/// ```compile_fail,E0277
/// println!("{}", credentials::Secret::new("sk-0123456789".to_owned()));
/// ```
///
/// nor written as data:
///
/// ```compile_fail,E0277
/// serde_json::to_string(&credentials::Secret::new("sk-0123456789".to_owned()));
/// ```
#[derive(Clone)]
pub struct Secret(Arc<SecretString>);

/// Prefixes that keys of one family share, longest first: subscription, workspace, pay-as-you-go.
const FAMILY_PREFIXES: [&str; 3] = ["sk-sp-", "sk-ws-", "sk-"];

/// Bytes of the hash that make an identity: enough for all keys of the world, too few to check a guess for good.
const IDENTITY_BYTES: usize = 6;

impl Secret {
    /// Takes over `text` and overwrites the given allocation.
    pub fn new(mut text: String) -> Self {
        let boxed: Box<str> = text.as_str().into();
        text.zeroize();
        Self(Arc::new(SecretString::from(boxed)))
    }

    /// Returns the secret text itself; every call is a place where it could leak.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// Returns the prefix that the secret shares with its family, or an empty text; it is not secret.
    pub fn family_prefix(&self) -> &'static str {
        let starts = |prefix: &&str| self.expose().starts_with(prefix);
        FAMILY_PREFIXES.into_iter().find(starts).unwrap_or_default()
    }

    /// Says whether `text` is this secret, without stopping at the first difference, so that time says nothing about
    /// the content.
    pub fn matches(&self, text: &str) -> bool {
        let (ours, theirs) = (self.expose().as_bytes(), text.as_bytes());
        let difference = ours.iter().zip(theirs).fold(0_u8, |seen, (left, right)| {
            std::hint::black_box(seen | (left ^ right))
        });
        ours.len() == theirs.len() && difference == 0
    }

    /// Returns what tells this secret from others without telling what it is: a part of its SHA-256, in hexadecimal
    /// digits.
    pub fn identity(&self) -> String {
        let digest = Sha256::digest(self.expose().as_bytes());
        digest
            .iter()
            .take(IDENTITY_BYTES)
            .fold(String::new(), |mut text, byte| {
                // Writing to a string cannot fail.
                let _ = write!(text, "{byte:02x}");
                text
            })
    }

    /// Returns a fingerprint that people may see: the family prefix, `…`, and the last characters.
    ///
    /// It shows at most [`MASK_CHARS_MAX`] characters beyond the prefix and never more than a quarter of them.
    pub fn mask(&self) -> String {
        let prefix = self.family_prefix();
        let body = self.expose().strip_prefix(prefix).unwrap_or_default();
        let char_count = body.chars().count();
        let shown = (char_count / CHARS_PER_SHOWN_CHAR).min(MASK_CHARS_MAX);
        let tail: String = body.chars().skip(char_count - shown).collect();
        format!("{prefix}…{tail}")
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.matches(other.expose())
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(..)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn mask(text: &str) -> String {
        Secret::new(text.to_owned()).mask()
    }

    #[test]
    fn a_mask_shows_the_family_and_at_most_four_characters() {
        for (text, expected) in [
            ("sk-sp-0123456789abcdef3f2a", "sk-sp-…3f2a"),
            ("sk-ws-0123456789abcdef3f2a", "sk-ws-…3f2a"),
            ("sk-0123456789abcdef3f2a", "sk-…3f2a"),
            ("0123456789abcdef3f2a", "…3f2a"),
            ("sk-env-123", "sk-…3"),
            ("sk-abc", "sk-…"),
            ("abcdefgh", "…gh"),
            ("ключключключключ", "…ключ"),
            ("", "…"),
        ] {
            assert_eq!(mask(text), expected, "mask of {text:?}");
        }
    }

    #[test]
    fn debug_never_shows_the_text() {
        assert_eq!(
            format!("{:?}", Some(Secret::new("sk-0123456789".to_owned()))),
            "Some(Secret(..))"
        );
    }

    #[test]
    fn equality_compares_content_and_length() {
        let secret = |text: &str| Secret::new(text.to_owned());
        assert_eq!(secret("sk-a"), secret("sk-a"));
        assert_ne!(secret("sk-a"), secret("sk-b"));
        assert_ne!(secret("sk-a"), secret("sk-aa"));
        assert_ne!(secret(""), secret("a"));
    }

    proptest! {
        #[test]
        fn a_mask_never_shows_more_than_a_quarter(body in "[a-z0-9]{0,60}") {
            let shown = mask(&format!("sk-{body}")).chars().count() - "sk-…".chars().count();
            if !body.starts_with("sp-") && !body.starts_with("ws-") {
                prop_assert!(shown <= MASK_CHARS_MAX && shown * 4 <= body.len());
            }
        }

        #[test]
        fn equality_is_that_of_the_text(left in "[ab]{0,4}", right in "[ab]{0,4}") {
            prop_assert_eq!(Secret::new(left.clone()) == Secret::new(right.clone()), left == right);
        }
    }
}
