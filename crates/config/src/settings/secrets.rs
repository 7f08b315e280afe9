//! `secrets`: the places that references to secrets point to.

use std::path::Path;

use serde_json::Value;

use super::reader::{Reader, Section};
use crate::secret::{Hidden, RefSource, SecretRef};
use crate::value_path::ValuePath;

/// The longest that a place may take to answer, in milliseconds.
pub(super) const WAIT_MS_MAX: u64 = 120_000;
/// The most that a place may be allowed to give, in bytes.
pub(super) const BYTES_MAX: u64 = 20 * 1024 * 1024;
/// The id of the one secret that a file of [`FileMode::Single`] holds.
const SINGLE_ID: &str = "value";
/// The name of a provider when a reference or the config does not say.
const DEFAULT_NAME: &str = "default";
/// The longest name of a provider and the longest id of an exec reference, in bytes.
const NAME_BYTES_MAX: usize = 64;
const EXEC_ID_BYTES_MAX: usize = 256;

/// `secrets`.
#[derive(Debug, Clone, Default)]
pub struct SecretsSettings {
    /// `providers`, in file order.
    pub providers: Vec<SecretProvider>,
    /// `defaults`: which provider of a source is meant when a reference names none.
    pub defaults: Vec<(RefSource, String)>,
}

/// One entry of `secrets.providers`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretProvider {
    /// Its key.
    pub name: String,
    /// `source`, when it can be read.
    pub source: Option<RefSource>,
    /// Where it keeps secrets; what is wrong when it cannot be used.
    pub place: Result<SecretPlace, String>,
}

/// A place that gives secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretPlace {
    /// Variables.
    Env {
        /// `allowlist`: the only variables that may be read.
        allowlist: Option<Vec<String>>,
    },
    /// A file.
    File(FilePlace),
    /// A program.
    Exec(ExecPlace),
    /// The keyring of the operating system.
    Keyring {
        /// `service`: the name under which its entries are kept there.
        service: Option<String>,
    },
    /// The secret store of newer `OpenClaw` versions.
    Store,
}

/// A file that holds one secret or several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilePlace {
    /// `path`; may begin with `~`.
    pub path: String,
    /// `mode`.
    pub mode: FileMode,
    /// `maxBytes`: the most that is read.
    pub bytes_max: Option<u64>,
}

/// What a file of secrets looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FileMode {
    /// `json`: an object; an id is a JSON pointer (RFC 6901).
    #[default]
    Json,
    /// `singleValue`: the text of the file is the secret, and its id is `value`.
    Single,
}

impl FileMode {
    pub(super) const WORDS: [(&str, Self); 2] =
        [("json", Self::Json), ("singleValue", Self::Single)];
}

/// A program that gives secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecPlace {
    /// `command`: its whole path.
    pub command: String,
    /// `args`; no shell looks at them.
    pub args: Vec<String>,
    /// `env`: variables that it gets.
    pub env: Vec<(String, Hidden)>,
    /// `passEnv`: variables of ours that it gets.
    pub pass_env: Vec<String>,
    /// `timeoutMs`: how long it may take.
    pub timeout_ms: Option<u64>,
    /// `noOutputTimeoutMs`: how long it may be silent.
    pub silence_ms: Option<u64>,
    /// `maxOutputBytes`: the most that it may print.
    pub output_bytes_max: Option<u64>,
    /// `jsonOnly`: whether the secret alone is not an answer. Default true.
    pub json_only: bool,
    /// `trustedDirs`: the folders in which it must be; anywhere when empty.
    pub trusted_dirs: Vec<String>,
    /// `allowSymlinkCommand`: whether the path may be a symbolic link.
    pub allow_symlink: bool,
    /// `allowInsecurePath`: whether others may be able to change it.
    pub allow_insecure: bool,
}

