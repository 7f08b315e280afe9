//! What a portal login changes in the config: provider, alias, profile, and the default model when asked.

use catalog::{Catalog, Plan};
use config::{ProfileId, ProviderId, Settings, ValuePath};
use serde_json::{Value, json};

use super::login::PROVIDER;
use crate::config_sketch::ConfigSketch;
use crate::context::{Context, ReadConfig};
use crate::failed::Failed;

/// The provider's wire format, as the config names it.
const API: &str = "openai-completions";
/// What stands where a key would, to say that the credential is a login.
const KEY_PLACEHOLDER: &str = "qwen-oauth";
/// The portal's models; the first is the default, and has the alias.
const MODELS: [&str; 2] = ["coder-model", "vision-model"];
/// The alias of the first model.
const ALIAS: &str = "qwen";

/// What is written.
pub(super) struct Wanted<'a> {
    pub(super) base_url: &'a str,
    pub(super) set_default: bool,
}

/// Edits that were decided, in order.
pub(super) struct Draft {
    pub(super) sketch: ConfigSketch,
    /// What the person should know about what stays, or what was replaced.
    pub(super) warnings: Vec<String>,
}

/// Returns the model that `--set-default` makes the default.
pub(super) fn default_model() -> String {
    let first = MODELS.first().copied().unwrap_or_default();
    format!("{PROVIDER}/{first}")
}

/// Returns the provider's entry, for the config and for `models.json`.
pub(super) fn block(catalog: &Catalog, base_url: &str) -> Value {
    json!({
        "baseUrl": base_url,
        "apiKey": KEY_PLACEHOLDER,
        "api": API,
        "models": rows(catalog),
    })
}

/// Refuses a config that cannot be written, by trying to.
pub(super) fn check_writable(context: &Context, config: &ReadConfig) -> Result<(), Failed> {
    let path = config.store.path();
    if context.environment.is_on(config::env_var::CONFIG_READONLY) {
        return Err(Failed::from(config::Error::ReadOnly {
            path: path.to_owned(),
        }));
    }
    let folder = path.parent().unwrap_or(path);
    tempfile::tempfile_in(folder).map(drop).map_err(|error| {
        Failed::new(format!(
            "{} cannot be written to: {error}",
            context.home.display(folder)
        ))
    })
}

fn rows(catalog: &Catalog) -> Vec<Value> {
    MODELS
        .iter()
        .filter_map(|id| catalog.model(PROVIDER, id, Some(Plan::Portal)))
        .filter_map(|row| serde_json::to_value(row.config_row()).ok())
        .collect()
}

impl Draft {
    /// Decides the edits.
    pub(super) fn make(
        config: &ReadConfig,
        catalog: &Catalog,
        wanted: &Wanted<'_>,
    ) -> Result<Self, Failed> {
        let mut draft = Self {
            sketch: ConfigSketch::of(&config.text),
            warnings: Vec::new(),
        };
        draft.profile(&config.settings)?;
        draft.provider(catalog, &config.settings, wanted.base_url)?;
        draft.model_map(&config.settings)?;
        if wanted.set_default {
            draft.default_model()?;
        }
        Ok(draft)
    }

    fn profile(&mut self, settings: &Settings) -> Result<(), Failed> {
        let provider = ProviderId::new(PROVIDER)?;
        let id = ProfileId::default_of(&provider);
        let path = ["auth", "profiles", id.as_str()];
        let field = |name: &str| self.sketch.get(&path).and_then(|entry| entry.get(name));
        let is_listed =
            field("provider") == Some(&json!(PROVIDER)) && field("mode") == Some(&json!("oauth"));
        if !is_listed {
            self.sketch
                .set(&path, json!({"provider": PROVIDER, "mode": "oauth"}))?;
        }
        // An order that leaves the login out would keep it from ever being used.
        let order = settings
            .auth
            .order_of(&provider)
            .filter(|order| !order.is_empty() && !order.contains(&id));
        if let Some(order) = order {
            let rest = order.iter().map(ProfileId::as_str);
            let all: Vec<&str> = std::iter::once(id.as_str()).chain(rest).collect();
            self.sketch.set(&["auth", "order", PROVIDER], json!(all))?;
        }
        Ok(())
    }

