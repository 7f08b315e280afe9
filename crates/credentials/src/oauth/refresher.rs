//! Hands out access tokens, and renews them before anybody has to wait.
//!
//! [`Refresher::access`] is asked for each request: it looks whether a file has changed, which takes microseconds, and
//! usually answers from memory. [`Refresher::keep_fresh`] runs beside and renews ahead of time, whether there are
//! requests or not. [`Refresher::force_refresh_after_401`] is for a token that the service rejected although it looked
//! good. How a refresh goes is told in [`crate::oauth`].

mod attempt;
mod flight;
mod seen;
mod timer;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use catalog::Catalog;
use config::{AgentId, Home, ProfileId, ProviderId};
use tokio_util::task::TaskTracker;

use crate::error::Error;
use crate::profile::Expiry;
use crate::qwen_cli;
use crate::secret::Secret;

use super::error::RefreshError;
use super::identity::Identity;
use super::login_state::{LoginState, Margins};
use super::login_store::{LoginStore, RefreshStep, StoredLogin, is_qwen_code};
use super::transport::TokenTransport;

use self::flight::Flights;
use self::seen::Seen;

/// The time in milliseconds since 1970 UTC, whenever it is asked for.
pub type Clock = Arc<dyn Fn() -> u64 + Send + Sync>;

/// What is told of each step of a refresh.
type StepHook = Arc<dyn Fn(RefreshStep) + Send + Sync>;

/// How often a caller whose flight brought nothing new starts another one.
const FLIGHTS_MAX: usize = 3;

/// The longest that a caller waits for a flight; the flight itself goes on.
const CALLER_WAIT_MAX: Duration = Duration::from_secs(30);

/// The longest that [`Refresher::close`] waits for flights.
const CLOSE_WAIT_MAX: Duration = Duration::from_secs(30);

/// An access token that may be sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Access {
    /// The token.
    pub token: Secret,
    /// When it ends, in milliseconds since 1970 UTC, where that is known.
    pub expires_at_ms: Option<u64>,
    /// The base URL that it is for, where the server has named one.
    pub base_url: Option<String>,
    /// The profile that it comes from: the one asked for, or the newer login of another program in its place.
    pub profile: ProfileId,
}

/// Hands out access tokens of the logins of one home; copies share everything.
#[derive(Clone)]
pub struct Refresher {
    inner: Arc<Inner>,
}

/// What the copies of a refresher and its tasks share.
struct Inner {
    home: Home,
    store: LoginStore,
    identities: Vec<Identity>,
    transport: Arc<dyn TokenTransport>,
    clock: Clock,
    tasks: TaskTracker,
    flights: Mutex<Flights>,
    seen: Mutex<Seen>,
    at_step: Option<StepHook>,
}

/// One login, named by the agent that owns it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct LoginKey {
    owner: AgentId,
    id: ProfileId,
}

/// What a flight is for.
#[derive(Debug, Clone)]
enum Need {
    /// A token that is good for longer than the margin.
    Fresh,
    /// Any token but this one.
    OtherThan(Secret),
}

impl Refresher {
    /// Makes a refresher for the logins of a home; nothing is read yet.
    ///
    /// # Errors
    /// [`Error::IdentityServer`] when the catalog has an identity server without a usable address.
    pub fn new(
        home: &Home,
        catalog: &Catalog,
        transport: Arc<dyn TokenTransport>,
        clock: Clock,
    ) -> Result<Self, Error> {
        Ok(Self {
            inner: Arc::new(Inner {
                home: home.clone(),
                store: LoginStore::new(home),
                identities: Identity::all_of(catalog)?,
                transport,
                clock,
                tasks: TaskTracker::new(),
                flights: Mutex::default(),
                seen: Mutex::default(),
                at_step: None,
            }),
        })
    }

    /// Tells `hook` of each step of each refresh, so that a test can end the process there.
    ///
    /// It has no effect on a refresher that has been copied.
    #[must_use]
    pub fn with_step_hook(mut self, hook: impl Fn(RefreshStep) + Send + Sync + 'static) -> Self {
        if let Some(inner) = Arc::get_mut(&mut self.inner) {
            inner.at_step = Some(Arc::new(hook));
        }
        self
    }

