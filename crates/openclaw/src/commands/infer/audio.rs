//! `infer audio transcribe`: writes down what is said.

use catalog::ModelKind;
use providers::Answered;
use providers::media::transcription::{Sound, TranscriptionAsk, TranscriptionRequest};
use providers::media_type::MediaKind;
use serde_json::json;

use super::media_call::{MediaCall, answer_json};
use super::media_input::MediaInput;
use crate::cli::infer::audio::{AudioArgs, AudioCommand, TranscribeArgs};
use crate::context::Context;
use crate::exit_code::Exit;
use crate::failed::Done;

/// Largest sound file that is read, in bytes; models take less.
const SOUND_BYTES_MAX: u64 = 512 * 1024 * 1024;

/// Writes down.
pub(crate) fn run(args: &AudioArgs, context: &Context) -> Done {
    let AudioCommand::Transcribe(args) = &args.command;
    crate::runtime::single()?.block_on(transcribe(args, context))
}

async fn transcribe(args: &TranscribeArgs, context: &Context) -> Done {
    let call = MediaCall::open(context, &args.call, ModelKind::Transcription)?;
    let kinds = &[MediaKind::Audio, MediaKind::Video];
    let fetcher = call.upstream.media();
    let sound = match MediaInput::read(&args.file, kinds, SOUND_BYTES_MAX, fetcher)? {
        MediaInput::File(medium) => Sound::File(medium),
        MediaInput::Url(url) => Sound::Url(url),
    };
    let wish = TranscriptionRequest {
        model: None,
        sound,
        language: args.language.clone(),
    };
    wish.check(call.upstream.catalog(), call.chain.first())?;
    let sending = call.sending();
    let ask = TranscriptionAsk {
        request: &wish,
        sending,
    };
    let Answered { route, reply, .. } = call.ask("listening", &ask).await?;
    if args.call.json {
        let sentences: Vec<_> = reply
            .sentences
            .iter()
            .map(|row| json!({"beginMs": row.begin_ms, "endMs": row.end_ms, "text": row.text}))
            .collect();
        let output = json!({
            "text": reply.text, "language": reply.language, "seconds": reply.seconds, "sentences": sentences,
        });
        call.out
            .json(&answer_json("audio.transcribe", &route, &[output]));
        return Ok(Exit::Ok);
    }
    match args.format.as_str() {
        "srt" => call.out.piece(&reply.srt()),
        "vtt" => call.out.piece(&reply.vtt()),
        _ => call.out.line(&reply.text),
    }
    Ok(Exit::Ok)
}
