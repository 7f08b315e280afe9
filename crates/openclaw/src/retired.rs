//! What of a home still names a retired provider, and the edits that lead it to another one.
//!
//! The names come from the sunset table: provider ids, hosts and plugins whose day has come. A reference is any text of
//! the config, or key of the model map, that begins with such an id and a slash.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use catalog::{CalendarDay, Catalog, InputKind, SunsetSubject};
use config::{AgentId, ConfigText, Home, Settings, ValuePath};
use credentials::{AgentStores, Found};
use serde_json::{Value, json};

use crate::config_sketch::ConfigSketch;
use crate::failed::Failed;

/// The largest list of sessions that is read, in bytes.
const SESSIONS_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// Ids of retired providers, with the words that name them in the home.
#[derive(Debug, Clone)]
pub(crate) struct Retired {
    pub(crate) providers: BTreeSet<String>,
    pub(crate) plugins: BTreeSet<String>,
}

/// A model reference in the config.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reference {
    pub(crate) path: ValuePath,
    /// The reference, `provider/model`.
    pub(crate) text: String,
    /// Whether it is the key at the path, not the value.
    pub(crate) is_key: bool,
}

/// A session that would go on with a retired provider.
#[derive(Debug, Clone)]
pub(crate) struct SessionUse {
    pub(crate) file: PathBuf,
    pub(crate) session: String,
    /// Names of the fields that hold the provider, and the model that belongs to it.
    fields: Vec<(&'static str, Option<&'static str>)>,
}

/// Fields of a session that name a provider, each with the field that names its model.
const SESSION_FIELDS: [(&str, Option<&str>); 2] = [
    ("modelProvider", Some("model")),
    ("providerOverride", Some("modelOverride")),
];

impl Retired {
    /// Returns what has been retired by `today`: ids of the table, and configured providers on retired hosts.
    pub(crate) fn by(catalog: &Catalog, settings: &Settings, today: CalendarDay) -> Self {
        let names = |subject: SunsetSubject| {
            catalog
                .sunsets()
                .iter()
                .filter(move |row| row.subject == subject && row.has_come(today))
                .flat_map(|row| row.matches.iter().cloned())
        };
        let mut providers: BTreeSet<String> = names(SunsetSubject::Provider).collect();
        let hosts: Vec<String> = names(SunsetSubject::Host).collect();
        for provider in &settings.models.providers {
            let url = provider.base_url.as_deref().unwrap_or_default();
            if host_of(url)
                .is_some_and(|host| hosts.iter().any(|dead| dead.eq_ignore_ascii_case(host)))
            {
                providers.insert(provider.key.clone());
            }
        }
        Self {
            providers,
            plugins: names(SunsetSubject::Plugin).collect(),
        }
    }

    /// Takes one provider as retired, for a move that the person asks for.
    pub(crate) fn only(provider: &str) -> Self {
        Self {
            providers: BTreeSet::from([provider.to_owned()]),
            plugins: BTreeSet::from([provider.to_owned()]),
        }
    }

    /// Says whether a provider id is retired; case does not count.
    pub(crate) fn is_provider(&self, id: &str) -> bool {
        self.providers
            .iter()
            .any(|known| known.eq_ignore_ascii_case(id.trim()))
    }

    fn is_reference(&self, text: &str) -> bool {
        text.split_once('/').is_some_and(|(provider, model)| {
            self.is_provider(provider) && !model.is_empty() && !model.contains(char::is_whitespace)
        })
    }

    /// Returns the references in a config, in file order; the rows of a provider are no references.
    pub(crate) fn references(&self, value: &Value) -> Vec<Reference> {
        let mut found = Vec::new();
        self.visit(value, &ValuePath::root(), &mut found);
        found
    }

    /// The depth of the config is bounded by its reader.
    fn visit(&self, value: &Value, at: &ValuePath, found: &mut Vec<Reference>) {
        match value {
            Value::String(text) if self.is_reference(text) => found.push(Reference {
                path: at.clone(),
                text: text.clone(),
                is_key: false,
            }),
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.visit(item, &at.index(index), found);
                }
            }
            Value::Object(members) => {
                for (key, member) in members {
                    let path = at.key(key);
                    if path == ValuePath::of(["models", "providers"]) {
                        continue;
                    }
                    if self.is_reference(key) {
                        found.push(Reference {
                            path: path.clone(),
                            text: key.clone(),
                            is_key: true,
                        });
                    }
                    self.visit(member, &path, found);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    /// Returns the entries of `models.providers`.
    pub(crate) fn blocks(&self, value: &Value) -> Vec<ValuePath> {
        members(value, &["models", "providers"], |key, _| {
            self.is_provider(key)
        })
    }

    /// Returns the entries of `plugins` that name a retired plugin: in `entries`, `allow`, `deny` and `installs`.
    pub(crate) fn plugin_entries(&self, value: &Value) -> Vec<ValuePath> {
        let mut found = members(value, &["plugins", "entries"], |key, _| {
            self.plugins.contains(key)
        });
        found.extend(members(value, &["plugins", "installs"], |key, _| {
            self.plugins.contains(key)
        }));
        for list in ["allow", "deny"] {
            let path = ValuePath::of(["plugins", list]);
            let items = path.look_up(value).and_then(Value::as_array);
            // From the end, so that removing one does not move the others.
            let items = items.map(Vec::as_slice).unwrap_or_default();
            for (index, item) in items.iter().enumerate().rev() {
                if item.as_str().is_some_and(|id| self.plugins.contains(id)) {
                    found.push(path.index(index));
                }
            }
        }
        found
    }

    /// Returns the entries of `auth.profiles` and `auth.order`.
    pub(crate) fn auth_entries(&self, value: &Value) -> Vec<ValuePath> {
        let of_provider = |entry: &Value| {
            let provider = entry.get("provider").and_then(Value::as_str);
            provider.is_some_and(|provider| self.is_provider(provider))
        };
        let mut found = members(value, &["auth", "profiles"], |_, entry| of_provider(entry));
        found.extend(members(value, &["auth", "order"], |key, _| {
            self.is_provider(key)
        }));
        found
    }

    /// Returns the stored profiles of retired providers.
    pub(crate) fn profiles<'a>(
        &'a self,
        stores: &'a AgentStores,
    ) -> impl Iterator<Item = Found<'a>> {
        stores
            .winners()
            .filter(|found| self.is_provider(found.profile.provider.as_str()))
    }

