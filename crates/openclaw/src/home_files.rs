//! The files of a home that changes of configuration may write: what a transaction keeps, and what a backup holds.

use std::path::{Path, PathBuf};

use config::{BACKUPS_MAX, Home};
use credentials::ProfileStore;

use crate::retired::agents;

/// Returns the files that a change of config and credentials may write, there or not.
pub(crate) fn written(home: &Home) -> Vec<PathBuf> {
    let config = home.config_path();
    let mut files = vec![config.to_owned(), home.log_dir().join("config-audit.jsonl")];
    files.extend((0..BACKUPS_MAX).map(|age| backup(config, age)));
    for agent in agents(home) {
        let folder = home.agent_dir(&agent);
        files.push(ProfileStore::of_agent(home, &agent).path().to_owned());
        files.push(folder.join("auth-state.json"));
        files.push(folder.join("models.json"));
        let sessions = home.state_dir().join("agents").join(agent.as_str());
        files.push(sessions.join("sessions/sessions.json"));
    }
    files
}

/// Returns the files that are there and that a home cannot make again: config, credentials, session lists, variables.
pub(crate) fn kept(home: &Home) -> Vec<PathBuf> {
    let mut files = written(home);
    files.push(home.dotenv_path());
    files.push(home.state_dir().join("state/openclaw.sqlite"));
    files.push(home.state_dir().join("credentials/oauth.json"));
    for agent in agents(home) {
        files.extend(
            ["openclaw-agent.sqlite", "auth.json"].map(|name| home.agent_dir(&agent).join(name)),
        );
    }
    files.retain(|file| file.is_file());
    files
}

/// Returns the folders whose every file belongs to a change.
pub(crate) fn written_folders(home: &Home) -> Vec<PathBuf> {
    vec![home.config_history_dir()]
}

fn backup(config: &Path, age: usize) -> PathBuf {
    let mut name = config.as_os_str().to_owned();
    name.push(".bak");
    if age > 0 {
        name.push(format!(".{age}"));
    }
    PathBuf::from(name)
}
