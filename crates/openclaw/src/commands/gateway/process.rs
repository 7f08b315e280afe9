//! Starts and stops the gateway of a home as a plain process, by what its lock says.

use std::fs::File;
use std::io::{Read, Seek};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::cli::Global;
use crate::context::Context;
use crate::daemon::instance::{Holder, Instance};
use crate::daemon::run_arguments;
use crate::exit_code::Exit;
use crate::failed::Failed;
use crate::gateway_client::{GatewayClient, reachable};

/// How long a new gateway may take until it answers.
const START_MAX: Duration = Duration::from_secs(30);
/// How long it may take to end beyond the time that open requests are given.
const STOP_MARGIN: Duration = Duration::from_secs(10);
/// How often a process is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// How often the person is told that there is still something to wait for.
const TELL_EVERY: Duration = Duration::from_secs(2);
/// How long one question to a new gateway may take.
const ASK_MAX: Duration = Duration::from_secs(2);
/// The most that is read of what a gateway said that did not start, in bytes.
const SAID_BYTES_MAX: u64 = 64 * 1024;

/// Returns who serves the home.
pub(super) fn running(context: &Context) -> Result<Option<Holder>, Failed> {
    let deadline = Instant::now() + ASK_MAX;
    loop {
        match Instance::of(&context.home) {
            Instance::None => return Ok(None),
            Instance::Running(Some(holder)) => return Ok(Some(holder)),
            Instance::Running(None) if Instant::now() < deadline => std::thread::sleep(LOOK_EVERY),
            Instance::Running(None) => {
                let message = "a gateway serves this home, but does not say which process it is";
                return Err(Failed::new(message).hint("end it where it was started"));
            }
        }
    }
}

/// Starts a gateway in the background and waits until it answers.
pub(super) fn start(
    port: Option<u16>,
    global: &Global,
    context: &Context,
) -> Result<Holder, Failed> {
    let cannot = |error: std::io::Error| Failed::new(format!("cannot start a process: {error}"));
    let mut said = tempfile::tempfile().map_err(cannot)?;
    let mut command = Command::new(std::env::current_exe().map_err(cannot)?);
    command.args(run_arguments(port, global));
    command.stdin(Stdio::null()).stdout(Stdio::null());
    command.stderr(said.try_clone().map_err(cannot)?);
    // Ctrl-C in this terminal is for this command only.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let child = command.spawn().map_err(cannot)?;
    await_start(child, &mut said, context)
}

fn await_start(mut child: Child, said: &mut File, context: &Context) -> Result<Holder, Failed> {
    let runtime = crate::runtime::single()?;
    let mut wait = Wait::new(START_MAX);
    loop {
        if let Ok(Some(status)) = child.try_wait() {
            return Err(did_not_start(status, said));
        }
        let instance = Instance::of(&context.home);
        if let Some(holder) = instance.holder().filter(|holder| holder.pid == child.id()) {
            let client = GatewayClient::at(reachable(holder.address), "");
            if runtime.block_on(client.health(ASK_MAX)).is_ok() {
                return Ok(holder.clone());
            }
        }
        if !wait.goes_on(context, "waiting for the gateway to answer") {
            let message = format!("process {} does not answer yet", child.id());
            return Err(Failed::new(message)
                .exit(Exit::Network)
                .hint("`openclaw gateway logs` shows what it does"));
        }
    }
}

fn did_not_start(status: std::process::ExitStatus, said: &mut File) -> Failed {
    let mut text = String::new();
    let _ = said.rewind();
    let _ = said.take(SAID_BYTES_MAX).read_to_string(&mut text);
    let after = |start: &str| text.lines().find_map(|line| line.strip_prefix(start));
    let reason = after("error: ").map_or_else(|| status.to_string(), str::to_owned);
    let hint = after("hint: ").unwrap_or("`openclaw gateway run` shows more");
    Failed::new(format!("the gateway did not start: {reason}")).hint(hint)
}

/// Asks a gateway to end, and waits until it has.
pub(super) fn stop(holder: &Holder, force: bool, context: &Context) -> Result<(), Failed> {
    let mut wait = Wait::new(gateway::DRAIN_MAX + STOP_MARGIN);
    terminate(holder.pid)?;
    loop {
        let instance = Instance::of(&context.home);
        if instance
            .holder()
            .is_none_or(|found| found.pid != holder.pid)
        {
            return Ok(());
        }
        if !wait.goes_on(context, "open requests are being finished") {
            let message = format!("process {} has not ended", holder.pid);
            return Err(Failed::new(message).hint(format!("`kill -9 {}` ends it", holder.pid)));
        }
        if force {
            // The second signal ends open streams; it may arrive before the first was taken.
            let _ = terminate(holder.pid);
        }
    }
}

#[cfg(unix)]
fn terminate(pid: u32) -> Result<(), Failed> {
    let id = i32::try_from(pid)
        .ok()
        .and_then(rustix::process::Pid::from_raw);
    let id = id.ok_or_else(|| Failed::new(format!("{pid} is no process")))?;
    rustix::process::kill_process(id, rustix::process::Signal::TERM)
        .map_err(|error| Failed::new(format!("cannot stop process {pid}: {error}")))
}

#[cfg(not(unix))]
fn terminate(pid: u32) -> Result<(), Failed> {
    Err(Failed::new("there are no signals on this system")
        .exit(Exit::NotAvailable)
        .hint(format!("press Ctrl-C where process {pid} runs")))
}

/// A wait with a deadline that tells the person about itself.
struct Wait {
    begun: Instant,
    told: Instant,
    most: Duration,
}

impl Wait {
    fn new(most: Duration) -> Self {
        let now = Instant::now();
        Self {
            begun: now,
            told: now,
            most,
        }
    }

    /// Lets a moment pass; `false` when the deadline has passed.
    fn goes_on(&mut self, context: &Context, what: &str) -> bool {
        std::thread::sleep(LOOK_EVERY);
        let (begun, most) = (self.begun.elapsed(), self.most);
        if self.told.elapsed() >= TELL_EVERY {
            self.told = Instant::now();
            let (seconds, at_most) = (begun.as_secs(), most.as_secs());
            context
                .out
                .note(format!("{what}: {seconds} s, at most {at_most} s"));
        }
        begun < most
    }
}
