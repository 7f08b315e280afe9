//! The key and where it came from: a flag, standard input, a variable, the hidden prompt; in this order.

use std::io::Read;

use catalog::{Catalog, Provider, Standing};
use config::{Environment, Home, Origin};
use credentials::{HeldSecret, KEY_BYTES_MAX, KeyProblem, Secret};

use super::Desk;
use super::site::Site;
use crate::cli::onboard::SecretInputMode;
use crate::exit_code::Exit;
use crate::failed::Failed;

/// Variable that may hold the key of a server of one's own, as in OpenClaw.
const CUSTOM_VARIABLE: &str = "CUSTOM_API_KEY";
/// Most bytes read from standard input: the longest key and some white space around it.
const STDIN_BYTES_MAX: u64 = KEY_BYTES_MAX as u64 + 1024;

/// A key as it was given.
#[derive(Debug, Clone)]
pub(super) struct Key {
    pub(super) secret: Secret,
    pub(super) source: KeySource,
}

/// Where a key came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum KeySource {
    Flag(&'static str),
    Stdin,
    Variable { name: String, origin: Origin },
    Prompt,
}

impl KeySource {
    /// Names the source for people.
    pub(super) fn describe(&self, home: &Home) -> String {
        match self {
            Self::Flag(flag) => (*flag).to_owned(),
            Self::Stdin => "standard input".to_owned(),
            Self::Variable { name, origin } => {
                let place = match origin {
                    Origin::Process => "environment".to_owned(),
                    Origin::Shell(_) => "login shell".to_owned(),
                    Origin::Service(path) | Origin::DotenvCwd(path) | Origin::DotenvHome(path) => {
                        home.display(path)
                    }
                    Origin::Config => "`env` in openclaw.json".to_owned(),
                };
                format!("{name} ({place})")
            }
            Self::Prompt => "your input".to_owned(),
        }
    }

    /// Returns the word for the source in JSON.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Flag(_) => "flag",
            Self::Stdin => "stdin",
            Self::Variable { .. } => "env",
            Self::Prompt => "prompt",
        }
    }
}

impl Key {
    /// Returns what is stored: the key, or with `--secret-input-mode ref` the name of its variable.
    pub(super) fn held(&self, mode: SecretInputMode) -> Result<HeldSecret, Failed> {
        match (mode, &self.source) {
            (SecretInputMode::Plaintext, _) => Ok(HeldSecret::Inline(self.secret.clone())),
            (SecretInputMode::Ref, KeySource::Variable { name, .. }) => {
                Ok(HeldSecret::Reference(config::SecretRef {
                    source: config::RefSource::Env,
                    provider: "default".to_owned(),
                    id: name.clone(),
                }))
            }
            (SecretInputMode::Ref, _) => Err(ref_needs_variable()),
        }
    }
}

/// Returns the key that needs no question: from a flag, standard input or a variable.
pub(super) fn given(desk: &Desk<'_>, variables: &Variables) -> Result<Option<Key>, Failed> {
    let args = desk.args;
    let flags = args.keys.given();
    let custom = args
        .custom_api_key
        .as_deref()
        .map(|value| ("--custom-api-key", value));
    let explicit = flags.first().copied().or(custom);
    if args.secret_input_mode == SecretInputMode::Ref && (explicit.is_some() || args.api_key_stdin)
    {
        return Err(ref_needs_variable());
    }
    if let Some((flag, value)) = explicit {
        return parse(value, KeySource::Flag(flag), desk).map(Some);
    }
    if args.api_key_stdin {
        return parse(&read_stdin()?, KeySource::Stdin, desk).map(Some);
    }
    variables.find(&desk.config.environment, desk)
}

/// Checks what was typed, pasted or found.
pub(super) fn parse(text: &str, source: KeySource, desk: &Desk<'_>) -> Result<Key, Failed> {
    match Secret::parse_key(text) {
        Ok(secret) => Ok(Key { secret, source }),
        Err(problem) => {
            let message = match source {
                KeySource::Prompt => problem.to_string(),
                source => format!("{}: {problem}", source.describe(&desk.context.home)),
            };
            Err(Failed::new(message)
                .exit(Exit::Auth)
                .hint("copy the key again from the key page, without quotation marks or blanks"))
        }
    }
}

