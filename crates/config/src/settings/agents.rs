//! `agents`: which models are used for what, and the roster of agents.

use serde_json::Value;

use super::reader::{Reader, Section};
use crate::ids::AgentId;
use crate::value_path::ValuePath;

/// `agents`.
#[derive(Debug, Clone, Default)]
pub struct AgentsSettings {
    /// `defaults`.
    pub defaults: AgentDefaults,
    /// `list[]` or `entries`, in file order.
    pub entries: Vec<AgentEntry>,
}

/// `agents.defaults`.
#[derive(Debug, Clone, Default)]
pub struct AgentDefaults {
    /// `model`: what chat uses.
    pub model: ModelChoice,
    /// `imageModel`: what reads images when the chat model cannot.
    pub image_model: ModelChoice,
    /// `imageGenerationModel`: what draws images.
    pub image_generation_model: ModelChoice,
    /// `videoGenerationModel`, or `mediaModels.video` of newer homes: what makes videos.
    pub video_generation_model: ModelChoice,
    /// `models`: aliases and parameters per model, in file order.
    pub models: Vec<AgentModel>,
    /// `workspace`: a folder; `~` is not expanded yet.
    pub workspace: Option<String>,
    /// `thinkingDefault`: how long models think when nobody says.
    pub thinking_default: Option<String>,
}

/// A model and what is tried after it. The references are as written: a bare model id needs the catalog.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ModelChoice {
    /// The model.
    pub primary: Option<String>,
    /// What is tried after it, in order.
    pub fallbacks: Vec<String>,
}

/// One entry of `agents.defaults.models`.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentModel {
    /// The model reference, as written.
    pub reference: String,
    /// `alias`: a short name for it.
    pub alias: Option<String>,
    /// `params`: request fields that are sent with it.
    pub params: Option<Value>,
    /// `streaming`.
    pub streaming: Option<bool>,
}

/// One agent.
#[derive(Debug, Clone)]
pub struct AgentEntry {
    /// Its id.
    pub id: AgentId,
    /// `name`.
    pub name: Option<String>,
    /// `default`: whether it answers when nobody is named.
    pub is_default: bool,
    /// `model`, when it differs from the defaults.
    pub model: Option<ModelChoice>,
    /// `workspace`.
    pub workspace: Option<String>,
    /// `agentDir`.
    pub agent_dir: Option<String>,
}

pub(super) const THINKING_LEVELS: [&str; 10] = [
    "off", "none", "minimal", "low", "medium", "high", "xhigh", "adaptive", "max", "ultra",
];

impl AgentsSettings {
    pub(super) fn read(reader: &mut Reader<'_>, section: &Section<'_>) -> Self {
        let defaults = reader.part(section, "defaults", AgentDefaults::read);
        let mut entries: Vec<AgentEntry> = Vec::new();
        for (path, value) in reader.list(section, "list") {
            let Some(row) = reader.as_section(path, value) else {
                continue;
            };
            match reader.text(&row, "id") {
                Some(id) => entries.extend(entry(reader, &id, &row)),
                None if row.value("id").is_none() => {
                    reader.error(row.path, "`id` is missing", None);
                }
                None => {}
            }
        }
        for (id, row) in reader.sections(section, "entries") {
            entries.extend(entry(reader, id, &row));
        }
        Self { defaults, entries }
    }
}

impl AgentDefaults {
    fn read(reader: &mut Reader<'_>, section: &Section<'_>) -> Self {
        let models = reader.sections(section, "models");
        let model = |(reference, row): (&str, Section<'_>)| AgentModel {
            reference: reference.to_owned(),
            alias: reader.text(&row, "alias"),
            params: row.value("params").cloned(),
            streaming: reader.flag(&row, "streaming"),
        };
        let models = models.into_iter().map(model).collect();
        let thinking_default = reader.text(section, "thinkingDefault");
        if let Some(level) = thinking_default
            .as_deref()
            .filter(|level| !THINKING_LEVELS.contains(level))
        {
            let hint = format!("known are {}", THINKING_LEVELS.join(", "));
            reader.warning(
                section.path.key("thinkingDefault"),
                format!("`{level}` is not known"),
                Some(hint),
            );
        }
        Self {
            model: model_choice(reader, section, "model").unwrap_or_default(),
            image_model: model_choice(reader, section, "imageModel").unwrap_or_default(),
            image_generation_model: model_choice(reader, section, "imageGenerationModel")
                .unwrap_or_default(),
            video_generation_model: video_choice(reader, section),
            models,
            workspace: reader.text(section, "workspace"),
            thinking_default,
        }
    }
}

fn entry(reader: &mut Reader<'_>, id: &str, row: &Section<'_>) -> Option<AgentEntry> {
    let id = match AgentId::new(id) {
        Ok(id) => id,
        Err(error) => {
            reader.error(row.path.clone(), error.to_string(), None);
            return None;
        }
    };
    Some(AgentEntry {
        id,
        name: reader.text(row, "name"),
        is_default: reader.flag(row, "default").unwrap_or_default(),
        model: model_choice(reader, row, "model"),
        workspace: reader.text(row, "workspace"),
        agent_dir: reader.text(row, "agentDir"),
    })
}

fn video_choice(reader: &mut Reader<'_>, defaults: &Section<'_>) -> ModelChoice {
    let newer = |reader: &mut Reader<'_>| {
        let path = defaults.path.key("mediaModels");
        let Some(Value::Object(members)) = defaults.value("mediaModels") else {
            return None;
        };
        model_choice(reader, &Section { path, members }, "video")
    };
    let own = model_choice(reader, defaults, "videoGenerationModel");
    own.or_else(|| newer(reader)).unwrap_or_default()
}

fn model_choice(reader: &mut Reader<'_>, parent: &Section<'_>, key: &str) -> Option<ModelChoice> {
    let path: ValuePath = parent.path.key(key);
    match parent.value(key)? {
        Value::String(primary) => Some(ModelChoice {
            primary: Some(primary.clone()),
            fallbacks: Vec::new(),
        }),
        Value::Object(members) => {
            let section = Section { path, members };
            let primary = reader.text(&section, "primary");
            Some(ModelChoice {
                primary,
                fallbacks: reader.texts(&section, "fallbacks"),
            })
        }
        _ => {
            reader.error(
                path,
                "must be a model reference or `{primary, fallbacks}`",
                None,
            );
            None
        }
    }
}
