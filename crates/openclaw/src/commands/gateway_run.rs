//! `gateway run`: decide where to listen and who may call, then serve until a signal.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use config::{Bind, GatewayAuthMode, GatewayMode, GatewaySettings, LogLevel};
use credentials::Secret;
use gateway::log::{Level, Log, LogLayer};
use gateway::{Auth, ListenError, Live, Parts, Stop};
use tracing_subscriber::layer::SubscriberExt;

use crate::cli::gateway::GatewayRunArgs;
use crate::context::{Context, ReadConfig, log_path, now_ms};
use crate::daemon::instance::{Instance, InstanceLock};
use crate::daemon::notify::Notify;
use crate::exit_code::Exit;
use crate::failed::{Done, Failed};
use crate::gateway_client::{GatewayClient, reachable};
use crate::output::Output;

mod reload;

use reload::{Reloading, Start};

/// Serves in the foreground.
pub(crate) fn run(args: &GatewayRunArgs, log_level: Option<&str>, context: &Context) -> Done {
    let start = Start::new(context);
    let config = context.config()?;
    check_ready_to_serve(args, &config, context)?;
    if !allows_several(context) {
        Instance::of(&context.home).refuse_another(&context.home, is_service(context))?;
    }
    config.warn_about_errors(context.out);
    let address = SocketAddr::new(
        bind_address(args.bind.as_deref(), &config.settings.gateway)?,
        port(args, &config, context),
    );
    let auth = auth(args, &config, address.ip(), context)?;
    let console = (!args.quiet).then(|| console(context.out));
    let log = log(context, &config, log_level, console)?;
    let plan = Plan {
        address,
        auth,
        log,
        boot: boot_id()?,
        start,
    };
    crate::runtime::threaded()?.block_on(serve(plan, args, &config, context))
}

/// What was decided before anything is opened.
struct Plan {
    address: SocketAddr,
    auth: Auth,
    log: Log,
    boot: u32,
    start: Start,
}

async fn serve(
    mut plan: Plan,
    args: &GatewayRunArgs,
    config: &ReadConfig,
    context: &Context,
) -> Done {
    plan.start.listen();
    let listener = gateway::listen(plan.address)
        .await
        .map_err(|error| cannot_listen(&error))?;
    let bound = listener.local_addr().map_err(|error| Failed::of(&error))?;
    // Before anybody can know that this process is there.
    let mut signals = StopSignals::new()?;
    let lock = (!allows_several(context))
        .then(|| InstanceLock::acquire(&context.home, bound, is_service(context)))
        .transpose()?;
    // Fails only when a subscriber is set already; then log lines of the libraries go there.
    let _ = tracing::subscriber::set_global_default(
        tracing_subscriber::registry().with(LogLayer(plan.log.clone())),
    );
    context.synchronise_logins(config)?;
    let directory = context.directory(config)?;
    greet(&directory, bound, &plan.log, context);
    tell_of_the_dead(lock.as_ref(), &plan.log);
    let parts = Parts {
        videos: crate::video_jobs::of_gateway(context, config),
        ledger: state::LedgerStore::path(&context.home),
        directory,
        upstream: context.routed_upstream(config)?,
        auth: plan.auth,
        bound,
        log: plan.log.clone(),
        boot: plan.boot,
    };
    let (stop_log, stopped) = tokio::sync::oneshot::channel::<()>();
    let writer = plan.log.clone().run(async { drop(stopped.await) });
    let stop = Stop::default();
    let live = Live::new(parts);
    let notify = Notify::of(&context.environment);
    let reloading = Reloading {
        live: &live,
        notify: &notify,
        args,
        context,
        address: plan.address,
        log: &plan.log,
    };
    notify.ready(&format!("listening on http://{bound}/v1"));
    let serving = async {
        tokio::select! {
            () = gateway::serve(listener, Arc::clone(&live), stop.clone()) => {}
            () = obey(&mut signals, &stop, &notify) => {}
            () = stay_watched(&notify, bound, &stop) => {}
            () = reloading.follow(config, plan.start) => {}
        }
        plan.log
            .write(Level::Info, "gateway", "stopped", &serde_json::json!({}));
        drop(stop_log);
    };
    tokio::join!(serving, writer);
    Ok(Exit::Ok)
}

