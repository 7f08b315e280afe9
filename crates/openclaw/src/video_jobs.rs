//! The studio of this home, and what commands do with its jobs: wait for them, show how they go, hand the result over.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ::agent::video::{CreateError, VideoParts, VideoStudio, VideoView};
use config::{Environment, Home};
use gateway::Videos;
use providers::media_fetch::MediaFetcher;
use providers::{Directory, Upstream};
use serde_json::{Value, json};
use state::{Job, JobState, JobStore, Lease, Owner};
use tokio_util::sync::CancellationToken;

use crate::commands::gateway_run::StopSignals;
use crate::context::{Context, ReadConfig, network_settings, now_ms};
use crate::exit_code::Exit;
use crate::failed::{Done, Failed};
use crate::output::{Output, dim};

/// How often a waiting person sees how it goes.
const TICK: Duration = Duration::from_millis(200);
/// How often it is said without a terminal.
const HEARTBEAT: Duration = Duration::from_secs(10);
/// How long a video usually takes, when this home has not made one yet.
const USUAL: Duration = Duration::from_mins(2);
/// Cells of the bar.
const BAR_CELLS: usize = 24;

/// Returns the studio of this home. Its files are made when they are missing.
pub(crate) fn studio(
    context: &Context,
    config: &ReadConfig,
    directory: Arc<Directory>,
    upstream: Arc<Upstream>,
) -> Result<VideoStudio, Failed> {
    in_home(&context.home, &config.environment, directory, upstream)
}

fn in_home(
    home: &Home,
    environment: &Environment,
    directory: Arc<Directory>,
    upstream: Arc<Upstream>,
) -> Result<VideoStudio, Failed> {
    let random = getrandom::u64()
        .map_err(|error| Failed::new(format!("the system gives no random bytes: {error}")))?;
    let name = format!("{}-{random:016x}", std::process::id());
    Ok(VideoStudio::new(VideoParts {
        store: Arc::new(JobStore::open(&JobStore::path(home))?),
        owner: Owner::start(&Owner::folder(home), name)?,
        directory,
        upstream,
        fetcher: MediaFetcher::new(network_settings(environment)),
        folder: home.media_dir().join("video"),
        clock: Arc::new(now_ms),
    }))
}

/// Returns the jobs of a gateway, which are opened with the first one.
pub(crate) fn of_gateway(context: &Context, config: &ReadConfig) -> Videos {
    let (home, environment) = (context.home.clone(), config.environment.clone());
    let open = move |directory, upstream| {
        in_home(&home, &environment, directory, upstream).map_err(|failed| failed.message)
    };
    Videos::new(JobStore::path(&context.home), Box::new(open))
}

/// Returns the studio for a command.
pub(crate) fn open(context: &Context) -> Result<VideoStudio, Failed> {
    let config = context.config()?;
    context.synchronise_logins(&config)?;
    let directory = Arc::new(context.directory(&config)?);
    let upstream = Arc::new(context.upstream(&config.environment)?);
    studio(context, &config, directory, upstream)
}

/// Where a result is copied to besides the media folder.
pub(crate) struct Delivery<'a> {
    out: Option<&'a Path>,
    force: bool,
}

impl<'a> Delivery<'a> {
    /// Checks that the place is free before anything is paid for.
    pub(crate) fn to(out: Option<&'a Path>, force: bool) -> Result<Self, Failed> {
        if let Some(path) = out.filter(|path| !force && path.exists()) {
            let failed = Failed::new(format!("{} is there already", path.display()));
            return Err(failed.hint("`--force` overwrites it"));
        }
        Ok(Self { out, force })
    }

    /// Copies the result, whole or not at all; returns where it is now.
    fn copy(&self, from: &Path) -> Result<PathBuf, Failed> {
        let Some(to) = self.out else {
            return Ok(from.to_owned());
        };
        let failed = |error: std::io::Error| {
            Failed::new(format!("cannot write {}: {error}", to.display()))
                .hint(format!("the video itself is safe in {}", from.display()))
        };
        let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty());
        let mut part =
            tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new("."))).map_err(failed)?;
        let mut source = std::fs::File::open(from).map_err(failed)?;
        std::io::copy(&mut source, &mut part).map_err(failed)?;
        part.as_file().sync_all().map_err(failed)?;
        let persisted = if self.force {
            part.persist(to)
        } else {
            part.persist_noclobber(to)
        };
        persisted.map_err(|error| failed(error.error))?;
        Ok(to.to_owned())
    }
}

