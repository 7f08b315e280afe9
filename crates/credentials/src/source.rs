//! Where a secret was found, and what was found but not used.

use std::fmt;
use std::path::PathBuf;

use config::{AgentId, AuthMode, ProfileId, ProviderId, SecretRef};
use thiserror::Error;

use crate::exec_secret::ExecError;
use crate::profile::Kind;
use crate::secret::Secret;
use crate::store::{Origin, Warning};

/// All that is known about the credentials of one provider.
#[derive(Debug, Clone)]
pub struct Resolution {
    /// The provider that was asked for.
    pub provider: ProviderId,
    /// Where was looked.
    pub searched: Searched,
    /// What may be tried, best first.
    pub candidates: Vec<Candidate>,
    /// Whether agent or config name the order; if not, credentials of a kind take turns.
    pub is_ordered: bool,
    /// What was found and is never tried, with the reason.
    pub skipped: Vec<Skipped>,
    /// What a person should know about the places that were read.
    pub warnings: Vec<Warning>,
}

impl Resolution {
    /// Returns the candidates that have a secret, best first.
    pub fn usable(&self) -> impl Iterator<Item = (&Candidate, &Secret)> {
        self.candidates
            .iter()
            .filter_map(|candidate| Some((candidate, candidate.secret.as_ref().ok()?)))
    }

    /// Tells whether a credential was left where it is because only a program gives it; see [`crate::Programs`].
    pub fn has_unread(&self) -> bool {
        let is_unread =
            |candidate: &Candidate| matches!(candidate.secret, Err(Unusable::NotRun { .. }));
        self.candidates.iter().any(is_unread)
    }

    /// Returns one line for each candidate without a secret and each skipped source: `label: reason`.
    pub fn reasons(&self) -> Vec<String> {
        let unusable = self.candidates.iter().filter_map(|candidate| {
            Some(format!(
                "{}: {}",
                candidate.label,
                candidate.secret.as_ref().err()?
            ))
        });
        let skipped = self
            .skipped
            .iter()
            .map(|skipped| format!("{}: {}", skipped.label, skipped.reason));
        unusable.chain(skipped).collect()
    }

    /// Says in one line that there is no usable credential: what was found and why it is not used, or where was looked.
    pub fn describe_none(&self) -> String {
        let Searched {
            agent,
            store,
            variables,
        } = &self.searched;
        let start = format!(
            "no usable credential for provider `{}` of agent `{agent}`",
            self.provider
        );
        let reasons = self.reasons();
        if !reasons.is_empty() {
            return format!("{start}: {}", reasons.join("; "));
        }
        let variables = match variables.as_slice() {
            [] => String::new(),
            names => format!(", and no variable {} is set", names.join(", ")),
        };
        format!(
            "{start}: nothing is stored in {}{variables}",
            store.display()
        )
    }

    /// Returns what a person can do to get a credential.
    pub fn hint(&self) -> String {
        match self.searched.variables.first() {
            Some(name) => format!("run `openclaw onboard`, or set {name}"),
            None => format!(
                "set `models.providers.{}.apiKey` in the config",
                self.provider
            ),
        }
    }
}

/// The places in which credentials of a provider were looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Searched {
    /// The agent whose stores were read.
    pub agent: AgentId,
    /// The store into which a new credential of this agent would be written.
    pub store: PathBuf,
    /// The variables that would have been used, in their order.
    pub variables: Vec<String>,
}

/// A credential that may be tried.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// A short name that is unique in its resolution: the profile, `env:NAME`, or the path in the config.
    pub label: String,
    /// What kind of credential it is.
    pub kind: Kind,
    /// Where it was found.
    pub provenance: Provenance,
    /// Where the source says the secret itself is, when it only refers to it.
    pub reference: Option<SecretRef>,
    /// The secret, or why it cannot be used at the moment.
    pub secret: Result<Secret, Unusable>,
    /// When the secret ends, in milliseconds since 1970 UTC.
    pub expires_at_ms: Option<u64>,
    /// What looks odd about the secret without being wrong.
    pub caution: Option<Caution>,
}

/// Where a credential was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Provenance {
    /// A stored profile.
    Profile {
        /// The profile.
        id: ProfileId,
        /// The store that holds it.
        store: Origin,
        /// The agent that owns the store.
        agent: AgentId,
    },
    /// A variable.
    Env {
        /// Its name.
        name: String,
        /// Where it was set.
        origin: config::Origin,
    },
    /// The config file.
    Config {
        /// The path of the value in it, such as `models.providers.qwen.apiKey`.
        path: String,
        /// The file.
        file: PathBuf,
    },
    /// The login of another program.
    Foreign {
        /// The file that holds it.
        path: PathBuf,
    },
}

impl Provenance {
    /// Returns the short name of the source, unique within a resolution.
    pub fn label(&self) -> String {
        match self {
            Self::Profile { id, .. } => id.to_string(),
            Self::Env { name, .. } => format!("env:{name}"),
            Self::Config { path, .. } => path.clone(),
            Self::Foreign { .. } => "qwen-code".to_owned(),
        }
    }
}

