//! The rows of `models list`: what the config names, then what the keys can use.

use std::collections::HashSet;

use catalog::{Availability, ModelKind, Plan};
use providers::directory::ListedModel;
use serde_json::{Value, json};

use super::names::{Named, Names, can_chat};

/// One model as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) key: String,
    pub(super) provider: String,
    name: String,
    input: Vec<String>,
    context_window: Option<u64>,
    is_local: bool,
    pub(super) is_available: bool,
    tags: Vec<String>,
    is_missing: bool,
    /// Why it is not offered.
    reason: Option<String>,
}

/// Which models are wanted.
pub(super) struct Wanted {
    /// The providers whose models are listed even when no credential is usable.
    pub(super) providers: Option<HashSet<String>>,
    /// Whether models of every provider are listed.
    pub(super) all: bool,
}

/// What the config says about one reference.
struct Mention<'a> {
    reference: &'a str,
    tag: Option<String>,
    alias: Option<&'a str>,
    is_configured: bool,
}

impl Row {
    /// Returns the row in OpenClaw's form.
    pub(super) fn json(&self) -> Value {
        let mut row = json!({
            "key": self.key,
            "name": self.name,
            "input": self.input.join("+"),
            "contextWindow": self.context_window,
            "local": self.is_local,
            "available": self.is_available,
            "tags": self.tags,
            "missing": self.is_missing,
        });
        if let (Some(reason), Some(members)) = (&self.reason, row.as_object_mut()) {
            members.insert("reason".to_owned(), json!(reason));
        }
        row
    }

    /// Returns the cells of the table after the first.
    pub(super) fn cells(&self) -> [String; 5] {
        let yes_no = |yes: bool| if yes { "yes" } else { "no" }.to_owned();
        [
            short_input(&self.input),
            self.context_window
                .map_or_else(|| "-".to_owned(), short_tokens),
            yes_no(self.is_local),
            yes_no(self.is_available),
            self.notes(),
        ]
    }

    fn notes(&self) -> String {
        let tags = self.tags.join(",");
        match &self.reason {
            Some(reason) if tags.is_empty() => format!("({reason})"),
            Some(reason) => format!("{tags} ({reason})"),
            None => tags,
        }
    }

    /// Says whether the config uses it: as the default, a fallback, for images, or for an agent.
    pub(super) fn is_used(&self) -> bool {
        self.tags.iter().any(|tag| rank(tag) == 0)
    }
}

/// Returns the wanted rows: config order first, then catalog order.
pub(super) fn rows(names: &Names<'_>, wanted: &Wanted) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for mention in mentions(names) {
        add_mention(names, &mention, &mut rows);
    }
    for (model, is_usable) in names.directory.all_models() {
        let is_asked = wanted.all
            || wanted
                .providers
                .as_ref()
                .is_some_and(|ids| ids.contains(&model.provider));
        let is_new = !rows.iter().any(|row| row.key == model.reference);
        let is_offered = is_usable || (is_asked && model.withheld.is_none());
        let is_listed = model.configured || wanted.all || is_offered;
        let is_twin = !wanted.all && names.is_stand_in(&model.provider);
        if is_new && is_listed && !is_twin {
            rows.push(listed(names, model));
        }
    }
    if wanted.all {
        add_withheld(names, &mut rows);
    }
    if let Some(providers) = &wanted.providers {
        rows.retain(|row| providers.contains(&row.provider));
        rows.sort_by_key(|row| row.key.to_lowercase());
    }
    rows
}

