//! Follows a reference to the place that holds the secret.

use config::{Environment, Home, RefSource, SecretRef};

use crate::secret::Secret;
use crate::source::Unusable;
use crate::store::Warning;
use crate::store_file;

/// What a reference led to.
pub(crate) struct Followed {
    /// The secret, or why there is none.
    pub(crate) secret: Result<Secret, Unusable>,
    /// What a person should know about the place.
    pub(crate) warning: Option<Warning>,
}

impl From<Result<Secret, Unusable>> for Followed {
    fn from(secret: Result<Secret, Unusable>) -> Self {
        Self {
            secret,
            warning: None,
        }
    }
}

/// Reads the secret that `reference` points to: a variable, or a file that holds nothing else.
pub(crate) fn follow(reference: &SecretRef, home: &Home, environment: &Environment) -> Followed {
    match reference.source {
        RefSource::Env => variable(&reference.id, environment).into(),
        RefSource::File => file(&reference.id, home),
        RefSource::Exec | RefSource::Store => Err(Unusable::UnsupportedReference {
            source_name: reference.source.as_str(),
        })
        .into(),
    }
}

/// Reads a variable; a blank one is as good as none.
pub(crate) fn variable(name: &str, environment: &Environment) -> Result<Secret, Unusable> {
    environment
        .get(name)
        .map(str::trim)
        .filter(|value| !value.is_empty())
        .map(|value| Secret::new(value.to_owned()))
        .ok_or_else(|| Unusable::MissingVariable {
            name: name.to_owned(),
        })
}

fn file(id: &str, home: &Home) -> Followed {
    let path = store_file::expand_home(id.trim(), home.user_home());
    let unreadable = |problem: String| {
        Err(Unusable::UnreadableFile {
            path: path.clone(),
            problem,
        })
        .into()
    };
    if !path.is_absolute() {
        return unreadable("the path is neither absolute nor in `~`".to_owned());
    }
    match store_file::read(&path) {
        Ok(None) => unreadable("the file does not exist".to_owned()),
        Ok(Some(file)) if file.text.trim().is_empty() => unreadable("the file is empty".to_owned()),
        Ok(Some(file)) => Followed {
            secret: Ok(Secret::new(file.text.trim().to_owned())),
            warning: file.mode_warning,
        },
        Err(error) => unreadable(crate::error::one_line(&error)),
    }
}
