//! `onboard`: arguments become a plan, the plan is checked with the service, and only then anything is written.
//!
//! In order: what is set up ([`selection`]), the key ([`key`]), whether it works there or where it does ([`check`]),
//! the plan ([`plan`]) with its edits ([`draft`]), the person's yes ([`dialogue`]), the writes, and a look through the
//! real path at what was written.

use std::sync::Arc;

use catalog::{AuthChoice, Catalog};
use config::Edit;
use credentials::ProfilePlan;

use crate::cli::onboard::OnboardArgs;
use crate::context::{Context, ReadConfig, now_ms};
use crate::exit_code::Exit;
use crate::failed::{Done, Failed};
use crate::output::is_interactive;
use crate::prompt;
use check::{Answer, Asker, Refused};
use dialogue::Picked;
use key::{Key, KeySource, Variables};
use plan::OnboardPlan;
use report::FirstCall;
use selection::{CustomServer, Selection};
use site::Site;
use voice::Voice;
use workspace_host::WorkspaceHost;

mod check;
mod default_model;
mod dialogue;
mod draft;
mod key;
mod plan;
mod report;
mod selection;
mod site;
mod voice;
mod workspace_host;

/// What every step needs.
struct Desk<'a> {
    args: &'a OnboardArgs,
    context: &'a Context,
    config: &'a ReadConfig,
    catalog: Arc<Catalog>,
    voice: Voice,
    /// Whether a person can be asked.
    asks: bool,
}

/// What was found out before anything is planned.
struct Settled {
    site: Site,
    key: Option<Key>,
    answer: Answer,
}

/// Sets up a key and tells the person.
pub(crate) fn run(args: &OnboardArgs, context: &Context) -> Done {
    let voice = Voice::aloud(context.out);
    let config = context.config()?;
    let desk = Desk {
        asks: !args.non_interactive && !args.api_key_stdin && is_interactive(),
        ..Desk::quiet(args, context, &config)?
    };
    let desk = Desk { voice, ..desk };
    let work = Work::begin(&desk)?;
    let plan = work.plan(&desk)?;
    for warning in &plan.warnings {
        voice.warn(warning);
    }
    if args.dry_run {
        report::dry_run(&desk, &plan);
        return Ok(Exit::Ok);
    }
    if desk.asks {
        report::summary(&desk, &plan);
        if !prompt::confirm("Write this?")? {
            return Err(prompt::cancelled());
        }
    }
    let first_call = work.carry_out(&desk, &plan)?;
    report::done(&desk, &plan, &first_call);
    Ok(Exit::Ok)
}

/// A set-up that was checked and planned, for commands that onboard on the way.
pub(crate) struct Prepared {
    /// Provider id.
    pub(crate) provider: String,
    /// Edits of the config.
    pub(crate) edits: Vec<Edit>,
    /// The credential to store, if there is one.
    pub(crate) profile: Option<ProfilePlan>,
    /// One line for each thing that changes, without secrets.
    pub(crate) changes: Vec<String>,
}

/// Checks a key and plans its set-up; writes nothing. A person at a terminal is asked for what is missing.
pub(crate) fn prepare(args: &OnboardArgs, context: &Context) -> Result<Prepared, Failed> {
    let config = context.config()?;
    let desk = Desk {
        asks: !args.non_interactive && !args.api_key_stdin && is_interactive(),
        voice: Voice::aloud(context.out),
        ..Desk::quiet(args, context, &config)?
    };
    let plan = Work::begin(&desk)?.plan(&desk)?;
    for warning in &plan.warnings {
        desk.voice.warn(warning);
    }
    Ok(Prepared {
        provider: plan.site.provider.to_string(),
        edits: plan.edits,
        profile: plan.profile,
        changes: plan.changes,
    })
}

/// Sets up a key without a word and without a question, for commands that onboard on the way.
pub(crate) fn plan_and_apply(args: &OnboardArgs, context: &Context) -> Result<(), Failed> {
    let config = context.config()?;
    let desk = Desk::quiet(args, context, &config)?;
    let work = Work::begin(&desk)?;
    let plan = work.plan(&desk)?;
    work.carry_out(&desk, &plan).map(drop)
}

impl<'a> Desk<'a> {
    fn quiet(
        args: &'a OnboardArgs,
        context: &'a Context,
        config: &'a ReadConfig,
    ) -> Result<Self, Failed> {
        refuse_read_only(context, config)?;
        Ok(Self {
            args,
            context,
            config,
            catalog: context.catalog()?,
            voice: Voice::silent(context.out),
            asks: false,
        })
    }
}

/// What runs the calls.
struct Work {
    runtime: tokio::runtime::Runtime,
    asker: Asker,
}

impl Work {
    fn begin(desk: &Desk<'_>) -> Result<Self, Failed> {
        Ok(Self {
            runtime: crate::runtime::single()?,
            asker: Asker::new(desk.context, desk.config, desk.voice)?,
        })
    }

