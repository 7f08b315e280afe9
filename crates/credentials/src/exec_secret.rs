//! Takes a secret from the output of a program: argument by argument, without a shell, with a deadline.
//!
//! The program gets `{"protocolVersion": 1, "provider": ..., "ids": [id]}` on its input, which it may ignore, and an
//! environment of a few harmless variables and those that are named. It answers with
//! `{"protocolVersion": 1, "values": {id: secret}}`, or, where that is allowed, with the secret and nothing else.
//!
//! The file that is started must be the one that was meant: named by its whole path, no symbolic link, and not
//! changeable by others, unless the config says that this is fine.

use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use config::{Environment, ExecPlace, Hidden, Home};
use secrecy::zeroize::Zeroizing;
use serde_json::{Value, json};
use thiserror::Error;

use crate::secret::Secret;
use crate::store_file::expand_home;

/// The longest that a program may take when nothing else is said.
pub const DEADLINE_DEFAULT: Duration = Duration::from_secs(5);

/// The most output that is read when nothing else is said, in bytes.
pub const OUTPUT_BYTES_MAX: u64 = 1024 * 1024;

/// The version of the question and of the answer.
const PROTOCOL_VERSION: u64 = 1;

/// How much output is read at once, in bytes.
const CHUNK_BYTES: usize = 4096;

/// How often the end of a program that has closed its output is looked for.
const END_POLL: Duration = Duration::from_millis(5);

/// Variables that every program gets.
const PLAIN_VARIABLES: [&str; 6] = ["PATH", "HOME", "LANG", "TMPDIR", "USER", "SYSTEMROOT"];

/// Permission bits that let others than the owner change a file.
#[cfg(unix)]
const OTHERS_WRITE_BITS: u32 = 0o022;

/// A program that gives secrets, with everything that decides what it answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecSource {
    /// The program, by its whole path.
    pub program: PathBuf,
    /// Its arguments; none of them is a secret, and none is looked at by a shell.
    pub arguments: Vec<String>,
    /// The variables that it gets, and no others.
    pub variables: Vec<(String, Hidden)>,
    /// How long it may take.
    pub deadline: Duration,
    /// How long it may print nothing.
    pub silence_max: Duration,
    /// The most that it may print, in bytes.
    pub output_bytes_max: u64,
    /// Whether the secret alone, without JSON around it, is no answer.
    pub json_only: bool,
    /// Where the program may be.
    pub path_rules: PathRules,
}

/// Which files may be started.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PathRules {
    /// The folders in which it must be; anywhere when empty.
    pub trusted_folders: Vec<PathBuf>,
    /// Whether the path may be a symbolic link.
    pub allow_symlink: bool,
    /// Whether others may be able to change the file.
    pub allow_insecure: bool,
}

/// Why a program gave no secret; its output is in none of the messages.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ExecError {
    /// The program is not named by its whole path, so that it could be another one tomorrow.
    #[error("`{}` is not an absolute path", program.display())]
    NotAbsolute {
        /// The program as named.
        program: PathBuf,
    },
    /// The file is not one that may be started.
    #[error("{} is not started: {problem}", program.display())]
    Unsafe {
        /// The program.
        program: PathBuf,
        /// What is wrong with the file, and which setting allows it.
        problem: &'static str,
    },
    /// The program could not be started.
    #[error("cannot start {}: {kind}", program.display())]
    Start {
        /// The program.
        program: PathBuf,
        /// What the system said.
        kind: ErrorKind,
    },
    /// The program did not end in time; it was ended.
    #[error("{} did not end within {deadline:?}", program.display())]
    Timeout {
        /// The program.
        program: PathBuf,
        /// How long it had.
        deadline: Duration,
    },
    /// The program printed nothing for too long; it was ended.
    #[error("{} printed nothing for {silence:?}", program.display())]
    Silent {
        /// The program.
        program: PathBuf,
        /// How long it may be silent.
        silence: Duration,
    },
    /// The program failed.
    #[error("{} failed ({status})", program.display())]
    Failed {
        /// The program.
        program: PathBuf,
        /// How it ended.
        status: ExitStatus,
    },
    /// The output is too long.
    #[error("{} printed more than {bytes_max} bytes", program.display())]
    TooLong {
        /// The program.
        program: PathBuf,
        /// The most that it may print.
        bytes_max: u64,
    },
    /// The output is not an answer.
    #[error("{} did not answer as asked: {problem}", program.display())]
    Answer {
        /// The program.
        program: PathBuf,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The output holds no secret of this name.
    #[error("{} gave no secret", program.display())]
    NoSecret {
        /// The program.
        program: PathBuf,
    },
}

