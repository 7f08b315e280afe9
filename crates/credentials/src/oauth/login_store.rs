//! Reads and replaces logins in the stores of the agents, together with the record beside each.
//!
//! Everything here blocks on files. The store is the truth as long as the record does not know better: a store that
//! holds a token which was already exchanged is behind, because of a kill or of another program that put old data back.

use config::{AgentId, Home, ProfileId, ProviderId};

use crate::agent_stores::{AgentStores, Found};
use crate::error::Error;
use crate::profile::{Credential, Login, Profile, UnknownFields};
use crate::profile_store::{Absent, ProfileStore, Swap};
use crate::qwen_cli::{self, Newest, QwenLock};
use crate::store::Origin;

use super::login_record::{self, Attempt, LoginRecord, Revocation, Rotation};
use super::login_state::{LoginState, Margins};
use super::reply::{Grant, Refusal};
use super::token_hash::TokenHash;

/// The logins of one home.
#[derive(Debug, Clone)]
pub struct LoginStore {
    home: Home,
}

/// Tokens that the identity server has just given.
#[derive(Debug, Clone, PartialEq)]
pub struct NewLogin {
    /// The tokens.
    pub login: Login,
    /// How long the access token lives, in milliseconds.
    pub lifetime_ms: u64,
    /// The host that the tokens are for, as the server wrote it.
    pub resource_url: Option<String>,
}

/// A login as it is now, all sources considered.
#[derive(Debug, Clone)]
pub struct StoredLogin {
    /// The profile.
    pub id: ProfileId,
    /// The agent whose store holds it; one login has one owner, however many agents use it.
    pub owner: AgentId,
    /// The provider, as written in the entry.
    pub provider: ProviderId,
    /// Its tokens.
    pub login: Login,
    /// How long the access token lives in all, in milliseconds, where that is known.
    pub lifetime_ms: Option<u64>,
    /// The host that the tokens are for, as the server wrote it.
    pub resource_url: Option<String>,
    /// The refusal of the refresh token by the identity server.
    pub revoked: Option<Revocation>,
    /// When a refresh with this very refresh token was begun and cut off, in milliseconds since 1970 UTC.
    pub interrupted_at_ms: Option<u64>,
    /// The entry, with the tokens above.
    entry: Profile,
    /// What the JSON store of the owner holds for it.
    in_store: Option<Login>,
    /// Whether Qwen Code still holds a token that was exchanged here.
    owes_qwen_code: bool,
}

/// What [`LoginStore::sync_qwen_code`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QwenSync {
    /// There was nothing to do.
    Nothing,
    /// The newer login of Qwen Code was taken over.
    Imported,
    /// Qwen Code was given the tokens that replace its spent ones.
    WrittenBack,
    /// Qwen Code is busy with its login; nothing was done.
    Busy,
}

/// The steps of a refresh at which a process may be killed, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RefreshStep {
    /// The journal says what is about to be spent.
    BeforeCall,
    /// The identity server has answered.
    AfterResponse,
    /// The answer is in the record.
    AfterRecord,
    /// The foreign file, if there is one, holds the answer, and the store is about to be replaced.
    BeforeWrite,
    /// The store holds the answer.
    AfterWrite,
}

impl RefreshStep {
    /// Every step, in their order.
    pub const ALL: [Self; 5] = [
        Self::BeforeCall,
        Self::AfterResponse,
        Self::AfterRecord,
        Self::BeforeWrite,
        Self::AfterWrite,
    ];
}

impl StoredLogin {
    /// Judges the login.
    pub fn state(&self, now_ms: u64, margins: Margins) -> LoginState {
        if self.revoked.is_some() {
            return LoginState::Revoked;
        }
        let margins = margins.for_lifetime(self.lifetime_ms);
        LoginState::of(&self.login, now_ms, margins)
    }

    /// Tells whether the login belongs to Qwen Code.
    pub fn is_qwen_code(&self) -> bool {
        is_qwen_code(&self.id)
    }

