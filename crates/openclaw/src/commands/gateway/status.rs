//! `gateway status`: which process serves this home, where, and whether it answers.

use std::time::Duration;

use serde_json::{Value, json};

use crate::cli::gateway::StatusArgs;
use crate::context::{Context, ReadConfig};
use crate::daemon::instance::{Holder, Instance};
use crate::exit_code::Exit;
use crate::failed::{Done, Failed};
use crate::gateway_client::GatewayClient;
use crate::output::strong;

/// Looks and asks; fails when no gateway answers.
pub(super) fn run(args: &StatusArgs, context: &Context) -> Done {
    let out = context.out.with_json(args.json);
    let config = context.config()?;
    let instance = Instance::of(&context.home);
    let gateway = GatewayClient::new(context, &config).of_instance(&instance);
    let wait = Duration::from_millis(args.timeout);
    let seen = Seen {
        context,
        config: &config,
        holder: instance.holder(),
        answer: crate::runtime::single()?.block_on(gateway.status(wait)),
        gateway: &gateway,
    };
    if args.json {
        out.json(&seen.json()?);
    } else {
        seen.lines()?.into_iter().for_each(|line| out.line(line));
    }
    Ok(match &seen.answer {
        Ok(_) => Exit::Ok,
        Err(failed) => failed.exit,
    })
}

struct Seen<'a> {
    context: &'a Context,
    config: &'a ReadConfig,
    holder: Option<&'a Holder>,
    gateway: &'a GatewayClient,
    answer: Result<Value, Failed>,
}

impl Seen<'_> {
    fn port_source(&self) -> &'static str {
        let variable = config::env_var::GATEWAY_PORT;
        if self.holder.is_some() {
            "running gateway"
        } else if self.config.environment.path_var(variable).is_some() {
            variable
        } else if self.config.settings.gateway.port.is_some() {
            "gateway.port"
        } else {
            "default"
        }
    }

    fn json(&self) -> Result<Value, Failed> {
        let address = self.gateway.address();
        let rpc = match &self.answer {
            Ok(_) => json!({"ok": true, "url": format!("http://{address}/openclaw/status")}),
            Err(failed) => json!({
                "ok": false,
                "url": format!("http://{address}/openclaw/status"),
                "error": failed.message,
            }),
        };
        let view = self.answer.as_ref().ok();
        Ok(json!({
            "running": view.is_some(),
            "pid": self.holder.map(|holder| holder.pid),
            "since": self.holder.map(|holder| &holder.created_at),
            "cli": {
                "version": env!("CARGO_PKG_VERSION"),
                "entrypoint": std::env::current_exe().ok(),
            },
            "logFile": self.context.log_path()?,
            "config": {
                "cli": {"path": self.context.home.config_path(), "exists": self.config.exists},
                "daemon": self.holder.map(|holder| json!({"path": holder.config_path})),
            },
            "gateway": {
                "bindHost": address.ip(),
                "port": address.port(),
                "portSource": self.port_source(),
                "probeUrl": format!("http://{address}"),
                "version": view.and_then(|view| view.get("version")),
            },
            "port": address.port(),
            "rpc": rpc,
            "view": view,
        }))
    }

    fn lines(&self) -> Result<Vec<String>, Failed> {
        let home = &self.context.home;
        let line = |name: &str, text: String| format!("{}  {text}", strong(format!("{name:8}")));
        let process = match self.holder {
            Some(holder) => format!("{} since {}", holder.pid, holder.created_at),
            None => "no gateway serves this home".to_owned(),
        };
        let gateway = match &self.answer {
            Ok(_) => format!("answers at http://{}/v1", self.gateway.address()),
            Err(failed) => failed.message.clone(),
        };
        let mut lines = vec![
            line("Home", home.display(home.state_dir())),
            line("Process", process),
            line("Gateway", gateway),
            line("Log", home.display(&self.context.log_path()?)),
        ];
        if self.answer.is_err() {
            let next = "`openclaw gateway start` starts one in the background".to_owned();
            lines.push(line("Next", next));
        }
        Ok(lines)
    }
}
