//! Formats besides chat completions that hosts speak themselves.

use serde::Deserialize;

/// What the service honours of a format.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FormatRow {
    /// Name of the format: `responses` or `messages`.
    pub id: String,
    /// Members of a request that have an effect; `a.b` is the member `b` of `a`, or its text when it is one.
    pub honours: Vec<String>,
    /// What the ids of its models begin with; empty means every model.
    #[serde(default)]
    pub models: Vec<String>,
}

impl FormatRow {
    /// Says whether the format is documented for a model.
    pub fn serves(&self, model: &str) -> bool {
        self.models.is_empty() || self.models.iter().any(|start| model.starts_with(start))
    }

    /// Says whether a member has an effect, by its own name or by that of the member it belongs to.
    pub fn honours(&self, member: &str) -> bool {
        let outer = member.split('.').next().unwrap_or(member);
        let mut honoured = self.honours.iter();
        honoured.any(|known| known == member || known == outer)
    }
}