/// The first signal drains, the second ends open streams; never returns.
async fn obey(signals: &mut StopSignals, stop: &Stop, notify: &Notify) {
    signals.next().await;
    notify.stopping();
    stop.drain.cancel();
    signals.next().await;
    stop.now.cancel();
    std::future::pending::<()>().await;
}

/// Tells the service manager that the gateway answers, as long as it does; never returns. A gateway that drains answers
/// nobody new, and its end has a deadline of its own.
async fn stay_watched(notify: &Notify, bound: SocketAddr, stop: &Stop) {
    let Some(every) = notify.alive_every() else {
        return std::future::pending().await;
    };
    let address = reachable(bound);
    loop {
        // A client of its own each time: a new connection has to be accepted too.
        let answers = GatewayClient::at(address, "").health(every).await.is_ok();
        if answers || stop.drain.is_cancelled() {
            notify.alive();
        }
        tokio::time::sleep(every).await;
    }
}

fn allows_several(context: &Context) -> bool {
    context
        .environment
        .is_on(config::env_var::ALLOW_MULTI_GATEWAY)
}

fn is_service(context: &Context) -> bool {
    let names = [
        config::env_var::SERVICE_MARKER,
        config::env_var::NOTIFY_SOCKET,
    ];
    names
        .iter()
        .any(|name| context.environment.path_var(name).is_some())
}

fn tell_of_the_dead(lock: Option<&InstanceLock>, log: &Log) {
    if let Some(before) = lock.and_then(|lock| lock.left_behind.as_ref()) {
        let message = format!(
            "the gateway before this one (process {}, since {}) did not end in order; its lock is taken over",
            before.pid, before.created_at
        );
        log.write(Level::Warn, "gateway", &message, &serde_json::json!({}));
    }
}

fn greet(directory: &providers::Directory, bound: SocketAddr, log: &Log, context: &Context) {
    let fields = serde_json::json!({
        "version": env!("CARGO_PKG_VERSION"), "listening": bound.to_string(), "home": context.home.state_dir(),
        "defaultModel": directory.default_model(),
    });
    log.write(
        Level::Info,
        "gateway",
        &format!("listening on http://{bound}/v1"),
        &fields,
    );
    for provider in directory.usable_providers() {
        let fields = serde_json::json!({"provider": provider.id, "baseUrl": provider.base_url, "credential": provider.credential});
        let credential = provider.credential.unwrap_or("no credential needed");
        let base_url = provider.base_url.unwrap_or_default();
        log.write(
            Level::Info,
            "gateway",
            &format!("provider {} at {base_url} with {credential}", provider.id),
            &fields,
        );
    }
    if directory.usable_providers().next().is_none() {
        log.write(
            Level::Warn,
            "gateway",
            "no provider is usable: `openclaw onboard` stores a key",
            &serde_json::json!({}),
        );
    }
}

fn check_ready_to_serve(
    args: &GatewayRunArgs,
    config: &ReadConfig,
    context: &Context,
) -> Result<(), Failed> {
    if config.settings.gateway.mode == Some(GatewayMode::Remote) {
        return Err(
            Failed::new("`gateway.mode` is `remote`: this home uses a gateway elsewhere")
                .hint("`openclaw config set gateway.mode local` makes this machine serve"),
        );
    }
    if !config.exists && !args.allow_unconfigured {
        let path = context.home.display(context.home.config_path());
        return Err(Failed::new(format!("there is no config at {path}"))
            .hint("`openclaw onboard` makes one; `--allow-unconfigured` starts without"));
    }
    Ok(())
}

