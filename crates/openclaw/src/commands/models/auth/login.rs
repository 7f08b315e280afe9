//! `models auth login`: a device login of the Qwen Portal.
//!
//! In order: the plugin must be on; stores and config must be writable, so that nobody approves a code in vain; the code
//! is shown and waited for; the login is stored; then the config and the agent's `models.json` learn of it. Up to the
//! approval nothing is written, so Ctrl-C leaves nothing behind.

use std::sync::Arc;

use catalog::Catalog;
use config::{ProfileId, ProviderId};
use credentials::oauth::{Clock, DeviceError, Identity, LoginStore, NewLogin, sign_in};

use super::agent_place::AgentPlace;
use super::login_config;
use crate::cli::models_auth::AuthLoginArgs;
use crate::commands::plugins::built_in::{self, PORTAL_LOGIN};
use crate::config_change::ConfigChange;
use crate::context::{Context, ReadConfig, now_ms};
use crate::exit_code::Exit;
use crate::failed::{Done, Failed};
use crate::prompt;
use footprint::Footprint;
use report::Report;
use screen::Screen;

mod browser;
mod footprint;
mod models_json;
mod qr;
mod report;
mod screen;

/// The provider id under which a login is kept, whatever name was typed.
pub(super) const PROVIDER: &str = "qwen-portal";
/// The words of the command, for the audit log.
const WORDS: [&str; 3] = ["models", "auth", "login"];

/// Makes a login. With `--json` a failure is an event too.
pub(super) fn run(args: &AuthLoginArgs, context: &Context) -> Done {
    let done = log_in(args, context);
    if let Err(failed) = &done
        && args.json
    {
        report::error_event(context.out, failed);
    }
    done
}

fn log_in(args: &AuthLoginArgs, context: &Context) -> Done {
    let config = context.config()?;
    let catalog = context.catalog()?;
    let identity = identity_of(&catalog, &args.provider)?;
    must_be_enabled(&config)?;
    let place = AgentPlace::of(context, &config, &args.agent)?;
    let desk = Desk {
        context,
        catalog: &catalog,
        identity: &identity,
        place: &place,
        args,
    };
    let footprint = Footprint::before(&place.folder);
    let new = desk.check(&config).and_then(|()| {
        say_retired(&desk);
        desk.ask(&config)
    });
    let new = match new {
        Ok(new) => new,
        Err(failed) => {
            footprint.erase();
            return Err(failed);
        }
    };
    let report = desk.keep(&new)?;
    report.print(context, args.json);
    Ok(Exit::Ok)
}

/// What every step needs.
struct Desk<'a> {
    context: &'a Context,
    catalog: &'a Catalog,
    identity: &'a Identity,
    place: &'a AgentPlace<'a>,
    args: &'a AuthLoginArgs,
}