/// Why a reference leads nowhere.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReferenceProblem {
    /// The config has no provider of this name.
    #[error("`secrets.providers` has no `{name}`")]
    NoProvider {
        /// The name.
        name: String,
    },
    /// The provider is of another source than the reference says.
    #[error("`secrets.providers.{name}` is of source `{has}`, not `{wanted}`")]
    OtherSource {
        /// The provider.
        name: String,
        /// Its source.
        has: &'static str,
        /// The source of the reference.
        wanted: &'static str,
    },
    /// The provider has an error.
    #[error("`secrets.providers.{name}` cannot be used: {problem}")]
    Broken {
        /// The provider.
        name: String,
        /// Its first error.
        problem: String,
    },
    /// The variable is not among those that may be read.
    #[error("`secrets.providers.{name}.allowlist` does not name {id}")]
    NotAllowed {
        /// The provider.
        name: String,
        /// The variable.
        id: String,
    },
    /// The id is not one of this kind of place.
    #[error("the id `{id}` is not possible: {expected}")]
    BadId {
        /// The id.
        id: String,
        /// What it should be.
        expected: &'static str,
    },
}

impl SecretsSettings {
    /// Returns the place that a reference points to; `None` where none is configured and the source alone says enough.
    ///
    /// # Errors
    /// [`ReferenceProblem`] says why it points nowhere.
    pub fn place_of(
        &self,
        reference: &SecretRef,
    ) -> Result<Option<&SecretPlace>, ReferenceProblem> {
        let name = self.name_of(reference);
        let Some(provider) = self.providers.iter().find(|one| one.name == name) else {
            return self.without_provider(reference, name);
        };
        let place = match (&provider.place, provider.source) {
            (Err(problem), _) => {
                return Err(ReferenceProblem::Broken {
                    name: name.to_owned(),
                    problem: problem.clone(),
                });
            }
            (Ok(_), Some(source)) if source != reference.source => {
                return Err(ReferenceProblem::OtherSource {
                    name: name.to_owned(),
                    has: source.as_str(),
                    wanted: reference.source.as_str(),
                });
            }
            (Ok(place), _) => place,
        };
        place.admits(name, &reference.id)?;
        Ok(Some(place))
    }

    /// Returns the name of the provider that a reference means.
    pub fn name_of<'a>(&'a self, reference: &'a SecretRef) -> &'a str {
        let named = |name: &str| self.providers.iter().any(|one| one.name == name);
        let default = self
            .defaults
            .iter()
            .find(|(source, _)| *source == reference.source);
        match default {
            Some((_, name)) if reference.provider == DEFAULT_NAME && !named(DEFAULT_NAME) => name,
            _ => &reference.provider,
        }
    }

    fn without_provider(
        &self,
        reference: &SecretRef,
        name: &str,
    ) -> Result<Option<&SecretPlace>, ReferenceProblem> {
        let says_enough = match reference.source {
            RefSource::Env | RefSource::File | RefSource::Keyring | RefSource::Store => true,
            RefSource::Exec => false,
        };
        let is_default = name == DEFAULT_NAME || self.defaults.iter().any(|(_, it)| it == name);
        if says_enough && is_default {
            return Ok(None);
        }
        Err(ReferenceProblem::NoProvider {
            name: name.to_owned(),
        })
    }

    pub(super) fn read(reader: &mut Reader<'_>, section: &Section<'_>) -> Self {
        let providers = reader.sections(section, "providers");
        let providers = providers
            .into_iter()
            .map(|(name, section)| provider(reader, name, &section))
            .collect();
        let mut defaults = Vec::new();
        if let Some(section) = reader.section(section, "defaults") {
            for (word, source) in RefSource::WORDS {
                let name = reader.text(&section, word);
                defaults.extend(name.map(|name| (source, name)));
            }
        }
        Self {
            providers,
            defaults,
        }
    }