/// Collects what the config names, in the order in which it is tried.
fn mentions<'a>(names: &Names<'a>) -> Vec<Mention<'a>> {
    let defaults = &names.settings.agents.defaults;
    let mut mentions = Vec::new();
    for (choice, first, next) in [
        (&defaults.model, "default", "fallback"),
        (&defaults.image_model, "image", "image-fallback"),
    ] {
        mentions.extend(
            choice
                .primary
                .as_deref()
                .map(|text| tagged(text, first.to_owned())),
        );
        let fallbacks = (1..).zip(&choice.fallbacks);
        mentions.extend(fallbacks.map(|(number, text)| tagged(text, format!("{next}#{number}"))));
    }
    for agent in &names.settings.agents.entries {
        let own = agent.model.iter().flat_map(|model| &model.primary);
        mentions.extend(own.map(|text| tagged(text, format!("agent:{}", agent.id))));
    }
    mentions.extend(defaults.models.iter().map(|row| Mention {
        reference: &row.reference,
        tag: None,
        alias: row.alias.as_deref(),
        is_configured: true,
    }));
    mentions
}

fn tagged(reference: &str, tag: String) -> Mention<'_> {
    Mention {
        reference,
        tag: Some(tag),
        alias: None,
        is_configured: false,
    }
}

/// Adds a row for a mention, or its tags to the row that is there.
fn add_mention(names: &Names<'_>, mention: &Mention<'_>, rows: &mut Vec<Row>) {
    let named = names.look_up(mention.reference);
    let key = named
        .as_ref()
        .map_or_else(|| mention.reference.trim().to_owned(), Named::key);
    let position = rows.iter().position(|row| row.key == key);
    if position.is_none() {
        let row = match &named {
            None => missing(&key),
            // A name in the list of aliases does not make a media model one for chats.
            Some(named) if mention.tag.is_none() && !can_chat(names.kind(named)) => return,
            Some(named) => described(names, named),
        };
        rows.push(row);
    }
    let row = match position {
        Some(position) => rows.get_mut(position),
        None => rows.last_mut(),
    };
    let Some(row) = row else { return };
    let configured = mention.is_configured.then(|| "configured".to_owned());
    let alias = mention.alias.map(|alias| format!("alias:{alias}"));
    for tag in mention
        .tag
        .clone()
        .into_iter()
        .chain(configured)
        .chain(alias)
    {
        if !row.tags.contains(&tag) {
            row.tags.push(tag);
        }
    }
    row.tags.sort_by_key(|tag| rank(tag));
}

/// Orders tags: what the model is used for, that it is configured, its names, what is wrong.
fn rank(tag: &str) -> u8 {
    match tag {
        "configured" => 1,
        "missing" => 3,
        _ if tag.starts_with("alias:") => 2,
        _ => 0,
    }
}

fn listed(names: &Names<'_>, model: &ListedModel) -> Row {
    let reach = names.reach(&model.provider);
    Row {
        key: model.reference.clone(),
        provider: model.provider.clone(),
        name: model.name.clone(),
        input: model.input.clone(),
        context_window: model.context_window,
        is_local: reach.is_some_and(|reach| reach.is_local),
        is_available: names.is_usable(&model.provider) && model.withheld.is_none(),
        reason: model.withheld.clone(),
        tags: if model.configured {
            vec!["configured".to_owned()]
        } else {
            Vec::new()
        },
        is_missing: false,
    }
}

/// Adds the models of each provider that shipped data does not offer on its plan, with the reason.
fn add_withheld(names: &Names<'_>, rows: &mut Vec<Row>) {
    for view in names.directory.providers() {
        let plan: Option<Plan> = view.plan.as_deref().and_then(|plan| plan.parse().ok());
        let Some(service) = names
            .service(view.id)
            .filter(|_| !names.is_stand_in(view.id))
        else {
            continue;
        };
        let shipped = names.catalog.all_models(service, plan);
        for row in shipped.filter(|row| row.model.kind == ModelKind::Chat) {
            let key = format!("{}/{}", view.id, row.id());
            if let Some(reason) = why_not(&row, &key)
                && !rows.iter().any(|known| known.key == key)
            {
                rows.push(withheld(&key, view.id, &row, reason));
            }
        }
    }
}

fn withheld(key: &str, provider: &str, row: &catalog::ModelRow<'_>, reason: String) -> Row {
    Row {
        key: key.to_owned(),
        provider: provider.to_owned(),
        name: row.name().to_owned(),
        input: row.input().iter().map(ToString::to_string).collect(),
        context_window: row.context_window,
        is_local: false,
        is_available: false,
        tags: Vec::new(),
        is_missing: false,
        reason: Some(reason),
    }
}

