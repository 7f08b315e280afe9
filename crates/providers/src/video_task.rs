//! Video tasks of the service: created once, then looked at until they are done. Tasks are kept for a day, and so are the
//! links to what they made.

use bytes::Bytes;
use http::HeaderMap;
use serde_json::Value;

use crate::attempt::Upstream;
use crate::deadline::Deadline;
use crate::directory::Route;
use crate::failure::Failure;
use crate::json_call::{JsonCall, JsonReply, JsonRequest};
use crate::upstream_url::UrlError;

/// Where tasks are created, below the native surface.
const CREATE: &str = "/services/aigc/video-generation/video-synthesis";
/// Rows of a page when tasks are listed; more than are submitted within a minute.
const PAGE_ROWS: u32 = 100;

/// How far a task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskStatus {
    /// It waits.
    Pending,
    /// It is worked on.
    Running,
    /// It is done.
    Succeeded,
    /// It failed.
    Failed,
    /// It was cancelled while it waited.
    Canceled,
    /// The service does not know it, or not any more.
    Unknown,
}

/// A task as the service shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskView {
    /// How far it is.
    pub status: TaskStatus,
    /// Link to the video; it expires.
    pub video_url: Option<String>,
    /// The prompt that it was created with; shown once it is done.
    pub prompt: Option<String>,
    /// Why it failed.
    pub problem: Option<String>,
    /// What was used, as the service says.
    pub usage: Option<Value>,
}

/// A row of the list of tasks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskRow {
    /// The task.
    pub id: String,
    /// When it was created, in Unix milliseconds.
    pub created_ms: u64,
}

impl TaskStatus {
    fn parse(text: &str) -> Self {
        match text {
            "PENDING" => Self::Pending,
            "RUNNING" => Self::Running,
            "SUCCEEDED" => Self::Succeeded,
            "FAILED" => Self::Failed,
            "CANCELED" | "CANCELLED" => Self::Canceled,
            _ => Self::Unknown,
        }
    }
}

impl TaskView {
    /// Reads a reply. The link is where newer models put it, or in a list of results.
    fn read(reply: &Value) -> Self {
        let output = reply.get("output").unwrap_or(reply);
        let text = |name: &str| output.get(name)?.as_str().map(str::to_owned);
        let listed = || {
            let results = output.get("results")?.as_array()?;
            let url = results
                .iter()
                .find_map(|row| row.get("video_url").or_else(|| row.get("url")));
            url?.as_str().map(str::to_owned)
        };
        let problem = match (text("code"), text("message")) {
            (Some(code), Some(message)) => Some(format!("{code}: {message}")),
            (code, message) => message.or(code),
        };
        Self {
            status: TaskStatus::parse(&text("task_status").unwrap_or_default()),
            video_url: text("video_url").or_else(listed),
            prompt: text("orig_prompt"),
            problem,
            usage: reply.get("usage").cloned(),
        }
    }
}

impl Upstream {
    /// Creates a task and returns its id; none when the reply does not name one, then nobody knows whether there is one.
    ///
    /// # Errors
    /// [`Failure`]; below status 500 the service refused, else the task may exist all the same.
    ///
    /// # Cancel safety
    /// Not cancel safe: the task may have been created.
    pub async fn create_video(
        &self,
        route: &Route,
        body: &Value,
        deadline: Deadline,
    ) -> Result<Option<String>, Failure> {
        let text = body.to_string();
        let uploads = text.contains("\"oss://");
        let url = self.jobs_url(route, CREATE).map_err(|failure| *failure)?;
        let mut request =
            JsonRequest::post(url, Bytes::from(text)).header("x-dashscope-async", "enable");
        if uploads {
            request = request.header("x-dashscope-ossresourceresolve", "enable");
        }
        let reply = self.ask_job(route, &request, deadline).await?.value();
        let id = reply.pointer("/output/task_id").and_then(Value::as_str);
        Ok(id.map(str::to_owned))
    }

    /// Looks at a task.
    ///
    /// # Errors
    /// [`Failure`] when the service cannot be asked.
    pub async fn task(
        &self,
        route: &Route,
        id: &str,
        deadline: Deadline,
    ) -> Result<TaskView, Failure> {
        let url = self
            .jobs_url(route, &format!("/tasks/{id}"))
            .map_err(|failure| *failure)?;
        let reply = self
            .ask_job(route, &JsonRequest::get(url), deadline)
            .await?;
        Ok(TaskView::read(&reply.value()))
    }

    /// Cancels a task that has not begun.
    ///
    /// # Errors
    /// [`Failure`], with status 400 when it has begun.
    pub async fn cancel_task(
        &self,
        route: &Route,
        id: &str,
        deadline: Deadline,
    ) -> Result<(), Failure> {
        let url = self
            .jobs_url(route, &format!("/tasks/{id}/cancel"))
            .map_err(|failure| *failure)?;
        let request = JsonRequest::post(url, Bytes::new());
        self.ask_job(route, &request, deadline).await.map(drop)
    }

    /// Returns the latest tasks of the account with the model of `route`, newest first.
    ///
    /// # Errors
    /// [`Failure`] when the service cannot be asked.
    pub async fn latest_tasks(
        &self,
        route: &Route,
        deadline: Deadline,
    ) -> Result<Vec<TaskRow>, Failure> {
        let path = format!(
            "/tasks/?model_name={}&page_no=1&page_size={PAGE_ROWS}",
            route.model
        );
        let url = self.jobs_url(route, &path).map_err(|failure| *failure)?;
        let reply = self
            .ask_job(route, &JsonRequest::get(url), deadline)
            .await?;
        let reply = reply.value();
        let rows = reply
            .get("data")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        let read = |row: &Value| {
            Some(TaskRow {
                id: row.get("task_id")?.as_str()?.to_owned(),
                created_ms: row.get("gmt_create")?.as_u64()?,
            })
        };
        Ok(rows.filter_map(read).collect())
    }

    pub(crate) async fn ask_job(
        &self,
        route: &Route,
        request: &JsonRequest,
        deadline: Deadline,
    ) -> Result<JsonReply, Failure> {
        let headers = &HeaderMap::new();
        self.json(route, request, JsonCall { headers, deadline })
            .await
    }

    pub(crate) fn jobs_url(&self, route: &Route, path: &str) -> Result<http::Uri, Box<Failure>> {
        let url = route.jobs_url(path);
        url.map_err(|error: UrlError| Box::new(self.no_surface(route, &error)))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn reads_every_state_and_both_places_of_the_link() {
        let read = |output: Value| TaskView::read(&json!({"output": output}));
        for (text, status) in [
            ("PENDING", TaskStatus::Pending),
            ("RUNNING", TaskStatus::Running),
            ("CANCELED", TaskStatus::Canceled),
            ("UNKNOWN", TaskStatus::Unknown),
            ("NEW STATE", TaskStatus::Unknown),
        ] {
            assert_eq!(read(json!({"task_status": text})).status, status);
        }
        let done = read(json!({"task_status": "SUCCEEDED", "video_url": "u", "orig_prompt": "p"}));
        assert_eq!(
            (done.video_url.as_deref(), done.prompt.as_deref()),
            (Some("u"), Some("p"))
        );
        let listed = read(json!({"task_status": "SUCCEEDED", "results": [{"video_url": "v"}]}));
        assert_eq!(listed.video_url.as_deref(), Some("v"));
        let failed = read(json!({"task_status": "FAILED", "code": "A", "message": "b"}));
        assert_eq!(failed.problem.as_deref(), Some("A: b"));
    }
}
