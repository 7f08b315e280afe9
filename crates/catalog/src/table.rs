//! Tables: reading a data file, and laying an override file over it.

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::Error;
use crate::auth_choice::AuthChoice;
use crate::chat_rule::{ChatRule, HostRule};
use crate::endpoint::Endpoint;
use crate::failure::ErrorRow;
use crate::format::FormatRow;
use crate::key::KeyPrefix;
use crate::media::MediaModel;
use crate::model::{KindPattern, Model};
use crate::nesting;
use crate::oauth::OauthServer;
use crate::provider::Provider;
use crate::sunset::Sunset;
use crate::video::VideoModel;

/// Largest override file that is read, in bytes.
pub const OVERRIDE_BYTES_MAX: usize = 1024 * 1024;
/// Deepest nesting of brackets that is read; the reader recurses, rows need five.
const DEPTH_MAX: usize = 32;

/// A data file of the user's, already read into memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OverrideFile<'a> {
    /// Its name or path; the last component names the table, such as `models.json5`.
    pub name: &'a str,
    /// Its text.
    pub contents: &'a str,
}

/// A kind of row that has a data file.
pub(crate) trait Row: DeserializeOwned {
    /// Name of the data file.
    const FILE: &'static str;
    /// The shipped file.
    const SHIPPED: &'static str;
    /// Whether new override rows go before the shipped ones, for tables where the first match wins.
    const NEW_ROWS_FIRST: bool = false;
    /// Unique name of the row.
    fn id(&self) -> &str;
}

macro_rules! row {
    ($type:ty, $file:literal $(, $constant:ident = $value:expr)?) => {
        impl Row for $type {
            const FILE: &'static str = $file;
            const SHIPPED: &'static str = include_str!(concat!("../data/", $file));
            $(const $constant: bool = $value;)?
            fn id(&self) -> &str {
                &self.id
            }
        }
    };
}

row!(Provider, "providers.json5");
row!(Endpoint, "endpoints.json5");
row!(AuthChoice, "auth_choices.json5");
row!(KeyPrefix, "keys.json5");
row!(Model, "models.json5");
row!(KindPattern, "kinds.json5", NEW_ROWS_FIRST = true);
row!(ChatRule, "chat_rules.json5", NEW_ROWS_FIRST = true);
row!(HostRule, "host_rules.json5");
row!(FormatRow, "formats.json5");
row!(ErrorRow, "errors.json5", NEW_ROWS_FIRST = true);
row!(Sunset, "sunset.json5");
row!(OauthServer, "oauth.json5");
row!(VideoModel, "videos.json5");
row!(MediaModel, "media.json5");

/// File names of all tables: those that a home may override or extend.
pub const FILES: &[&str] = &[
    Provider::FILE,
    Endpoint::FILE,
    AuthChoice::FILE,
    KeyPrefix::FILE,
    Model::FILE,
    KindPattern::FILE,
    ChatRule::FILE,
    HostRule::FILE,
    FormatRow::FILE,
    ErrorRow::FILE,
    Sunset::FILE,
    OauthServer::FILE,
    VideoModel::FILE,
    MediaModel::FILE,
];

/// Reads the shipped table.
pub(crate) fn shipped<R: Row>() -> Result<Vec<R>, Error> {
    json5::from_str(R::SHIPPED).map_err(|source| Error::Syntax {
        file: R::FILE.to_owned(),
        source,
    })
}

/// Reads the shipped table without giving its rows a type, as a base for merging.
pub(crate) fn shipped_values<R: Row>() -> Result<Vec<Value>, Error> {
    json5::from_str(R::SHIPPED).map_err(|source| Error::Syntax {
        file: R::FILE.to_owned(),
        source,
    })
}

/// Lays an override file over `values` and returns the typed table.
pub(crate) fn merge<R: Row>(
    values: &mut Vec<Value>,
    file: &OverrideFile<'_>,
) -> Result<Vec<R>, Error> {
    let changes: Vec<Value> = read_override(file)?;
    let mut n_new = 0;
    for (place, change) in changes.into_iter().enumerate() {
        let id = id_of(&change).ok_or_else(|| Error::Row {
            file: file.name.to_owned(),
            row: format!("#{}", place + 1),
            reason: "it has no `id`".to_owned(),
        })?;
        let id = id.to_owned();
        if let Some(row) = values.iter_mut().find(|row| id_of(row) == Some(&id)) {
            merge_value(row, change);
            check_row::<R>(file.name, &id, row)?;
        } else {
            check_row::<R>(file.name, &id, &change)?;
            let at = if R::NEW_ROWS_FIRST {
                n_new
            } else {
                values.len()
            };
            values.insert(at, change);
            n_new += 1;
        }
    }
    values
        .iter()
        .map(|row| check_row::<R>(file.name, id_of(row).unwrap_or_default(), row))
        .collect()
}

fn read_override(file: &OverrideFile<'_>) -> Result<Vec<Value>, Error> {
    let name = file.name.to_owned();
    let contents = file
        .contents
        .strip_prefix('\u{feff}')
        .unwrap_or(file.contents);
    if contents.len() > OVERRIDE_BYTES_MAX {
        return Err(Error::TooLarge {
            file: name,
            bytes: contents.len(),
            max: OVERRIDE_BYTES_MAX,
        });
    }
    if nesting::depth(contents) > DEPTH_MAX {
        return Err(Error::TooDeep {
            file: name,
            max: DEPTH_MAX,
        });
    }
    json5::from_str(contents).map_err(|source| Error::Syntax { file: name, source })
}

fn id_of(row: &Value) -> Option<&str> {
    row.get("id")?.as_str()
}

/// Replaces what `change` names: objects field by field, everything else whole.
fn merge_value(row: &mut Value, change: Value) {
    match (row, change) {
        (Value::Object(row), Value::Object(change)) => {
            for (name, value) in change {
                merge_value(row.entry(name).or_insert(Value::Null), value);
            }
        }
        (row, change) => *row = change,
    }
}

fn check_row<R: Row>(file: &str, id: &str, row: &Value) -> Result<R, Error> {
    R::deserialize(row).map_err(|cause| Error::Row {
        file: file.to_owned(),
        row: id.to_owned(),
        reason: cause.to_string(),
    })
}
