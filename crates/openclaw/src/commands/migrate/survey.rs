//! `migrate` alone: which generation of OpenClaw wrote the home, and what a migration would change.

use std::path::Path;

use serde_json::json;

use crate::cli::migrate::MigrateArgs;
use crate::context::Context;
use crate::doctor::Situation;
use crate::exit_code::Exit;
use crate::failed::{Done, Failed};

/// Says what the home is. Writes nothing.
pub(super) fn run(args: &MigrateArgs, context: &Context) -> Done {
    let situation = Situation::read(context, false)?;
    if let Err(error) = &situation.config {
        return Err(Failed::of(error).hint("`openclaw doctor` says what is wrong with it"));
    }
    let generation = generation(&situation);
    let portal = inventory(&situation);
    let older = older(&situation);
    let mut commands = Vec::new();
    if !portal.is_empty() {
        commands.push("openclaw migrate qwen-portal --dry-run");
    }
    if !older.is_empty() {
        commands.push("openclaw migrate modelstudio --dry-run");
    }
    let changes: Vec<String> = portal.into_iter().chain(older).collect();
    if args.json {
        context.out.json(&json!({
            "home": context.home.state_dir(),
            "generation": generation,
            "lastTouchedVersion": touched(&situation),
            "changes": changes,
            "next": commands,
        }));
        return Ok(Exit::Ok);
    }
    let out = context.out;
    out.line(format!(
        "Home        {}",
        situation.shown(context.home.state_dir())
    ));
    out.line(format!("Generation  {generation}"));
    if changes.is_empty() {
        out.line("Nothing needs to change: this program uses the home as it is.");
    } else {
        out.line("Would change:");
    }
    for change in &changes {
        out.line(format!("  - {change}"));
    }
    for command in commands {
        out.line(format!("Next: `{command}`"));
    }
    Ok(Exit::Ok)
}

fn touched(situation: &Situation<'_>) -> Option<String> {
    let value = situation.value();
    let version = value.pointer("/meta/lastTouchedVersion")?.as_str()?;
    Some(version.to_owned())
}

/// Tells the generation by what lies where; the version that the config names is only a hint, since every release that
/// touched it left its own.
fn generation(situation: &Situation<'_>) -> String {
    let home = &situation.context.home;
    let state = home.state_dir();
    let has = |path: &str| state.join(path).is_file();
    let value = situation.value();
    let block = |id: &str| value.pointer(&format!("/models/providers/{id}")).is_some();
    let agent = "agents/main/agent";
    let name = if has("config-journal-fingerprint.key") {
        "2026.9 (credentials in the shared database, Qwen as an external plugin)"
    } else if has(&format!("{agent}/openclaw-agent.sqlite")) || block("qwen-oauth") {
        "2026.6 (credentials in the agent's database)"
    } else if block("qwen-portal") && block("modelstudio") {
        "2026.3.28, half migrated from the portal to `modelstudio`"
    } else if block("qwen-portal")
        && touched(situation).is_some_and(|version| version.starts_with("2026.5"))
    {
        "2026.5, half migrated: the portal's provider is still there"
    } else if block("qwen-portal") {
        "2026.3.2 (portal login)"
    } else if block("modelstudio") {
        "2026.3.28 (provider id `modelstudio`)"
    } else if has(&format!("{agent}/auth-profiles.json")) || block("qwen") {
        "2026.5 (provider id `qwen`, credentials in auth-profiles.json)"
    } else if home.config_path().is_file() {
        "a config without Qwen"
    } else if home.user_home().join(".qwen").is_dir() {
        "settings of Qwen Code only"
    } else {
        "empty"
    };
    match touched(situation) {
        Some(version) => format!("{name}; last written by {version}"),
        None => name.to_owned(),
    }
}

/// Returns what still belongs to the portal.
fn inventory(situation: &Situation<'_>) -> Vec<String> {
    let retired = situation.retired();
    let value = situation.value();
    let shown = |path: &Path| situation.shown(path);
    let mut found: Vec<String> = retired
        .references(&value)
        .into_iter()
        .map(|reference| format!("`{}`: `{}`", reference.path, reference.text))
        .collect();
    let entries = retired
        .blocks(&value)
        .into_iter()
        .chain(retired.plugin_entries(&value))
        .chain(retired.auth_entries(&value));
    found.extend(entries.map(|path| format!("`{path}`")));
    found.extend(retired.profiles(situation.stores()).map(|profile| {
        format!(
            "profile `{}` in {}",
            profile.profile.id,
            shown(profile.path())
        )
    }));
    found.extend(
        retired
            .sessions(&situation.context.home)
            .into_iter()
            .map(|session| format!("session `{}` in {}", session.session, shown(&session.file))),
    );
    found.extend(
        retired
            .generated(&situation.context.home)
            .into_iter()
            .map(|(file, path)| format!("`{path}` in {}", shown(&file))),
    );
    found
}

fn older(situation: &Situation<'_>) -> Vec<String> {
    let retired = crate::retired::Retired::only("modelstudio");
    let value = situation.value();
    let references = retired
        .references(&value)
        .into_iter()
        .map(|reference| reference.path);
    references
        .chain(retired.blocks(&value))
        .chain(retired.auth_entries(&value))
        .map(|path| format!("`{path}`"))
        .collect()
}
