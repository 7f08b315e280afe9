//! `models auth explain`: every source of a provider's credentials in the order in which they are tried, what is used,
//! what that hides, what is never tried and why, and whether the running gateway sees the same.

use std::sync::Arc;
use std::time::Duration;

use config::{AgentId, ProviderId, SecretRef};
use credentials::{Candidate, Provenance, Resolution, Resolver, Secret};
use providers::Directory;
use serde_json::{Value, json};

use super::agent_place::{AgentPlace, provider_named};
use super::state::{Judge, Judgement, moment};
use crate::cli::models_auth::AuthExplainArgs;
use crate::commands::models::names::Names;
use crate::context::{Context, now_ms};
use crate::exit_code::Exit;
use crate::failed::Done;
use crate::output::strong;
use running::Running;

mod running;

/// Shows where the credentials of a provider come from.
pub(super) fn run(args: &AuthExplainArgs, context: &Context) -> Done {
    let out = context.out.with_json(args.scope.json);
    let config = context.config()?;
    config.warn_about_errors(out);
    let place = AgentPlace::of(context, &config, &args.scope.agent)?;
    let names = Names::of(context, &config)?;
    let provider = provider_named(&names, &args.provider)?;
    let now_ms = now_ms();
    let resolver = place.resolver(&config, &names.catalog);
    let catalog = Arc::clone(&names.catalog);
    let directory = Directory::build(catalog, &config.settings, &resolver, now_ms);
    let resolution = resolver.candidates(&provider, now_ms);
    let judge = Judge::new(&context.home, &names.catalog, &place.agent, now_ms)?;
    let running = Running::ask(
        context,
        &config,
        (&place.agent, &here(&names, &directory, &provider)),
        Duration::from_millis(args.timeout),
    )?;
    let view = View {
        rows: rows(&resolution, &resolver, &judge),
        absent: absent(&resolution, &names, &provider),
        resolution,
        running,
        place: &place,
        now_ms,
    };
    if args.scope.json {
        out.json(&view.json());
    } else {
        view.lines().into_iter().for_each(|line| out.line(line));
        for warning in &view.resolution.warnings {
            out.warn(warning.to_string());
        }
        if view.winner().is_none() {
            out.hint(view.resolution.hint());
        }
    }
    Ok(Exit::Ok)
}

/// What becomes of one source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// Requests carry it.
    Used,
    /// It could be used, and another comes first.
    Shadowed,
    /// It is in line, and has nothing to send at the moment.
    Unusable,
    /// It is never tried.
    Skipped,
}

impl Role {
    fn as_str(self) -> &'static str {
        match self {
            Self::Used => "used",
            Self::Shadowed => "shadowed",
            Self::Unusable => "unusable",
            Self::Skipped => "skipped",
        }
    }
}

/// One source, as it is shown.
struct Row {
    role: Role,
    label: String,
    kind: Option<&'static str>,
    /// The state of a stored profile.
    state: Option<&'static str>,
    repair: Option<String>,
    provenance: Option<Provenance>,
    reference: Option<SecretRef>,
    fingerprint: Option<String>,
    reason: Option<String>,
    caution: Option<String>,
    expires_at_ms: Option<u64>,
}

fn rows(resolution: &Resolution, resolver: &Resolver<'_>, judge: &Judge) -> Vec<Row> {
    let judged = |provenance: Option<&Provenance>| match provenance {
        Some(Provenance::Profile { id, store, .. }) => {
            let found = resolver.stores().find(id);
            let found = found.filter(|found| found.path() == store.path())?;
            Some(judge.of(found.profile))
        }
        _ => None,
    };
    let mut has_winner = false;
    let mut rows = Vec::new();
    for candidate in &resolution.candidates {
        let judgement = judged(Some(&candidate.provenance));
        let is_renewed = judgement
            .as_ref()
            .is_some_and(|judgement| judgement.is_renewable);
        let role = match (candidate.secret.is_ok() || is_renewed, has_winner) {
            (false, _) => Role::Unusable,
            (true, true) => Role::Shadowed,
            (true, false) => Role::Used,
        };
        has_winner |= role == Role::Used;
        rows.push(row_of(candidate, role, judgement));
    }
    rows.extend(resolution.skipped.iter().map(|skipped| Row {
        role: Role::Skipped,
        label: skipped.label.clone(),
        kind: None,
        state: judged(skipped.provenance.as_ref()).map(|judgement| judgement.state),
        repair: None,
        provenance: skipped.provenance.clone(),
        reference: None,
        fingerprint: None,
        reason: Some(skipped.reason.to_string()),
        caution: None,
        expires_at_ms: None,
    }));
    rows
}

