//! One refresh, under the lock that all processes of the home share.

use std::sync::Arc;
use std::time::Duration;

use config::LockFile;
use tokio::time::Instant;

use crate::error::Error;
use crate::oauth::error::RefreshError;
use crate::oauth::login_record::file_name;
use crate::oauth::login_store::{LoginStore, NewLogin, RefreshStep, StoredLogin, is_qwen_code};
use crate::oauth::reply::{CallFailure, Refusal};
use crate::oauth::{LoginState, jittered};
use crate::profile_store::Swap;
use crate::qwen_cli::{self, QwenLock};
use crate::secret::Secret;

use super::{Access, Inner, LoginKey, Need};

/// The longest wait for the lock: one refresh of another process with all its writes.
const LOCK_WAIT_MAX: Duration = Duration::from_secs(28);

/// The first wait between two tries for the lock, in milliseconds; it doubles.
const LOCK_RETRY_FIRST_MS: u64 = 20;

/// The longest wait between two tries for the lock, in milliseconds.
const LOCK_RETRY_MAX_MS: u64 = 1_000;

/// How often one flight may spend a token: a second time only when the store held another one after a refusal.
const CALLS_MAX: usize = 2;

/// What a call to the identity server led to.
enum Called {
    Renewed(Box<StoredLogin>),
    Refused(Refusal),
}

impl Inner {
    /// Brings the token that is needed: from the store, where another process may have put it, or from the server.
    pub(super) async fn attempt(
        self: &Arc<Self>,
        key: &LoginKey,
        need: &Need,
    ) -> Result<Access, RefreshError> {
        let _lock = self.lock(key).await?;
        let _foreign_lock = self.lock_qwen_code(key).await?;
        let mut stored = self.read(&key.owner, &key.id).await?;
        for _ in 0..CALLS_MAX {
            if self.satisfies(&stored, need)? {
                self.settle(&stored).await;
                return self.grant(&stored);
            }
            let Some(refresh) = stored.login.refresh.clone() else {
                return Err(self.expired(&stored));
            };
            if stored.revoked.is_some() {
                return Err(self.revoked(&stored));
            }
            match self.spend(&stored, &refresh).await? {
                Called::Renewed(renewed) => return self.renewed(&renewed, need),
                Called::Refused(refusal) => {
                    // Somebody without our lock may have been faster: the refusal counts for what was spent only.
                    let again = self.read(&key.owner, &key.id).await?;
                    if again.login.refresh.as_ref() == Some(&refresh) {
                        return Err(self.refused(&again, refusal).await);
                    }
                    stored = again;
                }
            }
        }
        Err(RefreshError::Busy { id: key.id.clone() })
    }

    /// Tells whether what is on disk is what the caller needs.
    fn satisfies(&self, stored: &StoredLogin, need: &Need) -> Result<bool, RefreshError> {
        let margins = self.identity(stored)?.margins();
        let now_ms = (self.clock)();
        // A refusal of the refresh token says nothing about the access token.
        let state = LoginState::of(
            &stored.login,
            now_ms,
            margins.for_lifetime(stored.lifetime_ms),
        );
        Ok(match need {
            Need::Fresh => state == LoginState::Valid,
            Need::OtherThan(rejected) => {
                matches!(state, LoginState::Valid | LoginState::Expiring)
                    && stored.login.access.as_ref() != Some(rejected)
            }
        })
    }

    fn renewed(&self, renewed: &StoredLogin, need: &Need) -> Result<Access, RefreshError> {
        match need {
            Need::OtherThan(rejected) if renewed.login.access.as_ref() == Some(rejected) => {
                Err(RefreshError::StillRejected {
                    id: renewed.id.clone(),
                })
            }
            Need::Fresh | Need::OtherThan(_) => self.grant(renewed),
        }
    }

    /// Spends the refresh token and puts the answer on disk.
    async fn spend(
        self: &Arc<Self>,
        stored: &StoredLogin,
        refresh: &Secret,
    ) -> Result<Called, RefreshError> {
        let started = Instant::now();
        let now_ms = (self.clock)();
        let journal = stored.clone();
        self.on_disk(&stored.id, move |store| store.begin(&journal, now_ms))
            .await?;
        self.step(RefreshStep::BeforeCall);
        let identity = self.identity(stored)?;
        let answer = identity.refresh(self.transport.as_ref(), refresh).await;
        self.step(RefreshStep::AfterResponse);
        let duration_ms = started.elapsed().as_millis();
        match answer {
            Ok(grant) => {
                tracing::info!(profile.id = %stored.id, duration_ms, "oauth refresh");
                let new = NewLogin::from_grant(grant, stored, (self.clock)());
                let renewed = self.commit(stored, new).await?;
                Ok(Called::Renewed(Box::new(renewed)))
            }
            Err(CallFailure::Refused(refusal)) => {
                let code = refusal.code.as_deref().unwrap_or_default();
                tracing::warn!(profile.id = %stored.id, cause = "refused", http.status = refusal.status, code, duration_ms, "oauth refresh failed");
                Ok(Called::Refused(refusal))
            }
            Err(failure) => {
                let (cause, status) = (failure.cause(), failure.status());
                tracing::warn!(profile.id = %stored.id, cause = cause.as_str(), http.status = status, duration_ms, "oauth refresh failed");
                Err(RefreshError::Passing {
                    id: stored.id.clone(),
                    cause,
                    status,
                })
            }
        }
    }

