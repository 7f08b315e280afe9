//! One clock for two processes.

use std::time::{SystemTime, UNIX_EPOCH};

/// Digits of a timestamp inside a chunk: nanoseconds since 1970 need 19 until the year 2286.
pub(crate) const STAMP_DIGITS: usize = 19;

/// Nanoseconds since 1970 by the machine's clock, the same in the mock and in the client.
///
/// `std::time::Instant` cannot be compared between processes; this can, as both run on one machine.
pub(crate) fn now_ns() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |elapsed| {
        u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX)
    })
}
