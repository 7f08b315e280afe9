//! `models auth`: credentials listed, explained, stored, removed, and made by a login.

use serde_json::Value;

use crate::home::{Home, Ran};

#[path = "models_auth/explain.rs"]
mod explain;
#[path = "models_auth/login.rs"]
mod login;
#[path = "models_auth/logout.rs"]
mod logout;
#[path = "models_auth/order.rs"]
mod order;
#[path = "models_auth/paste.rs"]
mod paste;
#[path = "models_auth/references.rs"]
mod references;

#[cfg(unix)]
#[path = "models_auth/at_a_terminal.rs"]
mod at_a_terminal;
#[cfg(unix)]
#[path = "models_auth/bad_stores.rs"]
mod bad_stores;

/// The store of the agent `main`.
const STORE: &str = ".openclaw/agents/main/agent/auth-profiles.json";
/// The config.
const CONFIG: &str = ".openclaw/openclaw.json";

/// Runs `models auth` with these words.
fn auth(home: &Home, words: &[&str]) -> Ran {
    home.run(&[&["models", "auth"], words].concat())
}

/// Stores a secret under a profile name.
#[track_caller]
fn paste(home: &Home, kind: &str, profile: &str, secret: &str) -> Ran {
    let provider = profile.split(':').next().unwrap();
    let words = [
        "models",
        "auth",
        kind,
        "--provider",
        provider,
        "--profile-id",
        profile,
    ];
    home.run_with_input(&words, secret).expect_code(0)
}

/// Reads a JSON file of the home.
fn json_of(home: &Home, file: &str) -> Value {
    serde_json::from_str(&home.read(file)).unwrap()
}

/// Returns the names of the stored profiles.
fn stored(home: &Home) -> Vec<String> {
    let store = json_of(home, STORE);
    store["profiles"]
        .as_object()
        .unwrap()
        .keys()
        .cloned()
        .collect()
}
