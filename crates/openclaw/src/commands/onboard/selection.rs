//! What was asked to be set up: an auth choice, a server of one's own, or nothing in particular.

use catalog::{AuthChoice, Catalog, Standing};
use config::ProviderId;

use super::voice::Voice;
use crate::cli::onboard::{OnboardArgs, OnboardMode};
use crate::exit_code::Exit;
use crate::failed::Failed;

/// The choice that stands for a server of one's own.
const CUSTOM_CHOICE: &str = "custom-api-key";
/// Provider id of a server of one's own when none is given.
const CUSTOM_PROVIDER: &str = "custom";
/// Valid ids that are put first because they resemble the one that was typed.
const NEAREST_MAX: usize = 3;

/// What was asked to be set up.
pub(super) enum Selection<'c> {
    /// A plan in a region.
    Choice(&'c AuthChoice),
    /// An OpenAI-compatible server of one's own.
    Custom(CustomServer),
    /// Nothing was named: the key or the person decides.
    Open,
}

/// An OpenAI-compatible server of one's own.
pub(super) struct CustomServer {
    pub(super) base_url: String,
    pub(super) model: String,
    pub(super) provider: ProviderId,
}

/// Reads the arguments; deprecated ids work with a warning.
pub(super) fn select<'c>(
    args: &OnboardArgs,
    catalog: &'c Catalog,
    voice: Voice,
) -> Result<Selection<'c>, Failed> {
    refuse_what_is_not_there(args)?;
    refuse_two_keys(args)?;
    let flag = args.keys.given().first().map(|(flag, _)| *flag);
    let by_flag = flag.and_then(|flag| Some((flag, catalog.choice_for_flag(flag)?)));
    let named = args.auth_choice.as_deref();
    if let Some(base_url) = &args.custom_base_url {
        refuse_beside_custom(named, flag, args)?;
        return custom(args, base_url, catalog).map(Selection::Custom);
    }
    let named = named
        .map(|id| named_choice(id, catalog, voice))
        .transpose()?;
    match (named, by_flag) {
        (Some(named), Some((flag, by_flag))) if named.id != by_flag.id => {
            Err(Failed::new(format!(
                "`--auth-choice {}` and `{flag}` contradict each other: the flag belongs to `{}`",
                named.id, by_flag.id
            ))
            .hint(format!(
                "give `--api-key-stdin` with the choice, or `{flag}` alone"
            )))
        }
        (Some(choice), _) | (None, Some((_, choice))) => {
            usable(choice, catalog).map(Selection::Choice)
        }
        (None, None) => Ok(Selection::Open),
    }
}

/// Never a fake success: what this program cannot do ends here, before anything is asked.
fn refuse_what_is_not_there(args: &OnboardArgs) -> Result<(), Failed> {
    let (flag, instead) = if args.install_daemon {
        (
            "--install-daemon",
            "onboard without it, then run `openclaw gateway install`",
        )
    } else if args.mode == OnboardMode::Remote {
        (
            "--mode remote",
            "onboard on the machine that runs the gateway",
        )
    } else {
        return Ok(());
    };
    Err(Failed::new(format!("`{flag}` is not available yet"))
        .exit(Exit::NotAvailable)
        .hint(instead))
}

fn refuse_two_keys(args: &OnboardArgs) -> Result<(), Failed> {
    let mut given: Vec<&str> = args.keys.given().iter().map(|(flag, _)| *flag).collect();
    given.extend(args.custom_api_key.is_some().then_some("--custom-api-key"));
    given.extend(args.api_key_stdin.then_some("--api-key-stdin"));
    if given.len() < 2 {
        return Ok(());
    }
    Err(
        Failed::new(format!("more than one key is given: {}", given.join(", ")))
            .hint("onboard them one after the other"),
    )
}

