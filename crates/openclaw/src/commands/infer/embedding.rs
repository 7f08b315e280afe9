//! `infer embedding create`: a vector of each text.

use bytes::Bytes;
use catalog::ModelKind;
use providers::Answered;
use providers::media::embedding::{EmbeddingAsk, EmbeddingRequest};
use serde_json::{Value, json};

use super::media_call::{MediaCall, answer_json, texts_and_lines};
use crate::cli::infer::embedding::{EmbeddingArgs, EmbeddingCommand, EmbeddingCreateArgs};
use crate::context::Context;
use crate::exit_code::Exit;
use crate::failed::{Done, Failed};
use crate::output::Output;

/// Numbers of a vector shown to a person.
const SHOWN_NUMBERS: usize = 4;
/// Characters of a text shown beside its vector.
const SHOWN_CHARS: usize = 48;

/// Makes vectors.
pub(crate) fn run(args: &EmbeddingArgs, context: &Context) -> Done {
    let EmbeddingCommand::Create(args) = &args.command;
    crate::runtime::single()?.block_on(create(args, context))
}

async fn create(args: &EmbeddingCreateArgs, context: &Context) -> Done {
    let texts = texts_and_lines(&args.text, args.file.as_deref())?;
    let mut body = json!({"input": texts, "encoding_format": "float"});
    if let (Some(dimensions), Some(body)) = (args.dimensions, body.as_object_mut()) {
        body.insert("dimensions".to_owned(), json!(dimensions));
    }
    let request = EmbeddingRequest::parse(Bytes::from(body.to_string()))?;
    let call = MediaCall::open(context, &args.call, ModelKind::Embedding)?;
    request.check(call.upstream.catalog(), call.chain.first())?;
    let sending = call.sending();
    let ask = EmbeddingAsk {
        request: &request,
        sending,
    };
    let Answered { route, reply, .. } = call.ask("embedding", &ask).await?;
    let value = reply.value();
    let vectors: Vec<&Value> = value
        .get("data")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|row| row.get("embedding"))
        .collect();
    if vectors.len() != texts.len() {
        let message = format!(
            "{} vectors came back for {} texts",
            vectors.len(),
            texts.len()
        );
        return Err(Failed::new(message));
    }
    if args.call.json {
        let output =
            |(text, vector): (&String, &&Value)| json!({"text": text, "embedding": vector});
        let outputs: Vec<Value> = texts.iter().zip(&vectors).map(output).collect();
        let mut answer = answer_json("embedding.create", &route, &outputs);
        if let Some(answer) = answer.as_object_mut() {
            let usage = value.get("usage").cloned().unwrap_or_default();
            answer.insert("usage".to_owned(), usage);
        }
        call.out.json(&answer);
    } else {
        call.out.note(format!(
            "{} vectors by {}",
            vectors.len(),
            route.reference()
        ));
        show(&texts, &vectors, call.out);
    }
    Ok(Exit::Ok)
}

fn show(texts: &[String], vectors: &[&Value], out: Output) {
    for (text, vector) in texts.iter().zip(vectors) {
        let numbers = vector.as_array().map_or(&[][..], Vec::as_slice);
        let first = numbers.iter().take(SHOWN_NUMBERS).filter_map(Value::as_f64);
        let first: Vec<String> = first.map(|number| format!("{number:.4}")).collect();
        let short: String = text.chars().take(SHOWN_CHARS).collect();
        out.line(format!(
            "{} [{}, …]  {short}",
            numbers.len(),
            first.join(", ")
        ));
    }
}
