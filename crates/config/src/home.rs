//! Where the product keeps its files.
//!
//! The rules are `OpenClaw`'s, so that both programs find the same home: `OPENCLAW_HOME`, `OPENCLAW_STATE_DIR`,
//! `OPENCLAW_CONFIG_PATH`, `--profile`, `--dev`, and the older folder `.clawdbot` when there is no newer one.

use std::path::{Path, PathBuf};

use crate::env_var;
use crate::environment::Environment;
use crate::error::Error;
use crate::ids::AgentId;

/// The port of the gateway when nothing else is said.
pub const GATEWAY_PORT: u16 = 18_789;
/// The port of the gateway with `--dev`.
pub const DEV_PORT: u16 = 19_001;

const STATE_FOLDER: &str = ".openclaw";
const LEGACY_STATE_FOLDER: &str = ".clawdbot";
const CONFIG_FILE: &str = "openclaw.json";
const LEGACY_CONFIG_FILE: &str = "clawdbot.json";

/// The command line options that choose a home.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HomeOptions {
    /// `--profile <name>`; wins over `OPENCLAW_PROFILE`.
    pub profile: Option<String>,
    /// `--dev`: the profile `dev` and another default port.
    pub dev: bool,
}

/// The folders and files of one home.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    folder: PathBuf,
    state_dir: PathBuf,
    config_path: PathBuf,
    agent_dir: Option<PathBuf>,
    workspace_dir: Option<PathBuf>,
    profile: Option<String>,
    shows_variable: bool,
    dev: bool,
}

impl Home {
    /// Finds the home from the environment and the command line. Nothing is created.
    ///
    /// # Errors
    /// [`Error::NoHome`] when no variable names a home, [`Error::InvalidProfile`] for a profile name that is not
    /// 1 to 64 of `[A-Za-z0-9_-]`, [`Error::Io`] when a relative path cannot be made absolute.
    pub fn resolve(environment: &Environment, options: &HomeOptions) -> Result<Self, Error> {
        let user_home = user_home(environment)?;
        let profile = profile(environment, options)?;
        let path = |name: &str| {
            environment
                .path_var(name)
                .map(|text| expand(text, &user_home))
                .transpose()
        };
        let state_dir = match path(env_var::STATE_DIR)? {
            Some(folder) => folder,
            None => state_dir(&user_home, profile.as_deref()),
        };
        let config_path = match path(env_var::CONFIG_PATH)? {
            Some(file) => file,
            None => config_path(&state_dir),
        };
        let agent_dir = match path(env_var::AGENT_DIR)? {
            Some(folder) => Some(folder),
            None => path(env_var::PI_AGENT_DIR)?,
        };
        Ok(Self {
            workspace_dir: path(env_var::WORKSPACE_DIR)?,
            shows_variable: environment.path_var(env_var::OPENCLAW_HOME).is_some(),
            dev: options.dev,
            folder: user_home,
            state_dir,
            config_path,
            agent_dir,
            profile,
        })
    }

    /// Returns the folder that `~` stands for.
    pub fn user_home(&self) -> &Path {
        &self.folder
    }

    /// Returns the state folder, usually `~/.openclaw`.
    pub fn state_dir(&self) -> &Path {
        &self.state_dir
    }

    /// Returns the config file, usually `~/.openclaw/openclaw.json`.
    pub fn config_path(&self) -> &Path {
        &self.config_path
    }

    /// Returns the folder of an agent, which holds its credentials: `<state>/agents/<id>/agent`.
    ///
    /// `OPENCLAW_AGENT_DIR` replaces that of the agent `main`.
    pub fn agent_dir(&self, agent: &AgentId) -> PathBuf {
        match &self.agent_dir {
            Some(folder) if *agent == AgentId::main() => folder.clone(),
            _ => self
                .state_dir
                .join("agents")
                .join(agent.as_str())
                .join("agent"),
        }
    }

    /// Returns the workspace folder of the default agent, before the config is asked.
    pub fn workspace_dir(&self) -> PathBuf {
        let named = || match &self.profile {
            Some(profile) if profile != "default" => {
                self.state_dir.join(format!("workspace-{profile}"))
            }
            _ => self.state_dir.join("workspace"),
        };
        self.workspace_dir.clone().unwrap_or_else(named)
    }

    /// Returns the folder of log files: `<state>/logs`.
    pub fn log_dir(&self) -> PathBuf {
        self.state_dir.join("logs")
    }

    /// Returns the folder of the config's generations: `<state>/config-history`.
    pub fn config_history_dir(&self) -> PathBuf {
        self.state_dir.join("config-history")
    }

    /// Returns the folder of media that were made here: `<state>/media`.
    pub fn media_dir(&self) -> PathBuf {
        self.state_dir.join("media")
    }

