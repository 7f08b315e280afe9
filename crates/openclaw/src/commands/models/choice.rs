//! The model that a person names: exactly one, or an error that says which ones there are.

use catalog::{ResolvedRef, SunsetSubject};
use config::{ConfigText, Edit, ValuePath};
use serde_json::{Value, json};

use super::names::{Named, Names, can_chat};
use crate::failed::Failed;

/// Returns the model that `text` means.
pub(super) fn choose(names: &Names<'_>, text: &str) -> Result<Named, Failed> {
    let resolved = names.resolve(text);
    if let ResolvedRef::One { model, .. } = &resolved {
        let named = Named {
            provider: model.provider.clone(),
            model: model.model.clone(),
        };
        // A bare id of the catalog may also be that of a provider of one's own.
        if named.model != text.trim() {
            return Ok(named);
        }
    }
    if let ResolvedRef::NoSuchProvider { provider, nearest } = &resolved {
        return Err(no_such_provider(names, provider, nearest));
    }
    let candidates = names.with_id(text.trim());
    if candidates.is_empty() {
        return Err(no_such_model(names, text));
    }
    one_of(names, text, &candidates)
}

/// Picks the candidate that can be used; that of the default model's provider when there are several.
fn one_of(names: &Names<'_>, text: &str, candidates: &[Named]) -> Result<Named, Failed> {
    let usable: Vec<&Named> = candidates
        .iter()
        .filter(|named| names.is_usable(&named.provider))
        .collect();
    let current = names
        .directory
        .default_model()
        .and_then(|text| names.look_up(text));
    let like_current = usable.iter().find(|named| {
        current
            .as_ref()
            .is_some_and(|current| current.provider == named.provider)
    });
    match (candidates, usable.as_slice(), like_current) {
        ([only], _, _) => Ok(only.clone()),
        (_, [only], _) => Ok((*only).clone()),
        (_, _, Some(same)) => Ok((**same).clone()),
        _ => {
            let keys: Vec<String> = candidates
                .iter()
                .map(|named| format!("`{}`", named.key()))
                .collect();
            let why = if usable.is_empty() {
                "none of them has a usable credential"
            } else {
                "more than one of them has a usable credential"
            };
            Err(Failed::new(format!(
                "`{}` is a model of {} providers, and {why}",
                text.trim(),
                candidates.len()
            ))
            .hint(format!("name one: {}", keys.join(", "))))
        }
    }
}

fn no_such_provider(names: &Names<'_>, provider: &str, nearest: &[String]) -> Failed {
    let suggestion = match nearest {
        [] => String::new(),
        near => format!("did you mean `{}`? ", near.join("`, `")),
    };
    Failed::new(format!("there is no provider `{provider}`")).hint(format!(
        "{suggestion}known are {}",
        names.provider_ids().join(", ")
    ))
}

fn no_such_model(names: &Names<'_>, text: &str) -> Failed {
    let shown: String = text.trim().chars().take(200).collect();
    Failed::new(format!("no provider has a model `{shown}`")).hint(
        providers::directory::did_you_mean(&names.directory.nearest(text.trim())),
    )
}

/// Refuses a model that is known to be for something else than chats.
pub(super) fn must_chat(names: &Names<'_>, named: &Named) -> Result<(), Failed> {
    let kind = names.kind(named);
    if can_chat(kind) || names.service(&named.provider).is_none() {
        return Ok(());
    }
    Err(Failed::new(format!(
        "`{}` is a model of kind `{kind}` and cannot chat",
        named.key()
    ))
    .hint("`openclaw models list` shows the models that can"))
}

/// Returns what a person should know before relying on a model.
pub(super) fn cautions(names: &Names<'_>, typed: &str, named: &Named) -> Vec<String> {
    let mut cautions = Vec::new();
    if !names.is_known(named) {
        cautions.push(unknown_model(names, named));
    }
    cautions.extend(sunset(names, typed, named));
    if let Some(problem) = names.problem(&named.provider) {
        cautions.push(format!(
            "`{}` cannot be used yet: {problem}",
            named.provider
        ));
    }
    cautions
}

fn unknown_model(names: &Names<'_>, named: &Named) -> String {
    let own = names
        .directory
        .all_models()
        .map(|(model, _)| model.reference.as_str())
        .filter(|key| {
            key.strip_prefix(named.provider.as_str())
                .is_some_and(|rest| rest.starts_with('/'))
        });
    let near = catalog::nearest(&named.key(), own, 3);
    let suggestion = match near.as_slice() {
        [] => String::new(),
        near => format!("; did you mean `{}`?", near.join("`, `")),
    };
    format!(
        "`{}` is not a model that is known of `{}`; it is used as written{suggestion}",
        named.model, named.provider
    )
}

/// Returns what ended, or will, of the host, provider or model that a reference leads to.
pub(super) fn sunset(names: &Names<'_>, typed: &str, named: &Named) -> Option<String> {
    let typed_provider = typed.split_once('/').map_or("", |(provider, _)| provider);
    let host = names
        .directory
        .providers()
        .find(|view| view.id == named.provider)
        .and_then(|view| Some(view.base_url?.to_owned()))
        .or_else(|| {
            let known = names.catalog.provider(&named.provider)?;
            let endpoint = names.catalog.endpoint(&known.assumed_endpoint)?;
            Some(endpoint.base_url.clone())
        })
        .and_then(|url| host_of(&url).map(str::to_owned))
        .unwrap_or_default();
    // The host says more than the name that leads to it.
    let row = names
        .catalog
        .sunsets_for(SunsetSubject::Host, &host)
        .chain(
            names
                .catalog
                .sunsets_for(SunsetSubject::Provider, typed_provider),
        )
        .chain(
            names
                .catalog
                .sunsets_for(SunsetSubject::Model, &named.model),
        )
        .next()?;
    let day = row.date.map(|day| format!(" ({day})")).unwrap_or_default();
    let next = row
        .next
        .as_ref()
        .map(|next| format!("; next: `{next}`"))
        .unwrap_or_default();
    Some(format!("{}{day}{next}", row.text))
}

fn host_of(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    rest.split(['/', ':', '?']).next()
}

/// Returns `agents.defaults`.
pub(super) fn defaults_path() -> ValuePath {
    ValuePath::of(["agents", "defaults"])
}

/// Returns the key of `agents.defaults.models` that means the model, when the map has one.
pub(super) fn key_in_map(names: &Names<'_>, text: &ConfigText, named: &Named) -> Option<String> {
    let map = text.get(&defaults_path().key("models"))?.as_object()?;
    let key = named.key();
    if map.contains_key(&key) {
        return Some(key);
    }
    map.keys()
        .find(|reference| names.look_up(reference).as_ref() == Some(named))
        .cloned()
}

/// Returns the edit that lets OpenClaw use the model: it reads the map, where there is one, as a list of what is
/// allowed.
pub(super) fn allow(names: &Names<'_>, text: &ConfigText, named: &Named) -> Option<Edit> {
    let path = defaults_path().key("models");
    let has_map = text.get(&path).is_some_and(Value::is_object);
    (has_map && key_in_map(names, text, named).is_none()).then(|| Edit::Set {
        path: path.key(named.key()),
        value: json!({}),
    })
}
