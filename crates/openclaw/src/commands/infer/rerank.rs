//! `infer rerank`: documents in the order of how near they are to a query.

use catalog::ModelKind;
use providers::Answered;
use providers::media::rerank::{RerankAsk, RerankRequest};
use serde_json::{Value, json};

use super::media_call::{MediaCall, answer_json, texts_and_lines};
use crate::cli::infer::rerank::RerankArgs;
use crate::context::Context;
use crate::exit_code::Exit;
use crate::failed::Done;

/// Orders documents.
pub(crate) fn run(args: &RerankArgs, context: &Context) -> Done {
    crate::runtime::single()?.block_on(rerank(args, context))
}

async fn rerank(args: &RerankArgs, context: &Context) -> Done {
    let documents = texts_and_lines(&args.document, args.file.as_deref())?;
    let body = json!({
        "query": args.query, "documents": documents, "top_n": args.top_n,
        "return_documents": true, "instruct": args.instruct,
    });
    let request = RerankRequest::parse(body.to_string().as_bytes())?;
    let call = MediaCall::open(context, &args.call, ModelKind::Rerank)?;
    request.check(call.upstream.catalog(), call.chain.first())?;
    let sending = call.sending();
    let ask = RerankAsk {
        request: &request,
        sending,
    };
    let Answered { route, reply, .. } = call.ask("ordering", &ask).await?;
    let value = reply.value();
    let results = value.get("results").and_then(Value::as_array);
    let results = results.cloned().unwrap_or_default();
    if args.call.json {
        call.out.json(&answer_json("rerank", &route, &results));
        return Ok(Exit::Ok);
    }
    call.out.note(format!("ordered by {}", route.reference()));
    for row in &results {
        let score = row.get("relevance_score").and_then(Value::as_f64);
        let index = row.get("index").and_then(Value::as_u64);
        let text = row.pointer("/document/text").and_then(Value::as_str);
        call.out.line(format!(
            "{:.4}  {}  {}",
            score.unwrap_or_default(),
            index.unwrap_or_default(),
            text.unwrap_or_default()
        ));
    }
    Ok(Exit::Ok)
}