    /// Returns the sessions of every agent that would go on with a retired provider.
    pub(crate) fn sessions(&self, home: &Home) -> Vec<SessionUse> {
        let mut found = Vec::new();
        for agent in agents(home) {
            let file = home
                .state_dir()
                .join("agents")
                .join(agent.as_str())
                .join("sessions/sessions.json");
            let Some(text) = read_json(&file) else {
                continue;
            };
            for (session, entry) in text.value().as_object().into_iter().flatten() {
                let is_retired = |name: &str| {
                    let provider = entry.get(name).and_then(Value::as_str);
                    provider.is_some_and(|provider| self.is_provider(provider))
                };
                let fields: Vec<_> = SESSION_FIELDS
                    .into_iter()
                    .filter(|(name, _)| is_retired(name))
                    .collect();
                if !fields.is_empty() {
                    found.push(SessionUse {
                        file: file.clone(),
                        session: session.clone(),
                        fields,
                    });
                }
            }
        }
        found
    }

    /// Returns the generated model lists that still have an entry of a retired provider.
    pub(crate) fn generated(&self, home: &Home) -> Vec<(PathBuf, ValuePath)> {
        let mut found = Vec::new();
        for agent in agents(home) {
            let file = home.agent_dir(&agent).join("models.json");
            if let Some(text) = read_json(&file) {
                let entries = members(text.value(), &["providers"], |key, _| self.is_provider(key));
                found.extend(entries.into_iter().map(|path| (file.clone(), path)));
            }
        }
        found
    }
}

/// Where references of retired providers go.
#[derive(Debug, Clone)]
pub(crate) struct Successor {
    /// Provider id as the config spells it.
    pub(crate) provider: String,
    /// Model for everything that has no namesake there.
    pub(crate) default_model: String,
    /// Model for what must read images.
    pub(crate) vision_model: String,
    /// Ids that the provider has.
    models: BTreeSet<String>,
}

impl Successor {
    /// Describes a provider, by the catalog and by the rows of the config.
    pub(crate) fn of(catalog: &Catalog, settings: &Settings, provider: &str) -> Option<Self> {
        let shipped = catalog.provider(provider)?;
        let block = settings
            .models
            .providers
            .iter()
            .find(|block| block.id.as_str() == provider);
        let url = block.and_then(|block| block.base_url.as_deref());
        let plan = url
            .and_then(|url| catalog.endpoint_for_url(url))
            .map(|found| found.plan());
        let rows: Vec<_> = catalog.models(&shipped.id, plan).collect();
        let reads_images = |id: &str| {
            let row = rows.iter().find(|row| row.id() == id);
            row.is_some_and(|row| row.model.input.contains(&InputKind::Image))
        };
        let default_model = shipped.default_model.clone();
        let listed = rows
            .iter()
            .map(catalog::ModelRow::id)
            .find(|id| reads_images(id));
        let vision_model = if reads_images(&default_model) {
            default_model.clone()
        } else {
            listed.unwrap_or(&default_model).to_owned()
        };
        let own = block
            .into_iter()
            .flat_map(|block| &block.models)
            .map(|row| row.id.to_string());
        Some(Self {
            provider: block
                .map_or(provider, |block| block.key.as_str())
                .to_owned(),
            models: rows
                .iter()
                .map(|row| row.id().to_owned())
                .chain(own)
                .collect(),
            default_model,
            vision_model,
        })
    }

    /// Returns the model that takes the place of a retired one.
    pub(crate) fn model(&self, retired: &str, reads_images: bool) -> &str {
        match self.models.get(retired) {
            Some(same) => same,
            None if reads_images || retired.contains("vision") || retired.contains("-vl") => {
                &self.vision_model
            }
            None => &self.default_model,
        }
    }

