//! `infer image`: draws and changes images; describing them is in `describe`.

use bytes::Bytes;
use catalog::ModelKind;
use providers::Answered;
use providers::media::image::{ImageAsk, ImageRequest};
use providers::media_fetch::{Medium, Wanted};
use providers::media_type::{MediaKind, MediaType};
use serde_json::json;

use super::describe;
use super::media_call::{MediaCall, answer_json, waiting};
use super::media_input::MediaInput;
use super::media_output::Target;
use super::picture;
use crate::cli::infer::image::{ImageArgs, ImageCommand, ImageDrawArgs};
use crate::commands::agent::text_or_stdin;
use crate::context::Context;
use crate::exit_code::Exit;
use crate::failed::{Done, Failed};

/// Largest image that is fetched or sent, in bytes.
const IMAGE_BYTES_MAX: u64 = 32 * 1024 * 1024;

/// Draws, changes or describes.
pub(crate) fn run(args: &ImageArgs, context: &Context) -> Done {
    let runtime = crate::runtime::single()?;
    runtime.block_on(async {
        match &args.command {
            ImageCommand::Generate(args) => draw(args, &[], "image.generate", context).await,
            ImageCommand::Edit(args) => draw(&args.draw, &args.files, "image.edit", context).await,
            ImageCommand::Describe(args) => describe::images(args, "image.describe", context).await,
            ImageCommand::DescribeMany(args) => {
                describe::images(args, "image.describe-many", context).await
            }
        }
    })
}

async fn draw(args: &ImageDrawArgs, files: &[String], capability: &str, context: &Context) -> Done {
    let prompt = text_or_stdin(&args.prompt)?;
    let target = Target::new(&args.output, context, &prompt, args.n)?;
    let call = open(args, files, context)?;
    let kinds = &[MediaKind::Image];
    let fetcher = call.upstream.media();
    let input = |text: &String| MediaInput::read(text, kinds, IMAGE_BYTES_MAX, fetcher);
    let images = files.iter().map(input).collect::<Result<Vec<_>, _>>()?;
    let wish = ImageRequest {
        prompt,
        n: Some(args.n),
        size: args.size.clone(),
        negative_prompt: args.negative_prompt.clone(),
        seed: args.seed,
        image: images.into_iter().map(MediaInput::into_url).collect(),
        ..ImageRequest::default()
    };
    wish.check_form()?;
    let catalog = call.upstream.catalog();
    wish.check(catalog, call.chain.first())?;
    if args.output.dry_run {
        let route = call.chain.first();
        let model = catalog.media_model(&route.model);
        let body = model.map(|model| wish.body(model)).transpose()?;
        call.out.json(
            &json!({"ok": true, "dryRun": true, "model": route.reference(), "request": body}),
        );
        return Ok(Exit::Ok);
    }
    let sending = call.sending();
    let ask = ImageAsk {
        request: &wish,
        sending,
    };
    let Answered { route, reply, .. } = call.ask("drawing", &ask).await?;
    let mut outputs = Vec::new();
    for url in &reply.urls {
        let medium = waiting(call.out, "fetching", fetch(&call, url)).await?;
        let path = target.write(&medium.bytes, medium.kind.extension)?;
        show(&medium, &path, &call, context)?;
        outputs.push(json!({"path": path, "mimeType": medium.kind.mime, "bytes": medium.bytes.len(), "mediaUrl": url}));
    }
    if args.call.json {
        call.out.json(&answer_json(capability, &route, &outputs));
    } else {
        let count = outputs.len();
        call.out.note(format!("{count} by {}", route.reference()));
    }
    Ok(Exit::Ok)
}

/// Finds the model. One that changes images is another than the one that draws, unless a model is named.
fn open(args: &ImageDrawArgs, files: &[String], context: &Context) -> Result<MediaCall, Failed> {
    MediaCall::open_where(context, &args.call, ModelKind::Image, |model| {
        let inputs = model.image.as_ref().map_or((0, 0), |image| image.inputs);
        (inputs.0..=inputs.1).contains(&files.len())
    })
}

async fn fetch(call: &MediaCall, url: &str) -> Result<Medium, Failed> {
    if let Some((_, data)) = url.split_once(";base64,") {
        return inline(data).ok_or_else(|| Failed::new("the answer holds no image"));
    }
    let wanted = Wanted {
        kinds: &[MediaKind::Image],
        bytes_max: IMAGE_BYTES_MAX,
        deadline: call.sending().deadline,
    };
    let fetched = Box::pin(call.upstream.media().fetch(url, wanted)).await;
    fetched.map_err(|error| Failed::of(&error).hint(format!("the image is at {url} for a day")))
}

fn inline(data: &str) -> Option<Medium> {
    use base64::Engine;
    let bytes = base64::prelude::BASE64_STANDARD.decode(data).ok()?;
    let kind = MediaType::sniff(&bytes).filter(|kind| kind.kind == MediaKind::Image)?;
    let bytes = Bytes::from(bytes);
    Some(Medium { kind, bytes })
}

fn show(
    medium: &Medium,
    path: &std::path::Path,
    call: &MediaCall,
    context: &Context,
) -> Result<(), Failed> {
    if call.is_json() {
        return Ok(());
    }
    if let Some(escape) = picture::escape(medium, &context.config()?.environment) {
        call.out.raw(&escape);
    }
    call.out.line(path.display().to_string());
    Ok(())
}
