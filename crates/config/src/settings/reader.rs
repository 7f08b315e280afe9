//! Takes values of the expected kind out of objects and notes everything else as a problem.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use super::problem::{Problem, Severity};
use crate::include::Resolved;
use crate::secret::{SecretInput, SecretRef};
use crate::text::{ConfigText, kind_of};
use crate::value_path::ValuePath;

/// An object of the config and its place.
#[derive(Debug, Clone)]
pub(super) struct Section<'v> {
    pub(super) path: ValuePath,
    pub(super) members: &'v Map<String, Value>,
}

impl<'v> Section<'v> {
    pub(super) fn root(value: &'v Value) -> Option<Self> {
        Some(Self {
            path: ValuePath::root(),
            members: value.as_object()?,
        })
    }

    /// Returns a member; `null` counts as unset.
    pub(super) fn value(&self, key: &str) -> Option<&'v Value> {
        self.members.get(key).filter(|value| !value.is_null())
    }
}

/// Reads values and collects problems.
pub(super) struct Reader<'t> {
    pub(super) text: &'t ConfigText,
    resolved: &'t Resolved,
    problems: Vec<Problem>,
    /// What was asked for, so that a test can compare it with the schema.
    #[cfg(test)]
    pub(super) asked: std::cell::RefCell<Vec<ValuePath>>,
    references: Vec<(ValuePath, SecretRef)>,
}

impl<'t> Reader<'t> {
    pub(super) fn new(text: &'t ConfigText, resolved: &'t Resolved) -> Self {
        Self {
            text,
            resolved,
            problems: Vec::new(),
            #[cfg(test)]
            asked: std::cell::RefCell::default(),
            references: Vec::new(),
        }
    }

    /// Returns the problems in the order of their places.
    pub(super) fn into_problems(mut self) -> Vec<Problem> {
        self.problems
            .sort_by(|a, b| (&a.file, a.line, a.column).cmp(&(&b.file, b.line, b.column)));
        self.problems
    }

    /// Returns the references to secrets that were read, with their places.
    pub(super) fn take_references(&mut self) -> Vec<(ValuePath, SecretRef)> {
        std::mem::take(&mut self.references)
    }

    /// Returns how many problems there are so far; see [`Reader::first_error_since`].
    pub(super) fn mark(&self) -> usize {
        self.problems.len()
    }

    /// Returns the first error noted after a mark.
    pub(super) fn first_error_since(&self, mark: usize) -> Option<&Problem> {
        self.problems
            .get(mark..)?
            .iter()
            .find(|problem| problem.severity == Severity::Error)
    }

    pub(super) fn error(
        &mut self,
        path: ValuePath,
        message: impl Into<String>,
        hint: Option<String>,
    ) {
        self.note(Severity::Error, path, message.into(), hint);
    }

    pub(super) fn warning(
        &mut self,
        path: ValuePath,
        message: impl Into<String>,
        hint: Option<String>,
    ) {
        self.note(Severity::Warning, path, message.into(), hint);
    }

    fn note(&mut self, severity: Severity, path: ValuePath, message: String, hint: Option<String>) {
        let included = self.resolved.source_of(&path);
        let (text, below) = included
            .as_ref()
            .map_or((self.text, &path), |(text, below)| (text, below));
        let location = text.locate(below);
        let excerpt = location
            .as_ref()
            .map(|location| text.excerpt(location))
            .unwrap_or_default();
        let (line, column) = location.map_or((1, 1), |location| (location.line, location.column));
        let file = included.is_some().then(|| text.path().to_owned());
        self.problems.push(Problem {
            severity,
            path,
            message,
            hint,
            line,
            column,
            file,
            excerpt,
        });
    }

