//! Keeps questions to the service apart: it takes 20 a second from an account for all its tasks.

use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

/// Time between two questions; a little more than the service asks for.
const GAP: Duration = Duration::from_millis(55);

/// Hands out moments at which a question may be asked.
#[derive(Debug, Default)]
pub(super) struct Pacer(Mutex<Option<Instant>>);

impl Pacer {
    /// Waits for the next free moment.
    pub(super) async fn wait(&self) {
        let at = {
            let mut next = self.0.lock().await;
            let at = next.unwrap_or_else(Instant::now).max(Instant::now());
            *next = Some(at + GAP);
            at
        };
        tokio::time::sleep_until(at).await;
    }
}
