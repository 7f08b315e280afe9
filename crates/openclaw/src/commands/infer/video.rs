//! `infer video generate`: one video, as a job that survives this program.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ::agent::video::{Draft, LocalFile, VideoAsk, VideoStudio, VideoView, draft};
use providers::media_file;
use providers::media_type::MediaKind;
use providers::upload::UPLOAD_BYTES_MAX;
use providers::video_request::{Reference, ReferenceKind, VideoWish};
use serde_json::json;

use crate::cli::infer::video::{InferVideoArgs, InferVideoCommand, VideoGenerateArgs};
use crate::commands::agent::text_or_stdin;
use crate::context::Context;
use crate::exit_code::Exit;
use crate::failed::{Done, Failed};
use crate::output::{Output, dim};
use crate::video_jobs::{self, Delivery};

/// Makes a video.
pub(crate) fn run(args: &InferVideoArgs, context: &Context) -> Done {
    let runtime = crate::runtime::single()?;
    match &args.command {
        InferVideoCommand::Generate(args) => runtime.block_on(generate(args, context)),
        InferVideoCommand::Describe(args) => {
            runtime.block_on(super::describe::video(args, context))
        }
    }
}

async fn generate(args: &VideoGenerateArgs, context: &Context) -> Done {
    let out = context.out.with_json(args.json);
    let (wish, files) = wish(args)?;
    let delivery = Delivery::to(args.out.as_deref(), args.force)?;
    let config = context.config()?;
    context.synchronise_logins(&config)?;
    let directory = Arc::new(context.directory(&config)?);
    let upstream = Arc::new(context.upstream(&config.environment)?);
    let ask = VideoAsk {
        wish: &wish,
        model: args.model.as_deref(),
        caller: VideoAsk::COMMAND_LINE,
        idempotency_key: None,
        deadline: Duration::from_millis(args.timeout_ms),
    };
    if args.dry_run {
        let expected = with_stand_ins(&wish, &files);
        let draft = draft(&directory, &upstream, &expected, ask.model)?;
        show_plan(&draft, &files, out);
        return Ok(Exit::Ok);
    }
    if files.is_empty() {
        // What can be refused is refused before anything of this home is touched.
        let draft = draft(&directory, &upstream, &wish, ask.model)?;
        let studio = video_jobs::studio(context, &config, directory, upstream)?;
        return submit(&studio, ask, &draft, (args, &delivery), out).await;
    }
    let files = read(&files)?;
    draft(
        &directory,
        &upstream,
        &with_stand_ins(&wish, &places(&files)),
        ask.model,
    )?;
    let studio = video_jobs::studio(context, &config, directory, upstream)?;
    let (wish, draft) = studio.upload(ask, &files).await?;
    let ask = VideoAsk { wish: &wish, ..ask };
    submit(&studio, ask, &draft, (args, &delivery), out).await
}

