//! `infer`: direct calls of models; this file holds `infer model run`, one prompt to one model.

use std::time::Duration;

use ::agent::{Turn, run_turn};
use serde_json::{Value, json};

use crate::cli::infer::{InferArgs, InferCommand, InferModelCommand, InferModelRunArgs};
use crate::commands::agent::{
    Transport, choose, ended, show, show_corrections, text_or_stdin, usage_json,
};
use crate::context::Context;
use crate::failed::{Done, Failed};

mod audio;
mod describe;
mod embedding;
mod image;
mod media_call;
mod media_input;
mod media_output;
mod picture;
mod rerank;
mod tts;
mod video;

pub(crate) use describe::attachments;

/// Calls the model.
pub(crate) fn run(args: &InferArgs, context: &Context) -> Done {
    match &args.command {
        InferCommand::Model(model) => {
            let InferModelCommand::Run(args) = &model.command;
            model_run(args, context)
        }
        InferCommand::Embedding(args) => embedding::run(args, context),
        InferCommand::Rerank(args) => rerank::run(args, context),
        InferCommand::Video(args) => video::run(args, context),
        InferCommand::Image(args) => image::run(args, context),
        InferCommand::Tts(args) => tts::run(args, context),
        InferCommand::Audio(args) => audio::run(args, context),
    }
}

fn model_run(args: &InferModelRunArgs, context: &Context) -> Done {
    let out = context.out.with_json(args.json);
    let config = context.config()?;
    let model = args.model.as_deref().unwrap_or("openclaw");
    let turn = Turn {
        message: text_or_stdin(&args.prompt)?,
        thinking: args.thinking,
        attachments: Vec::new(),
        timeout: Duration::from_secs(args.timeout),
    };
    let forced = match (args.local, args.gateway) {
        (true, _) => Some(Transport::Local),
        (_, true) => Some(Transport::Gateway),
        _ => None,
    };
    let (transport, answer) = crate::runtime::single()?.block_on(async {
        let chosen = choose(context, &config, model, forced).await?;
        if !args.json {
            out.line(format!("model.run via {}", chosen.transport.as_str()));
            out.line(format!("provider: {}", chosen.chain.first().provider));
            out.line(format!("model: {}", chosen.chain.first().model));
            out.line("outputs: 1");
        }
        let answer = run_turn(&chosen.upstream, &chosen.chain, &turn, |delta| {
            show(delta, args.json, out);
        })
        .await?;
        Ok::<_, Failed>((chosen.transport, answer))
    })?;
    if args.json {
        let (provider, model) = answer
            .answered_by
            .split_once('/')
            .unwrap_or(("", &answer.answered_by));
        out.json(&json!({
            "ok": answer.broken_by.is_none(),
            "capability": "model.run",
            "transport": transport.as_str(),
            "provider": provider,
            "model": model,
            "attempts": [],
            "outputs": [{"text": answer.text, "mediaUrl": Value::Null}],
            "corrections": answer.corrections,
            "usage": usage_json(&answer),
        }));
    } else {
        out.line("");
        show_corrections(&answer, out);
    }
    ended(&answer)
}
