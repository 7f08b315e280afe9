//! Reads the login of Qwen Code, `~/.qwen/oauth_creds.json`: listed as a foreign source, never changed.

use std::path::{Path, PathBuf};

use config::Home;
use serde_json::{Map, Value};

use crate::error::{Error, ShapeProblem};
use crate::profile::entry::whole_ms;
use crate::profile::{Expiry, Login};
use crate::secret::Secret;
use crate::store::Warning;
use crate::store_file;

/// A login that belongs to Qwen Code.
#[derive(Debug, Clone, PartialEq)]
pub struct ForeignLogin {
    /// The file that holds it.
    pub path: PathBuf,
    /// Its tokens.
    pub login: Login,
    /// The host that the tokens are for, as written: usually `portal.qwen.ai`, without a scheme.
    pub resource_url: Option<String>,
    /// The complaint about the mode of the file, if there is one.
    pub warning: Option<Warning>,
}

/// Returns where Qwen Code keeps its login.
pub fn login_path(home: &Home) -> PathBuf {
    home.user_home().join(".qwen").join("oauth_creds.json")
}

/// Reads the login at `path`.
///
/// Like Qwen Code, it takes a file without `access_token`, `refresh_token`, `token_type` or a numeric `expiry_date` as
/// no login: the result is `None`, as it is for a missing file.
///
/// # Errors
/// [`Error::ReadStore`], [`Error::StoreTooLarge`], [`Error::StoreSyntax`] or [`Error::StoreShape`] when the file is
/// there and is not a JSON object.
pub fn read_login(path: &Path) -> Result<Option<ForeignLogin>, Error> {
    let Some(file) = store_file::read(path)? else {
        return Ok(None);
    };
    let value: Value = serde_json::from_str(&file.text).map_err(|source| Error::StoreSyntax {
        path: path.to_owned(),
        line: source.line(),
        column: source.column(),
        source,
    })?;
    let Value::Object(mut fields) = value else {
        return Err(Error::StoreShape {
            path: path.to_owned(),
            problem: ShapeProblem::RootNotAnObject,
        });
    };
    let login = login(&fields);
    let resource_url = fields
        .get("resource_url")
        .and_then(Value::as_str)
        .map(str::to_owned);
    fields.values_mut().for_each(crate::document::wipe);
    Ok(login.map(|login| ForeignLogin {
        path: path.to_owned(),
        login,
        resource_url,
        warning: file.mode_warning,
    }))
}

fn login(fields: &Map<String, Value>) -> Option<Login> {
    let text = |name: &str| {
        fields
            .get(name)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
    };
    text("token_type")?;
    let secret = |name: &str| text(name).map(|text| Secret::new(text.to_owned()));
    let expiry_ms = fields
        .get("expiry_date")
        .filter(|value| value.is_number())?;
    Some(Login {
        access: Some(secret("access_token")?),
        refresh: Some(secret("refresh_token")?),
        expiry: whole_ms(expiry_ms)
            .filter(|at_ms| *at_ms > 0)
            .map_or(Expiry::Invalid, Expiry::AtMs),
    })
}
