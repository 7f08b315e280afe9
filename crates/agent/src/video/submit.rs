//! The step that costs money: written down before it is done, and never done twice.

use std::time::Duration;

use providers::Failure;
use state::{JobChange, JobState, Submission};

use super::desk::{Desk, Next, Stop, told};

/// How soon the place of another submission is asked for again.
const PLACE_WAIT: Duration = Duration::from_millis(200);
/// First and longest wait before a request that was put off is sent again.
const PUT_OFF_MIN: Duration = Duration::from_secs(1);
const PUT_OFF_MAX: Duration = Duration::from_mins(1);

impl Desk<'_> {
    /// Sends the request of the current candidate.
    pub(super) async fn submit(&mut self) -> Result<Next, Stop> {
        if self.is_late() {
            return self.end(
                JobState::Failed,
                "the deadline passed before it could be submitted",
            );
        }
        let route = match self.route() {
            Ok(route) => route,
            Err(reason) => return self.next_candidate(reason, None),
        };
        let body = match self.candidate() {
            Some(candidate) => candidate.body.clone(),
            None => return self.end(JobState::Failed, "the order cannot be read"),
        };
        // Jobs of this process take turns here; the store keeps those of others apart.
        let studio = self.studio;
        let turn = studio.submitting.lock().await;
        let (store, now_ms) = (&studio.parts.store, studio.now_ms());
        if !store.begin_submission(self.lease(), now_ms)? {
            drop(turn);
            studio.settle(&self.job.scope).await?;
            return Ok(Next::Wait(PLACE_WAIT));
        }
        self.job.submission = Submission::Started;
        self.job.submitted_ms = Some(now_ms);
        let deadline = self.call_deadline();
        let upstream = studio.upstream();
        let created = upstream.create_video(&route, &body, deadline);
        match created.await {
            Ok(Some(id)) => {
                self.progress.waits_for = None;
                self.write(JobChange {
                    submission: Some(Submission::Done),
                    upstream_id: Some(Some(id)),
                    ..JobChange::default()
                })?;
                Ok(Next::Go)
            }
            Ok(None) => self.wait_for(
                "the service's answer named no task".to_owned(),
                Duration::ZERO,
            ),
            Err(failure) if failure.is_refusal() => self.refused(&failure),
            Err(failure) => self.wait_for(told(&failure), Duration::ZERO),
        }
    }

    /// The service said no, so nothing was begun: another candidate, the same later, or the end.
    fn refused(&mut self, failure: &Failure) -> Result<Next, Stop> {
        let wait = failure.asks_to_wait().then(|| {
            let asked = failure
                .retry_after
                .map(|seconds| Duration::from_secs(seconds.into()));
            let doubled =
                PUT_OFF_MIN.saturating_mul(2_u32.saturating_pow(self.progress.put_off.min(10)));
            asked.unwrap_or(doubled).clamp(PUT_OFF_MIN, PUT_OFF_MAX)
        });
        self.next_candidate(told(failure), wait)
    }

    /// Goes on to the next candidate. After the last one, begins again after `wait`, or fails for good without one.
    fn next_candidate(&mut self, reason: String, wait: Option<Duration>) -> Result<Next, Stop> {
        let next = self.progress.candidate + 1;
        if next < self.order.candidates.len() {
            tracing::info!(job = %self.job.id, %reason, "the next candidate is asked for a video");
            self.turn_to(next)?;
            return Ok(Next::Go);
        }
        let Some(wait) = wait else {
            return self.end(JobState::Failed, reason);
        };
        self.progress.put_off = self.progress.put_off.saturating_add(1);
        self.progress.waits_for = Some(reason);
        self.turn_to(0)?;
        Ok(Next::Wait(wait))
    }
}