    /// Returns the reference that takes the place of a retired one.
    pub(crate) fn reference(&self, retired: &Reference) -> String {
        let model = retired.text.split_once('/').map_or("", |(_, model)| model);
        let place = retired.path.to_string();
        let reads_images = place.contains("imageModel") || place.contains("pdfModel");
        format!("{}/{}", self.provider, self.model(model, reads_images))
    }
}

/// Rewrites every reference; returns what was mapped, old and new.
pub(crate) fn rewrite_references(
    sketch: &mut ConfigSketch,
    retired: &Retired,
    successor: &Successor,
) -> Result<Vec<(String, String)>, Failed> {
    let mut mapped = Vec::new();
    // From the end, so that removing an item of a list does not move those that come.
    for reference in retired.references(sketch.text().value()).into_iter().rev() {
        let new = successor.reference(&reference);
        if reference.is_key {
            rename_key(sketch, &reference, &new)?;
        } else if is_repeated(sketch, &reference, &new) {
            sketch.remove_at(reference.path.clone())?;
        } else {
            sketch.set_at(reference.path.clone(), json!(new))?;
        }
        mapped.push((reference.text, new));
    }
    mapped.reverse();
    mapped.dedup();
    Ok(mapped)
}

/// Moves an entry of the model map; what the new key already says stays.
fn rename_key(sketch: &mut ConfigSketch, reference: &Reference, new: &str) -> Result<(), Failed> {
    let Some(parent) = reference.path.parent() else {
        return Ok(());
    };
    let target = parent.key(new);
    let old = sketch
        .text()
        .get(&reference.path)
        .cloned()
        .unwrap_or(json!({}));
    sketch.remove_at(reference.path.clone())?;
    match (sketch.text().get(&target).cloned(), old) {
        (None, old) => drop(sketch.set_at(target, old)?),
        (Some(Value::Object(there)), Value::Object(old)) => {
            for (key, value) in old {
                if !there.contains_key(&key) {
                    sketch.set_at(target.key(key), value)?;
                }
            }
        }
        (Some(_), _) => {}
    }
    Ok(())
}

/// Says whether the list that holds a reference, or the primary beside it, has the new one already.
fn is_repeated(sketch: &ConfigSketch, reference: &Reference, new: &str) -> bool {
    let Some(parent) = reference.path.parent() else {
        return false;
    };
    let Some(items) = sketch.text().get(&parent).and_then(Value::as_array) else {
        return false;
    };
    let primary = parent.parent().map(|choice| choice.key("primary"));
    let primary = primary
        .and_then(|path| sketch.text().get(&path))
        .and_then(Value::as_str);
    items
        .iter()
        .filter_map(Value::as_str)
        .chain(primary)
        .any(|item| item == new)
}

impl SessionUse {
    /// Returns the text of the list of sessions in which this one goes on with the successor.
    pub(crate) fn rewritten(
        &self,
        text: &ConfigText,
        successor: &Successor,
    ) -> Result<ConfigText, Failed> {
        let mut text = text.clone();
        let failed = |error: config::EditError| Failed::from(config::Error::from(error));
        for (provider, model) in &self.fields {
            let at = ValuePath::root().key(&self.session);
            text = text
                .set(&at.key(*provider), successor.provider.as_str())
                .map_err(failed)?;
            if let Some(path) = model.map(|model| at.key(model))
                && let Some(old) = text.get(&path).and_then(Value::as_str).map(str::to_owned)
            {
                text = text
                    .set(&path, successor.model(&old, false))
                    .map_err(failed)?;
            }
        }
        Ok(text)
    }
}

/// Returns the paths of the members of an object that are wanted.
fn members(value: &Value, at: &[&str], wanted: impl Fn(&str, &Value) -> bool) -> Vec<ValuePath> {
    let path = ValuePath::of(at.iter().copied());
    let members = path.look_up(value).and_then(Value::as_object);
    members
        .into_iter()
        .flatten()
        .filter(|(key, member)| wanted(key, member))
        .map(|(key, _)| path.key(key))
        .collect()
}

/// Reads a JSON file of the home as text that can be edited; `None` when it is not there or not JSON.
pub(crate) fn read_json(path: &Path) -> Option<ConfigText> {
    let metadata = std::fs::metadata(path).ok()?;
    if !metadata.is_file() || metadata.len() > SESSIONS_BYTES_MAX {
        return None;
    }
    ConfigText::parse(path, std::fs::read(path).ok()?).ok()
}

/// Returns the agents that have a folder, `main` first.
pub(crate) fn agents(home: &Home) -> Vec<AgentId> {
    let mut agents = vec![AgentId::main()];
    let folder = home.state_dir().join("agents");
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort();
    for id in names.iter().filter_map(|name| AgentId::new(name).ok()) {
        if !agents.contains(&id) {
            agents.push(id);
        }
    }
    agents
}

/// Returns the host of a URL.
pub(crate) fn host_of(url: &str) -> Option<&str> {
    let (_, rest) = url.trim().split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?;
    Some(host.split(':').next().unwrap_or(host).trim_end_matches('.'))
}
