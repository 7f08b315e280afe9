//! The variables the product sees, and where each came from.
//!
//! The process environment is read once, here. Files and the config only add what is missing: nothing overrides a
//! variable that is already set. The order is process, `.env` of the working folder, `.env` of the state folder,
//! `env` of the config, and the login shell where `env.shellEnv` asks for it.
//!
//! The `.env` of the working folder is not trusted like the others, since it comes with whatever project the person
//! happens to stand in: it may give keys, but not move the product's files, its hosts or its network path.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use crate::dotenv::{BadLine, Dotenv};
use crate::env_var;
use crate::error::Error;
use crate::file;
use crate::home::Home;
use crate::secret::Hidden;
use crate::settings::Settings;
use crate::shell_env::{ShellEnv, ShellEnvError};

/// The names of Qwen keys, in the order in which they are tried.
pub const PROVIDER_KEY_NAMES: [&str; 3] = [
    env_var::QWEN_API_KEY,
    env_var::MODELSTUDIO_API_KEY,
    env_var::DASHSCOPE_API_KEY,
];

/// The names that the login shell is asked for when none of them is set.
const SHELL_NAMES: [&str; 6] = [
    env_var::QWEN_API_KEY,
    env_var::MODELSTUDIO_API_KEY,
    env_var::DASHSCOPE_API_KEY,
    env_var::QWEN_TOKEN_PLAN_API_KEY,
    env_var::QWEN_OAUTH_TOKEN,
    env_var::QWEN_PORTAL_API_KEY,
];

/// The largest `.env` file that is read, in bytes.
const DOTENV_BYTES_MAX: u64 = 1024 * 1024;

/// Where a variable came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The environment of this process.
    Process,
    /// The file of variables that were kept for the service.
    Service(PathBuf),
    /// The `.env` file of the working folder.
    DotenvCwd(PathBuf),
    /// The `.env` file of the state folder.
    DotenvHome(PathBuf),
    /// `env` in the config.
    Config,
    /// The login shell.
    Shell(PathBuf),
}

/// The variables, with their origin. `Debug` shows names and origins, never values.
#[derive(Clone, Default)]
pub struct Environment {
    variables: BTreeMap<String, (Hidden, Origin)>,
    /// Values that were found and not used, since the variable was set already, with where they are.
    shadowed: Vec<(String, Hidden, Origin)>,
    /// Why the login shell gave nothing, when it was asked.
    shell_error: Option<ShellEnvError>,
}

/// What reading one `.env` file found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DotenvReport {
    /// The file.
    pub path: PathBuf,
    /// Names that were added.
    pub added: Vec<String>,
    /// Names that this file may not set.
    pub refused: Vec<String>,
    /// Lines that are not assignments.
    pub bad_lines: Vec<BadLine>,
}

