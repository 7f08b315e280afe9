//! `/v1/videos`: videos as jobs, in OpenAI's shape. A job belongs to the caller that made it; for everybody else it does
//! not exist.

use std::time::Duration;

use agent::video::{
    CreateError, DEADLINE_DEFAULT, Draft, LocalFile, VideoAsk, VideoStudio, VideoView,
};
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use providers::media_type::{MediaKind, MediaType, SNIFF_BYTES};
use providers::video_request::{Reference, ReferenceKind, VideoWish};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use state::{Job, JobFilter, JobState};

use super::completion::{self, Asked};
use crate::auth::Caller;
use crate::multipart::Form;
use crate::openai_error::OpenAiError;
use crate::state::Shared;

/// Path of this endpoint.
pub(crate) const PATH: &str = "/v1/videos";
/// Header of clients that repeat a request without wanting it twice.
const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// Longest such key, in bytes.
const IDEMPOTENCY_KEY_BYTES_MAX: usize = 255;
/// Rows of a page when the client names no number, and most rows.
const PAGE_ROWS_DEFAULT: u32 = 20;
const PAGE_ROWS_MAX: u32 = 100;
/// Longest time that deleting waits for an open job to end.
const CANCEL_WAIT: Duration = Duration::from_secs(10);
/// How often it looks.
const CANCEL_LOOK: Duration = Duration::from_millis(100);
/// Bytes of a file that are read at a time.
const PIECE_BYTES: usize = 64 * 1024;

/// What a client wishes.
#[derive(Default)]
struct Wished {
    wish: VideoWish,
    model: Option<String>,
    files: Vec<LocalFile>,
}

/// Creates a job.
pub(crate) async fn create(shared: &Shared, asked: Asked<'_>) -> Response {
    let headers = asked.headers;
    let created = async {
        let (caller, body) = completion::authorized_body(shared, headers, asked.body).await?;
        let wished = if Form::is_announced(headers) {
            of_form(&Form::read(headers, &body)?)?
        } else {
            of_json(&body)?
        };
        submit(shared, caller, headers, &wished).await
    };
    created.await.unwrap_or_else(IntoResponse::into_response)
}

async fn submit(
    shared: &Shared,
    caller: Caller,
    headers: &HeaderMap,
    wished: &Wished,
) -> Result<Response, OpenAiError> {
    let key = headers.get(IDEMPOTENCY_KEY);
    let key = key.and_then(|key| key.to_str().ok());
    let ask = VideoAsk {
        wish: &wished.wish,
        model: wished.model.as_deref(),
        caller: caller.label(),
        idempotency_key: key.filter(|key| (1..=IDEMPOTENCY_KEY_BYTES_MAX).contains(&key.len())),
        deadline: DEADLINE_DEFAULT,
    };
    // What can be refused is refused before a file of this home is made.
    if wished.files.is_empty() {
        let directory = &shared.directory;
        let draft = agent::video::draft(directory, &shared.upstream, ask.wish, ask.model);
        let draft = draft.map_err(|error| refused(&error))?;
        return written(&*shared.videos.studio(shared)?, ask, &draft);
    }
    let studio = shared.videos.studio(shared)?;
    let uploaded = Box::pin(studio.upload(ask, &wished.files)).await;
    let (wish, draft) = uploaded.map_err(|error| refused(&error))?;
    written(&studio, VideoAsk { wish: &wish, ..ask }, &draft)
}

fn written(
    studio: &VideoStudio,
    ask: VideoAsk<'_>,
    draft: &Draft,
) -> Result<Response, OpenAiError> {
    let (job, _) = studio
        .create(ask, draft, false)
        .map_err(|error| refused(&error))?;
    Ok(answer(&video(studio, &job)))
}

/// Answers `GET /v1/videos/{id}`.
pub(crate) async fn get(
    caller: Caller,
    State(shared): State<Shared>,
    Path(id): Path<String>,
) -> Result<Response, OpenAiError> {
    let (studio, job) = find(&shared, caller, &id)?;
    Ok(answer(&video(&studio, &job)))
}

