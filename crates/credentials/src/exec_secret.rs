//! Takes a secret from the output of a program: argument by argument, without a shell, with a deadline.
//!
//! The program gets `{"protocolVersion": 1, "provider": ..., "ids": [id]}` on its input, which it may ignore, and an
//! environment of a few harmless variables and those that are named. It answers with `{"values": {id: secret}}` or with
//! the secret and nothing else.

use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use config::Environment;
use secrecy::zeroize::Zeroizing;
use serde_json::{Value, json};
use thiserror::Error;

use crate::secret::Secret;

/// The longest that a program may take when nothing else is said.
pub const DEADLINE_DEFAULT: Duration = Duration::from_secs(5);

/// The most output that is read, in bytes.
pub const OUTPUT_BYTES_MAX: u64 = 64 * 1024;

/// How often the end of a program that has closed its output is looked for.
const END_POLL: Duration = Duration::from_millis(5);

/// Variables that every program gets.
const PLAIN_VARIABLES: [&str; 6] = ["PATH", "HOME", "LANG", "TMPDIR", "USER", "SYSTEMROOT"];

/// A program that gives secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecSource {
    /// The program, by its whole path.
    pub program: PathBuf,
    /// Its arguments; none of them is a secret, and none is looked at by a shell.
    pub arguments: Vec<String>,
    /// Variables of ours that it gets, beside the plain ones.
    pub pass_variables: Vec<String>,
    /// How long it may take.
    pub deadline: Duration,
}

/// Why a program gave no secret; its output is in none of the messages.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ExecError {
    /// The program is not named by its whole path, so that it could be another one tomorrow.
    #[error("`{}` is not an absolute path", program.display())]
    NotAbsolute {
        /// The program as named.
        program: PathBuf,
    },
    /// The program could not be started.
    #[error("cannot start {}", program.display())]
    Start {
        /// The program.
        program: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The program did not end in time; it was ended.
    #[error("{} did not end within {deadline:?}", program.display())]
    Timeout {
        /// The program.
        program: PathBuf,
        /// How long it had.
        deadline: Duration,
    },
    /// The program failed.
    #[error("{} failed ({status})", program.display())]
    Failed {
        /// The program.
        program: PathBuf,
        /// How it ended.
        status: std::process::ExitStatus,
    },
    /// The output is too long.
    #[error("{} wrote more than {OUTPUT_BYTES_MAX} bytes", program.display())]
    TooLong {
        /// The program.
        program: PathBuf,
    },
    /// The output holds no secret of this name.
    #[error("{} gave no secret", program.display())]
    NoSecret {
        /// The program.
        program: PathBuf,
    },
}

impl ExecSource {
    /// Runs the program and takes the secret called `id` from its output; blocks up to the deadline.
    ///
    /// # Errors
    /// Any [`ExecError`]; the program has ended or was ended.
    pub fn read(
        &self,
        provider: &str,
        id: &str,
        environment: &Environment,
    ) -> Result<Secret, ExecError> {
        if !self.program.is_absolute() {
            return Err(ExecError::NotAbsolute {
                program: self.program.clone(),
            });
        }
        let mut child = Running(self.start(environment)?);
        child.ask(&json!({"protocolVersion": 1, "provider": provider, "ids": [id]}));
        let output = self.output_of(&mut child)?;
        let text = std::str::from_utf8(&output).unwrap_or_default().trim();
        secret_in(text, id).ok_or_else(|| ExecError::NoSecret {
            program: self.program.clone(),
        })
    }

    fn start(&self, environment: &Environment) -> Result<Child, ExecError> {
        let names = PLAIN_VARIABLES
            .into_iter()
            .chain(self.pass_variables.iter().map(String::as_str));
        Command::new(&self.program)
            .args(&self.arguments)
            .env_clear()
            .envs(names.filter_map(|name| Some((name, environment.get(name)?))))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|source| ExecError::Start {
                program: self.program.clone(),
                source,
            })
    }

    fn output_of(&self, child: &mut Running) -> Result<Zeroizing<Vec<u8>>, ExecError> {
        let timeout = || ExecError::Timeout {
            program: self.program.clone(),
            deadline: self.deadline,
        };
        let start = std::time::Instant::now();
        let output = child.output(self.deadline).ok_or_else(timeout)?;
        if u64::try_from(output.len()).is_ok_and(|bytes| bytes > OUTPUT_BYTES_MAX) {
            return Err(ExecError::TooLong {
                program: self.program.clone(),
            });
        }
        loop {
            match child.0.try_wait() {
                Ok(Some(status)) if status.success() => return Ok(output),
                Ok(Some(status)) => {
                    return Err(ExecError::Failed {
                        program: self.program.clone(),
                        status,
                    });
                }
                Ok(None) if start.elapsed() < self.deadline => std::thread::sleep(END_POLL),
                Ok(None) | Err(_) => return Err(timeout()),
            }
        }
    }
}

