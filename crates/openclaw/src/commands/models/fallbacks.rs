//! `models fallbacks`: models tried in order when the default fails, kept at `agents.defaults.model.fallbacks`.

use config::{Edit, ValuePath};
use serde_json::{Value, json};

use super::choice::{allow, cautions, choose, defaults_path, must_chat};
use super::names::Names;
use crate::cli::models::{FallbacksArgs, FallbacksCommand, ListFormatArgs};
use crate::config_change::ConfigChange;
use crate::context::{Context, ReadConfig};
use crate::exit_code::Exit;
use crate::failed::{Done, Failed};
use crate::output::strong;

/// Runs one of the commands.
pub(super) fn run(args: &FallbacksArgs, context: &Context) -> Done {
    let config = context.config()?;
    match &args.command {
        None => Ok(list(&ListFormatArgs::default(), &config, context)),
        Some(FallbacksCommand::List(format)) => Ok(list(format, &config, context)),
        Some(FallbacksCommand::Add { reference }) => add(reference, &config, context),
        Some(FallbacksCommand::Remove { reference }) => remove(reference, &config, context),
        Some(FallbacksCommand::Clear) => clear(&config, context),
    }
}

fn fallbacks(config: &ReadConfig) -> &[String] {
    &config.settings.agents.defaults.model.fallbacks
}

fn list(format: &ListFormatArgs, config: &ReadConfig, context: &Context) -> Exit {
    let out = context.out.with_json(format.json);
    let fallbacks = fallbacks(config);
    if format.json {
        out.json(&json!({"fallbacks": fallbacks}));
    } else if format.plain {
        for reference in fallbacks {
            out.line(reference);
        }
    } else {
        out.line(strong(format!("Fallbacks ({}):", fallbacks.len())));
        for reference in fallbacks {
            out.line(format!("- {reference}"));
        }
        if fallbacks.is_empty() {
            out.line("- none");
        }
    }
    Exit::Ok
}

fn add(reference: &str, config: &ReadConfig, context: &Context) -> Done {
    let names = Names::of(context, config)?;
    let named = choose(&names, reference)?;
    must_chat(&names, &named)?;
    for caution in cautions(&names, reference, &named) {
        context.out.warn(caution);
    }
    let mut shown = fallbacks(config).to_vec();
    let is_there = shown
        .iter()
        .any(|known| names.look_up(known).as_ref() == Some(&named));
    let mut edits = Vec::new();
    if !is_there {
        edits.push(append(config, &named.key()));
        shown.push(named.key());
    }
    edits.extend(allow(&names, &config.text, &named));
    ConfigChange::plan(config, &edits)?.apply(context, &["models", "fallbacks", "add"])?;
    context.out.line(format!("Fallbacks: {}", shown.join(", ")));
    Ok(Exit::Ok)
}

/// Returns the edit that adds a fallback: at the end of the list, or as its first entry.
fn append(config: &ReadConfig, key: &str) -> Edit {
    let model = defaults_path().key("model");
    let list = model.key("fallbacks");
    match (config.text.get(&model), config.text.get(&list)) {
        (_, Some(Value::Array(items))) => Edit::Set {
            path: list.index(items.len()),
            value: json!(key),
        },
        // A text has no room for fallbacks.
        (Some(Value::String(primary)), _) => Edit::Set {
            path: model,
            value: json!({"primary": primary, "fallbacks": [key]}),
        },
        _ => Edit::Set {
            path: list,
            value: json!([key]),
        },
    }
}

fn remove(reference: &str, config: &ReadConfig, context: &Context) -> Done {
    let items = items(config);
    let typed = reference.trim();
    let exact = items.iter().position(|item| item.as_str() == Some(typed));
    let position = match exact {
        Some(position) => Some(position),
        None => by_meaning(typed, &items, config, context)?,
    };
    let Some(position) = position else {
        let shown = fallbacks(config);
        return Err(
            Failed::new(format!("`{typed}` is not among the fallbacks")).hint(
                if shown.is_empty() {
                    "there are none".to_owned()
                } else {
                    format!("there are `{}`", shown.join("`, `"))
                },
            ),
        );
    };
    let path = list_path().index(position);
    ConfigChange::plan(config, &[Edit::Remove { path }])?
        .apply(context, &["models", "fallbacks", "remove"])?;
    let left: Vec<&str> = items
        .iter()
        .enumerate()
        .filter(|(index, _)| *index != position)
        .filter_map(|(_, item)| item.as_str())
        .collect();
    context.out.line(if left.is_empty() {
        "Fallbacks: none".to_owned()
    } else {
        format!("Fallbacks: {}", left.join(", "))
    });
    Ok(Exit::Ok)
}

/// Finds a fallback that is written differently but means the same model.
fn by_meaning(
    typed: &str,
    items: &[Value],
    config: &ReadConfig,
    context: &Context,
) -> Result<Option<usize>, Failed> {
    let names = Names::of(context, config)?;
    let wanted = names.look_up(typed);
    Ok(items.iter().position(|item| {
        wanted.is_some() && item.as_str().and_then(|text| names.look_up(text)) == wanted
    }))
}

fn clear(config: &ReadConfig, context: &Context) -> Done {
    let mut edits = Vec::new();
    if !items(config).is_empty() {
        edits.push(Edit::Set {
            path: list_path(),
            value: json!([]),
        });
        ConfigChange::plan(config, &edits)?.apply(context, &["models", "fallbacks", "clear"])?;
    }
    context.out.line("Fallback list cleared.");
    Ok(Exit::Ok)
}

fn items(config: &ReadConfig) -> Vec<Value> {
    config
        .text
        .get(&list_path())
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default()
}

fn list_path() -> ValuePath {
    defaults_path().key("model").key("fallbacks")
}
