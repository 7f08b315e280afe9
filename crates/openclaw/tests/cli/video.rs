//! Videos: made, refused, cancelled, killed, and served.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::home::Home;
use crate::onboard::studio::Studio;

#[path = "video/commands.rs"]
mod commands;
#[path = "video/killed.rs"]
mod killed;
#[path = "video/served.rs"]
mod served;

/// The token of gateways in front of the emulator.
const TOKEN: &str = "canary-of-the-gateway-81d3";

/// Returns a home with a key, whose runs reach the emulator; its tasks take no time worth waiting for.
fn home(studio: &Studio, key: &str, base_url: &str) -> Home {
    let quick = json!({"pending_ms": 50, "running_ms": 150});
    studio.emulator.configure_tasks(&quick).unwrap();
    studio.reached_by(Home::with_config(&json!({
        "gateway": {"mode": "local", "auth": {"mode": "token", "token": TOKEN}},
        "models": {"providers": {"qwen": {
            "baseUrl": base_url, "apiKey": key, "api": "openai-completions", "models": [],
        }}},
    })))
}

fn standard(studio: &Studio) -> Home {
    let base_url = "https://dashscope-intl.aliyuncs.com/compatible-mode/v1";
    home(studio, "sk-emulator-standard-intl", base_url)
}

fn submitted(studio: &Studio) -> u64 {
    studio.emulator.tasks()["n_submitted"].as_u64().unwrap()
}

/// Checks that the emulator took each prompt once, and that each file is the one it made.
#[track_caller]
fn assert_once_and_whole(studio: &Studio, jobs: &[Value]) {
    let tasks = studio.emulator.tasks();
    let tasks = tasks["tasks"].as_array().unwrap();
    assert_eq!(tasks.len(), jobs.len(), "submissions");
    for job in jobs {
        let is_its = |task: &&Value| task["task_id"] == job["taskId"];
        let task = tasks
            .iter()
            .find(is_its)
            .unwrap_or_else(|| panic!("no task: {job}"));
        assert_eq!(task["prompt"], job["prompt"]);
        assert_eq!(task["sha256"], job["sha256"], "{job}");
        let file = std::fs::read(job["path"].as_str().unwrap()).unwrap();
        let digest = Sha256::digest(&file);
        let sha256 = digest
            .iter()
            .fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
        assert_eq!(job["sha256"], sha256.as_str());
    }
}

/// Returns all jobs of a home.
fn jobs(home: &Home) -> Vec<Value> {
    let listed = home
        .run(&["tasks", "list", "--limit", "1000", "--json"])
        .expect_code(0);
    listed.json()["tasks"].as_array().unwrap().clone()
}