    /// Returns a token that may be sent now.
    ///
    /// A token that is about to end is handed out while a task renews it; one that has ended is waited for. When the
    /// identity server has refused the login, a newer login of Qwen Code stands in for it.
    ///
    /// # Errors
    /// Any [`RefreshError`]; none of them is a reason to stop trying other credentials.
    ///
    /// # Cancel safety
    /// A refresh that was begun goes on without the caller.
    pub async fn access(&self, agent: &AgentId, id: &ProfileId) -> Result<Access, RefreshError> {
        let result = self.own_access(agent, id).await;
        self.or_stand_in(agent, result).await
    }

    /// Returns a token other than `rejected`, which the service has answered with a 401.
    ///
    /// However many callers come with the same token, there is one refresh; those who come late get its result.
    ///
    /// # Errors
    /// Any [`RefreshError`]; [`RefreshError::StillRejected`] when the server gave the rejected token again.
    ///
    /// # Cancel safety
    /// A refresh that was begun goes on without the caller.
    pub async fn force_refresh_after_401(
        &self,
        agent: &AgentId,
        id: &ProfileId,
        rejected: &Secret,
    ) -> Result<Access, RefreshError> {
        let result = self.other_than(agent, id, rejected).await;
        self.or_stand_in(agent, result).await
    }

    /// Returns what is known about a login and its state.
    ///
    /// # Errors
    /// [`RefreshError::NotFound`], [`RefreshError::NotALogin`], [`RefreshError::Store`], or
    /// [`RefreshError::NoIdentityServer`].
    pub async fn state(
        &self,
        agent: &AgentId,
        id: &ProfileId,
    ) -> Result<(LoginState, Arc<StoredLogin>), RefreshError> {
        let stored = self.inner.look(agent, id).await?;
        let margins = self.inner.identity(&stored)?.margins();
        Ok((stored.state((self.inner.clock)(), margins), stored))
    }

    /// Waits for the refreshes that are under way, at most thirty seconds; returns whether all have ended.
    pub async fn close(&self) -> bool {
        self.inner.tasks.close();
        tokio::time::timeout(CLOSE_WAIT_MAX, self.inner.tasks.wait())
            .await
            .is_ok()
    }

    async fn own_access(&self, agent: &AgentId, id: &ProfileId) -> Result<Access, RefreshError> {
        let inner = &self.inner;
        let stored = inner.look(agent, id).await?;
        let margins = inner.identity(&stored)?.margins();
        let now_ms = (inner.clock)();
        inner.mend(&stored);
        match stored.state(now_ms, margins) {
            LoginState::Valid => inner.grant(&stored),
            LoginState::Unknown if stored.login.expiry == Expiry::Never => inner.grant(&stored),
            LoginState::Revoked if left_ms(&stored, now_ms) > 0 => inner.grant(&stored),
            LoginState::Revoked => Err(inner.revoked(&stored)),
            LoginState::Expired => Err(inner.expired(&stored)),
            LoginState::Expiring => self.access_near_end(&stored, margins, now_ms).await,
            LoginState::ExpiredRefreshable | LoginState::Unknown => {
                inner.fly(LoginKey::of(&stored), Need::Fresh).await
            }
        }
    }

    /// Renews a token that is still good: in passing, or at once when the server's clock may be past its end.
    async fn access_near_end(
        &self,
        stored: &StoredLogin,
        margins: Margins,
        now_ms: u64,
    ) -> Result<Access, RefreshError> {
        let inner = &self.inner;
        let key = LoginKey::of(stored);
        if stored.login.refresh.is_none() {
            return inner.grant(stored);
        }
        let margins = margins.for_lifetime(stored.lifetime_ms);
        if left_ms(stored, now_ms) > margins.skew_ms {
            drop(inner.join(&key, &Need::Fresh));
            return inner.grant(stored);
        }
        match inner.fly(key, Need::Fresh).await {
            Err(_) if left_ms(stored, (inner.clock)()) > 0 => inner.grant(stored),
            result => result,
        }
    }