/// Which page.
#[derive(Debug, Deserialize)]
pub(crate) struct Page {
    after: Option<String>,
    limit: Option<u32>,
    order: Option<String>,
}

/// Answers `GET /v1/videos`.
pub(crate) async fn list(
    caller: Caller,
    State(shared): State<Shared>,
    Query(page): Query<Page>,
) -> Result<Response, OpenAiError> {
    let nothing = || json!({"object": "list", "data": [], "first_id": null, "last_id": null, "has_more": false});
    let Some(studio) = shared.videos.existing(&shared)? else {
        return Ok(answer(&nothing()));
    };
    let before = match &page.after {
        Some(id) => Some(find(&shared, caller, id)?.1.number),
        None => None,
    };
    let limit = page
        .limit
        .unwrap_or(PAGE_ROWS_DEFAULT)
        .clamp(1, PAGE_ROWS_MAX);
    let filter = JobFilter {
        caller: Some(caller.label()),
        open_only: false,
        before,
        oldest_first: page.order.as_deref() == Some("asc"),
        limit: limit + 1,
    };
    let mut jobs = studio.list(filter).map_err(|error| broken(&error))?;
    let has_more = jobs.len() > limit as usize;
    jobs.truncate(limit as usize);
    let data: Vec<Value> = jobs.iter().map(|job| video(&studio, job)).collect();
    let id_of = |job: Option<&Job>| job.map(|job| job.id.clone());
    let body = json!({
        "object": "list", "first_id": id_of(jobs.first()), "last_id": id_of(jobs.last()), "data": data,
        "has_more": has_more,
    });
    Ok(answer(&body))
}

/// Answers `GET /v1/videos/{id}/content` with the file.
pub(crate) async fn content(
    caller: Caller,
    State(shared): State<Shared>,
    Path(id): Path<String>,
) -> Result<Response, OpenAiError> {
    let (studio, job) = find(&shared, caller, &id)?;
    let path = job.path.as_deref().filter(|_| job.state.has_result());
    let Some(path) = path else {
        let message = format!("the video {id} is not there: it is {}", status(job.state));
        return Err(OpenAiError::bad_request(message).code("video_not_ready"));
    };
    let file = std::fs::File::open(path).map_err(|_| {
        OpenAiError::new(
            StatusCode::NOT_FOUND,
            "invalid_request_error",
            "the file of this video is gone",
        )
        .code("video_file_missing")
    })?;
    let length = job.bytes.unwrap_or_default();
    studio.delivered(&job.id).map_err(|error| broken(&error))?;
    let mut response = Response::new(Body::new(FileBody { file, left: length }));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("video/mp4"));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    Ok(response)
}

/// Answers `DELETE /v1/videos/{id}`: an open job is cancelled first, if that is still possible.
pub(crate) async fn delete(
    caller: Caller,
    State(shared): State<Shared>,
    Path(id): Path<String>,
) -> Result<Response, OpenAiError> {
    let (studio, mut job) = find(&shared, caller, &id)?;
    if !job.state.is_end() {
        studio
            .want_cancel(&job.id)
            .map_err(|error| broken(&error))?;
        let waiting = async {
            loop {
                let (_, now) = find(&shared, caller, &id)?;
                if now.state.is_end() || !now.cancel_wanted {
                    return Ok::<Job, OpenAiError>(now);
                }
                tokio::time::sleep(CANCEL_LOOK).await;
            }
        };
        if let Ok(ended) = tokio::time::timeout(CANCEL_WAIT, waiting).await {
            job = ended?;
        }
    }
    if !studio.forget(&job).map_err(|error| broken(&error))? {
        let message = format!("the video {id} is being made and can no longer be cancelled");
        return Err(
            OpenAiError::new(StatusCode::CONFLICT, "invalid_request_error", message)
                .code("video_in_progress")
                .hint("delete it once it is completed"),
        );
    }
    Ok(answer(
        &json!({"id": id, "object": "video.deleted", "deleted": true}),
    ))
}

