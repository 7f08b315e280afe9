//! Token counts of one call, in the kinds that Model Studio bills apart.

use serde::{Deserialize, Serialize};

/// Tokens of one call. All counts are tokens; zero when the upstream did not say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Usage {
    /// Tokens of the prompt, cached ones included.
    pub input_tokens: u64,
    /// Tokens of the answer, reasoning included.
    pub output_tokens: u64,
    /// Prompt tokens served from a context cache, implicit or explicit.
    pub cached_tokens: u64,
    /// Prompt tokens written to an explicit cache (billed above the normal price).
    pub cache_write_tokens: u64,
    /// Answer tokens spent on reasoning.
    pub reasoning_tokens: u64,
}

#[derive(Deserialize)]
struct Wire {
    #[serde(default)]
    prompt_tokens: Option<u64>,
    /// The only count of replies that have no tokens out.
    #[serde(default)]
    total_tokens: Option<u64>,
    #[serde(default)]
    completion_tokens: Option<u64>,
    #[serde(default)]
    prompt_tokens_details: Option<PromptDetails>,
    #[serde(default)]
    completion_tokens_details: Option<CompletionDetails>,
}

#[derive(Deserialize)]
struct PromptDetails {
    #[serde(default)]
    cached_tokens: Option<u64>,
    #[serde(default)]
    cache_creation_input_tokens: Option<u64>,
}

#[derive(Deserialize)]
struct CompletionDetails {
    #[serde(default)]
    reasoning_tokens: Option<u64>,
}

impl Usage {
    /// Reads the OpenAI-shaped `usage` object `raw`; `None` when it is null or not such an object.
    pub fn parse(raw: &str) -> Option<Self> {
        let wire: Option<Wire> = serde_json::from_str(raw).ok()?;
        let wire = wire?;
        let prompt = wire.prompt_tokens_details.as_ref();
        Some(Self {
            input_tokens: match (wire.prompt_tokens, wire.completion_tokens) {
                (Some(prompt), _) => prompt,
                (None, None) => wire.total_tokens.unwrap_or_default(),
                (None, Some(_)) => 0,
            },
            output_tokens: wire.completion_tokens.unwrap_or_default(),
            cached_tokens: prompt
                .and_then(|details| details.cached_tokens)
                .unwrap_or_default(),
            cache_write_tokens: prompt
                .and_then(|details| details.cache_creation_input_tokens)
                .unwrap_or_default(),
            reasoning_tokens: wire
                .completion_tokens_details
                .and_then(|details| details.reasoning_tokens)
                .unwrap_or_default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_kind() {
        let raw = r#"{"prompt_tokens":10,"completion_tokens":7,"total_tokens":17,
            "prompt_tokens_details":{"cached_tokens":4,"cache_creation_input_tokens":3,"cache_type":"ephemeral"},
            "completion_tokens_details":{"reasoning_tokens":5}}"#;
        let usage = Usage {
            input_tokens: 10,
            output_tokens: 7,
            cached_tokens: 4,
            cache_write_tokens: 3,
            reasoning_tokens: 5,
        };
        assert_eq!(Usage::parse(raw), Some(usage));
    }

    #[test]
    fn tells_absent_from_zero() {
        assert_eq!(Usage::parse("null"), None);
        assert_eq!(
            Usage::parse(r#"{"completion_tokens_details":null}"#),
            Some(Usage::default())
        );
    }
}
