//! The login of Qwen Code, `~/.qwen/oauth_creds.json`.
//!
//! The login belongs to Qwen Code. It is known here as the profile [`PROFILE`], and whoever renews it gives the new
//! tokens back, under Qwen Code's own lock: a refresh token that was spent and not given back would end the login of
//! both programs. Of two copies the newest wins, and a copy whose refresh token was already exchanged is never newest.

mod lock;
mod write_back;

use std::path::{Path, PathBuf};

use config::Home;
use serde_json::{Map, Value};

use crate::error::{Error, ShapeProblem};
use crate::profile::entry::whole_ms;
use crate::profile::{Expiry, Login};
use crate::secret::Secret;
use crate::store::Warning;
use crate::store_file;

pub(crate) use lock::QwenLock;
pub(crate) use write_back::write_login;

/// The id under which stores hold a copy of the login.
pub const PROFILE: &str = "qwen-portal:qwen-cli";

/// The provider of that profile.
pub(crate) const PROVIDER: &str = "qwen-portal";

/// Which of two copies of the login is to be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Newest {
    /// They are the same.
    Same,
    /// The one in our store.
    Ours,
    /// The one of Qwen Code.
    Theirs,
}

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

/// Compares the copy in our store with the login of Qwen Code; `is_spent` knows the tokens that were exchanged here.
pub(crate) fn newest(
    ours: Option<&Login>,
    theirs: &Login,
    is_spent: impl Fn(&Secret) -> bool,
) -> Newest {
    let Some(ours) = ours else {
        return Newest::Theirs;
    };
    if ours == theirs {
        return Newest::Same;
    }
    if theirs.refresh.as_ref().is_some_and(&is_spent) {
        return Newest::Ours;
    }
    let spent_here = ours.refresh.as_ref().is_none_or(&is_spent);
    if spent_here || theirs.expiry.at_ms() > ours.expiry.at_ms() {
        Newest::Theirs
    } else {
        Newest::Ours
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn login(refresh: &str, at_ms: u64) -> Login {
        let secret = |text: &str| Some(Secret::new(text.to_owned()));
        Login {
            access: secret(&format!("access-of-{refresh}")),
            refresh: secret(refresh),
            expiry: Expiry::AtMs(at_ms),
        }
    }

    #[test]
    fn the_newest_wins_and_a_spent_one_never_does() {
        let spent = |token: &Secret| token.matches("spent");
        let theirs = login("theirs", 100);
        for (ours, theirs, expected) in [
            (None, &theirs, Newest::Theirs),
            (Some(login("theirs", 100)), &theirs, Newest::Same),
            (Some(login("ours", 99)), &theirs, Newest::Theirs),
            (Some(login("ours", 100)), &theirs, Newest::Ours),
            (Some(login("ours", 101)), &theirs, Newest::Ours),
            (Some(login("spent", 101)), &theirs, Newest::Theirs),
            (Some(login("ours", 99)), &login("spent", 100), Newest::Ours),
        ] {
            assert_eq!(newest(ours.as_ref(), theirs, spent), expected, "{ours:?}");
        }
    }
}
