//! Changes of one value.
//!
//! A change is planned as splices of the old text and believed only when the new text reads back as intended.

mod insert;
mod remove;

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;

use serde_json::Value;

use super::outline::{Node, Shape};
use super::place::Place;
use super::read::kind_of;
use super::style::{Layout, Style};
use super::{ConfigText, parse_error};
use crate::value_path::{Segment, ValuePath};

/// One change of a config.
#[derive(Clone, PartialEq)]
pub enum Edit {
    /// The value at `path` becomes `value`.
    Set {
        /// Where.
        path: ValuePath,
        /// What.
        value: Value,
    },
    /// The value at `path` goes away.
    Remove {
        /// Where.
        path: ValuePath,
    },
}

/// Shows what changes; the new value may be a secret.
impl fmt::Debug for Edit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Set { path, .. } => write!(f, "Set({path})"),
            Self::Remove { path } => write!(f, "Remove({path})"),
        }
    }
}

/// Why a change was not made.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum EditError {
    /// There is nothing at the path that was to be removed.
    Missing {
        /// The path.
        path: ValuePath,
    },
    /// The change cannot be made without touching something else.
    Refused {
        /// The file.
        file: PathBuf,
        /// The path that was to be changed.
        path: ValuePath,
        /// The line of the deepest part of the path that exists, counted from 1.
        line: usize,
        /// Its column in characters, counted from 1.
        column: usize,
        /// What stands in the way.
        why: String,
        /// What a person can write there instead; secrets are masked.
        line_to_write_by_hand: Option<String>,
    },
}

impl EditError {
    /// Returns what the person can do next.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Missing { .. } => None,
            Self::Refused {
                line_to_write_by_hand,
                ..
            } => line_to_write_by_hand
                .as_ref()
                .map(|line| format!("write it by hand: {line}")),
        }
    }
}

impl fmt::Display for EditError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { path } => write!(f, "there is no `{path}` in the config"),
            Self::Refused {
                file,
                path,
                line,
                column,
                why,
                ..
            } => {
                write!(
                    f,
                    "{}:{line}:{column}: cannot change `{path}`: {why}",
                    file.display()
                )
            }
        }
    }
}

impl std::error::Error for EditError {}

/// A part of the old text and what takes its place.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Splice {
    range: Range<usize>,
    with: String,
}

impl Splice {
    fn insert(at: usize, with: impl Into<String>) -> Self {
        Self {
            range: at..at,
            with: with.into(),
        }
    }

    fn cut(range: Range<usize>) -> Self {
        Self {
            range,
            with: String::new(),
        }
    }
}

pub(super) fn set(
    text: &ConfigText,
    path: &ValuePath,
    value: &Value,
) -> Result<ConfigText, EditError> {
    if text.get(path) == Some(value) {
        return Ok(text.clone());
    }
    refuse_included(text, path)?;
    let refused = |why| refusal(text, path, Some(value), why);
    let splices = plan_set(text, path, value).map_err(refused)?;
    let mut expected = text.value().clone();
    put(&mut expected, path.segments(), value).map_err(refused)?;
    checked(text, &splices, &expected).map_err(refused)
}

/// A value that stands in another file is changed there.
fn refuse_included(text: &ConfigText, path: &ValuePath) -> Result<(), EditError> {
    let Some((file, line, column)) = crate::include::owner(text, path) else {
        return Ok(());
    };
    Err(EditError::Refused {
        file,
        path: path.clone(),
        line,
        column,
        why: format!(
            "the value stands in this file, which {} includes",
            text.path().display()
        ),
        line_to_write_by_hand: None,
    })
}

pub(super) fn remove(text: &ConfigText, path: &ValuePath) -> Result<ConfigText, EditError> {
    let refused = |why| refusal(text, path, None, why);
    let Some((last, front)) = path.segments().split_last() else {
        return Err(refused("the whole config cannot be removed".to_owned()));
    };
    refuse_included(text, path)?;
    let missing = || EditError::Missing { path: path.clone() };
    let root = &text.inner.outline;
    let container = front
        .iter()
        .try_fold(root, |node, segment| Some(&node.item(segment)?.value));
    let container = container.ok_or_else(missing)?;
    let position = container.position(last).ok_or_else(missing)?;
    let splices = remove::splices(&text.inner.text, container, position);
    let mut expected = text.value().clone();
    take(&mut expected, path.segments()).ok_or_else(missing)?;
    checked(text, &splices, &expected).map_err(refused)
}

fn plan_set(text: &ConfigText, path: &ValuePath, value: &Value) -> Result<Vec<Splice>, String> {
    let source = text.inner.text.as_str();
    let mut chain = vec![&text.inner.outline];
    let mut node = &text.inner.outline;
    for (depth, segment) in path.segments().iter().enumerate() {
        if let Some(item) = node.item(segment) {
            node = &item.value;
            chain.push(node);
            continue;
        }
        let missing = path.segments().get(depth..).unwrap_or_default();
        return match &node.shape {
            Shape::Scalar if source.get(node.range.clone()) == Some("null") => {
                Ok(replace(source, &chain, &nest(missing, value)?))
            }
            Shape::Scalar => Err(format!("`{}` is not an object", ahead(path, depth))),
            Shape::Object(_) | Shape::List(_) => append(source, &chain, missing, value),
        };
    }
    if path.is_root() && !value.is_object() {
        return Err(format!(
            "the config must be an object, this is {}",
            kind_of(value)
        ));
    }
    Ok(replace(source, &chain, value))
}

