//! Secrets as the config holds them: in clear, by reference, or as the name of a variable.

use std::fmt;

use serde_json::Value;

use crate::environment::Environment;

/// A text that must not be shown: `Debug` prints `Hidden(..)` and nothing prints it by accident.
#[derive(Clone, PartialEq, Eq)]
pub struct Hidden(String);

impl Hidden {
    /// Wraps a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Returns the text. Search for calls of this to see where secrets go.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hidden(..)")
    }
}

/// A secret in the config.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretInput {
    /// The secret itself. It may contain `${NAME}` parts, which [`SecretInput::resolve`] fills in.
    Plain(Hidden),
    /// A reference to where the secret is kept.
    Ref(SecretRef),
    /// Exactly `${NAME}` or `$NAME`: the value of that variable.
    EnvTemplate(String),
}

/// A reference to a secret: `{source, provider, id}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretRef {
    /// What kind of place holds it.
    pub source: RefSource,
    /// Which of the configured places of that kind; `default` when the config does not say.
    pub provider: String,
    /// The name within that place; for [`RefSource::Env`] the variable.
    pub id: String,
}

/// The kind of place a [`SecretRef`] points to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefSource {
    /// An environment variable.
    Env,
    /// A file.
    File,
    /// The output of a program.
    Exec,
    /// The secret store of newer `OpenClaw` versions.
    Store,
    /// The keyring of the operating system.
    Keyring,
}

/// Why a secret could not be turned into a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unresolved {
    /// A variable it needs is not set.
    #[error("the variable {name} is not set")]
    MissingVariable {
        /// The variable.
        name: String,
    },
    /// It lies in a place that this crate does not read.
    #[error("secret references of source `{source_name}` are not supported")]
    UnsupportedSource {
        /// The `source` of the reference.
        source_name: &'static str,
    },
}

impl RefSource {
    /// The words of the config, each with its meaning.
    pub const WORDS: [(&str, Self); 5] = [
        ("env", Self::Env),
        ("file", Self::File),
        ("exec", Self::Exec),
        ("store", Self::Store),
        ("keyring", Self::Keyring),
    ];

    /// Returns the word used in the config.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Env => "env",
            Self::File => "file",
            Self::Exec => "exec",
            Self::Store => "store",
            Self::Keyring => "keyring",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let found = Self::WORDS.into_iter().find(|(word, _)| *word == text);
        found.map(|(_, source)| source)
    }
}

impl SecretInput {
    /// Reads a secret from its config value.
    ///
    /// # Errors
    /// Says what form was expected when the value is neither a text nor a reference.
    pub fn read(value: &Value) -> Result<Self, &'static str> {
        match value {
            Value::String(text) => Ok(Self::from_text(text)),
            Value::Object(members) => {
                let text = |key: &str| members.get(key).and_then(Value::as_str);
                let source = text("source").and_then(RefSource::parse);
                let source =
                    source.ok_or("`source` must be `env`, `file`, `exec`, `store` or `keyring`")?;
                let id = text("id")
                    .filter(|id| !id.is_empty())
                    .ok_or("`id` must name the secret")?;
                let provider = text("provider").unwrap_or("default");
                Ok(Self::Ref(SecretRef {
                    source,
                    provider: provider.to_owned(),
                    id: id.to_owned(),
                }))
            }
            _ => Err("must be a text or a reference `{source, provider, id}`"),
        }
    }

    fn from_text(text: &str) -> Self {
        let braced = text
            .strip_prefix("${")
            .and_then(|rest| rest.strip_suffix('}'));
        let name = braced.or_else(|| text.strip_prefix('$'));
        match name.filter(|name| is_variable_name(name)) {
            Some(name) => Self::EnvTemplate(name.to_owned()),
            None => Self::Plain(Hidden::new(text)),
        }
    }

    /// Returns the secret itself.
    ///
    /// # Errors
    /// [`Unresolved::MissingVariable`] when a variable is unset or empty, [`Unresolved::UnsupportedSource`] for
    /// references to files, programs and stores.
    pub fn resolve(&self, environment: &Environment) -> Result<Hidden, Unresolved> {
        let variable = |name: &str| {
            let value = environment
                .get(name)
                .filter(|value| !value.trim().is_empty());
            value
                .map(Hidden::new)
                .ok_or_else(|| Unresolved::MissingVariable {
                    name: name.to_owned(),
                })
        };
        match self {
            Self::Plain(hidden) => substitute(hidden.expose(), environment).map(Hidden::new),
            Self::EnvTemplate(name) => variable(name),
            Self::Ref(SecretRef {
                source: RefSource::Env,
                id,
                ..
            }) => variable(id),
            Self::Ref(SecretRef { source, .. }) => Err(Unresolved::UnsupportedSource {
                source_name: source.as_str(),
            }),
        }
    }
}