    /// Returns the folder of the user's additions to the model catalog: `<state>/catalog`.
    pub fn catalog_dir(&self) -> PathBuf {
        self.state_dir.join("catalog")
    }

    /// Returns the folder of what can be asked for again: `<state>/cache`.
    pub fn cache_dir(&self) -> PathBuf {
        self.state_dir.join("cache")
    }

    /// Returns the `.env` file of this home: `<state>/.env`.
    pub fn dotenv_path(&self) -> PathBuf {
        self.state_dir.join(".env")
    }

    /// Returns the port the gateway uses when neither option, variable nor config names one.
    pub fn default_port(&self) -> u16 {
        if self.dev { DEV_PORT } else { GATEWAY_PORT }
    }

    /// Returns the profile name, when one was chosen.
    pub fn profile(&self) -> Option<&str> {
        self.profile.as_deref()
    }

    /// Expands a leading `~` in a path of the config and makes it absolute.
    ///
    /// # Errors
    /// [`Error::Io`] when the working folder of the process is gone.
    pub fn expand(&self, text: &str) -> Result<PathBuf, Error> {
        expand(text.trim(), &self.folder)
    }

    /// Returns a path as people read it: `~` for the home folder, `$OPENCLAW_HOME` when that variable set it.
    pub fn display(&self, path: &Path) -> String {
        let short = if self.shows_variable {
            "$OPENCLAW_HOME"
        } else {
            "~"
        };
        match path.strip_prefix(&self.folder) {
            Ok(rest) if rest.as_os_str().is_empty() => short.to_owned(),
            Ok(rest) => format!("{short}{}{}", std::path::MAIN_SEPARATOR, rest.display()),
            Err(_) => path.display().to_string(),
        }
    }
}

fn user_home(environment: &Environment) -> Result<PathBuf, Error> {
    let os_home = || {
        let named = [env_var::HOME, env_var::USERPROFILE]
            .into_iter()
            .find_map(|name| environment.path_var(name));
        named.map(PathBuf::from)
    };
    let Some(text) = environment.path_var(env_var::OPENCLAW_HOME) else {
        return absolute(&os_home().ok_or(Error::NoHome)?);
    };
    match (text.strip_prefix('~'), os_home()) {
        (Some(_), Some(os_home)) => expand(text, &os_home),
        (Some(_), None) => Err(Error::NoHome),
        (None, _) => absolute(Path::new(text)),
    }
}

fn profile(environment: &Environment, options: &HomeOptions) -> Result<Option<String>, Error> {
    let named = options
        .profile
        .as_deref()
        .or_else(|| environment.path_var(env_var::PROFILE));
    let Some(name) = named.or(options.dev.then_some("dev")) else {
        return Ok(None);
    };
    let name = name.trim();
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if name.is_empty() || name.len() > 64 || !name.bytes().all(allowed) {
        return Err(Error::InvalidProfile {
            name: name.to_owned(),
        });
    }
    Ok(Some(name.to_owned()))
}

fn state_dir(user_home: &Path, profile: Option<&str>) -> PathBuf {
    if let Some(profile) = profile.filter(|name| !name.eq_ignore_ascii_case("default")) {
        return user_home.join(format!("{STATE_FOLDER}-{profile}"));
    }
    let (current, legacy) = (
        user_home.join(STATE_FOLDER),
        user_home.join(LEGACY_STATE_FOLDER),
    );
    if !current.exists() && legacy.is_dir() {
        legacy
    } else {
        current
    }
}

fn config_path(state_dir: &Path) -> PathBuf {
    let (current, legacy) = (
        state_dir.join(CONFIG_FILE),
        state_dir.join(LEGACY_CONFIG_FILE),
    );
    // A dangling symbolic link is still the person's config file, so `exists` would be the wrong question.
    if current.symlink_metadata().is_err() && legacy.is_file() {
        legacy
    } else {
        current
    }
}

fn expand(text: &str, user_home: &Path) -> Result<PathBuf, Error> {
    match text.strip_prefix('~') {
        Some("") => Ok(user_home.to_owned()),
        Some(rest) if rest.starts_with(['/', '\\']) => {
            Ok(user_home.join(rest.trim_start_matches(['/', '\\'])))
        }
        _ => absolute(Path::new(text)),
    }
}