fn find(
    shared: &Shared,
    caller: Caller,
    id: &str,
) -> Result<(std::sync::Arc<VideoStudio>, Job), OpenAiError> {
    let missing = || {
        let message = format!(
            "there is no video `{}`",
            id.chars().take(80).collect::<String>()
        );
        OpenAiError::new(StatusCode::NOT_FOUND, "invalid_request_error", message)
            .code("video_not_found")
    };
    let studio = shared.videos.existing(shared)?.ok_or_else(missing)?;
    let job = studio
        .find(caller.label(), id)
        .map_err(|error| broken(&error))?;
    Ok((studio, job.ok_or_else(missing)?))
}

fn broken(error: &state::Error) -> OpenAiError {
    tracing::error!(%error, "the jobs of this home cannot be used");
    OpenAiError::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "api_error",
        "the jobs of this gateway cannot be used",
    )
    .code("jobs_unavailable")
}

fn refused(error: &CreateError) -> OpenAiError {
    let hint = error.hint();
    let answer = match error {
        CreateError::Route(route) => return completion::unroutable(route),
        CreateError::Limit(limit) => OpenAiError::bad_request(error.to_string())
            .param(Some(limit.field))
            .code("invalid_parameter"),
        CreateError::UnknownModel(_) => OpenAiError::bad_request(error.to_string())
            .param(Some("model"))
            .code("unknown_video_model"),
        CreateError::Upload(failure) => {
            let status =
                StatusCode::from_u16(failure.client_status()).unwrap_or(StatusCode::BAD_GATEWAY);
            OpenAiError::new(status, failure.openai_type(), failure.client_message())
                .class(failure.class_name())
        }
        CreateError::State(error) => return broken(error),
        _ => OpenAiError::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "api_error",
            error.to_string(),
        ),
    };
    match hint {
        Some(hint) => answer.hint(hint),
        None => answer,
    }
}

/// Reads a JSON request: OpenAI's members, and those of [`VideoWish`] for what OpenAI has no name for.
fn of_json(body: &Bytes) -> Result<Wished, OpenAiError> {
    let body: Value = serde_json::from_slice(body)
        .map_err(|error| OpenAiError::bad_request(format!("the body is not JSON: {error}")))?;
    let Value::Object(mut members) = body else {
        return Err(OpenAiError::bad_request("the body is not a JSON object"));
    };
    let model = members
        .remove("model")
        .and_then(|model| model.as_str().map(str::to_owned));
    let mut references = Vec::new();
    if let Some(reference) = members.remove("input_reference") {
        let url = reference.get("image_url").unwrap_or(&reference);
        let url = url.get("url").unwrap_or(url).as_str();
        let url = url.ok_or_else(|| {
            OpenAiError::bad_request("`input_reference` must be a URL or a file")
                .param(Some("input_reference"))
        })?;
        references.push(image(url));
    }
    if let Some(seconds) = members.remove("seconds") {
        members.insert("duration_s".to_owned(), number(&seconds));
    }
    let mut wish = wish_of(members)?;
    references.append(&mut wish.references);
    wish.references = references;
    let files = Vec::new();
    Ok(Wished { wish, model, files })
}

/// Reads a form, which is what OpenAI's own clients send.
fn of_form(form: &Form) -> Result<Wished, OpenAiError> {
    let mut members = Map::new();
    for name in [
        "prompt",
        "negative_prompt",
        "size",
        "aspect_ratio",
        "resolution",
        "audio_url",
        "shot_type",
    ] {
        if let Some(text) = form.text(name) {
            members.insert(name.to_owned(), json!(text));
        }
    }
    for (name, member) in [
        ("seconds", "duration_s"),
        ("seed", "seed"),
        ("audio", "audio"),
        ("watermark", "watermark"),
        ("prompt_extend", "prompt_extend"),
    ] {
        if let Some(text) = form.text(name) {
            let plain = serde_json::from_str(&text).unwrap_or(Value::String(text));
            members.insert(member.to_owned(), plain);
        }
    }
    let mut wished = Wished {
        wish: wish_of(members)?,
        model: form.text("model"),
        files: Vec::new(),
    };
    if let Some(bytes) = form.file("input_reference") {
        match MediaType::sniff(bytes.get(..SNIFF_BYTES).unwrap_or(&bytes)) {
            Some(kind) if matches!(kind.kind, MediaKind::Image | MediaKind::Video) => {
                wished.files.push(file(kind, bytes));
            }
            _ => {
                let url = String::from_utf8_lossy(&bytes).trim().to_owned();
                wished.wish.references.push(image(&url));
            }
        }
    }
    Ok(wished)
}

