//! The `openclaw` binary: arguments, prompts, printing. What it does lives in the library crates.

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use crate::cli::gateway::GatewayCommand;
use crate::cli::{Cli, Command};
use crate::context::Context;
use crate::exit_code::Exit;
use crate::failed::{Done, Failed};
use crate::output::Output;

mod cli;
mod commands;
mod config_change;
mod config_secrets;
mod config_sketch;
mod context;
mod daemon;
mod doctor;
mod exit_code;
mod failed;
mod gateway_client;
mod gateway_environment;
mod home_files;
mod model_lists;
mod output;
mod prompt;
mod retired;
mod runtime;
mod video_jobs;

/// The OpenClaw release whose home this program reads and writes.
const HOME_FORMAT: &str = "2026.5.20";

fn main() -> ExitCode {
    let words: Vec<_> = std::env::args_os().collect();
    if asks_version(&words) {
        Output::new(false).line(version());
        return Exit::Ok.into();
    }
    let cli = match Cli::try_parse_from(words) {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    let out = Output::new(cli.global.no_color);
    match run(cli, out) {
        Ok(exit) => exit.into(),
        Err(failed) => failed.exit.into(),
    }
}

/// `--version` works beside any other word, and before anything else is looked at.
fn asks_version(words: &[std::ffi::OsString]) -> bool {
    words
        .get(1)
        .is_some_and(|word| word == "--version" || word == "-V")
}

fn version() -> String {
    format!(
        "OpenClaw {} (Rust, homes of OpenClaw {HOME_FORMAT})",
        env!("CARGO_PKG_VERSION")
    )
}

/// Help goes to standard output and is a success; a mistake in the arguments ends with 1, as in OpenClaw.
fn usage(error: &clap::Error) -> ExitCode {
    let _ = error.print();
    if error.use_stderr() {
        Exit::Error.into()
    } else {
        Exit::Ok.into()
    }
}

fn run(cli: Cli, out: Output) -> Done {
    let Some(command) = cli.command else {
        out.line(Cli::command().render_help().to_string());
        return Ok(Exit::Ok);
    };
    let out = out.with_json(wants_json(&command));
    let done = dispatch(&command, &cli.global, out);
    if let Err(failed) = &done {
        out.failed(failed);
    }
    done
}

fn dispatch(command: &Command, global: &cli::Global, out: Output) -> Done {
    match command {
        Command::Completion(args) => return commands::completion::run(args, out),
        Command::Demo(args) => return commands::demo::run(args, out),
        Command::Emulator(args) => return commands::emulator::run(args, out),
        _ => {}
    }
    let cwd = std::env::current_dir()
        .map_err(|error| Failed::new(format!("cannot find the working folder: {error}")))?;
    let context = Context::new(global, config::Environment::from_process(), cwd, out)?;
    in_home(command, global, &context)
}

/// Puts back what a killed process left half done, before a command that writes begins.
fn recover(command: &Command, context: &Context) -> Result<(), Failed> {
    use cli::migrate::MigrateCommand;
    let writes = match command {
        Command::Onboard(args) => !args.dry_run,
        Command::Migrate(args) => match &args.command {
            Some(MigrateCommand::QwenPortal(args) | MigrateCommand::Modelstudio(args)) => {
                !args.dry_run
            }
            Some(MigrateCommand::Undo(_)) => true,
            None => false,
        },
        Command::Gateway(args) => matches!(args.command, None | Some(GatewayCommand::Run(_))),
        _ => false,
    };
    if !writes {
        return Ok(());
    }
    for interrupted in config::Transaction::recover(&context.home)? {
        context.out.warn(format!(
            "`openclaw {interrupted}` was interrupted; its files are as they were before it"
        ));
    }
    Ok(())
}

fn in_home(command: &Command, global: &cli::Global, context: &Context) -> Done {
    recover(command, context)?;
    match command {
        Command::Onboard(args) => commands::onboard::run(args, context),
        Command::Models(args) => commands::models::run(args, context),
        Command::Config(args) => commands::config::run(&args.command, context),
        Command::Infer(args) => commands::infer::run(args, context),
        Command::Agent(args) => commands::agent::run(args, context),
        Command::Tasks(args) => commands::tasks::run(args, context),
        Command::Gateway(args) => commands::gateway::run(args, global, context),
        Command::Health(args) => commands::health::run(args, context),
        Command::Status(args) => commands::status::run(args, context),
        Command::Logs(args) => commands::logs::run(args, context),
        Command::Trace(args) => commands::trace::run(args, context),
        Command::Usage(args) => commands::usage::run(args, context),
        Command::Plugins(args) => commands::plugins::run(args, context),
        Command::Doctor(args) => commands::doctor::run(args, context),
        Command::Migrate(args) => commands::migrate::run(args, context),
        Command::Backup(args) => commands::backup::run(args, context),
        Command::Completion(_) | Command::Demo(_) | Command::Emulator(_) => Ok(Exit::Ok),
    }
}

/// Errors of a command that was asked for JSON are JSON too.
fn wants_json(command: &Command) -> bool {
    match command {
        Command::Onboard(args) => args.json,
        Command::Models(args) => args.json(),
        Command::Config(args) => args.command.json(),
        Command::Infer(args) => args.json(),
        Command::Agent(args) => args.json,
        Command::Tasks(args) => args.json(),
        Command::Gateway(args) => match &args.command {
            Some(GatewayCommand::Health(args)) => args.json,
            Some(GatewayCommand::Status(args)) => args.json,
            Some(GatewayCommand::Start(args)) => args.json,
            Some(GatewayCommand::Stop(args) | GatewayCommand::Restart(args)) => args.json,
            Some(GatewayCommand::Call(args)) => args.json,
            Some(GatewayCommand::Install(args)) => args.json,
            Some(GatewayCommand::Uninstall(args)) => args.json,
            Some(GatewayCommand::Run(_) | GatewayCommand::Logs(_)) | None => false,
        },
        Command::Health(args) => args.json,
        Command::Status(args) => args.json,
        Command::Demo(args) => args.json,
        Command::Emulator(args) => args.json,
        Command::Plugins(args) => args.json(),
        Command::Trace(args) => args.json,
        Command::Usage(args) => args.json,
        Command::Doctor(args) => args.json,
        Command::Migrate(args) => args.json(),
        Command::Backup(args) => args.json(),
        Command::Logs(_) | Command::Completion(_) => false,
    }
}