impl fmt::Display for Provenance {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Profile { id, store, agent } => {
                write!(
                    formatter,
                    "profile `{id}` of agent `{agent}` in {}",
                    store.path().display()
                )
            }
            Self::Env { name, origin } => match origin {
                config::Origin::Process => write!(formatter, "variable {name} of the process"),
                config::Origin::Service(path)
                | config::Origin::DotenvCwd(path)
                | config::Origin::DotenvHome(path) => {
                    write!(formatter, "variable {name} in {}", path.display())
                }
                config::Origin::Shell(shell) => {
                    write!(formatter, "variable {name} of {}", shell.display())
                }
                config::Origin::Config => {
                    write!(formatter, "variable {name} in `env` of the config")
                }
            },
            Self::Config { path, file } => write!(formatter, "`{path}` in {}", file.display()),
            Self::Foreign { path } => write!(formatter, "login of Qwen Code in {}", path.display()),
        }
    }
}

/// Why a candidate has no secret to send at the moment.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Unusable {
    /// It refers to a variable that is not set.
    #[error("the variable {name} is not set")]
    MissingVariable {
        /// The variable.
        name: String,
    },
    /// It refers to a file that gives no secret.
    #[error("cannot take a key from {}: {problem}", path.display())]
    UnreadableFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// It refers to a kind of place that this program does not read yet.
    #[error("references of source `{source_name}` are not available yet")]
    UnsupportedReference {
        /// The `source` of the reference.
        source_name: &'static str,
    },
    /// It refers to a place that the config does not describe.
    #[error("{0}; `openclaw config validate` shows where")]
    Reference(config::ReferenceProblem),
    /// It refers to a program that gives no secret.
    #[error(
        "{error}; to see why, run it by hand with the `args` of `secrets.providers.{provider}`"
    )]
    Program {
        /// The secret provider.
        provider: String,
        /// What went wrong.
        error: ExecError,
    },
    /// It refers to a program, and programs are not run to show something.
    #[error("the program of `secrets.providers.{provider}` is run when the key is needed")]
    NotRun {
        /// The secret provider.
        provider: String,
    },
    /// It refers to an entry of the system's keyring that cannot be read.
    #[error("cannot take `{id}` of `{service}` from the system's keyring: {problem}")]
    Keyring {
        /// The service that the entry belongs to.
        service: String,
        /// The entry.
        id: String,
        /// What is wrong, and what to do where that is known.
        problem: String,
    },
    /// The access token has ended; the login has a refresh token.
    #[error("the login has expired")]
    Expired {
        /// When it ended, in milliseconds since 1970 UTC.
        at_ms: Option<u64>,
    },
    /// The text is a placeholder, not a secret.
    #[error("the value is a placeholder: {reason}")]
    Placeholder {
        /// Which placeholder it is.
        reason: &'static str,
    },
    /// The text has characters that no request can carry.
    #[error("the value has characters that cannot be sent")]
    Unsendable,
    /// The secret belongs to another service.
    #[error(
        "a key that starts with `{prefix}` belongs to DashScope and is never sent to the portal"
    )]
    WrongFamily {
        /// The prefix that tells.
        prefix: &'static str,
    },
}

/// What looks odd about a secret without being wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Caution {
    /// The keys of the provider start with `sk-`, and this one does not.
    #[error("the value does not look like a key of this provider (`sk-...`)")]
    NotKeyShaped,
}

/// A credential that was found and is never tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// The short name of the source, as in [`Candidate::label`].
    pub label: String,
    /// Where it was found; `None` when it is only mentioned.
    pub provenance: Option<Provenance>,
    /// Why it is not tried.
    pub reason: SkipReason,
}

/// Why a credential is never tried.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SkipReason {
    /// An order names the profiles to try, and this one is not among them.
    #[error("it is not in the profile order of `{provider}`")]
    NotInOrder {
        /// The provider whose order it is.
        provider: ProviderId,
    },
    /// `auth.profiles` of the config names profiles of the provider, and this one is not among them.
    #[error("`auth.profiles` of the config does not list it")]
    NotListed,
    /// An order or `auth.profiles` names it, and no store holds it.
    #[error("no store holds a profile of this name")]
    NotStored,
    /// It belongs to another provider.
    #[error("it belongs to provider `{provider}`")]
    OtherProvider {
        /// The provider of the profile.
        provider: ProviderId,
    },
    /// The config says that it is of another kind than the store says.
    #[error("the config says `{}`, the store says `{stored}`", mode_name(*listed))]
    KindMismatch {
        /// What `auth.profiles` says.
        listed: AuthMode,
        /// What the store says.
        stored: Kind,
    },
    /// It holds neither a secret nor a reference to one.
    #[error("it holds no secret")]
    NoSecret,
    /// It has ended and cannot be refreshed.
    #[error("it has expired")]
    Expired {
        /// When it ended, in milliseconds since 1970 UTC.
        at_ms: u64,
    },
    /// It names an end that is no time.
    #[error("its `expires` is not a time")]
    InvalidExpiry,
    /// It is a login at the portal, which `DashScope` does not accept.
    #[error("it is a portal login, which is never sent to DashScope")]
    PortalLogin,
    /// The variable holds a `DashScope` key, which the portal must not see.
    #[error("its value looks like a DashScope key, which is never sent to the portal")]
    DashScopeKey,
    /// A store that is read earlier holds a profile of the same name.
    #[error("the profile of the same name in {} wins", by.display())]
    Shadowed {
        /// The store whose profile is used.
        by: PathBuf,
    },
    /// It was written by another program; its login is used through a profile of its own.
    #[error("it belongs to another program and is used as the profile `qwen-portal:qwen-cli`")]
    Foreign,
}

fn mode_name(mode: AuthMode) -> &'static str {
    match mode {
        AuthMode::ApiKey => "api_key",
        AuthMode::OAuth => "oauth",
        AuthMode::Token => "token",
        AuthMode::AwsSdk => "aws-sdk",
    }
}
