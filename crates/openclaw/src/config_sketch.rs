//! Edits of the config that build on each other before any of them is written.

use config::{ConfigText, Edit, ValuePath};
use serde_json::Value;

use crate::failed::Failed;

/// The config as it would be after the edits so far.
pub(crate) struct ConfigSketch {
    text: ConfigText,
    edits: Vec<Edit>,
}

impl ConfigSketch {
    /// Begins with the config as it is.
    pub(crate) fn of(text: &ConfigText) -> Self {
        Self {
            text: text.clone(),
            edits: Vec::new(),
        }
    }

    /// Returns the text after the edits so far.
    pub(crate) fn text(&self) -> &ConfigText {
        &self.text
    }

    /// Returns the edits that changed something.
    pub(crate) fn edits(&self) -> &[Edit] {
        &self.edits
    }

    /// Returns the value below a path of keys.
    pub(crate) fn get(&self, path: &[&str]) -> Option<&Value> {
        self.text.get(&ValuePath::of(path.iter().copied()))
    }

    /// Sets the value below a path of keys; says whether anything changed.
    pub(crate) fn set(&mut self, path: &[&str], value: Value) -> Result<bool, Failed> {
        self.set_at(ValuePath::of(path.iter().copied()), value)
    }

    /// Sets a value; says whether anything changed.
    pub(crate) fn set_at(&mut self, path: ValuePath, value: Value) -> Result<bool, Failed> {
        if self.text.get(&path) == Some(&value) {
            return Ok(false);
        }
        let edit = Edit::Set { path, value };
        self.text = self
            .text
            .apply(std::slice::from_ref(&edit))
            .map_err(|error| Failed::from(config::Error::from(error)))?;
        self.edits.push(edit);
        Ok(true)
    }

    /// Removes a value, if it is there.
    pub(crate) fn remove_at(&mut self, path: ValuePath) -> Result<(), Failed> {
        if self.text.get(&path).is_none() {
            return Ok(());
        }
        self.make(&[Edit::Remove { path }])
    }

    /// Makes edits that somebody else has decided.
    pub(crate) fn make(&mut self, edits: &[Edit]) -> Result<(), Failed> {
        self.text = self
            .text
            .apply(edits)
            .map_err(|error| Failed::from(config::Error::from(error)))?;
        self.edits.extend_from_slice(edits);
        Ok(())
    }
}
