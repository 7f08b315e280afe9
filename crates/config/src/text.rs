//! The exact text of a config file beside its parsed value.
//!
//! [`ConfigText::parse`] reads JSON5 and keeps every byte. [`ConfigText::set`] and [`ConfigText::remove`] return a new
//! text in which one value differs: they cut and insert at places that `outline` found in the old text, and the result
//! is believed only after it has been read back and equals the old value with exactly that one change.

mod edit;
mod lexeme;
mod outline;
mod parse_error;
mod place;
mod read;
mod style;

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;

pub use edit::{Edit, EditError};
pub use parse_error::{ParseError, excerpt_of};
pub(crate) use read::kind_of;

use crate::include;
use crate::value_path::ValuePath;
use outline::Node;

/// The deepest nesting of lists and objects that is read; deeper files are refused before they can exhaust the stack.
pub const DEPTH_MAX: usize = 128;
/// The largest config file that is read, in bytes.
pub const FILE_BYTES_MAX: usize = 10 * 1024 * 1024;

const BOM: &str = "\u{feff}";

/// The bytes of a config file and what they mean. Cheap to clone.
///
/// ```
/// use config::ConfigText;
/// use serde_json::json;
///
/// let text = ConfigText::parse("openclaw.json", b"{ port: 18789, /* default */ }".to_vec())?;
/// let changed = text.set(&"port".parse()?, json!(8080))?;
/// assert_eq!(changed.bytes(), b"{ port: 8080, /* default */ }");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct ConfigText {
    inner: Arc<Inner>,
    /// Folders besides the file's own that included files may lie in.
    include_roots: Arc<[PathBuf]>,
}

struct Inner {
    path: PathBuf,
    /// The text without a byte order mark.
    text: String,
    has_bom: bool,
    bytes: Vec<u8>,
    value: Value,
    outline: Node,
    on_disk: bool,
}

/// Where something is in a config text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// The line, counted from 1.
    pub line: usize,
    /// The column in characters, counted from 1.
    pub column: usize,
    /// The bytes of the file, without a byte order mark.
    pub range: Range<usize>,
}

/// Shows which file it is; the text may hold secrets.
impl fmt::Debug for ConfigText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("ConfigText");
        shown.field("path", &self.inner.path);
        shown
            .field("bytes", &self.inner.bytes.len())
            .finish_non_exhaustive()
    }
}

impl ConfigText {
    /// Reads the bytes of a file. `path` is only used in messages.
    ///
    /// The numbers `Infinity` and `NaN`, which JSON5 has and JSON has not, read as `null`; their bytes are kept.
    ///
    /// # Errors
    /// [`ParseError`] says where and why: not UTF-8, empty, larger than [`FILE_BYTES_MAX`], deeper than [`DEPTH_MAX`],
    /// malformed, a key given twice in one object, or a root that is not an object.
    pub fn parse(path: impl Into<PathBuf>, bytes: Vec<u8>) -> Result<Self, ParseError> {
        Self::read(path.into(), bytes, true)
    }

    /// Starts a file that does not exist yet: an empty object, to be filled by edits. Values are printed as JSON with
    /// two spaces, like `OpenClaw` does.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        let text = "{}\n".to_owned();
        let inner = Inner {
            path: path.into(),
            bytes: text.clone().into_bytes(),
            text,
            has_bom: false,
            value: Value::Object(serde_json::Map::new()),
            outline: Node::empty_object(0..2),
            on_disk: false,
        };
        Self {
            inner: Arc::new(inner),
            include_roots: Arc::default(),
        }
    }

    fn read(path: PathBuf, bytes: Vec<u8>, on_disk: bool) -> Result<Self, ParseError> {
        let text = read::utf8(&path, &bytes)?;
        let (has_bom, text) = match text.strip_prefix(BOM) {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (value, outline) = read::document(&path, text)?;
        let text = text.to_owned();
        Ok(Self {
            inner: Arc::new(Inner {
                path,
                text,
                has_bom,
                bytes,
                value,
                outline,
                on_disk,
            }),
            include_roots: Arc::default(),
        })
    }

    /// Reads `text` as the successor of this one, with the same path and byte order mark.
    fn successor(&self, text: &str) -> Result<Self, ParseError> {
        let bytes = if self.inner.has_bom {
            format!("{BOM}{text}")
        } else {
            text.to_owned()
        };
        let path = self.inner.path.clone();
        let mut new = Self::read(path, bytes.into_bytes(), self.inner.on_disk)?;
        new.include_roots = Arc::clone(&self.include_roots);
        Ok(new)
    }

    /// Returns the same text, allowed to include files from more folders than its own.
    #[must_use]
    pub fn with_include_roots(mut self, roots: &[PathBuf]) -> Self {
        self.include_roots = roots.into();
        self
    }

    pub(crate) fn include_roots(&self) -> &[PathBuf] {
        &self.include_roots
    }

    /// Returns the value with the contents of included files in their places; files that cannot be read are left out.
    pub fn effective_value(&self) -> Value {
        include::resolve(self).value(self).clone()
    }

    /// Returns the file this text belongs to.
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// Returns the exact bytes of the file.
    pub fn bytes(&self) -> &[u8] {
        &self.inner.bytes
    }

    /// Returns the parsed value; the root is always an object and keys keep their order.
    pub fn value(&self) -> &Value {
        &self.inner.value
    }

    /// Returns the value at a path.
    pub fn get(&self, path: &ValuePath) -> Option<&Value> {
        path.look_up(self.value())
    }

    /// Returns whether this text was read from a file, or derived from one that was.
    pub fn is_on_disk(&self) -> bool {
        self.inner.on_disk
    }

    /// Returns where a value is, or where the deepest part of the path that exists is.
    ///
    /// For a member of an object the range covers key and value, and line and column are those of the key.
    pub fn locate(&self, path: &ValuePath) -> Option<Location> {
        Some(self.location(self.inner.outline.deepest(path)))
    }

    fn location(&self, range: Range<usize>) -> Location {
        let place = place::Place::of(&self.inner.text, range.start);
        Location {
            line: place.line,
            column: place.column,
            range,
        }
    }

    /// Returns the source line of a location with a caret under it; values of secret keys are masked.
    pub fn excerpt(&self, location: &Location) -> String {
        excerpt_of(&self.inner.text, location.line, location.column)
    }

    /// Returns a text in which the value at `path` is `value`.
    ///
    /// Objects that are missing on the way are created; new keys go to the end and follow the style around them. When
    /// the value is already there, the bytes stay identical.
    ///
    /// # Errors
    /// [`EditError`] when something on the way is not an object or list, a list index is beyond the end, or the
    /// result does not read back as intended.
    pub fn set(&self, path: &ValuePath, value: impl Into<Value>) -> Result<Self, EditError> {
        edit::set(self, path, &value.into())
    }

    /// Returns a text without the value at `path`. A comment on the same line goes with it.
    ///
    /// # Errors
    /// [`EditError::Missing`] when there is nothing at the path, [`EditError::Refused`] for the root or when the
    /// result does not read back as intended.
    pub fn remove(&self, path: &ValuePath) -> Result<Self, EditError> {
        edit::remove(self, path)
    }

    /// Returns a text with several edits made one after the other.
    ///
    /// # Errors
    /// The first [`EditError`]; nothing is half done, since this text is never changed.
    pub fn apply(&self, edits: &[Edit]) -> Result<Self, EditError> {
        edits
            .iter()
            .try_fold(self.clone(), |text, edit| match edit {
                Edit::Set { path, value } => edit::set(&text, path, value),
                Edit::Remove { path } => edit::remove(&text, path),
            })
    }
}
