//! One refresh at a time for each login, whoever asks, and a pause after one that failed.
//!
//! A flight is a task of its own: those who wait for it only look at its result. When all of them hang up, it still ends.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};

use tokio::sync::watch;

use crate::oauth::error::RefreshError;
use crate::oauth::jittered;
use crate::oauth::login_store::StoredLogin;

use super::{Access, CALLER_WAIT_MAX, Inner, LoginKey, Need};

/// The pause after the first failure, in milliseconds; it doubles with each further one.
const PAUSE_FIRST_MS: u64 = 500;

/// The longest pause, in milliseconds.
const PAUSE_MAX_MS: u64 = 60_000;

/// The shortest time between two tries to bring a store up to date, in milliseconds.
const MEND_EVERY_MS: u64 = 30_000;

/// What a flight ends with.
type Outcome = Result<Access, RefreshError>;

/// What those who wait look at.
type Board = watch::Receiver<Option<Outcome>>;

/// The flights under way, and the pauses after failures.
#[derive(Default)]
pub(super) struct Flights {
    running: HashMap<LoginKey, Board>,
    pauses: HashMap<LoginKey, Pause>,
    /// When the store of a login may be brought up to date again, in milliseconds since 1970 UTC.
    mend_again_ms: HashMap<LoginKey, u64>,
}

/// The time after a failure in which nobody asks again.
struct Pause {
    n_failures: u32,
    since_ms: u64,
    until_ms: u64,
    error: RefreshError,
}

impl Pause {
    /// Tells whether it lasts; a clock that was put back before its beginning ends it, or it could last for days.
    fn is_on(&self, now_ms: u64) -> bool {
        (self.since_ms..self.until_ms).contains(&now_ms)
    }
}

/// A flight under way; dropping it, for whatever reason, makes room for the next one.
struct Flight {
    inner: Arc<Inner>,
    key: LoginKey,
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.inner.flights().running.remove(&self.key);
    }
}

impl Inner {
    /// Waits for the flight of a login, which is started unless it is under way.
    pub(super) async fn fly(self: &Arc<Self>, key: LoginKey, need: Need) -> Outcome {
        let id = key.id.clone();
        let mut board = self.join(&key, &need);
        let outcome = tokio::time::timeout(CALLER_WAIT_MAX, board.wait_for(Option::is_some)).await;
        match outcome {
            Ok(Ok(outcome)) => outcome.clone().unwrap_or(Err(RefreshError::CutOff { id })),
            Ok(Err(_)) => Err(RefreshError::CutOff { id }),
            Err(_) => Err(RefreshError::Busy { id }),
        }
    }

    /// Joins the flight of a login, or starts it; during a pause the result is the failure that caused the pause.
    pub(super) fn join(self: &Arc<Self>, key: &LoginKey, need: &Need) -> Board {
        let mut flights = self.flights();
        if let Some(board) = flights.running.get(key) {
            return board.clone();
        }
        if let Some(pause) = flights.pauses.get(key)
            && pause.is_on((self.clock)())
        {
            return watch::channel(Some(Err(pause.error.clone()))).1;
        }
        let (result, board) = watch::channel(None);
        flights.running.insert(key.clone(), board.clone());
        let flight = Flight {
            inner: Arc::clone(self),
            key: key.clone(),
        };
        let need = need.clone();
        self.tasks.spawn(async move {
            let outcome = flight.inner.attempt(&flight.key, &need).await;
            flight.inner.note(&flight.key, &outcome);
            // Whoever comes from now on finds the new state on disk.
            drop(flight);
            result.send_replace(Some(outcome));
        });
        board
    }

    /// Begins to bring the store of a login, and Qwen Code's file, up to date when one of them is behind.
    pub(super) fn mend(self: &Arc<Self>, stored: &StoredLogin) {
        if !stored.is_behind() {
            return;
        }
        let (key, now_ms) = (LoginKey::of(stored), (self.clock)());
        let again_ms = now_ms.saturating_add(MEND_EVERY_MS);
        let previous = self.flights().mend_again_ms.insert(key.clone(), again_ms);
        match previous.filter(|previous_ms| now_ms < *previous_ms) {
            Some(previous_ms) => {
                self.flights().mend_again_ms.insert(key, previous_ms);
            }
            None => drop(self.join(&key, &Need::Fresh)),
        }
    }

    /// Returns until when a login is not to be asked for, in milliseconds since 1970 UTC; 0 without a pause.
    pub(super) fn paused_until_ms(&self, key: &LoginKey) -> u64 {
        let now_ms = (self.clock)();
        let flights = self.flights();
        let pause = flights.pauses.get(key).filter(|pause| pause.is_on(now_ms));
        pause.map_or(0, |pause| pause.until_ms)
    }

    fn note(&self, key: &LoginKey, outcome: &Outcome) {
        let mut flights = self.flights();
        let Some(error) = outcome.as_ref().err().filter(|error| error.is_passing()) else {
            flights.pauses.remove(key);
            return;
        };
        let n_failures = flights
            .pauses
            .get(key)
            .map_or(0, |pause| pause.n_failures)
            .saturating_add(1);
        let wait_ms = PAUSE_FIRST_MS
            .saturating_mul(1 << (n_failures - 1).min(16))
            .min(PAUSE_MAX_MS);
        let since_ms = (self.clock)();
        let pause = Pause {
            n_failures,
            since_ms,
            until_ms: since_ms.saturating_add(jittered(wait_ms)),
            error: error.clone(),
        };
        flights.pauses.insert(key.clone(), pause);
    }

    fn flights(&self) -> std::sync::MutexGuard<'_, Flights> {
        self.flights.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
