//! `config`: read and edit openclaw.json. Nothing here needs the catalog or the credentials.

use config::{ConfigText, Segment, ValuePath};
use serde_json::{Value, json};

use crate::cli::config::{ConfigCommand, ConfigEnvCommand, ConfigJsonArgs};
use crate::context::{Context, ReadConfig};
use crate::exit_code::Exit;
use crate::failed::{Done, Failed};

mod env;
mod get;
mod history;
mod patch;
mod set;
mod undo;
mod validate;

/// Keys listed for a path that does not exist.
const KEYS_SHOWN_MAX: usize = 12;
/// Names suggested for a mistyped key.
const SUGGESTIONS_MAX: usize = 3;

/// Runs one of the commands.
pub(crate) fn run(command: &ConfigCommand, context: &Context) -> Done {
    match command {
        ConfigCommand::Get(args) => get::run(args, context),
        ConfigCommand::Set(args) => set::set(args, context),
        ConfigCommand::Unset(args) => set::unset(args, context),
        ConfigCommand::Validate(args) => validate::run(args, context),
        ConfigCommand::File(args) => Ok(file(args, context)),
        ConfigCommand::Patch(args) => patch::run(args, context),
        ConfigCommand::Diff(args) => history::diff(args, context),
        ConfigCommand::History(args) => history::list(args, context),
        ConfigCommand::Undo(args) => undo::run(args, context),
        ConfigCommand::Env(args) => match &args.command {
            ConfigEnvCommand::Explain(args) => env::explain(args, context),
        },
        ConfigCommand::Schema => {
            context.out.json(&config::json_schema());
            Ok(Exit::Ok)
        }
    }
}

fn file(args: &ConfigJsonArgs, context: &Context) -> Exit {
    let path = context.home.config_path();
    if args.json {
        context
            .out
            .json(&json!({"path": path, "exists": path.is_file()}));
    } else {
        context.out.line(context.home.display(path));
    }
    Exit::Ok
}

fn parse_path(text: &str) -> Result<ValuePath, Failed> {
    text.trim().parse().map_err(|error| {
        Failed::of(&error)
            .hint("write it like `gateway.port` or `models.providers[\"qwen\"].baseUrl`")
    })
}

/// Refuses a config that is not there.
fn must_exist(config: &ReadConfig, context: &Context) -> Result<(), Failed> {
    if config.exists {
        return Ok(());
    }
    Err(no_file(context))
}

fn no_file(context: &Context) -> Failed {
    let file = context.home.display(context.home.config_path());
    Failed::new(format!("there is no config at {file}")).hint(
        "`openclaw onboard` sets one up; `openclaw config set <path> <value>` starts an empty one",
    )
}

/// Says which part of a path does not exist, and what is there instead.
fn no_such_value(text: &ConfigText, path: &ValuePath) -> Failed {
    let (found, value, missing) = deepest(text.value(), path);
    let message = format!("there is no `{path}` in the config");
    let missing = match missing {
        Some(Segment::Key(key)) => key.clone(),
        Some(Segment::Index(index)) => index.to_string(),
        None => return Failed::new(message),
    };
    Failed::new(message).hint(match value {
        Value::Object(members) => keys_hint(&found, &missing, members),
        Value::Array(items) => format!("`{found}` is a list with {} entries", items.len()),
        _ => format!("`{found}` has a value that holds no further keys"),
    })
}

fn keys_hint(found: &ValuePath, missing: &str, members: &serde_json::Map<String, Value>) -> String {
    let place = if found.is_root() {
        "the config".to_owned()
    } else {
        format!("`{found}`")
    };
    let keys: Vec<&str> = members.keys().map(String::as_str).collect();
    // A key with dots, typed as it is, arrives in pieces.
    let dotted = |key: &&&str| {
        key.strip_prefix(missing)
            .is_some_and(|rest| rest.starts_with('.'))
    };
    if let Some(key) = keys.iter().find(dotted) {
        return format!("quote keys that hold a dot: `{}`", found.key(*key));
    }
    let near = nearest(missing, &keys);
    if !near.is_empty() {
        let near: Vec<String> = near
            .iter()
            .map(|key| format!("`{}`", found.key(*key)))
            .collect();
        return format!("did you mean {}?", near.join(", "));
    }
    if keys.is_empty() {
        return format!("{place} is empty");
    }
    let more = match keys.len().saturating_sub(KEYS_SHOWN_MAX) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let shown: Vec<&str> = keys.into_iter().take(KEYS_SHOWN_MAX).collect();
    format!("{place} has {}{more}", shown.join(", "))
}

/// Walks as far as the path exists; returns that path, its value, and the first missing step.
fn deepest<'v, 'p>(
    root: &'v Value,
    path: &'p ValuePath,
) -> (ValuePath, &'v Value, Option<&'p Segment>) {
    let mut found = ValuePath::root();
    let mut value = root;
    for segment in path.segments() {
        let next = match segment {
            Segment::Key(key) => found.key(key),
            Segment::Index(index) => found.index(*index),
        };
        match next.look_up(root) {
            Some(inner) => (found, value) = (next, inner),
            None => return (found, value, Some(segment)),
        }
    }
    (found, value, None)
}

/// Returns keys close to a mistyped one; letters in the wrong order are the most common mistake.
fn nearest<'k>(missing: &str, keys: &[&'k str]) -> Vec<&'k str> {
    let letters = |word: &str| {
        let mut letters: Vec<char> = word.to_lowercase().chars().collect();
        letters.sort_unstable();
        letters
    };
    let swapped = keys.iter().find(|key| letters(key) == letters(missing));
    match swapped {
        Some(key) => vec![*key],
        None => catalog::nearest(missing, keys.iter().copied(), SUGGESTIONS_MAX),
    }
}
