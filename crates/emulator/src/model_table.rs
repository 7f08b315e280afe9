//! The emulated models, as data.

use serde::Deserialize;

use crate::error::Error;
use crate::host::Plan;

/// What a row is good for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// Answers chat completions.
    #[default]
    Chat,
    /// Listed, but refused by chat completions.
    Embedding,
}

/// When a model thinks before it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Thinking {
    /// Never; asking for it is an error.
    None,
    /// When asked.
    Hybrid,
    /// When asked, and only while streaming: the older open-weights models.
    HybridStreamOnly,
    /// Always; asking it not to is an error.
    Always,
}

/// Which serving stack answers: the key order and null fields of its replies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Wire {
    /// As recorded from `qwen3-max` in 2026.
    #[default]
    Current,
    /// As recorded from `qwen-turbo` and `qwen-plus`.
    Classic,
}

/// One model on one or more plans.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Model {
    pub(crate) id: String,
    pub(crate) plans: Vec<Plan>,
    /// Whether it takes image input.
    pub(crate) image: bool,
    pub(crate) thinking: Thinking,
    /// Context window, in tokens.
    pub(crate) context_tokens: u64,
    /// Longest answer, in tokens.
    pub(crate) output_tokens_max: u64,
    #[serde(default)]
    pub(crate) kind: Kind,
    #[serde(default)]
    pub(crate) wire: Wire,
    /// Whether it refuses requests without `stream: true`.
    #[serde(default)]
    pub(crate) streams_only: bool,
    /// Whether it knows `reasoning_effort` (low, medium, xhigh).
    #[serde(default)]
    pub(crate) effort: bool,
    /// Whether its answers can follow a JSON schema.
    #[serde(default = "yes")]
    pub(crate) json_schema: bool,
}

fn yes() -> bool {
    true
}

/// The emulated models, newest first.
#[derive(Debug)]
pub(crate) struct ModelTable {
    rows: Vec<Model>,
}

impl ModelTable {
    pub(crate) fn built_in() -> Result<Self, Error> {
        let rows = serde_json::from_str(include_str!("../data/models.json"));
        Ok(Self {
            rows: rows.map_err(Error::ModelTable)?,
        })
    }

    /// Returns the row for a model on a plan; ids are case-sensitive.
    pub(crate) fn find(&self, plan: Plan, id: &str) -> Option<&Model> {
        self.on(plan).find(|row| row.id == id)
    }

    /// Returns the models of a plan, newest first.
    pub(crate) fn on(&self, plan: Plan) -> impl Iterator<Item = &Model> {
        self.rows
            .iter()
            .filter(move |row| row.plans.contains(&plan))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_plan_lists_a_model_twice_and_limits_are_sane() {
        let table = ModelTable::built_in().unwrap();
        for plan in [Plan::Standard, Plan::Coding, Plan::Token, Plan::Portal] {
            let mut ids: Vec<&str> = table.on(plan).map(|row| row.id.as_str()).collect();
            assert!(!ids.is_empty(), "{plan:?}");
            ids.sort_unstable();
            let n_ids = ids.len();
            ids.dedup();
            assert_eq!(ids.len(), n_ids, "{plan:?}");
            assert!(
                table
                    .on(plan)
                    .all(|row| row.output_tokens_max < row.context_tokens)
            );
        }
    }

    #[test]
    fn the_same_model_may_have_other_limits_on_another_plan() {
        let table = ModelTable::built_in().unwrap();
        let limit = |plan| table.find(plan, "kimi-k2.5").unwrap().output_tokens_max;
        assert_eq!((limit(Plan::Coding), limit(Plan::Token)), (32_768, 98_304));
    }
}