/// Works on a job or follows whoever does, until it has ended; then hands its result over.
pub(crate) async fn finish(
    studio: &VideoStudio,
    mut taken: Option<(Job, Lease)>,
    id: &str,
    delivery: &Delivery<'_>,
    out: Output,
) -> Done {
    let (stop, never) = (CancellationToken::new(), CancellationToken::new());
    let mut signals = StopSignals::new()?;
    let job = loop {
        let working = async {
            if let Some((job, lease)) = taken.take() {
                return studio.work(job, lease, &stop).await;
            }
            tokio::time::sleep(TICK).await;
            Ok(())
        };
        tokio::select! {
            worked = async { tokio::join!(working, show_until(studio, id, out, &stop)).0 } => worked?,
            () = studio.keep_leases(&never) => {}
            () = interrupted(&mut signals, &stop) => {}
        }
        let job = studio.store().get(id)?.ok_or_else(|| no_job(id))?;
        if job.state.is_end() {
            break job;
        }
        if stop.is_cancelled() {
            return Err(Failed::new("interrupted; the job is not lost")
                .hint(format!("`openclaw tasks watch {id}` goes on with it")));
        }
        // Whoever worked on it may be gone.
        taken = studio.take(Some(id))?;
    };
    hand_over(studio, &job, delivery, out)
}

async fn interrupted(signals: &mut StopSignals, stop: &CancellationToken) {
    signals.next().await;
    stop.cancel();
    std::future::pending::<()>().await;
}

/// Shows how a job goes until it ends, is given up, or nobody seems to work on it.
async fn show_until(studio: &VideoStudio, id: &str, out: Output, stop: &CancellationToken) {
    let mut screen = Screen::new(studio, out);
    loop {
        let Ok(Some(job)) = studio.store().get(id) else {
            break;
        };
        screen.show(&job);
        if job.state.is_end() || job.owner.is_none() || stop.is_cancelled() {
            break;
        }
        tokio::select! {
            () = stop.cancelled() => break,
            () = tokio::time::sleep(TICK) => {}
        }
    }
    screen.clear();
}

/// What the person sees while a job goes on.
struct Screen<'a> {
    studio: &'a VideoStudio,
    out: Output,
    is_terminal: bool,
    said: Option<(JobState, Option<String>)>,
    said_at_ms: u64,
    usual_ms: Option<u64>,
}

impl<'a> Screen<'a> {
    fn new(studio: &'a VideoStudio, out: Output) -> Self {
        Self {
            studio,
            out,
            is_terminal: std::io::stderr().is_terminal(),
            said: None,
            said_at_ms: 0,
            usual_ms: None,
        }
    }

    fn show(&mut self, job: &Job) {
        let view = VideoView::of(job);
        let now_ms = self.studio.now_ms();
        let store = self.studio.store();
        let default = u64::try_from(USUAL.as_millis()).unwrap_or(u64::MAX);
        let usual_ms = *self
            .usual_ms
            .get_or_insert_with(|| store.usual_ms(&job.scope).ok().flatten().unwrap_or(default));
        let line = line(&view, now_ms, usual_ms);
        if self.is_terminal {
            let percent = view.percent(now_ms, usual_ms);
            self.out
                .aside(&format!("\r\x1b[K{} {percent:3} %  {line}", bar(percent)));
            return;
        }
        let state = Some((view.phase(), view.waits_for.clone()));
        let silent = Duration::from_millis(now_ms.saturating_sub(self.said_at_ms));
        if self.said != state || silent >= HEARTBEAT {
            self.said = state;
            self.said_at_ms = now_ms;
            self.out.note(line);
        }
    }

    fn clear(&self) {
        if self.is_terminal {
            self.out.aside("\r\x1b[K");
        }
    }
}