fn row_of(candidate: &Candidate, role: Role, judgement: Option<Judgement>) -> Row {
    let problem = candidate.secret.as_ref().err().map(ToString::to_string);
    let (state, repair, refusal, is_renewable) = match judgement {
        Some(judged) => (
            Some(judged.state),
            judged.repair,
            judged.refusal,
            judged.is_renewable,
        ),
        None => (None, None, None, false),
    };
    let renewed = is_renewable.then(|| "renewed when it is used".to_owned());
    Row {
        role,
        label: candidate.label.clone(),
        kind: Some(candidate.kind.as_str()),
        state,
        repair,
        provenance: Some(candidate.provenance.clone()),
        reference: candidate.reference.clone(),
        fingerprint: candidate.secret.as_ref().ok().map(Secret::mask),
        reason: refusal.or(renewed).or(problem),
        caution: candidate.caution.map(|caution| caution.to_string()),
        expires_at_ms: candidate.expires_at_ms,
    }
}

/// Names the places in which nothing was found.
fn absent(resolution: &Resolution, names: &Names<'_>, provider: &ProviderId) -> Vec<String> {
    let found = |wanted: &dyn Fn(&Provenance) -> bool| {
        let candidates = resolution.candidates.iter().map(|one| &one.provenance);
        let skipped = resolution.skipped.iter();
        let skipped = skipped.filter_map(|one| one.provenance.as_ref());
        candidates.chain(skipped).any(wanted)
    };
    let mut absent = Vec::new();
    if !found(&|source| matches!(source, Provenance::Profile { .. })) {
        absent.push("stored profiles".to_owned());
    }
    for variable in &resolution.searched.variables {
        if !found(&|source| matches!(source, Provenance::Env { name, .. } if name == variable)) {
            absent.push(format!("variable {variable}"));
        }
    }
    if !found(&|source| matches!(source, Provenance::Config { .. })) {
        let key = names
            .block(provider.as_str())
            .map_or(provider.as_str(), |block| block.key.as_str());
        absent.push(format!("`models.providers.{key}.apiKey`"));
    }
    absent
}

/// Returns what this process would use for the agent, as the gateway describes it.
fn here(names: &Names<'_>, directory: &Directory, provider: &ProviderId) -> Value {
    let service = names.service(provider.as_str());
    let view = |id: &str| directory.providers().find(|view| view.id == id);
    let found = view(provider.as_str()).or_else(|| view(service?));
    match found {
        Some(view) => json!({
            "provider": view.id,
            "credential": view.credential,
            "baseUrl": view.base_url,
            "usable": view.usable,
        }),
        None => json!({"provider": provider.as_str()}),
    }
}

/// All that is shown.
struct View<'a> {
    rows: Vec<Row>,
    absent: Vec<String>,
    resolution: Resolution,
    running: Running,
    place: &'a AgentPlace<'a>,
    now_ms: u64,
}

