//! Long jobs of the service: submitted, looked at again and again, done after a while, kept for a day.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::error::Error;
use crate::host::Region;
use crate::steered_clock::SteeredClock;

pub(crate) mod control;
mod mp4;
mod settings;
mod task;
mod video_model;

pub(crate) use settings::Settings;
pub(crate) use task::{Product, Status, Task};
pub(crate) use video_model::VideoModels;

/// Most tasks kept; the oldest go first.
const TASKS_MAX: usize = 10_000;

/// All tasks of an emulator.
pub(crate) struct Aigc {
    pub(crate) video_models: VideoModels,
    /// Unix time of the clock's zero, in milliseconds: tasks live in real time, or clients could not find theirs.
    began_unix_ms: u64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    clock: SteeredClock,
    settings: Settings,
    tasks: VecDeque<Task>,
    n_submitted: u64,
}

impl Aigc {
    pub(crate) fn new() -> Result<Self, Error> {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        Ok(Self {
            video_models: VideoModels::built_in()?,
            began_unix_ms: since.map_or(0, |since| {
                u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
            }),
            state: Mutex::default(),
        })
    }

    /// Forgets tasks and settings.
    pub(crate) fn reset(&self) {
        *self.lock() = State::default();
    }

    /// Returns the time by which tasks age, as Unix time in milliseconds.
    pub(crate) fn unix_ms(&self) -> u64 {
        self.unix_ms_of(&self.lock())
    }

    /// Returns the time at which links made now expire.
    pub(crate) fn links_expire_ms(&self) -> u64 {
        let state = self.lock();
        self.unix_ms_of(&state)
            .saturating_add(state.settings.link_ttl_ms)
    }

    /// Takes a new task; what will become of it is decided now.
    pub(crate) fn submit(&self, mut task: Task) {
        let mut state = self.lock();
        task.submitted_ms = self.unix_ms_of(&state);
        task.pending_ms = state.settings.pending_ms;
        task.running_ms = state.settings.running_ms;
        if task.failure.is_none() {
            task.failure = state.settings.take_failure();
        }
        state.n_submitted += 1;
        state.tasks.push_back(task);
        while state.tasks.len() > TASKS_MAX {
            state.tasks.pop_front();
        }
    }

    /// Looks at a task that can be seen from `region`; none when it is unknown or no longer kept.
    pub(crate) fn look<T>(
        &self,
        region: Region,
        id: &str,
        look: impl FnOnce(&Task, u64) -> T,
    ) -> Option<T> {
        let state = self.lock();
        let now_ms = self.unix_ms_of(&state);
        let task = find(&state, now_ms, region, id)?;
        Some(look(task, now_ms))
    }

    /// Returns the tasks seen from `region`, newest first.
    pub(crate) fn list<T>(&self, region: Region, show: impl Fn(&Task, u64) -> T) -> Vec<T> {
        let state = self.lock();
        let now_ms = self.unix_ms_of(&state);
        let kept = state
            .tasks
            .iter()
            .rev()
            .filter(|task| task.region == region && state.settings.keeps(task, now_ms));
        kept.map(|task| show(task, now_ms)).collect()
    }

    /// Cancels a task that has not begun; says whether it did.
    pub(crate) fn cancel(&self, region: Region, id: &str) -> bool {
        let mut state = self.lock();
        let now_ms = self.unix_ms_of(&state);
        let pending = find(&state, now_ms, region, id)
            .is_some_and(|task| task.status(now_ms) == Status::Pending);
        let found = state.tasks.iter_mut().find(|task| task.id == id);
        if let (true, Some(task)) = (pending, found) {
            task.canceled_ms = Some(now_ms);
        }
        pending
    }

    /// Returns the file that a task made; its name is the task's id.
    pub(crate) fn product(&self, key: &str) -> Option<Bytes> {
        let id = key.rsplit('/').next()?.split('.').next()?;
        let state = self.lock();
        let now_ms = self.unix_ms_of(&state);
        let task = state.tasks.iter().find(|task| task.id == id)?;
        (task.status(now_ms) == Status::Succeeded).then(|| Bytes::from(task.file()))
    }

    /// Returns settings and tasks for those who steer the emulator, oldest first.
    pub(crate) fn shown(&self) -> Value {
        let state = self.lock();
        let now_ms = self.unix_ms_of(&state);
        let shown = |task: &Task| {
            let digest = Sha256::digest(task.file());
            let sha256 = digest
                .iter()
                .fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
            json!({
                "task_id": task.id, "request_id": task.request_id, "model": task.model, "prompt": task.prompt,
                "status": task.status(now_ms).name(), "submitted_ms": task.submitted_ms, "sha256": sha256,
            })
        };
        json!({
            "settings": state.settings,
            "n_submitted": state.n_submitted,
            "tasks": state.tasks.iter().map(shown).collect::<Vec<_>>(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn unix_ms_of(&self, state: &State) -> u64 {
        self.began_unix_ms.saturating_add(state.clock.now_ms())
    }
}

fn find<'a>(state: &'a State, now_ms: u64, region: Region, id: &str) -> Option<&'a Task> {
    let task = state.tasks.iter().find(|task| task.id == id)?;
    (task.region == region && state.settings.keeps(task, now_ms)).then_some(task)
}
