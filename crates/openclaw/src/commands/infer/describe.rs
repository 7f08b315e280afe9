//! Says what images show: through the model that was named, else through the one this home looks with.

use std::time::Duration;

use ::agent::{Attachment, Turn, run_turn};
use catalog::ModelKind;
use providers::media_type::MediaKind;
use serde_json::json;

use super::media_call::{MediaCall, answer_json};
use super::media_input::MediaInput;
use crate::cli::infer::image::DescribeArgs;
use crate::cli::infer::video::VideoDescribeArgs;
use crate::commands::agent::{ended, show, usage_json};
use crate::context::{Context, ReadConfig};
use crate::failed::{Done, Failed};

/// Largest file sent inside a request, in bytes: the service takes 10 MiB of base64.
pub(crate) const INLINE_BYTES_MAX: u64 = 7_864_320;

/// Describes images.
pub(crate) async fn images(args: &DescribeArgs, capability: &str, context: &Context) -> Done {
    let call = MediaCall::open(context, &args.call, ModelKind::Vision)?;
    let fetcher = call.upstream.media();
    let mut attachments = Vec::new();
    for file in &args.files {
        let input = MediaInput::read(file, &[MediaKind::Image], INLINE_BYTES_MAX, fetcher)?;
        attachments.push(Attachment::Image(input.into_url()));
    }
    let turn = Turn {
        message: args.prompt.clone(),
        thinking: None,
        attachments,
        timeout: Duration::from_secs(args.call.timeout),
    };
    describe(&call, &turn, capability).await
}

/// Describes a video: one file, one URL, or its frames in order.
pub(crate) async fn video(args: &VideoDescribeArgs, context: &Context) -> Done {
    let call = MediaCall::open(context, &args.call, ModelKind::Vision)?;
    let fetcher = call.upstream.media();
    let read = |file: &String| {
        let kinds = &[MediaKind::Image, MediaKind::Video];
        MediaInput::read(file, kinds, INLINE_BYTES_MAX, fetcher)
    };
    let fps = args.fps;
    let attachment = match args.files.as_slice() {
        [only] => Attachment::Video {
            url: read(only)?.into_url(),
            fps,
        },
        frames => {
            let frames = frames.iter().map(read).collect::<Result<Vec<_>, _>>()?;
            let urls = frames.into_iter().map(MediaInput::into_url).collect();
            Attachment::Frames { urls, fps }
        }
    };
    let turn = Turn {
        message: args.prompt.clone(),
        thinking: None,
        attachments: vec![attachment],
        timeout: Duration::from_secs(args.call.timeout),
    };
    describe(&call, &turn, "video.describe").await
}

/// Reads what is attached to a message of the agent.
pub(crate) fn attachments(
    files: &[String],
    context: &Context,
    config: &ReadConfig,
) -> Result<Vec<Attachment>, Failed> {
    if files.is_empty() {
        return Ok(Vec::new());
    }
    let upstream = context.upstream(&config.environment)?;
    let attachment = |file: &String| {
        let kinds = &[MediaKind::Image, MediaKind::Video];
        let input = MediaInput::read(file, kinds, INLINE_BYTES_MAX, upstream.media())?;
        let is_video = match &input {
            MediaInput::File(medium) => medium.kind.kind == MediaKind::Video,
            MediaInput::Url(url) => names_video(url),
        };
        let url = input.into_url();
        Ok(if is_video {
            Attachment::Video { url, fps: None }
        } else {
            Attachment::Image(url)
        })
    };
    files.iter().map(attachment).collect()
}

/// Tells by its ending whether a URL, which is not fetched here, names a video.
fn names_video(url: &str) -> bool {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let ending = path.rsplit('.').next().unwrap_or_default();
    ["mp4", "mov", "webm", "avi", "mkv"]
        .iter()
        .any(|video| ending.eq_ignore_ascii_case(video))
}

/// Asks about what is attached to `turn`, and shows the answer as it arrives.
pub(crate) async fn describe(call: &MediaCall, turn: &Turn, capability: &str) -> Done {
    let json = call.is_json();
    let asking = run_turn(&call.upstream, &call.chain, turn, |delta| {
        show(delta, json, call.out);
    });
    let answer = Box::pin(asking).await.map_err(Failed::from)?;
    if json {
        let output = json!({"text": answer.text, "mediaUrl": null});
        let mut shown = answer_json(capability, call.chain.first(), &[output]);
        if let Some(shown) = shown.as_object_mut() {
            shown.insert("usage".to_owned(), usage_json(&answer));
        }
        call.out.json(&shown);
    } else {
        call.out.line("");
    }
    ended(&answer)
}