/// Fills `${NAME}` parts of a config text with variables; `$${NAME}` stays as `${NAME}`.
///
/// Names are upper case letters, digits and `_`; anything else after a `$` is ordinary text.
///
/// # Errors
/// [`Unresolved::MissingVariable`] names the first variable that is not set.
pub fn substitute(text: &str, environment: &Environment) -> Result<String, Unresolved> {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(offset) = rest.find("${") {
        let (before, from) = rest.split_at(offset);
        let after = from.get(2..).unwrap_or_default();
        let found = after
            .split_once('}')
            .filter(|(name, _)| is_variable_name(name));
        let Some((name, tail)) = found else {
            filled.push_str(before);
            filled.push_str("${");
            rest = after;
            continue;
        };
        if let Some(literal) = before.strip_suffix('$') {
            filled.push_str(literal);
            filled.extend(["${", name, "}"]);
        } else {
            let missing = || Unresolved::MissingVariable {
                name: name.to_owned(),
            };
            filled.push_str(before);
            filled.push_str(environment.get(name).ok_or_else(missing)?);
        }
        rest = tail;
    }
    filled.push_str(rest);
    Ok(filled)
}

/// Returns the names that the `${NAME}` parts of a text refer to.
pub(crate) fn names_in(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices("${").filter_map(|(at, _)| {
        let is_literal = text.get(..at).is_some_and(|before| before.ends_with('$'));
        let (name, _) = text.get(at + 2..)?.split_once('}')?;
        (!is_literal && is_variable_name(name)).then_some(name)
    })
}

fn is_variable_name(name: &str) -> bool {
    name.bytes()
        .next()
        .is_some_and(|byte| byte.is_ascii_uppercase() || byte == b'_')
        && name
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn reads_each_form() {
        let plain = |text: &str| Ok(SecretInput::Plain(Hidden::new(text)));
        let reference = SecretRef {
            source: RefSource::Env,
            provider: "default".into(),
            id: "K".into(),
        };
        let cases = [
            (json!("sk-x"), plain("sk-x")),
            (json!("${K}"), Ok(SecretInput::EnvTemplate("K".into()))),
            (json!("$K"), Ok(SecretInput::EnvTemplate("K".into()))),
            (json!("${k}"), plain("${k}")),
            (json!("a${K}"), plain("a${K}")),
            (
                json!({"source": "env", "provider": "default", "id": "K"}),
                Ok(SecretInput::Ref(reference.clone())),
            ),
            (
                json!({"source": "env", "id": "K"}),
                Ok(SecretInput::Ref(reference)),
            ),
        ];
        for (value, expected) in cases {
            assert_eq!(SecretInput::read(&value), expected, "{value}");
        }
        for value in [
            json!(1),
            json!({"source": "moon", "id": "K"}),
            json!({"source": "env"}),
            json!(null),
        ] {
            assert!(SecretInput::read(&value).is_err(), "{value}");
        }
    }

    #[test]
    fn debug_hides_the_text() {
        let shown = format!("{:?}", SecretInput::Plain(Hidden::new("sk-x")));
        assert_eq!(shown, "Plain(Hidden(..))");
    }

    #[test]
    fn substitutes_variables() {
        let environment = Environment::from_pairs([("A", "1"), ("B_2", "2")]);
        let cases = [
            ("plain", Ok("plain")),
            ("${A}", Ok("1")),
            ("x${A}y${B_2}z", Ok("x1y2z")),
            ("$${A}", Ok("${A}")),
            ("${a}", Ok("${a}")),
            ("${A", Ok("${A")),
            ("$A", Ok("$A")),
            ("${${A}}", Ok("${1}")),
            (
                "${C}",
                Err(Unresolved::MissingVariable { name: "C".into() }),
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(
                substitute(text, &environment),
                expected.map(str::to_owned),
                "{text}"
            );
        }
    }

    #[test]
    fn resolves_references() {
        let environment = Environment::from_pairs([("K", "sk-x"), ("EMPTY", " ")]);
        let read = |value: Value| SecretInput::read(&value).unwrap().resolve(&environment);
        assert_eq!(
            read(json!({"source": "env", "id": "K"})),
            Ok(Hidden::new("sk-x"))
        );
        assert_eq!(read(json!("${K}")), Ok(Hidden::new("sk-x")));
        assert_eq!(
            read(json!("${EMPTY}")),
            Err(Unresolved::MissingVariable {
                name: "EMPTY".into()
            })
        );
        let unsupported = Unresolved::UnsupportedSource {
            source_name: "file",
        };
        assert_eq!(read(json!({"source": "file", "id": "k"})), Err(unsupported));
    }
}