/// Returns the failure for a key that was not given; `site` is what it is wanted for, when that is known.
pub(super) fn missing(desk: &Desk<'_>, site: Option<&Site>, variables: &Variables) -> Failed {
    let wanted = site.map_or_else(String::new, |site| format!(" for {}", site.name));
    let choice = site
        .and_then(|site| site.auth_choice.as_deref())
        .and_then(|id| desk.catalog.auth_choice(id));
    let flag = match (site, choice.and_then(|found| found.choice.flag.as_deref())) {
        (_, Some(flag)) => format!("`{flag} <KEY>`, "),
        (Some(site), None) if site.endpoint.is_none() => "`--custom-api-key <KEY>`, ".to_owned(),
        _ => "a key flag such as `--modelstudio-standard-api-key <KEY>`, ".to_owned(),
    };
    let names = variables.names.join(", ");
    let failed = if desk.args.non_interactive {
        Failed::new(format!("the key{wanted} is missing")).exit(Exit::Auth)
    } else {
        Failed::new(format!(
            "the key{wanted} is missing, and there is no terminal to ask for it"
        ))
    };
    failed.hint(format!(
        "give {flag}`--api-key-stdin`, or set {names} in the environment or in {}",
        desk.context.home.display(&desk.context.home.dotenv_path())
    ))
}

/// The variables that may hold a key, in their order.
pub(super) struct Variables {
    names: Vec<String>,
    /// Whether values that look like `DashScope` keys are passed over: the portal shares a variable with `DashScope`.
    only_tokens: bool,
}

impl Variables {
    /// Returns those of the site's provider.
    pub(super) fn of_site(catalog: &Catalog, site: &Site) -> Self {
        let provider = site
            .endpoint
            .as_ref()
            .and_then(|_| catalog.provider(site.provider.as_str()));
        match provider {
            Some(provider) => Self {
                names: provider.all_env_vars().map(str::to_owned).collect(),
                only_tokens: provider.plans.contains(&catalog::Plan::Portal),
            },
            None => Self {
                names: vec![CUSTOM_VARIABLE.to_owned()],
                only_tokens: false,
            },
        }
    }

    /// Returns those of every provider that can be set up.
    pub(super) fn of_all(catalog: &Catalog) -> Self {
        let usable =
            |provider: &&Provider| matches!(provider.status, Standing::Offered | Standing::Legacy);
        let mut names: Vec<String> = Vec::new();
        for name in catalog
            .providers()
            .iter()
            .filter(usable)
            .flat_map(Provider::all_env_vars)
        {
            if !names.iter().any(|known| known == name) {
                names.push(name.to_owned());
            }
        }
        Self {
            names,
            only_tokens: false,
        }
    }

    fn find(&self, environment: &Environment, desk: &Desk<'_>) -> Result<Option<Key>, Failed> {
        for name in &self.names {
            let Some((value, origin)) = environment.get(name).zip(environment.origin(name)) else {
                continue;
            };
            let is_other = self.only_tokens && value.trim().starts_with("sk-");
            if value.trim().is_empty() || is_other {
                continue;
            }
            let source = KeySource::Variable {
                name: name.clone(),
                origin: origin.clone(),
            };
            return parse(value, source, desk).map(Some);
        }
        Ok(None)
    }
}

fn read_stdin() -> Result<String, Failed> {
    let mut bytes = Vec::new();
    std::io::stdin()
        .lock()
        .take(STDIN_BYTES_MAX)
        .read_to_end(&mut bytes)
        .map_err(|error| {
            Failed::new(format!("cannot read the key from standard input: {error}"))
        })?;
    String::from_utf8(bytes).map_err(|_| {
        Failed::new(format!(
            "standard input: {}",
            KeyProblem::NotAscii { position: 1 }
        ))
        .exit(Exit::Auth)
    })
}

fn ref_needs_variable() -> Failed {
    Failed::new(
        "`--secret-input-mode ref` stores the name of a variable, so the key must be in one",
    )
    .hint("set it in the environment or in the home's `.env`, and leave the key flags out")
}
