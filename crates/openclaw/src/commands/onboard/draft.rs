//! The edits of openclaw.json: a whole new config for a fresh home, single values in one that exists.

use config::{Settings, ValuePath};
use serde_json::{Value, json};

use super::Desk;
use super::default_model::DefaultModel;
use super::site::Site;
use crate::commands::gateway_run::new_token;
use crate::config_sketch::ConfigSketch;
use crate::failed::Failed;

/// The provider's wire format, as the config names it.
const API: &str = "openai-completions";

/// Edits that were decided, in order, and what they mean.
pub(super) struct Draft {
    pub(super) sketch: ConfigSketch,
    /// One line for each thing that changes, without secrets.
    pub(super) changes: Vec<String>,
    /// What the person should know about what stays.
    pub(super) warnings: Vec<String>,
}

/// What is written besides the provider.
pub(super) struct Wanted<'a> {
    pub(super) site: &'a Site,
    pub(super) has_profile: bool,
    pub(super) default_model: &'a DefaultModel,
    /// Absolute path of the agent's folder.
    pub(super) workspace: &'a str,
}

impl Draft {
    /// Decides the edits.
    pub(super) fn make(desk: &Desk<'_>, wanted: &Wanted<'_>) -> Result<Self, Failed> {
        let mut draft = Self {
            sketch: ConfigSketch::of(&desk.config.text),
            changes: Vec::new(),
            warnings: Vec::new(),
        };
        let is_fresh = !desk.config.exists || draft.is_empty_object();
        draft.agents(desk, wanted, is_fresh)?;
        draft.gateway(desk, is_fresh)?;
        draft.plugin(wanted.site)?;
        if wanted.has_profile {
            draft.profile(wanted.site, &desk.config.settings)?;
        }
        draft.provider(wanted.site, &desk.config.settings)?;
        if is_fresh {
            let version = ["meta", "lastTouchedVersion"];
            draft.sketch.set(&version, json!(crate::HOME_FORMAT))?;
        }
        Ok(draft)
    }

    fn agents(
        &mut self,
        desk: &Desk<'_>,
        wanted: &Wanted<'_>,
        is_fresh: bool,
    ) -> Result<(), Failed> {
        let workspace = ["agents", "defaults", "workspace"];
        let is_asked = is_fresh || desk.args.workspace.is_some();
        if is_asked && self.sketch.set(&workspace, json!(wanted.workspace))? {
            self.say("agents.defaults.workspace", wanted.workspace);
        }
        self.model_map(wanted.site, &desk.config.settings)?;
        let default = wanted.default_model;
        let Some(why) = &default.change else {
            return Ok(());
        };
        let model = ["agents", "defaults", "model"];
        let is_text = self.sketch.get(&model).is_some_and(Value::is_string);
        let primary = ["agents", "defaults", "model", "primary"];
        let path: &[&str] = if is_text { &model } else { &primary };
        if self.sketch.set(path, json!(default.reference))? {
            let said = format!("{} ({why})", default.reference);
            self.say("agents.defaults.model.primary", &said);
        }
        Ok(())
    }

    /// Adds the site's models to the map that names models and aliases.
    ///
    /// OpenClaw 2026.5.20 offers nothing but what the map names, so a home with other providers and no map gets none.
    fn model_map(&mut self, site: &Site, settings: &Settings) -> Result<(), Failed> {
        let map = ["agents", "defaults", "models"];
        if self.sketch.get(&map).is_none() && !settings.models.providers.is_empty() {
            return Ok(());
        }
        let is_taken = |alias: &String| {
            settings
                .agents
                .defaults
                .models
                .iter()
                .filter_map(|model| model.alias.as_ref())
                .any(|taken| taken.eq_ignore_ascii_case(alias))
        };
        let alias = site.alias.as_ref().filter(|alias| !is_taken(alias));
        let mut added = 0_usize;
        for row in &site.rows {
            let reference = format!("{}/{}", site.provider, row.id);
            let path = ["agents", "defaults", "models", reference.as_str()];
            if self.sketch.get(&path).is_some() {
                continue;
            }
            let entry = match alias {
                Some(alias) if row.id == site.model => json!({"alias": alias}),
                _ => json!({}),
            };
            added += usize::from(self.sketch.set(&path, entry)?);
        }
        if added > 0 {
            self.say("agents.defaults.models", &format!("{added} models added"));
        }
        Ok(())
    }

    fn gateway(&mut self, desk: &Desk<'_>, is_fresh: bool) -> Result<(), Failed> {
        let args = desk.args;
        if self.sketch.get(&["gateway", "mode"]).is_none() {
            self.sketch.set(&["gateway", "mode"], json!("local"))?;
            self.say("gateway.mode", "local");
        }
        self.gateway_token(args.gateway_token.as_deref())?;
        let port = args
            .gateway_port
            .or_else(|| is_fresh.then(|| desk.context.home.default_port()));
        if let Some(port) = port
            && self.sketch.set(&["gateway", "port"], json!(port))?
        {
            self.say("gateway.port", &port.to_string());
        }
        let bind = args
            .gateway_bind
            .as_deref()
            .or_else(|| is_fresh.then_some("loopback"));
        if let Some(bind) = bind
            && self.sketch.set(&["gateway", "bind"], json!(bind))?
        {
            self.say("gateway.bind", bind);
        }
        if self.sketch.get(&["gateway", "mode"]) == Some(&json!("remote")) {
            self.warnings.push(
                "`gateway.mode` stays `remote`: this home uses a gateway elsewhere; `openclaw config set gateway.mode local` makes this machine serve".to_owned(),
            );
        }
        Ok(())
    }

