//! `models refresh`: asks every host of this home for its model list, and says what is new.

use std::collections::HashSet;
use std::sync::Arc;

use catalog::{Availability, Catalog, ModelKind};
use jiff::Timestamp;
use providers::directory::Target;
use providers::discovery::{self, Difference, HostList, LiveModel, ModelLists};
use providers::{Failure, Upstream};
use serde_json::{Value, json};

use super::list::provider_ids;
use super::names::Names;
use crate::cli::models::ModelsRefreshArgs;
use crate::context::{Context, now_ms};
use crate::exit_code::Exit;
use crate::failed::{Done, Failed};
use crate::model_lists::ModelListFile;
use crate::output::{Output, dim, strong};

/// One host with one credential, asked.
struct Asked {
    target: Target,
    answer: Result<HostList, Failure>,
    difference: Difference,
    /// Whether there was only shipped data to compare with.
    is_first: bool,
}

/// Asks, compares, keeps.
pub(super) fn run(args: &ModelsRefreshArgs, context: &Context) -> Done {
    let out = context.out.with_json(args.json);
    let config = context.config()?;
    config.warn_about_errors(out);
    let names = Names::of(context, &config)?;
    let targets = targets(&names, args.provider.as_deref())?;
    let file = ModelListFile::of(&context.home);
    // A broken cache is as good as none.
    let before = file.read().unwrap_or_default();
    let upstream = Arc::new(context.upstream(&config.environment)?);
    out.note(match targets.as_slice() {
        [one] => format!("Asking {} for its models …", one.host),
        several => format!("Asking {} hosts for their models …", several.len()),
    });
    let answers = crate::runtime::single()?.block_on(ask_all(&upstream, targets))?;
    let asked: Vec<Asked> = answers
        .into_iter()
        .map(|(target, answer)| compared(&names.catalog, &before, target, answer))
        .collect();
    if !args.dry_run && asked.iter().any(|asked| asked.answer.is_ok()) {
        let lists = asked.iter().filter_map(|asked| asked.answer.as_ref().ok());
        file.change(|kept| lists.for_each(|list| kept.keep(list.clone())))?;
    }
    warn_about_models_in_use(&names, &asked, out);
    if args.json {
        out.json(&document(&asked, args.dry_run, &file));
    } else {
        for asked in &asked {
            print(&names.catalog, asked, out);
        }
        if args.dry_run {
            out.note("Nothing was kept (dry run).");
        } else if asked.iter().any(|asked| asked.answer.is_ok()) {
            out.note(format!("Kept in {}", file.shown()));
        }
    }
    finish(&asked)
}

/// Returns what to ask; an error when there is nothing.
fn targets(names: &Names<'_>, provider: Option<&str>) -> Result<Vec<Target>, Failed> {
    let wanted = provider.map(|text| provider_ids(names, text)).transpose()?;
    let is_wanted = |target: &&Target| {
        let ids: Option<&HashSet<String>> = wanted.as_ref();
        ids.is_none_or(|ids| ids.contains(target.provider.as_ref()))
    };
    // A login's access token is for chats; its portal lists nothing.
    let targets: Vec<Target> = names
        .directory
        .targets()
        .filter(is_wanted)
        .filter(|target| !target.is_renewed() && !names.is_stand_in(&target.provider))
        .cloned()
        .collect();
    if targets.is_empty() {
        let failed = Failed::new("there is no host to ask: no provider has a usable credential");
        return Err(failed.exit(Exit::Auth).hint(
            "`openclaw onboard` stores a key; `openclaw models status` shows what is there",
        ));
    }
    Ok(targets)
}

async fn ask_all(
    upstream: &Arc<Upstream>,
    targets: Vec<Target>,
) -> Result<Vec<(Target, Result<HostList, Failure>)>, Failed> {
    let mut asking = tokio::task::JoinSet::new();
    for (place, target) in targets.into_iter().enumerate() {
        let upstream = Arc::clone(upstream);
        asking.spawn(async move {
            let answer = discovery::ask(&upstream, &target, now_ms()).await;
            (place, target, answer)
        });
    }
    let mut answers = asking.join_all().await;
    answers.sort_by_key(|(place, ..)| *place);
    answers
        .into_iter()
        .map(|(_, target, answer)| match answer {
            Ok(answer) => Ok((target, answer)),
            Err(error) => Err(Failed::of(&error)),
        })
        .collect()
}

