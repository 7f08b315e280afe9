//! The move off a provider: a checked key for the new one, every reference rewritten, what is left over removed, a live
//! request through the real path, and another look. All of it is one transaction.

use std::sync::Arc;

use catalog::Catalog;
use config::{ProviderId, Transaction};
use credentials::ProfilePlan;
use serde_json::json;

use crate::cli::migrate::MigrateProviderArgs;
use crate::cli::onboard::OnboardArgs;
use crate::commands::onboard;
use crate::config_change::ConfigChange;
use crate::context::{Context, ReadConfig, now_ms};
use crate::doctor::{Draft, Situation, remove_retired};
use crate::exit_code::Exit;
use crate::failed::{Done, Failed};
use crate::home_files;
use crate::output::is_interactive;
use crate::prompt;
use crate::retired::{Retired, Successor, rewrite_references};

/// Where a portal home goes when nothing else is said: the plan that needs no subscription.
const CHOICE_DEFAULT: &str = "qwen-standard-api-key";

/// Everything that was decided. Nothing is written yet.
struct Plan<'a> {
    config: &'a ReadConfig,
    draft: Draft,
    profile: Option<ProfilePlan>,
    /// One line for each step.
    steps: Vec<String>,
    mapped: Vec<(String, String)>,
    /// Model that shows that the new provider answers.
    shows: String,
}

/// Plans, shows, and carries out the move.
pub(super) fn run(provider: &str, args: &MigrateProviderArgs, context: &Context) -> Done {
    let situation = Situation::read(context, false)?;
    let config = situation
        .config
        .as_ref()
        .map_err(|error| Failed::of(error).hint("`openclaw doctor` says what is wrong with it"))?;
    let retired = match provider {
        "qwen-portal" => situation.retired(),
        other => Retired::only(other),
    };
    if is_clean(&retired, &situation) {
        let message = format!("nothing in this home belongs to `{provider}`");
        if args.json {
            context
                .out
                .json(&json!({"ok": true, "changed": false, "message": message}));
        } else {
            context.out.note(message);
        }
        return Ok(Exit::Ok);
    }
    let plan = plan(args, &retired, &situation, config)?;
    if args.dry_run {
        show(args, &plan, context)?;
        return Ok(Exit::Ok);
    }
    consent(args, &plan, context)?;
    carry_out(provider, args, &plan, context)?;
    report(args, &plan, context);
    Ok(Exit::Ok)
}

fn is_clean(retired: &Retired, situation: &Situation<'_>) -> bool {
    let value = situation.value();
    retired.references(&value).is_empty()
        && retired.blocks(&value).is_empty()
        && retired.auth_entries(&value).is_empty()
        && retired.plugin_entries(&value).is_empty()
        && retired.sessions(&situation.context.home).is_empty()
        && retired.generated(&situation.context.home).is_empty()
}

fn plan<'a>(
    args: &MigrateProviderArgs,
    retired: &Retired,
    situation: &Situation<'_>,
    config: &'a ReadConfig,
) -> Result<Plan<'a>, Failed> {
    let onboarding = onboarding(args, retired, situation);
    let prepared = onboard::prepare(&onboarding, situation.context)?;
    let mut draft = Draft::of(&config.text);
    draft.sketch.make(&prepared.edits)?;
    for line in prepared.changes {
        draft.say(line);
    }
    let (settings, _) = config::Settings::read(draft.sketch.text());
    let successor = Successor::of(&situation.catalog, &settings, &prepared.provider)
        .ok_or_else(|| Failed::new(format!("the provider `{}` is not known", prepared.provider)))?;
    let mapped = rewrite_references(&mut draft.sketch, retired, &successor)?;
    for (old, new) in &mapped {
        draft.say(format!("write `{new}` for `{old}`"));
    }
    for session in retired.sessions(&situation.context.home) {
        if let Some(text) = draft.json(&session.file) {
            let text = session.rewritten(&text, &successor)?;
            draft.replace_json(session.file.clone(), text);
            draft.say(format!(
                "session `{}` goes on with `{}`",
                session.session, successor.provider
            ));
        }
    }
    remove_retired(situation, retired, &mut draft)?;
    Ok(Plan {
        config,
        steps: draft.says().to_vec(),
        draft,
        profile: prepared.profile,
        shows: format!("{}/{}", successor.provider, successor.default_model),
        mapped,
    })
}

/// Returns the arguments of the onboarding on the way: the choice that was made, or that the old host tells, and the key
/// that was given, or that the old provider has where it is the same service.
fn onboarding(
    args: &MigrateProviderArgs,
    retired: &Retired,
    situation: &Situation<'_>,
) -> OnboardArgs {
    let mut onboarding = OnboardArgs {
        auth_choice: args.to.clone(),
        non_interactive: args.non_interactive || args.json || args.yes,
        keys: args.keys.clone(),
        api_key_stdin: args.api_key_stdin,
        skip_probe: args.skip_probe,
        ..OnboardArgs::default()
    };
    let has_key = args.api_key_stdin || !args.keys.given().is_empty();
    let (choice, key) = kept(retired, situation);
    if onboarding.auth_choice.is_none() && args.keys.given().is_empty() {
        onboarding.auth_choice = Some(choice.unwrap_or_else(|| CHOICE_DEFAULT.to_owned()));
    }
    let catalog: &Arc<Catalog> = &situation.catalog;
    if let (false, Some(key), Some(id)) = (has_key, key, onboarding.auth_choice.as_deref()) {
        let flag = catalog
            .auth_choice(id)
            .and_then(|found| found.choice.flag.as_deref());
        if let Some(flag) = flag {
            onboarding.keys.set(flag, key);
        }
    }
    onboarding
}

