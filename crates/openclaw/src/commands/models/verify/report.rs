//! Which claims hold, as text and as JSON.

use providers::Route;
use serde_json::{Value, json};

use super::claim::{Claim, Claimed};
use super::{Checked, Outcome};
use crate::output::{Output, dim, strong};

/// What was checked on which route.
pub(super) struct Report<'a> {
    pub(super) route: &'a Route,
    pub(super) checked: &'a [Checked],
    pub(super) is_recorded: bool,
}

/// Shows what would be asked, and what it could cost.
pub(super) fn dry_run(route: &Route, claims: &[&Claim], json: bool, out: Output) {
    let tokens: u64 = claims.iter().map(|claim| claim.output_tokens_max).sum();
    if json {
        let requests: Vec<Value> = claims
            .iter()
            .map(|claim| json!({"claim": claim.ability.name(), "claimed": word(claim.claimed), "body": claim.question, "outputTokensMax": claim.output_tokens_max}))
            .collect();
        out.json(&json!({
            "ok": true,
            "dryRun": true,
            "model": route.reference(),
            "host": route.host.as_ref(),
            "credential": route.credential.as_ref(),
            "url": route.chat_url.to_string(),
            "requests": requests,
            "costBound": {"requests": claims.len(), "outputTokens": tokens},
        }));
        return;
    }
    out.line(format!(
        "{} at {} with {}",
        strong(route.reference()),
        route.host,
        route.credential
    ));
    for claim in claims {
        let (name, tokens) = (claim.ability.name(), claim.output_tokens_max);
        out.line(format!(
            "  {name:<9} at most {tokens} tokens out: {}",
            claim.question
        ));
    }
    out.line(format!(
        "At most {} requests and {tokens} tokens out. Nothing was sent (dry run).",
        claims.len()
    ));
}

impl Report<'_> {
    /// Prints it for a person.
    pub(super) fn print(&self, out: Output) {
        let route = self.route;
        out.line(format!(
            "{} at {} with {}",
            strong(route.reference()),
            route.host,
            route.credential
        ));
        for checked in self.checked {
            let name = checked.claim.ability.name();
            let said = verdict(checked);
            out.line(match reason(checked) {
                Some(reason) => format!("  {name:<9} {said}: {reason}"),
                None => format!("  {name:<9} {said}"),
            });
        }
        let (input, output) = self.spent();
        out.line(dim(format!(
            "{input} tokens in and {output} out were spent"
        )));
        if self.is_recorded {
            out.note("Whether it answers is kept; `openclaw models list` uses it.");
        }
    }

    /// Returns it for programs.
    pub(super) fn json(&self) -> Value {
        let (input, output) = self.spent();
        let claims: Vec<Value> = self.checked.iter().map(claim_json).collect();
        let broken = |checked: &&Checked| verdict(checked) == "does not hold";
        json!({
            "ok": !self.checked.iter().any(|checked| broken(&checked)),
            "model": self.route.reference(),
            "host": self.route.host.as_ref(),
            "credential": self.route.credential.as_ref(),
            "claims": claims,
            "spent": {"inputTokens": input, "outputTokens": output},
            "recorded": self.is_recorded,
        })
    }

    fn spent(&self) -> (u64, u64) {
        let usages = || self.checked.iter().filter_map(|checked| checked.usage);
        (
            usages().map(|usage| usage.input_tokens).sum(),
            usages().map(|usage| usage.output_tokens).sum(),
        )
    }
}

fn claim_json(checked: &Checked) -> Value {
    let failure = match &checked.outcome {
        Outcome::Refused(failure) => Some(failure),
        Outcome::Holds | Outcome::Lacks | Outcome::NotAsked => None,
    };
    json!({
        "claim": checked.claim.ability.name(),
        "claimed": word(checked.claim.claimed),
        "verdict": verdict(checked),
        "reason": reason(checked),
        "class": failure.map(|failure| failure.class),
        "status": failure.and_then(|failure| failure.status),
    })
}

fn word(claimed: Claimed) -> &'static str {
    match claimed {
        Claimed::Yes => "yes",
        Claimed::No => "no",
        Claimed::Open => "unknown",
    }
}

fn verdict(checked: &Checked) -> &'static str {
    match (&checked.outcome, checked.claim.claimed) {
        (Outcome::Holds, Claimed::Yes) => "holds",
        (Outcome::Holds, Claimed::No | Claimed::Open) => "works, although it is not claimed",
        (Outcome::Lacks | Outcome::Refused(_), Claimed::Yes) => "does not hold",
        (Outcome::Lacks | Outcome::Refused(_), Claimed::No | Claimed::Open) => {
            "does not work, as expected"
        }
        (Outcome::NotAsked, Claimed::No) => "not claimed, not asked",
        (Outcome::NotAsked, Claimed::Yes | Claimed::Open) => "not asked",
    }
}

fn reason(checked: &Checked) -> Option<String> {
    match &checked.outcome {
        Outcome::Lacks => Some(checked.claim.ability.lack().to_owned()),
        Outcome::Refused(failure) => Some(format!("{failure}; {}", failure.hint())),
        Outcome::Holds | Outcome::NotAsked => None,
    }
}