impl ExecSource {
    /// Takes the settings of a program together with the variables that it will get.
    pub fn new(place: &ExecPlace, home: &Home, environment: &Environment) -> Self {
        let ms = |ms: Option<u64>| ms.map(Duration::from_millis);
        let deadline = ms(place.timeout_ms).unwrap_or(DEADLINE_DEFAULT);
        let folders = place.trusted_dirs.iter();
        Self {
            program: PathBuf::from(&place.command),
            arguments: place.args.clone(),
            variables: variables(place, environment),
            deadline,
            silence_max: ms(place.silence_ms).unwrap_or(deadline),
            output_bytes_max: place.output_bytes_max.unwrap_or(OUTPUT_BYTES_MAX),
            json_only: place.json_only,
            path_rules: PathRules {
                trusted_folders: folders
                    .map(|folder| expand_home(folder, home.user_home()))
                    .collect(),
                allow_symlink: place.allow_symlink,
                allow_insecure: place.allow_insecure,
            },
        }
    }

    /// Runs the program and takes the secret called `id` from its output; blocks up to the deadline.
    ///
    /// # Errors
    /// Any [`ExecError`]; the program has ended or was ended.
    pub fn read(&self, provider: &str, id: &str) -> Result<Secret, ExecError> {
        let program = self.checked_program()?;
        let mut child = Running(self.start(&program)?);
        child.ask(&json!({"protocolVersion": PROTOCOL_VERSION, "provider": provider, "ids": [id]}));
        let output = self.output_of(&mut child)?;
        let text = std::str::from_utf8(&output)
            .map_err(|_| self.not_answered("it is not text"))?
            .trim();
        if text.is_empty() {
            return Err(self.no_secret());
        }
        match serde_json::from_str::<Value>(text) {
            Ok(mut answer @ Value::Object(_)) => {
                let secret = self.secret_in(&answer, id);
                crate::document::wipe(&mut answer);
                secret
            }
            _ if self.json_only => Err(self.not_answered(
                "it is not a JSON object; a program that prints the secret alone needs `jsonOnly: false`",
            )),
            Ok(Value::String(secret)) => Ok(Secret::new(secret)),
            Ok(_) | Err(_) => Ok(Secret::new(text.to_owned())),
        }
    }

    fn secret_in(&self, answer: &Value, id: &str) -> Result<Secret, ExecError> {
        if answer.get("protocolVersion").and_then(Value::as_u64) != Some(PROTOCOL_VERSION) {
            return Err(self.not_answered("its `protocolVersion` is not 1"));
        }
        let values = answer.get("values").and_then(Value::as_object);
        let values = values.ok_or_else(|| self.not_answered("it has no `values`"))?;
        let secret = values.get(id).and_then(Value::as_str).map(str::trim);
        let secret = secret.filter(|secret| !secret.is_empty());
        let secret = secret.ok_or_else(|| self.no_secret())?;
        Ok(Secret::new(secret.to_owned()))
    }

    fn not_answered(&self, problem: &'static str) -> ExecError {
        ExecError::Answer {
            program: self.program.clone(),
            problem,
        }
    }

    fn no_secret(&self) -> ExecError {
        ExecError::NoSecret {
            program: self.program.clone(),
        }
    }

    /// Returns the file to start, after a look at whether it is the one that was meant.
    fn checked_program(&self) -> Result<PathBuf, ExecError> {
        if !self.program.is_absolute() {
            return Err(ExecError::NotAbsolute {
                program: self.program.clone(),
            });
        }
        let unsafe_file = |problem| ExecError::Unsafe {
            program: self.program.clone(),
            problem,
        };
        let start = |error: std::io::Error| self.cannot_start(&error);
        let link = std::fs::symlink_metadata(&self.program).map_err(start)?;
        if link.is_symlink() && !self.path_rules.allow_symlink {
            return Err(unsafe_file(
                "it is a symbolic link, which `allowSymlinkCommand` allows",
            ));
        }
        let program = std::fs::canonicalize(&self.program).map_err(start)?;
        let metadata = std::fs::metadata(&program).map_err(start)?;
        if !metadata.is_file() {
            return Err(unsafe_file("it is not a file"));
        }
        let is_inside = |folder: &PathBuf| {
            let folder = std::fs::canonicalize(folder).unwrap_or_else(|_| folder.clone());
            program.starts_with(folder)
        };
        let folders = &self.path_rules.trusted_folders;
        if !folders.is_empty() && !folders.iter().any(is_inside) {
            return Err(unsafe_file("it is in none of the `trustedDirs`"));
        }
        if !self.path_rules.allow_insecure && is_changeable(&metadata) {
            return Err(unsafe_file(
                "others than its owner can change it, which `allowInsecurePath` allows",
            ));
        }
        Ok(program)
    }

