//! From a wish to a job that is written down; everything that can be refused is refused here, before it costs anything.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use providers::directory::RouteError;
use providers::video_request::{
    Reference, ReferenceKind, VideoLimit, VideoRequest, VideoWish, build,
};
use providers::{Deadline, Directory, Failure, Route, Upstream};
use state::{Job, Lease, NewJob};

use super::order::{Candidate, Order};
use super::{KIND, VideoStudio, millis};

/// Random bytes of an id; 128 bits cannot be guessed.
const ID_BYTES: usize = 16;
/// Longest upload of one file.
const UPLOAD_MAX: Duration = Duration::from_mins(5);

/// What is wanted, and by whom.
#[derive(Debug, Clone, Copy)]
pub struct VideoAsk<'a> {
    /// What somebody wishes to see.
    pub wish: &'a VideoWish,
    /// The only model to ask, if one was named.
    pub model: Option<&'a str>,
    /// Whom the job belongs to.
    pub caller: &'a str,
    /// The same key from the same caller is the same job.
    pub idempotency_key: Option<&'a str>,
    /// How long it may take.
    pub deadline: Duration,
}

/// An order that was checked and not written down.
#[derive(Debug)]
pub struct Draft {
    /// The order.
    pub order: Order,
    /// Why models were left out.
    pub left_out: Vec<String>,
    first: Arc<Route>,
}

/// A file of this machine that is to be uploaded and referred to.
#[derive(Debug, Clone)]
pub struct LocalFile {
    /// Where it was.
    pub path: PathBuf,
    /// What it is.
    pub kind: ReferenceKind,
    /// Its bytes.
    pub bytes: Bytes,
}

/// Why there is no job.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CreateError {
    /// No model can be reached.
    #[error(transparent)]
    Route(RouteError),
    /// The model cannot do it.
    #[error(transparent)]
    Limit(VideoLimit),
    /// Nothing is known of what the model takes.
    #[error("nothing is known of what `{0}` takes")]
    UnknownModel(String),
    /// A file could not be uploaded.
    #[error(transparent)]
    Upload(Box<Failure>),
    /// The system gives no random bytes.
    #[error("the system gives no random bytes")]
    NoRandomness,
    /// The job could not be written down.
    #[error(transparent)]
    State(#[from] state::Error),
}

impl CreateError {
    /// Returns what to do next.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Route(error) => Some(error.hint()),
            Self::Limit(limit) => limit.hint(),
            Self::UnknownModel(model) => Some(format!(
                "a row for `{model}` in `catalog/videos.json5` of the home describes it"
            )),
            Self::Upload(failure) => Some(failure.hint().to_owned()),
            Self::NoRandomness | Self::State(_) => None,
        }
    }
}

impl VideoStudio {
    /// Checks a wish against every model that may fulfil it; see [`draft`].
    ///
    /// # Errors
    /// [`CreateError`] of the first model when none can.
    pub fn draft(&self, wish: &VideoWish, model: Option<&str>) -> Result<Draft, CreateError> {
        draft(&self.directory(), &self.upstream(), wish, model)
    }

    /// Uploads files of this machine and adds them to the wish. An upload is good for one model and account, so the draft
    /// that is made of the new wish has only the first candidate.
    ///
    /// # Errors
    /// [`CreateError`].
    pub async fn upload(
        &self,
        ask: VideoAsk<'_>,
        files: &[LocalFile],
    ) -> Result<(VideoWish, Draft), CreateError> {
        let mut wish = ask.wish.clone();
        // What the wish will be is checked with stand-ins before megabytes are sent.
        let stand_ins = files
            .iter()
            .map(|file| reference(file.kind, "oss://upload".to_owned()));
        let expected = VideoWish {
            references: wish.references.iter().cloned().chain(stand_ins).collect(),
            ..wish.clone()
        };
        let route = self.draft(&expected, ask.model)?.first;
        for file in files {
            let name = file.path.file_name().map(|name| name.to_string_lossy());
            let name = name.as_deref().unwrap_or("file");
            let deadline = Deadline::after(ask.deadline.min(UPLOAD_MAX));
            let upstream = self.upstream();
            let uploaded = upstream.upload(&route, name, &file.bytes, deadline);
            let url = uploaded
                .await
                .map_err(|failure| CreateError::Upload(Box::new(failure)))?;
            wish.references.push(reference(file.kind, url));
        }
        let mut draft = self.draft(&wish, ask.model)?;
        draft.order.candidates.truncate(1);
        Ok((wish, draft))
    }

