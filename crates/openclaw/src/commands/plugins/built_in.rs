//! The table of built-in plugins, and what the config says about each.

use catalog::{Catalog, Sunset, SunsetSubject};
use config::{ConfigText, ValuePath};
use serde_json::{Value, json};

use crate::failed::Failed;

/// The plugin whose login `models auth login` makes.
pub(crate) const PORTAL_LOGIN: &str = "qwen-portal-auth";

/// One built-in plugin.
#[derive(Debug)]
pub(crate) struct Plugin {
    pub(crate) id: &'static str,
    pub(crate) name: &'static str,
    /// What it is for, in one line.
    pub(crate) summary: &'static str,
    /// Whether it is switched on where the config says nothing.
    enabled_by_default: bool,
    /// OpenClaw's words for what it adds.
    pub(crate) capabilities: &'static [&'static str],
    pub(crate) provider_ids: &'static [&'static str],
    /// What `disable` does not do, if that needs saying.
    pub(crate) disabled_caution: Option<&'static str>,
}

/// Every built-in plugin.
pub(crate) const PLUGINS: [Plugin; 2] = [
    Plugin {
        id: "qwen",
        name: "Qwen Cloud",
        summary: "models of Qwen Cloud by key, and models that look at images and videos",
        enabled_by_default: true,
        capabilities: &["text-inference", "media-understanding"],
        provider_ids: &["qwen", "qwen-token-plan", "qwen-oauth"],
        disabled_caution: Some(
            "OpenClaw obeys this; here the provider is part of the program and stays usable",
        ),
    },
    Plugin {
        id: PORTAL_LOGIN,
        name: "Qwen Portal login",
        summary: "device login of the Qwen Portal (`openclaw models auth login`)",
        enabled_by_default: false,
        capabilities: &["provider-auth"],
        provider_ids: &["qwen-portal"],
        disabled_caution: None,
    },
];

/// Whether a plugin is switched on, and what decides it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) enabled: bool,
    /// The setting that decides; `default` when the config says nothing.
    pub(crate) because: &'static str,
}

impl Standing {
    /// Returns the word OpenClaw uses.
    pub(crate) fn word(&self) -> &'static str {
        if self.enabled { "enabled" } else { "disabled" }
    }
}

/// Returns the plugin of this id; the failure names the nearest.
pub(crate) fn named(id: &str) -> Result<&'static Plugin, Failed> {
    let wanted = id.trim();
    if let Some(plugin) = PLUGINS
        .iter()
        .find(|plugin| plugin.id.eq_ignore_ascii_case(wanted))
    {
        return Ok(plugin);
    }
    let ids = PLUGINS.map(|plugin| plugin.id);
    let near = catalog::nearest(wanted, ids, 1);
    let suggestion = near
        .first()
        .map(|id| format!("did you mean `{id}`? "))
        .unwrap_or_default();
    let shown: String = wanted.chars().take(100).collect();
    Err(
        Failed::new(format!("there is no plugin `{}`", shown.escape_debug())).hint(format!(
            "{suggestion}built in are {}; `openclaw plugins list` shows them",
            ids.join(", ")
        )),
    )
}

impl Plugin {
    /// Returns the path of the switch in the config.
    pub(crate) fn switch(&self) -> ValuePath {
        ValuePath::of(["plugins", "entries", self.id, "enabled"])
    }

    /// Decides as OpenClaw does: the master switch and the deny list beat the entry, an allow list that leaves it out
    /// too.
    pub(crate) fn standing(&self, text: &ConfigText) -> Standing {
        let at = |key: &str| text.get(&ValuePath::of(["plugins", key]));
        let names = |list: &Value| {
            let items = list.as_array().into_iter().flatten();
            items.filter_map(Value::as_str).any(|id| id == self.id)
        };
        let off = |because| Standing {
            enabled: false,
            because,
        };
        if at("enabled") == Some(&json!(false)) {
            return off("plugins.enabled");
        }
        if at("deny").is_some_and(names) {
            return off("plugins.deny");
        }
        let is_left_out = |list: &Value| {
            let is_empty = list.as_array().is_none_or(Vec::is_empty);
            !is_empty && !names(list)
        };
        if at("allow").is_some_and(is_left_out) {
            return off("plugins.allow");
        }
        match text.get(&self.switch()).and_then(Value::as_bool) {
            Some(enabled) => Standing {
                enabled,
                because: "plugins.entries",
            },
            None => Standing {
                enabled: self.enabled_by_default,
                because: "default",
            },
        }
    }

