//! Ids and times that repeat from run to run.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// Where the times in replies come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// Every reply carries this time, in seconds since 1970.
    Fixed(u64),
    /// Replies carry the machine's time.
    System,
}

impl Default for Clock {
    /// 2026-01-01 00:00:00 UTC.
    fn default() -> Self {
        Self::Fixed(1_767_225_600)
    }
}

impl Clock {
    pub(crate) fn now_s(self) -> u64 {
        self.now_ms() / 1000
    }

    pub(crate) fn now_ms(self) -> u64 {
        match self {
            Self::Fixed(seconds) => seconds.saturating_mul(1000),
            Self::System => SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |since| {
                    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
                }),
        }
    }
}

/// Hands out ids that look random and are not.
#[derive(Debug, Default)]
pub(crate) struct IdSource {
    handed_out: AtomicU64,
}

impl IdSource {
    /// Returns the next id in the form of a UUID, as request ids have.
    pub(crate) fn uuid(&self) -> String {
        let hex = self.hex32();
        let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
        // The service's own ids carry version nibble 9 and variant nibble a.
        format!(
            "{}-{}-9{}-a{}-{}",
            part(0, 8),
            part(8, 12),
            part(13, 16),
            part(17, 20),
            part(20, 32)
        )
    }

    /// Returns the next tool call id: `call_` and 24 hex digits.
    pub(crate) fn call_id(&self) -> String {
        let hex = self.hex32();
        format!("call_{}", hex.get(..24).unwrap_or_default())
    }

    /// Starts over, so that a reset emulator repeats itself.
    pub(crate) fn reset(&self) {
        self.handed_out.store(0, Ordering::Relaxed);
    }

    fn hex32(&self) -> String {
        let number = self.handed_out.fetch_add(1, Ordering::Relaxed);
        let mut hex = String::with_capacity(32);
        for half in 0..2 {
            // Writing to a String cannot fail.
            let _ = write!(
                hex,
                "{:016x}",
                scramble(number.wrapping_mul(2).wrapping_add(half))
            );
        }
        hex
    }
}

/// The output function of the splitmix64 generator (Steele et al., 2014).
fn scramble(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_the_recorded_form_differ_and_repeat_after_a_reset() {
        let ids = IdSource::default();
        let (first, second) = (ids.uuid(), ids.uuid());
        assert_ne!(first, second);
        let lengths: Vec<usize> = first.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12]);
        assert_eq!(ids.call_id().len(), "call_".len() + 24);
        ids.reset();
        assert_eq!(ids.uuid(), first);
    }
}