    fn gateway_token(&mut self, given: Option<&str>) -> Result<(), Failed> {
        let (mode, token) = (["gateway", "auth", "mode"], ["gateway", "auth", "token"]);
        if let Some(given) = given {
            let given = given.trim();
            if given.is_empty() {
                return Err(Failed::new("`--gateway-token` is empty").hint(
                    "an empty token would let anybody in; leave the flag out and one is made",
                ));
            }
            self.sketch.set(&mode, json!("token"))?;
            if self.sketch.set(&token, json!(given))? {
                self.say("gateway.auth.token", "as given");
            }
            return Ok(());
        }
        let has_other_mode = self
            .sketch
            .get(&mode)
            .is_some_and(|mode| *mode != json!("token"));
        if has_other_mode || self.sketch.get(&token).is_some() {
            return Ok(());
        }
        self.sketch.set(&mode, json!("token"))?;
        self.sketch.set(&token, json!(new_token()?))?;
        self.say("gateway.auth.token", "a new one");
        Ok(())
    }

    /// Switches on what the original program needs; what the person has switched off stays off.
    fn plugin(&mut self, site: &Site) -> Result<(), Failed> {
        let Some(plugin) = &site.plugin else {
            return Ok(());
        };
        let path = ["plugins", "entries", plugin, "enabled"];
        if self.sketch.get(&path).is_none() && self.sketch.set(&path, json!(true))? {
            self.say(&format!("plugins.entries.{plugin}.enabled"), "true");
        }
        Ok(())
    }

    fn profile(&mut self, site: &Site, settings: &Settings) -> Result<(), Failed> {
        let (id, provider) = (site.profile.as_str(), site.provider.as_str());
        let path = ["auth", "profiles", id];
        let is_same = self.sketch.get(&path).is_some_and(|entry| {
            entry.get("provider") == Some(&json!(provider))
                && matches!(
                    entry.get("mode").and_then(Value::as_str),
                    Some("api_key" | "api-key")
                )
        });
        if !is_same
            && self
                .sketch
                .set(&path, json!({"provider": provider, "mode": "api_key"}))?
        {
            self.say(&format!("auth.profiles[\"{id}\"]"), "api_key");
        }
        // An order that leaves the profile out would keep the new key from ever being used.
        let order = settings
            .auth
            .order_of(&site.provider)
            .filter(|order| !order.is_empty() && !order.contains(&site.profile));
        if let Some(order) = order {
            let mut ids = vec![id];
            ids.extend(order.iter().map(config::ProfileId::as_str));
            self.sketch.set(&["auth", "order", provider], json!(ids))?;
            self.say(&format!("auth.order.{provider}"), &ids.join(", "));
        }
        Ok(())
    }

    fn provider(&mut self, site: &Site, settings: &Settings) -> Result<(), Failed> {
        if self.sketch.get(&["models"]).is_none() {
            self.sketch.set(&["models", "mode"], json!("merge"))?;
        }
        let known = settings.models.provider(&site.provider);
        // A path into the file needs the key as it is spelled there.
        let id = known.map_or(site.provider.as_str(), |provider| provider.key.as_str());
        let block = ["models", "providers", id];
        if self.sketch.get(&block).is_none() {
            let rows: Vec<Value> = site.rows.iter().map(row).collect();
            let value = json!({"baseUrl": site.base_url, "api": API, "models": rows});
            self.sketch.set(&block, value)?;
            let said = format!("{}, {} models", site.base_url, site.rows.len());
            self.say(&format!("models.providers.{id}"), &said);
            return Ok(());
        }
        let field = |name: &'static str| ["models", "providers", id, name];
        self.replace(&field("baseUrl"), &site.base_url)?;
        self.replace(&field("api"), API)?;
        self.rows(&field("models"), site)?;
        if known.is_some_and(|provider| provider.api_key.is_some()) {
            self.warnings.push(format!(
                "`models.providers.{id}.apiKey` holds another key, which is not used any more; `openclaw config unset models.providers.{id}.apiKey` removes it"
            ));
        }
        Ok(())
    }

    fn replace(&mut self, path: &[&str], new: &str) -> Result<(), Failed> {
        let old = self.sketch.get(path).cloned();
        if self.sketch.set(path, json!(new))? {
            let said = match old.as_ref().and_then(Value::as_str) {
                Some(old) => format!("{new} (instead of {old})"),
                None => new.to_owned(),
            };
            self.say(&path.join("."), &said);
        }
        Ok(())
    }

    /// Appends the rows that are missing; rows that are there are the person's.
    fn rows(&mut self, path: &[&str], site: &Site) -> Result<(), Failed> {
        let listed = self.sketch.get(path).and_then(Value::as_array);
        let has = |id: &str| {
            listed.is_some_and(|rows| rows.iter().any(|row| row.get("id") == Some(&json!(id))))
        };
        let missing: Vec<Value> = site
            .rows
            .iter()
            .filter(|row| !has(&row.id))
            .map(row)
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        let n_listed = listed.map(Vec::len);
        self.say(&path.join("."), &format!("{} rows added", missing.len()));
        let Some(n_listed) = n_listed else {
            return self.sketch.set(path, Value::Array(missing)).map(drop);
        };
        for (index, row) in (n_listed..).zip(missing) {
            self.sketch
                .set_at(ValuePath::of(path.iter().copied()).index(index), row)?;
        }
        Ok(())
    }

    fn is_empty_object(&self) -> bool {
        self.sketch
            .text()
            .value()
            .as_object()
            .is_some_and(serde_json::Map::is_empty)
    }

    fn say(&mut self, path: &str, what: &str) {
        self.changes.push(format!("{path}: {what}"));
    }
}

fn row(row: &catalog::ConfigModelRow) -> Value {
    // A row of texts and numbers always becomes a value.
    serde_json::to_value(row).unwrap_or_default()
}
