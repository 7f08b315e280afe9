//! Which keys some version of `OpenClaw` knows, to warn about the others: most unknown keys are typing errors.
//!
//! What this program reads is in [`schema`]; here are the keys that only `OpenClaw` reads, of the sections that this
//! program reads. The lists join the versions from 2026.3 to 2026.9, since homes of all of them must load without noise.

use serde_json::Value;

use super::reader::Reader;
use super::{legacy, schema};
use crate::value_path::ValuePath;

/// The keys of the objects at places that match a pattern.
struct Known {
    /// Keys from the root; `*` stands for any key or index.
    pattern: &'static [&'static str],
    keys: &'static [&'static str],
    /// Whether the list is complete. If not, only keys that look like a typing error are reported.
    complete: bool,
}

const fn all(pattern: &'static [&'static str], keys: &'static [&'static str]) -> Known {
    Known {
        pattern,
        keys,
        complete: true,
    }
}

const fn some(pattern: &'static [&'static str], keys: &'static [&'static str]) -> Known {
    Known {
        pattern,
        keys,
        complete: false,
    }
}

#[rustfmt::skip]
const KNOWN: &[Known] = &[
    all(&[], &[
        "$schema", "meta", "wizard", "diagnostics", "update", "telemetry", "browser",
        "ui", "accessGroups", "acp", "nodeHost", "worktreeRoot",
        "worktreeAcceleration", "tools", "security", "bindings", "broadcast", "attachments", "messages", "tts",
        "commands", "approvals", "session", "cron", "transcripts", "hooks", "channels", "discovery", "talk",
        "cloudWorkers", "desktop", "memory", "mcp", "skills", "surfaces", "proxy",
        // 2026.5 and before
        "cli", "crestodian", "audio", "media", "commitments", "web", "canvasHost",
    ]),
    all(&["models"], &["pricing", "catalogRefresh", "bedrockDiscovery"]),
    some(&["models", "providers", "*"], &[
        "region", "localService", "agentRuntime", "contextTokens",
        "injectNumCtxForOpenAICompat", "enabled",
    ]),
    some(&["models", "providers", "*", "models", "*"], &[
        "agentRuntime", "thinkingLevelMap", "mediaInput", "metadataSource",
    ]),
    all(&["models", "providers", "*", "models", "*", "cost"], &[
        "tieredPricing",
    ]),
    all(&["agents"], &[]),
    some(&["agents", "defaults"], &[
        "pdfModel", "modelPolicy", "utilityModel",
        "decisionModel", "videoGenerationModel", "imageGenerationModel", "musicGenerationModel", "mediaModels",
        "compaction", "maxConcurrent", "subagents", "contextTokens", "timeoutSeconds", "heartbeat", "sandbox",
        "userTimezone", "timeFormat", "skipBootstrap", "bootstrapMaxChars", "contextPruning", "memorySearch",
        "verboseDefault", "elevatedDefault", "blockStreamingDefault", "typingMode", "mediaMaxMb", "cliBackends",
        "repoRoot", "skills", "params", "agentRuntime", "reasoningDefault", "fastModeDefault",
    ]),
    some(&["agents", "defaults", "model"], &["timeoutMs"]),
    some(&["agents", "defaults", "imageModel"], &["timeoutMs"]),
    some(&["agents", "defaults", "models", "*"], &["agentRuntime"]),
    some(&["agents", "list", "*"], AGENT),
    some(&["agents", "entries", "*"], AGENT),
    all(&["auth"], &[]),
    all(&["auth", "profiles", "*"], &[]),
    all(&["auth", "cooldowns"], &[
        "billingBackoffHoursByProvider", "overloadedProfileRotations", "overloadedBackoffMs",
        "rateLimitedProfileRotations",
    ]),
    some(&["secrets"], &["resolution"]),
    all(&["secrets", "defaults"], &[]),
    all(&["secrets", "providers", "*"], &["pluginIntegration"]),
    all(&["routing"], &[]),
    all(&["env", "shellEnv"], &[]),
    some(&["logging"], &[
        "consoleStyle", "redactPatterns", "redactSensitive", "audit",
    ]),
    some(&["plugins"], &["enabled", "allow", "deny", "load", "slots", "installs"]),
    some(&["gateway"], &[
        "trustedProxies", "allowRealIpFallback", "tls", "tailscale", "controlUi", "tools", "nodes", "push",
        "channelHealthCheckMinutes", "handshakeTimeoutMs", "webchat",
    ]),
    some(&["gateway", "auth"], &[
        "rateLimit", "allowTailscale", "trustedProxy",
    ]),
    all(&["gateway", "tailscale"], &["mode", "resetOnExit", "serviceName", "preserveFunnel"]),
    some(&["gateway", "remote"], &[
        "password", "tlsFingerprint", "sshTarget", "sshIdentity", "transport", "enabled",
    ]),
    some(&["gateway", "reload"], &["debounceMs", "deferralTimeoutMs"]),
    some(&["gateway", "http"], &["securityHeaders"]),
    some(&["gateway", "http", "endpoints"], &[]),
    some(&["meta"], &["lastTouchedVersion", "lastTouchedAt", "migrations"]),
];