/// Returns why shipped data does not offer a model; none when it does.
fn why_not(row: &catalog::ModelRow<'_>, key: &str) -> Option<String> {
    let plan = row.plan.map_or_else(
        || "this provider".to_owned(),
        |plan| format!("the {plan} plan"),
    );
    match row.availability {
        Availability::Yes if !row.hidden => None,
        Availability::Yes => Some(match row.replaced_by {
            Some(other) => format!("on its way out; use `{other}`"),
            None => "left out of menus; works by name".to_owned(),
        }),
        Availability::Unlikely => Some(format!(
            "unlikely on {plan}; `openclaw models verify {key}` asks"
        )),
        Availability::No => Some(format!("not offered on {plan}")),
        Availability::Unknown => Some(format!("nothing is known of it on {plan}")),
    }
}

/// Describes a model that the config names; one that nobody lists may still answer and is marked.
fn described(names: &Names<'_>, named: &Named) -> Row {
    if let Some(model) = names.listed(named) {
        return listed(names, model);
    }
    let reach = names.reach(&named.provider);
    let own = names.configured_row(named);
    let shipped = names.shipped_row(named);
    let is_missing = reach.is_none() || (own.is_none() && shipped.is_none());
    let kind = names.kind(named);
    let cannot_chat = !can_chat(kind);
    let input = match (own, &shipped) {
        (Some(row), _) if !row.input.is_empty() => row.input.clone(),
        (_, Some(row)) => row.input().iter().map(ToString::to_string).collect(),
        _ => vec!["text".to_owned()],
    };
    let name = own
        .map(|row| row.name.clone())
        .or_else(|| shipped.map(|row| row.name().to_owned()));
    let mut tags = Vec::new();
    tags.extend(own.map(|_| "configured".to_owned()));
    tags.extend(cannot_chat.then(|| kind.to_string()));
    tags.extend(is_missing.then(|| "missing".to_owned()));
    Row {
        key: named.key(),
        provider: named.provider.clone(),
        name: name.unwrap_or_else(|| named.model.clone()),
        input,
        context_window: own
            .and_then(|row| row.context_window)
            .or_else(|| shipped.and_then(|row| row.context_window)),
        is_local: reach.is_some_and(|reach| reach.is_local),
        is_available: !cannot_chat && names.is_usable(&named.provider),
        tags,
        is_missing,
        reason: None,
    }
}

/// Shows a reference that leads nowhere, as it is written.
fn missing(key: &str) -> Row {
    let (provider, model) = key.split_once('/').unwrap_or(("", key));
    Row {
        key: key.to_owned(),
        provider: provider.to_owned(),
        name: model.to_owned(),
        input: vec!["text".to_owned()],
        context_window: None,
        is_local: false,
        is_available: false,
        tags: vec!["missing".to_owned()],
        is_missing: true,
        reason: None,
    }
}

/// Returns what fits the narrow column: `text` or `text+image`.
fn short_input(input: &[String]) -> String {
    if input.iter().any(|kind| kind == "image") {
        "text+image".to_owned()
    } else {
        "text".to_owned()
    }
}

/// Returns tokens in units of 1024, as OpenClaw 2026.5 shows them.
fn short_tokens(tokens: u64) -> String {
    if tokens < 1024 {
        tokens.to_string()
    } else {
        format!("{}k", tokens.saturating_add(512) / 1024)
    }
}

#[cfg(test)]
mod tests {
    use super::short_tokens;

    #[test]
    fn shortens_tokens() {
        for (tokens, expected) in [
            (1_000_000, "977k"),
            (262_144, "256k"),
            (202_752, "198k"),
            (128_000, "125k"),
            (1_023, "1023"),
            (1_024, "1k"),
        ] {
            assert_eq!(short_tokens(tokens), expected);
        }
    }
}
