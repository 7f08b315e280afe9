//! The level of thinking, as an argument.

use catalog::ThinkingLevel;

/// Reads a level.
pub(crate) fn level(text: &str) -> Result<ThinkingLevel, String> {
    ThinkingLevel::read(text).ok_or_else(|| {
        let known: Vec<&str> = ThinkingLevel::ALL
            .iter()
            .map(|level| level.as_str())
            .collect();
        format!("known are {}", known.join(", "))
    })
}
