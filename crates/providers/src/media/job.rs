//! Short jobs: submitted, looked at until they are done, within the deadline of the request that waits for them. Videos
//! take longer and are kept on disk; they are not here.

use std::time::Duration;

use catalog::{FailureKind, Surface};
use serde_json::Value;

use super::Sending;
use crate::attempt::Upstream;
use crate::directory::Route;
use crate::failure::{ErrorBody, Failure};
use crate::json_call::{JsonReply, JsonRequest};

/// First and longest pause between two looks at a job.
const PAUSE_MIN: Duration = Duration::from_millis(500);
const PAUSE_MAX: Duration = Duration::from_secs(5);

impl Upstream {
    /// Submits a job and returns its last state, which is that of a success.
    ///
    /// # Errors
    /// A [`Failure`]: of the submission, of a look, or of the job itself.
    pub(super) async fn finish_job(
        &self,
        route: &Route,
        submission: JsonRequest,
        sending: Sending<'_>,
    ) -> Result<JsonReply, Failure> {
        let submission = submission.header("x-dashscope-async", "enable");
        let submitted = self.json(route, &submission, sending.call()).await?;
        let submitted = submitted.value();
        let id = submitted.pointer("/output/task_id").and_then(Value::as_str);
        let id = id.ok_or_else(|| self.garbage(route))?;
        let url = route.url(Surface::Native, &format!("/tasks/{id}"));
        let url = url
            .map_err(|error| self.of_connection(route, FailureKind::Response, error.to_string()))?;
        let look = JsonRequest::get(url);
        let mut pause = PAUSE_MIN;
        loop {
            if sending.deadline.remaining() < pause {
                return Err(self.too_late(route));
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSE_MAX);
            let seen = self.json(route, &look, sending.call()).await?;
            let value = seen.value();
            let status = value.pointer("/output/task_status").and_then(Value::as_str);
            match status {
                Some("PENDING" | "RUNNING") => {}
                Some("SUCCEEDED") => return Ok(seen),
                _ => return Err(self.failed_job(route, &value)),
            }
        }
    }

    fn failed_job(&self, route: &Route, value: &Value) -> Failure {
        let text = |name: &str| {
            let text = value.pointer(&format!("/output/{name}"))?.as_str()?;
            Some(text.to_owned())
        };
        let status = text("task_status").unwrap_or_default();
        let body = ErrorBody {
            message: text("message").unwrap_or_else(|| format!("the job ended as {status}")),
            code: text("code"),
            param: None,
            request_id: value
                .get("request_id")
                .and_then(Value::as_str)
                .map(str::to_owned),
        };
        let kind = FailureKind::Response;
        Failure::of_upstream(self.catalog(), &route.place(), None, body, kind)
    }
}