    fn provider(
        &mut self,
        catalog: &Catalog,
        settings: &Settings,
        base_url: &str,
    ) -> Result<(), Failed> {
        if self.sketch.get(&["models"]).is_none() {
            self.sketch.set(&["models", "mode"], json!("merge"))?;
        }
        let known = settings.models.provider(&ProviderId::new(PROVIDER)?);
        // A path into the file needs the key as it is spelled there.
        let key = known.map_or(PROVIDER, |provider| provider.key.as_str());
        let path = ["models", "providers", key];
        let Some(old) = self.sketch.get(&path).cloned() else {
            return self.sketch.set(&path, block(catalog, base_url)).map(drop);
        };
        let text = |name: &str| old.get(name).and_then(Value::as_str);
        if let Some(before) = text("baseUrl").filter(|before| *before != base_url) {
            self.warnings.push(format!(
                "`models.providers.{key}.baseUrl` was {before}; the login is for {base_url}, which is there now"
            ));
        }
        self.sketch
            .set(&["models", "providers", key, "baseUrl"], json!(base_url))?;
        match old.get("apiKey") {
            None => {
                let path = ["models", "providers", key, "apiKey"];
                self.sketch.set(&path, json!(KEY_PLACEHOLDER))?;
            }
            Some(held) if *held != json!(KEY_PLACEHOLDER) => self.warnings.push(format!(
                "`models.providers.{key}.apiKey` holds a key of its own; the login comes before it"
            )),
            Some(_) => {}
        }
        if text("api").is_none() {
            self.sketch
                .set(&["models", "providers", key, "api"], json!(API))?;
        }
        self.rows(catalog, key, old.get("models"))
    }

    /// Appends the rows that are missing; rows that are there are the person's.
    fn rows(&mut self, catalog: &Catalog, key: &str, old: Option<&Value>) -> Result<(), Failed> {
        let listed = old.and_then(Value::as_array);
        let has = |row: &Value| {
            let mut rows = listed.into_iter().flatten();
            rows.any(|known| known.get("id") == row.get("id"))
        };
        let missing: Vec<Value> = rows(catalog).into_iter().filter(|row| !has(row)).collect();
        let path = ValuePath::of(["models", "providers", key, "models"]);
        match listed {
            None if !missing.is_empty() => {
                self.sketch.set_at(path, Value::Array(missing)).map(drop)
            }
            None => Ok(()),
            Some(listed) => {
                for (index, row) in (listed.len()..).zip(missing) {
                    self.sketch.set_at(path.index(index), row)?;
                }
                Ok(())
            }
        }
    }

    fn model_map(&mut self, settings: &Settings) -> Result<(), Failed> {
        let entries = &settings.agents.defaults.models;
        let named = |reference: &str| entries.iter().find(|entry| entry.reference == reference);
        let taken = entries.iter().find(|entry| {
            let alias = entry.alias.as_deref().unwrap_or_default();
            alias.eq_ignore_ascii_case(ALIAS) && entry.reference != default_model()
        });
        for (place, id) in MODELS.iter().enumerate() {
            let reference = format!("{PROVIDER}/{id}");
            let has_alias = named(&reference).is_some_and(|entry| entry.alias.is_some());
            let path = ["agents", "defaults", "models", reference.as_str()];
            if self.sketch.get(&path).is_none() {
                self.sketch.set(&path, json!({}))?;
            }
            if place == 0 && !has_alias && taken.is_none() {
                let path = ["agents", "defaults", "models", reference.as_str(), "alias"];
                self.sketch.set(&path, json!(ALIAS))?;
            }
        }
        if let Some(taken) = taken {
            self.warnings.push(format!(
                "the alias `{ALIAS}` stays with `{}`",
                taken.reference
            ));
        }
        Ok(())
    }

    fn default_model(&mut self) -> Result<(), Failed> {
        let model = ["agents", "defaults", "model"];
        let is_text = self.sketch.get(&model).is_some_and(Value::is_string);
        let primary = ["agents", "defaults", "model", "primary"];
        let path: &[&str] = if is_text { &model } else { &primary };
        self.sketch.set(path, json!(default_model())).map(drop)
    }
}
