//! A temporary home and the binary run inside it, with nothing of this machine's environment but `PATH`.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// A home that is deleted when it goes out of scope.
pub(crate) struct Home {
    folder: tempfile::TempDir,
    variables: Vec<(String, String)>,
}

/// What a finished run left behind.
#[derive(Debug)]
pub(crate) struct Ran {
    /// Exit code; -1 when a signal ended it.
    pub(crate) code: i32,
    /// Standard output.
    pub(crate) stdout: String,
    /// Standard error.
    pub(crate) stderr: String,
}

impl Home {
    /// Creates an empty home.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        Self {
            folder,
            variables: Vec::new(),
        }
    }

    /// Creates a home with this `openclaw.json`.
    pub(crate) fn with_config(config: &Value) -> Self {
        let home = Self::new();
        home.write(
            ".openclaw/openclaw.json",
            &serde_json::to_string_pretty(config).expect("JSON"),
        );
        home
    }

    /// Sets a variable for every run in this home.
    pub(crate) fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Returns the folder that `~` stands for.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Returns a path below the home.
    pub(crate) fn at(&self, relative: &str) -> PathBuf {
        self.path().join(relative)
    }

    /// Writes a file below the home, with its folders.
    pub(crate) fn write(&self, relative: &str, text: &str) {
        let path = self.at(relative);
        fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
        fs::write(path, text).expect("a file");
    }

    /// Reads a file below the home.
    pub(crate) fn read(&self, relative: &str) -> String {
        fs::read_to_string(self.at(relative)).unwrap_or_else(|error| panic!("{relative}: {error}"))
    }

    /// Returns every file below the home with its bytes, to see what a run changed.
    pub(crate) fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut found = BTreeMap::new();
        let mut folders = vec![self.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).expect("a readable folder") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let name = path.strip_prefix(self.path()).expect("below the home");
                    found.insert(name.to_owned(), fs::read(&path).expect("a readable file"));
                }
            }
        }
        found
    }

    /// Returns the binary with its arguments, ready to be started in this home.
    #[expect(
        clippy::disallowed_methods,
        reason = "`PATH` is handed on as it is, so that a run finds the programs it may call"
    )]
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_openclaw"));
        command
            .args(arguments)
            .current_dir(self.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.path())
            .env("NO_COLOR", "1")
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null());
        command
    }

    /// Runs the binary to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        Ran::of(&self.command(arguments).output().expect("the binary runs"))
    }

    /// Runs the binary to its end with `text` on standard input.
    pub(crate) fn run_with_input(&self, arguments: &[&str], text: &str) -> Ran {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary runs");
        let mut stdin = child.stdin.take().expect("a pipe");
        // A command that needs no input may have closed its end already.
        let _ = stdin.write_all(text.as_bytes());
        drop(stdin);
        Ran::of(&child.wait_with_output().expect("the binary ends"))
    }
}

impl Ran {
    fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
        }
    }

    /// Returns standard output as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("no JSON ({error}): {self:?}"))
    }

    /// Checks the exit code and returns the run.
    #[track_caller]
    pub(crate) fn expect_code(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:?}");
        self
    }
}
