//! Asks the login shell of the user for variables, with a deadline: what `env.shellEnv` and `OPENCLAW_LOAD_SHELL_ENV` mean.
//!
//! Only names that are missing are taken over, so that a profile script can add a key but never change a set one.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use crate::env_var;
use crate::environment::Environment;
use crate::secret::Hidden;
use crate::settings::Settings;

/// How long the shell may take when nothing else is said.
const DEADLINE_DEFAULT: Duration = Duration::from_secs(15);
/// The longest time that can be asked for.
const DEADLINE_MAX: Duration = Duration::from_mins(10);
/// The most output that is read, in bytes.
const OUTPUT_BYTES_MAX: u64 = 1024 * 1024;
/// The shell of a user who names none.
const SHELL_DEFAULT: &str = "/bin/sh";
/// Comes before the variables, since profile scripts may print.
const MARK: &str = "__openclaw_env__";

/// How the login shell is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShellEnv {
    /// The shell, by its whole path.
    pub shell: PathBuf,
    /// How long it may take.
    pub deadline: Duration,
}

/// Why a login shell gave no variables. The text holds none of its output.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ShellEnvError {
    /// It could not be started.
    #[error("the login shell {} cannot be started: {why}", shell.display())]
    Start {
        /// The shell.
        shell: PathBuf,
        /// What the system said.
        why: String,
    },
    /// It took too long.
    #[error("the login shell {} did not answer within {} ms", shell.display(), deadline.as_millis())]
    Deadline {
        /// The shell.
        shell: PathBuf,
        /// The time it had.
        deadline: Duration,
    },
    /// It printed no variables, for example because a profile script ended it.
    #[error("the login shell {} printed no variables", shell.display())]
    NoAnswer {
        /// The shell.
        shell: PathBuf,
    },
}

impl ShellEnv {
    /// Returns how to ask, when the config or the environment wants it.
    pub fn wanted(environment: &Environment, settings: Option<&Settings>) -> Option<Self> {
        let env = settings.map(|settings| &settings.env);
        let by_config = env.and_then(|env| env.shell_env).unwrap_or_default();
        if !by_config && !environment.is_on(env_var::LOAD_SHELL_ENV) {
            return None;
        }
        let asked_ms = environment
            .get(env_var::SHELL_ENV_TIMEOUT_MS)
            .and_then(|text| text.trim().parse().ok())
            .or_else(|| env.and_then(|env| env.shell_env_timeout_ms));
        let deadline = asked_ms.map_or(DEADLINE_DEFAULT, Duration::from_millis);
        let shell = environment
            .path_var(env_var::SHELL)
            .filter(|shell| Path::new(shell).is_absolute())
            .unwrap_or(SHELL_DEFAULT);
        Some(Self {
            shell: PathBuf::from(shell),
            deadline: deadline.min(DEADLINE_MAX),
        })
    }

    /// Starts the shell as a login would and reads its variables. It gets the variables of the process, no input, and
    /// is ended at the deadline.
    ///
    /// # Errors
    /// [`ShellEnvError`]; the caller goes on without.
    pub fn ask(&self, process: &Environment) -> Result<BTreeMap<String, Hidden>, ShellEnvError> {
        let script = format!("printf '%s\\0' {MARK}; exec env -0");
        let mut child = Command::new(&self.shell)
            .args(["-l", "-c", &script])
            .env_clear()
            .envs(process.pairs())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| ShellEnvError::Start {
                shell: self.shell.clone(),
                why: error.to_string(),
            })?;
        let (sender, receiver) = mpsc::channel();
        if let Some(stdout) = child.stdout.take() {
            // Ends with the output; nobody waits for it after the deadline.
            std::thread::spawn(move || {
                let mut bytes = Vec::new();
                let _ = stdout.take(OUTPUT_BYTES_MAX).read_to_end(&mut bytes);
                let _ = sender.send(bytes);
            });
        }
        let answer = receiver.recv_timeout(self.deadline);
        // It has either printed everything or had its time.
        let _ = child.kill();
        let _ = child.wait();
        let bytes = answer.map_err(|_| ShellEnvError::Deadline {
            shell: self.shell.clone(),
            deadline: self.deadline,
        })?;
        parse(&bytes).ok_or_else(|| ShellEnvError::NoAnswer {
            shell: self.shell.clone(),
        })
    }
}

fn parse(bytes: &[u8]) -> Option<BTreeMap<String, Hidden>> {
    let text = String::from_utf8_lossy(bytes);
    let (_, printed) = text.split_once(&format!("{MARK}\0"))?;
    let variables: BTreeMap<String, Hidden> = printed
        .split('\0')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.to_owned(), Hidden::new(value)))
        .collect();
    (!variables.is_empty()).then_some(variables)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(folder: &Path, script: &str) -> ShellEnv {
        use std::os::unix::fs::PermissionsExt;
        let path = folder.join("shell");
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).unwrap();
        ShellEnv {
            shell: path,
            deadline: Duration::from_secs(30),
        }
    }

    #[test]
    fn takes_what_a_login_would_have() {
        let folder = tempfile::tempdir().unwrap();
        let process = Environment::from_pairs([("PATH", "/usr/bin:/bin"), ("OWN", "1")]);
        let asked = shell(
            folder.path(),
            "echo welcome; NEW='a=b' exec /bin/sh -c \"$3\"",
        );
        let found = asked.ask(&process).unwrap();
        assert_eq!(found["NEW"].expose(), "a=b");
        assert_eq!(found["OWN"].expose(), "1");
    }

    #[test]
    fn a_shell_that_hangs_or_fails_is_left_behind() {
        let folder = tempfile::tempdir().unwrap();
        let process = Environment::from_pairs([("PATH", "/usr/bin:/bin")]);
        let mut slow = shell(folder.path(), "exec sleep 60");
        slow.deadline = Duration::from_millis(100);
        assert!(matches!(
            slow.ask(&process),
            Err(ShellEnvError::Deadline { .. })
        ));
        let silent = shell(folder.path(), "exit 3");
        assert!(matches!(
            silent.ask(&process),
            Err(ShellEnvError::NoAnswer { .. })
        ));
        let missing = ShellEnv {
            shell: folder.path().join("none"),
            deadline: Duration::from_secs(1),
        };
        assert!(matches!(
            missing.ask(&process),
            Err(ShellEnvError::Start { .. })
        ));
    }

    #[test]
    fn is_asked_only_when_wanted() {
        let wanted = |pairs: &[(&str, &str)]| {
            ShellEnv::wanted(&Environment::from_pairs(pairs.iter().copied()), None)
        };
        assert_eq!(wanted(&[]), None);
        let found = wanted(&[
            ("OPENCLAW_LOAD_SHELL_ENV", "1"),
            ("OPENCLAW_SHELL_ENV_TIMEOUT_MS", "700"),
            ("SHELL", "/bin/zsh"),
        ]);
        let expected = ShellEnv {
            shell: PathBuf::from("/bin/zsh"),
            deadline: Duration::from_millis(700),
        };
        assert_eq!(found, Some(expected));
    }
}
