//! `gateway …`: run it, and what can be done with the one that runs.

use serde_json::json;

use crate::cli::Global;
use crate::cli::gateway::{GatewayArgs, GatewayCommand, StartArgs, StopArgs};
use crate::commands::{gateway_run, health, logs};
use crate::context::Context;
use crate::daemon::instance::Holder;
use crate::daemon::supervisor::{Task, run_all};
use crate::exit_code::Exit;
use crate::failed::{Done, Failed};

mod call;
mod install;
mod process;
mod status;

/// Does what was asked; without a word it serves.
pub(crate) fn run(args: &GatewayArgs, global: &Global, context: &Context) -> Done {
    let log_level = global.log_level.as_deref();
    match &args.command {
        None => gateway_run::run(&args.run, log_level, context),
        Some(GatewayCommand::Run(args)) => gateway_run::run(args, log_level, context),
        Some(GatewayCommand::Start(args)) => start(args, global, context),
        Some(GatewayCommand::Stop(args)) => stop(args, global, context),
        Some(GatewayCommand::Restart(args)) => restart(args, global, context),
        Some(GatewayCommand::Health(args)) => health::run(args, context),
        Some(GatewayCommand::Status(args)) => status::run(args, context),
        Some(GatewayCommand::Logs(args)) => logs::run(args, context),
        Some(GatewayCommand::Call(args)) => call::run(args, context),
        Some(GatewayCommand::Install(args)) => install::install(args, global, context),
        Some(GatewayCommand::Uninstall(args)) => install::uninstall(args, global, context),
    }
}

fn start(args: &StartArgs, global: &Global, context: &Context) -> Done {
    let (holder, result) = match process::running(context)? {
        Some(holder) => (holder, "already-running"),
        None => match through_service(Task::Start, global, context)? {
            Some(holder) => (holder, "started"),
            None => (process::start(None, global, context)?, "started"),
        },
    };
    Ok(tell(&holder, result, args.json, context))
}

fn stop(args: &StopArgs, global: &Global, context: &Context) -> Done {
    let out = context.out.with_json(args.json);
    let folder = context.home.display(context.home.state_dir());
    let Some(holder) = process::running(context)? else {
        if args.json {
            out.json(&json!({"ok": true, "result": "not-running"}));
        } else {
            out.note(format!("no gateway serves {folder}"));
        }
        return Ok(Exit::Ok);
    };
    match install::commands(Task::Stop, global, context)? {
        // Without it the service would be started again.
        Some(commands) => run_all(&commands)?,
        None => process::stop(&holder, args.force, context)?,
    }
    Ok(tell(&holder, "stopped", args.json, context))
}

fn restart(args: &StopArgs, global: &Global, context: &Context) -> Done {
    if let Some(holder) = through_service(Task::Restart, global, context)? {
        return Ok(tell(&holder, "restarted", args.json, context));
    }
    let before = process::running(context)?;
    if let Some(holder) = &before {
        process::stop(holder, args.force, context)?;
    }
    let port = before.map(|holder| holder.address.port());
    let holder = process::start(port, global, context)?;
    Ok(tell(&holder, "restarted", args.json, context))
}

/// Lets the service manager do it, when the gateway of this home is installed; returns who serves afterwards.
fn through_service(
    task: Task,
    global: &Global,
    context: &Context,
) -> Result<Option<Holder>, Failed> {
    let Some(commands) = install::commands(task, global, context)? else {
        return Ok(None);
    };
    run_all(&commands)?;
    let holder = process::running(context)?;
    let failed = || {
        Failed::new("the service manager started no gateway for this home")
            .hint("`openclaw gateway logs` shows why")
    };
    holder.ok_or_else(failed).map(Some)
}

fn tell(holder: &Holder, result: &str, as_json: bool, context: &Context) -> Exit {
    if as_json {
        let address = holder.address.to_string();
        let answer = json!({"ok": true, "result": result, "pid": holder.pid, "address": address});
        context.out.json(&answer);
    } else {
        let words = result.replace('-', " ");
        let place = format!("process {} at http://{}/v1", holder.pid, holder.address);
        context.out.line(format!("{words}: {place}"));
    }
    Exit::Ok
}
