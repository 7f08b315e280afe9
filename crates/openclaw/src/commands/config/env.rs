//! `config env explain`: which variables count, where each comes from, and what was found elsewhere and not used.

use std::collections::BTreeSet;
use std::time::Duration;

use config::{DotenvReport, Environment, Origin};
use credentials::Secret;
use serde_json::{Value, json};

use crate::cli::config::ConfigEnvExplainArgs;
use crate::context::{Context, ReadConfig};
use crate::exit_code::Exit;
use crate::failed::{Done, Failed};
use crate::gateway_client::GatewayClient;
use crate::gateway_environment::{self, Difference};

/// How long the gateway is asked for its process id.
const GATEWAY_WAIT: Duration = Duration::from_millis(500);
/// The order in which variables are looked for; the first place that sets one counts.
const PRECEDENCE: [&str; 6] = [
    "the process",
    "`service.env` of the state folder, when a service manager started the process",
    "`.env` of the working folder (keys only: no OPENCLAW_* and no hosts)",
    "`.env` of the state folder",
    "`env` of the config",
    "the login shell, when `env.shellEnv.enabled` or OPENCLAW_LOAD_SHELL_ENV is on",
];

/// Prints the variables that matter, or those that are named.
pub(super) fn explain(args: &ConfigEnvExplainArgs, context: &Context) -> Done {
    let config = context.config()?;
    let reports = context.dotenv_reports()?;
    let names: Vec<String> = if args.names.is_empty() {
        relevant(&config, context)?
    } else {
        args.names.clone()
    };
    let differences = gateway_differences(&names, &config, context)?;
    let view = View {
        environment: &config.environment,
        reports: &reports,
        differences: differences.as_deref(),
        context,
    };
    if args.json {
        context.out.json(&view.json(&names));
    } else {
        view.lines(&names)
            .into_iter()
            .for_each(|line| context.out.line(line));
    }
    Ok(Exit::Ok)
}

/// Returns the names that the product reads, that the config refers to, and that files set.
fn relevant(config: &ReadConfig, context: &Context) -> Result<Vec<String>, Failed> {
    let catalog = context.catalog()?;
    let keys = catalog
        .providers()
        .iter()
        .flat_map(catalog::Provider::all_env_vars)
        .map(str::to_owned);
    let mut names: Vec<String> = Vec::new();
    let set = config.environment.names().filter(|name| {
        name.starts_with("OPENCLAW_") || config.environment.origin(name) != Some(&Origin::Process)
    });
    let referred = config.settings.variables.iter().cloned();
    for name in keys.chain(referred).chain(set.map(str::to_owned)) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    Ok(names)
}

/// Compares with the running gateway, where the system lets us; `None` when no gateway can be looked at.
fn gateway_differences(
    names: &[String],
    config: &ReadConfig,
    context: &Context,
) -> Result<Option<Vec<Difference>>, Failed> {
    let client = GatewayClient::new(context, config);
    let status = crate::runtime::single()?.block_on(client.status(GATEWAY_WAIT));
    let pid = status.ok().and_then(|view| view.get("pid")?.as_u64());
    let theirs =
        pid.and_then(|pid| gateway_environment::of_process(pid, context, &config.settings));
    Ok(theirs.map(|theirs| gateway_environment::differences(names, &config.environment, &theirs)))
}

struct View<'a> {
    environment: &'a Environment,
    reports: &'a [DotenvReport],
    differences: Option<&'a [Difference]>,
    context: &'a Context,
}

impl View<'_> {
    fn lines(&self, names: &[String]) -> Vec<String> {
        let mut lines = vec!["A variable counts from the first place that sets it:".to_owned()];
        lines.extend(
            (1..)
                .zip(PRECEDENCE)
                .map(|(n, place)| format!("  {n}. {place}")),
        );
        lines.push(String::new());
        let mut unset = Vec::new();
        for name in names {
            let (Some(value), Some(origin)) = (self.value(name), self.environment.origin(name))
            else {
                unset.push(name.as_str());
                continue;
            };
            let found = place(origin, self.context);
            lines.push(format!("{name}  {}  {found}", mask(value)));
            for (value, origin) in self.environment.shadowed(name) {
                let shadowed = place(origin, self.context);
                lines.push(format!("  not used: {}  {shadowed}", mask(value.expose())));
            }
        }
        if !unset.is_empty() {
            lines.push(format!("not set: {}", unset.join(", ")));
        }
        lines.extend(self.reports.iter().flat_map(|report| self.refused(report)));
        if let Some(error) = self.environment.shell_error() {
            lines.push(error.to_string());
        }
        lines.extend(
            self.differences
                .iter()
                .flat_map(|all| all.iter())
                .map(Difference::line),
        );
        if self.differences.is_some_and(<[Difference]>::is_empty) {
            lines.push("The running gateway has the same.".to_owned());
        }
        lines
    }

    fn refused(&self, report: &DotenvReport) -> Vec<String> {
        let file = self.context.home.display(&report.path);
        let refused = report.refused.iter();
        refused
            .map(|name| format!("{name} in {file} is not taken from a working folder"))
            .collect()
    }

    fn json(&self, names: &[String]) -> Value {
        let unique: BTreeSet<&String> = names.iter().collect();
        let rows: Vec<Value> = unique.into_iter().map(|name| self.row(name)).collect();
        let refused: Vec<Value> = self
            .reports
            .iter()
            .map(|report| json!({"file": report.path, "names": report.refused}))
            .collect();
        let differences = self.differences.map(|all| {
            all.iter()
                .map(|one| json!({"name": one.name, "here": one.here, "gateway": one.there}))
                .collect::<Vec<_>>()
        });
        json!({
            "precedence": PRECEDENCE,
            "variables": rows,
            "refused": refused,
            "shellError": self.environment.shell_error().map(ToString::to_string),
            "gatewayDifferences": differences,
        })
    }

    fn row(&self, name: &str) -> Value {
        let shadowed: Vec<Value> = self
            .environment
            .shadowed(name)
            .map(|(value, origin)| {
                json!({"origin": place(origin, self.context), "masked": mask(value.expose())})
            })
            .collect();
        json!({
            "name": name,
            "set": self.value(name).is_some(),
            "origin": self.environment.origin(name).map(|origin| place(origin, self.context)),
            "masked": self.value(name).map(mask),
            "notUsed": shadowed,
        })
    }

    fn value(&self, name: &str) -> Option<&str> {
        self.environment
            .get(name)
            .filter(|value| !value.trim().is_empty())
    }
}

/// Names a place for people.
fn place(origin: &Origin, context: &Context) -> String {
    match origin {
        Origin::Process => "process".to_owned(),
        Origin::Service(path) | Origin::DotenvCwd(path) | Origin::DotenvHome(path) => {
            context.home.display(path)
        }
        Origin::Config => "`env` of the config".to_owned(),
        Origin::Shell(shell) => format!("login shell {}", shell.display()),
    }
}

fn mask(value: &str) -> String {
    Secret::new(value.to_owned()).mask()
}
