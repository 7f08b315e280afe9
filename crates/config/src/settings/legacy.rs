//! Keys of OpenClaw that were retired before the oldest supported release, and where their values belong today.
//!
//! They are an error, not a guess: nothing rewrites them on load. [`legacy_moves`] turns each into an explicit set of
//! edits, for the repair command to show and make.

use serde_json::{Map, Value, json};

use super::reader::Reader;
use crate::text::{ConfigText, Edit};
use crate::value_path::ValuePath;

/// How the value of a retired key is carried over.
#[derive(Clone, Copy)]
enum Carry {
    /// As it is.
    Whole,
    /// Each member into the defaults of agents.
    AgentDefaults,
    /// As the identity of the main agent.
    Identity,
    /// A map of agents becomes a list.
    Roster,
    /// A command becomes a model of kind `cli`.
    Transcription,
}

struct Retired {
    path: &'static str,
    replacement: &'static str,
    carry: Carry,
}

const fn moved(path: &'static str, replacement: &'static str) -> Retired {
    Retired {
        path,
        replacement,
        carry: Carry::Whole,
    }
}

const RETIRED: &[Retired] = &[
    Retired {
        path: "agent",
        replacement: "agents.defaults",
        carry: Carry::AgentDefaults,
    },
    Retired {
        path: "identity",
        replacement: "agents.list[0].identity",
        carry: Carry::Identity,
    },
    Retired {
        path: "routing.agents",
        replacement: "agents.list",
        carry: Carry::Roster,
    },
    Retired {
        path: "routing.transcribeAudio",
        replacement: "tools.media.audio",
        carry: Carry::Transcription,
    },
    moved("routing.queue", "messages.queue"),
    moved("routing.bindings", "bindings"),
    moved("routing.agentToAgent", "tools.agentToAgent"),
    moved("routing.allowFrom", "channels.whatsapp.allowFrom"),
    moved("routing.groupChat", "messages.groupChat"),
    moved("gateway.token", "gateway.auth.token"),
    moved("whatsapp", "channels.whatsapp"),
    moved("telegram", "channels.telegram"),
    moved("discord", "channels.discord"),
    moved("slack", "channels.slack"),
    moved("signal", "channels.signal"),
    moved("imessage", "channels.imessage"),
];

/// A retired key that a config has, and what carries its value over.
#[derive(Debug, Clone)]
pub struct LegacyMove {
    /// The retired key.
    pub path: ValuePath,
    /// What takes its place.
    pub replacement: &'static str,
    /// The edits, in order; `None` when the new place is taken, so that a person must choose.
    pub edits: Option<Vec<Edit>>,
}

/// Returns the retired keys of a text.
pub fn legacy_moves(text: &ConfigText) -> Vec<LegacyMove> {
    RETIRED
        .iter()
        .filter_map(|retired| {
            let path: ValuePath = retired.path.parse().ok()?;
            let value = text.get(&path)?;
            Some(LegacyMove {
                edits: retired.edits(text, &path, value),
                replacement: retired.replacement,
                path,
            })
        })
        .collect()
}

/// Returns whether a place is one of the retired ones, which are reported by themselves.
pub(super) fn is_retired(path: &ValuePath) -> bool {
    RETIRED.iter().any(|retired| {
        retired
            .path
            .parse()
            .is_ok_and(|known: ValuePath| known == *path)
    })
}

/// Notes an error for every retired key.
pub(super) fn check(reader: &mut Reader<'_>) {
    for found in legacy_moves(reader.text) {
        let message = format!(
            "this key was retired before 2026.3 and is not read; `{}` takes its place",
            found.replacement
        );
        let hint = match found.edits {
            Some(_) => "`openclaw doctor --fix` moves it".to_owned(),
            None => format!(
                "`{}` is set as well: remove one of the two",
                found.replacement
            ),
        };
        reader.error(found.path, message, Some(hint));
    }
}

