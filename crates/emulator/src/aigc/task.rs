//! One task: what was asked, how far it is, what it made.

use sha2::{Digest, Sha256};

use super::mp4;
use crate::host::Region;

/// How far a task is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Pending,
    Running,
    Succeeded,
    Failed,
    Canceled,
}

impl Status {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Running => "RUNNING",
            Self::Succeeded => "SUCCEEDED",
            Self::Failed => "FAILED",
            Self::Canceled => "CANCELED",
        }
    }
}

/// Why a task failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) code: String,
    pub(crate) message: String,
}

/// What a task makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Product {
    /// Length of the video in seconds.
    pub(crate) duration_s: u32,
    /// What `usage` says of it.
    pub(crate) usage: serde_json::Value,
    /// What `output` says of it, for anything but a video.
    pub(crate) output: Option<serde_json::Value>,
}

/// One task.
#[derive(Clone, Debug)]
pub(crate) struct Task {
    pub(crate) id: String,
    pub(crate) request_id: String,
    pub(crate) model: String,
    pub(crate) region: Region,
    pub(crate) prompt: String,
    pub(crate) product: Product,
    pub(crate) failure: Option<Failure>,
    /// Unix time in milliseconds, like all times here.
    pub(crate) submitted_ms: u64,
    pub(crate) canceled_ms: Option<u64>,
    pub(super) pending_ms: u64,
    pub(super) running_ms: u64,
}

impl Task {
    /// Creates a task that is to be submitted.
    pub(crate) fn new(id: String, request_id: String, model: &str, region: Region) -> Self {
        Self {
            id,
            request_id,
            model: model.to_owned(),
            region,
            prompt: String::new(),
            product: Product {
                duration_s: 5,
                usage: serde_json::Value::Null,
                output: None,
            },
            failure: None,
            submitted_ms: 0,
            canceled_ms: None,
            pending_ms: 0,
            running_ms: 0,
        }
    }

    pub(crate) fn status(&self, now_ms: u64) -> Status {
        if self.canceled_ms.is_some() {
            Status::Canceled
        } else if now_ms < self.begins_ms() {
            Status::Pending
        } else if now_ms < self.ends_ms() {
            Status::Running
        } else if self.failure.is_some() {
            Status::Failed
        } else {
            Status::Succeeded
        }
    }

    /// When it leaves `PENDING`.
    pub(crate) fn begins_ms(&self) -> u64 {
        self.submitted_ms.saturating_add(self.pending_ms)
    }

    /// When it is done.
    pub(crate) fn ends_ms(&self) -> u64 {
        self.begins_ms().saturating_add(self.running_ms)
    }

    /// Returns the file it makes; the same every time.
    pub(crate) fn file(&self) -> Vec<u8> {
        let digest = Sha256::digest(format!("{}\n{}", self.id, self.prompt));
        let seed = digest
            .iter()
            .take(8)
            .fold(0, |seed, byte| seed << 8 | u64::from(*byte));
        mp4::video(self.product.duration_s.saturating_mul(1000), seed)
    }
}