/// Compares an answer with the last one, or with the shipped data when this is the first.
fn compared(
    catalog: &Catalog,
    before: &ModelLists,
    target: Target,
    answer: Result<HostList, Failure>,
) -> Asked {
    let older = before.of_target(&target).filter(|older| older.has_list);
    let difference = match (&answer, older) {
        (Ok(list), Some(older)) if list.has_list => list.since(&older.models),
        (Ok(list), None) if list.has_list => {
            let mut difference = list.since(&shipped(catalog, &target));
            // Many hosts leave media models out of their lists; that says nothing.
            let chats = |id: &String| catalog.model_kind(id) == ModelKind::Chat;
            difference.removed.retain(chats);
            difference
        }
        _ => Difference::default(),
    };
    Asked {
        is_first: older.is_none(),
        target,
        answer,
        difference,
    }
}

fn shipped(catalog: &Catalog, target: &Target) -> Vec<LiveModel> {
    let rows = catalog.all_models(&target.provider, target.plan);
    let offered = rows.filter(|row| row.availability == Availability::Yes);
    offered
        .map(|row| LiveModel {
            id: row.id().to_owned(),
            created: None,
            context_window: None,
        })
        .collect()
}

/// Warns about a model that the config uses and its host no longer lists.
fn warn_about_models_in_use(names: &Names<'_>, asked: &[Asked], out: Output) {
    let defaults = &names.settings.agents.defaults;
    let used = defaults
        .model
        .primary
        .iter()
        .chain(&defaults.model.fallbacks);
    for named in used.filter_map(|reference| names.look_up(reference)) {
        let lists: Vec<&HostList> = asked
            .iter()
            .filter(|asked| asked.target.provider.as_ref() == named.provider)
            .filter_map(|asked| asked.answer.as_ref().ok())
            .filter(|list| list.has_list)
            .collect();
        let is_listed = |list: &&HostList| list.models.iter().any(|model| model.id == named.model);
        if !lists.is_empty() && !lists.iter().any(is_listed) {
            out.warn(format!(
                "`{}` is in use, and its host does not list it; it is asked for as written",
                named.key()
            ));
        }
    }
}

fn print(catalog: &Catalog, asked: &Asked, out: Output) {
    let target = &asked.target;
    let credential = target.credential().map_or("no key", AsRef::as_ref);
    let head = strong(format!("{} at {}", target.provider, target.host));
    let said = match &asked.answer {
        Err(failure) => format!("could not be asked: {failure}"),
        Ok(list) if !list.has_list => {
            "it has no model list; shipped data and answers decide".to_owned()
        }
        Ok(list) => {
            let Difference {
                added,
                removed,
                changed,
            } = &asked.difference;
            format!(
                "{} models; {} added, {} removed, {} changed",
                list.models.len(),
                added.len(),
                removed.len(),
                changed.len()
            )
        }
    };
    out.line(format!("{head} ({credential}): {said}"));
    for (sign, ids) in [
        ("+", &asked.difference.added),
        ("-", &asked.difference.removed),
        ("~", &asked.difference.changed),
    ] {
        for id in ids {
            let kind = catalog.model_kind(id);
            let note = (kind != ModelKind::Chat).then(|| dim(format!(" ({kind})")));
            out.line(format!("  {sign} {id}{}", note.unwrap_or_default()));
        }
    }
}

fn document(asked: &[Asked], dry_run: bool, file: &ModelListFile) -> Value {
    let hosts: Vec<Value> = asked.iter().map(host).collect();
    json!({
        "ok": asked.iter().any(|asked| asked.answer.is_ok()),
        "dryRun": dry_run,
        "cache": file.shown(),
        "hosts": hosts,
    })
}

fn host(asked: &Asked) -> Value {
    let target = &asked.target;
    let list = asked.answer.as_ref().ok();
    let asked_at = list.and_then(|list| i64::try_from(list.asked_at_ms).ok());
    let asked_at = asked_at.and_then(|ms| Timestamp::from_millisecond(ms).ok());
    let error = asked.answer.as_ref().err().map(|failure| {
        json!({
            "class": failure.class,
            "message": failure.client_message(),
            "hint": failure.hint(),
            "next": failure.next_command(),
        })
    });
    json!({
        "provider": target.provider.as_ref(),
        "host": target.host.as_ref(),
        "baseUrl": target.base.as_str(),
        "credential": target.credential().map(AsRef::as_ref),
        "askedAt": asked_at.map(|at| at.to_string()),
        "hasList": list.map(|list| list.has_list),
        "count": list.map(|list| list.models.len()),
        "comparedWith": if asked.is_first { "shipped" } else { "last" },
        "added": asked.difference.added,
        "removed": asked.difference.removed,
        "changed": asked.difference.changed,
        "error": error,
    })
}

/// Fails when no host could be asked.
fn finish(asked: &[Asked]) -> Done {
    let first = asked.iter().find_map(|asked| asked.answer.as_ref().err());
    match first {
        Some(failure) if asked.iter().all(|asked| asked.answer.is_err()) => {
            Err(Failed::from(failure.clone()))
        }
        _ => Ok(Exit::Ok),
    }
}
