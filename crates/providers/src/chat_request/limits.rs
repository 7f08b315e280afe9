//! Values that OpenAI accepts and this host is known to refuse, moved to the nearest one it accepts.

use super::draft::Draft;
use crate::chat_rules::ChatRules;

/// Puts sampling values and lengths within what the host accepts.
pub(crate) fn apply(draft: &mut Draft<'_>, rules: &ChatRules) {
    let host = &rules.host;
    if let Some(most) = host.temperature_max {
        // Above 2 nobody knows what was meant; 2 itself is in OpenAI's range.
        at_most(draft, "temperature", most, 2.0);
    }
    if let Some(least) = host.top_p_min
        && number(draft, "top_p") == Some(0.0)
    {
        draft.set("top_p", least.to_string());
        draft.correct("top_p", format!("{least}, the host refuses 0"));
    }
    if let Some(most) = host.top_logprobs_max
        && let Some(asked) = number(draft, "top_logprobs")
        && asked > to_f64(most)
    {
        draft.set("top_logprobs", most.to_string());
        draft.correct(
            "top_logprobs",
            format!("{most}, the most this host accepts"),
        );
    }
    if let Some(most) = host.seed_max {
        seed(draft, most);
    }
    output_length(draft, rules);
}

fn number(draft: &Draft<'_>, name: &str) -> Option<f64> {
    draft.get(name)?.parse().ok()
}

#[expect(
    clippy::cast_precision_loss,
    reason = "limits are small numbers from the catalog"
)]
fn to_f64(value: u64) -> f64 {
    value as f64
}

fn at_most(draft: &mut Draft<'_>, name: &'static str, most: f64, understood: f64) {
    if let Some(asked) = number(draft, name)
        && asked > most
        && asked <= understood
    {
        draft.set(name, most.to_string());
        draft.correct(name, format!("{most}, the host refuses {asked}"));
    }
}

/// A seed only has to be the same next time, so one that is too large is folded.
fn seed(draft: &mut Draft<'_>, most: u64) {
    let Some(raw) = draft.get("seed") else {
        return;
    };
    let asked = raw.parse::<i128>().ok();
    let Some(asked) = asked.filter(|asked| *asked < 0 || *asked > i128::from(most)) else {
        return;
    };
    let folded = asked.rem_euclid(i128::from(most) + 1);
    draft.set("seed", folded.to_string());
    draft.correct("seed", format!("{folded}, the host accepts 0 to {most}"));
}

/// Names the answer's limit as this model knows it, and keeps it below the model's own.
fn output_length(draft: &mut Draft<'_>, rules: &ChatRules) {
    let most = rules.output_tokens_max;
    if let Some(field) = rules.output_field {
        let (from, to) = field.rename();
        let known = draft.get(from).and_then(|raw| raw.parse::<u64>().ok());
        let fits = known.is_some_and(|asked| field.is_asked_for() || Some(asked) <= most);
        if fits && draft.get(to).is_none() {
            let value = draft.get(from).unwrap_or_default().to_owned();
            draft.remove(from);
            draft.set(to, value);
        }
    }
    if let Some(most) = most.filter(|_| rules.host.output_limit_refused)
        && let Some(asked) = draft
            .get("max_tokens")
            .and_then(|raw| raw.parse::<u64>().ok())
        && asked > most
    {
        draft.set("max_tokens", most.to_string());
        draft.correct(
            "max_tokens",
            format!("{most}, the longest answer of this model"),
        );
    }
}
