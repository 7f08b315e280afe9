//! `demo`: the main job on the built-in emulator, in a temporary home: onboard, gateway, a streamed answer.
//!
//! Every step is the real one: the same onboarding, the same gateway on a real socket, the same turn. Only the service
//! is not the real one, which the demo says first and last.

use std::path::Path;
use std::time::{Duration, Instant};

use ::agent::{Turn, TurnAnswer, run_turn};
use config::Environment;
use credentials::Secret;
use emulator::{Emulator, Options};
use gateway::log::{Level, Log};
use gateway::{Live, Parts, Stop};
use providers::directory::Target;
use providers::{Chain, Delta};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio_util::task::TaskTracker;

use crate::cli::DemoArgs;
use crate::cli::onboard::OnboardArgs;
use crate::commands::agent::usage_json;
use crate::commands::{gateway_run, onboard};
use crate::context::Context;
use crate::exit_code::Exit;
use crate::failed::{Done, Failed};
use crate::output::{Output, dim, strong};

/// The emulator's key that the demo onboards.
const KEY: &str = "sk-emulator-standard-intl";
/// The plan and region it belongs to.
const CHOICE: &str = "qwen-standard-api-key";
/// Threads for emulator and gateway.
const THREADS: usize = 2;
/// Longest time for the answer.
const ANSWER_MAX: Duration = Duration::from_secs(10);
/// Longest time for the servers to stop.
const STOP_MAX: Duration = Duration::from_secs(5);

/// Shows the main job and cleans up.
pub(crate) fn run(args: &DemoArgs, out: Output) -> Done {
    let started = Instant::now();
    let folder = tempfile::Builder::new().prefix("openclaw-demo-").tempdir();
    let folder =
        folder.map_err(|error| Failed::new(format!("cannot create a temporary home: {error}")))?;
    let runtime = crate::runtime::background(THREADS)?;
    let emulator = runtime
        .block_on(Emulator::start(Options::default()))
        .map_err(|error| Failed::of(&error))?;
    let shown = show(args, out, folder.path(), &runtime, &emulator);
    runtime.block_on(emulator.shutdown());
    let story = shown?;
    if args.json {
        out.json(&story);
        return Ok(Exit::Ok);
    }
    let seconds = started.elapsed().as_secs_f64();
    out.note(dim(format!(
        "\nThe temporary home is gone. {seconds:.2} s in all, no key, no network."
    )));
    out.note(format!("\n{}", strong("With a real key")));
    for (command, meaning) in [
        ("openclaw onboard", "choose the plan, paste the key"),
        ("openclaw gateway run", "serve http://127.0.0.1:18789/v1"),
        (
            "openclaw agent --message \"hello\"",
            "ask in another terminal",
        ),
    ] {
        out.note(format!("  {command:36} {}", dim(meaning)));
    }
    Ok(Exit::Ok)
}

fn show(
    args: &DemoArgs,
    out: Output,
    home: &Path,
    runtime: &Runtime,
    emulator: &Emulator,
) -> Result<Value, Failed> {
    let tell = |text: String| {
        if !args.json {
            out.note(text);
        }
    };
    tell(format!(
        "{}  Model Studio emulator at http://{} {}",
        strong("1"),
        emulator.addr(),
        dim("(not the real service)")
    ));
    let context = Context::in_home(out, environment(home, emulator)?, home)?;
    tell(format!(
        "{}  openclaw onboard --auth-choice {CHOICE}",
        strong("2")
    ));
    onboard_quietly(&context)?;
    let config = context.config()?;
    tell(format!(
        "   {}",
        dim(format!(
            "key checked, home written: {}",
            context.home.state_dir().display()
        ))
    ));
    let demo = Running::start(runtime, &context)?;
    tell(format!(
        "{}  openclaw gateway run {}",
        strong("3"),
        dim(format!("listening on http://{}/v1", demo.bound))
    ));
    tell(format!(
        "{}  openclaw agent --message \"{}\"\n",
        strong("4"),
        args.message
    ));
    let told = runtime.block_on(ask(args, out, &context, &demo));
    let health = runtime.block_on(demo.status());
    demo.stop(runtime);
    let (answer, health) = (told?, health?);
    tell(format!("\n\n{}  {}", strong("Usage "), usage_line(&answer)));
    tell(format!(
        "{}  {} {}",
        strong("Route "),
        answer.answered_by,
        dim(route_line(&health))
    ));
    tell(format!(
        "{}  ok, {}",
        strong("Health"),
        health_line(&health)
    ));
    Ok(json!({
        "ok": true,
        "emulated": true,
        "model": answer.answered_by,
        "text": answer.text,
        "usage": usage_json(&answer),
        "gateway": health,
        "defaultModel": config.settings.agents.defaults.model.primary,
    }))
}