    async fn other_than(
        &self,
        agent: &AgentId,
        id: &ProfileId,
        rejected: &Secret,
    ) -> Result<Access, RefreshError> {
        let inner = &self.inner;
        let stored = inner.look(agent, id).await?;
        let margins = inner.identity(&stored)?.margins();
        let is_other = stored
            .login
            .access
            .as_ref()
            .is_some_and(|access| access != rejected);
        if is_other && stored.state((inner.clock)(), margins) == LoginState::Valid {
            return inner.grant(&stored);
        }
        for _ in 0..FLIGHTS_MAX {
            let key = LoginKey::of(&stored);
            let access = inner.fly(key, Need::OtherThan(rejected.clone())).await?;
            // The flight may have been somebody else's, for whom the rejected token was good enough.
            if access.token != *rejected {
                return Ok(access);
            }
        }
        Err(RefreshError::StillRejected { id: id.clone() })
    }

    /// Puts the newer login of Qwen Code in the place of one that the server has refused.
    async fn or_stand_in(
        &self,
        agent: &AgentId,
        result: Result<Access, RefreshError>,
    ) -> Result<Access, RefreshError> {
        let Err(RefreshError::Revoked { id, .. }) = &result else {
            return result;
        };
        let Some(stand_in) = self.stand_in(agent, id).await else {
            return result;
        };
        match self.own_access(agent, &stand_in).await {
            Ok(access) => Ok(access),
            Err(_) => result,
        }
    }

    /// Returns the profile of Qwen Code's login when it is of the same server and newer than the refused one.
    async fn stand_in(&self, agent: &AgentId, refused: &ProfileId) -> Option<ProfileId> {
        let id = ProfileId::new(qwen_cli::PROFILE).ok()?;
        if *refused == id {
            return None;
        }
        let old = self.inner.look(agent, refused).await.ok()?;
        let provider = ProviderId::new(qwen_cli::PROVIDER).ok()?;
        if !self.inner.identity(&old).ok()?.serves(&provider) {
            return None;
        }
        let new = self.inner.look(agent, &id).await.ok()?;
        let is_newer = new.login.refresh != old.login.refresh
            && new.login.expiry.at_ms() > old.login.expiry.at_ms();
        is_newer.then_some(id)
    }
}

impl Inner {
    /// Returns the identity server of a login.
    fn identity(&self, stored: &StoredLogin) -> Result<&Identity, RefreshError> {
        let serves = |identity: &&Identity| identity.serves(&stored.provider);
        self.identities
            .iter()
            .find(serves)
            .ok_or_else(|| RefreshError::NoIdentityServer {
                provider: stored.provider.clone(),
            })
    }

    fn grant(&self, stored: &StoredLogin) -> Result<Access, RefreshError> {
        let identity = self.identity(stored)?;
        let token = stored.login.access.clone();
        let resource_url = stored.resource_url.as_deref();
        Ok(Access {
            token: token.ok_or_else(|| self.expired(stored))?,
            expires_at_ms: stored.login.expiry.at_ms(),
            base_url: resource_url.map(|url| identity.base_url(Some(url))),
            profile: stored.id.clone(),
        })
    }

    fn expired(&self, stored: &StoredLogin) -> RefreshError {
        RefreshError::Expired {
            id: stored.id.clone(),
            repair: self.repair(stored),
        }
    }

    fn revoked(&self, stored: &StoredLogin) -> RefreshError {
        let revocation = stored.revoked.as_ref();
        RefreshError::Revoked {
            id: stored.id.clone(),
            repair: self.repair(stored),
            at_ms: revocation.map(|no| no.at_ms).unwrap_or_default(),
            interrupted_at_ms: revocation.and_then(|no| no.interrupted_at_ms),
        }
    }

    /// Says what makes the login good again.
    fn repair(&self, stored: &StoredLogin) -> String {
        if is_qwen_code(&stored.id) {
            return "sign in again in Qwen Code: run `qwen`, then `/auth`".to_owned();
        }
        let command = self
            .identity(stored)
            .map_or("openclaw models auth login", |identity| {
                &identity.server().login_command
            });
        format!("run `{command}`")
    }

    fn step(&self, step: RefreshStep) {
        if let Some(hook) = &self.at_step {
            hook(step);
        }
    }
}

impl LoginKey {
    fn of(stored: &StoredLogin) -> Self {
        Self {
            owner: stored.owner.clone(),
            id: stored.id.clone(),
        }
    }
}

/// Returns how long the access token is still good, in milliseconds.
fn left_ms(stored: &StoredLogin, now_ms: u64) -> u64 {
    let ends_at_ms = stored.login.expiry.at_ms().unwrap_or_default();
    ends_at_ms.saturating_sub(now_ms)
}
