//! What was found out about a key, as text and as JSON.

use catalog::{Catalog, Endpoint, KeyFamily, ModelKind};
use providers::Failure;
use providers::probe::{HostAnswer, Verdict};
use serde_json::{Value, json};

use super::key::Key;
use super::{Findings, Quota};
use crate::output::{Output, dim, strong};

/// Most model ids that are shown; JSON has all.
const MODELS_SHOWN_MAX: usize = 8;
/// Difference of the clocks that is worth a warning, in seconds: logins and signatures break by more.
const CLOCK_AHEAD_MAX_S: i64 = 60;
/// Resolution of a host's clock, in seconds.
const CLOCK_RESOLUTION_S: i64 = 2;

/// A key and what was found out.
pub(super) struct Report<'a> {
    pub(super) catalog: &'a Catalog,
    pub(super) key: &'a Key,
    pub(super) findings: &'a Findings,
}

impl Report<'_> {
    /// Prints it for a person.
    pub(super) fn print(&self, out: Output) {
        let line = |label: &str, text: String| {
            out.line(format!("{} {text}", strong(format!("{label:<8}"))));
        };
        let key = self.key;
        line("key", format!("{} ({})", key.secret.mask(), key.source));
        line("family", self.family().to_owned());
        match self.findings.home() {
            Some(home) => {
                if let Some(endpoint) = self.endpoint(home) {
                    line("plan", format!("{} ({})", endpoint.label, endpoint.plan));
                    line("region", endpoint.region.to_string());
                    line("provider", endpoint.provider.clone());
                }
                line("host", home.route.host.to_string());
                line("models", self.models_text(home));
                line("quota", self.quota_text());
            }
            None => line("host", "none accepts it".to_owned()),
        }
        if let Some(ahead) = self.findings.clock_ahead_s {
            line("clock", clock_text(ahead));
        }
        for answer in self.others() {
            let said = match &answer.verdict {
                Verdict::Works(_) => "accepts it too".to_owned(),
                Verdict::WorksLater(failure) => format!("accepts it too, but: {}", said(failure)),
                Verdict::Refused(failure) => format!("refuses it: {}", said(failure)),
                Verdict::Unknown(failure) => format!("could not be asked: {}", said(failure)),
            };
            out.line(dim(format!("{:<8} {}: {said}", "asked", answer.route.host)));
        }
        if let Some((command, what)) = self.next() {
            out.hint(format!("`{command}` {what}"));
        }
    }

    /// Returns it for programs.
    pub(super) fn json(&self) -> Value {
        let home = self.findings.home();
        let endpoint = home.and_then(|home| self.endpoint(home));
        let hosts: Vec<Value> = self
            .findings
            .answers
            .iter()
            .map(|answer| self.host(answer))
            .collect();
        let ids = home.map(listed).unwrap_or_default();
        json!({
            "ok": home.is_some(),
            "key": {"masked": self.key.secret.mask(), "source": self.key.source, "family": self.findings.family},
            "provider": endpoint.map(|endpoint| &endpoint.provider),
            "endpoint": endpoint.map(|endpoint| &endpoint.id),
            "plan": endpoint.map(|endpoint| endpoint.plan),
            "region": endpoint.map(|endpoint| endpoint.region),
            "host": home.map(|home| home.route.host.as_ref()),
            "baseUrl": endpoint.map(|endpoint| &endpoint.base_url),
            "models": {"listed": !ids.is_empty(), "count": ids.len(), "ids": ids},
            "quota": self.quota(),
            "clockAheadSeconds": self.findings.clock_ahead_s,
            "hosts": hosts,
            "next": self.next().map(|(command, _)| command),
        })
    }

    fn family(&self) -> &'static str {
        match self.findings.family {
            KeyFamily::PayAsYouGo => "pay as you go (Standard)",
            KeyFamily::Plan => "a plan's (Coding Plan or Token Plan)",
            KeyFamily::Unknown => "not one of Model Studio's keys by its form",
        }
    }

    fn endpoint(&self, answer: &HostAnswer) -> Option<&Endpoint> {
        self.catalog.endpoint(&answer.endpoint)
    }

    fn others(&self) -> impl Iterator<Item = &HostAnswer> {
        let n_home = usize::from(self.findings.home().is_some());
        self.findings.answers.iter().skip(n_home)
    }

    fn models_text(&self, home: &HostAnswer) -> String {
        let ids = listed(home);
        if ids.is_empty() {
            let shipped = self.endpoint(home).map(|endpoint| {
                let models = self.catalog.models(&endpoint.provider, Some(endpoint.plan));
                models.map(|row| row.id()).collect::<Vec<_>>()
            });
            let shipped = shipped.unwrap_or_default();
            return format!("no list; shipped data: {}", some(&shipped));
        }
        let is_chat = |id: &&str| self.catalog.model_kind(id) == ModelKind::Chat;
        let chats: Vec<&str> = ids.iter().copied().filter(is_chat).collect();
        format!(
            "{} listed, {} for chats: {}",
            ids.len(),
            chats.len(),
            some(&chats)
        )
    }

    fn quota_text(&self) -> String {
        match &self.findings.quota {
            Quota::Fine => "fine: one token was answered".to_owned(),
            Quota::NotAsked => "not asked (`--free`)".to_owned(),
            Quota::Trouble(failure) => format!("{}; {}", said(failure), failure.hint()),
        }
    }

    fn quota(&self) -> Value {
        match &self.findings.quota {
            Quota::Fine => json!({"state": "fine"}),
            Quota::NotAsked => json!({"state": "unknown"}),
            Quota::Trouble(failure) => json!({
                "state": failure.class,
                "detail": failure.detail,
                "message": failure.client_message(),
                "hint": failure.hint(),
                "next": failure.next_command(),
            }),
        }
    }

    fn host(&self, answer: &HostAnswer) -> Value {
        let (verdict, failure) = match &answer.verdict {
            Verdict::Works(_) => ("works", None),
            Verdict::WorksLater(failure) => ("works-later", Some(failure)),
            Verdict::Refused(failure) => ("refused", Some(failure)),
            Verdict::Unknown(failure) => ("unknown", Some(failure)),
        };
        json!({
            "endpoint": self.endpoint(answer).map(|endpoint| &endpoint.id),
            "host": answer.route.host.as_ref(),
            "verdict": verdict,
            "class": failure.map(|failure| failure.class),
            "status": failure.and_then(|failure| failure.status),
            "message": failure.map(|failure| &failure.message),
        })
    }

    /// Returns the command that leads on, and what it does.
    fn next(&self) -> Option<(String, &'static str)> {
        let Some(home) = self.findings.home() else {
            let command = "openclaw onboard --workspace-id ID".to_owned();
            return Some((
                command,
                "is for a key of one workspace; else it is deleted or mistyped",
            ));
        };
        let choice = self.catalog.choice_for_endpoint(&home.endpoint);
        choice.filter(|_| !self.key.is_stored).map(|choice| {
            (
                format!("openclaw onboard --auth-choice {}", choice.id),
                "stores it",
            )
        })
    }
}

