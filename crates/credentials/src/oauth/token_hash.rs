//! What the journal keeps of a spent token: enough to know it again, too little to use it.

use std::fmt::Write;

use sha2::{Digest, Sha256};

use crate::secret::Secret;

/// The SHA-256 of a token, in hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct TokenHash(String);

impl TokenHash {
    /// Hashes a token; tokens have far too many bits to be found by trying.
    pub(super) fn of(token: &Secret) -> Self {
        let digest = Sha256::digest(token.expose().as_bytes());
        Self(digest.iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        }))
    }

    /// Reads the text of a hash; whatever it is, it only ever equals the hash it was made from.
    pub(super) fn from_text(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// Returns the digits.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns a number that is the same for the same token and spread evenly over different ones.
    pub(super) fn number(&self) -> u64 {
        self.0
            .get(..8)
            .and_then(|digits| u64::from_str_radix(digits, 16).ok())
            .unwrap_or_default()
    }
}
