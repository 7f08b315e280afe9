//! `$include`: parts of the config that stand in files of their own, read only when their meaning is asked for.
//!
//! The rules are `OpenClaw`'s, except that a file must hold an object. The value is a path or a list of paths, relative to the file that names them. Objects are
//! merged, lists are joined, and keys beside `$include` win. Files lie in the folder of the config, or in one of
//! `OPENCLAW_INCLUDE_ROOTS`. The text of the config never changes by this, and an included value cannot be edited here.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::file;
use crate::text::{ConfigText, kind_of};
use crate::value_path::ValuePath;

/// The key that names files.
pub(crate) const KEY: &str = "$include";
/// How deep files may include each other.
const DEPTH_MAX: usize = 10;
/// The largest included file, in bytes.
const FILE_BYTES_MAX: u64 = 2 * 1024 * 1024;
/// The most files of one config.
const FILES_MAX: usize = 256;

/// What a config means with its included files in place.
#[derive(Debug)]
pub(crate) struct Resolved {
    /// The whole value; `None` when nothing is included, so that the text's own value counts.
    value: Option<Value>,
    /// Files that were read, each with the place its content has.
    sources: Vec<(ValuePath, ConfigText)>,
    /// What could not be included, and why.
    pub(crate) problems: Vec<IncludeProblem>,
}

/// An include that was left out.
#[derive(Debug)]
pub(crate) struct IncludeProblem {
    /// The place of the `$include`.
    pub(crate) path: ValuePath,
    pub(crate) message: String,
}

impl Resolved {
    /// Returns the value in which included files are merged.
    pub(crate) fn value<'v>(&'v self, text: &'v ConfigText) -> &'v Value {
        self.value.as_ref().unwrap_or_else(|| text.value())
    }

    /// Returns the included file that has a value, and the value's path in there.
    pub(crate) fn source_of(&self, path: &ValuePath) -> Option<(&ConfigText, ValuePath)> {
        self.sources.iter().rev().find_map(|(mount, text)| {
            let below = path.segments().strip_prefix(mount.segments())?;
            let below = ValuePath::from_segments(below);
            text.get(&below).is_some().then_some((text, below))
        })
    }

    /// Returns the included file that an edit of `path` would have to change.
    fn owner_of(&self, path: &ValuePath) -> Option<(&ConfigText, ValuePath)> {
        self.sources.iter().rev().find_map(|(mount, text)| {
            let below = path.segments().strip_prefix(mount.segments())?;
            if below.is_empty() {
                return None;
            }
            let mut at = ValuePath::root();
            for segment in below {
                let value = text.get(&at)?;
                if !value.is_object() {
                    break;
                }
                at = at.step(segment.clone());
            }
            text.get(&at).is_some().then_some((text, at))
        })
    }
}

/// Reads what a text includes.
pub(crate) fn resolve(text: &ConfigText) -> Resolved {
    let mut resolved = Resolved {
        value: None,
        sources: Vec::new(),
        problems: Vec::new(),
    };
    if has_include(text.value()) {
        let mut walk = Walk {
            root_text: text,
            resolved: &mut resolved,
            files: vec![canonical(text.path())],
        };
        let value = walk.value(text, text.value(), &ValuePath::root());
        resolved.value = Some(value);
    }
    resolved
}

/// Returns the files that a config includes.
pub fn included_files(text: &ConfigText) -> Vec<PathBuf> {
    let resolved = resolve(text);
    let sources = resolved.sources.iter();
    sources.map(|(_, text)| text.path().to_owned()).collect()
}

/// Returns the included file that holds a value which is to be edited, with the line of the value.
pub(crate) fn owner(text: &ConfigText, path: &ValuePath) -> Option<(PathBuf, usize, usize)> {
    if !has_include(text.value()) {
        return None;
    }
    let resolved = resolve(text);
    let (source, below) = resolved.owner_of(path)?;
    let location = source.locate(&below)?;
    Some((source.path().to_owned(), location.line, location.column))
}

