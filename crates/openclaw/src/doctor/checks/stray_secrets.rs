//! Secrets in places where they should not be: logs, notes of the agent, sessions, service files, generated lists.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use credentials::{Credential, HeldSecret, Secret};

use super::super::{Check, Finding, Repair, Situation};
use crate::config_secrets;
use crate::retired::agents;

pub(super) const CHECK: Check = Check {
    name: "stray-secrets",
    title: "no secret is where it should not be",
    detect,
    repair: Repair::None,
};

/// Shorter texts are found by chance.
const SECRET_CHARS_MIN: usize = 12;
/// The most bytes of one file that are looked at.
const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// The most files of one folder that are looked at.
const FILES_MAX: usize = 200;

fn detect(situation: &Situation<'_>) -> Vec<Finding> {
    let secrets = known_secrets(situation);
    let mut findings = Vec::new();
    for (path, what) in places(situation) {
        let Some(text) = read(&path) else {
            continue;
        };
        for secret in secrets
            .iter()
            .filter(|secret| text.contains(secret.as_str()))
        {
            let mask = Secret::new(secret.clone()).mask();
            let line = text
                .lines()
                .position(|line| line.contains(secret.as_str()))
                .unwrap_or_default()
                + 1;
            let message = format!("{what} holds the secret {mask}");
            let hint =
                "take it out; if the file may have been seen, make a new key and revoke this one";
            findings.push(
                Finding::warning(message)
                    .in_file(&path)
                    .at(line, 1)
                    .hint(hint),
            );
        }
    }
    findings.extend(inline(situation));
    findings
}

/// A key in the config or in OpenClaw's generated list works, and is better kept in the store.
fn inline(situation: &Situation<'_>) -> Vec<Finding> {
    let value = situation.value();
    let blocks = value
        .pointer("/models/providers")
        .and_then(serde_json::Value::as_object);
    let has_key = |(id, block): (&String, &serde_json::Value)| {
        let key = block.get("apiKey")?.as_str()?;
        let is_real = !key.starts_with("${") && credentials::placeholder_reason(key).is_none();
        is_real.then(|| id.clone())
    };
    let found = blocks.into_iter().flatten().filter_map(has_key);
    found
        .map(|id| {
            let path = format!("models.providers.{id}.apiKey");
            Finding::info(format!("`{path}` holds a key in clear text"))
                .in_file(situation.config_path())
                .path(path)
                .hint("`openclaw onboard` keeps it in the credential store")
        })
        .collect()
}

/// Returns the secrets of stores and config.
fn known_secrets(situation: &Situation<'_>) -> BTreeSet<String> {
    let mut secrets = BTreeSet::new();
    for found in situation.stores().winners() {
        let held: Vec<&Secret> = match &found.profile.credential {
            Credential::ApiKey {
                key: HeldSecret::Inline(secret),
            }
            | Credential::Token {
                token: HeldSecret::Inline(secret),
                ..
            } => vec![secret],
            Credential::OAuth(login) => login.access.iter().chain(&login.refresh).collect(),
            Credential::ApiKey { .. } | Credential::Token { .. } => Vec::new(),
        };
        secrets.extend(held.into_iter().map(|secret| secret.expose().to_owned()));
    }
    secrets.extend(config_secrets::secrets(&situation.value()));
    secrets.retain(|secret| secret.chars().count() >= SECRET_CHARS_MIN);
    secrets
}

/// Returns the files in which no secret belongs, with what each is.
fn places(situation: &Situation<'_>) -> Vec<(PathBuf, &'static str)> {
    let home = &situation.context.home;
    let mut places = Vec::new();
    let mut add = |folder: PathBuf, ends: &[&str], what: &'static str| {
        let mut names: Vec<PathBuf> = std::fs::read_dir(folder)
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| ends.iter().any(|end| path.to_string_lossy().ends_with(end)))
            .take(FILES_MAX)
            .collect();
        names.sort();
        places.extend(names.into_iter().map(|path| (path, what)));
    };
    add(home.log_dir(), &[".log", ".jsonl", ".json"], "a log");
    add(
        home.workspace_dir(),
        &[".md", ".json", ".txt", ".env"],
        "a file of the agent's folder",
    );
    for agent in agents(home) {
        let sessions = home
            .state_dir()
            .join("agents")
            .join(agent.as_str())
            .join("sessions");
        add(sessions, &[".jsonl", ".json"], "a session");
    }
    let units = home.user_home().join(".config/systemd/user");
    add(
        units,
        &["openclaw-gateway.service", "openclaw.service"],
        "a service file",
    );
    let agents = home.user_home().join("Library/LaunchAgents");
    add(agents, &["ai.openclaw.gateway.plist"], "a service file");
    places
}

fn read(path: &Path) -> Option<String> {
    use std::io::Read as _;
    let metadata = std::fs::metadata(path).ok()?;
    if !metadata.is_file() {
        return None;
    }
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .ok()?
        .take(FILE_BYTES_MAX)
        .read_to_end(&mut bytes)
        .ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}
