//! `models status`: the default model, and for each provider in use which credential is taken, from where, and why
//! the others are not.

use std::collections::HashSet;

use config::AgentId;
use providers::health::Breaker;

use super::breakers;
use super::choice::sunset;
use super::names::Names;
use crate::cli::models::ModelsStatusArgs;
use crate::context::{Context, ReadConfig, now_ms};
use crate::exit_code::Exit;
use crate::failed::Done;

mod auth;
mod json;
mod login;
mod text;

use auth::Auth;
use login::Status;

/// Everything that is shown.
struct Report<'a> {
    context: &'a Context,
    config: &'a ReadConfig,
    names: &'a Names<'a>,
    auth: Auth,
    agent: AgentId,
    breakers: Vec<Breaker>,
}

/// Shows the models in use and their credentials.
pub(super) fn run(args: &ModelsStatusArgs, context: &Context) -> Done {
    let out = context.out.with_json(args.json);
    let config = context.config()?;
    config.warn_about_errors(out);
    let names = Names::with_credentials(context, &config)?;
    let agent = AgentId::main();
    let report = Report {
        auth: Auth::read(context, &config, &names, now_ms()),
        breakers: breakers::open(context)?,
        context,
        config: &config,
        names: &names,
        agent,
    };
    if args.json {
        out.json(&json::document(&report));
    } else if args.plain {
        if let Some(default) = report.default() {
            out.line(default);
        }
    } else {
        text::print(&report, out);
    }
    if args.check {
        return Ok(report.check());
    }
    Ok(Exit::Ok)
}

impl Report<'_> {
    /// Returns the default model under its full name.
    fn default(&self) -> Option<String> {
        let text = self.names.directory.default_model()?;
        Some(self.full_name(text))
    }

    fn full_name(&self, reference: &str) -> String {
        self.names
            .look_up(reference)
            .map_or_else(|| reference.to_owned(), |named| named.key())
    }

    fn full_names(&self, references: &[String]) -> Vec<String> {
        references
            .iter()
            .map(|reference| self.full_name(reference))
            .collect()
    }

    /// Says of each model in use that cannot be called what is wrong, and what ended.
    fn troubles(&self) -> Vec<String> {
        let defaults = &self.config.settings.agents.defaults;
        let mut troubles = Vec::new();
        for choice in [&defaults.model, &defaults.image_model] {
            for reference in choice.primary.iter().chain(&choice.fallbacks) {
                let Some(named) = self.names.look_up(reference) else {
                    troubles.push(format!(
                        "`{reference}` leads nowhere: there is no such model or provider"
                    ));
                    continue;
                };
                let problem = self.names.problem(&named.provider);
                troubles.extend(problem.map(|problem| {
                    format!("`{}` cannot be used: {}", named.key(), brief(&problem))
                }));
                troubles.extend(sunset(self.names, reference, &named));
            }
        }
        let mut seen = HashSet::new();
        troubles.retain(|trouble| seen.insert(trouble.clone()));
        troubles
    }

    /// Returns 1 when a model in use has no usable credential, 2 when its credential is about to end.
    fn check(&self) -> Exit {
        if self.names.directory.default_model().is_none() {
            return Exit::Error;
        }
        let in_use = self
            .auth
            .providers
            .iter()
            .filter(|provider| provider.in_use);
        let worst = in_use.map(auth::ProviderAuth::status).max();
        match worst {
            Some(Status::Static | Status::Ok) => Exit::Ok,
            // The number is 2, which OpenClaw gives to a credential that is about to end.
            Some(Status::Expiring) => Exit::NotAvailable,
            Some(Status::Expired | Status::Missing) | None => Exit::Error,
        }
    }
}

/// Leaves out the reasons, which the line of the provider gives.
fn brief(problem: &str) -> &str {
    problem
        .split_once([':', '('])
        .map_or(problem, |(start, _)| start.trim_end())
}
