//! Whether a request makes the model think, and what is refused about it.

use http::StatusCode;

use super::field::Fields;
use crate::model_table::{Model, Thinking};
use crate::refusal::Refusal;

/// Largest `thinking_budget` of models without one of their own, in tokens.
const BUDGET_MAX: u64 = 262_144;

/// Thinking tokens allowed; absent when the model does not think.
pub(crate) type Budget = Option<u64>;

/// Decides whether the model thinks, as far as the request and the model agree.
pub(crate) fn read(fields: Fields<'_>, model: &Model, stream: bool) -> Result<Budget, Refusal> {
    let asked = fields.boolean("enable_thinking")?;
    let budget = budget(fields)?;
    let effort = effort(fields, model, budget)?;
    let wanted = asked.or(effort.map(|effort| effort > 0));
    match model.thinking {
        Thinking::None if asked == Some(true) => Err(Refusal::open_ai(
            StatusCode::BAD_REQUEST,
            Some("InvalidParameter.NotSupportEnableThinking"),
            format!("The model {} does not support enable_thinking.", model.id),
        )),
        Thinking::None => Ok(None),
        Thinking::Always if asked == Some(false) => Err(Refusal::invalid(
            "The value of the enable_thinking parameter is restricted to True.",
        )),
        // These think unless told not to, and can do so only while streaming.
        Thinking::HybridStreamOnly if !stream && asked != Some(false) => Err(Refusal::invalid(
            "parameter.enable_thinking must be set to false for non-streaming calls",
        )),
        Thinking::Always => Ok(Some(budget.unwrap_or(BUDGET_MAX))),
        Thinking::HybridStreamOnly if asked != Some(false) => {
            Ok(Some(budget.unwrap_or(BUDGET_MAX)))
        }
        Thinking::Hybrid | Thinking::HybridStreamOnly => {
            let tokens = budget.or(effort).unwrap_or(BUDGET_MAX);
            Ok((wanted == Some(true)).then_some(tokens))
        }
    }
}

fn budget(fields: Fields<'_>) -> Result<Option<u64>, Refusal> {
    let Some(written) = fields.integer("thinking_budget")? else {
        return Ok(None);
    };
    match u64::try_from(written) {
        Ok(tokens) if (1..=BUDGET_MAX).contains(&tokens) => Ok(Some(tokens)),
        _ => Err(Refusal::invalid(format!(
            "The thinking_budget parameter must be a positive integer and not greater than {BUDGET_MAX}"
        ))),
    }
}

/// Reads `reasoning_effort` as thinking tokens, 0 for none; other models ignore it.
fn effort(fields: Fields<'_>, model: &Model, budget: Option<u64>) -> Result<Option<u64>, Refusal> {
    if !model.effort {
        return Ok(None);
    }
    let Some(level) = fields.string("reasoning_effort")? else {
        return Ok(None);
    };
    if budget.is_some() {
        return Err(Refusal::invalid(
            "reasoning_effort and thinking_budget cannot be used together",
        ));
    }
    match level {
        "none" => Ok(Some(0)),
        "minimal" | "low" => Ok(Some(4096)),
        "medium" => Ok(Some(16_384)),
        "high" | "xhigh" | "max" => Ok(Some(BUDGET_MAX)),
        _ => Err(Refusal::invalid(format!(
            "'{level}' is not a supported reasoning_effort"
        ))),
    }
}
