//! Follows a reference to the place that holds the secret.

use config::{
    Environment, ExecPlace, FileMode, FilePlace, Home, RefSource, SecretInput, SecretPlace,
    SecretRef, SecretsSettings, Unresolved,
};
use serde_json::Value;

use crate::exec_secret::ExecSource;
use crate::secret::Secret;
use crate::source::Unusable;
use crate::store::Warning;
use crate::{keyring_secret, program_answers, store_file};

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

/// Whether programs that give secrets are started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Programs {
    /// They are, and their answers are kept for a while.
    #[default]
    Run,
    /// They are not: only what they answered before is used.
    Leave,
}

/// Follows the references of one config.
#[derive(Debug, Clone, Copy)]
pub struct References<'a> {
    home: &'a Home,
    environment: &'a Environment,
    secrets: &'a SecretsSettings,
    programs: Programs,
}

impl<'a> References<'a> {
    /// Takes what the references of a config refer to.
    pub fn new(
        home: &'a Home,
        environment: &'a Environment,
        secrets: &'a SecretsSettings,
        programs: Programs,
    ) -> Self {
        Self {
            home,
            environment,
            secrets,
            programs,
        }
    }

    /// Returns the secret that the config holds or refers to; a program may take as long as its deadline.
    ///
    /// `now_ms` is the time in milliseconds since 1970 UTC.
    ///
    /// # Errors
    /// [`Unusable`] says why there is none.
    pub fn resolve(&self, input: &SecretInput, now_ms: u64) -> Result<Secret, Unusable> {
        self.resolve_with_warning(input, now_ms).secret
    }

    pub(crate) fn resolve_with_warning(&self, input: &SecretInput, now_ms: u64) -> Followed {
        if let SecretInput::Ref(reference) = input {
            return self.follow(reference, now_ms);
        }
        let text = input.resolve(self.environment);
        let secret = text.map(|text| Secret::new(text.expose().trim().to_owned()));
        secret.map_err(|why| unresolved(&why)).into()
    }

    /// Reads the secret that `reference` points to.
    pub(crate) fn follow(&self, reference: &SecretRef, now_ms: u64) -> Followed {
        let place = match self.secrets.place_of(reference) {
            Ok(place) => place,
            Err(problem) => return Err(Unusable::Reference(problem)).into(),
        };
        let id = reference.id.as_str();
        match place {
            Some(SecretPlace::Env { .. }) => variable(id, self.environment).into(),
            Some(SecretPlace::File(place)) => self.file(place, id),
            Some(SecretPlace::Exec(place)) => {
                let name = self.secrets.name_of(reference);
                self.program(place, name, id, now_ms).into()
            }
            Some(SecretPlace::Keyring { service }) => {
                keyring_secret::read(service.as_deref(), id).into()
            }
            Some(SecretPlace::Store) => unsupported(RefSource::Store).into(),
            None => self.follow_source(reference),
        }
    }

    /// Reads a reference whose source says enough: a variable, a file that holds nothing else, the keyring.
    fn follow_source(&self, reference: &SecretRef) -> Followed {
        let id = reference.id.as_str();
        match reference.source {
            RefSource::Env => variable(id, self.environment).into(),
            RefSource::File => {
                let place = FilePlace {
                    path: id.trim().to_owned(),
                    mode: FileMode::Single,
                    bytes_max: None,
                };
                self.file(&place, id)
            }
            RefSource::Keyring => keyring_secret::read(None, id).into(),
            RefSource::Exec | RefSource::Store => unsupported(reference.source).into(),
        }
    }

    fn program(
        &self,
        place: &ExecPlace,
        name: &str,
        id: &str,
        now_ms: u64,
    ) -> Result<Secret, Unusable> {
        let source = ExecSource::new(place, self.home, self.environment);
        let answer = match self.programs {
            Programs::Run => program_answers::ask(&source, name, id, now_ms),
            Programs::Leave => match program_answers::known(&source, name, id, now_ms) {
                Some(answer) => answer,
                None => {
                    return Err(Unusable::NotRun {
                        provider: name.to_owned(),
                    });
                }
            },
        };
        answer.map_err(|error| Unusable::Program {
            provider: name.to_owned(),
            error,
        })
    }

    fn file(&self, place: &FilePlace, id: &str) -> Followed {
        let path = store_file::expand_home(&place.path, self.home.user_home());
        let unreadable = |problem: String| {
            Err(Unusable::UnreadableFile {
                path: path.clone(),
                problem,
            })
        };
        if !path.is_absolute() {
            return unreadable("the path is neither absolute nor in `~`".to_owned()).into();
        }
        let file = match store_file::read(&path) {
            Ok(None) => return unreadable("the file does not exist".to_owned()).into(),
            Ok(Some(file)) => file,
            Err(error) => return unreadable(crate::error::one_line(&error)).into(),
        };
        let length = u64::try_from(file.text.len()).unwrap_or(u64::MAX);
        if let Some(bytes_max) = place.bytes_max.filter(|most| length > *most) {
            return unreadable(format!("the file has more than {bytes_max} bytes")).into();
        }
        let secret = match place.mode {
            FileMode::Single if file.text.trim().is_empty() => Err("the file is empty".to_owned()),
            FileMode::Single => Ok(Secret::new(file.text.trim().to_owned())),
            FileMode::Json => secret_at(&file.text, id),
        };
        Followed {
            secret: secret.or_else(unreadable),
            warning: file.mode_warning,
        }
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

/// Takes the text at a JSON pointer.
fn secret_at(text: &str, pointer: &str) -> Result<Secret, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    // The reader's own message could repeat a part of the file.
    let mut root: Value =
        serde_json::from_str(text).map_err(|error| format!("line {}: not JSON", error.line()))?;
    let secret = root
        .pointer(pointer)
        .and_then(Value::as_str)
        .map(str::trim)
        .filter(|secret| !secret.is_empty())
        .map(|secret| Secret::new(secret.to_owned()));
    crate::document::wipe(&mut root);
    secret.ok_or_else(|| format!("there is no text at `{pointer}`"))
}

fn unresolved(why: &Unresolved) -> Unusable {
    match why {
        Unresolved::MissingVariable { name } => Unusable::MissingVariable { name: name.clone() },
        Unresolved::UnsupportedSource { source_name } => {
            Unusable::UnsupportedReference { source_name }
        }
        // The enum may grow; a form that is not known here cannot be followed here.
        _ => Unusable::UnsupportedReference {
            source_name: "unknown",
        },
    }
}

fn unsupported(source: RefSource) -> Result<Secret, Unusable> {
    Err(Unusable::UnsupportedReference {
        source_name: source.as_str(),
    })
}