async fn submit(
    studio: &VideoStudio,
    ask: VideoAsk<'_>,
    draft: &Draft,
    (args, delivery): (&VideoGenerateArgs, &Delivery<'_>),
    out: Output,
) -> Done {
    say_notes(draft, out);
    let (job, lease) = studio.create(ask, draft, true)?;
    let id = job.id.clone();
    out.note(dim(format!("job {id}")));
    let Some(lease) = lease else {
        return Err(video_jobs::no_job(&id));
    };
    if !args.no_wait {
        return video_jobs::finish(studio, Some((job, lease)), &id, delivery, out).await;
    }
    studio.submit_only(job, lease).await?;
    let job = studio
        .store()
        .get(&id)?
        .ok_or_else(|| video_jobs::no_job(&id))?;
    let view = VideoView::of(&job);
    if job.state.is_end() {
        return video_jobs::hand_over(studio, &job, delivery, out);
    }
    if args.json {
        out.json(&video_jobs::answer_json(&view, &[]));
    } else {
        out.line(&id);
        out.hint(format!(
            "`openclaw tasks watch {id}` waits for it and fetches the video; a running gateway does so by itself"
        ));
    }
    Ok(Exit::Ok)
}

fn say_notes(draft: &Draft, out: Output) {
    for skipped in &draft.left_out {
        out.warn(format!("left out: {skipped}"));
    }
    if let Some(first) = draft.order.candidates.first() {
        for note in &first.notes {
            out.note(format!("note: {}", note.line()));
        }
    }
}

fn show_plan(draft: &Draft, files: &[(ReferenceKind, PathBuf)], out: Output) {
    let uploads: Vec<&Path> = files.iter().map(|(_, path)| path.as_path()).collect();
    if out.is_json() {
        out.json(&json!({
            "ok": true, "dryRun": true, "candidates": draft.order.candidates, "leftOut": draft.left_out,
            "uploads": uploads,
        }));
        return;
    }
    say_notes(draft, out);
    for path in uploads {
        out.note(format!("would upload {}", path.display()));
    }
    for candidate in &draft.order.candidates {
        out.note(format!(
            "{} on {} with {}",
            candidate.model, candidate.host, candidate.credential
        ));
        out.line(format!("{:#}", candidate.body));
    }
    out.note(dim("nothing was sent"));
}

/// Returns the wish without the files of this machine, and those files.
fn wish(args: &VideoGenerateArgs) -> Result<(VideoWish, Vec<(ReferenceKind, PathBuf)>), Failed> {
    let videos = args.video.iter().map(|text| (ReferenceKind::Video, text));
    let images = args.image.iter().map(|text| (ReferenceKind::Image, text));
    let (mut references, mut files) = (Vec::new(), Vec::new());
    for (kind, text) in videos.chain(images) {
        if text.contains("://") && !text.starts_with("file://") {
            let url = text.clone();
            references.push(Reference { kind, url });
        } else if args.upload {
            files.push((kind, PathBuf::from(text.trim_start_matches("file://"))));
        } else {
            return Err(Failed::new(format!(
                "`{text}` is a file of this machine, and the service fetches references by itself"
            ))
            .hint(
                "`--upload` puts it into the service's temporary storage, or give an https URL",
            ));
        }
    }
    let wish = VideoWish {
        prompt: text_or_stdin(&args.prompt)?,
        negative_prompt: args.negative_prompt.clone(),
        references,
        audio_url: args.audio_url.clone(),
        size: args.size.clone(),
        aspect_ratio: args.aspect_ratio.clone(),
        resolution: args.resolution.clone(),
        duration_s: args.duration,
        audio: args.audio,
        watermark: args.watermark,
        seed: args.seed,
        prompt_extend: args.prompt_extend,
        shot_type: args.shot_type.clone(),
    };
    Ok((wish, files))
}

fn read(files: &[(ReferenceKind, PathBuf)]) -> Result<Vec<LocalFile>, Failed> {
    let read = |(kind, path): &(ReferenceKind, PathBuf)| {
        let wanted = match kind {
            ReferenceKind::Image => MediaKind::Image,
            ReferenceKind::Video => MediaKind::Video,
        };
        let medium = media_file::read(path, &[wanted], UPLOAD_BYTES_MAX)
            .map_err(|error| Failed::of(&error))?;
        Ok(LocalFile {
            path: path.clone(),
            kind: *kind,
            bytes: medium.bytes,
        })
    };
    files.iter().map(read).collect()
}

fn places(files: &[LocalFile]) -> Vec<(ReferenceKind, PathBuf)> {
    files
        .iter()
        .map(|file| (file.kind, file.path.clone()))
        .collect()
}

/// Returns the wish as it will be once the files are uploaded.
fn with_stand_ins(wish: &VideoWish, files: &[(ReferenceKind, PathBuf)]) -> VideoWish {
    let stand_in = |(kind, path): &(ReferenceKind, PathBuf)| {
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned());
        let url = format!("oss://upload/{}", name.unwrap_or_default());
        Reference { kind: *kind, url }
    };
    let references = wish.references.iter().cloned();
    VideoWish {
        references: references.chain(files.iter().map(stand_in)).collect(),
        ..wish.clone()
    }
}