fn listed(answer: &HostAnswer) -> Vec<&str> {
    match &answer.verdict {
        Verdict::Works(ids) => ids.iter().map(String::as_str).collect(),
        Verdict::WorksLater(_) | Verdict::Refused(_) | Verdict::Unknown(_) => Vec::new(),
    }
}

fn some(ids: &[&str]) -> String {
    let shown: Vec<&str> = ids.iter().copied().take(MODELS_SHOWN_MAX).collect();
    let more = ids.len() - shown.len();
    let rest = if more == 0 {
        String::new()
    } else {
        format!(" and {more} more")
    };
    format!("{}{rest}", shown.join(", "))
}

fn said(failure: &Failure) -> String {
    let detail = failure
        .detail
        .as_deref()
        .map(|detail| format!(" ({detail})"));
    format!("{}{}", failure.class, detail.unwrap_or_default())
}

fn clock_text(ahead: i64) -> String {
    if ahead.abs() <= CLOCK_RESOLUTION_S {
        return "agrees with the host's".to_owned();
    }
    let side = if ahead > 0 { "ahead of" } else { "behind" };
    let warning = if ahead.abs() > CLOCK_AHEAD_MAX_S {
        "; set this machine's clock, or logins will fail"
    } else {
        ""
    };
    format!("{} s {side} the host's{warning}", ahead.abs())
}

#[cfg(test)]
mod tests {
    use super::clock_text;

    #[test]
    fn tells_how_clocks_differ() {
        assert_eq!(clock_text(-2), "agrees with the host's");
        assert_eq!(clock_text(9), "9 s ahead of the host's");
        assert!(clock_text(-90).starts_with("90 s behind the host's; set"));
    }
}
