//! Logins: how they are made, kept, and renewed without ever being lost.
//!
//! An [`Identity`] is an identity server of the catalog; requests reach it through a [`TokenTransport`] that the caller
//! provides. [`sign_in`] makes a login with a code that a person confirms elsewhere. A [`LoginStore`] keeps logins in
//! the stores of the agents. A [`Refresher`] hands out access tokens and renews them.
//!
//! # How a refresh goes
//!
//! A refresh token may be good for one use only: whoever spends it and loses the answer has lost the login. So:
//!
//! 1. One flight per login: everybody in this process who needs a new token waits for the same task, which nobody's
//!    hanging up ends.
//! 2. The lock `<state>/locks/oauth-refresh/<profile>.lock` keeps other processes away, and the store is read again:
//!    a newer token that is there already is used, without a call.
//! 3. The journal says which refresh token is about to be spent, and is on disk before the call is made.
//! 4. The answer goes to the journal first, then into the store, where it replaces only the token that was spent. Both
//!    are on disk before anybody sees the access token. Killed in between, the next process finds the answer in the
//!    journal; killed before, it tries the old refresh token once more, which works where the server grants a grace.
//! 5. A refusal is believed only after the store has been read again. Then the login is marked as revoked, beside the
//!    store; the tokens stay where they are.

mod device_flow;
mod error;
mod identity;
mod login_record;
mod login_state;
mod login_store;
mod refresher;
mod reply;
mod token_hash;
mod transport;

pub use device_flow::{DeviceError, DeviceEvent, sign_in};
pub use error::RefreshError;
pub use identity::Identity;
pub use login_record::Revocation;
pub use login_state::{LoginState, Margins};
pub use login_store::{LoginStore, NewLogin, QwenSync, RefreshStep, StoredLogin};
pub use refresher::{Access, Clock, Refresher};
pub use transport::{
    CauseClass, PostFuture, REPLY_BYTES_MAX, TokenReply, TokenTransport, TransportError,
};

/// Returns `n` random bytes; time and process number stand in for a system without random numbers.
fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    if getrandom::fill(&mut bytes).is_err() {
        let since = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap_or_default();
        let seed = since.as_nanos() ^ (u128::from(std::process::id()) << 64);
        for (byte, from) in bytes.iter_mut().zip(seed.to_le_bytes()) {
            *byte = from;
        }
    }
    bytes
}

/// Returns a random UUID of version 4 (RFC 9562, section 5.4).
pub(crate) fn uuid_v4() -> String {
    use std::fmt::Write;

    let mut bytes = random_bytes::<16>();
    if let Some(byte) = bytes.get_mut(6) {
        *byte = (*byte & 0x0f) | 0x40;
    }
    if let Some(byte) = bytes.get_mut(8) {
        *byte = (*byte & 0x3f) | 0x80;
    }
    let mut text = String::with_capacity(36);
    for (place, byte) in bytes.iter().enumerate() {
        if matches!(place, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Spreads those who wait for the same thing: a random time between half of `wait_ms` and all of it.
fn jittered(wait_ms: u64) -> u64 {
    let half = wait_ms / 2;
    let share = u64::from(u16::from_le_bytes(random_bytes::<2>()));
    half + (wait_ms - half) * share / u64::from(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uuids_have_the_form_of_version_4_and_differ() {
        let (one, other) = (uuid_v4(), uuid_v4());
        assert_ne!(one, other);
        let lengths: Vec<_> = one.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12]);
        assert_eq!(&one[14..15], "4");
        assert!(matches!(&one[19..20], "8" | "9" | "a" | "b"));
    }

    #[test]
    fn jitter_stays_between_half_and_all() {
        for _ in 0..200 {
            assert!((50..=100).contains(&jittered(100)));
        }
        assert_eq!(jittered(0), 0);
    }
}
