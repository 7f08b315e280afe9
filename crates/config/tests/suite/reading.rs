//! Short ways to read texts and paths that must be right.

/// Reads a text that must be a config.
pub(crate) fn text(source: &str) -> config::ConfigText {
    config::ConfigText::parse("openclaw.json", source.as_bytes().to_vec()).unwrap()
}

/// Reads a path that must be one.
pub(crate) fn path(text: &str) -> config::ValuePath {
    text.parse().unwrap()
}

/// Returns the bytes of a config as text.
pub(crate) fn source(text: &config::ConfigText) -> &str {
    std::str::from_utf8(text.bytes()).unwrap()
}
