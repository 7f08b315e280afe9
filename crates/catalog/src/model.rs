//! Models: one row per id, and the view of a row on one provider and plan.

use serde::{Deserialize, Serialize};

use crate::plan::{PerPlan, Plan};
use crate::provider::Provider;

text_enum! {
    /// What a model is for.
    pub enum ModelKind {
        /// Conversation; may take images too.
        Chat => "chat",
        /// Looks at images and videos, asked through chat; not offered as a conversation model.
        Vision => "vision",
        /// Speech and text in and out through chat, streams only.
        Omni => "omni",
        /// Makes or edits images.
        Image => "image",
        /// Makes videos.
        Video => "video",
        /// Turns text or media into vectors.
        Embedding => "embedding",
        /// Orders documents by relevance.
        Rerank => "rerank",
        /// Turns text into speech.
        Speech => "speech",
        /// Turns speech into text.
        Transcription => "transcription",
        /// Something else that cannot converse.
        Other => "other",
    }
}

text_enum! {
    /// What a request to a model may contain.
    pub enum InputKind {
        /// Text.
        Text => "text",
        /// Images.
        Image => "image",
        /// Videos.
        Video => "video",
        /// Sound.
        Audio => "audio",
    }
}

text_enum! {
    /// What shipped data says about a model on a plan; a live answer always beats it.
    pub enum Availability {
        /// Known to answer.
        Yes => "yes",
        /// Offered on paper, often refused.
        Unlikely => "unlikely",
        /// Known to be refused.
        No => "no",
        /// Nothing is known.
        Unknown => "unknown",
    }
}

/// One model row, independent of providers.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// Id as the service spells it; upper and lower case matter to the service.
    pub id: String,
    /// Name shown to people; the id when none.
    #[serde(default)]
    pub name: Option<String>,
    /// What it is for.
    #[serde(default = "chat")]
    pub kind: ModelKind,
    /// What a request may contain.
    pub input: Vec<InputKind>,
    /// Window in tokens; none when it has no such limit or it is not known.
    #[serde(default)]
    pub context_window: Option<u64>,
    /// Longest answer in tokens; none when it has no such limit or it is not known.
    #[serde(default)]
    pub max_output_tokens: Option<u64>,
    /// The flag written into a config row.
    #[serde(default)]
    pub reasoning: bool,
    /// Where it is known to answer; a plan left out never offered it.
    #[serde(default = "nowhere")]
    pub plans: PerPlan<Availability>,
    /// What differs on one plan.
    #[serde(default = "no_differences")]
    pub on: PerPlan<PlanDifference>,
}

/// What differs for a model on one plan; a field left out is as on the row.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PlanDifference {
    /// Window in tokens.
    pub context_window: Option<u64>,
    /// Longest answer in tokens.
    pub max_output_tokens: Option<u64>,
    /// The flag written into a config row.
    pub reasoning: Option<bool>,
    /// Left out of menus; still usable by name.
    pub hidden: bool,
    /// Id to use instead.
    pub replaced_by: Option<String>,
}

/// A model as one provider serves it on one plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ModelRow<'a> {
    /// Provider that serves it.
    pub provider: &'a Provider,
    /// Plan the values hold for; none when asked without one.
    pub plan: Option<Plan>,
    /// The row without regard to the plan.
    pub model: &'a Model,
    /// Window in tokens on this plan.
    pub context_window: Option<u64>,
    /// Longest answer in tokens on this plan.
    pub max_output_tokens: Option<u64>,
    /// The flag written into a config row on this plan.
    pub reasoning: bool,
    /// What shipped data says; without a plan, the best of the provider's plans.
    pub availability: Availability,
    /// Left out of menus; still usable by name.
    pub hidden: bool,
    /// Id to use instead, when the model is on its way out on this plan.
    pub replaced_by: Option<&'a str>,
}

/// Window written into a config row when none is known, in tokens.
const UNKNOWN_CONTEXT_WINDOW: u64 = 128_000;
/// Longest answer written into a config row when none is known, in tokens.
const UNKNOWN_MAX_OUTPUT: u64 = 8_192;