/// A program that is ended when nobody waits for it any more.
struct Running(Child);

impl Running {
    /// Writes the question; a program that does not read it is no failure.
    fn ask(&mut self, question: &Value) {
        if let Some(mut input) = self.0.stdin.take() {
            let _ = writeln!(input, "{question}");
        }
    }

    /// Reads the output on a thread of its own, because a read has no deadline.
    fn output(&mut self, deadline: Duration) -> Option<Zeroizing<Vec<u8>>> {
        let output = self.0.stdout.take()?;
        let (sender, receiver) = mpsc::sync_channel(1);
        std::thread::spawn(move || {
            let mut bytes = Zeroizing::new(Vec::with_capacity(4096));
            let read = output.take(OUTPUT_BYTES_MAX + 1).read_to_end(&mut bytes);
            // Nobody listens any more after the deadline.
            let _ = sender.send(read.map(|_| bytes));
        });
        receiver.recv_timeout(deadline).ok()?.ok()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn secret_in(text: &str, id: &str) -> Option<Secret> {
    let answer = serde_json::from_str::<Value>(text).ok();
    let values = answer
        .as_ref()
        .and_then(|answer| answer.get("values")?.as_object());
    let secret = match values {
        Some(values) => values.get(id)?.as_str()?.trim(),
        None => text,
    };
    let secret = (!secret.is_empty()).then(|| Secret::new(secret.to_owned()));
    if let Some(mut answer) = answer {
        crate::document::wipe(&mut answer);
    }
    secret
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn source(script: &str) -> ExecSource {
        ExecSource {
            program: "/bin/sh".into(),
            arguments: vec!["-c".to_owned(), script.to_owned()],
            pass_variables: vec!["PASSED".to_owned()],
            deadline: Duration::from_secs(20),
        }
    }

    fn read(source: &ExecSource) -> Result<String, ExecError> {
        let environment =
            Environment::from_pairs([("PASSED", "p"), ("HIDDEN", "h"), ("HOME", "/")]);
        let secret = source.read("vault", "qwen", &environment)?;
        Ok(secret.expose().to_owned())
    }

    #[test]
    fn the_output_is_the_secret_or_names_it() {
        for (script, expected) in [
            ("echo '  sk-1  '", "sk-1"),
            (
                r#"echo '{"protocolVersion":1,"values":{"qwen":"sk-2"}}'"#,
                "sk-2",
            ),
            (
                "cat",
                r#"{"protocolVersion":1,"provider":"vault","ids":["qwen"]}"#,
            ),
            (r#"echo "$PASSED$HIDDEN$HOME""#, "p/"),
            ("echo '[1]'", "[1]"),
        ] {
            assert_eq!(read(&source(script)).unwrap(), expected, "{script}");
        }
    }

    #[test]
    fn failures_are_told_apart() {
        type Expected = fn(&ExecError) -> bool;
        let cases: [(&str, Expected); 5] = [
            ("exit 3", |error| matches!(error, ExecError::Failed { .. })),
            ("true", |error| matches!(error, ExecError::NoSecret { .. })),
            (r#"echo '{"values":{"other":"x"}}'"#, |error| {
                matches!(error, ExecError::NoSecret { .. })
            }),
            ("head -c 70000 /dev/zero", |error| {
                matches!(error, ExecError::TooLong { .. })
            }),
            ("echo sk-secret; exit 1", |error| {
                !format!("{error} {error:?}").contains("sk-secret")
            }),
        ];
        for (script, expected) in cases {
            let error = read(&source(script)).unwrap_err();
            assert!(expected(&error), "{script}: {error:?}");
        }
    }

    #[test]
    fn a_program_that_hangs_is_ended() {
        for script in ["sleep 100", "exec >&-; sleep 100"] {
            let hanging = ExecSource {
                deadline: Duration::from_millis(100),
                ..source(script)
            };
            let start = std::time::Instant::now();
            let error = read(&hanging).unwrap_err();
            assert!(matches!(error, ExecError::Timeout { .. }), "{error:?}");
            assert!(start.elapsed() < Duration::from_secs(50));
        }
    }

    #[test]
    fn only_whole_paths_are_run_and_arguments_stay_arguments() {
        let relative = ExecSource {
            program: "sh".into(),
            ..source("echo x")
        };
        assert!(matches!(
            read(&relative),
            Err(ExecError::NotAbsolute { .. })
        ));
        let missing = ExecSource {
            program: "/does/not/exist".into(),
            ..source("")
        };
        assert!(matches!(read(&missing), Err(ExecError::Start { .. })));
        let literal = ExecSource {
            program: "/bin/echo".into(),
            arguments: vec!["$HOME; id".to_owned()],
            ..source("")
        };
        assert_eq!(read(&literal).unwrap(), "$HOME; id");
    }
}
