//! Whether the clock can be right: expiry and retirement dates depend on it.

use std::time::{Duration, SystemTime};

use super::super::{Check, Finding, Repair, Situation};

pub(super) const CHECK: Check = Check {
    name: "clock",
    title: "the clock is not behind the home's files",
    detect,
    repair: Repair::None,
};

/// How far ahead of the clock a file may be: machines that share a folder differ a little.
const AHEAD_MAX: Duration = Duration::from_mins(10);

fn detect(situation: &Situation<'_>) -> Vec<Finding> {
    let home = &situation.context.home;
    let files = [
        home.config_path().to_owned(),
        home.log_dir().join("config-audit.jsonl"),
    ];
    let ahead = files.iter().filter_map(|file| {
        let modified = std::fs::metadata(file).ok()?.modified().ok()?;
        let ahead = modified.duration_since(SystemTime::now()).ok()?;
        (ahead > AHEAD_MAX).then_some((file, ahead))
    });
    ahead
        .map(|(file, ahead)| {
            let hours = ahead.as_secs() / 3600;
            let message = format!(
                "{} was written {hours} hours after now: the clock is behind",
                situation.shown(file)
            );
            Finding::warning(message)
                .in_file(file)
                .hint("set the clock; logins expire by it")
        })
        .collect()
}
