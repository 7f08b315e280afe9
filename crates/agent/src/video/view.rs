//! A job as people and clients see it.

use providers::video_request::Normalised;
use serde::Serialize;
use serde_json::Value;
use state::{Job, JobState};

use super::order::{Order, Progress};

/// A job as people and clients see it. Times are Unix milliseconds.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VideoView {
    /// Its id.
    pub id: String,
    /// How far it is.
    pub state: &'static str,
    /// `provider/model` that is at it.
    pub model: String,
    /// What was asked for.
    pub prompt: String,
    /// Length of the video, in seconds.
    pub duration_s: u32,
    /// Its size in pixels, when known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pixels: Option<String>,
    /// Whom it belongs to.
    pub caller: String,
    /// When it was written down.
    pub created_ms: u64,
    /// When it was submitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub submitted_ms: Option<u64>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_ms: Option<u64>,
    /// When it must have ended.
    pub deadline_ms: u64,
    /// Its id at the service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_id: Option<String>,
    /// Bytes that have arrived.
    pub bytes: u64,
    /// Size of the file, when known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_bytes: Option<u64>,
    /// Where the file is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Its checksum.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// What the service says was used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<Value>,
    /// What it waits for, when something is in the way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waits_for: Option<String>,
    /// Why it failed or was lost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// What was put into the model's own terms.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub normalised: Vec<String>,
    #[serde(skip)]
    phase: JobState,
}

impl VideoView {
    /// Makes the view of a job.
    pub fn of(job: &Job) -> Self {
        let order = Order::of(&job.request);
        let progress = Progress::of(&job.progress);
        let candidate = order.candidates.get(progress.candidate);
        let notes = candidate.map(|candidate| candidate.notes.iter());
        Self {
            id: job.id.clone(),
            state: job.state.as_str(),
            model: candidate
                .map(|candidate| candidate.model.clone())
                .unwrap_or_default(),
            prompt: order.wish.prompt.clone(),
            duration_s: candidate.map_or(0, |candidate| candidate.duration_s),
            pixels: candidate.and_then(|candidate| candidate.pixels.clone()),
            caller: job.caller.clone(),
            created_ms: job.created_ms,
            submitted_ms: job.submitted_ms,
            finished_ms: job.finished_ms,
            deadline_ms: job.deadline_ms,
            task_id: job.upstream_id.clone(),
            bytes: job.bytes.unwrap_or(progress.bytes),
            total_bytes: job.bytes.or(progress.total_bytes),
            path: job.path.clone(),
            sha256: job.sha256.clone(),
            usage: progress.usage,
            waits_for: progress.waits_for,
            problem: job.problem.clone(),
            normalised: notes.into_iter().flatten().map(Normalised::line).collect(),
            phase: job.state,
        }
    }

    /// Returns how far it is.
    pub fn phase(&self) -> JobState {
        self.phase
    }

    /// Returns the part that is done, in percent: by the clock while the service is at it, by bytes while it arrives.
    pub fn percent(&self, now_ms: u64, usual_ms: u64) -> u8 {
        let part = |done: u64, all: u64, of: u64| done.saturating_mul(of) / all.max(1);
        let percent = match self.phase {
            JobState::Running => {
                let since_ms = now_ms.saturating_sub(self.submitted_ms.unwrap_or(now_ms));
                part(since_ms.min(usual_ms), usual_ms, 90)
            }
            JobState::Generated => {
                let total = self.total_bytes.unwrap_or(u64::MAX);
                90 + part(self.bytes.min(total), total, 9)
            }
            JobState::Stored | JobState::Delivered => 100,
            JobState::Queued | JobState::Failed | JobState::Cancelled | JobState::Lost => 0,
        };
        u8::try_from(percent).unwrap_or(100)
    }
}
