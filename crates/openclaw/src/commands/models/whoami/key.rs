//! The key that is asked about: from standard input, or the one that a provider would use.

use std::io::{IsTerminal, Read};

use config::ProviderId;
use credentials::{KEY_BYTES_MAX, Secret};
use providers::directory::Target;

use super::default_provider;
use crate::cli::models::WhoamiArgs;
use crate::context::{Context, ReadConfig, now_ms};
use crate::exit_code::Exit;
use crate::failed::Failed;

/// Most bytes read from standard input: the longest key and some white space around it.
const STDIN_BYTES_MAX: u64 = KEY_BYTES_MAX as u64 + 1024;

/// A key and where it came from.
pub(super) struct Key {
    pub(super) secret: Secret,
    /// Where it came from, for people.
    pub(super) source: String,
    /// Whether this home has it already.
    pub(super) is_stored: bool,
    /// The only host it is for, when that is not one of those that every key of its kind is asked at.
    pub(super) own_host: Option<Target>,
    /// The model that a one-token question names on that host.
    pub(super) model: String,
}

/// Finds the key.
pub(super) fn find(
    args: &WhoamiArgs,
    context: &Context,
    config: &ReadConfig,
) -> Result<Key, Failed> {
    if args.key_stdin || args.dash.is_some() {
        return from_stdin(context);
    }
    let id = match &args.provider {
        Some(text) => named(text, context, config)?,
        None => default_provider(context, config)?,
    };
    stored(&id, context, config)
}

fn from_stdin(context: &Context) -> Result<Key, Failed> {
    if std::io::stdin().is_terminal() {
        context.out.note("Paste the key, then press Ctrl-D.");
    }
    let mut bytes = Vec::new();
    std::io::stdin()
        .take(STDIN_BYTES_MAX)
        .read_to_end(&mut bytes)
        .map_err(|error| Failed::new(format!("cannot read standard input: {error}")))?;
    let secret = Secret::parse_key(&String::from_utf8_lossy(&bytes)).map_err(|problem| {
        Failed::new(format!("standard input: {problem}"))
            .exit(Exit::Auth)
            .hint("copy the key again from the key page, without quotation marks or blanks")
    })?;
    Ok(Key {
        secret,
        source: "standard input".to_owned(),
        is_stored: false,
        own_host: None,
        model: String::new(),
    })
}

/// Returns the provider that a name means: one of the config exactly, else the shipped one with that name or alias.
fn named(text: &str, context: &Context, config: &ReadConfig) -> Result<ProviderId, Failed> {
    let text = text.trim().to_lowercase();
    let catalog = context.catalog()?;
    let configured = config.settings.models.providers.iter();
    let mut own = configured.filter(|provider| provider.id.as_str() == text);
    let id = match (own.next(), catalog.provider(&text)) {
        (Some(provider), _) => return Ok(provider.id.clone()),
        (None, Some(provider)) => ProviderId::new(&provider.id).ok(),
        (None, None) => None,
    };
    id.ok_or_else(|| {
        let known = catalog
            .providers()
            .iter()
            .map(|provider| provider.id.as_str());
        let known: Vec<&str> = known.collect();
        Failed::new(format!("there is no provider `{text}`"))
            .hint(format!("known are {}", known.join(", ")))
    })
}

fn stored(id: &ProviderId, context: &Context, config: &ReadConfig) -> Result<Key, Failed> {
    let catalog = context.catalog()?;
    let resolver = context.resolver(config, &catalog);
    let resolution = resolver.candidates(id, now_ms());
    let Some((candidate, secret)) = resolution.usable().next() else {
        return Err(Failed::new(format!(
            "`{id}` has no usable credential: {}",
            resolution.describe_none()
        ))
        .exit(Exit::Auth)
        .hint("`openclaw onboard` stores a key; `openclaw models auth list` shows what is there"));
    };
    let directory = context.directory(config)?;
    let target = directory
        .targets()
        .find(|target| target.provider.as_ref() == id.as_str());
    let is_asked_anyway = |target: &&Target| {
        let found = catalog.endpoint_for_url(target.base.as_str());
        found.is_some_and(|found| {
            let mut hosts = catalog.endpoints_for_key(found.endpoint.key_family);
            hosts.any(|endpoint| endpoint.id == found.endpoint.id)
        })
    };
    let model = directory
        .usable_models()
        .find(|model| model.provider == id.as_str());
    Ok(Key {
        secret: secret.clone(),
        source: candidate.label.clone(),
        is_stored: true,
        own_host: target.filter(|target| !is_asked_anyway(target)).cloned(),
        model: model.map(|model| model.id.clone()).unwrap_or_default(),
    })
}