/// Returns the first `depth` steps of a path, as text.
fn ahead(path: &ValuePath, depth: usize) -> String {
    let front = path.segments().iter().take(depth);
    front
        .fold(ValuePath::root(), |path, segment| match segment {
            Segment::Key(key) => path.key(key),
            Segment::Index(index) => path.index(*index),
        })
        .to_string()
}

fn append(
    source: &str,
    chain: &[&Node],
    missing: &[Segment],
    value: &Value,
) -> Result<Vec<Splice>, String> {
    let (Some((first, rest)), Some(container)) = (missing.split_first(), chain.last()) else {
        return Err("the place is unclear".to_owned());
    };
    let value = nest(rest, value)?;
    match (&container.shape, first) {
        (Shape::Object(_), Segment::Key(key)) => {
            Ok(insert::splices(source, chain, Some(key), &value))
        }
        (Shape::List(items), segment) => match segment.as_index() {
            Some(index) if index == items.len() => Ok(insert::splices(source, chain, None, &value)),
            Some(_) => Err(format!(
                "the list has {} entries, the next index is {}",
                items.len(),
                items.len()
            )),
            None => Err("a list is there, not an object".to_owned()),
        },
        _ => Err("an object is there, not a list".to_owned()),
    }
}

/// Replaces the innermost node of `chain`.
fn replace(source: &str, chain: &[&Node], value: &Value) -> Vec<Splice> {
    let Some((node, outer)) = chain.split_last() else {
        return Vec::new();
    };
    let style = Style::of(source, if outer.is_empty() { chain } else { outer });
    let old = source.get(node.range.clone()).unwrap_or_default();
    let lines = match outer.last() {
        _ if !node.items().is_empty() => old.contains(['\n', '\r']),
        Some(parent) => insert::has_lines(source, parent),
        None => true,
    };
    let layout = if lines {
        Layout::Lines(insert::indent(source, node.range.start).to_owned())
    } else {
        Layout::Inline
    };
    vec![Splice {
        range: node.range.clone(),
        with: style.value(value, &layout),
    }]
}

/// Wraps a value in the objects and lists that a path needs.
fn nest(missing: &[Segment], value: &Value) -> Result<Value, String> {
    missing
        .iter()
        .rev()
        .try_fold(value.clone(), |inner, segment| match segment {
            Segment::Key(key) => Ok(Value::Object([(key.clone(), inner)].into_iter().collect())),
            Segment::Index(0) => Ok(Value::Array(vec![inner])),
            Segment::Index(index) => Err(format!("a new list starts at index 0, not {index}")),
        })
}

/// Makes the change on the value tree, which says what the new text must mean.
fn put(target: &mut Value, segments: &[Segment], value: &Value) -> Result<(), String> {
    let Some((first, rest)) = segments.split_first() else {
        *target = value.clone();
        return Ok(());
    };
    match (target, first) {
        (Value::Object(members), Segment::Key(key)) => match members.get_mut(key) {
            Some(member) => put(member, rest, value)?,
            None => drop(members.insert(key.clone(), nest(rest, value)?)),
        },
        (Value::Array(items), segment) => {
            let index = segment.as_index().ok_or("a list is there, not an object")?;
            match items.get_mut(index) {
                Some(item) => put(item, rest, value)?,
                None => items.push(nest(rest, value)?),
            }
        }
        (target, _) => *target = nest(segments, value)?,
    }
    Ok(())
}

fn take(target: &mut Value, segments: &[Segment]) -> Option<Value> {
    let (first, rest) = segments.split_first()?;
    match (target, first) {
        (Value::Object(members), Segment::Key(key)) if rest.is_empty() => members.shift_remove(key),
        (Value::Object(members), Segment::Key(key)) => take(members.get_mut(key)?, rest),
        (Value::Array(items), segment) => {
            let index = segment.as_index().filter(|index| *index < items.len())?;
            if rest.is_empty() {
                Some(items.remove(index))
            } else {
                take(items.get_mut(index)?, rest)
            }
        }
        _ => None,
    }
}

/// Applies splices and reads the result back; it must mean `expected` and nothing else.
fn checked(text: &ConfigText, splices: &[Splice], expected: &Value) -> Result<ConfigText, String> {
    let new = splice(&text.inner.text, splices);
    let new = text
        .successor(&new)
        .map_err(|error| format!("the result would not be readable: {}", error.message))?;
    if new.value() == expected {
        Ok(new)
    } else {
        Err("the result would mean something else".to_owned())
    }
}

/// Applies splices, which are in order and do not overlap.
fn splice(text: &str, splices: &[Splice]) -> String {
    let mut new = String::with_capacity(
        text.len()
            + splices
                .iter()
                .map(|splice| splice.with.len())
                .sum::<usize>(),
    );
    let mut end = 0;
    for splice in splices {
        new.push_str(text.get(end..splice.range.start).unwrap_or_default());
        new.push_str(&splice.with);
        end = splice.range.end;
    }
    new.push_str(text.get(end..).unwrap_or_default());
    new
}

fn refusal(text: &ConfigText, path: &ValuePath, value: Option<&Value>, why: String) -> EditError {
    let offset = text.inner.outline.deepest(path).start;
    let Place { line, column } = Place::of(&text.inner.text, offset);
    let by_hand = |value: &Value| match path.segments().last() {
        Some(Segment::Key(key)) => format!("{}: {value}", Value::String(key.clone())),
        _ => value.to_string(),
    };
    EditError::Refused {
        file: text.path().to_owned(),
        path: path.clone(),
        line,
        column,
        why,
        line_to_write_by_hand: value.map(by_hand).map(|line| parse_error::mask(&line)),
    }
}