impl View<'_> {
    fn winner(&self) -> Option<&Row> {
        self.rows.iter().find(|row| row.role == Role::Used)
    }

    fn lines(&self) -> Vec<String> {
        let mut lines = vec![strong(format!(
            "Credentials of {} for agent {} (new ones go to {})",
            self.resolution.provider,
            self.place.agent,
            self.place.shown(self.place.store.path())
        ))];
        let mut number = 0;
        for row in &self.rows {
            let mark = if row.role == Role::Skipped {
                "-".to_owned()
            } else {
                number += 1;
                format!("{number}.")
            };
            lines.push(self.line(&mark, row));
        }
        if self.winner().is_none() {
            lines.push("Used: none".to_owned());
        }
        if !self.absent.is_empty() {
            lines.push(format!("Nothing in: {}", self.absent.join(", ")));
        }
        lines.extend(self.running.lines());
        lines
    }

    fn line(&self, mark: &str, row: &Row) -> String {
        let mut parts: Vec<String> = Vec::new();
        parts.extend(row.kind.map(str::to_owned));
        parts.extend(row.fingerprint.clone());
        parts.extend(row.reference.as_ref().map(by_reference));
        parts.extend(row.state.map(str::to_owned));
        parts.extend(row.expires_at_ms.map(|at_ms| {
            let word = if at_ms > self.now_ms {
                "expires"
            } else {
                "expired"
            };
            format!("{word} {}", moment(at_ms, self.now_ms))
        }));
        parts.extend(row.reason.clone());
        parts.extend(row.caution.clone());
        parts.extend(
            row.repair
                .iter()
                .map(|command| format!("repair: `{command}`")),
        );
        let source = row
            .provenance
            .as_ref()
            .map(|provenance| format!(" ({})", self.source(provenance)))
            .unwrap_or_default();
        format!(
            "{mark:>3} {:<9} {}: {}{source}",
            row.role.as_str(),
            row.label,
            parts.join("; ")
        )
    }

    /// Writes a source for people, with file and agent.
    fn source(&self, provenance: &Provenance) -> String {
        match provenance {
            Provenance::Profile { store, agent, .. } => {
                format!("{}, agent {agent}", self.place.shown(store.path()))
            }
            Provenance::Config { file, .. } => self.place.shown(file),
            Provenance::Env { .. } | Provenance::Foreign { .. } => provenance.to_string(),
        }
    }

    fn json(&self) -> Value {
        let sources: Vec<Value> = self.rows.iter().map(source_json).collect();
        let warnings: Vec<String> = self
            .resolution
            .warnings
            .iter()
            .map(ToString::to_string)
            .collect();
        json!({
            "provider": self.resolution.provider.as_str(),
            "agentId": self.place.agent.as_str(),
            "authStorePath": self.place.store.path(),
            "authStatePath": self.place.usage.path(),
            "winner": self.winner().map(|row| row.label.as_str()),
            "sources": sources,
            "absent": self.absent,
            "gateway": self.running.json(),
            "warnings": warnings,
        })
    }
}

/// Says where the secret itself is: `by exec vault (qwen/key)`.
fn by_reference(reference: &SecretRef) -> String {
    let SecretRef {
        source,
        provider,
        id,
    } = reference;
    format!("by {} {provider} ({id})", source.as_str())
}

fn reference_json(reference: &SecretRef) -> Value {
    json!({
        "source": reference.source.as_str(), "provider": reference.provider, "id": reference.id,
    })
}

fn source_json(row: &Row) -> Value {
    let (store, agent) = match &row.provenance {
        Some(Provenance::Profile { store, agent, .. }) => (Some(store.path()), Some(agent)),
        Some(Provenance::Config { file, .. } | Provenance::Foreign { path: file }) => {
            (Some(file.as_path()), None)
        }
        Some(Provenance::Env { .. }) | None => (None, None),
    };
    json!({
        "label": row.label,
        "role": row.role.as_str(),
        "type": row.kind,
        "state": row.state,
        "repair": row.repair,
        "fingerprint": row.fingerprint,
        "source": row.provenance.as_ref().map(ToString::to_string),
        "reference": row.reference.as_ref().map(reference_json),
        "store": store,
        "agent": agent.map(AgentId::as_str),
        "reason": row.reason,
        "caution": row.caution,
        "expiresAt": row.expires_at_ms,
    })
}