impl Retired {
    fn edits(&self, text: &ConfigText, path: &ValuePath, value: &Value) -> Option<Vec<Edit>> {
        let to: ValuePath = self.replacement.parse().ok()?;
        let mut sets = match self.carry {
            Carry::Whole => vec![(to, value.clone())],
            Carry::AgentDefaults => agent_defaults(value.as_object()?),
            Carry::Identity => vec![(
                ValuePath::of(["agents", "list"]),
                json!([{"id": "main", "default": true, "identity": value}]),
            )],
            Carry::Roster => vec![(to, roster(value.as_object()?)?)],
            Carry::Transcription => vec![(to, transcription(value)?)],
        };
        // What a member becomes can be what another has set: the later ones of one key merge into the earlier.
        sets.retain(|(_, value)| !value.is_null());
        if sets.iter().any(|(to, _)| is_taken(text, to)) {
            return None;
        }
        let mut edits: Vec<Edit> = vec![Edit::Remove {
            path: emptied(text, path),
        }];
        edits.extend(
            sets.into_iter()
                .map(|(path, value)| Edit::Set { path, value }),
        );
        Some(edits)
    }
}

/// A place is taken when it has a value, or something above it has one that is no object.
fn is_taken(text: &ConfigText, path: &ValuePath) -> bool {
    let mut at = ValuePath::root();
    for segment in path.segments() {
        match text.get(&at) {
            None => return false,
            Some(Value::Object(_)) => at = at.step(segment.clone()),
            Some(_) => return true,
        }
    }
    text.get(&at).is_some()
}

/// Returns the path to remove: the parent, when nothing else would be left in it.
fn emptied(text: &ConfigText, path: &ValuePath) -> ValuePath {
    let parent = path.parent().filter(|parent| !parent.is_root());
    let only = |parent: &ValuePath| {
        text.get(parent)
            .and_then(Value::as_object)
            .is_some_and(|members| members.len() == 1)
    };
    parent.filter(only).unwrap_or_else(|| path.clone())
}

/// The members of `agent` that became something else than a member of `agents.defaults`.
fn agent_defaults(members: &Map<String, Value>) -> Vec<(ValuePath, Value)> {
    let defaults = ValuePath::of(["agents", "defaults"]);
    let mut sets = Vec::new();
    for (key, value) in members {
        match (key.as_str(), value) {
            ("model", Value::String(_)) => {
                sets.push((defaults.key("model").key("primary"), value.clone()));
            }
            ("modelFallbacks", _) => {
                sets.push((defaults.key("model").key("fallbacks"), value.clone()));
            }
            ("allowedModels", Value::Array(references)) => {
                for reference in references.iter().filter_map(Value::as_str) {
                    sets.push((defaults.key("models").key(reference), json!({})));
                }
            }
            ("modelAliases", Value::Object(aliases)) => {
                for (alias, reference) in aliases {
                    let at = defaults.key("models");
                    let target = reference.as_str().unwrap_or_default();
                    sets.push((at.key(target).key("alias"), json!(alias)));
                }
            }
            ("tools", _) => sets.push((ValuePath::of(["tools"]), value.clone())),
            _ => sets.push((defaults.key(key), value.clone())),
        }
    }
    sets
}

fn roster(agents: &Map<String, Value>) -> Option<Value> {
    let row = |(id, agent): (&String, &Value)| {
        let mut row = Map::new();
        row.insert("id".to_owned(), json!(id));
        row.extend(agent.as_object()?.clone());
        Some(Value::Object(row))
    };
    agents
        .iter()
        .map(row)
        .collect::<Option<Vec<_>>>()
        .map(Value::Array)
}

fn transcription(value: &Value) -> Option<Value> {
    let words = value.get("command")?.as_array()?;
    let (command, arguments) = words.split_first()?;
    let mut model = json!({"type": "cli", "command": command, "args": arguments});
    if let (Some(seconds), Some(model)) = (value.get("timeoutSeconds"), model.as_object_mut()) {
        model.insert("timeoutSeconds".to_owned(), seconds.clone());
    }
    Some(json!({"enabled": true, "models": [model]}))
}
