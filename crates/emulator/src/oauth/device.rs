//! Logins that wait for a person (RFC 8628).

use std::collections::VecDeque;

use serde_json::{Value, json};

use super::pkce;
use super::settings::Settings;
use crate::identity::IdSource;

/// Most device codes remembered; the oldest go first.
const CODES_MAX: usize = 1024;

/// Letters of user codes: no vowels, so that they spell nothing (RFC 8628, section 6.1).
const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";

/// What the person has decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    Approved,
    Denied,
}

/// What a poll found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Poll {
    Approved {
        scope: String,
    },
    Pending,
    SlowDown,
    Expired,
    Denied,
    WrongVerifier,
    /// Never issued, or already traded for tokens.
    Unknown,
}

struct Waiting {
    device_code: String,
    user_code: String,
    scope: String,
    challenge: String,
    expires_at_ms: u64,
    n_polls: u64,
    decision: Option<Decision>,
    redeemed: bool,
}

/// Every login begun, oldest first.
#[derive(Default)]
pub(super) struct DeviceBook {
    devices: VecDeque<Waiting>,
    ids: IdSource,
}

impl DeviceBook {
    /// Issues a device code and a user code.
    pub(super) fn add(
        &mut self,
        scope: &str,
        challenge: &str,
        expires_at_ms: u64,
    ) -> (String, String) {
        let device_code = format!("emulator-dc-{}", self.ids.uuid());
        let user_code = user_code(&self.ids.uuid());
        if self.devices.len() == CODES_MAX {
            self.devices.pop_front();
        }
        self.devices.push_back(Waiting {
            device_code: device_code.clone(),
            user_code: user_code.clone(),
            scope: scope.to_owned(),
            challenge: challenge.to_owned(),
            expires_at_ms,
            n_polls: 0,
            decision: None,
            redeemed: false,
        });
        (device_code, user_code)
    }

    /// Looks a login up for its client; an approved one can be redeemed once.
    pub(super) fn poll(
        &mut self,
        device_code: &str,
        verifier: &str,
        now_ms: u64,
        settings: &Settings,
    ) -> Poll {
        let found = self
            .devices
            .iter_mut()
            .find(|device| device.device_code == device_code && !device.redeemed);
        let Some(device) = found else {
            return Poll::Unknown;
        };
        let n_polls_before = device.n_polls;
        device.n_polls += 1;
        if now_ms >= device.expires_at_ms {
            return Poll::Expired;
        }
        if !pkce::fits(verifier, &device.challenge) {
            return Poll::WrongVerifier;
        }
        if device.decision == Some(Decision::Denied) {
            return Poll::Denied;
        }
        if n_polls_before < settings.slow_down_polls {
            return Poll::SlowDown;
        }
        let by_itself = settings
            .approve_after_polls
            .is_some_and(|after| n_polls_before >= after);
        if device.decision.is_none() && !by_itself {
            return Poll::Pending;
        }
        device.redeemed = true;
        Poll::Approved {
            scope: device.scope.clone(),
        }
    }

    /// Notes what the person decided; tells whether a login waited for it.
    pub(super) fn decide(&mut self, user_code: &str, decision: Decision, now_ms: u64) -> bool {
        let waiting = self.devices.iter_mut().find(|device| {
            device.user_code.eq_ignore_ascii_case(user_code.trim())
                && device.state(now_ms) == "pending"
        });
        match waiting {
            Some(device) => {
                device.decision = Some(decision);
                true
            }
            None => false,
        }
    }

    /// Lists the logins, without their device codes.
    pub(super) fn report(&self, now_ms: u64) -> Vec<Value> {
        let describe = |device: &Waiting| {
            json!({
                "user_code": device.user_code,
                "state": device.state(now_ms),
                "polls": device.n_polls,
            })
        };
        self.devices.iter().map(describe).collect()
    }
}

impl Waiting {
    fn state(&self, now_ms: u64) -> &'static str {
        match self.decision {
            _ if self.redeemed => "redeemed",
            _ if now_ms >= self.expires_at_ms => "expired",
            Some(Decision::Approved) => "approved",
            Some(Decision::Denied) => "denied",
            None => "pending",
        }
    }
}

/// Spells the first hex digits of an id as `XXXX-XXXX`.
fn user_code(id: &str) -> String {
    let mut letters = id.as_bytes().chunks(2).take(8).map(|digits| {
        let number = digits.iter().fold(0_usize, |number, digit| {
            number.wrapping_mul(31).wrapping_add(usize::from(*digit))
        });
        LETTERS
            .get(number % LETTERS.len())
            .map_or('X', |letter| char::from(*letter))
    });
    let first: String = letters.by_ref().take(4).collect();
    let second: String = letters.collect();
    format!("{first}-{second}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    #[test]
    fn user_codes_are_short_readable_and_differ() {
        let mut book = DeviceBook::default();
        let mut codes: Vec<String> = (0..200).map(|_| book.add("", "", 1).1).collect();
        assert!(codes.iter().all(|code| {
            code.len() == 9
                && code.bytes().enumerate().all(|(place, letter)| {
                    if place == 4 {
                        letter == b'-'
                    } else {
                        LETTERS.contains(&letter)
                    }
                })
        }));
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), 200);
    }

    #[test]
    fn a_login_ends_as_the_person_decides_and_is_redeemed_once() {
        let settings = Settings::default();
        let mut book = DeviceBook::default();
        let (device_code, user_code) = book.add("openid", CHALLENGE, 100);
        let poll =
            |book: &mut DeviceBook, now_ms| book.poll(&device_code, VERIFIER, now_ms, &settings);
        assert_eq!(poll(&mut book, 0), Poll::Pending);
        assert!(!book.decide("NO-SUCH", Decision::Approved, 0));
        assert!(book.decide(&user_code.to_lowercase(), Decision::Approved, 0));
        assert!(
            !book.decide(&user_code, Decision::Denied, 0),
            "decided once"
        );
        let scope = "openid".to_owned();
        assert_eq!(poll(&mut book, 99), Poll::Approved { scope });
        assert_eq!(poll(&mut book, 99), Poll::Unknown);
    }

    #[test]
    fn an_approval_after_the_end_is_too_late() {
        let mut book = DeviceBook::default();
        let (device_code, user_code) = book.add("", CHALLENGE, 100);
        assert!(!book.decide(&user_code, Decision::Approved, 100));
        let late = book.poll(&device_code, VERIFIER, 100, &Settings::default());
        assert_eq!(late, Poll::Expired);
    }
}
