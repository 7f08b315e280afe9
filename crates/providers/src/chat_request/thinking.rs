//! How a wish to think becomes the fields that this model on this host understands.
//!
//! [`plan`] is the decision, a pure function of what is known of the model and what is wished for; [`read`] finds the
//! wish in a request, [`write`] puts the decision into it. What the client wrote in the service's own fields wins over a
//! level, and is only touched where the host would refuse it.

use std::borrow::Cow;

use catalog::{Thinking, ThinkingFormat, ThinkingKind, ThinkingLevel};
use serde_json::{Map, Value};

use super::draft::{Draft, Refusal};

/// The levels that have a place on the way from little to much.
const LADDER: [ThinkingLevel; 6] = [
    ThinkingLevel::Minimal,
    ThinkingLevel::Low,
    ThinkingLevel::Medium,
    ThinkingLevel::High,
    ThinkingLevel::Xhigh,
    ThinkingLevel::Max,
];

/// What a request says about thinking.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Wish {
    /// `enable_thinking`, the service's own switch.
    pub(crate) enable: Option<bool>,
    /// `thinking_budget`, in tokens; not above what 63 bits hold.
    pub(crate) budget: Option<i64>,
    /// A level, in whichever field it came.
    pub(crate) level: Option<ThinkingLevel>,
}

/// What else in a request speaks against thinking.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Against {
    /// One tool must be called.
    pub(crate) forced_tool: bool,
    /// The answer must be JSON.
    pub(crate) json: bool,
}

/// What the request has to say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Plan {
    /// Whether the model is told to think; none leaves it to the model's own default.
    pub(crate) switch: Option<bool>,
    /// `reasoning_effort`.
    pub(crate) effort: Option<String>,
    /// `thinking_budget`, in tokens.
    pub(crate) budget: Option<u64>,
    /// A forced tool becomes a free choice, since this model always thinks.
    pub(crate) free_choice: bool,
    /// What the client set and does not get, by field.
    pub(crate) corrections: Vec<(&'static str, String)>,
}

/// Decides what is said to a model that `thinking` describes.
pub(crate) fn plan(thinking: &Thinking, wish: &Wish, against: Against) -> Plan {
    let mut plan = Plan::default();
    let is_off = wish.level == Some(ThinkingLevel::Off);
    let by_level = wish.level.map(|_| !is_off);
    let by_budget = (wish.budget == Some(0)).then_some(false);
    let wanted = wish.enable.or(by_level).or(by_budget);
    if wish.enable == Some(true) && is_off {
        plan.corrected(
            "reasoning_effort",
            "`enable_thinking` is true and counts more",
        );
    }
    let field = if wish.enable.is_some() {
        "enable_thinking"
    } else {
        "thinking"
    };
    let is_on = match thinking.kind {
        ThinkingKind::None => {
            if wanted == Some(true) {
                plan.corrected(field, "left out, this model does not think");
            }
            return plan;
        }
        ThinkingKind::Always => {
            if wanted == Some(false) {
                plan.corrected(field, "left out, this model always thinks");
            }
            plan.free_choice = against.forced_tool && !thinking.forced_tool;
            plan.switch = wish.enable.filter(|enable| *enable);
            true
        }
        ThinkingKind::Hybrid => {
            plan.switch = wanted;
            let is_on = wanted.unwrap_or(thinking.on_by_default);
            is_on && !plan.must_not_think(thinking, field, against)
        }
    };
    plan.measure(thinking, wish, is_on);
    plan
}

impl Plan {
    fn corrected(&mut self, field: &'static str, note: impl Into<String>) {
        self.corrections.push((field, note.into()));
    }

    /// Switches thinking off where the host refuses it together with what else is asked.
    fn must_not_think(
        &mut self,
        thinking: &Thinking,
        field: &'static str,
        against: Against,
    ) -> bool {
        let cause = if against.json && !thinking.json {
            "a JSON answer"
        } else if against.forced_tool && !thinking.forced_tool {
            "a forced tool"
        } else {
            return false;
        };
        if self.switch.replace(false) == Some(true) {
            let note = format!("off, {cause} is refused while this model thinks");
            self.corrected(field, note);
        }
        true
    }

    /// Decides how long to think. A budget in the request counts more than a level.
    fn measure(&mut self, thinking: &Thinking, wish: &Wish, is_on: bool) {
        let asked = wish.budget.and_then(|budget| u64::try_from(budget).ok());
        let asked = asked.filter(|budget| *budget > 0);
        self.budget = asked;
        if !is_on {
            return;
        }
        if let (Some(asked), Some(most)) = (asked, thinking.budget_tokens_max)
            && asked > most
        {
            self.budget = Some(most);
            self.corrected(
                "thinking_budget",
                format!("{most}, the most this model accepts"),
            );
        }
        let Some(level) = wish.level.filter(|level| LADDER.contains(level)) else {
            return;
        };
        if !thinking.has_effort() {
            let by_level = thinking.level_budget_tokens.get(level.as_str()).copied();
            let most = thinking.budget_tokens_max.unwrap_or(u64::MAX);
            self.budget = self.budget.or(by_level.map(|tokens| tokens.min(most)));
        } else if asked.is_some() && thinking.effort_excludes_budget {
            self.corrected(
                "reasoning_effort",
                "left out, `thinking_budget` counts more",
            );
        } else {
            self.effort = Some(effort(thinking, level));
        }
    }
}

