//! A home of its own for each test, and the binary run in it with a clean environment.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// A temporary home; `~/.openclaw` in it is the state folder.
pub(crate) struct TestHome {
    folder: TempDir,
}

/// What one run of the binary gave.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    /// Returns standard output as one JSON document.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }

    /// Checks that the run ended well and returns it.
    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        assert_eq!(self.code, 0, "{self:?}");
        self
    }

    /// Checks that the run ended with an error of one line and a hint, without a panic, and returns it.
    #[track_caller]
    pub(crate) fn failed(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:?}");
        assert!(self.stderr.contains("error: "), "{self:?}");
        assert!(!self.stderr.contains("panicked"), "{self:?}");
        self
    }
}

impl TestHome {
    /// Makes a home in which nothing is.
    pub(crate) fn empty() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::create_dir(folder.path().join("work")).expect("a working folder");
        Self { folder }
    }

    /// Makes a home with this config.
    pub(crate) fn with_config(text: &str) -> Self {
        let home = Self::empty();
        home.write(".openclaw/openclaw.json", text.as_bytes());
        home
    }

    /// Copies one of the homes that OpenClaw wrote, with the modes it gives to files and folders.
    pub(crate) fn of_openclaw(name: &str) -> Self {
        let home = Self::empty();
        let source = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/data/homes")
            .join(name);
        copy(&source, home.path());
        home
    }

    /// Returns the names of the homes that OpenClaw wrote, sorted.
    pub(crate) fn openclaw_homes() -> Vec<String> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/homes");
        let mut names: Vec<String> = fs::read_dir(folder)
            .expect("the homes")
            .map(|entry| {
                entry
                    .expect("a home")
                    .file_name()
                    .into_string()
                    .expect("a name")
            })
            .collect();
        names.sort();
        names
    }

    /// Returns the folder that `~` stands for.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Returns the config file.
    pub(crate) fn config_path(&self) -> PathBuf {
        self.path().join(".openclaw/openclaw.json")
    }

    /// Returns the text of the config.
    pub(crate) fn config(&self) -> String {
        fs::read_to_string(self.config_path()).expect("the config")
    }

    /// Writes a file of the home, mode 0600, and the folders above it.
    pub(crate) fn write(&self, relative: &str, bytes: &[u8]) {
        let path = self.path().join(relative);
        fs::create_dir_all(path.parent().expect("a folder")).expect("the folder");
        fs::write(&path, bytes).expect("the file");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("the mode");
    }

    /// Runs `openclaw` with these arguments.
    pub(crate) fn openclaw(&self, args: &[&str]) -> Run {
        self.openclaw_with(args, &[], "")
    }

    /// Runs `openclaw` with these arguments, variables and standard input.
    pub(crate) fn openclaw_with(&self, args: &[&str], env: &[(&str, &str)], stdin: &str) -> Run {
        let mut child = self
            .command(args)
            .envs(env.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary");
        // A command that reads nothing may be gone before this.
        let _ = child
            .stdin
            .take()
            .expect("a pipe")
            .write_all(stdin.as_bytes());
        let output = child.wait_with_output().expect("its output");
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        Run {
            code: output.status.code().expect("an exit code"),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }

    /// Returns the command in this home, with no other variable than `HOME`.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_openclaw"));
        command
            .args(args)
            .env_clear()
            .env("HOME", self.path())
            .current_dir(self.path().join("work"));
        command
    }

    /// Returns content, mode and time of change of everything in the home.
    pub(crate) fn state(&self) -> BTreeMap<PathBuf, String> {
        let mut state = BTreeMap::new();
        note(self.path(), &mut state);
        state
    }
}

fn note(path: &Path, state: &mut BTreeMap<PathBuf, String>) {
    let meta = fs::symlink_metadata(path).expect("its metadata");
    let mut line = format!(
        "{:o} {}.{:09}",
        meta.mode(),
        meta.mtime(),
        meta.mtime_nsec()
    );
    if meta.is_dir() {
        for entry in fs::read_dir(path).expect("the folder") {
            note(&entry.expect("an entry").path(), state);
        }
    } else {
        line += &format!(" {:?}", fs::read(path).expect("the file"));
    }
    state.insert(path.to_owned(), line);
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).expect("the folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        let mode = if entry.path().is_dir() {
            fs::create_dir_all(&target).expect("the folder");
            copy(&entry.path(), &target);
            0o700
        } else {
            fs::copy(entry.path(), &target).expect("the copy");
            0o600
        };
        fs::set_permissions(&target, fs::Permissions::from_mode(mode)).expect("the mode");
    }
}
