//! Model references that name a retired provider: in the config and in sessions.

use providers::Directory;

use super::super::{Check, Draft, Finding, Repair, Situation};
use crate::failed::Failed;
use crate::retired::{Retired, Successor, rewrite_references};

pub(super) const CHECK: Check = Check {
    name: "retired-references",
    title: "no model reference names a retired provider",
    detect,
    repair: Repair::Edits(repair),
};

fn detect(situation: &Situation<'_>) -> Vec<Finding> {
    let retired = situation.retired();
    let successor = successor(situation, &retired);
    let finish = |finding: Finding| match &successor {
        Some(successor) => finding
            .hint(format!(
                "`openclaw doctor --fix` moves it to `{}`",
                successor.provider
            ))
            .fixable(),
        None => finding.hint("`openclaw migrate qwen-portal` sets up a key and moves it"),
    };
    let value = situation.value();
    let mut findings: Vec<Finding> = retired
        .references(&value)
        .into_iter()
        .map(|reference| {
            let message = format!(
                "`{}` at `{}` names a retired provider",
                reference.text, reference.path
            );
            let mut finding = Finding::warning(message)
                .in_file(situation.config_path())
                .path(reference.path.to_string());
            finding.place = situation.place(&reference.path);
            finish(finding)
        })
        .collect();
    for session in retired.sessions(&situation.context.home) {
        let message = format!(
            "session `{}` would go on with a retired provider",
            session.session
        );
        findings.push(finish(Finding::warning(message).in_file(&session.file)));
    }
    findings
}

/// Returns where references can go without a choice of the person's: the provider of the default model when it works,
/// or else one that is paid for ahead. A free login must not silently become one that bills each request.
pub(super) fn successor(situation: &Situation<'_>, retired: &Retired) -> Option<Successor> {
    let config = situation.config()?;
    let directory = situation.directory()?;
    let settings = &config.settings;
    let primary = settings.agents.defaults.model.primary.as_deref();
    let of_primary = primary
        .and_then(|primary| primary.split_once('/'))
        .map(|(provider, _)| provider);
    let usable = |id: &str| {
        !retired.is_provider(id)
            && directory
                .usable_providers()
                .any(|provider| provider.id == id)
    };
    let chosen = of_primary.filter(|id| usable(id)).map(str::to_owned);
    let chosen = chosen.or_else(|| paid_ahead(&directory, retired))?;
    Successor::of(&situation.catalog, settings, &chosen)
}

fn paid_ahead(directory: &Directory, retired: &Retired) -> Option<String> {
    directory
        .usable_providers()
        .filter(|provider| !retired.is_provider(provider.id))
        .find(|provider| matches!(provider.plan.as_deref(), Some("coding" | "token")))
        .map(|provider| provider.id.to_owned())
}

fn repair(situation: &Situation<'_>, draft: &mut Draft) -> Result<(), Failed> {
    let retired = situation.retired();
    let Some(successor) = successor(situation, &retired) else {
        return Ok(());
    };
    for (old, new) in rewrite_references(&mut draft.sketch, &retired, &successor)? {
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
    Ok(())
}
