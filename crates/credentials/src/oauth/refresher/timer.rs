//! Renews logins ahead of their end, whether there are requests or not.

use std::sync::Arc;
use std::time::Duration;

use config::AgentId;
use tokio_util::sync::CancellationToken;

use crate::oauth::login_state::LoginState;
use crate::oauth::login_store::StoredLogin;
use crate::oauth::token_hash::TokenHash;

use super::{Inner, LoginKey, Need, Refresher};

/// The longest wait between two looks at the stores, in milliseconds: a new login is noticed this late.
const LOOK_EVERY_MS: u64 = 30_000;

/// The shortest such wait, in milliseconds.
const LOOK_EVERY_MIN_MS: u64 = 200;

/// The part of the margin over which the refreshes of several logins are spread, as a divisor.
const SPREAD_DIVISOR: u64 = 5;

impl Refresher {
    /// Renews each login of the agents ahead of its end, until `stop`; cooldowns of profiles do not matter here.
    ///
    /// # Cancel safety
    /// Dropping the future stops it; a refresh that was begun goes on.
    pub async fn keep_fresh(&self, agents: &[AgentId], stop: &CancellationToken) {
        loop {
            let wait = tokio::select! {
                wait = self.refresh_due(agents) => wait,
                () = stop.cancelled() => return,
            };
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = stop.cancelled() => return,
            }
        }
    }

    /// Begins the refreshes that are due, without waiting for them, and returns when to look again.
    pub async fn refresh_due(&self, agents: &[AgentId]) -> Duration {
        let mut wait_ms = LOOK_EVERY_MS;
        for agent in agents {
            let (inner, owner) = (Arc::clone(&self.inner), agent.clone());
            let ids = tokio::task::spawn_blocking(move || inner.store.all(&owner)).await;
            for id in ids.unwrap_or_default() {
                let Ok(stored) = self.inner.look(agent, &id).await else {
                    continue;
                };
                if let Some(due_ms) = self.inner.due_in_ms(&stored) {
                    wait_ms = wait_ms.min(due_ms);
                }
            }
        }
        Duration::from_millis(wait_ms.max(LOOK_EVERY_MIN_MS))
    }
}

impl Inner {
    /// Returns in how many milliseconds a login is to be looked at again; begins its refresh when that is now.
    fn due_in_ms(self: &Arc<Self>, stored: &StoredLogin) -> Option<u64> {
        let now_ms = (self.clock)();
        let due_at_ms = self.due_at_ms(stored)?;
        let key = LoginKey::of(stored);
        let due_at_ms = due_at_ms.max(self.paused_until_ms(&key));
        if now_ms < due_at_ms {
            return Some(due_at_ms - now_ms);
        }
        drop(self.join(&key, &Need::Fresh));
        Some(LOOK_EVERY_MIN_MS)
    }

    /// Returns when a login is to be renewed; `None` when it cannot be, or need not.
    fn due_at_ms(&self, stored: &StoredLogin) -> Option<u64> {
        let margins = self.identity(stored).ok()?.margins();
        if stored.state((self.clock)(), margins) == LoginState::Revoked {
            return None;
        }
        let refresh = stored.login.refresh.as_ref()?;
        let margin_ms = margins.for_lifetime(stored.lifetime_ms).refresh_ms;
        let spread_ms = TokenHash::of(refresh).number() % (margin_ms / SPREAD_DIVISOR + 1);
        // The margin itself has begun then, so that no refresh finds that it came too early.
        let before_ms = margin_ms - spread_ms;
        Some(stored.login.expiry.at_ms()?.saturating_sub(before_ms))
    }
}
