//! `status`: home, default model, credentials and the running gateway at a glance.

use std::time::Duration;

use providers::Directory;
use providers::directory::ProviderView;
use serde_json::{Value, json};

use crate::cli::gateway::StatusArgs;
use crate::context::{Context, ReadConfig};
use crate::doctor::{self, Situation};
use crate::exit_code::Exit;
use crate::failed::{Done, Failed};
use crate::gateway_client::GatewayClient;
use crate::output::strong;

/// Prints the overview. A gateway that is not running is a fact, not a failure.
pub(crate) fn run(args: &StatusArgs, context: &Context) -> Done {
    let out = context.out.with_json(args.json);
    let config = context.config()?;
    let directory = context.directory(&config)?;
    let gateway = GatewayClient::new(context, &config);
    let wait = Duration::from_millis(args.timeout);
    let running = crate::runtime::single()?.block_on(gateway.status(wait));
    let view = View {
        context,
        config: &config,
        directory: &directory,
        gateway: &gateway,
        running,
        retirements: doctor::retirements_ahead(&Situation::read(context, false)?),
    };
    if args.json {
        out.json(&view.json());
    } else {
        view.lines().into_iter().for_each(|line| out.line(line));
    }
    Ok(Exit::Ok)
}

/// What is shown.
struct View<'a> {
    context: &'a Context,
    config: &'a ReadConfig,
    directory: &'a Directory,
    gateway: &'a GatewayClient,
    running: Result<Value, Failed>,
    /// What this home uses and is about to end.
    retirements: Vec<String>,
}

impl View<'_> {
    fn error_count(&self) -> usize {
        let is_error = |problem: &&config::Problem| problem.severity == config::Severity::Error;
        self.config.problems.iter().filter(is_error).count()
    }

    /// Returns the providers that have anything to do with this home.
    fn providers(&self) -> impl Iterator<Item = ProviderView<'_>> {
        self.directory
            .providers()
            .filter(|provider| provider.usable || provider.credential.is_some())
    }

    fn json(&self) -> Value {
        let address = self.gateway.address().to_string();
        let gateway = match &self.running {
            Ok(view) => json!({"running": true, "address": address, "view": view}),
            Err(failed) => json!({"running": false, "address": address, "reason": failed.message}),
        };
        json!({
            "version": env!("CARGO_PKG_VERSION"),
            "home": self.context.home.state_dir(),
            "config": {
                "path": self.context.home.config_path(),
                "exists": self.config.exists,
                "problems": self.config.problems.len(),
                "errors": self.error_count(),
            },
            "defaultModel": self.directory.default_model(),
            "providers": self.providers().collect::<Vec<_>>(),
            "gateway": gateway,
            "retirements": self.retirements,
        })
    }

    fn lines(&self) -> Vec<String> {
        let home = &self.context.home;
        let config = match (self.config.exists, self.error_count()) {
            (false, _) => "not there yet".to_owned(),
            (true, 0) => "ok".to_owned(),
            (true, n) => format!("{n} errors, see `openclaw config validate`"),
        };
        let default = self
            .directory
            .default_model()
            .unwrap_or("none: `openclaw onboard` sets one up");
        let mut lines = vec![
            line("Home", &home.display(home.state_dir())),
            line(
                "Config",
                &format!("{} ({config})", home.display(home.config_path())),
            ),
            line("Default", default),
        ];
        lines.extend(
            self.providers()
                .map(|provider| line("Provider", &provider_text(&provider))),
        );
        lines.push(match &self.running {
            Ok(view) => line(
                "Gateway",
                &format!("running at {}{}", self.gateway.address(), served(view)),
            ),
            Err(failed) => line("Gateway", &failed.message),
        });
        let ledger = self.running.as_ref().ok();
        let problem = ledger.and_then(|view| view.pointer("/ledger/problem")?.as_str());
        lines.extend(problem.map(|problem| line("Usage", &format!("not recorded: {problem}"))));
        lines.extend(self.retirements.iter().map(|text| line("Ends", text)));
        lines
    }
}

fn line(name: &str, text: &str) -> String {
    format!("{}  {text}", strong(format!("{name:8}")))
}

fn provider_text(provider: &ProviderView<'_>) -> String {
    let url = provider.base_url.unwrap_or("no base URL");
    let credential = provider.credential.unwrap_or("no credential");
    let mut text = provider.id.to_owned();
    for word in [
        provider.plan.as_deref(),
        provider.region.as_deref(),
        Some(url),
        Some(credential),
    ]
    .into_iter()
    .flatten()
    {
        text.push(' ');
        text.push_str(word);
    }
    match &provider.problem {
        Some(problem) => format!("{text}: {problem}"),
        None => text,
    }
}

fn served(view: &Value) -> String {
    let count = |name: &str| {
        view.pointer(&format!("/totals/{name}"))
            .and_then(Value::as_u64)
            .unwrap_or_default()
    };
    let seconds = view
        .get("uptimeMs")
        .and_then(Value::as_u64)
        .unwrap_or_default()
        / 1000;
    format!(
        ", up {seconds} s, {} requests ({} failed), {} + {} tokens",
        count("requests"),
        count("failed"),
        count("inputTokens"),
        count("outputTokens"),
    )
}