/// The demo's variables: a home of its own, and the emulator as proxy with its own authority.
fn environment(home: &Path, emulator: &Emulator) -> Result<Environment, Failed> {
    let ca_file = home.join("emulator-ca.pem");
    std::fs::write(&ca_file, emulator.ca_pem())
        .map_err(|error| Failed::new(format!("cannot write {}: {error}", ca_file.display())))?;
    let mut pairs = emulator.environment(&ca_file);
    pairs.push((config::env_var::HOME.to_owned(), home.display().to_string()));
    Ok(Environment::from_pairs(pairs))
}

fn onboard_quietly(context: &Context) -> Result<(), Failed> {
    let mut args = OnboardArgs::scripted(CHOICE);
    args.keys.modelstudio_standard_api_key = Some(KEY.to_owned());
    onboard::plan_and_apply(&args, context).map(drop)
}

/// The gateway of the demo, on a free port of this process.
struct Running {
    bound: std::net::SocketAddr,
    token: String,
    stop: Stop,
    tasks: TaskTracker,
}

impl Running {
    fn start(runtime: &Runtime, context: &Context) -> Result<Self, Failed> {
        let config = context.config()?;
        let token = gateway_run::configured_token(context, &config)?
            .ok_or_else(|| Failed::new("onboarding made no gateway token"))?;
        let address = std::net::SocketAddr::from((std::net::Ipv4Addr::LOCALHOST, 0));
        let listener = runtime
            .block_on(gateway::listen(address))
            .map_err(|error| Failed::of(&error))?;
        let bound = listener.local_addr().map_err(|error| Failed::of(&error))?;
        let log_file = context.home.log_dir().join("openclaw.log");
        let parts = Parts {
            videos: crate::video_jobs::of_gateway(context, &config),
            ledger: state::LedgerStore::path(&context.home),
            directory: context.directory(&config)?,
            upstream: context.routed_upstream(&config)?,
            auth: gateway::Auth::Token(Secret::new(token.clone())),
            bound,
            log: Log::new(
                log_file,
                gateway::log::FILE_BYTES_DEFAULT,
                Level::Info,
                None,
            ),
            boot: 0,
        };
        let (stop, tasks) = (Stop::default(), TaskTracker::new());
        tasks.spawn_on(
            gateway::serve(listener, Live::new(parts), stop.clone()),
            runtime.handle(),
        );
        Ok(Self {
            bound,
            token,
            stop,
            tasks,
        })
    }

    async fn status(&self) -> Result<Value, Failed> {
        crate::gateway_client::GatewayClient::at(self.bound, &self.token)
            .status(ANSWER_MAX)
            .await
    }

    fn stop(self, runtime: &Runtime) {
        self.stop.drain.cancel();
        self.tasks.close();
        // Nothing is open any more; a server that does not stop ends with the process.
        let _ = runtime.block_on(async { tokio::time::timeout(STOP_MAX, self.tasks.wait()).await });
    }
}

async fn ask(
    args: &DemoArgs,
    out: Output,
    context: &Context,
    demo: &Running,
) -> Result<TurnAnswer, Failed> {
    let upstream = context.upstream(&context.environment)?;
    let base_url = format!("http://{}/v1", demo.bound);
    let target = Target::new(upstream.catalog(), "openclaw", &base_url)
        .map_err(|error| Failed::of(&error))?;
    let target = target.with_secret(
        upstream.catalog(),
        "gateway token",
        &Secret::new(demo.token.clone()),
    );
    let route = target
        .route("openclaw")
        .map_err(|error| Failed::of(&error))?;
    let chain = Chain::of(route.into());
    let turn = Turn {
        message: args.message.clone(),
        thinking: None,
        attachments: Vec::new(),
        timeout: ANSWER_MAX,
    };
    let answer = run_turn(&upstream, &chain, &turn, |delta| match delta {
        Delta::Text { text, .. } if !args.json => out.piece(text),
        _ => {}
    });
    let answer = answer.await?;
    match &answer.broken_by {
        None => Ok(answer),
        Some(reason) => Err(Failed::new(format!(
            "the demo's answer broke off: {reason}"
        ))),
    }
}

fn usage_line(answer: &TurnAnswer) -> String {
    let Some(usage) = answer.usage else {
        return "not reported".to_owned();
    };
    let first = answer.first_text.map_or_else(String::new, |first| {
        format!(", first text after {:.1} ms", first.as_secs_f64() * 1000.0)
    });
    format!(
        "{} prompt + {} answer tokens{first}",
        usage.input_tokens, usage.output_tokens
    )
}

fn route_line(health: &Value) -> String {
    let provider = health
        .pointer("/providers")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .find(|row| row["usable"] == true);
    let text = |key: &str| {
        provider
            .and_then(|row| row.get(key)?.as_str())
            .unwrap_or("?")
            .to_owned()
    };
    format!(
        "{} {} at {} with {}",
        text("plan"),
        text("region"),
        text("baseUrl"),
        text("credential")
    )
}

fn health_line(health: &Value) -> String {
    let count = |name: &str| {
        health
            .pointer(&format!("/totals/{name}"))
            .and_then(Value::as_u64)
            .unwrap_or_default()
    };
    format!(
        "{} request, {} failed, {} open streams",
        count("requests"),
        count("failed"),
        count("openStreams")
    )
}