fn wish_of(members: Map<String, Value>) -> Result<VideoWish, OpenAiError> {
    serde_json::from_value(Value::Object(members))
        .map_err(|error| OpenAiError::bad_request(error.to_string()).code("invalid_request_body"))
}

fn image(url: &str) -> Reference {
    let kind = ReferenceKind::Image;
    let url = url.to_owned();
    Reference { kind, url }
}

fn file(kind: MediaType, bytes: Bytes) -> LocalFile {
    LocalFile {
        path: format!("input.{}", kind.extension).into(),
        kind: if kind.kind == MediaKind::Video {
            ReferenceKind::Video
        } else {
            ReferenceKind::Image
        },
        bytes,
    }
}

/// OpenAI spells seconds as a text.
fn number(value: &Value) -> Value {
    match value {
        Value::String(text) => serde_json::from_str(text).unwrap_or_else(|_| value.clone()),
        other => other.clone(),
    }
}

/// Returns a job in OpenAI's shape.
fn video(studio: &VideoStudio, job: &Job) -> Value {
    let view = VideoView::of(job);
    let usual_ms = studio.store().usual_ms(&job.scope).ok().flatten();
    let progress = view.percent(studio.now_ms(), usual_ms.unwrap_or(120_000));
    let error = match job.state {
        JobState::Failed | JobState::Cancelled | JobState::Lost => {
            json!({"code": view.state, "message": view.problem})
        }
        _ => Value::Null,
    };
    json!({
        "id": view.id, "object": "video", "model": view.model, "status": status(job.state), "progress": progress,
        "prompt": view.prompt, "seconds": view.duration_s.to_string(),
        "size": view.pixels.map(|pixels| pixels.replace('*', "x")).unwrap_or_default(),
        "created_at": view.created_ms / 1000,
        "completed_at": view.finished_ms.filter(|_| job.state.has_result()).map(|at| at / 1000),
        "expires_at": null, "remixed_from_video_id": null, "error": error,
        "state": view.state, "sha256": view.sha256, "waits_for": view.waits_for, "normalised": view.normalised,
    })
}

fn status(state: JobState) -> &'static str {
    match state {
        JobState::Queued => "queued",
        JobState::Running | JobState::Generated => "in_progress",
        JobState::Stored | JobState::Delivered => "completed",
        JobState::Failed | JobState::Cancelled | JobState::Lost => "failed",
    }
}

fn answer(body: &Value) -> Response {
    let mut response = Response::new(Body::from(body.to_string()));
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

/// A file as the body of an answer, read piece by piece.
struct FileBody {
    file: std::fs::File,
    left: u64,
}

impl http_body::Body for FileBody {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        _context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<Bytes>, Self::Error>>> {
        use std::io::Read;
        let wanted = usize::try_from(self.left)
            .unwrap_or(usize::MAX)
            .min(PIECE_BYTES);
        if wanted == 0 {
            return std::task::Poll::Ready(None);
        }
        let mut piece = vec![0; wanted];
        let read = self.file.read(&mut piece);
        std::task::Poll::Ready(match read {
            Ok(0) => Some(Err(std::io::ErrorKind::UnexpectedEof.into())),
            Ok(n) => {
                piece.truncate(n);
                self.left -= n as u64;
                Some(Ok(http_body::Frame::data(Bytes::from(piece))))
            }
            Err(error) => Some(Err(error)),
        })
    }
}