impl Desk<'_> {
    /// Finds out before anybody approves anything whether the login could be kept.
    fn check(&self, config: &ReadConfig) -> Result<(), Failed> {
        let nothing_asked = |failed: Failed| Failed {
            message: format!("the login could not be stored: {}", failed.message),
            hint: failed.hint.or_else(|| {
                Some("nobody was asked to approve anything; make it writable first".to_owned())
            }),
            ..failed
        };
        self.place.must_be_writable()?;
        self.place.say_if_others_can_read();
        LoginStore::new(&self.context.home)
            .check_writable(&self.place.agent)
            .map_err(|error| nothing_asked(Failed::from(error)))?;
        let base_url = self.identity.base_url(None);
        self.change(config, &base_url)?;
        login_config::check_writable(self.context, config).map_err(nothing_asked)
    }

    /// Shows the code and waits for the person.
    fn ask(&self, config: &ReadConfig) -> Result<NewLogin, Failed> {
        let client = Context::http_client(&config.environment);
        let clock: Clock = Arc::new(now_ms);
        let screen = Screen::new(self.context, self.args);
        crate::runtime::single()?.block_on(async {
            let signing_in = sign_in(self.identity, &client, &clock, |event| screen.show(&event));
            let made = tokio::select! {
                made = signing_in => made.map_err(|error| not_made(&error)),
                () = screen.count_down() => Err(prompt::cancelled()),
                _ = tokio::signal::ctrl_c() => Err(prompt::cancelled()),
            };
            screen.clear();
            made
        })
    }

    /// Stores the login first, then tells config and `models.json`.
    fn keep(&self, new: &NewLogin) -> Result<Report, Failed> {
        let (id, provider) = profile()?;
        let agent = &self.place.agent;
        let store = LoginStore::new(&self.context.home);
        store.save(agent, &id, &provider, new)?;
        let base_url = self.identity.base_url(new.resource_url.as_deref());
        let kept = |failed: Failed| Failed {
            message: format!(
                "the login is stored in {}, but {}",
                self.place.described(),
                failed.message
            ),
            ..failed
        };
        // Minutes may have passed: the config is read again.
        let config = self.context.config().map_err(kept)?;
        let (change, warnings) = self.change(&config, &base_url).map_err(kept)?;
        if change.changes_anything() {
            change.apply(self.context, &WORDS).map_err(kept)?;
        }
        let mut report = Report {
            profile: id,
            place: self.place.described(),
            agent: agent.clone(),
            store_path: self.place.store.path().to_owned(),
            config_path: config.store.path().to_owned(),
            models_path: None,
            expires_at_ms: new.login.expiry.at_ms(),
            base_url,
            default_model: self.args.set_default.then(login_config::default_model),
            warnings,
        };
        report.finish(self);
        Ok(report)
    }

    fn change<'c>(
        &self,
        config: &'c ReadConfig,
        base_url: &str,
    ) -> Result<(ConfigChange<'c>, Vec<String>), Failed> {
        let draft = login_config::Draft::make(
            config,
            self.catalog,
            &login_config::Wanted {
                base_url,
                set_default: self.args.set_default,
            },
        )?;
        Ok((
            ConfigChange::plan(config, draft.sketch.edits())?,
            draft.warnings,
        ))
    }
}

/// Returns the profile that a login becomes, and its provider.
fn profile() -> Result<(ProfileId, ProviderId), Failed> {
    let provider = ProviderId::new(PROVIDER)?;
    Ok((ProfileId::default_of(&provider), provider))
}

/// Returns the identity server of a provider.
fn identity_of(catalog: &Catalog, text: &str) -> Result<Identity, Failed> {
    let provider = ProviderId::new(text)?;
    let servers = Identity::all_of(catalog)?;
    if let Some(identity) = servers
        .into_iter()
        .find(|identity| identity.serves(&provider))
    {
        return Ok(identity);
    }
    let failed = Failed::new(format!("provider `{provider}` has no device login"));
    Err(
        failed.hint(if catalog.provider(provider.as_str()).is_some() {
            "`openclaw onboard` sets up a key for it".to_owned()
        } else {
            format!("the only provider with one is `{PROVIDER}`")
        }),
    )
}

fn must_be_enabled(config: &ReadConfig) -> Result<(), Failed> {
    let standing = built_in::named(PORTAL_LOGIN)?.standing(&config.text);
    if standing.enabled {
        return Ok(());
    }
    let failed = Failed::new(format!(
        "the plugin `{PORTAL_LOGIN}` is switched off ({})",
        standing.because
    ));
    Err(match standing.because {
        "default" | "plugins.entries" => {
            failed.hint(format!("`openclaw plugins enable {PORTAL_LOGIN}`"))
        }
        setting => failed.hint(format!(
            "`{setting}` switches it off; after that `openclaw plugins enable {PORTAL_LOGIN}`"
        )),
    })
}

fn say_retired(desk: &Desk<'_>) {
    let plugin = built_in::named(PORTAL_LOGIN);
    let retired = plugin
        .map(|plugin| built_in::retirement_text(&plugin.retirements(desk.catalog)))
        .ok()
        .flatten();
    if let Some(text) = retired {
        desk.context
            .out
            .warn(format!("this login is retired {text}"));
    }
}

fn not_made(error: &DeviceError) -> Failed {
    let failed = Failed::of(error);
    let again = format!("`openclaw models auth login --provider {PROVIDER}` starts again");
    match error {
        DeviceError::NoCode { status: None, .. } => failed
            .exit(Exit::Network)
            .hint("nothing was written; check the network, a proxy belongs into HTTPS_PROXY"),
        DeviceError::NoCode { .. } => failed.exit(Exit::Auth).hint(format!(
            "nothing was written; the login may be closed for good. {again}"
        )),
        _ => failed
            .exit(Exit::Auth)
            .hint(format!("nothing was written; {again}")),
    }
}
