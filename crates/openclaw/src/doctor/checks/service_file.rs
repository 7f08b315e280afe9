//! Service files of a gateway: whether what they start is there, and whether there are two.

use std::path::PathBuf;

use super::super::{Check, Finding, Repair, Situation};

pub(super) const CHECK: Check = Check {
    name: "gateway-services",
    title: "the gateway's service file is in order",
    detect,
    repair: Repair::None,
};

/// The largest service file that is read, in bytes.
const FILE_BYTES_MAX: u64 = 64 * 1024;

fn detect(situation: &Situation<'_>) -> Vec<Finding> {
    let files = files(situation);
    if files.is_empty() {
        return vec![Finding::skipped(
            "the gateway is not installed as a service",
        )];
    }
    let mut findings = Vec::new();
    for file in &files {
        if std::fs::metadata(file).is_ok_and(|metadata| metadata.len() > FILE_BYTES_MAX) {
            continue;
        }
        let text = std::fs::read_to_string(file).unwrap_or_default();
        for program in programs(&text) {
            if program.is_absolute() && !program.exists() {
                let message = format!(
                    "the service starts {}, which is not there",
                    program.display()
                );
                findings.push(
                    Finding::warning(message)
                        .in_file(file)
                        .hint("install the service again, or delete the file"),
                );
            }
        }
        for (line, name) in keys(situation, &text) {
            let message = format!(
                "the service file freezes {name}: a new key in `.env` or the store would be ignored"
            );
            findings.push(
                Finding::warning(message)
                    .in_file(file)
                    .at(line, 1)
                    .hint("take the line out; the gateway finds the key itself"),
            );
        }
    }
    if files.len() > 1 {
        let names: Vec<String> = files.iter().map(|file| situation.shown(file)).collect();
        findings.push(Finding::info(format!(
            "there are several service files: {}",
            names.join(", ")
        )));
    }
    findings
}

fn files(situation: &Situation<'_>) -> Vec<PathBuf> {
    let user = situation.context.home.user_home();
    let profile = situation.context.home.profile();
    let name = |base: &str| match profile {
        Some(profile) => format!("{base}-{profile}"),
        None => base.to_owned(),
    };
    let systemd = user.join(".config/systemd/user");
    [
        systemd.join(format!("{}.service", name("openclaw-gateway"))),
        systemd.join("clawdbot-gateway.service"),
        user.join("Library/LaunchAgents/ai.openclaw.gateway.plist"),
    ]
    .into_iter()
    .filter(|file| file.is_file())
    .collect()
}

fn programs(text: &str) -> Vec<PathBuf> {
    text.lines()
        .filter_map(|line| line.trim().strip_prefix("ExecStart="))
        .filter_map(|command| command.split_whitespace().next())
        .map(|word| PathBuf::from(word.trim_matches('"')))
        .collect()
}

/// Returns the lines that set a key, with the variable's name.
fn keys(situation: &Situation<'_>, text: &str) -> Vec<(usize, String)> {
    let names: Vec<&str> = situation
        .catalog
        .providers()
        .iter()
        .flat_map(catalog::Provider::all_env_vars)
        .collect();
    let mut found = Vec::new();
    for (line, content) in (1..).zip(text.lines()) {
        let sets = |name: &&&str| {
            content.contains(&format!("{name}=")) || content.contains(&format!("<key>{name}</key>"))
        };
        found.extend(
            names
                .iter()
                .find(sets)
                .map(|name| (line, (*name).to_owned())),
        );
    }
    found
}
