//! The time that tokens and tasks live by: it runs like real time, can jump, and can stand still.

use tokio::time::Instant;

/// Milliseconds since the emulator was started or reset.
pub(crate) struct SteeredClock {
    reached_ms: u64,
    /// When the clock was last set going; nothing while it stands still.
    running_since: Option<Instant>,
}

impl Default for SteeredClock {
    fn default() -> Self {
        Self {
            reached_ms: 0,
            running_since: Some(Instant::now()),
        }
    }
}

impl SteeredClock {
    pub(crate) fn now_ms(&self) -> u64 {
        let ran_ms = self.running_since.map_or(0, |since| {
            u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
        });
        self.reached_ms.saturating_add(ran_ms)
    }

    /// Jumps ahead.
    pub(crate) fn advance(&mut self, by_ms: u64) {
        self.reached_ms = self.reached_ms.saturating_add(by_ms);
    }

    /// Stands still until [`SteeredClock::run`].
    pub(crate) fn stop(&mut self) {
        self.reached_ms = self.now_ms();
        self.running_since = None;
    }

    pub(crate) fn run(&mut self) {
        self.running_since.get_or_insert_with(Instant::now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stopped_clock_only_jumps_and_a_running_one_never_goes_back() {
        let mut clock = SteeredClock::default();
        clock.stop();
        let stopped_at_ms = clock.now_ms();
        clock.advance(60_000);
        assert_eq!(clock.now_ms(), stopped_at_ms + 60_000);
        clock.run();
        clock.run();
        assert!(clock.now_ms() >= stopped_at_ms + 60_000);
    }
}