    /// Puts new tokens on disk; returns what holds then, which may be the newer login of somebody else.
    async fn commit(
        self: &Arc<Self>,
        stored: &StoredLogin,
        new: NewLogin,
    ) -> Result<StoredLogin, RefreshError> {
        let mut renewed = stored.clone();
        renewed.login = new.login.clone();
        renewed.lifetime_ms = Some(new.lifetime_ms);
        renewed.resource_url.clone_from(&new.resource_url);
        let (inner, old) = (Arc::clone(self), stored.clone());
        let write = move |store: &LoginStore| {
            let at_step = |step| inner.step(step);
            store.commit(&old, &new, &at_step)
        };
        match self.on_disk(&stored.id, write).await? {
            Swap::Done => Ok(renewed),
            Swap::Superseded => self.read(&stored.owner, &stored.id).await,
            Swap::Gone => Err(RefreshError::NotFound {
                id: stored.id.clone(),
            }),
        }
    }

    /// Notes a refusal that holds.
    async fn refused(self: &Arc<Self>, stored: &StoredLogin, refusal: Refusal) -> RefreshError {
        let now_ms = (self.clock)();
        let mut revoked = stored.clone();
        let noted = self
            .on_disk(&stored.id, move |store| {
                store.revoke(&revoked, &refusal, now_ms).map(|revocation| {
                    revoked.revoked = Some(revocation);
                    revoked
                })
            })
            .await;
        match noted {
            Ok(revoked) => self.revoked(&revoked),
            Err(error) => error,
        }
    }

    /// Brings store and foreign file up to what was found; a failure is made good by the next try.
    async fn settle(self: &Arc<Self>, stored: &StoredLogin) {
        if !stored.is_behind() {
            return;
        }
        let known = stored.clone();
        let settled = self
            .on_disk(&stored.id, move |store| store.settle(&known))
            .await;
        if let Err(error) = settled {
            tracing::warn!(profile.id = %stored.id, error = %error, "oauth refresh: the store is behind");
        }
    }

    /// Works with files on a thread that may wait.
    async fn on_disk<T: Send + 'static>(
        self: &Arc<Self>,
        id: &config::ProfileId,
        work: impl FnOnce(&LoginStore) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, RefreshError> {
        let inner = Arc::clone(self);
        let done = tokio::task::spawn_blocking(move || work(&inner.store)).await;
        let id = id.clone();
        match done {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(source)) => Err(RefreshError::Store {
                id,
                source: Arc::new(source),
            }),
            Err(_) => Err(RefreshError::CutOff { id }),
        }
    }

    /// Takes the lock that all processes of the home share, in the place where `OpenClaw` has it.
    async fn lock(self: &Arc<Self>, key: &LoginKey) -> Result<LockFile, RefreshError> {
        let folder = self.home.state_dir().join("locks").join("oauth-refresh");
        let file = folder.join(file_name(&key.id));
        self.retry(key, move |_| {
            let failed = |source| Error::LockStore {
                path: file.clone(),
                source: Box::new(source),
            };
            config::create_private_folder(&folder).map_err(failed)?;
            match LockFile::acquire(&file, Duration::ZERO) {
                Ok(lock) => Ok(Some(lock)),
                Err(config::Error::Locked { .. }) => Ok(None),
                Err(source) => Err(failed(source)),
            }
        })
        .await
    }

    /// Takes Qwen Code's lock for a login of Qwen Code; without its file there is nobody to keep out.
    async fn lock_qwen_code(
        self: &Arc<Self>,
        key: &LoginKey,
    ) -> Result<Option<QwenLock>, RefreshError> {
        if !is_qwen_code(&key.id) || !qwen_cli::login_path(&self.home).exists() {
            return Ok(None);
        }
        let home = self.home.clone();
        self.retry(key, move |_| QwenLock::try_take(&home))
            .await
            .map(Some)
    }

    /// Tries to take a lock until it is free or the wait gets too long. Between tries no thread waits.
    async fn retry<L: Send + 'static>(
        self: &Arc<Self>,
        key: &LoginKey,
        try_take: impl Fn(&LoginStore) -> Result<Option<L>, Error> + Send + Sync + 'static,
    ) -> Result<L, RefreshError> {
        let try_take = Arc::new(try_take);
        let ends_at = Instant::now() + LOCK_WAIT_MAX;
        let mut wait_ms = LOCK_RETRY_FIRST_MS;
        loop {
            let once = Arc::clone(&try_take);
            let taken = self.on_disk(&key.id, move |store| once(store)).await?;
            if let Some(lock) = taken {
                return Ok(lock);
            }
            if Instant::now() >= ends_at {
                return Err(RefreshError::Busy { id: key.id.clone() });
            }
            tokio::time::sleep(Duration::from_millis(jittered(wait_ms))).await;
            wait_ms = (wait_ms * 2).min(LOCK_RETRY_MAX_MS);
        }
    }
}
