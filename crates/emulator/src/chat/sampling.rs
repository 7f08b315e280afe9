//! The ranges of the sampling fields.

use serde_json::Value;

use super::field::Fields;
use crate::refusal::Refusal;

/// Largest `seed`.
const SEED_MAX: i64 = (1 << 31) - 1;

/// Most `top_logprobs`.
const TOP_LOGPROBS_MAX: i64 = 5;

/// Refuses sampling values out of range.
pub(crate) fn check(fields: Fields<'_>) -> Result<(), Refusal> {
    let range = |name: &str, ok: fn(f64) -> bool, text: &str| match fields.number(name)? {
        Some(value) if !ok(value) => Err(Refusal::invalid(text)),
        _ => Ok(()),
    };
    range(
        "temperature",
        |t| (0.0..2.0).contains(&t),
        "'temperature' must be in [0.0, 2.0)",
    )?;
    range(
        "top_p",
        |p| p > 0.0 && p <= 1.0,
        "Range of top_p should be (0.0, 1.0]",
    )?;
    range(
        "top_k",
        |k| k >= 0.0,
        "Parameter top_k be greater than or equal to 0",
    )?;
    range(
        "presence_penalty",
        |p| (-2.0..=2.0).contains(&p),
        "Range of presence_penalty should be [-2.0, 2.0]",
    )?;
    range(
        "repetition_penalty",
        |p| p > 0.0,
        "Range of repetition_penalty should be (0.0, inf)",
    )?;
    check_seed(fields)?;
    match fields.integer("top_logprobs")? {
        Some(n) if !(0..=TOP_LOGPROBS_MAX).contains(&n) => Err(Refusal::invalid(format!(
            "Range of top_logprobs should be [0, {TOP_LOGPROBS_MAX}]"
        ))),
        _ => Ok(()),
    }
}

fn check_seed(fields: Fields<'_>) -> Result<(), Refusal> {
    match fields.integer("seed")? {
        Some(seed) if !(0..=SEED_MAX).contains(&seed) => Err(Refusal::open_ai(
            http::StatusCode::BAD_REQUEST,
            Some("invalid_value"),
            format!("Range of seed should be [0, {SEED_MAX}]"),
        )),
        _ => Ok(()),
    }
}

/// Reads `stop`: a string, strings, or token ids, which stop nothing here.
pub(crate) fn stop_words(fields: Fields<'_>) -> Result<Vec<&str>, Refusal> {
    let wrong =
        || Refusal::invalid("'stop' must be a string, a list of strings or a list of token ids");
    match fields.get("stop") {
        None => Ok(Vec::new()),
        Some(Value::String(word)) => Ok(vec![word.as_str()]),
        Some(Value::Array(words)) if words.iter().all(Value::is_string) => {
            Ok(words.iter().filter_map(Value::as_str).collect())
        }
        Some(Value::Array(ids)) if ids.iter().all(|id| id.is_u64() || id.is_array()) => {
            Ok(Vec::new())
        }
        Some(_) => Err(wrong()),
    }
}
