//! `plugins.entries`: which plugins of the original program are switched on. Kept for the commands that show them.

use super::reader::{Reader, Section};

/// One entry of `plugins.entries`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginEntry {
    /// The name of the plugin.
    pub id: String,
    /// `enabled`; `None` when the entry does not say.
    pub enabled: Option<bool>,
}

pub(super) fn read(reader: &mut Reader<'_>, section: &Section<'_>) -> Vec<PluginEntry> {
    let entries = reader.sections(section, "entries");
    let entry = |(id, section): (&str, Section<'_>)| PluginEntry {
        id: id.to_owned(),
        enabled: reader.flag(&section, "enabled"),
    };
    entries.into_iter().map(entry).collect()
}