    /// Returns a member; `null` counts as unset.
    #[cfg_attr(
        not(test),
        expect(clippy::unused_self, reason = "tests note what is asked for")
    )]
    fn member<'v>(&self, parent: &Section<'v>, key: &str) -> Option<&'v Value> {
        #[cfg(test)]
        self.asked.borrow_mut().push(parent.path.key(key));
        parent.value(key)
    }

    fn wrong_kind(&mut self, path: ValuePath, expected: &str, found: &Value) {
        self.error(
            path,
            format!("must be {expected}, this is {}", kind_of(found)),
            None,
        );
    }

    /// Returns a member if it is an object.
    pub(super) fn section<'v>(&mut self, parent: &Section<'v>, key: &str) -> Option<Section<'v>> {
        self.as_section(parent.path.key(key), self.member(parent, key)?)
    }

    /// Reads a member that is an object with `read`, or returns what an empty config has.
    pub(super) fn part<'v, T: Default>(
        &mut self,
        parent: &Section<'v>,
        key: &str,
        read: impl FnOnce(&mut Self, &Section<'v>) -> T,
    ) -> T {
        match self.section(parent, key) {
            Some(section) => read(self, &section),
            None => T::default(),
        }
    }

    /// Returns a value if it is an object.
    pub(super) fn as_section<'v>(
        &mut self,
        path: ValuePath,
        value: &'v Value,
    ) -> Option<Section<'v>> {
        if let Value::Object(members) = value {
            return Some(Section { path, members });
        }
        self.wrong_kind(path, "an object", value);
        None
    }

    /// Returns the members of a member object that are objects themselves, with their keys.
    pub(super) fn sections<'v>(
        &mut self,
        parent: &Section<'v>,
        key: &str,
    ) -> Vec<(&'v str, Section<'v>)> {
        let Some(map) = self.section(parent, key) else {
            return Vec::new();
        };
        let entries = map.members.iter().filter(|(_, value)| !value.is_null());
        entries
            .filter_map(|(key, value)| {
                Some((key.as_str(), self.as_section(map.path.key(key), value)?))
            })
            .collect()
    }

    /// Returns the entries of a list with their places.
    pub(super) fn list<'v>(
        &mut self,
        parent: &Section<'v>,
        key: &str,
    ) -> Vec<(ValuePath, &'v Value)> {
        let path = parent.path.key(key);
        match self.member(parent, key) {
            None => Vec::new(),
            Some(Value::Array(items)) => items
                .iter()
                .enumerate()
                .map(|(index, item)| (path.index(index), item))
                .collect(),
            Some(other) => {
                self.wrong_kind(path, "a list", other);
                Vec::new()
            }
        }
    }

    /// Returns the texts of a list.
    pub(super) fn texts(&mut self, parent: &Section<'_>, key: &str) -> Vec<String> {
        let items = self.list(parent, key);
        let text = |(path, item): (ValuePath, &Value)| match item {
            Value::String(text) => Some(text.clone()),
            other => {
                self.wrong_kind(path, "a text", other);
                None
            }
        };
        items.into_iter().filter_map(text).collect()
    }

    pub(super) fn text(&mut self, parent: &Section<'_>, key: &str) -> Option<String> {
        match self.member(parent, key)? {
            Value::String(text) => Some(text.clone()),
            other => {
                self.wrong_kind(parent.path.key(key), "a text", other);
                None
            }
        }
    }

    pub(super) fn flag(&mut self, parent: &Section<'_>, key: &str) -> Option<bool> {
        let value = self.member(parent, key)?;
        if value.as_bool().is_none() {
            self.wrong_kind(parent.path.key(key), "true or false", value);
        }
        value.as_bool()
    }

    pub(super) fn number(&mut self, parent: &Section<'_>, key: &str) -> Option<f64> {
        let value = self.member(parent, key)?;
        if value.as_f64().is_none() {
            self.wrong_kind(parent.path.key(key), "a number", value);
        }
        value.as_f64()
    }

    /// Returns a whole number; `1e3` and `1.0` count as whole.
    pub(super) fn whole(
        &mut self,
        parent: &Section<'_>,
        key: &str,
        range: RangeInclusive<u64>,
    ) -> Option<u64> {
        let value = self.member(parent, key)?;
        let path = parent.path.key(key);
        if !value.is_number() {
            self.wrong_kind(path, "a number", value);
            return None;
        }
        let whole = whole(value).filter(|number| range.contains(number));
        if whole.is_none() {
            let (low, high) = (range.start(), range.end());
            let bounds = if *high == u64::MAX {
                format!("{low} or more")
            } else {
                format!("{low} to {high}")
            };
            self.error(
                path,
                format!("must be a whole number, {bounds}, this is {value}"),
                None,
            );
        }
        whole
    }

    /// Returns the meaning of a text that must be one of a few words.
    pub(super) fn choice<T: Copy>(
        &mut self,
        parent: &Section<'_>,
        key: &str,
        words: &[(&str, T)],
    ) -> Option<T> {
        let text = self.text(parent, key)?;
        let found = words
            .iter()
            .find(|(word, _)| *word == text)
            .map(|(_, meaning)| *meaning);
        if found.is_none() {
            let list: Vec<String> = words.iter().map(|(word, _)| format!("`{word}`")).collect();
            let hint = format!("use one of {}", list.join(", "));
            self.error(
                parent.path.key(key),
                format!("`{text}` is not known here"),
                Some(hint),
            );
        }
        found
    }

    pub(super) fn secret(&mut self, parent: &Section<'_>, key: &str) -> Option<SecretInput> {
        match SecretInput::read(self.member(parent, key)?) {
            Ok(secret) => {
                if let SecretInput::Ref(reference) = &secret {
                    self.references
                        .push((parent.path.key(key), reference.clone()));
                }
                Some(secret)
            }
            Err(why) => {
                self.error(parent.path.key(key), why, None);
                None
            }
        }
    }
}

fn whole(value: &Value) -> Option<u64> {
    /// Beyond 2^53 not every whole number is exact.
    const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
    let from_float = |float: f64| {
        let is_whole = float.fract() == 0.0 && (0.0..=EXACT_MAX).contains(&float);
        // The shortest way that cannot lose: print without fraction, read as an integer.
        is_whole
            .then(|| format!("{float:.0}").parse().ok())
            .flatten()
    };
    value
        .as_u64()
        .or_else(|| value.as_f64().and_then(from_float))
}
