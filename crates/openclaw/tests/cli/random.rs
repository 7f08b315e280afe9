//! Random moments for tests that interrupt.

use std::hash::{BuildHasher, Hasher, RandomState};

/// Returns a random number from 0 to just below 1.
pub(crate) fn fraction() -> f64 {
    let random = RandomState::new().build_hasher().finish();
    f64::from(u32::try_from(random >> 32).unwrap()) / (f64::from(u32::MAX) + 1.0)
}
