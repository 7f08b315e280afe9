//! One instant by which an operation must have ended, handed down through all its steps.

use std::future::Future;
use std::time::Duration;

use tokio::time::Instant;

/// An instant by which everything below must be done. Steps share it, so retries and slow bodies cannot add up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadline(Instant);

/// The deadline passed before the work was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the deadline passed")]
pub struct Elapsed;

impl Deadline {
    /// Returns the deadline `duration` from now.
    pub fn after(duration: Duration) -> Self {
        Self(Instant::now() + duration)
    }

    /// Returns the time left, zero once it has passed.
    pub fn remaining(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// Returns the earlier of this deadline and `duration` from now.
    #[must_use]
    pub fn at_most(self, duration: Duration) -> Self {
        Self(self.0.min(Instant::now() + duration))
    }

    /// Runs `work` until it is done or the deadline passes.
    ///
    /// # Errors
    /// [`Elapsed`] when the deadline came first.
    ///
    /// # Cancel safety
    /// As safe as `work`: it is dropped when the deadline passes.
    pub async fn bound<T>(self, work: impl Future<Output = T>) -> Result<T, Elapsed> {
        tokio::time::timeout_at(self.0, work)
            .await
            .map_err(|_| Elapsed)
    }
}