const AGENT: &[&str] = &[
    "identity",
    "imageModel",
    "skills",
    "memorySearch",
    "heartbeat",
    "groupChat",
    "subagents",
    "sandbox",
    "tools",
    "params",
    "runtime",
    "thinkingDefault",
    "description",
    "models",
    "modelPolicy",
];

/// Notes a warning for every key that no version knows.
pub(super) fn check(reader: &mut Reader<'_>, value: &Value) {
    visit(reader, value, &mut Vec::new(), &ValuePath::root());
}

/// Walks as deep as there are patterns; the depth of the text is bounded anyway.
fn visit(reader: &mut Reader<'_>, value: &Value, steps: &mut Vec<String>, path: &ValuePath) {
    match value {
        Value::Object(members) => {
            let known = KNOWN.iter().find(|known| known.matches(steps));
            for (key, member) in members {
                let path = path.key(key);
                if legacy::is_retired(&path) {
                    continue;
                }
                if let Some(known) = known {
                    known.check(reader, steps, key, &path);
                }
                steps.push(key.clone());
                visit(reader, member, steps, &path);
                steps.pop();
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                steps.push(index.to_string());
                visit(reader, item, steps, &path.index(index));
                steps.pop();
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

impl Known {
    fn matches(&self, steps: &[String]) -> bool {
        let same = |(pattern, step): (&&str, &String)| *pattern == "*" || pattern == step;
        self.pattern.len() == steps.len() && self.pattern.iter().zip(steps).all(same)
    }

    fn check(&self, reader: &mut Reader<'_>, steps: &[String], key: &str, path: &ValuePath) {
        let known = || self.keys.iter().copied().chain(schema::keys_below(steps));
        if known().any(|known| known == key) {
            return;
        }
        let near = known().find(|known| is_near(key, known));
        if near.is_some() || self.complete {
            let hint = near.map(|known| format!("did you mean `{known}`?"));
            reader.warning(
                path.clone(),
                "this key is not known and has no effect",
                hint,
            );
        }
    }
}

/// Returns whether two keys differ in case only, or in at most two letters, one for short keys,
/// or in the order of letters.
fn is_near(key: &str, known: &str) -> bool {
    let (key, known) = (key.to_ascii_lowercase(), known.to_ascii_lowercase());
    let most = if known.len() < 6 { 1 } else { 2 };
    key.len().abs_diff(known.len()) <= most
        && (distance(&key, &known) <= most || sorted(&key) == sorted(&known))
}

/// Returns the letters in alphabetical order: swapped letters are the most common typing error.
fn sorted(word: &str) -> Vec<char> {
    let mut letters: Vec<char> = word.chars().collect();
    letters.sort_unstable();
    letters
}

/// Returns how many letters must be changed, added or dropped to make one word of the other.
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.chars().count()).collect();
    for (line, a) in one.chars().enumerate() {
        let mut diagonal = line;
        let mut left = line + 1;
        let mut next = vec![left];
        for (above, b) in row.iter().skip(1).zip(other.chars()) {
            left = (diagonal + usize::from(a != b))
                .min(left + 1)
                .min(above + 1);
            diagonal = *above;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measures_distance() {
        let cases = [
            ("", "", 0),
            ("a", "", 1),
            ("baseURL", "baseUrl", 2),
            ("kitten", "sitting", 3),
            ("port", "prot", 2),
        ];
        for (one, other, expected) in cases {
            assert_eq!(distance(one, other), expected, "{one} {other}");
        }
        assert!(is_near("baseURL", "baseUrl"));
        assert!(is_near("primry", "primary"));
        assert!(!is_near("mode", "model_x"));
    }
}
