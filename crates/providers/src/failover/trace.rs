//! What was decided for one request, step by step, for `openclaw trace`.

use std::time::Duration;

use serde::Serialize;

use crate::directory::Route;
use crate::failure::Failure;

/// Longest message of a failure kept in a step, in characters; the answer to the client has all of it.
const MESSAGE_CHARS_MAX: usize = 300;
/// Most steps kept; a request that needs more is in trouble that the first ones explain.
const STEPS_MAX: usize = 64;

/// The steps of one request, in order. Empty when the first candidate answered at once.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(transparent)]
pub struct Trace(Vec<Step>);

/// One decision.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum Step {
    /// A configured candidate was left out.
    Skipped {
        /// The model as configured.
        model: String,
        /// Why.
        reason: String,
    },
    /// A candidate was not asked, since it failed before.
    Rested(Candidate),
    /// A candidate was asked and failed.
    Failed(Candidate),
    /// Nobody was free.
    #[serde(rename_all = "camelCase")]
    Waited {
        /// How long, in milliseconds.
        wait_ms: u64,
    },
}

/// A candidate and what it said.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Candidate {
    /// `provider/model`.
    pub model: String,
    /// Host name.
    pub host: String,
    /// Name and masked end of the credential.
    pub credential: String,
    /// Failure class.
    pub class: &'static str,
    /// What it is about.
    pub scope: &'static str,
    /// Row of the error atlas.
    pub rule: String,
    /// HTTP status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The service's code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The service's request id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upstream_request_id: Option<String>,
    /// What it said, shortened.
    pub message: String,
    /// How long it took, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
}

impl Trace {
    /// Returns the steps.
    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    /// Says whether there is nothing to tell.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn push(&mut self, step: Step) {
        if self.0.len() < STEPS_MAX {
            self.0.push(step);
        }
    }
}

impl Candidate {
    pub(super) fn new(route: &Route, failure: &Failure, took: Option<Duration>) -> Self {
        Self {
            model: route.reference(),
            host: route.host.to_string(),
            credential: route.credential.to_string(),
            class: failure.class_name(),
            scope: failure.scope.as_str(),
            rule: failure.rule.clone(),
            status: failure.status,
            code: failure.code.clone(),
            upstream_request_id: failure.upstream_request_id.clone(),
            message: failure.message.chars().take(MESSAGE_CHARS_MAX).collect(),
            duration_ms: took.map(|took| u64::try_from(took.as_millis()).unwrap_or(u64::MAX)),
        }
    }
}
