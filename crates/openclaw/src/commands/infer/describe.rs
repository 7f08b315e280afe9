//! Says what images show: through the model that was named, else through the one this home looks with.

use std::time::Duration;

use ::agent::{Attachment, Turn, run_turn};
use catalog::ModelKind;
use providers::media_type::MediaKind;
use serde_json::json;

use super::media_call::{MediaCall, answer_json};
use super::media_input::MediaInput;
use crate::cli::infer::image::DescribeArgs;
use crate::commands::agent::{ended, show, usage_json};
use crate::context::Context;
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