fn refuse_beside_custom(
    named: Option<&str>,
    flag: Option<&str>,
    args: &OnboardArgs,
) -> Result<(), Failed> {
    let other = named
        .filter(|id| *id != CUSTOM_CHOICE)
        .map(|id| format!("--auth-choice {id}"))
        .or_else(|| flag.map(str::to_owned))
        .or_else(|| {
            args.workspace_id
                .is_some()
                .then(|| "--workspace-id".to_owned())
        });
    match other {
        Some(other) => Err(Failed::new(format!(
            "`--custom-base-url` and `{other}` contradict each other"
        ))
        .hint("a server of your own takes its key from `--custom-api-key` or `--api-key-stdin`")),
        None => Ok(()),
    }
}

fn custom(args: &OnboardArgs, base_url: &str, catalog: &Catalog) -> Result<CustomServer, Failed> {
    let id = args
        .custom_provider_id
        .as_deref()
        .unwrap_or(CUSTOM_PROVIDER);
    let provider = ProviderId::new(id)?;
    if catalog
        .providers()
        .iter()
        .any(|shipped| shipped.id == provider.as_str())
    {
        return Err(
            Failed::new(format!("`{provider}` is the id of a shipped provider"))
                .hint("give another `--custom-provider-id`, so that no key goes to the wrong host"),
        );
    }
    let model = args.custom_model_id.as_deref().unwrap_or_default().trim();
    if model.is_empty() {
        return Err(Failed::new("`--custom-model-id` is empty"));
    }
    Ok(CustomServer {
        base_url: base_url.to_owned(),
        model: model.to_owned(),
        provider,
    })
}

fn named_choice<'c>(
    id: &str,
    catalog: &'c Catalog,
    voice: Voice,
) -> Result<&'c AuthChoice, Failed> {
    if id == CUSTOM_CHOICE {
        return Err(
            Failed::new(format!("`{CUSTOM_CHOICE}` needs the server's address"))
                .hint("give `--custom-base-url` and `--custom-model-id`"),
        );
    }
    let Some(found) = catalog.auth_choice(id) else {
        let ids = valid_ids(id, catalog).join(", ");
        return Err(
            Failed::new(format!("`{id}` is not an auth choice")).hint(format!("valid are {ids}"))
        );
    };
    if found.deprecated {
        voice.warn(format!(
            "`{}` is the old name of `{}`",
            id.trim(),
            found.choice.id
        ));
    }
    Ok(found.choice)
}

/// Returns every id that works, the nearest to `typed` first.
fn valid_ids<'c>(typed: &str, catalog: &'c Catalog) -> Vec<&'c str> {
    let all = || {
        catalog
            .auth_choices()
            .iter()
            .filter(|choice| is_usable(choice))
            .map(|choice| choice.id.as_str())
            .chain([CUSTOM_CHOICE])
    };
    let mut ids = catalog::nearest(typed, all(), NEAREST_MAX);
    let rest: Vec<&str> = all().filter(|id| !ids.contains(id)).collect();
    ids.extend(rest);
    ids
}

pub(super) fn is_usable(choice: &AuthChoice) -> bool {
    matches!(choice.status, Standing::Offered | Standing::Legacy)
}

fn usable<'c>(choice: &'c AuthChoice, catalog: &Catalog) -> Result<&'c AuthChoice, Failed> {
    match choice.status {
        Standing::Offered | Standing::Legacy => Ok(choice),
        Standing::Later => Err(Failed::new(format!(
            "`{}` ({}) is not available yet",
            choice.id, choice.hint
        ))
        .exit(Exit::NotAvailable)),
        Standing::Retired => {
            let why = catalog
                .sunsets_for(catalog::SunsetSubject::AuthChoice, &choice.id)
                .next()
                .map_or(choice.hint.as_str(), |sunset| sunset.text.as_str());
            let next = choice
                .replaced_by
                .as_deref()
                .map(|id| format!("`openclaw onboard --auth-choice {id}` sets up an API key"));
            Err(Failed::new(format!("`{}` is retired: {why}", choice.id)).maybe_hint(next))
        }
    }
}
