//! The service managers: which file each reads, and what it is told by which program.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use config::{Environment, Home, env_var};

use super::description::Description;
use super::{launchd, systemd, windows};
use crate::failed::Failed;

/// Longest run of a manager's program; systemd waits for the gateway to be ready and to drain.
const RUN_MAX: Duration = Duration::from_mins(2);
/// How often it is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// The most of its complaint that is read, in bytes.
const COMPLAINT_BYTES_MAX: u64 = 16 * 1024;

/// Who starts services on a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Platform {
    /// Linux.
    Systemd,
    /// macOS.
    Launchd,
    /// The task scheduler of Windows.
    Windows,
}

/// A manager, and for whom it works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Manager {
    pub(crate) platform: Platform,
    /// The manager of the machine; systemd only.
    pub(crate) is_system: bool,
}

/// What can be asked of a manager.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Task {
    Install,
    Uninstall,
    Start,
    Stop,
    Restart,
}

impl Platform {
    /// Returns the one of this machine.
    pub(crate) fn here() -> Self {
        if cfg!(target_os = "macos") {
            Self::Launchd
        } else if cfg!(windows) {
            Self::Windows
        } else {
            Self::Systemd
        }
    }
}

impl Manager {
    /// Returns where the service's file lies.
    pub(crate) fn file(self, name: &str, home: &Home, environment: &Environment) -> PathBuf {
        let user = home.user_home();
        match (self.platform, self.is_system) {
            (Platform::Systemd, true) => {
                PathBuf::from("/etc/systemd/system").join(format!("{name}.service"))
            }
            (Platform::Systemd, false) => environment
                .path_var(env_var::XDG_CONFIG_HOME)
                .map_or_else(|| user.join(".config"), PathBuf::from)
                .join("systemd/user")
                .join(format!("{name}.service")),
            (Platform::Launchd, _) => {
                let label = name.replacen("openclaw-gateway", "ai.openclaw.gateway", 1);
                user.join("Library/LaunchAgents")
                    .join(format!("{label}.plist"))
            }
            (Platform::Windows, _) => home.state_dir().join(format!("{name}.task.xml")),
        }
    }

    /// Returns the text of the service's file.
    pub(crate) fn text(self, description: &Description) -> String {
        match self.platform {
            Platform::Systemd => systemd::unit(description, self.is_system),
            Platform::Launchd => launchd::plist(description),
            Platform::Windows => windows::task(description),
        }
    }

    /// Returns the programs that carry out a task, one after the other.
    pub(crate) fn commands(
        self,
        task: Task,
        description: &Description,
        file: &Path,
    ) -> Vec<Vec<String>> {
        let file = file.display().to_string();
        match self.platform {
            Platform::Systemd => self.systemctl(task, &format!("{}.service", description.name)),
            Platform::Launchd => {
                let domain = format!("gui/{}", description.owner);
                let service = format!("{domain}/{}", launchd::label(description));
                let words: &[&[&str]] = match task {
                    Task::Install | Task::Start => &[&["bootstrap", &domain, &file]],
                    Task::Uninstall | Task::Stop => &[&["bootout", &service]],
                    Task::Restart => &[&["kickstart", "-k", &service]],
                };
                lines("launchctl", words)
            }
            Platform::Windows => {
                let name = description.name.as_str();
                let words: &[&[&str]] = match task {
                    Task::Install => &[
                        &["/Create", "/F", "/TN", name, "/XML", &file],
                        &["/Run", "/TN", name],
                    ],
                    Task::Uninstall => &[&["/End", "/TN", name], &["/Delete", "/F", "/TN", name]],
                    Task::Start => &[&["/Run", "/TN", name]],
                    Task::Stop => &[&["/End", "/TN", name]],
                    Task::Restart => &[&["/End", "/TN", name], &["/Run", "/TN", name]],
                };
                lines("schtasks", words)
            }
        }
    }

    fn systemctl(self, task: Task, unit: &str) -> Vec<Vec<String>> {
        let words: &[&[&str]] = match task {
            Task::Install => &[&["daemon-reload"], &["enable", unit], &["restart", unit]],
            Task::Uninstall => &[&["disable", "--now", unit]],
            Task::Start => &[&["start", unit]],
            Task::Stop => &[&["stop", unit]],
            Task::Restart => &[&["restart", unit]],
        };
        let mut all = lines("systemctl", words);
        if !self.is_system {
            for line in &mut all {
                line.insert(1, "--user".to_owned());
            }
        }
        all
    }
}

fn lines(program: &str, words: &[&[&str]]) -> Vec<Vec<String>> {
    let line = |words: &&[&str]| {
        std::iter::once(program)
            .chain(words.iter().copied())
            .map(str::to_owned)
            .collect()
    };
    words.iter().map(line).collect()
}

/// Runs programs one after the other, until one fails.
pub(crate) fn run_all(commands: &[Vec<String>]) -> Result<(), Failed> {
    commands.iter().try_for_each(|words| run(words))
}

fn run(words: &[String]) -> Result<(), Failed> {
    let shown = words.join(" ");
    let failed = |why: &str| {
        Failed::new(format!("`{shown}` failed: {}", why.trim()))
            .hint("`openclaw gateway start` needs no service manager")
    };
    let Some((program, arguments)) = words.split_first() else {
        return Ok(());
    };
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| failed(&error.to_string()))?;
    let deadline = Instant::now() + RUN_MAX;
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if Instant::now() < deadline => std::thread::sleep(LOOK_EVERY),
            Ok(None) => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(failed(&format!("no end after {} s", RUN_MAX.as_secs())));
            }
            Err(error) => return Err(failed(&error.to_string())),
        }
    };
    if status.success() {
        return Ok(());
    }
    let mut complaint = String::new();
    if let Some(stderr) = child.stderr.take() {
        let _ = stderr
            .take(COMPLAINT_BYTES_MAX)
            .read_to_string(&mut complaint);
    }
    let complaint = complaint.lines().next().unwrap_or_default();
    Err(failed(if complaint.is_empty() {
        "it says nothing"
    } else {
        complaint
    }))
}