/// Returns the auth choice and the key of a provider that only changes its name.
fn kept(retired: &Retired, situation: &Situation<'_>) -> (Option<String>, Option<String>) {
    let settings = situation.settings();
    let block = settings
        .models
        .providers
        .iter()
        .find(|block| retired.is_provider(&block.key));
    let Some(block) = block else {
        return (None, None);
    };
    let url = block.base_url.as_deref().unwrap_or_default();
    let endpoint = situation
        .catalog
        .endpoint_for_url(url)
        .map(|found| found.endpoint);
    let Some(endpoint) = endpoint.filter(|endpoint| endpoint.plan != catalog::Plan::Portal) else {
        return (None, None);
    };
    let choice = situation
        .catalog
        .choice_for_endpoint(&endpoint.id)
        .map(|choice| choice.id.clone());
    let resolver = situation.resolver();
    let key = ProviderId::new(&block.key)
        .ok()
        .zip(resolver)
        .and_then(|(id, resolver)| {
            let resolution = resolver.candidates(&id, now_ms());
            let (_, secret) = resolution.usable().next()?;
            Some(secret.expose().to_owned())
        });
    (choice, key)
}

fn show(args: &MigrateProviderArgs, plan: &Plan<'_>, context: &Context) -> Result<(), Failed> {
    let change = ConfigChange::plan(plan.config, plan.draft.sketch.edits())?;
    let profile = plan.profile.as_ref().map(ProfilePlan::describe);
    if args.json {
        let mapped: Vec<_> = plan
            .mapped
            .iter()
            .map(|(old, new)| json!({"from": old, "to": new}))
            .collect();
        context.out.json(&json!({
            "ok": true, "dryRun": true, "profile": profile, "steps": plan.steps, "models": mapped, "diff": change.diff(),
        }));
        return Ok(());
    }
    context.out.line("Would be done, as one step:");
    for line in profile.iter().chain(&plan.steps) {
        context.out.line(format!("  - {line}"));
    }
    change.show(context);
    Ok(())
}

fn consent(args: &MigrateProviderArgs, plan: &Plan<'_>, context: &Context) -> Result<(), Failed> {
    if args.yes || args.non_interactive || args.json || !is_interactive() {
        return Ok(());
    }
    context.out.note("This would be done, as one step:");
    for line in &plan.steps {
        context.out.note(format!("  - {line}"));
    }
    if prompt::confirm("Do it?")? {
        return Ok(());
    }
    Err(prompt::cancelled())
}

/// Writes under a journal; whatever fails on the way puts every byte back.
fn carry_out(
    provider: &str,
    args: &MigrateProviderArgs,
    plan: &Plan<'_>,
    context: &Context,
) -> Result<(), Failed> {
    let words = ["migrate", provider];
    let mut files = home_files::written(&context.home);
    files.extend(plan.profile.iter().map(|profile| profile.path().to_owned()));
    let folders = home_files::written_folders(&context.home);
    let open = Transaction::begin(
        &context.home,
        &files,
        &folders,
        &Context::write_origin(&words),
    )?;
    let done = write(plan, context, &words).and_then(|()| verify(args, plan, context));
    match done {
        Ok(()) => open.finish().map(drop).map_err(Failed::from),
        Err(mut failed) => {
            open.roll_back()?;
            failed.message = format!("{}; everything is as it was before", failed.message);
            Err(failed)
        }
    }
}

fn write(plan: &Plan<'_>, context: &Context, words: &[&str]) -> Result<(), Failed> {
    // The key first: alone it changes nothing.
    if let Some(profile) = plan.profile.clone() {
        drop(profile.apply()?);
    }
    plan.draft.make(plan.config, context, words)
}

/// Reads the home as every later command will, and makes one small request through the real path.
fn verify(args: &MigrateProviderArgs, plan: &Plan<'_>, context: &Context) -> Result<(), Failed> {
    let config = context.config()?;
    let directory = context.directory(&config)?;
    let reference = plan.shows.as_str();
    let chain = directory.chain(reference).map_err(|error| {
        Failed::new(format!("`{reference}` cannot be called: {error}")).hint(error.hint())
    })?;
    if args.skip_probe {
        return Ok(());
    }
    context
        .out
        .note(format!("Asking `{reference}` one small question …"));
    let route = chain.first();
    let upstream = context.upstream(&config.environment)?;
    crate::runtime::single()?
        .block_on(providers::probe::one_token(&upstream, route, &route.model))
        .map_err(Failed::from)
}

fn report(args: &MigrateProviderArgs, plan: &Plan<'_>, context: &Context) {
    if args.json {
        let mapped: Vec<_> = plan
            .mapped
            .iter()
            .map(|(old, new)| json!({"from": old, "to": new}))
            .collect();
        context
            .out
            .json(&json!({"ok": true, "changed": true, "steps": plan.steps, "models": mapped}));
        return;
    }
    context.out.note("Migrated:");
    for line in &plan.steps {
        context.out.note(format!("  - {line}"));
    }
    context.out.note(
        "`openclaw migrate undo` takes it back, byte for byte; `openclaw doctor` looks again.",
    );
}
