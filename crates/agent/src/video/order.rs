//! What a job holds in the store besides its state: what was ordered, and how it is going.

use providers::Route;
use providers::video_request::{Normalised, VideoWish};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What was ordered: a wish, and the requests that fulfil it in the order in which they are tried.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Order {
    /// What somebody wishes to see.
    pub wish: VideoWish,
    /// Requests that fulfil it.
    pub candidates: Vec<Candidate>,
}

/// One request, and where it goes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// `provider/model`.
    pub model: String,
    /// Host of the route.
    pub host: String,
    /// Credential of the route: name and fingerprint.
    pub credential: String,
    /// The body.
    pub body: Value,
    /// Length of the video, in seconds.
    pub duration_s: u32,
    /// Its size in pixels, when known.
    pub pixels: Option<String>,
    /// What was put into the model's own terms.
    pub notes: Vec<Normalised>,
}

/// How a job is going.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Progress {
    /// Which candidate is at it.
    pub candidate: usize,
    /// How often submissions were put off.
    pub put_off: u32,
    /// Whether the task was found in the service's list rather than named in its answer.
    pub adopted: bool,
    /// Tasks in that list that turned out to be somebody else's.
    pub not_ours: Vec<String>,
    /// Link to the result.
    pub url: Option<String>,
    /// How many links were of no use.
    pub dead_links: u32,
    /// Bytes of the result that have arrived.
    pub bytes: u64,
    /// Its size, when known.
    pub total_bytes: Option<u64>,
    /// What the service says was used.
    pub usage: Option<Value>,
    /// What it waits for, when something is in the way.
    pub waits_for: Option<String>,
}

impl Candidate {
    /// Says whether a route is the one that was chosen.
    pub(super) fn is_on(&self, route: &Route) -> bool {
        *route.host == *self.host && *route.credential == *self.credential
    }

    /// Returns what submissions of this candidate have in common with others: those that show in one list.
    pub(super) fn scope(&self) -> String {
        format!("{} {}", self.host, self.model)
    }
}

impl Order {
    /// Reads an order from a job; an unreadable one has no candidates.
    pub fn of(request: &str) -> Self {
        serde_json::from_str(request).unwrap_or_else(|_| Self {
            wish: VideoWish::default(),
            candidates: Vec::new(),
        })
    }
}

impl Progress {
    /// Reads progress from a job.
    pub fn of(progress: &str) -> Self {
        serde_json::from_str(progress).unwrap_or_default()
    }

    pub(super) fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}