fn line(view: &VideoView, now_ms: u64, usual_ms: u64) -> String {
    let elapsed_s = now_ms.saturating_sub(view.created_ms) / 1000;
    let mut line = format!("{:9}  {}", view.state, clock(elapsed_s));
    if matches!(view.phase(), JobState::Queued | JobState::Running) {
        line = format!("{line} of about {}", clock(usual_ms / 1000));
    }
    if view.bytes > 0 {
        let total = view.total_bytes.map(|total| format!(" of {}", size(total)));
        line = format!("{line}  {}{}", size(view.bytes), total.unwrap_or_default());
    }
    line = format!("{line}  {}", view.model);
    match &view.waits_for {
        Some(reason) => format!("{line}  (waits: {reason})"),
        None => line,
    }
}

fn size(bytes: u64) -> String {
    match bytes {
        0..1_000_000 => format!("{} kB", bytes.div_ceil(1000)),
        _ => format!("{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10),
    }
}

fn bar(percent: u8) -> String {
    let done = usize::from(percent) * BAR_CELLS / 100;
    format!(
        "[{}{}]",
        "#".repeat(done),
        "-".repeat(BAR_CELLS.saturating_sub(done))
    )
}

fn clock(seconds: u64) -> String {
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

/// Hands the result of an ended job over, or says why there is none.
pub(crate) fn hand_over(
    studio: &VideoStudio,
    job: &Job,
    delivery: &Delivery<'_>,
    out: Output,
) -> Done {
    let view = VideoView::of(job);
    let Some(path) = view.path.as_deref().filter(|_| job.state.has_result()) else {
        return Err(no_result(&view));
    };
    let place = delivery.copy(Path::new(path))?;
    studio.delivered(&job.id)?;
    if out.is_json() {
        let delivered = studio.store().get(&job.id)?;
        let view = delivered.as_ref().map_or(view, VideoView::of);
        out.json(&made(&view, &place));
        return Ok(Exit::Ok);
    }
    out.line(place.display().to_string());
    let sha256 = view.sha256.as_deref().unwrap_or_default();
    let took_s = job
        .finished_ms
        .unwrap_or_default()
        .saturating_sub(job.created_ms)
        / 1000;
    out.note(dim(format!(
        "{} bytes, sha256 {sha256}, {} in {}",
        view.bytes,
        view.model,
        clock(took_s)
    )));
    Ok(Exit::Ok)
}

/// Returns the JSON answer of `video.generate`.
pub(crate) fn answer_json(view: &VideoView, outputs: &[Value]) -> Value {
    let (provider, model) = view.model.split_once('/').unwrap_or(("", &view.model));
    json!({
        "ok": true, "capability": "video.generate", "transport": "local", "provider": provider, "model": model,
        "attempts": [], "outputs": outputs, "job": view,
    })
}

fn made(view: &VideoView, place: &Path) -> Value {
    let output =
        json!({"path": place, "mimeType": "video/mp4", "size": view.bytes, "sha256": view.sha256});
    answer_json(view, &[output])
}

fn no_result(view: &VideoView) -> Failed {
    let problem = view.problem.as_deref().unwrap_or("no reason is known");
    let failed = Failed::new(format!(
        "the video job {} is {}: {problem}",
        view.id, view.state
    ));
    failed.hint(format!(
        "`openclaw tasks show {}` shows all that is known",
        view.id
    ))
}

/// Says that there is no such job.
pub(crate) fn no_job(id: &str) -> Failed {
    Failed::new(format!("there is no job `{id}`"))
        .hint("`openclaw tasks list` shows the jobs of this home")
}

impl From<state::Error> for Failed {
    fn from(error: state::Error) -> Self {
        Self::of(&error)
    }
}

impl From<CreateError> for Failed {
    fn from(error: CreateError) -> Self {
        let exit = match &error {
            CreateError::Route(route) if !route.is_unknown_name() => Exit::Auth,
            CreateError::Upload(failure) => Exit::of_class(failure.class),
            _ => Exit::Error,
        };
        Self::of(&error).exit(exit).maybe_hint(error.hint())
    }
}