    /// Writes a job down. With `work` it belongs to this process right away; without, to whoever takes it.
    ///
    /// # Errors
    /// [`CreateError`].
    pub fn create(
        &self,
        ask: VideoAsk<'_>,
        draft: &Draft,
        work: bool,
    ) -> Result<(Job, Option<Lease>), CreateError> {
        let id = new_id()?;
        let order = serde_json::to_string(&draft.order).unwrap_or_default();
        let scope = draft.order.candidates.first().map(Candidate::scope);
        let now_ms = self.now_ms();
        let new = NewJob {
            id: &id,
            kind: KIND,
            caller: ask.caller,
            idempotency_key: ask.idempotency_key,
            scope: scope.as_deref().unwrap_or_default(),
            request: &order,
            deadline_ms: now_ms.saturating_add(millis(ask.deadline)),
        };
        let lease = work.then(|| (self.parts.owner.name(), self.lease_until_ms()));
        let created = self.parts.store.insert(&new, lease, now_ms)?;
        self.wake.notify_one();
        Ok(created)
    }
}

impl VideoAsk<'_> {
    /// Returns the name under which jobs of the command line are kept.
    pub const COMMAND_LINE: &'static str = "cli";
}

/// Checks a wish against every model that may fulfil it: the one that is named, or the configured ones. Nothing is written
/// or sent.
///
/// # Errors
/// [`CreateError`] of the first model when none can.
pub fn draft(
    directory: &Directory,
    upstream: &Upstream,
    wish: &VideoWish,
    model: Option<&str>,
) -> Result<Draft, CreateError> {
    let (mut candidates, mut left_out) = (Vec::new(), Vec::new());
    let (mut first, mut first_error) = (None, None);
    for name in directory.video_models(model) {
        let routes = directory.video_routes(&name).map_err(CreateError::Route);
        let found = routes.and_then(|routes| Ok((candidates_on(upstream, wish, &routes)?, routes)));
        match found {
            Ok((found, routes)) => {
                first = first.or_else(|| routes.first().map(Arc::clone));
                candidates.extend(found);
            }
            Err(error) => {
                left_out.push(format!("{name}: {error}"));
                first_error.get_or_insert(error);
            }
        }
    }
    let wish = wish.clone();
    match (first, first_error) {
        (Some(first), _) => Ok(Draft {
            order: Order { wish, candidates },
            left_out,
            first,
        }),
        (None, Some(error)) => Err(error),
        (None, None) => Err(CreateError::Route(RouteError::NoDefault)),
    }
}

fn candidates_on(
    upstream: &Upstream,
    wish: &VideoWish,
    routes: &[Arc<Route>],
) -> Result<Vec<Candidate>, CreateError> {
    let candidate_on = |route: &Arc<Route>| {
        let model = upstream.catalog().video_model(&route.model);
        let model = model.ok_or_else(|| CreateError::UnknownModel(route.model.to_string()))?;
        let built = build(model, wish).map_err(CreateError::Limit)?;
        Ok(candidate(route, built))
    };
    routes.iter().map(candidate_on).collect()
}

fn candidate(route: &Route, built: VideoRequest) -> Candidate {
    Candidate {
        model: route.reference(),
        host: route.host.to_string(),
        credential: route.credential.to_string(),
        body: built.body,
        duration_s: built.duration_s,
        pixels: built.pixels,
        notes: built.notes,
    }
}

fn reference(kind: ReferenceKind, url: String) -> Reference {
    Reference { kind, url }
}

fn new_id() -> Result<String, CreateError> {
    let mut bytes = [0; ID_BYTES];
    getrandom::fill(&mut bytes).map_err(|_| CreateError::NoRandomness)?;
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    let digits = digits.filter_map(|digit| char::from_digit(digit.into(), 16));
    Ok("video_".chars().chain(digits).collect())
}