    fn plan<'a>(&self, desk: &Desk<'a>) -> Result<OnboardPlan<'a>, Failed> {
        let selection = selection::select(desk.args, &desk.catalog, desk.voice)?;
        if desk.asks {
            dialogue::introduce(desk);
        }
        let settled = self
            .runtime
            .block_on(settle(desk, &self.asker, selection))?;
        OnboardPlan::make(desk, settled)
    }

    /// Writes the plan, reads it back, and makes a first call.
    fn carry_out(&self, desk: &Desk<'_>, plan: &OnboardPlan<'_>) -> Result<FirstCall, Failed> {
        plan.apply(desk.context, desk.voice)?;
        verify(desk, plan)?;
        let first_call = self.runtime.block_on(first_call(&self.asker, plan));
        if let FirstCall::Failed(why) = &first_call {
            desk.voice.warn(format!(
                "the key is accepted, but a first call of {} failed: {why}",
                plan.site.default_ref()
            ));
        }
        Ok(first_call)
    }
}

/// A home that may not be written is found out before the person types anything.
fn refuse_read_only(context: &Context, config: &ReadConfig) -> Result<(), Failed> {
    if context.environment.is_on(config::env_var::CONFIG_READONLY) {
        return Err(Failed::from(config::Error::ReadOnly {
            path: config.store.path().to_owned(),
        }));
    }
    Ok(())
}

async fn settle(
    desk: &Desk<'_>,
    asker: &Asker,
    selection: Selection<'_>,
) -> Result<Settled, Failed> {
    let workspace = desk
        .args
        .workspace_id
        .as_deref()
        .map(|text| WorkspaceHost::parse(text, &desk.catalog))
        .transpose()?;
    match (selection, workspace) {
        (Selection::Custom(server), _) => settle_custom(desk, asker, &server).await,
        (Selection::Choice(choice), Some(workspace)) => {
            settle_workspace(desk, asker, &workspace, Some(choice)).await
        }
        (Selection::Open, Some(workspace)) => settle_workspace(desk, asker, &workspace, None).await,
        (Selection::Choice(choice), None) => settle_choice(desk, asker, choice).await,
        (Selection::Open, None) => settle_open(desk, asker).await,
    }
}

async fn settle_choice(
    desk: &Desk<'_>,
    asker: &Asker,
    choice: &AuthChoice,
) -> Result<Settled, Failed> {
    let site = Site::of_choice(&desk.catalog, choice)?;
    let key = key_for(desk, &site)?;
    checked(desk, asker, site, key).await
}

async fn settle_custom(
    desk: &Desk<'_>,
    asker: &Asker,
    server: &CustomServer,
) -> Result<Settled, Failed> {
    let site = Site::of_custom(&desk.catalog, server)?;
    let variables = Variables::of_site(&desk.catalog, &site);
    let key = key::given(desk, &variables)?;
    let key = match key {
        None if site.needs_key => Some(key_for(desk, &site)?),
        key => key,
    };
    if let Some(key) = &key {
        tell_source(desk, key);
    }
    let answer = if desk.args.skip_probe {
        Answer::NotAsked
    } else {
        let secret = key.as_ref().map(|key| &key.secret);
        asker
            .ask(&site, secret)
            .await
            .map_err(Refused::into_failed)?
    };
    Ok(Settled { site, key, answer })
}

async fn settle_workspace(
    desk: &Desk<'_>,
    asker: &Asker,
    workspace: &WorkspaceHost,
    choice: Option<&AuthChoice>,
) -> Result<Settled, Failed> {
    let mut sites = Site::of_workspace(&desk.catalog, workspace, choice)?;
    let Some(first) = sites.first().cloned() else {
        return Err(Failed::new("that region has no workspace hosts"));
    };
    let key = key_for(desk, &first)?;
    if sites.len() > 1 {
        if desk.args.skip_probe {
            return Err(unasked("the workspace's region")
                .hint("give the workspace's URL, or an `--auth-choice` of its region"));
        }
        sites = asker.accepting(&sites, &key.secret).await?;
    }
    let site = sites.into_iter().next().unwrap_or(first);
    checked(desk, asker, site, key).await
}

