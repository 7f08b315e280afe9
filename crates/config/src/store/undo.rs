//! Takes changes of the config back.

use super::history::{Change, Generation};
use super::{Committed, ConfigStore, LOCK_WAIT, WriteOrigin, digest};
use crate::error::Error;
use crate::file;
use crate::lock_file::LockFile;

/// A change that can be taken back, and what that would do.
#[derive(Clone)]
pub struct UndoPlan {
    /// The generation that is taken back, with all later ones.
    pub generation: Generation,
    /// The file as it is now; `None` when there is none.
    pub current: Option<Vec<u8>>,
    /// The file as it will be; `None` when it goes away.
    pub target: Option<Vec<u8>>,
    /// Whether the file was changed by something else since its newest generation.
    pub edited_since: bool,
}

impl ConfigStore {
    /// Plans to put the file back as it was before a generation: the one named, or the newest that still stands.
    ///
    /// # Errors
    /// [`Error::NoGeneration`] when there is no such generation, [`Error::Io`] when a file cannot be read.
    pub fn plan_undo(&self, number: Option<u64>) -> Result<UndoPlan, Error> {
        let current = self.bytes()?;
        let generations = self.history().generations(current.as_deref())?;
        let wanted = match number {
            Some(number) => generations.iter().find(|one| one.number == number),
            None => newest_standing(&generations),
        };
        let generation = wanted.cloned().ok_or_else(|| Error::NoGeneration {
            number,
            newest: generations.last().map(|last| last.number),
        })?;
        let target = generation
            .before
            .as_deref()
            .map(|sha256| self.history().content(sha256))
            .transpose()?;
        let now = current.as_deref().map(digest::sha256);
        let edited_since = generations.last().is_some_and(|last| last.after != now);
        Ok(UndoPlan {
            generation,
            current,
            target,
            edited_since,
        })
    }

    /// Puts the file back as planned; itself a generation, so that it can be taken back too.
    ///
    /// # Errors
    /// Those of [`ConfigStore::commit`].
    pub fn apply_undo(&self, plan: &UndoPlan, origin: &WriteOrigin) -> Result<Committed, Error> {
        self.refuse_read_only()?;
        let _lock = LockFile::acquire(self.path(), LOCK_WAIT)?;
        if self.bytes()? != plan.current {
            return Err(Error::ConcurrentChange {
                path: self.path().to_owned(),
            });
        }
        file::sweep_temporaries(self.path());
        self.replace(&Change {
            before: plan.current.as_deref(),
            after: plan.target.as_deref(),
            undoes: Some(plan.generation.number),
            origin,
        })
    }
}

/// Returns the newest generation that no later undo went back behind. An undo takes back its generation and all since.
fn newest_standing(generations: &[Generation]) -> Option<&Generation> {
    let mut below = u64::MAX;
    for generation in generations.iter().rev() {
        match generation.undoes {
            Some(undone) => below = below.min(undone),
            None if generation.number < below => return Some(generation),
            None => {}
        }
    }
    None
}