    /// Tells whether a store or a foreign file has older tokens than these.
    pub(super) fn is_behind(&self) -> bool {
        self.owes_qwen_code
            || self
                .in_store
                .as_ref()
                .is_some_and(|held| *held != self.login)
    }
}

/// Tells whether the profile is the copy of Qwen Code's login.
pub(super) fn is_qwen_code(id: &ProfileId) -> bool {
    id.as_str() == qwen_cli::PROFILE
}

impl LoginStore {
    /// Names the logins of a home; nothing is read.
    pub fn new(home: &Home) -> Self {
        Self { home: home.clone() }
    }

    /// Returns the login of this id that an agent sees, its own or that of the agent `main`.
    ///
    /// # Errors
    /// Those of [`ProfileStore::load`] when the profile is not found and a store could not be read.
    pub fn read(&self, agent: &AgentId, id: &ProfileId) -> Result<Option<StoredLogin>, Error> {
        let stores = AgentStores::load(&self.home, agent);
        let Some(found) = stores.find(id) else {
            self.require_readable(agent)?;
            return Ok(is_qwen_code(id).then(|| self.only_qwen_code(id)).flatten());
        };
        let Credential::OAuth(held) = &found.profile.credential else {
            return Ok(None);
        };
        if *found.agent() != AgentId::main()
            && let Some(of_main) = self.original_of(held, id)?
        {
            return Ok(Some(of_main));
        }
        Ok(Some(self.judge(&found, held)))
    }

    /// Returns the logins that an agent sees.
    pub fn all(&self, agent: &AgentId) -> Vec<ProfileId> {
        let stores = AgentStores::load(&self.home, agent);
        let is_login = |found: &Found<'_>| matches!(found.profile.credential, Credential::OAuth(_));
        stores
            .winners()
            .filter(is_login)
            .map(|found| found.profile.id.clone())
            .collect()
    }

    /// Tells whether a login of this agent could be stored, so that nobody confirms a code in vain.
    ///
    /// # Errors
    /// [`Error::WriteStore`] when the folder cannot be made or written to; those of [`ProfileStore::load`], and
    /// [`Error::FutureVersion`], when the store is one that is left alone.
    pub fn check_writable(&self, agent: &AgentId) -> Result<(), Error> {
        let store = ProfileStore::of_agent(&self.home, agent);
        let folder = self.home.agent_dir(agent);
        let failed = |source| Error::WriteStore {
            path: store.path().to_owned(),
            source: Box::new(source),
        };
        if let Some(version) = store.load()?.and_then(|stored| stored.future_version()) {
            return Err(Error::FutureVersion {
                path: store.path().to_owned(),
                version,
            });
        }
        config::create_private_folder(&folder).map_err(failed)?;
        tempfile::tempfile_in(&folder).map(drop).map_err(|source| {
            failed(config::Error::Io {
                operation: "create a temporary file in",
                path: folder.clone(),
                source,
            })
        })
    }

    /// Stores a new login as a profile of the agent; what it replaces is returned.
    ///
    /// # Errors
    /// Those of [`ProfileStore::upsert`]; after each of them the store is the old one.
    pub fn save(
        &self,
        agent: &AgentId,
        id: &ProfileId,
        provider: &ProviderId,
        new: &NewLogin,
    ) -> Result<Option<Profile>, Error> {
        let path = login_record::path(&self.home, agent, id);
        let mut record = LoginRecord::load(&path);
        record.attempt = None;
        record.revoked = None;
        record.rotation = Some(Rotation {
            login: new.login.clone(),
            lifetime_ms: new.lifetime_ms,
            resource_url: new.resource_url.clone(),
        });
        record.save(&path)?;
        ProfileStore::of_agent(&self.home, agent).upsert(&Profile {
            id: id.clone(),
            provider: provider.clone(),
            credential: Credential::OAuth(new.login.clone()),
            unknown: UnknownFields::default(),
        })
    }

