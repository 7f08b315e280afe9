//! Running other programs.

use std::io::Write as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

/// Nothing that is run here takes longer; what does, hangs.
const RUN_MAX: Duration = Duration::from_mins(20);
const POLL: Duration = Duration::from_millis(20);
/// A process that was asked to end and has not is killed.
const STOP_MAX: Duration = Duration::from_secs(5);

/// Runs a command with our own output as its output, and prints it first.
///
/// # Errors
/// It is missing, fails, or does not end in time.
pub(crate) fn run(command: &mut Command) -> anyhow::Result<()> {
    println!("$ {}", line(command));
    let mut child = spawn(command)?;
    let status = wait(&mut child, RUN_MAX).with_context(|| format!("`{}`", line(command)))?;
    check(command, status)
}

/// Runs a command and returns what it prints to standard output.
///
/// # Errors
/// It is missing or fails; its standard error is part of the message.
pub(crate) fn output(command: &mut Command) -> anyhow::Result<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("`{}` cannot be started", line(command)))?;
    check(command, output.status).with_context(|| {
        let message = String::from_utf8_lossy(&output.stderr);
        message.trim().to_owned()
    })?;
    String::from_utf8(output.stdout).context("the output is not UTF-8")
}

/// Whether a command is there and succeeds; its output is thrown away.
pub(crate) fn succeeds(program: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null());
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Starts a command.
///
/// # Errors
/// It is missing or may not be run.
pub(crate) fn spawn(command: &mut Command) -> anyhow::Result<Child> {
    std::io::stdout().flush().context("flushing our output")?;
    command
        .spawn()
        .with_context(|| format!("`{}` cannot be started", line(command)))
}

/// Waits for a process to end, and kills it when it does not.
///
/// # Errors
/// It did not end in time.
pub(crate) fn wait(child: &mut Child, limit: Duration) -> anyhow::Result<ExitStatus> {
    let started = Instant::now();
    while started.elapsed() < limit {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        sleep(POLL);
    }
    child.kill()?;
    child.wait()?;
    bail!("did not end within {} s and was killed", limit.as_secs())
}

/// A server that is stopped when it goes out of scope.
pub(crate) struct Server {
    child: Child,
}

impl Server {
    /// # Errors
    /// The command is missing or may not be run.
    pub(crate) fn start(command: &mut Command) -> anyhow::Result<Self> {
        let child = spawn(command)?;
        Ok(Self { child })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// # Errors
    /// The server has ended by itself.
    pub(crate) fn check_running(&mut self) -> anyhow::Result<()> {
        if let Some(status) = self.child.try_wait()? {
            bail!("ended by itself with {status}");
        }
        Ok(())
    }
}

impl Drop for Server {
    /// Asks first: a server with children (nginx) must end them itself.
    fn drop(&mut self) {
        let pid = self.child.id().to_string();
        succeeds("sh", &["-c", "kill -TERM \"$0\"", &pid]);
        // An error here means that it is gone, or that it was killed: both are what is wanted.
        let _ = wait(&mut self.child, STOP_MAX);
    }
}

fn check(command: &Command, status: ExitStatus) -> anyhow::Result<()> {
    if !status.success() {
        bail!("`{}` ended with {status}", line(command));
    }
    Ok(())
}

/// The command as a person would type it (without quoting).
fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_names_the_command_and_its_words() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo because >&2; exit 3"]);
        let message = format!("{:#}", output(&mut command).unwrap_err());
        assert!(message.contains("because"), "{message}");
        assert!(message.contains("exit status: 3"), "{message}");
    }

    #[test]
    fn a_missing_program_is_named() {
        let error = output(&mut Command::new("no-such-program-here")).unwrap_err();
        assert!(format!("{error:#}").contains("no-such-program-here"));
    }

    #[test]
    fn a_process_that_does_not_end_is_killed() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        assert!(wait(&mut child, Duration::ZERO).is_err());
        assert!(child.try_wait().unwrap().is_some());
    }
}
