//! How long tasks take, and what becomes of them.

use serde::{Deserialize, Serialize};

use super::task::{Failure, Task};

/// Longest duration that can be asked for, in milliseconds: 30 days.
const DURATION_MS_MAX: u64 = 30 * 24 * 60 * 60 * 1000;

/// How tasks behave; a reset brings back the defaults.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Settings {
    /// How long a new task is `PENDING`, in milliseconds. Default 300.
    pub(super) pending_ms: u64,
    /// How long it is then `RUNNING`, in milliseconds. Default 1200.
    pub(super) running_ms: u64,
    /// Life of a link to a result, from the poll that gave it, in milliseconds. Default 24 hours.
    pub(super) link_ttl_ms: u64,
    /// How long tasks are known, in milliseconds. Default 24 hours.
    pub(super) retention_ms: u64,
    /// Whether the clock of tasks and links moves only when told to.
    pub(super) frozen: bool,
    /// What the next tasks fail with.
    pub(super) fail: Option<FailNext>,
}

/// What the next tasks fail with.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FailNext {
    code: String,
    message: String,
    /// How many tasks.
    times: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            pending_ms: 300,
            running_ms: 1200,
            link_ttl_ms: 24 * 60 * 60 * 1000,
            retention_ms: 24 * 60 * 60 * 1000,
            frozen: false,
            fail: None,
        }
    }
}

impl Settings {
    pub(super) fn check(&self) -> Result<(), String> {
        let longest = self
            .pending_ms
            .max(self.running_ms)
            .max(self.link_ttl_ms)
            .max(self.retention_ms);
        if longest > DURATION_MS_MAX {
            return Err(format!("a duration is longer than {DURATION_MS_MAX} ms"));
        }
        Ok(())
    }

    /// Says whether a task is still known.
    pub(super) fn keeps(&self, task: &Task, now_ms: u64) -> bool {
        now_ms < task.submitted_ms.saturating_add(self.retention_ms)
    }

    /// Uses up one failure, if one is due.
    pub(super) fn take_failure(&mut self) -> Option<Failure> {
        let next = self.fail.as_mut().filter(|next| next.times > 0)?;
        next.times -= 1;
        Some(Failure {
            code: next.code.clone(),
            message: next.message.clone(),
        })
    }
}
