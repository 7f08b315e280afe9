//! What was read of the logins, for as long as no file changes.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, SystemTime};

use config::{AgentId, ProfileId};
use tokio::time::Instant;

use crate::oauth::error::RefreshError;
use crate::oauth::login_record;
use crate::oauth::login_store::{StoredLogin, is_qwen_code};
use crate::profile_store::ProfileStore;
use crate::qwen_cli;

use super::Inner;

/// How long what was read is believed, also when no file seems to change: databases are not looked at each time.
const BELIEVED_FOR: Duration = Duration::from_secs(30);

/// How many logins are remembered; more than one home ever has.
const LOGINS_MAX: usize = 1_000;

/// The logins that were read.
#[derive(Default)]
pub(super) struct Seen {
    logins: HashMap<(AgentId, ProfileId), Look>,
}

/// One login as it was read.
struct Look {
    stamps: Vec<Stamp>,
    at: Instant,
    stored: Arc<StoredLogin>,
}

/// What tells whether a file was replaced: its length, its time of change, and its number where there is one.
#[derive(PartialEq, Eq)]
struct Stamp(Option<(u64, Option<SystemTime>, u64)>);

impl Stamp {
    fn of(path: &Path) -> Self {
        let metadata = std::fs::metadata(path).ok();
        Self(metadata.map(|metadata| {
            (
                metadata.len(),
                metadata.modified().ok(),
                file_number(&metadata),
            )
        }))
    }
}

#[cfg(unix)]
fn file_number(metadata: &std::fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(metadata)
}

#[cfg(not(unix))]
fn file_number(_metadata: &std::fs::Metadata) -> u64 {
    0
}

impl Inner {
    /// Returns a login as every reader sees it: what is committed on disk at this moment.
    pub(super) async fn look(
        self: &Arc<Self>,
        agent: &AgentId,
        id: &ProfileId,
    ) -> Result<Arc<StoredLogin>, RefreshError> {
        let stamps = self.stamps(agent, id);
        if let Some(stored) = self.remembered(agent, id, &stamps) {
            return Ok(stored);
        }
        let stored = Arc::new(self.read(agent, id).await?);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.logins.len() >= LOGINS_MAX {
            seen.logins.clear();
        }
        let look = Look {
            stamps,
            at: Instant::now(),
            stored: Arc::clone(&stored),
        };
        seen.logins.insert((agent.clone(), id.clone()), look);
        Ok(stored)
    }

    /// Reads a login from its stores.
    pub(super) async fn read(
        self: &Arc<Self>,
        agent: &AgentId,
        id: &ProfileId,
    ) -> Result<StoredLogin, RefreshError> {
        let (inner, agent, name) = (Arc::clone(self), agent.clone(), id.clone());
        let read = tokio::task::spawn_blocking(move || {
            let stored = inner.store.read(&agent, &name)?;
            let is_other = stored.is_none() && inner.is_stored(&agent, &name);
            Ok((stored, is_other))
        });
        match read.await {
            Ok(Ok((Some(stored), _))) => Ok(stored),
            Ok(Ok((None, true))) => Err(RefreshError::NotALogin { id: id.clone() }),
            Ok(Ok((None, false))) => Err(RefreshError::NotFound { id: id.clone() }),
            Ok(Err(source)) => Err(RefreshError::Store {
                id: id.clone(),
                source: Arc::new(source),
            }),
            Err(_) => Err(RefreshError::CutOff { id: id.clone() }),
        }
    }

    fn is_stored(&self, agent: &AgentId, id: &ProfileId) -> bool {
        let stores = crate::agent_stores::AgentStores::load(&self.home, agent);
        stores.find(id).is_some()
    }

    fn remembered(
        &self,
        agent: &AgentId,
        id: &ProfileId,
        stamps: &[Stamp],
    ) -> Option<Arc<StoredLogin>> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let look = seen.logins.get(&(agent.clone(), id.clone()))?;
        let is_current = look.stamps == stamps && look.at.elapsed() < BELIEVED_FOR;
        is_current.then(|| Arc::clone(&look.stored))
    }

    fn stamps(&self, agent: &AgentId, id: &ProfileId) -> Vec<Stamp> {
        let main = AgentId::main();
        let owners = if *agent == main {
            vec![&main]
        } else {
            vec![agent, &main]
        };
        let mut files: Vec<PathBuf> = Vec::with_capacity(5);
        for owner in owners {
            files.push(ProfileStore::of_agent(&self.home, owner).path().to_owned());
            files.push(login_record::path(&self.home, owner, id));
        }
        if is_qwen_code(id) {
            files.push(qwen_cli::login_path(&self.home));
        }
        files.iter().map(|path| Stamp::of(path)).collect()
    }
}