impl Environment {
    /// Reads the environment of this process; names and values that are not UTF-8 are left out.
    pub fn from_process() -> Self {
        let pairs = std::env::vars_os();
        Self::from_pairs(pairs.filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        }))
    }

    /// Builds an environment from pairs, as if the process had them.
    pub fn from_pairs<N: Into<String>, V: Into<String>>(
        pairs: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        let entry = |(name, value): (N, V)| (name.into(), (Hidden::new(value), Origin::Process));
        Self {
            variables: pairs.into_iter().map(entry).collect(),
            ..Self::default()
        }
    }

    /// Adds the two `.env` files and the config's `env` to the environment of the process.
    ///
    /// Missing files are not an error and give no report.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::NotAFile`] when a `.env` file is there but cannot be read.
    pub fn load(
        mut self,
        cwd: &Path,
        home: &Home,
        settings: Option<&Settings>,
    ) -> Result<(Self, Vec<DotenvReport>), Error> {
        let mut reports = Vec::new();
        // They were variables of the process that installed the service, and count as such.
        if let Some(path) = self.path_var(env_var::SERVICE_ENV_FILE).map(PathBuf::from) {
            reports.extend(self.load_dotenv(&path, &Origin::Service(path.clone()))?);
        }
        let in_cwd = cwd.join(".env");
        let in_home = home.dotenv_path();
        if in_cwd != in_home {
            reports.extend(self.load_dotenv(&in_cwd, &Origin::DotenvCwd(in_cwd.clone()))?);
        }
        reports.extend(self.load_dotenv(&in_home, &Origin::DotenvHome(in_home.clone()))?);
        if let Some(settings) = settings {
            let process: Vec<(String, String)> = self.process_pairs();
            self.add_config(settings);
            self.add_shell(settings, &Self::from_pairs(process));
        }
        Ok((self, reports))
    }

    /// Asks the login shell for keys and for variables that the config refers to, when it is wanted and any is missing.
    fn add_shell(&mut self, settings: &Settings, process: &Self) {
        let Some(shell) = ShellEnv::wanted(self, Some(settings)) else {
            return;
        };
        let is_set = |name: &&str| self.get(name).is_some_and(|value| !value.trim().is_empty());
        let mut missing: Vec<&str> = settings
            .variables
            .iter()
            .map(String::as_str)
            .filter(|name| !is_set(name))
            .collect();
        if !SHELL_NAMES.iter().any(is_set) {
            missing.extend(SHELL_NAMES);
        }
        if missing.is_empty() {
            return;
        }
        match shell.ask(process) {
            Ok(found) => {
                let origin = Origin::Shell(shell.shell);
                for name in missing {
                    if let Some(value) = found.get(name) {
                        self.add_missing(name, value.clone(), &origin);
                    }
                }
            }
            Err(error) => self.shell_error = Some(error),
        }
    }

    /// Returns why the login shell gave nothing, when it was asked in vain.
    pub fn shell_error(&self) -> Option<&ShellEnvError> {
        self.shell_error.as_ref()
    }

    /// Returns what was found for a variable and not used, with where it is, in the order in which it was found.
    pub fn shadowed<'a>(&'a self, name: &'a str) -> impl Iterator<Item = (&'a Hidden, &'a Origin)> {
        self.shadowed
            .iter()
            .filter(move |(known, _, _)| known == name)
            .map(|(_, value, origin)| (value, origin))
    }

    /// Returns names and values, for a program that is started.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.variables
            .iter()
            .map(|(name, (value, _))| (name.as_str(), value.expose()))
    }

    fn process_pairs(&self) -> Vec<(String, String)> {
        self.variables
            .iter()
            .filter(|(_, (_, origin))| *origin == Origin::Process)
            .map(|(name, (value, _))| (name.clone(), value.expose().to_owned()))
            .collect()
    }

    /// Adds the variables of the config's `env` that are not set yet.
    pub fn add_config(&mut self, settings: &Settings) {
        for (name, value) in &settings.env.vars {
            self.add_missing(name, value.clone(), &Origin::Config);
        }
    }

    /// Adds the variables of a `.env` file that are not set yet; returns `None` when there is no such file.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::NotAFile`] when the file is there but cannot be read.
    pub fn load_dotenv(
        &mut self,
        path: &Path,
        origin: &Origin,
    ) -> Result<Option<DotenvReport>, Error> {
        let Some(bytes) = file::read_optional(path, DOTENV_BYTES_MAX)? else {
            return Ok(None);
        };
        let dotenv = Dotenv::parse(&String::from_utf8_lossy(&bytes));
        let mut report = DotenvReport {
            path: path.to_owned(),
            added: Vec::new(),
            refused: Vec::new(),
            bad_lines: dotenv.bad_lines,
        };
        for (name, value) in dotenv.variables {
            if matches!(origin, Origin::DotenvCwd(_)) && !may_come_from_cwd(&name) {
                report.refused.push(name);
            } else if self.add_missing(&name, value, origin) {
                report.added.push(name);
            }
        }
        Ok(Some(report))
    }

    fn add_missing(&mut self, name: &str, value: Hidden, origin: &Origin) -> bool {
        // An empty variable of the process is as good as none: shells make them with `KEY= command`.
        if self.get(name).is_some_and(|value| !value.trim().is_empty()) {
            self.shadowed.push((name.to_owned(), value, origin.clone()));
            return false;
        }
        self.variables
            .insert(name.to_owned(), (value, origin.clone()));
        true
    }

    /// Returns the value of a variable, also when it is empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(|(value, _)| value.expose())
    }

    /// Returns the value of a variable that names a path: blank, `undefined` and `null` count as unset.
    pub fn path_var(&self, name: &str) -> Option<&str> {
        let value = self.get(name)?.trim();
        (!matches!(value, "" | "undefined" | "null")).then_some(value)
    }

    /// Returns whether a switch such as `OPENCLAW_CONFIG_READONLY` is on: `1`, `true`, `yes` or `on`.
    pub fn is_on(&self, name: &str) -> bool {
        let value = self
            .get(name)
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase();
        matches!(value.as_str(), "1" | "true" | "yes" | "on")
    }

    /// Returns where a variable came from.
    pub fn origin(&self, name: &str) -> Option<&Origin> {
        self.variables.get(name).map(|(_, origin)| origin)
    }

    /// Returns the names of all variables, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.variables.keys().map(String::as_str)
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map()
            .entries(
                self.variables
                    .iter()
                    .map(|(name, (_, origin))| (name, origin)),
            )
            .finish()
    }
}