    /// Removes a login from the store of the agent, and all that is known about it; returns what was removed.
    ///
    /// # Errors
    /// Those of [`ProfileStore::remove`], and [`Error::WriteStore`] when the record cannot be deleted.
    pub fn forget(&self, agent: &AgentId, id: &ProfileId) -> Result<Option<Profile>, Error> {
        let removed = ProfileStore::of_agent(&self.home, agent).remove(id)?;
        let path = login_record::path(&self.home, agent, id);
        match std::fs::remove_file(&path) {
            Err(source) if !crate::store_file::is_absent(&source) => Err(Error::WriteStore {
                path: path.clone(),
                source: Box::new(config::Error::Io {
                    operation: "delete",
                    path,
                    source,
                }),
            }),
            Ok(()) | Err(_) => Ok(removed),
        }
    }

    /// Makes the copy of Qwen Code's login and Qwen Code's file agree: the newest wins.
    ///
    /// # Errors
    /// Those of [`LoginStore::read`] and of [`ProfileStore::upsert`].
    pub fn sync_qwen_code(&self) -> Result<QwenSync, Error> {
        let (agent, Ok(id)) = (AgentId::main(), ProfileId::new(qwen_cli::PROFILE)) else {
            return Ok(QwenSync::Nothing);
        };
        let is_current = |stored: &StoredLogin| stored.in_store.is_some() && !stored.is_behind();
        if self.read(&agent, &id)?.as_ref().is_none_or(is_current) {
            return Ok(QwenSync::Nothing);
        }
        let Some(_lock) = QwenLock::try_take(&self.home)? else {
            return Ok(QwenSync::Busy);
        };
        let Some(stored) = self.read(&agent, &id)? else {
            return Ok(QwenSync::Nothing);
        };
        let owed = stored.owes_qwen_code;
        self.settle(&stored)?;
        Ok(if owed {
            QwenSync::WrittenBack
        } else {
            QwenSync::Imported
        })
    }

    /// Writes into the journal that the refresh token is about to be spent.
    pub(super) fn begin(&self, stored: &StoredLogin, now_ms: u64) -> Result<(), Error> {
        let path = login_record::path(&self.home, &stored.owner, &stored.id);
        let mut record = LoginRecord::load(&path);
        record.attempt = stored.login.refresh.as_ref().map(|refresh| Attempt {
            spends: TokenHash::of(refresh),
            started_at_ms: stored.interrupted_at_ms.unwrap_or(now_ms),
        });
        record.save(&path)
    }

    /// Puts an answer of the server on disk: into the record, into Qwen Code's file when the login is Qwen Code's, and
    /// into the store. It succeeds when the record or the store has it.
    pub(super) fn commit(
        &self,
        stored: &StoredLogin,
        new: &NewLogin,
        at_step: &dyn Fn(RefreshStep),
    ) -> Result<Swap, Error> {
        let path = login_record::path(&self.home, &stored.owner, &stored.id);
        let mut record = LoginRecord::load(&path);
        if let Some(spent) = &stored.login.refresh {
            record.rotate(
                spent,
                Rotation {
                    login: new.login.clone(),
                    lifetime_ms: new.lifetime_ms,
                    resource_url: new.resource_url.clone(),
                },
            );
        }
        let recorded = record.save(&path);
        at_step(RefreshStep::AfterRecord);
        let mut renewed = stored.clone();
        renewed.login = new.login.clone();
        renewed.resource_url.clone_from(&new.resource_url);
        let given_back = self.give_back(&renewed);
        at_step(RefreshStep::BeforeWrite);
        let swapped = self.swap(&renewed, &record);
        at_step(RefreshStep::AfterWrite);
        match (recorded, given_back, swapped) {
            (_, Ok(()), Ok(swap)) => Ok(swap),
            // What a later read finds in the record it brings to the places that lack it.
            (Ok(()), Err(error), _) | (Ok(()), _, Err(error)) => {
                tracing::warn!(profile.id = %stored.id, error = %error, "oauth refresh: new tokens are only in the record");
                Ok(Swap::Done)
            }
            (Err(error), ..) => Err(error),
        }
    }