    /// Returns what ended for the plugin: its own row first, then those of the hosts that it leads to.
    pub(crate) fn retirements<'c>(&self, catalog: &'c Catalog) -> Vec<&'c Sunset> {
        let own: Vec<&Sunset> = catalog
            .sunsets_for(SunsetSubject::Plugin, self.id)
            .collect();
        if own.is_empty() {
            return own;
        }
        let hosts = self
            .provider_ids
            .iter()
            .filter_map(|id| catalog.provider(id))
            .filter_map(|provider| catalog.endpoint(&provider.assumed_endpoint))
            .map(catalog::Endpoint::host);
        let of_hosts = hosts.flat_map(|host| catalog.sunsets_for(SunsetSubject::Host, host));
        own.iter().copied().chain(of_hosts).collect()
    }
}

/// Writes retirements for people: what ended when, and what to do instead.
pub(crate) fn retirement_text(rows: &[&Sunset]) -> Option<String> {
    let first = rows.first()?;
    let texts: Vec<&str> = rows.iter().map(|row| row.text.as_str()).collect();
    let day = first
        .date
        .map(|day| format!("since {day}: "))
        .unwrap_or_default();
    let next = rows
        .iter()
        .find_map(|row| row.next.as_deref())
        .map(|next| format!("; do this instead: `{next}`"))
        .unwrap_or_default();
    Some(format!("{day}{}{next}", texts.join("; ")))
}

/// Returns a plugin as data.
pub(crate) fn json_of(plugin: &Plugin, text: &ConfigText, catalog: &Catalog) -> Value {
    let standing = plugin.standing(text);
    let retirements = plugin.retirements(catalog);
    let retired = retirements.first().map(|first| {
        let texts: Vec<&str> = retirements.iter().map(|row| row.text.as_str()).collect();
        let next = retirements.iter().find_map(|row| row.next.as_deref());
        json!({
            "date": first.date.map(|day| day.to_string()),
            "text": texts.join("; "),
            "next": next,
        })
    });
    json!({
        "id": plugin.id,
        "name": plugin.name,
        "version": env!("CARGO_PKG_VERSION"),
        "format": "built-in",
        "origin": "bundled",
        "enabled": standing.enabled,
        "status": standing.word(),
        "because": standing.because,
        "summary": plugin.summary,
        "capabilities": plugin.capabilities,
        "providerIds": plugin.provider_ids,
        "retired": retired,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(id: &str, config: &str) -> (bool, &'static str) {
        let text = ConfigText::parse("openclaw.json", config.as_bytes().to_vec()).unwrap();
        let standing = named(id).unwrap().standing(&text);
        (standing.enabled, standing.because)
    }

    #[test]
    fn the_narrower_setting_never_beats_a_ban() {
        for (id, config, expected) in [
            ("qwen", "{}", (true, "default")),
            ("qwen-portal-auth", "{}", (false, "default")),
            (
                "qwen-portal-auth",
                "{plugins: {entries: {'qwen-portal-auth': {enabled: true}}}}",
                (true, "plugins.entries"),
            ),
            (
                "qwen-portal-auth",
                "{plugins: {enabled: false, entries: {'qwen-portal-auth': {enabled: true}}}}",
                (false, "plugins.enabled"),
            ),
            (
                "qwen",
                "{plugins: {deny: ['qwen']}}",
                (false, "plugins.deny"),
            ),
            ("qwen", "{plugins: {allow: []}}", (true, "default")),
            (
                "qwen",
                "{plugins: {allow: ['other']}}",
                (false, "plugins.allow"),
            ),
            ("qwen", "{plugins: {allow: ['qwen']}}", (true, "default")),
        ] {
            assert_eq!(standing(id, config), expected, "{id} {config}");
        }
    }

    #[test]
    fn the_portal_login_names_its_day_and_what_to_do() {
        let catalog = Catalog::builtin().unwrap();
        let plugin = named(PORTAL_LOGIN).unwrap();
        let text = retirement_text(&plugin.retirements(&catalog)).unwrap();
        assert!(text.contains("2026-04-15"), "{text}");
        assert!(text.contains("free tier"), "{text}");
        assert!(text.contains("`openclaw onboard"), "{text}");
        let qwen = named("QWEN").unwrap();
        assert!(qwen.retirements(&catalog).is_empty());
    }
}
