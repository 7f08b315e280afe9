//! What the first characters of a key tell.

use serde::Deserialize;

/// Longest piece of a key that is looked at, in bytes; no more than this needs to be passed in.
pub const KEY_PREFIX_BYTES_MAX: usize = 8;

text_enum! {
    /// What a key can open, as far as its prefix tells.
    pub enum KeyFamily {
        /// A Coding Plan or Token Plan key; the prefix does not tell which.
        Plan => "plan",
        /// A pay-as-you-go key for shared, trial and workspace hosts.
        PayAsYouGo => "pay-as-you-go",
        /// Not told by the prefix, such as a portal token.
        Unknown => "unknown",
    }
}

/// One key-prefix row; the id is the prefix.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyPrefix {
    /// The prefix itself.
    pub id: String,
    /// What it means.
    pub family: KeyFamily,
}

/// Returns the family told by the longest fitting prefix.
pub(crate) fn family_of(prefixes: &[KeyPrefix], text: &str) -> KeyFamily {
    prefixes
        .iter()
        .filter(|row| text.starts_with(row.id.as_str()))
        .max_by_key(|row| row.id.len())
        .map_or(KeyFamily::Unknown, |row| row.family)
}