/// What the rules say about efforts.
trait Efforts {
    fn has_effort(&self) -> bool;
}

impl Efforts for Thinking {
    fn has_effort(&self) -> bool {
        match self.format {
            ThinkingFormat::Effort | ThinkingFormat::OpenAi | ThinkingFormat::OpenRouter => true,
            ThinkingFormat::Together | ThinkingFormat::DeepSeek => !self.efforts.is_empty(),
            ThinkingFormat::None
            | ThinkingFormat::EnableThinking
            | ThinkingFormat::ChatTemplate
            | ThinkingFormat::Zai
            | ThinkingFormat::MiniMax => false,
        }
    }
}

/// Returns the accepted effort for a level: by the map, else its own name, else the next one up.
fn effort(thinking: &Thinking, level: ThinkingLevel) -> String {
    if let Some(mapped) = thinking.level_map.get(level.as_str()) {
        return mapped.clone();
    }
    let is_accepted = |level: &ThinkingLevel| {
        let mut efforts = thinking.efforts.iter();
        thinking.efforts.is_empty() || efforts.any(|effort| effort == level.as_str())
    };
    let at = LADDER.iter().position(|rung| *rung == level).unwrap_or(0);
    let mut above = LADDER.iter().skip(at);
    let mut below = LADDER.iter().take(at).rev();
    let found = above.find(|level| is_accepted(level));
    let found = found.or_else(|| below.find(|level| is_accepted(level)));
    found.unwrap_or(&level).to_string()
}

/// Finds the wish in a request; `default` is the level that the config names.
///
/// # Errors
/// [`Refusal`] for a level that nobody knows.
pub(crate) fn read(draft: &Draft<'_>, default: Option<ThinkingLevel>) -> Result<Wish, Refusal> {
    let template = inner(draft, "chat_template_kwargs", "enable_thinking");
    let by_template = template.and_then(|value| value.as_bool());
    let switch = match draft.get("enable_thinking") {
        Some("true") => Some(true),
        Some("false") => Some(false),
        _ => None,
    };
    let own_level = level(draft)?;
    let thinking = inner(draft, "thinking", "budget_tokens").and_then(|value| value.as_i64());
    let budget = draft.get("thinking_budget");
    let mut wish = Wish {
        enable: switch.or(by_template),
        budget: budget.and_then(|raw| raw.parse().ok()).or(thinking),
        level: own_level,
    };
    if wish == Wish::default() {
        wish.level = default;
    }
    Ok(wish)
}

/// Finds a level in the fields of OpenAI, `OpenRouter`, OpenClaw and the vendors.
fn level(draft: &Draft<'_>) -> Result<Option<ThinkingLevel>, Refusal> {
    for field in ["reasoning_effort", "reasoningEffort", "thinking"] {
        if let Some(text) = draft.string(field) {
            return known_level(field, &text).map(Some);
        }
    }
    if let Some(Value::String(text)) = inner(draft, "reasoning", "effort") {
        return known_level("reasoning", &text).map(Some);
    }
    if let Some(Value::Bool(enabled)) = inner(draft, "reasoning", "enabled") {
        return Ok(Some(on_or_off(enabled)));
    }
    match inner(draft, "thinking", "type") {
        Some(Value::String(text)) => known_level("thinking", &text).map(Some),
        _ => Ok(None),
    }
}

fn on_or_off(enabled: bool) -> ThinkingLevel {
    if enabled {
        ThinkingLevel::High
    } else {
        ThinkingLevel::Off
    }
}

fn known_level(param: &'static str, text: &str) -> Result<ThinkingLevel, Refusal> {
    ThinkingLevel::read(text).ok_or_else(|| {
        let known: Vec<&str> = ThinkingLevel::ALL
            .iter()
            .map(|level| level.as_str())
            .collect();
        let text: String = text.chars().take(40).collect();
        let message = format!(
            "`{text}` is no level of thinking; known are {}",
            known.join(", ")
        );
        Refusal { param, message }
    })
}

/// Returns a member of an object member.
fn inner(draft: &Draft<'_>, outer: &str, name: &str) -> Option<Value> {
    let raw = draft.get(outer).filter(|raw| raw.starts_with('{'))?;
    serde_json::from_str::<Value>(raw)
        .ok()?
        .get_mut(name)
        .map(Value::take)
}

