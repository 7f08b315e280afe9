//! Temporary homes for the program that is measured. Their keys are made up.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;
use serde_json::{Value, json};
use tempfile::TempDir;

/// Key the clients of a measured gateway send.
pub(super) const CLIENT_KEY: &str = "sk-client";
/// Key the mock upstream accepts.
pub(super) const UPSTREAM_KEY: &str = "sk-upstream";
/// Model the mock upstream offers, and the name clients use for it.
pub(super) const UPSTREAM_MODEL: &str = "mock-up";
pub(super) const MODEL_ALIAS: &str = "mock-alias";

/// A home folder with a state folder in it; deleted when dropped.
pub(super) struct Home {
    folder: TempDir,
}

impl Home {
    /// The home of somebody who has onboarded with a standard Qwen key: nine models, one profile.
    ///
    /// # Errors
    /// The temporary folder cannot be written.
    pub(super) fn with_qwen(port: u16) -> anyhow::Result<Self> {
        let home = Self::with_config(&qwen_config(port))?;
        let profile =
            json!({"type": "api_key", "provider": "qwen", "key": "sk-made-up-for-measuring"});
        let profiles = json!({"version": 1, "profiles": {"qwen:default": profile}});
        home.write("agents/main/agent/auth-profiles.json", &profiles)?;
        let state = json!({"version": 1, "lastGood": {"qwen": "qwen:default"}});
        home.write("agents/main/agent/auth-state.json", &state)?;
        Ok(home)
    }

    /// A home whose gateway serves the mock upstream under an alias.
    ///
    /// # Errors
    /// The temporary folder cannot be written.
    pub(super) fn with_mock(port: u16, upstream_port: u16) -> anyhow::Result<Self> {
        let model = json!({
            "id": UPSTREAM_MODEL,
            "name": UPSTREAM_MODEL,
            "compat": {"supportsUsageInStreaming": true},
        });
        let provider = json!({
            "baseUrl": format!("http://127.0.0.1:{upstream_port}/v1"),
            "apiKey": UPSTREAM_KEY,
            "api": "openai-completions",
            "models": [model],
        });
        let reference = format!("mock/{UPSTREAM_MODEL}");
        Self::with_config(&json!({
            "models": {"mode": "merge", "providers": {"mock": provider}},
            "agents": {"defaults": {
                "model": {"primary": reference},
                "models": {reference: {"alias": MODEL_ALIAS}},
            }},
            "gateway": gateway(port),
        }))
    }

    /// A command that finds this home and nothing of the person who measures.
    pub(super) fn settle<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin");
        self.add_to(command)
    }

    /// Points a command whose environment is clean at this home.
    pub(super) fn add_to<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.env("HOME", self.folder.path());
        command.env("OPENCLAW_STATE_DIR", self.state());
        command.current_dir(self.folder.path())
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    fn state(&self) -> PathBuf {
        self.folder.path().join(".openclaw")
    }

    fn with_config(config: &Value) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir().context("creating a temporary home")?;
        let home = Self { folder };
        home.write("openclaw.json", config)?;
        fs::set_permissions(home.state(), Permissions::from_mode(0o700))?;
        Ok(home)
    }

    fn write(&self, name: &str, value: &Value) -> anyhow::Result<()> {
        let path = self.state().join(name);
        let folder = path.parent().context("a file without a folder")?;
        fs::create_dir_all(folder).context("creating a folder of the home")?;
        fs::write(&path, serde_json::to_string_pretty(value)?).context("writing a home")?;
        fs::set_permissions(&path, Permissions::from_mode(0o600)).context("writing a home")
    }
}

fn gateway(port: u16) -> Value {
    json!({
        "mode": "local",
        "port": port,
        "bind": "loopback",
        "auth": {"mode": "token", "token": CLIENT_KEY},
        "http": {"endpoints": {"chatCompletions": {"enabled": true}}},
    })
}

/// Model ids with reasoning, image input, context window and output limit, in tokens.
const QWEN_MODELS: [(&str, bool, bool, u32, u32); 9] = [
    ("qwen3.5-plus", false, true, 1_000_000, 65_536),
    ("qwen3.6-plus", false, true, 1_000_000, 65_536),
    ("qwen3-max-2026-01-23", false, false, 262_144, 65_536),
    ("qwen3-coder-next", false, false, 262_144, 65_536),
    ("qwen3-coder-plus", false, false, 1_000_000, 65_536),
    ("MiniMax-M2.5", true, false, 1_000_000, 65_536),
    ("glm-5", false, false, 202_752, 16_384),
    ("glm-4.7", false, false, 202_752, 16_384),
    ("kimi-k2.5", false, true, 262_144, 32_768),
];

fn qwen_config(port: u16) -> Value {
    let rows = QWEN_MODELS.map(|(id, reasoning, sees, context_window, max_tokens)| {
        json!({
            "id": id,
            "name": id,
            "reasoning": reasoning,
            "input": if sees { json!(["text", "image"]) } else { json!(["text"]) },
            "cost": {"input": 0, "output": 0, "cacheRead": 0, "cacheWrite": 0},
            "contextWindow": context_window,
            "maxTokens": max_tokens,
        })
    });
    let mut listed = serde_json::Map::new();
    for (id, ..) in QWEN_MODELS {
        listed.insert(format!("qwen/{id}"), json!({}));
    }
    listed.insert("qwen/qwen3.5-plus".to_owned(), json!({"alias": "Qwen"}));
    json!({
        "agents": {"defaults": {
            "models": listed,
            "model": {"primary": "qwen/qwen3.5-plus"},
        }},
        "gateway": gateway(port),
        "session": {"dmScope": "per-channel-peer"},
        "tools": {"profile": "coding"},
        "plugins": {"entries": {"qwen": {"enabled": true}}},
        "auth": {"profiles": {"qwen:default": {"provider": "qwen", "mode": "api_key"}}},
        "models": {"mode": "merge", "providers": {"qwen": {
            "baseUrl": "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
            "api": "openai-completions",
            "models": rows,
        }}},
        "skills": {"install": {"nodeManager": "npm"}},
        "meta": {"lastTouchedVersion": "2026.5.20"},
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_home_is_private_and_complete() {
        let home = Home::with_qwen(1).unwrap();
        let config = fs::read_to_string(home.state().join("openclaw.json")).unwrap();
        let config: Value = serde_json::from_str(&config).unwrap();
        let rows = config.pointer("/models/providers/qwen/models").unwrap();
        assert_eq!(rows.as_array().unwrap().len(), 9);
        let secret = home.state().join("agents/main/agent/auth-profiles.json");
        let mode = fs::metadata(secret).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