impl<'a> ModelRow<'a> {
    /// Returns the id as the service spells it.
    pub fn id(&self) -> &'a str {
        &self.model.id
    }

    /// Returns the name shown to people.
    pub fn name(&self) -> &'a str {
        self.model.name.as_deref().unwrap_or(&self.model.id)
    }

    /// Returns `provider/id`.
    pub fn key(&self) -> String {
        format!("{}/{}", self.provider.id, self.model.id)
    }

    /// Returns what a request may contain.
    pub fn input(&self) -> &'a [InputKind] {
        &self.model.input
    }

    /// Whether a set-up of this provider makes it primary.
    pub fn is_default(&self) -> bool {
        self.provider.default_model == self.model.id
    }

    /// Whether it can be offered for conversation on this plan: a chat model, known to answer, in menus.
    pub fn is_offered(&self) -> bool {
        self.availability == Availability::Yes && self.model.kind == ModelKind::Chat && !self.hidden
    }

    /// Returns the row that goes under `models.providers.<id>.models` in `openclaw.json`.
    pub fn config_row(&self) -> ConfigModelRow {
        ConfigModelRow {
            id: self.id().to_owned(),
            name: self.name().to_owned(),
            reasoning: self.reasoning,
            input: self.input().to_vec(),
            cost: ConfigModelCost::default(),
            context_window: self.context_window.unwrap_or(UNKNOWN_CONTEXT_WINDOW),
            max_tokens: self.max_output_tokens.unwrap_or(UNKNOWN_MAX_OUTPUT),
        }
    }
}

/// A model row in the form that `openclaw.json` holds, fields in its order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConfigModelRow {
    /// Model id.
    pub id: String,
    /// Name shown to people.
    pub name: String,
    /// Whether the model reasons.
    pub reasoning: bool,
    /// What a request may contain.
    pub input: Vec<InputKind>,
    /// Prices; the file format wants them, the catalog leaves them at zero.
    pub cost: ConfigModelCost,
    /// Window in tokens.
    pub context_window: u64,
    /// Longest answer in tokens.
    pub max_tokens: u64,
}

/// Prices in a config row; always zero.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConfigModelCost {
    /// Price of input tokens.
    pub input: u64,
    /// Price of output tokens.
    pub output: u64,
    /// Price of input tokens found in the cache.
    pub cache_read: u64,
    /// Price of input tokens written to the cache.
    pub cache_write: u64,
}

/// One row that tells a model's kind from its name.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KindPattern {
    /// Unique id.
    pub id: String,
    /// Lower-case text the id starts with.
    #[serde(default)]
    pub prefix: Option<String>,
    /// Lower-case text the id contains.
    #[serde(default)]
    pub contains: Option<String>,
    /// The kind it then has.
    pub kind: ModelKind,
}

impl KindPattern {
    /// Whether a lower-case model id fits; a row without any condition fits nothing.
    pub(crate) fn fits(&self, id: &str) -> bool {
        let prefix = self.prefix.as_deref().map(|text| id.starts_with(text));
        let contains = self.contains.as_deref().map(|text| id.contains(text));
        (prefix.is_some() || contains.is_some())
            && prefix.unwrap_or(true)
            && contains.unwrap_or(true)
    }
}

/// Puts a row into the view of one provider and plan; none when the provider never offered the model.
pub(crate) fn view<'a>(
    provider: &'a Provider,
    model: &'a Model,
    plan: Option<Plan>,
) -> Option<ModelRow<'a>> {
    if !provider.serves(model.kind) {
        return None;
    }
    let offered = |plan: Plan| model.plans.get(plan).copied();
    // The order of `Availability` is from best to worst.
    let best = provider
        .plans
        .iter()
        .filter_map(|own| offered(*own))
        .min()?;
    let availability = plan.map_or(best, |plan| offered(plan).unwrap_or(Availability::Unknown));
    let only_plan = match provider.plans.as_slice() {
        [only] => Some(*only),
        _ => None,
    };
    let difference = plan.or(only_plan).and_then(|plan| model.on.get(plan));
    Some(ModelRow {
        provider,
        plan,
        model,
        context_window: difference
            .and_then(|d| d.context_window)
            .or(model.context_window),
        max_output_tokens: difference
            .and_then(|d| d.max_output_tokens)
            .or(model.max_output_tokens),
        reasoning: difference
            .and_then(|d| d.reasoning)
            .unwrap_or(model.reasoning),
        availability,
        hidden: difference.is_some_and(|d| d.hidden),
        replaced_by: difference.and_then(|d| d.replaced_by.as_deref()),
    })
}

const fn chat() -> ModelKind {
    ModelKind::Chat
}

const fn nowhere() -> PerPlan<Availability> {
    PerPlan {
        standard: None,
        coding: None,
        token: None,
        portal: None,
    }
}

const fn no_differences() -> PerPlan<PlanDifference> {
    PerPlan {
        standard: None,
        coding: None,
        token: None,
        portal: None,
    }
}
