//! `models list`: models that can be used, and everything the config names.

use std::collections::HashSet;

use catalog::Standing;
use serde_json::{Value, json};

use super::names::Names;
use super::rows::{Row, Wanted, rows};
use crate::cli::models::ModelsListArgs;
use crate::context::Context;
use crate::exit_code::Exit;
use crate::failed::{Done, Failed};
use crate::output::{Output, strong};

/// Where the columns after the model begin, in characters; as in OpenClaw 2026.5.
const INPUT_AT: usize = 43;
/// Widths of the columns Input, Ctx, Local and Auth.
const WIDTHS: [usize; 4] = [11, 12, 6, 6];

/// Lists models.
pub(super) fn run(args: &ModelsListArgs, context: &Context) -> Done {
    let out = context.out.with_json(args.json);
    let config = context.config()?;
    config.warn_about_errors(out);
    let names = Names::of(context, &config)?;
    let providers = match &args.provider {
        Some(text) => Some(provider_ids(&names, text)?),
        None => None,
    };
    let wanted = Wanted {
        providers,
        all: args.all,
    };
    let rows = rows(&names, &wanted);
    explain(&names, &wanted, &rows, out);
    if args.json {
        let models: Vec<Value> = rows.iter().map(Row::json).collect();
        out.json(&json!({"count": models.len(), "models": models}));
    } else if args.plain {
        for row in &rows {
            out.line(&row.key);
        }
    } else {
        table(&rows, out);
    }
    Ok(Exit::Ok)
}

/// Returns the provider ids that `--provider` means: an id of the config exactly, else a whole service.
pub(super) fn provider_ids(names: &Names<'_>, text: &str) -> Result<HashSet<String>, Failed> {
    let wanted = text.trim().to_lowercase();
    if names.block(&wanted).is_some() && names.service(&wanted) != Some(wanted.as_str()) {
        return Ok([wanted].into());
    }
    let Some(known) = names.catalog.provider(&wanted) else {
        return match names.block(&wanted) {
            Some(_) => Ok([wanted].into()),
            None => Err(unknown_provider(names, text)),
        };
    };
    if known.status == Standing::Later {
        return Err(
            Failed::new(format!("provider `{}` is not available yet", known.id))
                .hint("`openclaw models list` shows what is"),
        );
    }
    let blocks = names.blocks_of_service(&known.id).into_iter();
    let own = blocks.map(|block| block.id.to_string());
    Ok(own.chain([known.id.clone()]).collect())
}

fn unknown_provider(names: &Names<'_>, text: &str) -> Failed {
    let ids = names.provider_ids();
    let near = catalog::nearest(text, ids.iter().copied(), 1);
    let suggestion = near
        .first()
        .map(|id| format!("did you mean `{id}`? "))
        .unwrap_or_default();
    Failed::new(format!("there is no provider `{}`", text.trim()))
        .hint(format!("{suggestion}known are {}", ids.join(", ")))
}

/// Says beside the list why models are there that cannot be used, or why there are none.
fn explain(names: &Names<'_>, wanted: &Wanted, rows: &[Row], out: Output) {
    let mut explained: HashSet<&str> = HashSet::new();
    let is_asked = |row: &&Row| wanted.providers.is_some() || row.is_used();
    for row in rows.iter().filter(|row| !row.is_available).filter(is_asked) {
        if !explained.insert(&row.provider) {
            continue;
        }
        if names.reach(&row.provider).is_none() {
            out.warn(format!(
                "`{}` leads nowhere: there is no such provider",
                row.key
            ));
        } else if let Some(problem) = names.problem(&row.provider) {
            out.warn(format!(
                "models of `{}` cannot be used: {problem}",
                row.provider
            ));
        }
    }
    if rows.iter().any(|row| row.is_available) {
        return;
    }
    if rows.is_empty() {
        out.note("No models found: nothing is configured and no key is there.");
    }
    out.hint(
        "`openclaw onboard` stores a key; `openclaw models list --all` shows the whole catalog",
    );
}

fn table(rows: &[Row], out: Output) {
    let longest = rows.iter().map(|row| row.key.chars().count() + 1).max();
    let first = longest.unwrap_or_default().max(INPUT_AT);
    let [input, context, local, auth] = WIDTHS;
    let line = |key: &str, cells: [&str; 5]| {
        let [inputs, tokens, is_local, is_available, tags] = cells;
        format!(
            "{key:<first$}{inputs:<input$}{tokens:<context$}{is_local:<local$}{is_available:<auth$}{tags}"
        )
        .trim_end()
        .to_owned()
    };
    if rows.is_empty() {
        return;
    }
    let head = ["Input", "Ctx", "Local", "Auth", "Tags"];
    out.line(strong(line("Model", head)));
    for row in rows {
        let cells = row.cells();
        out.line(line(&row.key, cells.each_ref().map(String::as_str)));
    }
}