    /// Notes every reference of the config that points nowhere.
    pub(super) fn check_references(
        &self,
        reader: &mut Reader<'_>,
        references: Vec<(ValuePath, SecretRef)>,
    ) {
        for (path, reference) in references {
            let Err(problem) = self.place_of(&reference) else {
                continue;
            };
            let name = self.name_of(&reference);
            let hint = match problem {
                ReferenceProblem::NoProvider { .. } => {
                    let source = reference.source.as_str();
                    Some(format!(
                        "add `secrets.providers.{name}` with `source: \"{source}\"`"
                    ))
                }
                ReferenceProblem::NotAllowed { .. } => {
                    Some(format!("add it to `secrets.providers.{name}.allowlist`"))
                }
                _ => None,
            };
            reader.error(path, problem.to_string(), hint);
        }
    }
}

impl SecretPlace {
    /// Checks an id without asking for it.
    fn admits(&self, name: &str, id: &str) -> Result<(), ReferenceProblem> {
        let expected = match self {
            Self::Env {
                allowlist: Some(names),
            } if !names.iter().any(|it| it == id) => {
                return Err(ReferenceProblem::NotAllowed {
                    name: name.to_owned(),
                    id: id.to_owned(),
                });
            }
            Self::File(file) if file.mode == FileMode::Single && id != SINGLE_ID => {
                "the file is one secret, and its id is `value`"
            }
            Self::File(file) if file.mode == FileMode::Json && !id.starts_with('/') => {
                "a JSON pointer such as `/qwen/apiKey` is needed"
            }
            Self::Exec(_) if !is_exec_id(id) => {
                "letters, digits and `._:/#-` are allowed, and no `..` between slashes"
            }
            Self::Env { .. }
            | Self::File(_)
            | Self::Exec(_)
            | Self::Keyring { .. }
            | Self::Store => return Ok(()),
        };
        Err(ReferenceProblem::BadId {
            id: id.to_owned(),
            expected,
        })
    }
}

/// Says whether a program may be asked for this id: `^[A-Za-z0-9][A-Za-z0-9._:/#-]{0,255}$`, and no step up.
fn is_exec_id(id: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._:/#-".contains(&byte);
    id.len() <= EXEC_ID_BYTES_MAX
        && id.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric())
        && id.bytes().all(allowed)
        && !id.split('/').any(|step| step == "." || step == "..")
}

/// Says whether a provider may have this name: `^[a-z][a-z0-9_-]{0,63}$`.
fn is_name(name: &str) -> bool {
    let allowed = |byte: u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-')
    };
    name.len() <= NAME_BYTES_MAX
        && name.bytes().next().is_some_and(|b| b.is_ascii_lowercase())
        && name.bytes().all(allowed)
}

fn provider(reader: &mut Reader<'_>, name: &str, section: &Section<'_>) -> SecretProvider {
    let mark = reader.mark();
    if !is_name(name) {
        let message = "a name is lower case letters, digits, `_` and `-`, at most 64";
        reader.error(section.path.clone(), message, None);
    }
    let source = reader.choice(section, "source", &RefSource::WORDS);
    if section.value("source").is_none() {
        reader.error(section.path.clone(), "`source` is missing", None);
    }
    // All keys are read whatever the source is, so that a wrong one is found beside a wrong source too.
    let (file, exec) = (file(reader, section), exec(reader, section));
    let allowlist = reader.texts(section, "allowlist");
    let service = reader.text(section, "service");
    let place = match source {
        Some(RefSource::Env) => Some(SecretPlace::Env {
            allowlist: section.value("allowlist").map(|_| allowlist),
        }),
        Some(RefSource::File) => {
            check_file(reader, section, &file);
            Some(SecretPlace::File(file))
        }
        Some(RefSource::Exec) => {
            check_exec(reader, section, &exec);
            Some(SecretPlace::Exec(exec))
        }
        Some(RefSource::Keyring) => Some(SecretPlace::Keyring { service }),
        Some(RefSource::Store) => Some(SecretPlace::Store),
        None => None,
    };
    let problem = reader
        .first_error_since(mark)
        .map(|problem| problem.message.clone());
    SecretProvider {
        name: name.to_owned(),
        source,
        place: match (place, problem) {
            (Some(place), None) => Ok(place),
            (_, problem) => Err(problem.unwrap_or_default()),
        },
    }
}

