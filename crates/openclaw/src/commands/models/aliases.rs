//! `models aliases`: short names, kept at `agents.defaults.models.<ref>.alias`.

use config::Edit;
use serde_json::{Map, json};

use super::choice::{cautions, choose, defaults_path, key_in_map};
use super::names::Names;
use crate::cli::models::{AliasesArgs, AliasesCommand, ListFormatArgs};
use crate::config_change::ConfigChange;
use crate::context::{Context, ReadConfig};
use crate::exit_code::Exit;
use crate::failed::{Done, Failed};
use crate::output::strong;

/// The longest alias, in characters.
const ALIAS_CHARS_MAX: usize = 64;
/// Names that mean agents.
const AGENT: &str = "openclaw";

/// Runs one of the commands.
pub(super) fn run(args: &AliasesArgs, context: &Context) -> Done {
    let config = context.config()?;
    match &args.command {
        None => Ok(list(&ListFormatArgs::default(), &config, context)),
        Some(AliasesCommand::List(format)) => Ok(list(format, &config, context)),
        Some(AliasesCommand::Add { alias, reference }) => {
            add(alias.trim(), reference, &config, context)
        }
        Some(AliasesCommand::Remove { alias }) => remove(alias.trim(), &config, context),
    }
}

/// Returns aliases with what they stand for.
fn aliases(config: &ReadConfig) -> Vec<(&str, &str)> {
    let rows = config.settings.agents.defaults.models.iter();
    rows.filter_map(|row| Some((row.alias.as_deref()?, row.reference.as_str())))
        .collect()
}

fn list(format: &ListFormatArgs, config: &ReadConfig, context: &Context) -> Exit {
    let out = context.out.with_json(format.json);
    let aliases = aliases(config);
    if format.json {
        let map: Map<_, _> = aliases
            .iter()
            .map(|(alias, reference)| ((*alias).to_owned(), json!(reference)))
            .collect();
        out.json(&json!({"aliases": map}));
        return Exit::Ok;
    }
    if format.plain {
        for (alias, reference) in aliases {
            out.line(format!("{alias} {reference}"));
        }
        return Exit::Ok;
    }
    out.line(strong(format!("Aliases ({}):", aliases.len())));
    for (alias, reference) in &aliases {
        out.line(format!("- {alias} -> {reference}"));
    }
    if aliases.is_empty() {
        out.line("- none");
    }
    Exit::Ok
}

fn add(alias: &str, reference: &str, config: &ReadConfig, context: &Context) -> Done {
    check_name(alias)?;
    let names = Names::of(context, config)?;
    let named = choose(&names, reference)?;
    let key = named.key();
    if let Some((known, target)) = find(&names.aliases(), alias)
        && names.look_up(target).as_ref() != Some(&named)
    {
        return Err(
            Failed::new(format!("the alias `{known}` already stands for `{target}`")).hint(
                format!("`openclaw models aliases remove \"{known}\"` frees it"),
            ),
        );
    }
    for caution in cautions(&names, reference, &named) {
        context.out.warn(caution);
    }
    let entry = key_in_map(&names, &config.text, &named).unwrap_or_else(|| key.clone());
    let path = defaults_path().key("models").key(entry).key("alias");
    let edit = Edit::Set {
        path,
        value: json!(alias),
    };
    ConfigChange::plan(config, &[edit])?.apply(context, &["models", "aliases", "add"])?;
    context.out.line(format!("Alias {alias} -> {key}"));
    Ok(Exit::Ok)
}

fn remove(alias: &str, config: &ReadConfig, context: &Context) -> Done {
    let aliases = aliases(config);
    let Some((known, reference)) = find(&aliases, alias) else {
        return Err(no_such_alias(alias, &aliases));
    };
    let path = defaults_path().key("models").key(reference).key("alias");
    ConfigChange::plan(config, &[Edit::Remove { path }])?
        .apply(context, &["models", "aliases", "remove"])?;
    context
        .out
        .line(format!("Alias {known} removed ({reference} stays)"));
    Ok(Exit::Ok)
}

/// Finds an alias; case only matters when two differ in nothing else.
fn find<'a>(aliases: &[(&'a str, &'a str)], alias: &str) -> Option<(&'a str, &'a str)> {
    let exact = aliases.iter().find(|(known, _)| *known == alias);
    let any_case = || {
        aliases
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(alias))
    };
    exact.or_else(any_case).copied()
}

fn no_such_alias(alias: &str, aliases: &[(&str, &str)]) -> Failed {
    let known: Vec<&str> = aliases.iter().map(|(known, _)| *known).collect();
    Failed::new(format!("there is no alias `{alias}`")).hint(match known.as_slice() {
        [] => "no aliases are configured".to_owned(),
        known => format!("there are `{}`", known.join("`, `")),
    })
}

fn check_name(alias: &str) -> Result<(), Failed> {
    let is_bad = alias.is_empty()
        || alias.chars().count() > ALIAS_CHARS_MAX
        || alias.chars().any(|c| c == '/' || c.is_control())
        || alias.eq_ignore_ascii_case(AGENT);
    if !is_bad {
        return Ok(());
    }
    Err(
        Failed::new(format!("`{}` cannot be an alias", alias.escape_debug())).hint(format!(
            "use 1 to {ALIAS_CHARS_MAX} characters without `/`; `{AGENT}` is the agent"
        )),
    )
}
