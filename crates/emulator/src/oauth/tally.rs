//! How often the identity server was asked for what, for tests that count calls.

use serde::Serialize;

use super::device::Poll;
use super::token::Refresh;

/// Counts since the start or the last reset.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Tally {
    pub(super) device_codes: u64,
    pub(super) polls: Polls,
    pub(super) refreshes: Refreshes,
    /// Refreshes that failed before the rotation; not among `refreshes.total`.
    pub(super) failed_before_rotation: u64,
    /// Refreshes carried out whose reply was cut; also among `refreshes.accepted`.
    pub(super) failed_after_rotation: u64,
}

#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Polls {
    total: u64,
    pending: u64,
    slow_down: u64,
    approved: u64,
    refused: u64,
}

#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Refreshes {
    total: u64,
    /// Of `total`, carried out, replays included.
    accepted: u64,
    /// Of `accepted`, with a token already used, within the grace.
    replayed: u64,
    /// Of `total`, refused with 400.
    refused: u64,
    /// Of `refused`, with a token that was never issued.
    unknown: u64,
}

impl Tally {
    pub(super) fn polled(&mut self, poll: &Poll) {
        self.polls.total += 1;
        let count = match poll {
            Poll::Pending => &mut self.polls.pending,
            Poll::SlowDown => &mut self.polls.slow_down,
            Poll::Approved { .. } => &mut self.polls.approved,
            Poll::Expired | Poll::Denied | Poll::WrongVerifier | Poll::Unknown => {
                &mut self.polls.refused
            }
        };
        *count += 1;
    }

    pub(super) fn refreshed(&mut self, refresh: &Refresh) {
        let counts = &mut self.refreshes;
        counts.total += 1;
        match refresh {
            Refresh::Rotated(_) | Refresh::Kept(_) => counts.accepted += 1,
            Refresh::Replayed(_) => {
                counts.accepted += 1;
                counts.replayed += 1;
            }
            Refresh::Refused => counts.refused += 1,
            Refresh::Unknown => {
                counts.refused += 1;
                counts.unknown += 1;
            }
        }
    }
}