fn absolute(path: &Path) -> Result<PathBuf, Error> {
    std::path::absolute(path).map_err(Error::io("find", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(pairs: &[(&str, &str)], profile: Option<&str>, dev: bool) -> Result<Home, Error> {
        let options = HomeOptions {
            profile: profile.map(str::to_owned),
            dev,
        };
        Home::resolve(&Environment::from_pairs(pairs.iter().copied()), &options)
    }

    #[test]
    fn follows_the_variables() {
        type Pairs<'a> = &'a [(&'a str, &'a str)];
        let cases: [(Pairs<'_>, &str, &str); 8] = [
            (
                &[("HOME", "/h")],
                "/h/.openclaw",
                "/h/.openclaw/openclaw.json",
            ),
            (
                &[("USERPROFILE", "/u")],
                "/u/.openclaw",
                "/u/.openclaw/openclaw.json",
            ),
            (
                &[("HOME", "/h"), ("OPENCLAW_HOME", "/o")],
                "/o/.openclaw",
                "/o/.openclaw/openclaw.json",
            ),
            (
                &[("HOME", "/h"), ("OPENCLAW_HOME", "undefined")],
                "/h/.openclaw",
                "/h/.openclaw/openclaw.json",
            ),
            (
                &[("HOME", "/h"), ("OPENCLAW_HOME", "~/x")],
                "/h/x/.openclaw",
                "/h/x/.openclaw/openclaw.json",
            ),
            (
                &[("HOME", "/h"), ("OPENCLAW_STATE_DIR", "~/s")],
                "/h/s",
                "/h/s/openclaw.json",
            ),
            (
                &[("HOME", "/h"), ("OPENCLAW_CONFIG_PATH", "~/c.json")],
                "/h/.openclaw",
                "/h/c.json",
            ),
            (
                &[("HOME", "/h"), ("OPENCLAW_PROFILE", "work")],
                "/h/.openclaw-work",
                "/h/.openclaw-work/openclaw.json",
            ),
        ];
        for (pairs, state, config) in cases {
            let home = resolve(pairs, None, false).unwrap();
            assert_eq!(
                (home.state_dir(), home.config_path()),
                (Path::new(state), Path::new(config)),
                "{pairs:?}"
            );
        }
    }

    #[test]
    fn dev_has_its_own_folder_and_port() {
        let home = resolve(&[("HOME", "/h")], None, true).unwrap();
        assert_eq!(
            (home.state_dir(), home.default_port()),
            (Path::new("/h/.openclaw-dev"), 19001)
        );
        let plain = resolve(&[("HOME", "/h")], Some("default"), false).unwrap();
        assert_eq!(
            (plain.state_dir(), plain.default_port()),
            (Path::new("/h/.openclaw"), 18789)
        );
    }

    #[test]
    fn refuses_unsafe_profiles_and_no_home() {
        for bad in ["", "../x", "a b", "é", &"a".repeat(65)] {
            let error = resolve(&[("HOME", "/h")], Some(bad), false).unwrap_err();
            assert!(matches!(error, Error::InvalidProfile { .. }), "{bad}");
        }
        assert!(matches!(
            resolve(&[("HOME", " ")], None, false),
            Err(Error::NoHome)
        ));
    }

    #[test]
    fn uses_the_older_folder_and_file_only_when_alone() {
        let folder = tempfile::tempdir().unwrap();
        let home_text = folder.path().to_str().unwrap();
        let legacy = folder.path().join(".clawdbot");
        std::fs::create_dir(&legacy).unwrap();
        std::fs::write(legacy.join("clawdbot.json"), "{}").unwrap();
        let home = resolve(&[("HOME", home_text)], None, false).unwrap();
        assert_eq!(home.config_path(), legacy.join("clawdbot.json"));
        std::fs::create_dir(folder.path().join(".openclaw")).unwrap();
        let home = resolve(&[("HOME", home_text)], None, false).unwrap();
        assert_eq!(home.state_dir(), folder.path().join(".openclaw"));
    }

    #[test]
    fn shows_short_paths() {
        let home = resolve(&[("HOME", "/h")], None, false).unwrap();
        assert_eq!(
            home.display(home.config_path()),
            "~/.openclaw/openclaw.json"
        );
        assert_eq!(home.display(Path::new("/h")), "~");
        assert_eq!(home.display(Path::new("/hh/x")), "/hh/x");
        let home = resolve(&[("HOME", "/h"), ("OPENCLAW_HOME", "/o")], None, false).unwrap();
        assert_eq!(
            home.display(home.config_path()),
            "$OPENCLAW_HOME/.openclaw/openclaw.json"
        );
    }

    #[test]
    fn agent_folders() {
        let home = resolve(&[("HOME", "/h"), ("OPENCLAW_AGENT_DIR", "/a")], None, false).unwrap();
        assert_eq!(home.agent_dir(&AgentId::main()), Path::new("/a"));
        let other = AgentId::new("other").unwrap();
        assert_eq!(
            home.agent_dir(&other),
            Path::new("/h/.openclaw/agents/other/agent")
        );
    }
}
