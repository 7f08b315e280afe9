//! `plugins enable` and `plugins disable`: one value in the config, and an honest word about what it leads to.

use config::Edit;
use serde_json::json;

use super::built_in::{Plugin, json_of, named, retirement_text};
use crate::cli::plugins::PluginsSwitchArgs;
use crate::config_change::ConfigChange;
use crate::context::Context;
use crate::exit_code::Exit;
use crate::failed::{Done, Failed};

/// Switches plugins on or off.
pub(super) fn run(args: &PluginsSwitchArgs, on: bool, context: &Context) -> Done {
    let out = context.out.with_json(args.json);
    let mut plugins: Vec<&Plugin> = Vec::new();
    for id in &args.ids {
        let plugin = named(id)?;
        if !plugins.iter().any(|known| known.id == plugin.id) {
            plugins.push(plugin);
        }
    }
    let config = context.config()?;
    let edits: Vec<Edit> = plugins
        .iter()
        .filter(|plugin| config.text.get(&plugin.switch()) != Some(&json!(on)))
        .map(|plugin| Edit::Set {
            path: plugin.switch(),
            value: json!(on),
        })
        .collect();
    let change = ConfigChange::plan(&config, &edits)?;
    let warnings = warnings(&plugins, on, &change, context)?;
    for warning in &warnings {
        out.warn(warning);
    }
    let words = ["plugins", if on { "enable" } else { "disable" }];
    let (changes, diff) = (!edits.is_empty(), change.diff());
    let mut backup = None;
    if changes && !args.dry_run {
        backup = change.apply(context, &words)?.backup;
    }
    if args.json {
        let catalog = context.catalog()?;
        let shown: Vec<_> = plugins
            .iter()
            .map(|plugin| json_of(plugin, change.text(), &catalog))
            .collect();
        out.json(&json!({
            "ok": true,
            "plugins": shown,
            "changed": changes,
            "dryRun": args.dry_run,
            "configPath": config.store.path(),
            "backup": backup,
            "warnings": warnings,
            "diff": if changes { diff } else { Vec::new() },
        }));
        return Ok(Exit::Ok);
    }
    if args.dry_run && changes {
        change.show(context);
        return Ok(Exit::Ok);
    }
    for plugin in &plugins {
        let is_new = config.text.get(&plugin.switch()) != Some(&json!(on));
        out.line(done(plugin, on, is_new));
    }
    Ok(Exit::Ok)
}

fn done(plugin: &Plugin, on: bool, is_new: bool) -> String {
    match (on, is_new) {
        (true, true) => format!("Enabled plugin \"{}\".", plugin.id),
        (false, true) => format!("Disabled plugin \"{}\".", plugin.id),
        (true, false) => format!("Plugin \"{}\" is already enabled.", plugin.id),
        (false, false) => format!("Plugin \"{}\" is already disabled.", plugin.id),
    }
}

/// Returns what a person should know: what has ended, and what the switch does not change.
fn warnings(
    plugins: &[&Plugin],
    on: bool,
    change: &ConfigChange<'_>,
    context: &Context,
) -> Result<Vec<String>, Failed> {
    let catalog = context.catalog()?;
    let mut warnings = Vec::new();
    for plugin in plugins {
        let standing = plugin.standing(change.text());
        if on {
            let text = retirement_text(&plugin.retirements(&catalog));
            warnings.extend(text.map(|text| format!("`{}` is retired {text}", plugin.id)));
        } else if let Some(caution) = plugin.disabled_caution {
            warnings.push(format!("`{}`: {caution}", plugin.id));
        }
        if on && !standing.enabled {
            warnings.push(format!(
                "`{}` stays switched off by `{}`; `openclaw config get plugins` shows it",
                plugin.id, standing.because
            ));
        }
    }
    Ok(warnings)
}
