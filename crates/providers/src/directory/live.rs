//! What hosts list, laid over what is shipped: a live answer beats data, and the config beats both.

use catalog::{Catalog, ErrorClass, ErrorScope, InputKind, ModelKind, Plan};

use super::{Directory, Entry, ListedModel, Target};
use crate::discovery::{HostList, LiveModel, ModelLists};
use crate::health::Breaker;

impl Directory {
    /// Lets what hosts listed, and which models answered there, decide what is offered. Names that the config uses stay.
    #[must_use]
    pub fn with_lists(mut self, lists: &ModelLists) -> Self {
        for entry in &mut self.providers {
            apply(&self.catalog, entry, lists);
        }
        self.prepare();
        self
    }

    /// Takes what requests taught: a model that the service refuses to every credential of its provider is not offered. It
    /// can still be asked for by name, and one answer undoes this.
    #[must_use]
    pub fn with_refusals(mut self, breakers: &[Breaker]) -> Self {
        for entry in &mut self.providers {
            for model in entry
                .models
                .iter_mut()
                .filter(|model| model.withheld.is_none())
            {
                let refusal = |target: &Target| {
                    let route = target.route(&model.id).ok()?;
                    let scope = route.branches().scope(ErrorScope::Model)?;
                    let known = breakers.iter().find(|breaker| breaker.scope == scope)?;
                    is_refusal(known).then_some(known)
                };
                let refusals: Option<Vec<_>> = entry.targets.iter().map(refusal).collect();
                if let Some(last) = refusals.as_ref().and_then(|refusals| refusals.last()) {
                    let evidence = &last.evidence;
                    let reason = format!("it was asked and refused: {}", evidence.class);
                    model.withheld = Some(reason);
                }
            }
        }
        self.prepare();
        self
    }

    /// Returns the targets of the providers that can be called: host and credential, without a model.
    pub fn targets(&self) -> impl Iterator<Item = &Target> {
        let usable = self
            .providers
            .iter()
            .filter(|entry| entry.problem.is_none());
        usable.flat_map(|entry| &entry.targets)
    }
}

/// Says whether a breaker is knowledge about what the key may use, and not about how well the service is.
fn is_refusal(breaker: &Breaker) -> bool {
    breaker.is_open()
        && matches!(
            breaker.evidence.class,
            ErrorClass::NotEntitled | ErrorClass::ModelNotFound | ErrorClass::FreeTierExhausted
        )
}

fn apply(catalog: &Catalog, entry: &mut Entry, lists: &ModelLists) {
    let known: Vec<Option<&HostList>> = entry
        .targets
        .iter()
        .map(|target| lists.of_target(target))
        .collect();
    let hosts: Vec<&HostList> = known.iter().copied().flatten().collect();
    let plan = entry.targets.first().and_then(|target| target.plan);
    for model in hosts.iter().flat_map(|host| &host.models) {
        add(catalog, entry, plan, model);
    }
    let answered = |id: &str, refused: bool| {
        let checked = hosts.iter().flat_map(|host| &host.checked);
        let mut found =
            checked.filter(|checked| checked.id == id && checked.refused.is_some() == refused);
        found.next()
    };
    for host in &hosts {
        for checked in host
            .checked
            .iter()
            .filter(|checked| checked.refused.is_none())
        {
            let live = LiveModel {
                id: checked.id.clone(),
                created: None,
                context_window: None,
            };
            add(catalog, entry, plan, &live);
        }
    }
    // One credential without a list leaves everything open.
    let all_listed = !known.is_empty()
        && known
            .iter()
            .all(|host| host.is_some_and(|host| host.has_list));
    let lists_it = |id: &str| {
        hosts
            .iter()
            .any(|host| host.models.iter().any(|model| model.id == id))
    };
    for model in entry.models.iter_mut().filter(|model| !model.configured) {
        let refused = answered(&model.id, true).and_then(|checked| checked.refused.as_deref());
        model.withheld = if answered(&model.id, false).is_some() {
            None
        } else if let Some(class) = refused {
            Some(format!("it was asked and refused: {class}"))
        } else if all_listed && !lists_it(&model.id) {
            Some("the host does not list it".to_owned())
        } else {
            None
        };
    }
}

/// Adds a model that only the host knows to be there, unless it cannot chat.
fn add(catalog: &Catalog, entry: &mut Entry, plan: Option<Plan>, live: &LiveModel) {
    let is_known = entry.models.iter().any(|model| model.id == live.id);
    if is_known || catalog.model_kind(&live.id) != ModelKind::Chat {
        return;
    }
    let shipped = catalog.model(&entry.id, &live.id, plan);
    let shipped = shipped.or_else(|| kin(catalog, &entry.id, plan, &live.id));
    let input = shipped.map_or_else(
        || vec!["text".to_owned()],
        |row| row.input().iter().map(InputKind::to_string).collect(),
    );
    let is_same = shipped.is_some_and(|row| row.id() == live.id);
    entry.models.push(ListedModel {
        reference: format!("{}/{}", entry.id, live.id),
        provider: entry.id.clone(),
        id: live.id.clone(),
        name: shipped
            .filter(|_| is_same)
            .map_or_else(|| live.id.clone(), |row| row.name().to_owned()),
        input,
        context_window: live
            .context_window
            .or_else(|| shipped.and_then(|row| row.context_window)),
        max_output_tokens: shipped.and_then(|row| row.max_output_tokens),
        reasoning: shipped.is_some_and(|row| row.reasoning),
        chats: true,
        configured: false,
        withheld: None,
        asks_usage: None,
        says_input: shipped.is_some(),
    });
}

/// Returns the shipped chat model that `id` is a snapshot of, such as `qwen3.5-plus` for `qwen3.5-plus-2026-02-15`. Names
/// that are only similar say nothing about limits.
fn kin<'a>(
    catalog: &'a Catalog,
    provider: &str,
    plan: Option<Plan>,
    id: &str,
) -> Option<catalog::ModelRow<'a>> {
    let is_snapshot = |row: &catalog::ModelRow<'_>| {
        let rest = id.strip_prefix(row.id());
        row.model.kind == ModelKind::Chat && rest.is_some_and(|rest| rest.starts_with('-'))
    };
    let older = catalog.all_models(provider, plan).filter(is_snapshot);
    older.max_by_key(|row| row.id().len())
}