fn has_include(value: &Value) -> bool {
    match value {
        Value::Object(members) => members.contains_key(KEY) || members.values().any(has_include),
        Value::Array(items) => items.iter().any(has_include),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

struct Walk<'a> {
    root_text: &'a ConfigText,
    resolved: &'a mut Resolved,
    /// The files from the config down to the one that is read now.
    files: Vec<PathBuf>,
}

impl Walk<'_> {
    /// The depth of a text is bounded by its reader, that of files by [`DEPTH_MAX`].
    fn value(&mut self, text: &ConfigText, value: &Value, at: &ValuePath) -> Value {
        match value {
            Value::Object(members) => self.object(text, members, at),
            Value::Array(items) => items
                .iter()
                .enumerate()
                .map(|(index, item)| self.value(text, item, &at.index(index)))
                .collect(),
            other => other.clone(),
        }
    }

    fn object(&mut self, text: &ConfigText, members: &Map<String, Value>, at: &ValuePath) -> Value {
        let own: Map<String, Value> = members
            .iter()
            .filter(|(key, _)| *key != KEY)
            .map(|(key, value)| (key.clone(), self.value(text, value, &at.key(key))))
            .collect();
        let Some(include) = members.get(KEY) else {
            return Value::Object(own);
        };
        let mut merged = Value::Object(Map::new());
        for name in self.names(include, at) {
            match self.file(text.path(), &name, at) {
                Ok(included) => merge(&mut merged, included),
                Err(message) => self.complain(at, message),
            }
        }
        merge(&mut merged, Value::Object(own));
        merged
    }

    fn names(&mut self, include: &Value, at: &ValuePath) -> Vec<String> {
        match include {
            Value::String(name) => vec![name.clone()],
            Value::Array(items) if items.iter().all(Value::is_string) => items
                .iter()
                .filter_map(|item| Some(item.as_str()?.to_owned()))
                .collect(),
            other => {
                let found = kind_of(other);
                self.complain(
                    at,
                    format!("must be a path or a list of paths, this is {found}"),
                );
                Vec::new()
            }
        }
    }

    fn file(&mut self, from: &Path, name: &str, at: &ValuePath) -> Result<Value, String> {
        if self.files.len() > DEPTH_MAX {
            return Err(format!(
                "`{name}`: files include each other more than {DEPTH_MAX} deep"
            ));
        }
        if self.resolved.sources.len() >= FILES_MAX {
            return Err(format!(
                "`{name}`: more than {FILES_MAX} files are included"
            ));
        }
        let path = from.parent().unwrap_or(Path::new(".")).join(name);
        let real =
            fs::canonicalize(&path).map_err(|error| format!("cannot read `{name}`: {error}"))?;
        self.check_place(name, &real)?;
        if self.files.contains(&real) {
            return Err(format!("`{name}` includes itself"));
        }
        let bytes = file::read_optional(&real, FILE_BYTES_MAX)
            .ok()
            .flatten()
            .ok_or_else(|| {
                format!("cannot read `{name}`: not a file of at most {FILE_BYTES_MAX} bytes")
            })?;
        let text = ConfigText::parse(&real, bytes).map_err(|error| error.to_string())?;
        self.resolved.sources.push((at.clone(), text.clone()));
        self.files.push(real);
        let value = self.value(&text, text.value(), at);
        self.files.pop();
        Ok(value)
    }

    /// A config that a stranger could have written must not read files elsewhere.
    fn check_place(&self, name: &str, real: &Path) -> Result<(), String> {
        let folder = canonical(self.root_text.path());
        let folder = folder.parent().unwrap_or(Path::new("."));
        let roots = self.root_text.include_roots();
        let allowed =
            std::iter::once(folder.to_owned()).chain(roots.iter().map(|root| canonical(root)));
        if allowed.into_iter().any(|root| real.starts_with(root)) {
            return Ok(());
        }
        Err(format!(
            "`{name}` is outside the folder of the config; OPENCLAW_INCLUDE_ROOTS can allow its folder"
        ))
    }

    fn complain(&mut self, at: &ValuePath, message: String) {
        self.resolved.problems.push(IncludeProblem {
            path: at.key(KEY),
            message,
        });
    }
}

fn canonical(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

/// Lays `over` on `base`: objects merge, lists are joined, everything else is replaced.
fn merge(base: &mut Value, over: Value) {
    match (base, over) {
        (Value::Object(base), Value::Object(over)) => {
            for (key, value) in over {
                match base.get_mut(&key) {
                    Some(below) => merge(below, value),
                    None => {
                        base.insert(key, value);
                    }
                }
            }
        }
        (Value::Array(base), Value::Array(over)) => base.extend(over),
        (base, over) => *base = over,
    }
}
