//! What one host wants of the top level of a request, in the order in which the decisions depend on each other.

use std::borrow::Cow;

use catalog::{ReasoningReplay, Thinking, ThinkingFormat, ThinkingKind};

use super::draft::{Draft, Refusal};
use super::limits;
use super::structured::{self, Form};
use super::thinking::{self, Against, Wish};
use super::transcript::Manners;
use crate::chat_rules::ChatRules;
use crate::json_span::Object;

/// Members that may need a look; a request without any of them is left alone.
const WATCHED: [&str; 17] = [
    "chat_template_kwargs",
    "enable_thinking",
    "max_completion_tokens",
    "max_tokens",
    "preserve_thinking",
    "reasoning",
    "reasoningEffort",
    "reasoning_effort",
    "response_format",
    "seed",
    "temperature",
    "thinking",
    "thinking_budget",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
];
/// Fields that say something about thinking; one of them in a request keeps those of the config out.
const THINKING: [&str; 6] = [
    "enable_thinking",
    "reasoning",
    "reasoningEffort",
    "reasoning_effort",
    "thinking",
    "thinking_budget",
];
/// Names of the answer's limit; one of them in a request keeps those of the config out.
const OUTPUT_LIMITS: [&str; 2] = ["max_tokens", "max_completion_tokens"];

/// Whether a member's name, as it stands in the text, is one to look at.
pub(crate) fn is_watched(name: &str) -> bool {
    // A name written with escapes is rare enough to be looked at always.
    WATCHED.contains(&name) || name.contains('\\')
}

/// Fits the top level of a request to the rules; returns what they want of the history.
///
/// # Errors
/// [`Refusal`] when the model cannot do what is asked.
pub(crate) fn steer(draft: &mut Draft<'_>, rules: &ChatRules) -> Result<Manners, Refusal> {
    add_params(draft, rules);
    let form = structured::check(draft, rules)?;
    let choice = if rules.host.tool_choice_required {
        Choice::Free
    } else {
        tool_choice(draft)
    };
    let against = Against {
        forced_tool: choice == Choice::Forced,
        json: form != Form::Text,
    };
    let thinks = think(draft, rules, against)?;
    limits::apply(draft, rules);
    if rules.tool_stream && draft.get("tools").is_some() && draft.get("tool_stream").is_none() {
        draft.set("tool_stream", "true");
    }
    let keeps = draft.get("preserve_thinking") == Some("true");
    let replay = if keeps {
        Some(ReasoningReplay::Always)
    } else {
        rules.replay()
    };
    let thinking = rules.thinking.as_ref();
    Ok(Manners {
        developer_role: rules.host.developer_role,
        replay,
        backfill: thinks && thinking.is_some_and(|thinking| thinking.backfill),
    })
}

/// Adds what the config sends with every request, unless the request says something about the same thing.
fn add_params(draft: &mut Draft<'_>, rules: &ChatRules) {
    let says =
        |draft: &Draft<'_>, names: &[&str]| names.iter().any(|name| draft.get(name).is_some());
    let (has_thinking, has_limit) = (says(draft, &THINKING), says(draft, &OUTPUT_LIMITS));
    for (name, value) in &rules.params {
        let is_said = THINKING.contains(&name.as_str()) && has_thinking
            || OUTPUT_LIMITS.contains(&name.as_str()) && has_limit
            || draft.get(name).is_some();
        if !is_said {
            draft.set(Cow::Owned(name.clone()), value.as_str());
        }
    }
}

/// Whether a tool has to be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Choice {
    /// The model chooses.
    Free,
    /// One tool is named.
    Forced,
}

/// Reads `tool_choice`, and makes a free choice of what the host does not know.
fn tool_choice(draft: &mut Draft<'_>) -> Choice {
    let Some(raw) = draft.get("tool_choice") else {
        return Choice::Free;
    };
    let names_a_tool = || {
        let choice = Object::scan(raw).ok()?;
        Object::scan(choice.raw("function")?).ok()?.raw("name")
    };
    match raw {
        "\"auto\"" | "\"none\"" => Choice::Free,
        raw if raw.starts_with('{') && names_a_tool().is_some() => Choice::Forced,
        raw if raw.starts_with(['"', '{']) => {
            let note = format!("\"auto\", the host does not know {}", shown(raw));
            draft.set("tool_choice", "\"auto\"");
            draft.correct("tool_choice", note);
            Choice::Free
        }
        // Not even the right type: the host has to name it.
        _ => Choice::Free,
    }
}

fn shown(raw: &str) -> String {
    raw.chars().take(40).collect()
}

/// Fits what is said about thinking; returns whether the model may think.
fn think(draft: &mut Draft<'_>, rules: &ChatRules, against: Against) -> Result<bool, Refusal> {
    let Some(known) = &rules.thinking else {
        return pass_level(draft, rules);
    };
    let wish = thinking::read(draft, rules.level)?;
    if wish == Wish::default() && against == Against::default() {
        return Ok(known.kind != ThinkingKind::None);
    }
    if against.json && known.kind == ThinkingKind::Always && !known.json {
        let message = format!(
            "{} always thinks, and cannot be asked for JSON while it does",
            rules.model
        );
        return Err(Refusal {
            param: "response_format",
            message,
        });
    }
    let plan = thinking::plan(known, &wish, against);
    if plan.free_choice {
        draft.set("tool_choice", "\"auto\"");
        draft.correct(
            "tool_choice",
            "\"auto\", no tool can be forced while this model thinks",
        );
    }
    let thinks = known.kind != ThinkingKind::None && plan.switch != Some(false);
    thinking::write(draft, known, &plan);
    Ok(thinks)
}

/// A model of which nothing is known gets the service's and OpenAI's fields as they are; only a level in OpenClaw's own
/// field has to be said in words that the host may know.
fn pass_level(draft: &mut Draft<'_>, rules: &ChatRules) -> Result<bool, Refusal> {
    let own = draft.string("thinking").is_some();
    if !own && rules.level.is_none() {
        return Ok(true);
    }
    let wish = thinking::read(draft, rules.level)?;
    let supposed = Thinking {
        kind: ThinkingKind::Hybrid,
        format: rules.host.thinking_format,
        forced_tool: true,
        json: true,
        ..Thinking::default()
    };
    let plan = thinking::plan(&supposed, &wish, Against::default());
    // Saying "off" in OpenAI's field is an error for models that cannot think, so it is not said at all.
    if plan.switch == Some(false) && supposed.format == ThinkingFormat::OpenAi {
        draft.remove("thinking");
        return Ok(false);
    }
    thinking::write(draft, &supposed, &plan);
    Ok(plan.switch != Some(false))
}

#[cfg(test)]
mod tests;
