//! `tasks`: the long jobs of this home.

use std::time::Duration;

use ::agent::video::VideoView;
use serde_json::json;
use state::{Job, JobFilter, JobState, JobStore};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::cli::tasks::{TasksArgs, TasksCommand, TasksListArgs, TasksShowArgs, TasksWatchArgs};
use crate::context::{Context, now_ms};
use crate::exit_code::Exit;
use crate::failed::{Done, Failed};
use crate::output::dim;
use crate::video_jobs::{self, Delivery};

/// Most jobs looked at for the beginning of an id.
const LOOKED_AT_MAX: u32 = 100_000;
/// Longest part of a prompt in a list, in characters.
const PROMPT_CHARS: usize = 40;
/// How long somebody else's cancelling is waited for.
const CANCEL_WAIT: Duration = Duration::from_secs(30);
/// How often it is looked at.
const CANCEL_LOOK: Duration = Duration::from_millis(200);

/// Carries out one of the commands.
pub(crate) fn run(args: &TasksArgs, context: &Context) -> Done {
    match &args.command {
        TasksCommand::List(args) => list(args, context),
        TasksCommand::Show(args) => show(args, context),
        TasksCommand::Watch(args) => crate::runtime::single()?.block_on(watch(args, context)),
        TasksCommand::Cancel(args) => crate::runtime::single()?.block_on(cancel(args, context)),
    }
}

fn list(args: &TasksListArgs, context: &Context) -> Done {
    let out = context.out.with_json(args.json);
    let filter = JobFilter {
        open_only: args.open,
        limit: args.limit,
        ..JobFilter::default()
    };
    let store = JobStore::open_read_only(&JobStore::path(&context.home))?;
    let jobs = match store {
        Some(store) => store.list(filter)?,
        None => Vec::new(),
    };
    let views: Vec<VideoView> = jobs.iter().map(VideoView::of).collect();
    if args.json {
        out.json(&json!({"ok": true, "tasks": views}));
        return Ok(Exit::Ok);
    }
    for view in &views {
        let age_s = now_ms().saturating_sub(view.created_ms) / 1000;
        let prompt: String = view.prompt.chars().take(PROMPT_CHARS).collect();
        out.line(format!(
            "{}  {:9}  {:>7}  {:24}  {}",
            view.id,
            view.state,
            age(age_s),
            view.model,
            dim(prompt.replace('\n', " "))
        ));
    }
    if views.is_empty() {
        out.note("there are no jobs; `openclaw infer video generate` makes one");
    }
    Ok(Exit::Ok)
}

fn show(args: &TasksShowArgs, context: &Context) -> Done {
    let out = context.out.with_json(args.json);
    let job = find(context, &args.id)?;
    let view = VideoView::of(&job);
    if args.json {
        out.json(&json!({"ok": true, "task": view}));
        return Ok(Exit::Ok);
    }
    let value = serde_json::to_value(&view).unwrap_or_default();
    for (name, value) in value.as_object().into_iter().flatten() {
        let text = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        out.line(format!("{name:12} {text}"));
    }
    let next = match job.state {
        JobState::Queued | JobState::Running | JobState::Generated => "watch",
        _ => return Ok(Exit::Ok),
    };
    out.hint(format!("`openclaw tasks {next} {}` waits for it", view.id));
    Ok(Exit::Ok)
}

async fn watch(args: &TasksWatchArgs, context: &Context) -> Done {
    let out = context.out.with_json(args.task.json);
    let job = find(context, &args.task.id)?;
    let delivery = Delivery::to(args.out.as_deref(), args.force)?;
    let studio = video_jobs::open(context)?;
    if job.state.is_end() {
        return video_jobs::hand_over(&studio, &job, &delivery, out);
    }
    let taken = studio.take(Some(&job.id))?;
    video_jobs::finish(&studio, taken, &job.id, &delivery, out).await
}

async fn cancel(args: &TasksShowArgs, context: &Context) -> Done {
    let out = context.out.with_json(args.json);
    let job = find(context, &args.id)?;
    if job.state.is_end() {
        return Err(Failed::new(format!(
            "the job {} is {} already",
            job.id,
            job.state.as_str()
        )));
    }
    let studio = video_jobs::open(context)?;
    studio.want_cancel(&job.id)?;
    let until = Instant::now() + CANCEL_WAIT;
    let stop = CancellationToken::new();
    let working = async {
        match studio.take(Some(&job.id))? {
            Some((job, lease)) => studio.work(job, lease, &stop).await,
            None => Ok(()),
        }
    };
    let answered = async {
        loop {
            let now = studio
                .store()
                .get(&job.id)?
                .ok_or_else(|| video_jobs::no_job(&job.id))?;
            if now.state.is_end() || !now.cancel_wanted || Instant::now() >= until {
                stop.cancel();
                return Ok::<Job, Failed>(now);
            }
            tokio::time::sleep(CANCEL_LOOK).await;
        }
    };
    let (worked, job) = tokio::join!(working, answered);
    worked?;
    let job = job?;
    let view = VideoView::of(&job);
    if job.state != JobState::Cancelled {
        let why = view
            .problem
            .unwrap_or_else(|| "nobody answered in time".to_owned());
        let failed = Failed::new(format!("the job {} is {}: {why}", view.id, view.state));
        return Err(failed.hint(format!("`openclaw tasks watch {}` waits for it", view.id)));
    }
    if args.json {
        out.json(&json!({"ok": true, "task": view}));
    } else {
        out.line(format!("{} is cancelled", view.id));
    }
    Ok(Exit::Ok)
}

/// Finds a job by its id or the beginning of it. Reads only.
fn find(context: &Context, id: &str) -> Result<Job, Failed> {
    let store = JobStore::open_read_only(&JobStore::path(&context.home))?;
    let store = store.ok_or_else(|| video_jobs::no_job(id))?;
    if let Some(job) = store.get(id)? {
        return Ok(job);
    }
    let all = JobFilter {
        limit: LOOKED_AT_MAX,
        ..JobFilter::default()
    };
    let begins =
        |job: &Job| job.id.starts_with(id) || job.id.trim_start_matches("video_").starts_with(id);
    let mut found = store
        .list(all)?
        .into_iter()
        .filter(|job| !id.is_empty() && begins(job));
    match (found.next(), found.next()) {
        (Some(job), None) => Ok(job),
        (Some(_), Some(_)) => Err(Failed::new(format!("several jobs begin with `{id}`"))
            .hint("`openclaw tasks list` shows the whole ids")),
        (None, _) => Err(video_jobs::no_job(id)),
    }
}

fn age(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..86_400 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}
