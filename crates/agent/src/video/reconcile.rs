//! After a submission whose answer nobody saw: the service's own list says whether there is a task.

use std::time::Duration;

use state::{JobChange, Submission};

use super::desk::{Desk, Next, Stop, told};
use super::millis;

/// How long a request that left just before a crash may take to show in the list.
const SETTLE: Duration = Duration::from_secs(5);
/// How far the service's clock and ours may be apart.
const CLOCK_SKEW: Duration = Duration::from_mins(10);
/// How soon the list is asked for again when it cannot be had.
const RETRY: Duration = Duration::from_secs(2);

impl Desk<'_> {
    /// Looks for the task of a submission; without one, the request may be sent again.
    pub(super) async fn reconcile(&mut self) -> Result<Next, Stop> {
        let submitted_ms = self.job.submitted_ms.unwrap_or(self.job.created_ms);
        let settled_ms = submitted_ms.saturating_add(millis(SETTLE));
        let now_ms = self.studio.now_ms();
        if now_ms < settled_ms {
            return Ok(Next::Wait(Duration::from_millis(settled_ms - now_ms)));
        }
        if self.left().is_zero() {
            let reason =
                "the deadline passed before the service could say whether it was submitted";
            return self.end(state::JobState::Lost, reason);
        }
        let route = match self.route() {
            Ok(route) => route,
            Err(reason) => return self.wait_for(reason, RETRY),
        };
        self.studio.pacer.wait().await;
        let deadline = self.call_deadline();
        let listed = self.studio.upstream().latest_tasks(&route, deadline).await;
        let rows = match listed {
            Ok(rows) => rows,
            Err(failure) => return self.wait_for(told(&failure), RETRY),
        };
        let earliest_ms = submitted_ms.saturating_sub(millis(CLOCK_SKEW));
        let mut found = None;
        // Newest first: the last that fits is the one nearest to the submission.
        for row in rows.into_iter().filter(|row| row.created_ms >= earliest_ms) {
            let is_taken = self.studio.parts.store.knows_upstream(&row.id)?;
            if !is_taken && !self.progress.not_ours.contains(&row.id) {
                found = Some(row.id);
            }
        }
        self.progress.waits_for = None;
        let Some(id) = found else {
            tracing::info!(job = %self.job.id, "nothing was submitted before the interruption");
            self.write(JobChange {
                submission: Some(Submission::None),
                ..JobChange::default()
            })?;
            return Ok(Next::Go);
        };
        tracing::info!(job = %self.job.id, task = %id, "a submission was found again");
        self.progress.adopted = true;
        self.write(JobChange {
            submission: Some(Submission::Done),
            upstream_id: Some(Some(id)),
            ..JobChange::default()
        })?;
        Ok(Next::Go)
    }

    /// Lets go of a task that turned out to be somebody else's.
    pub(super) fn disown(&mut self, id: String) -> Result<Next, Stop> {
        self.progress.not_ours.push(id);
        self.progress.adopted = false;
        self.progress.url = None;
        self.write(JobChange {
            submission: Some(Submission::Started),
            upstream_id: Some(None),
            ..JobChange::default()
        })?;
        Ok(Next::Go)
    }
}