    /// Brings the store, and Qwen Code's file, up to what is known. For a login of Qwen Code hold its lock.
    pub(super) fn settle(&self, stored: &StoredLogin) -> Result<(), Error> {
        if stored.owes_qwen_code {
            self.give_back(stored)?;
        }
        let path = login_record::path(&self.home, &stored.owner, &stored.id);
        self.swap(stored, &LoginRecord::load(&path)).map(drop)
    }

    /// Notes that the server has refused the refresh token; the tokens stay.
    pub(super) fn revoke(
        &self,
        stored: &StoredLogin,
        refusal: &Refusal,
        now_ms: u64,
    ) -> Result<Revocation, Error> {
        let path = login_record::path(&self.home, &stored.owner, &stored.id);
        let mut record = LoginRecord::load(&path);
        let revocation = Revocation {
            at_ms: now_ms,
            status: refusal.status,
            code: refusal.code.clone(),
            interrupted_at_ms: stored.interrupted_at_ms,
        };
        record.attempt = None;
        record.revoked = stored
            .login
            .refresh
            .as_ref()
            .map(|refresh| (TokenHash::of(refresh), revocation.clone()));
        record.save(&path).map(|()| revocation)
    }

    /// Returns the login of the agent `main` of which another agent holds an old copy, if it is one.
    fn original_of(&self, copy: &Login, id: &ProfileId) -> Result<Option<StoredLogin>, Error> {
        let main = AgentId::main();
        let Some(of_main) = self.read(&main, id)? else {
            return Ok(None);
        };
        let record = LoginRecord::load(&login_record::path(&self.home, &main, id));
        let is_copy = copy.refresh.as_ref().is_some_and(|refresh| {
            of_main.login.refresh.as_ref() == Some(refresh) || record.has_spent(refresh)
        });
        Ok(is_copy.then_some(of_main))
    }

    /// Considers what a store holds, what the record knows, and what Qwen Code has.
    fn judge(&self, found: &Found<'_>, held: &Login) -> StoredLogin {
        let (owner, id) = (found.agent(), &found.profile.id);
        let record = LoginRecord::load(&login_record::path(&self.home, owner, id));
        let own = ProfileStore::of_agent(&self.home, owner);
        let is_own = *found.origin() == Origin::Json(own.path().to_owned());
        let newer = record.newer_than(held);
        let login = newer.map_or(held, |rotation| &rotation.login).clone();
        let mut stored = StoredLogin {
            id: id.clone(),
            owner: owner.clone(),
            provider: found.profile.provider.clone(),
            lifetime_ms: None,
            resource_url: None,
            revoked: None,
            interrupted_at_ms: None,
            entry: found.profile.clone(),
            in_store: is_own.then(|| held.clone()),
            owes_qwen_code: false,
            login,
        };
        if stored.is_qwen_code() {
            self.compare_with_qwen_code(&mut stored, &record);
        }
        describe(&mut stored, &record);
        stored
    }

    /// Takes Qwen Code's login when it is newer, and sees whether Qwen Code has a spent one.
    fn compare_with_qwen_code(&self, stored: &mut StoredLogin, record: &LoginRecord) {
        // A file that is no JSON is no login for Qwen Code either.
        let Ok(Some(theirs)) = qwen_cli::read_login(&qwen_cli::login_path(&self.home)) else {
            return;
        };
        let is_spent = |token: &crate::Secret| record.has_spent(token);
        stored.resource_url = theirs.resource_url;
        match qwen_cli::newest(Some(&stored.login), &theirs.login, is_spent) {
            Newest::Same => {}
            Newest::Theirs => stored.login = theirs.login,
            Newest::Ours => {
                stored.owes_qwen_code = theirs.login.refresh.as_ref().is_some_and(is_spent);
            }
        }
    }

