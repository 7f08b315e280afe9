//! `infer tts`: says texts, lists voices.

use std::path::Path;
use std::process::{Command, Stdio};

use catalog::{Catalog, ModelKind};
use providers::Answered;
use providers::media::speech::{SpeechAsk, SpeechRequest};
use serde_json::{Value, json};

use super::media_call::{MediaCall, answer_json};
use super::media_output::Target;
use crate::cli::infer::tts::{TtsArgs, TtsCommand, TtsConvertArgs, TtsVoicesArgs};
use crate::commands::agent::text_or_stdin;
use crate::context::Context;
use crate::exit_code::Exit;
use crate::failed::{Done, Failed};

/// Programs that play a sound file, with what they need to do it quietly.
const PLAYERS: &[(&str, &[&str])] = &[
    ("afplay", &[]),
    ("paplay", &[]),
    ("pw-play", &[]),
    ("aplay", &["-q"]),
    ("ffplay", &["-nodisp", "-autoexit", "-loglevel", "quiet"]),
    ("mpv", &["--no-video", "--really-quiet"]),
];

/// Says or lists.
pub(crate) fn run(args: &TtsArgs, context: &Context) -> Done {
    match &args.command {
        TtsCommand::Convert(args) => crate::runtime::single()?.block_on(convert(args, context)),
        TtsCommand::Voices(args) => voices(args, context),
    }
}

async fn convert(args: &TtsConvertArgs, context: &Context) -> Done {
    let text = text_or_stdin(&args.text)?;
    let target = Target::new(&args.output, context, &text, 1)?;
    let wish = SpeechRequest {
        input: text,
        voice: args.voice.clone(),
        response_format: args.format.clone(),
        language: args.language.clone(),
        ..SpeechRequest::default()
    };
    wish.check_form()?;
    let call = MediaCall::open(context, &args.call, ModelKind::Speech)?;
    wish.check(call.upstream.catalog(), call.chain.first())?;
    if args.output.dry_run {
        let model = call.chain.first().reference();
        call.out.json(&json!({"ok": true, "dryRun": true, "model": model, "characters": wish.input.chars().count()}));
        return Ok(Exit::Ok);
    }
    let sending = call.sending();
    let ask = SpeechAsk {
        request: &wish,
        sending,
    };
    let Answered { route, reply, .. } = call.ask("speaking", &ask).await?;
    let path = target.write(&reply.bytes, &reply.format)?;
    if args.call.json {
        let output = json!({"path": path, "mimeType": reply.mime(), "bytes": reply.bytes.len(), "voice": reply.voice});
        call.out
            .json(&answer_json("tts.convert", &route, &[output]));
    } else {
        call.out.line(path.display().to_string());
        call.out
            .note(format!("{} by {}", reply.voice, route.reference()));
    }
    if args.play && !play(&path) {
        call.out
            .warn("no player was found; the file is there all the same");
    }
    Ok(Exit::Ok)
}

/// Plays a file with the first player that is installed and takes it.
fn play(path: &Path) -> bool {
    PLAYERS.iter().any(|(program, arguments)| {
        let mut command = Command::new(program);
        command.args(*arguments).arg(path);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    })
}

fn voices(args: &TtsVoicesArgs, context: &Context) -> Done {
    let out = context.out.with_json(args.json);
    let catalog = context.catalog()?;
    let rows = rows(&catalog, args.model.as_deref());
    if rows.is_empty() {
        let message = format!(
            "`{}` has no voices",
            args.model.as_deref().unwrap_or_default()
        );
        return Err(Failed::new(message).hint("`openclaw infer tts voices` lists them all"));
    }
    if args.json {
        out.json(&json!({"ok": true, "capability": "tts.voices", "voices": rows}));
        return Ok(Exit::Ok);
    }
    for row in &rows {
        let text = |name: &str| row.get(name).and_then(Value::as_str).unwrap_or_default();
        out.line(format!(
            "{:<20} {:<12} {}",
            text("model"),
            text("id"),
            text("about")
        ));
    }
    Ok(Exit::Ok)
}

fn rows(catalog: &Catalog, only: Option<&str>) -> Vec<Value> {
    let id = only.map(|only| only.rsplit('/').next().unwrap_or(only));
    let mut rows = Vec::new();
    for model in catalog.media_models() {
        let voices = model
            .speech
            .as_ref()
            .map_or(&[][..], |speech| &speech.voices);
        if id.is_none_or(|id| id == model.id) {
            rows.extend(
                voices
                    .iter()
                    .map(|voice| json!({"model": model.id, "id": voice.id, "about": voice.about})),
            );
        }
    }
    rows
}