fn file(reader: &mut Reader<'_>, section: &Section<'_>) -> FilePlace {
    FilePlace {
        path: reader.text(section, "path").unwrap_or_default(),
        mode: reader
            .choice(section, "mode", &FileMode::WORDS)
            .unwrap_or_default(),
        bytes_max: reader.whole(section, "maxBytes", 1..=BYTES_MAX),
    }
}

fn check_file(reader: &mut Reader<'_>, section: &Section<'_>, file: &FilePlace) {
    if is_given(reader, section, "path") && !is_rooted(&file.path) {
        let message = format!("`{}` is neither absolute nor in `~`", file.path);
        reader.error(section.path.key("path"), message, None);
    }
}

fn exec(reader: &mut Reader<'_>, section: &Section<'_>) -> ExecPlace {
    ExecPlace {
        command: reader.text(section, "command").unwrap_or_default(),
        args: reader.texts(section, "args"),
        env: variables(reader, section),
        pass_env: reader.texts(section, "passEnv"),
        timeout_ms: reader.whole(section, "timeoutMs", 1..=WAIT_MS_MAX),
        silence_ms: reader.whole(section, "noOutputTimeoutMs", 1..=WAIT_MS_MAX),
        output_bytes_max: reader.whole(section, "maxOutputBytes", 1..=BYTES_MAX),
        json_only: reader.flag(section, "jsonOnly").unwrap_or(true),
        trusted_dirs: reader.texts(section, "trustedDirs"),
        allow_symlink: reader
            .flag(section, "allowSymlinkCommand")
            .unwrap_or_default(),
        allow_insecure: reader
            .flag(section, "allowInsecurePath")
            .unwrap_or_default(),
    }
}

fn check_exec(reader: &mut Reader<'_>, section: &Section<'_>, exec: &ExecPlace) {
    if section.value("pluginIntegration").is_some() {
        let hint = "name the program in `command`".to_owned();
        reader.error(
            section.path.key("pluginIntegration"),
            "there are no plugins that give secrets here",
            Some(hint),
        );
    } else if is_given(reader, section, "command") && !Path::new(&exec.command).is_absolute() {
        let message = format!("`{}` is not an absolute path", exec.command);
        let hint = "write the whole path, as `command -v` prints it".to_owned();
        reader.error(section.path.key("command"), message, Some(hint));
    }
    for (index, folder) in exec.trusted_dirs.iter().enumerate() {
        if !is_rooted(folder) {
            let message = format!("`{folder}` is not an absolute path");
            reader.error(section.path.key("trustedDirs").index(index), message, None);
        }
    }
}

/// Says whether a text is there; notes when nothing is.
fn is_given(reader: &mut Reader<'_>, section: &Section<'_>, key: &str) -> bool {
    let value = section.value(key);
    if value.is_none() {
        reader.error(section.path.clone(), format!("`{key}` is missing"), None);
    }
    value.is_some_and(Value::is_string)
}

fn variables(reader: &mut Reader<'_>, section: &Section<'_>) -> Vec<(String, Hidden)> {
    let Some(env) = reader.section(section, "env") else {
        return Vec::new();
    };
    let variable = |name: &String| {
        let value = reader.text(&env, name)?;
        Some((name.clone(), Hidden::new(value)))
    };
    env.members.keys().filter_map(variable).collect()
}

fn is_rooted(path: &str) -> bool {
    Path::new(path).is_absolute() || path == "~" || path.starts_with("~/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_names_are_narrow() {
        for id in ["value", "qwen/apiKey#value", "A.b:c-1"] {
            assert!(is_exec_id(id), "{id}");
        }
        for id in ["", "/qwen", "a/../b", "a b", "a/.", "-x", &"a".repeat(257)] {
            assert!(!is_exec_id(id), "{id}");
        }
        assert!(is_name("my-vault_2") && !is_name("Vault") && !is_name("2") && !is_name(""));
    }
}