fn port(args: &GatewayRunArgs, config: &ReadConfig, context: &Context) -> u16 {
    args.port.unwrap_or_else(|| context.gateway_port(config))
}

/// Decides where to listen: the flag, else `gateway.bind`.
pub(crate) fn bind_address(
    flag: Option<&str>,
    settings: &GatewaySettings,
) -> Result<IpAddr, Failed> {
    const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
    const EVERYWHERE: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
    match flag {
        Some("loopback") => return Ok(LOOPBACK),
        Some("lan") => return Ok(EVERYWHERE),
        Some(text) => return address(text),
        None => {}
    }
    match settings.bind {
        Bind::Loopback | Bind::Auto => Ok(LOOPBACK),
        Bind::Lan => Ok(EVERYWHERE),
        Bind::Custom => address(settings.custom_bind_host.as_deref().unwrap_or_default()),
        Bind::Tailnet => Err(Failed::new("`gateway.bind` `tailnet` is not available yet")
            .exit(Exit::NotAvailable)
            .hint("set `gateway.bind` to `custom` and `gateway.customBindHost` to the tailnet address")),
    }
}

fn address(text: &str) -> Result<IpAddr, Failed> {
    text.parse().map_err(|_| {
        Failed::new(format!("`{text}` is not an IP address to listen on"))
            .hint("use `loopback`, `lan`, or an address such as 192.168.1.5")
    })
}

/// Decides who may call. Without a credential only this machine may, and only when the config says `none`.
fn auth(
    args: &GatewayRunArgs,
    config: &ReadConfig,
    address: IpAddr,
    context: &Context,
) -> Result<Auth, Failed> {
    let settings = &config.settings.gateway.auth;
    if let Some(token) = configured_token(context, config)? {
        if settings.mode == Some(GatewayAuthMode::None) && address.is_loopback() {
            return Ok(Auth::None);
        }
        return Ok(Auth::Token(Secret::new(token)));
    }
    if settings.mode == Some(GatewayAuthMode::None) {
        if address.is_loopback() {
            return Ok(Auth::None);
        }
        return Err(Failed::new(format!(
            "refusing to listen on {address} without authentication"
        ))
        .hint("set `gateway.auth.mode` to `token`, or `gateway.bind` to `loopback`"));
    }
    if args.allow_unconfigured && address.is_loopback() {
        let token = new_token()?;
        // Only to the terminal: the log must not hold it.
        context.out.note(format!("token for this run: {token}"));
        return Ok(Auth::Token(Secret::new(token)));
    }
    Err(Failed::new("no gateway token is configured")
        .exit(Exit::Auth)
        .hint("`openclaw onboard` makes one; OPENCLAW_GATEWAY_TOKEN gives one for this run"))
}

/// Returns the gateway's token or password: environment, then config.
///
/// # Errors
/// When one is configured but empty or cannot be resolved: an empty secret must never mean "no check".
pub(crate) fn configured_token(
    context: &Context,
    config: &ReadConfig,
) -> Result<Option<String>, Failed> {
    let settings = &config.settings.gateway.auth;
    let by_password = settings.mode == Some(GatewayAuthMode::Password);
    let variable = if by_password {
        config::env_var::GATEWAY_PASSWORD
    } else {
        config::env_var::GATEWAY_TOKEN
    };
    if let Some(value) = config.environment.path_var(variable) {
        return Ok(Some(value.to_owned()));
    }
    let (input, path) = if by_password {
        (&settings.password, "gateway.auth.password")
    } else {
        (&settings.token, "gateway.auth.token")
    };
    let Some(input) = input else { return Ok(None) };
    let value = context
        .references(config)
        .resolve(input, now_ms())
        .map_err(|error| Failed::of(&error).hint(format!("it is needed for `{path}`")))?;
    if value.expose().trim().is_empty() {
        return Err(Failed::new(format!("`{path}` is empty"))
            .exit(Exit::Auth)
            .hint("an empty secret would let anybody in; remove it or set one"));
    }
    Ok(Some(value.expose().trim().to_owned()))
}

