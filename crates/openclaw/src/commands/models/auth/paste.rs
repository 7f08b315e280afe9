//! `models auth paste-token` and `models auth paste-api-key`: a secret from standard input, never from an argument.

use std::io::{IsTerminal, Read};

use catalog::Plan;
use config::{ProfileId, ProviderId};
use credentials::{
    Credential, Expiry, HeldSecret, KEY_BYTES_MAX, Kind, Profile, Secret, UnknownFields,
};
use serde_json::json;

use super::agent_place::{AgentPlace, provider_named};
use super::question;
use super::state::moment;
use super::stored::{NewProfile, Stored};
use crate::cli::models_auth::{AuthPasteArgs, AuthPasteTokenArgs};
use crate::commands::models::names::Names;
use crate::context::{Context, ReadConfig, now_ms};
use crate::exit_code::Exit;
use crate::failed::{Done, Failed};

/// Most bytes read from standard input: the longest key and some white space around it.
const STDIN_BYTES_MAX: u64 = KEY_BYTES_MAX as u64 + 1024;
/// The longest life of a token that can be named, in milliseconds: a hundred years.
const LIFE_MS_MAX: u64 = 100 * 365 * 86_400_000;

/// Stores a token.
pub(super) fn token(args: &AuthPasteTokenArgs, context: &Context) -> Done {
    let now_ms = now_ms();
    let expiry = match args.expires_in.as_deref().map(parse_span).transpose()? {
        Some(life_ms) => Expiry::AtMs(now_ms.saturating_add(life_ms)),
        None => Expiry::Never,
    };
    paste(&args.paste, Kind::Token, expiry, context)
}

/// Stores a key.
pub(super) fn api_key(args: &AuthPasteArgs, context: &Context) -> Done {
    paste(args, Kind::ApiKey, Expiry::Never, context)
}

fn paste(args: &AuthPasteArgs, kind: Kind, expiry: Expiry, context: &Context) -> Done {
    let config = context.config()?;
    let place = AgentPlace::of(context, &config, &args.scope.agent)?;
    let names = Names::of(context, &config)?;
    let provider = provider_named(&names, &args.provider)?;
    let id = match &args.profile_id {
        Some(id) => ProfileId::new(id)?,
        None => ProfileId::new(&format!("{provider}:manual"))?,
    };
    let what = if kind == Kind::Token { "Token" } else { "Key" };
    let text = read_secret(&format!("{what} for {provider}:"))?;
    let secret = checked(&names, &provider, &text)?;
    let profile = profile(id, provider, secret, expiry_of(kind, expiry));
    let words = match kind {
        Kind::Token => "paste-token",
        Kind::ApiKey | Kind::OAuth => "paste-api-key",
    };
    let new = NewProfile {
        profile: profile.clone(),
        place: &place,
        config: &config,
        words: &["models", "auth", words],
        edits: Vec::new(),
    };
    let stored = new.store(context)?;
    report(&profile, &stored, &place, context, args.scope.json);
    Ok(Exit::Ok)
}

/// Tokens end or do not; keys never do.
fn expiry_of(kind: Kind, expiry: Expiry) -> Option<Expiry> {
    (kind == Kind::Token).then_some(expiry)
}

/// Makes a profile: a token when it has an `expiry`, else a key.
pub(super) fn profile(
    id: ProfileId,
    provider: ProviderId,
    secret: Secret,
    expiry: Option<Expiry>,
) -> Profile {
    let held = HeldSecret::Inline(secret);
    let credential = match expiry {
        Some(expiry) => Credential::Token {
            token: held,
            expiry,
        },
        None => Credential::ApiKey { key: held },
    };
    Profile {
        id,
        provider,
        credential,
        unknown: UnknownFields::default(),
    }
}

