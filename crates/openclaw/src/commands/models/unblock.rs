//! `models unblock`: what rested after failures is tried again with the next request, by every process of the home.

use providers::health::{self, Breaker};
use serde_json::json;

use super::breakers;
use crate::cli::models::ModelsUnblockArgs;
use crate::context::Context;
use crate::exit_code::Exit;
use crate::failed::{Done, Failed};

/// Forgets breakers.
pub(super) fn run(args: &ModelsUnblockArgs, context: &Context) -> Done {
    let out = context.out.with_json(args.json);
    let is_meant = |breaker: &Breaker| {
        args.names.is_empty() || args.names.iter().any(|name| names(breaker, name))
    };
    let resting = breakers::open(context)?;
    if let Some(name) = args
        .names
        .iter()
        .find(|name| !resting.iter().any(|breaker| names(breaker, name)))
    {
        return Err(
            Failed::new(format!("nothing that rests is called `{name}`"))
                .hint("`openclaw models status` lists what rests, and why"),
        );
    }
    let meant: Vec<Breaker> = if args.dry_run {
        resting.into_iter().filter(is_meant).collect()
    } else {
        health::unblock(&context.home, is_meant).map_err(|error| Failed::of(&error))?
    };
    let meant: Vec<&Breaker> = meant.iter().filter(|breaker| breaker.is_open()).collect();
    if args.json {
        let removed: Vec<_> = meant
            .iter()
            .map(|breaker| breakers::json(breaker))
            .collect();
        out.json(&json!({"ok": true, "dryRun": args.dry_run, "unblocked": removed}));
        return Ok(Exit::Ok);
    }
    let verb = if args.dry_run {
        "Would unblock"
    } else {
        "Unblocked"
    };
    for breaker in &meant {
        out.line(format!("{verb} {}", breakers::line(breaker)));
    }
    if meant.is_empty() {
        out.line("Nothing rests");
    }
    Ok(Exit::Ok)
}

/// Says whether `name` means the breaker: its id, provider, model, `provider/model`, profile or host.
fn names(breaker: &Breaker, name: &str) -> bool {
    let evidence = &breaker.evidence;
    let profile = evidence
        .profile
        .as_deref()
        .and_then(|profile| profile.split_once('/'))
        .map(|(_, id)| id);
    let host = breaker.scope.host();
    let bare_host = host.and_then(|host| host.split(':').next());
    breaker.scope.to_string() == name
        || evidence.provider == name
        || evidence.model == name
        || format!("{}/{}", evidence.provider, evidence.model) == name
        || profile == Some(name)
        || host == Some(name)
        || bare_host == Some(name)
}
