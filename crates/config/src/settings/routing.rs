//! `routing`, which only this program has: what happens when a candidate fails. Classes are those of the error atlas;
//! whether there is such a class is for the router to say.

use serde_json::Value;

use super::reader::{Reader, Section};

/// The longest patience, in seconds: longer than any client waits.
pub(super) const PATIENCE_S_MAX: u64 = 600;
/// The longest wait of any kind, in seconds: a week.
pub(super) const WAIT_S_MAX: u64 = 7 * 24 * 3600;
/// The most retries of one candidate.
pub(super) const RETRIES_MAX: u64 = 10;

/// `routing`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RoutingSettings {
    /// `allowMetered`: a request may move from a subscription or free credential to one that bills each request.
    pub allow_metered: bool,
    /// `patienceSeconds`: how long a request waits for a candidate when none is free.
    pub patience_s: Option<u64>,
    /// `probeEverySeconds`: how often a single attempt is made within a long rest.
    pub probe_every_s: Option<u64>,
    /// `fallbackAfterRetries` as a number: retries of a candidate before the next one is asked.
    pub retries: Option<u64>,
    /// `fallbackAfterRetries` as an object: the same by class.
    pub retries_by_class: Vec<(String, u64)>,
    /// `waitSeconds`: the first rest by class.
    pub wait_s: Vec<(String, u64)>,
    /// `longestWaitSeconds`: the longest rest by class.
    pub longest_wait_s: Vec<(String, u64)>,
    /// `withoutBreakers`: providers that never rest.
    pub without_breakers: Vec<String>,
}

impl RoutingSettings {
    pub(super) fn read(reader: &mut Reader<'_>, section: &Section<'_>) -> Self {
        let retries_is_number = section
            .value("fallbackAfterRetries")
            .is_some_and(Value::is_number);
        let (mut retries, mut retries_by_class) = (None, Vec::new());
        if retries_is_number {
            retries = reader.whole(section, "fallbackAfterRetries", 0..=RETRIES_MAX);
        } else {
            retries_by_class = by_class(reader, section, "fallbackAfterRetries", RETRIES_MAX);
        }
        Self {
            allow_metered: reader.flag(section, "allowMetered").unwrap_or_default(),
            patience_s: reader.whole(section, "patienceSeconds", 0..=PATIENCE_S_MAX),
            probe_every_s: reader.whole(section, "probeEverySeconds", 1..=WAIT_S_MAX),
            retries,
            retries_by_class,
            wait_s: by_class(reader, section, "waitSeconds", WAIT_S_MAX),
            longest_wait_s: by_class(reader, section, "longestWaitSeconds", WAIT_S_MAX),
            without_breakers: reader.texts(section, "withoutBreakers"),
        }
    }
}

fn by_class(
    reader: &mut Reader<'_>,
    section: &Section<'_>,
    key: &str,
    max: u64,
) -> Vec<(String, u64)> {
    let Some(classes) = reader.section(section, key) else {
        return Vec::new();
    };
    let names: Vec<String> = classes.members.keys().cloned().collect();
    names
        .into_iter()
        .filter_map(|name| {
            let value = reader.whole(&classes, &name, 0..=max)?;
            Some((name, value))
        })
        .collect()
}