/// Tells what was stored.
pub(super) fn report(
    profile: &Profile,
    stored: &Stored,
    place: &AgentPlace<'_>,
    context: &Context,
    as_json: bool,
) {
    let out = context.out.with_json(as_json);
    for warning in &stored.warnings {
        out.warn(warning);
    }
    let expires_at = profile.expiry().at_ms();
    let mask = super::state::fingerprint(profile);
    if as_json {
        out.json(&json!({
            "ok": true,
            "profileId": profile.id.as_str(),
            "provider": profile.provider.as_str(),
            "type": profile.kind().as_str(),
            "fingerprint": mask,
            "expiresAt": expires_at,
            "replaced": stored.replaced,
            "agentId": place.agent.as_str(),
            "authStorePath": place.store.path(),
            "warnings": stored.warnings,
        }));
        return;
    }
    let ending = expires_at.map_or_else(String::new, |at_ms| {
        format!(", expires {}", moment(at_ms, now_ms()))
    });
    out.line(format!(
        "Auth profile: {} ({}/{}) {}{ending} in {}",
        profile.id,
        profile.provider,
        profile.kind(),
        mask.unwrap_or_default(),
        place.described()
    ));
}

/// Refuses what cannot be a key, and a `DashScope` key for the portal.
pub(super) fn checked(
    names: &Names<'_>,
    provider: &ProviderId,
    text: &str,
) -> Result<Secret, Failed> {
    let secret = Secret::parse_key(text).map_err(|problem| {
        Failed::new(problem.to_string())
            .exit(Exit::Auth)
            .hint("copy it again, without quotation marks or blanks; nothing was stored")
    })?;
    let is_portal = names
        .catalog
        .provider(provider.as_str())
        .is_some_and(|known| known.plans.contains(&Plan::Portal));
    let prefix = secret.family_prefix();
    if is_portal && !prefix.is_empty() {
        return Err(Failed::new(format!(
            "a key that starts with `{prefix}` belongs to DashScope and is never sent to the portal"
        ))
        .exit(Exit::Auth)
        .hint("`openclaw onboard` finds out where the key belongs; nothing was stored"));
    }
    Ok(secret)
}

/// Reads the secret: hidden from a person at a terminal, else all of standard input.
fn read_secret(prompt: &str) -> Result<String, Failed> {
    if std::io::stdin().is_terminal() {
        return question::secret(prompt);
    }
    let mut bytes = Vec::new();
    std::io::stdin()
        .lock()
        .take(STDIN_BYTES_MAX)
        .read_to_end(&mut bytes)
        .map_err(|error| Failed::new(format!("cannot read standard input: {error}")))?;
    String::from_utf8(bytes)
        .map_err(|_| Failed::new("standard input is not UTF-8 text").exit(Exit::Auth))
}

/// Reads `365d`, `12h`, `30m` or `45s` as milliseconds.
fn parse_span(text: &str) -> Result<u64, Failed> {
    let text = text.trim().to_ascii_lowercase();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit_ms = match text.get(digits.len()..).unwrap_or_default() {
        "d" => Some(86_400_000),
        "h" => Some(3_600_000),
        "m" => Some(60_000),
        "s" => Some(1000),
        _ => None,
    };
    let span = unit_ms
        .zip(digits.parse::<u64>().ok())
        .and_then(|(unit_ms, count)| count.checked_mul(unit_ms))
        .filter(|ms| (1..=LIFE_MS_MAX).contains(ms));
    span.ok_or_else(|| {
        let shown: String = text.chars().take(40).collect();
        Failed::new(format!("`{}` is no span of time", shown.escape_debug()))
            .hint("write it as `365d`, `12h`, `30m` or `45s`, up to 36500d")
    })
}

/// Says whether the config lists a profile of this name for somebody else.
pub(super) fn is_taken(config: &ReadConfig, id: &ProfileId, provider: &ProviderId) -> bool {
    let mut entries = config.settings.auth.profiles.iter();
    entries.any(|entry| entry.id == *id && entry.provider != *provider)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_need_a_unit_and_a_sensible_length() {
        for (text, expected) in [
            ("365d", Some(31_536_000_000)),
            ("12h", Some(43_200_000)),
            (" 30M ", Some(1_800_000)),
            ("45s", Some(45_000)),
            ("36500d", Some(LIFE_MS_MAX)),
            ("36501d", None),
            ("0d", None),
            ("12", None),
            ("h", None),
            ("-1d", None),
            ("1.5h", None),
            ("99999999999999999999d", None),
            ("1ü", None),
            ("", None),
        ] {
            assert_eq!(parse_span(text).ok(), expected, "{text:?}");
        }
    }
}