/// Makes a token: 24 random bytes as 48 hexadecimal digits, as OpenClaw's onboarding does.
pub(crate) fn new_token() -> Result<String, Failed> {
    let mut bytes = [0u8; 24];
    getrandom::fill(&mut bytes)
        .map_err(|error| Failed::new(format!("the system gives no random bytes: {error}")))?;
    Ok(bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect())
}

fn boot_id() -> Result<u32, Failed> {
    getrandom::u32()
        .map_err(|error| Failed::new(format!("the system gives no random bytes: {error}")))
}

fn log(
    context: &Context,
    config: &ReadConfig,
    level: Option<&str>,
    console: Option<gateway::log::Console>,
) -> Result<Log, Failed> {
    let from_env = config.environment.path_var(config::env_var::LOG_LEVEL);
    let level = match (level.or(from_env), config.settings.logging.level) {
        (Some(text), _) => parse_level(text)?,
        (None, Some(configured)) => of_config(configured),
        (None, None) => Level::Info,
    };
    let bytes_max = config
        .settings
        .logging
        .max_file_bytes
        .unwrap_or(gateway::log::FILE_BYTES_DEFAULT);
    Ok(Log::new(
        log_path(&context.home, &config.settings)?,
        bytes_max,
        level,
        console,
    ))
}

fn parse_level(text: &str) -> Result<Level, Failed> {
    match text.trim().to_ascii_lowercase().as_str() {
        "trace" => Ok(Level::Trace),
        "debug" => Ok(Level::Debug),
        "info" => Ok(Level::Info),
        "warn" => Ok(Level::Warn),
        "error" | "fatal" | "silent" => Ok(Level::Error),
        other => Err(Failed::new(format!("`{other}` is not a log level"))
            .hint("use trace, debug, info, warn or error")),
    }
}

fn of_config(level: LogLevel) -> Level {
    match level {
        LogLevel::Trace => Level::Trace,
        LogLevel::Debug => Level::Debug,
        LogLevel::Info => Level::Info,
        LogLevel::Warn => Level::Warn,
        LogLevel::Error | LogLevel::Fatal | LogLevel::Silent => Level::Error,
    }
}

fn console(out: Output) -> gateway::log::Console {
    Box::new(move |level, message| match level {
        Level::Warn | Level::Error => out.warn(message),
        // One line per request belongs into the log; `openclaw logs --follow` shows it.
        _ if message == "request" => {}
        _ => out.note(message),
    })
}

fn cannot_listen(error: &ListenError) -> Failed {
    let failed = Failed::of(error).exit(Exit::Network);
    match error {
        ListenError::InUse(address) => failed.hint(format!(
            "`openclaw health` tells whether a gateway has it; `openclaw gateway run --port {}` uses another",
            address.port().saturating_add(1),
        )),
        _ => failed.hint("`gateway.bind` and `gateway.port` in openclaw.json decide where it listens"),
    }
}

/// SIGINT and SIGTERM, one after the other.
pub(crate) struct StopSignals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
}

impl StopSignals {
    /// Starts to listen for the signals.
    pub(crate) fn new() -> Result<Self, Failed> {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            let listen = |kind| {
                signal(kind)
                    .map_err(|error| Failed::new(format!("cannot listen for signals: {error}")))
            };
            Ok(Self {
                terminate: listen(SignalKind::terminate())?,
                interrupt: listen(SignalKind::interrupt())?,
            })
        }
        #[cfg(not(unix))]
        Ok(Self {})
    }

    /// Waits for the next one.
    pub(crate) async fn next(&mut self) {
        #[cfg(unix)]
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
        #[cfg(not(unix))]
        let _ = tokio::signal::ctrl_c().await;
    }
}
