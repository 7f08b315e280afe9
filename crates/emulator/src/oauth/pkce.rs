//! Proof key for code exchange, method S256 (RFC 7636, section 4).

use sha2::{Digest, Sha256};

/// Length of a SHA-256 digest in base64url without padding, in characters.
const CHALLENGE_LENGTH: usize = 43;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Tells whether `text` has the form of an S256 challenge.
pub(super) fn is_challenge(text: &str) -> bool {
    text.len() == CHALLENGE_LENGTH && text.bytes().all(|byte| ALPHABET.contains(&byte))
}

/// Tells whether `verifier` is what `challenge` was made of.
pub(super) fn fits(verifier: &str, challenge: &str) -> bool {
    is_verifier(verifier) && base64url(&Sha256::digest(verifier.as_bytes())) == challenge
}

/// 43 to 128 unreserved characters.
fn is_verifier(text: &str) -> bool {
    (43..=128).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
}

fn base64url(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(CHALLENGE_LENGTH);
    for group in bytes.chunks(3) {
        let bits = group
            .iter()
            .chain([0, 0].iter())
            .take(3)
            .fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte));
        // n bytes make n + 1 digits of 6 bits.
        for place in 0..=group.len() {
            let digit = bits >> (18 - 6 * place) & 0x3f;
            let letter = usize::try_from(digit)
                .ok()
                .and_then(|digit| ALPHABET.get(digit));
            text.extend(letter.map(|letter| char::from(*letter)));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_the_pair_of_the_standard_and_a_recorded_one() {
        for (verifier, challenge) in [
            (
                "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
                "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
            ),
            (
                "_fuNLSPHg0AQrVCCOHa6bxNY3V9QIPZJmD5ok-l2zl4",
                "GDQMLrPEs7tQNUISX_p1CO0FOfLJbhhIiKh0UhrnEww",
            ),
        ] {
            assert!(is_challenge(challenge) && fits(verifier, challenge));
            assert!(!fits(challenge, verifier));
        }
        assert!(!fits("short", &base64url(&Sha256::digest(b"short"))));
        assert!(!is_challenge("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw+cM"));
    }

    #[test]
    fn encodes_as_rfc_4648_says() {
        let encoded = ["", "f", "fo", "foo", "foob", "fooba", "foobar"]
            .map(|text| base64url(text.as_bytes()));
        assert_eq!(
            encoded,
            ["", "Zg", "Zm8", "Zm9v", "Zm9vYg", "Zm9vYmE", "Zm9vYmFy"]
        );
    }
}