/// Puts the decision into the request, in the fields of `thinking`'s format.
pub(crate) fn write(draft: &mut Draft<'_>, thinking: &Thinking, plan: &Plan) {
    for (field, note) in &plan.corrections {
        draft.correct(field, note.clone());
    }
    match thinking.format {
        ThinkingFormat::None => write_nothing(draft),
        ThinkingFormat::EnableThinking | ThinkingFormat::Effort => write_own(draft, plan),
        ThinkingFormat::ChatTemplate => write_template(draft, plan),
        ThinkingFormat::OpenAi => {
            drop_levels(draft, Some("reasoning_effort"));
            write_effort(draft, plan);
        }
        ThinkingFormat::OpenRouter => write_reasoning(draft, plan, "effort"),
        ThinkingFormat::Together => write_reasoning(draft, plan, "enabled"),
        ThinkingFormat::DeepSeek | ThinkingFormat::Zai => write_type(draft, plan, "enabled"),
        ThinkingFormat::MiniMax => write_type(draft, plan, "adaptive"),
    }
}

/// Takes out every field that carries a level, but one.
fn drop_levels(draft: &mut Draft<'_>, kept: Option<&str>) {
    for field in [
        "reasoning_effort",
        "reasoningEffort",
        "reasoning",
        "thinking",
    ] {
        if kept != Some(field) {
            draft.remove(field);
        }
    }
}

fn write_nothing(draft: &mut Draft<'_>) {
    drop_levels(draft, None);
    draft.remove("enable_thinking");
    if draft.get("thinking_budget").is_some_and(|raw| raw != "0") {
        draft.correct("thinking_budget", "left out, this model has none");
    }
    draft.remove("thinking_budget");
}

/// The service's own fields.
fn write_own(draft: &mut Draft<'_>, plan: &Plan) {
    match plan.switch {
        Some(switch) => draft.set("enable_thinking", switch.to_string()),
        // What is no boolean stays, for the host to name.
        None if matches!(draft.get("enable_thinking"), Some("true" | "false")) => {
            draft.remove("enable_thinking");
        }
        None => {}
    }
    match plan.budget {
        Some(tokens) => draft.set("thinking_budget", tokens.to_string()),
        None if draft.get("thinking_budget") == Some("0") => {
            if plan.switch == Some(true) {
                draft.correct("thinking_budget", "left out, it must be above 0");
            }
            draft.remove("thinking_budget");
        }
        None => {}
    }
    drop_levels(draft, Some("reasoning_effort"));
    match &plan.effort {
        Some(effort) => draft.set("reasoning_effort", quoted(effort)),
        None => draft.remove("reasoning_effort"),
    }
}

fn write_template(draft: &mut Draft<'_>, plan: &Plan) {
    let asked_to_preserve = draft.get("preserve_thinking").map(|raw| raw == "true");
    drop_levels(draft, None);
    draft.remove("enable_thinking");
    let Some(switch) = plan.switch else {
        return;
    };
    let mut known = object(draft, "chat_template_kwargs");
    known.insert("enable_thinking".to_owned(), switch.into());
    let preserve = known.entry("preserve_thinking");
    preserve.or_insert_with(|| asked_to_preserve.unwrap_or(true).into());
    draft.set("chat_template_kwargs", Value::Object(known).to_string());
}

fn write_effort(draft: &mut Draft<'_>, plan: &Plan) {
    match (&plan.effort, plan.switch) {
        (Some(effort), _) => draft.set("reasoning_effort", quoted(effort)),
        (None, Some(false)) if draft.get("reasoning_effort").is_some() => {
            draft.set("reasoning_effort", "\"none\"");
        }
        (None, _) => draft.remove("reasoning_effort"),
    }
}

/// `reasoning.effort` or `reasoning.enabled`.
fn write_reasoning(draft: &mut Draft<'_>, plan: &Plan, inner: &str) {
    let Some(switch) = plan.switch else {
        return;
    };
    let mut reasoning = object(draft, "reasoning");
    drop_levels(draft, Some("reasoning"));
    let none = || Cow::Borrowed("none");
    if inner == "effort" {
        let effort = plan.effort.as_deref().map_or_else(none, Cow::Borrowed);
        reasoning.insert(inner.to_owned(), effort.as_ref().into());
    } else {
        reasoning.insert(inner.to_owned(), switch.into());
        if let Some(effort) = &plan.effort {
            draft.set("reasoning_effort", quoted(effort));
        }
    }
    draft.set("reasoning", Value::Object(reasoning).to_string());
}

/// `thinking.type`.
fn write_type(draft: &mut Draft<'_>, plan: &Plan, on: &str) {
    drop_levels(draft, Some("thinking"));
    draft.remove("enable_thinking");
    let Some(switch) = plan.switch else {
        return;
    };
    let mut thinking = object(draft, "thinking");
    let word = if switch { on } else { "disabled" };
    thinking.insert("type".to_owned(), word.into());
    draft.set("thinking", Value::Object(thinking).to_string());
    if let Some(effort) = &plan.effort {
        draft.set("reasoning_effort", quoted(effort));
    }
}

fn object(draft: &Draft<'_>, name: &str) -> Map<String, Value> {
    let raw = draft.get(name).unwrap_or("{}");
    serde_json::from_str(raw).unwrap_or_default()
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}
