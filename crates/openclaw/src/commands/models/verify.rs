//! `models verify`: real calls that show which of the catalog's claims about a model hold.

use std::sync::Arc;

use bytes::Bytes;
use catalog::ErrorClass;
use http::HeaderMap;
use providers::attempt::Answer;
use providers::chat_request::ChatRequest;
use providers::discovery::CheckedModel;
use providers::probe::PROBE_MAX;
use providers::{Call, Deadline, Directory, Failure, Route, Upstream, Usage};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::cli::models::VerifyArgs;
use crate::context::{Context, now_ms};
use crate::exit_code::Exit;
use crate::failed::{Done, Failed};
use crate::model_lists::ModelListFile;

mod claim;
mod report;

use claim::{Ability, Claim, Claimed};
use report::Report;

/// Longest time for one question, as a multiple of a probe's: it may think, and look at an image.
const QUESTION_PROBES: u32 = 4;

/// What came of a claim.
#[derive(Debug)]
enum Outcome {
    /// The answer shows it.
    Holds,
    /// It was answered, and the answer does not show it.
    Lacks,
    /// The host refused the question.
    Refused(Box<Failure>),
    /// It was not asked.
    NotAsked,
}

/// A claim and what came of it.
#[derive(Debug)]
struct Checked {
    claim: Claim,
    outcome: Outcome,
    usage: Option<Usage>,
}

/// Checks the claims about a model.
pub(super) fn run(args: &VerifyArgs, context: &Context) -> Done {
    let out = context.out.with_json(args.json);
    let config = context.config()?;
    let directory = context.directory(&config)?;
    let route = route(&directory, &args.reference)?;
    let catalog = context.catalog()?;
    let listed = directory
        .all_models()
        .map(|(model, _)| model)
        .find(|model| model.provider == *route.provider && model.id == *route.model);
    let claims = claim::claims(&catalog, &route, listed);
    let wanted = |claim: &Claim| args.all || claim.claimed != Claimed::No;
    if args.dry_run {
        let planned: Vec<&Claim> = claims.iter().filter(|claim| wanted(claim)).collect();
        report::dry_run(&route, &planned, args.json, out);
        return Ok(Exit::Ok);
    }
    let upstream = context.upstream(&config.environment)?;
    out.note(format!("Asking {} about `{}` …", route.host, route.model));
    let checked =
        crate::runtime::single()?.block_on(check_all(&upstream, &route, claims, wanted))?;
    let recorded = record(context, &directory, &route, &checked);
    let report = Report {
        route: &route,
        checked: &checked,
        is_recorded: recorded?,
    };
    if args.json {
        out.json(&report.json());
    } else {
        report.print(out);
    }
    Ok(exit(&checked))
}

/// Returns the first way to the model.
fn route(directory: &Directory, reference: &str) -> Result<Arc<Route>, Failed> {
    let chain = directory.chain(reference).map_err(|error| {
        let exit = if error.is_unknown_name() {
            Exit::Error
        } else {
            Exit::Auth
        };
        Failed::of(&error).exit(exit).hint(error.hint())
    })?;
    Ok(Arc::clone(chain.first()))
}

/// Asks one question after the other; when the model does not even answer, the rest is not asked.
async fn check_all(
    upstream: &Upstream,
    route: &Route,
    claims: Vec<Claim>,
    wanted: impl Fn(&Claim) -> bool,
) -> Result<Vec<Checked>, Failed> {
    let mut checked: Vec<Checked> = Vec::new();
    for claim in claims {
        let answers = checked.iter().all(|done| {
            done.claim.ability != Ability::Answer || matches!(done.outcome, Outcome::Holds)
        });
        let (outcome, usage) = if answers && wanted(&claim) {
            check(upstream, route, &claim).await?
        } else {
            (Outcome::NotAsked, None)
        };
        checked.push(Checked {
            claim,
            outcome,
            usage,
        });
    }
    Ok(checked)
}

async fn check(
    upstream: &Upstream,
    route: &Route,
    claim: &Claim,
) -> Result<(Outcome, Option<Usage>), Failed> {
    let request = ChatRequest::parse(Bytes::from(claim.question.to_string()))
        .map_err(|error| Failed::of(&error))?;
    let stop = CancellationToken::new();
    let call = Call {
        route,
        request: &request,
        headers: &HeaderMap::new(),
        deadline: Deadline::after(PROBE_MAX * QUESTION_PROBES),
        stop: &stop,
    };
    Ok(match upstream.attempt(call).await {
        Err(failure) => (Outcome::Refused(Box::new(failure)), None),
        Ok(reply) => match reply.answer {
            Answer::Whole(body, usage) => {
                let reply: Value = serde_json::from_slice(&body).unwrap_or_default();
                let holds = claim.ability.is_shown_by(&reply);
                (
                    if holds {
                        Outcome::Holds
                    } else {
                        Outcome::Lacks
                    },
                    usage,
                )
            }
            // It was asked for a whole answer.
            Answer::Stream(_) => (Outcome::Lacks, None),
        },
    })
}

/// Keeps whether the model answered, so that listings know: a live answer beats shipped data. What is said about the
/// request, the rate or the money says nothing about the model.
fn record(
    context: &Context,
    directory: &Directory,
    route: &Route,
    checked: &[Checked],
) -> Result<bool, Failed> {
    let target = directory.targets().find(|target| {
        let credential = target.credential().map_or("none", AsRef::as_ref);
        target.provider == route.provider && credential == route.credential.as_ref()
    });
    let answer = checked.first().map(|checked| &checked.outcome);
    let refused = match answer {
        Some(Outcome::Holds) => None,
        Some(Outcome::Refused(failure))
            if matches!(
                failure.class,
                ErrorClass::NotEntitled | ErrorClass::ModelNotFound
            ) =>
        {
            Some(failure.class.to_string())
        }
        _ => return Ok(false),
    };
    let Some(target) = target else {
        return Ok(false);
    };
    let checked = CheckedModel {
        id: route.model.to_string(),
        at_ms: now_ms(),
        refused,
    };
    ModelListFile::of(&context.home).change(|lists| lists.note(target, checked))?;
    Ok(true)
}

/// Fails when a claim does not hold; a model that does not answer fails as any call would.
fn exit(checked: &[Checked]) -> Exit {
    for checked in checked {
        match (
            &checked.outcome,
            checked.claim.claimed,
            checked.claim.ability,
        ) {
            (Outcome::Refused(failure), _, Ability::Answer) => {
                return Exit::of_class(failure.class);
            }
            (Outcome::Refused(_) | Outcome::Lacks, Claimed::Yes, _) => return Exit::Error,
            _ => {}
        }
    }
    Exit::Ok
}