/// Nothing was named: a key that is there tells where it belongs; else the person picks.
async fn settle_open(desk: &Desk<'_>, asker: &Asker) -> Result<Settled, Failed> {
    let variables = Variables::of_all(&desk.catalog);
    let mut key = key::given(desk, &variables)?;
    if let Some(found) = &key
        && desk.asks
        && !prompt::confirm(&format!(
            "Use the key in {} ({})?",
            found.source.describe(&desk.context.home),
            found.secret.mask()
        ))?
    {
        key = None;
    }
    if key.is_none() && desk.asks {
        match dialogue::pick(desk, &desk.catalog)? {
            Picked::Choice(choice) => {
                let site = Site::of_choice(&desk.catalog, choice)?;
                let key = dialogue::ask_key(desk, Some(&site))?;
                return checked(desk, asker, site, key).await;
            }
            Picked::Workspace(text) => {
                let workspace = WorkspaceHost::parse(&text, &desk.catalog)?;
                return settle_workspace(desk, asker, &workspace, None).await;
            }
            Picked::ByKey => key = Some(dialogue::ask_key(desk, None)?),
        }
    }
    let key = key.ok_or_else(|| key::missing(desk, None, &variables))?;
    if desk.args.skip_probe {
        return Err(unasked("the key's plan and region").hint("name them with `--auth-choice`"));
    }
    let mut homes = asker.find(&key.secret).await?.into_iter();
    let Some(site) = homes.next() else {
        return Err(Failed::new("no host accepts the key").exit(Exit::Auth));
    };
    let names: Vec<String> = homes.map(|home| home.name).collect();
    desk.voice.note(format!("The key belongs to {}", site.name));
    if !names.is_empty() {
        desk.voice
            .note(format!("It also works on {}", names.join(", ")));
    }
    checked(desk, asker, site, key).await
}

fn unasked(what: &str) -> Failed {
    Failed::new(format!(
        "`--skip-probe` asks no host, so {what} must be given"
    ))
}

/// Returns the key for a site: given, or asked for.
fn key_for(desk: &Desk<'_>, site: &Site) -> Result<Key, Failed> {
    let variables = Variables::of_site(&desk.catalog, site);
    match key::given(desk, &variables)? {
        Some(key) => Ok(key),
        None if desk.asks => dialogue::ask_key(desk, Some(site)),
        None => Err(key::missing(desk, Some(site), &variables)),
    }
}

fn tell_source(desk: &Desk<'_>, key: &Key) {
    if key.source == KeySource::Prompt {
        return;
    }
    let (shown, source) = (key.secret.mask(), key.source.describe(&desk.context.home));
    desk.voice
        .note(format!("Using the key {shown} from {source}"));
}

/// Asks the site; a person may follow the key to where it belongs.
async fn checked(desk: &Desk<'_>, asker: &Asker, site: Site, key: Key) -> Result<Settled, Failed> {
    tell_source(desk, &key);
    let (site, answer) = if desk.args.skip_probe {
        (site, Answer::NotAsked)
    } else {
        match asker.ask(&site, Some(&key.secret)).await {
            Ok(answer) => (site, answer),
            Err(Refused::Elsewhere(homes, failed)) if desk.asks => {
                desk.voice.warn(&failed.message);
                let Some(home) = homes.into_iter().next() else {
                    return Err(failed);
                };
                if !prompt::confirm(&format!("Set up {} instead?", home.name))? {
                    return Err(failed);
                }
                let answer = asker.ask(&home, Some(&key.secret)).await;
                (home, answer.map_err(Refused::into_failed)?)
            }
            Err(refused) => return Err(refused.into_failed()),
        }
    };
    Ok(Settled {
        site,
        key: Some(key),
        answer,
    })
}

/// Reads back what was written, as every later command will, and checks that the model can be called with the new key.
fn verify(desk: &Desk<'_>, plan: &OnboardPlan<'_>) -> Result<(), Failed> {
    let context = desk.context;
    let config = context.config()?;
    let directory = context.directory(&config)?;
    let reference = plan.site.default_ref();
    directory.chain(&reference).map_err(|error| {
        Failed::new(format!(
            "the set-up was written, but {reference} cannot be called: {error}"
        ))
        .hint(error.hint())
    })?;
    let Some(key) = &plan.key else {
        return Ok(());
    };
    let resolver = context.resolver(&config, &desk.catalog);
    let resolution = resolver.candidates(&plan.site.provider, now_ms());
    let Some((first, secret)) = resolution.usable().next() else {
        return Ok(());
    };
    if *secret != key.secret {
        let (provider, profile) = (&plan.site.provider, &plan.site.profile);
        let why = match resolver.stores().state().order.get(provider) {
            Some(_) => "the order in auth-state.json says so".to_owned(),
            None => format!(
                "`openclaw config set auth.order.{provider} '[\"{profile}\"]'` changes that"
            ),
        };
        desk.voice.warn(format!(
            "calls use {} before the new key; {why}",
            first.label
        ));
    }
    Ok(())
}

/// Makes a first call where the check only read the model list.
async fn first_call(asker: &Asker, plan: &OnboardPlan<'_>) -> FirstCall {
    let (Answer::Works(models), Some(key)) = (&plan.answer, &plan.key) else {
        return FirstCall::NotMade;
    };
    if models.is_empty() {
        return FirstCall::NotMade;
    }
    match asker.one_token(&plan.site, &key.secret).await {
        Ok(()) => FirstCall::Answered,
        Err(failure) => {
            FirstCall::Failed(format!("{} ({})", failure.client_message(), failure.hint()))
        }
    }
}