    fn start(&self, program: &Path) -> Result<Child, ExecError> {
        let variables = self.variables.iter();
        Command::new(program)
            .args(&self.arguments)
            .current_dir(program.parent().unwrap_or(Path::new("/")))
            .env_clear()
            .envs(variables.map(|(name, value)| (name, value.expose())))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| self.cannot_start(&error))
    }

    fn cannot_start(&self, error: &std::io::Error) -> ExecError {
        ExecError::Start {
            program: self.program.clone(),
            kind: error.kind(),
        }
    }

    fn output_of(&self, child: &mut Running) -> Result<Zeroizing<Vec<u8>>, ExecError> {
        let timeout = || ExecError::Timeout {
            program: self.program.clone(),
            deadline: self.deadline,
        };
        let start = Instant::now();
        let chunks = child.chunks(self.output_bytes_max).ok_or_else(timeout)?;
        let mut output = Zeroizing::new(Vec::with_capacity(CHUNK_BYTES));
        loop {
            let left = self.deadline.saturating_sub(start.elapsed());
            match chunks.recv_timeout(left.min(self.silence_max)) {
                Ok(chunk) => output.extend_from_slice(&chunk),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) if start.elapsed() >= self.deadline => {
                    return Err(timeout());
                }
                Err(RecvTimeoutError::Timeout) => {
                    return Err(ExecError::Silent {
                        program: self.program.clone(),
                        silence: self.silence_max,
                    });
                }
            }
            if u64::try_from(output.len()).is_ok_and(|bytes| bytes > self.output_bytes_max) {
                return Err(ExecError::TooLong {
                    program: self.program.clone(),
                    bytes_max: self.output_bytes_max,
                });
            }
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

/// Returns the variables of a program: a few harmless ones, those of ours that the config names, and its own.
fn variables(place: &ExecPlace, environment: &Environment) -> Vec<(String, Hidden)> {
    let names = PLAIN_VARIABLES
        .into_iter()
        .chain(place.pass_env.iter().map(String::as_str));
    let ours = names.filter_map(|name| {
        let value = environment.get(name)?;
        Some((name.to_owned(), Hidden::new(value)))
    });
    ours.chain(place.env.iter().cloned()).collect()
}

#[cfg(unix)]
fn is_changeable(metadata: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & OTHERS_WRITE_BITS != 0
}

#[cfg(not(unix))]
fn is_changeable(_metadata: &std::fs::Metadata) -> bool {
    false
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
    fn chunks(&mut self, bytes_max: u64) -> Option<mpsc::Receiver<Zeroizing<Vec<u8>>>> {
        let output = self.0.stdout.take()?;
        let (sender, receiver) = mpsc::sync_channel(1);
        std::thread::spawn(move || {
            let mut output = output.take(bytes_max.saturating_add(1));
            let mut buffer = Zeroizing::new(vec![0; CHUNK_BYTES]);
            while let Ok(n_bytes @ 1..) = output.read(&mut buffer) {
                let chunk = buffer.get(..n_bytes).unwrap_or_default();
                // Nobody listens any more after the deadline.
                if sender.send(Zeroizing::new(chunk.to_vec())).is_err() {
                    break;
                }
            }
        });
        Some(receiver)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn source(script: &str) -> ExecSource {
        let variables = [("PASSED", "p"), ("HOME", "/"), ("PATH", "/usr/bin:/bin")];
        ExecSource {
            program: std::fs::canonicalize("/bin/sh").unwrap_or_default(),
            arguments: vec!["-c".to_owned(), script.to_owned()],
            variables: variables
                .map(|(name, value)| (name.to_owned(), Hidden::new(value)))
                .to_vec(),
            deadline: Duration::from_secs(20),
            silence_max: Duration::from_secs(20),
            output_bytes_max: OUTPUT_BYTES_MAX,
            json_only: false,
            path_rules: PathRules::default(),
        }
    }

    fn read(source: &ExecSource) -> Result<String, ExecError> {
        Ok(source.read("vault", "qwen")?.expose().to_owned())
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
                r#"read -r line; echo "<$line>""#,
                r#"<{"protocolVersion":1,"provider":"vault","ids":["qwen"]}>"#,
            ),
            (r#"echo "$PASSED$HIDDEN$HOME""#, "p/"),
            ("echo '[1]'", "[1]"),
            (r#"echo '"sk-3"'"#, "sk-3"),
        ] {
            assert_eq!(read(&source(script)).unwrap(), expected, "{script}");
        }
    }

    #[test]
    fn failures_are_told_apart() {
        type Expected = fn(&ExecError) -> bool;
        let cases: [(&str, Expected); 7] = [
            ("exit 3", |error| matches!(error, ExecError::Failed { .. })),
            ("true", |error| matches!(error, ExecError::NoSecret { .. })),
            (
                r#"echo '{"protocolVersion":1,"values":{"other":"x"}}'"#,
                |error| matches!(error, ExecError::NoSecret { .. }),
            ),
            (r#"echo '{"values":{"qwen":"x"}}'"#, |error| {
                matches!(error, ExecError::Answer { .. })
            }),
            (r#"echo '{"protocolVersion":1}'"#, |error| {
                matches!(error, ExecError::Answer { .. })
            }),
            ("head -c 1050000 /dev/zero", |error| {
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
        let strict = ExecSource {
            json_only: true,
            ..source("echo sk-1")
        };
        let error = read(&strict).unwrap_err();
        assert!(error.to_string().contains("jsonOnly"), "{error}");
    }

    #[test]
    fn a_program_that_hangs_is_ended() {
        for script in ["sleep 100", "exec >&-; sleep 100"] {
            let hanging = ExecSource {
                deadline: Duration::from_millis(100),
                ..source(script)
            };
            let start = Instant::now();
            let error = read(&hanging).unwrap_err();
            assert!(matches!(error, ExecError::Timeout { .. }), "{error:?}");
            assert!(start.elapsed() < Duration::from_secs(50));
        }
        let silent = ExecSource {
            silence_max: Duration::from_millis(100),
            ..source("echo x; sleep 100")
        };
        let error = read(&silent).unwrap_err();
        assert!(matches!(error, ExecError::Silent { .. }), "{error:?}");
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
            program: std::fs::canonicalize("/bin/echo").unwrap(),
            arguments: vec!["$HOME; id".to_owned()],
            ..source("")
        };
        assert_eq!(read(&literal).unwrap(), "$HOME; id");
    }

    #[test]
    fn a_file_that_may_be_another_tomorrow_is_not_started() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("vault");
        std::fs::write(&program, "").unwrap();
        let set_mode = |mode| {
            std::fs::set_permissions(&program, std::fs::Permissions::from_mode(mode)).unwrap();
        };
        set_mode(0o755);
        let link = folder.path().join("link");
        symlink(&program, &link).unwrap();
        let with = |program: &Path, path_rules: PathRules| ExecSource {
            program: program.to_owned(),
            arguments: Vec::new(),
            path_rules,
            ..source("")
        };
        let rules = PathRules::default;
        let is_started = |source: &ExecSource| source.checked_program().is_ok();
        assert!(is_started(&with(&program, rules())));
        let refused = |source: &ExecSource| match source.checked_program() {
            Err(ExecError::Unsafe { problem, .. }) => problem,
            other => panic!("{other:?}"),
        };
        assert!(refused(&with(&link, rules())).contains("symbolic link"));
        let allow_symlink = PathRules {
            allow_symlink: true,
            ..rules()
        };
        assert!(is_started(&with(&link, allow_symlink.clone())));
        let elsewhere = PathRules {
            trusted_folders: vec!["/usr/bin".into()],
            ..allow_symlink.clone()
        };
        assert!(refused(&with(&link, elsewhere)).contains("trustedDirs"));
        let inside = PathRules {
            trusted_folders: vec![folder.path().to_owned()],
            ..allow_symlink
        };
        assert!(is_started(&with(&link, inside)));
        set_mode(0o777);
        assert!(refused(&with(&program, rules())).contains("others"));
        let allow_insecure = PathRules {
            allow_insecure: true,
            ..rules()
        };
        assert!(is_started(&with(&program, allow_insecure)));
        assert!(refused(&with(folder.path(), rules())).contains("not a file"));
    }
}
