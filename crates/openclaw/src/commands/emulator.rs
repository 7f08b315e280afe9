//! `emulator`: the built-in Model Studio, for trying things without a key and for tests of other programs.

use std::fmt::Write;
use std::path::PathBuf;
use std::sync::LazyLock;

use ::emulator::{Emulator, KEYS, Options};
use serde_json::json;

use crate::cli::EmulatorArgs;
use crate::exit_code::Exit;
use crate::failed::{Done, Failed};
use crate::output::Output;

/// The part of `--help` that lists the keys.
pub(crate) static KEYS_HELP: LazyLock<String> = LazyLock::new(|| {
    let mut text = "This is not the real service: replies carry the header `x-openclaw-emulator: 1`, models are owned by\n\
        `openclaw-emulator`. Nothing leaves this machine.\n\nKeys (any other is refused as the real service does):\n"
        .to_owned();
    for key in KEYS {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  {:30} https://{}", key.key, key.host);
    }
    text.push_str(
        "\nReach it directly at http://IP:PORT/<real-host>/<path>, or keep the real URLs and go through it\n\
        as a proxy: run it in one terminal and give its variables to the programs in another.\n  \
        openclaw emulator --listen 127.0.0.1:8099 --ca-out ca.pem --print-env\n\n\
        Control: GET /_emulator/requests, POST /_emulator/script, POST /_emulator/reset,\n\
        GET and POST /_emulator/oauth, GET and POST /_emulator/tasks",
    );
    text
});

/// Runs until interrupted.
pub(crate) fn run(args: &EmulatorArgs, out: Output) -> Done {
    if !args.listen.ip().is_loopback() {
        return Err(Failed::new(format!(
            "the emulator listens on loopback only, not on {}",
            args.listen.ip()
        ))
        .hint("use 127.0.0.1:PORT"));
    }
    crate::runtime::threaded()?.block_on(serve(args, out))
}

async fn serve(args: &EmulatorArgs, out: Output) -> Done {
    let options = Options {
        listen: args.listen,
        ..Options::default()
    };
    let emulator = Emulator::start(options).await.map_err(|error| {
        Failed::of(&error).hint("choose another port, or port 0 for a free one")
    })?;
    let ca_file = ca_file(args)?;
    std::fs::write(&ca_file, emulator.ca_pem())
        .map_err(|error| Failed::new(format!("cannot write {}: {error}", ca_file.display())))?;
    let environment = emulator.environment(&ca_file);
    if args.json {
        let env: serde_json::Map<_, _> = environment
            .iter()
            .map(|(name, value)| (name.clone(), json!(value)))
            .collect();
        out.json(&json!({"address": emulator.addr().to_string(), "caFile": ca_file, "env": env}));
    } else if args.print_env {
        for (name, value) in &environment {
            out.line(format!("export {name}='{value}'"));
        }
    }
    out.note(format!(
        "Model Studio emulator (not the real service) at http://{}, authority in {}",
        emulator.addr(),
        ca_file.display()
    ));
    out.note("keys and control paths: `openclaw emulator --help`; Ctrl-C stops it");
    crate::commands::gateway_run::StopSignals::new()?
        .next()
        .await;
    emulator.shutdown().await;
    if args.ca_out.is_none() {
        let _ = std::fs::remove_file(&ca_file);
    }
    Ok(Exit::Ok)
}

fn ca_file(args: &EmulatorArgs) -> Result<PathBuf, Failed> {
    if let Some(file) = &args.ca_out {
        return Ok(file.clone());
    }
    let file = tempfile::Builder::new()
        .prefix("openclaw-emulator-")
        .suffix(".pem")
        .tempfile();
    let kept = file.and_then(|file| file.keep().map_err(|error| error.error));
    kept.map(|(_, path)| path)
        .map_err(|error| Failed::new(format!("cannot create a file for the certificate: {error}")))
}
