//! What the person, or the script, is told at the end.

use serde_json::{Value, json};

use super::Desk;
use super::check::Answer;
use super::key::KeySource;
use super::plan::OnboardPlan;
use crate::output::{dim, strong};

/// How the first real call went.
#[derive(Debug, Clone)]
pub(super) enum FirstCall {
    /// One token came back.
    Answered,
    /// It failed, for this reason.
    Failed(String),
    /// It was not made: the check was one already, or none was wanted.
    NotMade,
}

/// Shows what a dry run found, as data.
pub(super) fn dry_run(desk: &Desk<'_>, plan: &OnboardPlan<'_>) {
    let out = desk.context.out;
    if desk.args.json {
        out.json(&result(desk, plan, &FirstCall::NotMade));
        return;
    }
    out.line("Would write (dry run):");
    for change in &plan.changes {
        out.line(format!("  {change}"));
    }
    plan.change.show(desk.context);
}

/// Shows what is about to be written.
pub(super) fn summary(desk: &Desk<'_>, plan: &OnboardPlan<'_>) {
    let out = desk.context.out;
    out.note("");
    out.note(strong(format!("{} will be set up:", plan.site.name)));
    for change in &plan.changes {
        out.note(format!("  {change}"));
    }
    out.note("");
}

/// Tells about a set-up that was done.
pub(super) fn done(desk: &Desk<'_>, plan: &OnboardPlan<'_>, first_call: &FirstCall) {
    let out = desk.context.out;
    if desk.args.json {
        out.json(&result(desk, plan, first_call));
        return;
    }
    let site = &plan.site;
    let key = plan.key.as_ref().map_or_else(
        || "no key".to_owned(),
        |key| {
            format!(
                "{} ({}) from {}",
                site.profile,
                key.secret.mask(),
                key.source.describe(&desk.context.home)
            )
        },
    );
    let gateway = plan.gateway(desk.context);
    let port = gateway.get("port").cloned().unwrap_or_default();
    out.line(format!("{} is set up.", strong(&site.name)));
    for (name, value) in [
        ("Key", key),
        ("Host", site.base_url.clone()),
        ("Default model", default_model(plan)),
        ("Gateway", format!("http://127.0.0.1:{port}/v1")),
        ("Its token", token_place(desk, &gateway)),
    ] {
        out.line(format!("  {name:<13}  {value}"));
    }
    out.line("");
    out.line("Next:");
    for (command, what) in [
        ("openclaw gateway run", "serve every OpenAI client"),
        ("openclaw agent --message \"hello\"", "one answer here"),
    ] {
        out.line(format!("  {command:<34}  {}", dim(what)));
    }
}

/// The token itself stays out of terminals and their logs.
fn token_place(desk: &Desk<'_>, gateway: &Value) -> String {
    let file = desk.context.home.display(desk.context.home.config_path());
    match gateway.get("authMode").and_then(Value::as_str) {
        Some("token") => format!("`gateway.auth.token` in {file}"),
        other => format!("none: `gateway.auth.mode` is {}", other.unwrap_or_default()),
    }
}

/// A default that stays is said, with what changes it.
fn default_model(plan: &OnboardPlan<'_>) -> String {
    let (default, new) = (&plan.default_model.reference, plan.site.default_ref());
    if *default == new {
        return new;
    }
    format!("{default}, as before (`openclaw models set {new}` changes it)")
}

fn result(desk: &Desk<'_>, plan: &OnboardPlan<'_>, first_call: &FirstCall) -> Value {
    let site = &plan.site;
    let key = plan.key.as_ref().map(|key| {
        let variable = match &key.source {
            KeySource::Variable { name, .. } => Some(name),
            _ => None,
        };
        json!({
            "source": key.source.kind(), "variable": variable, "profile": site.profile.as_str(), "shown": key.secret.mask(),
        })
    });
    let mut value = json!({
        "ok": true,
        "mode": "local",
        "workspace": plan.workspace,
        "authChoice": site.auth_choice,
        "provider": site.provider.as_str(),
        "plan": site.plan.map(|plan| plan.to_string()),
        "region": site.region.map(|region| region.to_string()),
        "baseUrl": site.base_url,
        "key": key,
        "probe": probe(plan, first_call),
        "gateway": plan.gateway(desk.context),
        "defaultModel": plan.default_model.reference,
        "changes": plan.changes,
        "warnings": plan.warnings,
        "dryRun": desk.args.dry_run,
    });
    if desk.args.dry_run
        && let Some(members) = value.as_object_mut()
    {
        members.insert("diff".to_owned(), json!(plan.change.diff()));
    }
    value
}

fn probe(plan: &OnboardPlan<'_>, first_call: &FirstCall) -> Value {
    let (verdict, n_models) = match &plan.answer {
        Answer::Works(models) => ("works", (!models.is_empty()).then_some(models.len())),
        Answer::WorksLater(_) => ("works-later", None),
        Answer::NotAsked => ("not-asked", None),
    };
    let call = match first_call {
        FirstCall::Answered => json!("answered"),
        FirstCall::Failed(why) => json!(why),
        FirstCall::NotMade => Value::Null,
    };
    json!({"verdict": verdict, "host": plan.site.host(), "models": n_models, "firstCall": call})
}