    /// Returns Qwen Code's login when no store has a copy of it yet.
    fn only_qwen_code(&self, id: &ProfileId) -> Option<StoredLogin> {
        let theirs = qwen_cli::read_login(&qwen_cli::login_path(&self.home)).ok()??;
        let provider = ProviderId::new(qwen_cli::PROVIDER).ok()?;
        let owner = AgentId::main();
        let record = LoginRecord::load(&login_record::path(&self.home, &owner, id));
        let mut stored = StoredLogin {
            id: id.clone(),
            owner,
            provider: provider.clone(),
            lifetime_ms: None,
            resource_url: theirs.resource_url,
            revoked: None,
            interrupted_at_ms: None,
            entry: Profile {
                id: id.clone(),
                provider,
                credential: Credential::OAuth(theirs.login.clone()),
                unknown: UnknownFields::default(),
            },
            in_store: None,
            owes_qwen_code: false,
            login: theirs.login,
        };
        describe(&mut stored, &record);
        Some(stored)
    }

    /// Writes renewed tokens into Qwen Code's file, unless Qwen Code has no login or a newer one.
    fn give_back(&self, renewed: &StoredLogin) -> Result<(), Error> {
        if !renewed.is_qwen_code() {
            return Ok(());
        }
        let path = qwen_cli::login_path(&self.home);
        let Ok(Some(theirs)) = qwen_cli::read_login(&path) else {
            return Ok(());
        };
        let record =
            LoginRecord::load(&login_record::path(&self.home, &renewed.owner, &renewed.id));
        let is_spent = |token: &crate::Secret| record.has_spent(token);
        match qwen_cli::newest(Some(&renewed.login), &theirs.login, is_spent) {
            Newest::Ours => {
                qwen_cli::write_login(&path, &renewed.login, renewed.resource_url.as_deref())
            }
            Newest::Same | Newest::Theirs => Ok(()),
        }
    }

    /// Puts the tokens into the JSON store of the owner, if it still holds what they replace.
    fn swap(&self, renewed: &StoredLogin, record: &LoginRecord) -> Result<Swap, Error> {
        let profile = Profile {
            credential: Credential::OAuth(renewed.login.clone()),
            ..renewed.entry.clone()
        };
        let absent = if renewed.in_store.is_some() {
            Absent::Refuse
        } else {
            Absent::Add
        };
        let expected = renewed.in_store.as_ref().map(|held| &held.refresh);
        ProfileStore::of_agent(&self.home, &renewed.owner).swap_login(&profile, absent, |current| {
            let is_spent = |token| record.has_spent(token);
            expected == Some(&current.refresh) || current.refresh.as_ref().is_some_and(is_spent)
        })
    }

    fn require_readable(&self, agent: &AgentId) -> Result<(), Error> {
        for agent in [agent, &AgentId::main()] {
            ProfileStore::of_agent(&self.home, agent).load()?;
        }
        Ok(())
    }
}

/// Fills in what the record knows about the tokens.
fn describe(stored: &mut StoredLogin, record: &LoginRecord) {
    if let Some(rotation) = record.origin_of(&stored.login) {
        stored.lifetime_ms = Some(rotation.lifetime_ms);
        if rotation.resource_url.is_some() {
            stored.resource_url.clone_from(&rotation.resource_url);
        }
    }
    let refresh = stored.login.refresh.as_ref();
    stored.revoked = record.revocation_of(refresh).cloned();
    stored.interrupted_at_ms = record.interruption_of(refresh);
}

impl NewLogin {
    /// Completes an answer of the server: a missing refresh token, or host, means that the old one stays.
    pub(super) fn from_grant(grant: Grant, stored: &StoredLogin, now_ms: u64) -> Self {
        Self {
            login: Login {
                access: Some(grant.access),
                refresh: grant.refresh.or_else(|| stored.login.refresh.clone()),
                expiry: crate::profile::Expiry::AtMs(now_ms.saturating_add(grant.lifetime_ms)),
            },
            lifetime_ms: grant.lifetime_ms,
            resource_url: grant.resource_url.or_else(|| stored.resource_url.clone()),
        }
    }
}