fn may_come_from_cwd(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    let elsewhere = ["_BASE_URL", "_ENDPOINT", "_API_HOST", "_PROXY"];
    let network = [env_var::SSL_CERT_FILE, env_var::SSL_CERT_DIR];
    let folders = [
        env_var::HOME,
        env_var::USERPROFILE,
        env_var::PI_AGENT_DIR,
        "PATH",
    ];
    !name.starts_with("OPENCLAW_")
        && !elsewhere.iter().any(|end| name.ends_with(end))
        && !network.contains(&name.as_str())
        && !folders.contains(&name.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::home::HomeOptions;

    #[test]
    fn the_first_origin_wins() {
        let folder = tempfile::tempdir().unwrap();
        let cwd = folder.path().join("project");
        let state = folder.path().join(".openclaw");
        std::fs::create_dir_all(&cwd).unwrap();
        std::fs::create_dir_all(&state).unwrap();
        std::fs::write(
            cwd.join(".env"),
            "A=cwd\nB=cwd\nOPENCLAW_STATE_DIR=/evil\nQWEN_BASE_URL=x\n",
        )
        .unwrap();
        std::fs::write(state.join(".env"), "A=home\nB=home\nC=home\noops\n").unwrap();
        let text = br#"{env: {vars: {C: "config", D: "config"}, E: "config"}}"#;
        let text = crate::ConfigText::parse("openclaw.json", text.to_vec()).unwrap();
        let (settings, _) = Settings::read(&text);
        let home_text = folder.path().to_str().unwrap();
        let process = Environment::from_pairs([("HOME", home_text), ("A", "process"), ("B", "")]);
        let home = Home::resolve(&process, &HomeOptions::default()).unwrap();
        let (environment, reports) = process.load(&cwd, &home, Some(&settings)).unwrap();

        let found: Vec<_> = ["A", "B", "C", "D", "E"]
            .iter()
            .map(|name| environment.get(name).unwrap())
            .collect();
        assert_eq!(found, ["process", "cwd", "home", "config", "config"]);
        assert_eq!(environment.origin("D"), Some(&Origin::Config));
        assert_eq!(environment.get("OPENCLAW_STATE_DIR"), None);
        let [in_cwd, in_home] = reports.as_slice() else {
            panic!("{reports:?}")
        };
        assert_eq!(in_cwd.refused, ["OPENCLAW_STATE_DIR", "QWEN_BASE_URL"]);
        assert_eq!(in_home.bad_lines.first().map(|bad| bad.line), Some(4));
    }

    #[test]
    fn path_variables_ignore_accidents() {
        let environment =
            Environment::from_pairs([("A", " "), ("B", "undefined"), ("C", "null"), ("D", " /x ")]);
        let found: Vec<_> = ["A", "B", "C", "D", "E"]
            .iter()
            .map(|name| environment.path_var(name))
            .collect();
        assert_eq!(found, [None, None, None, Some("/x"), None]);
    }

    #[test]
    fn debug_shows_no_value() {
        let shown = format!(
            "{:?}",
            Environment::from_pairs([("QWEN_API_KEY", "sk-secret")])
        );
        assert!(
            shown.contains("QWEN_API_KEY") && !shown.contains("sk-secret"),
            "{shown}"
        );
    }
}
