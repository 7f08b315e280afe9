//! Jobs whose processes are killed at random instants: none is lost, none is submitted twice.

use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use super::{TOKEN, assert_once_and_whole, jobs, standard};
use crate::gateway::client::Ask;
use crate::gateway::process::Gateway;
use crate::home::Home;
use crate::onboard::studio::Studio;
use crate::random::fraction;

/// Jobs made by commands, each of which is killed.
const COMMANDS: usize = 12;
/// Jobs made through a gateway that is killed again and again.
const SERVED: usize = 40;
/// How often the gateway is killed.
const KILLS: usize = 6;
/// Longest wait for all jobs to end.
const WAIT: Duration = Duration::from_mins(2);

fn spawn(home: &Home, arguments: &[&str]) -> Child {
    let mut command = home.command(arguments);
    command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn commands_that_are_killed_lose_nothing_and_submit_once() {
    let studio = Studio::start();
    let home = standard(&studio);
    // Links die before anybody who was killed could come back: a new one has to be asked for.
    studio
        .emulator
        .configure_tasks(&json!({"link_ttl_ms": 40}))
        .unwrap();
    for number in 0..COMMANDS {
        let prompt = format!("killed {number}");
        let mut child = spawn(&home, &["infer", "video", "generate", "--prompt", &prompt]);
        thread::sleep(Duration::from_secs_f64(0.6 * fraction()));
        let _ = child.kill();
        child.wait().unwrap();
    }
    studio
        .emulator
        .configure_tasks(&json!({"link_ttl_ms": 60_000}))
        .unwrap();
    let open: Vec<String> = jobs(&home)
        .iter()
        .map(|job| job["id"].as_str().unwrap().to_owned())
        .collect();
    for id in &open {
        home.run(&["tasks", "watch", id]).expect_code(0);
    }
    assert_once_and_whole(&studio, &jobs(&home));
}

#[test]
fn a_gateway_that_is_killed_loses_nothing_and_submits_once() {
    let studio = Studio::start();
    let mut gateway = Gateway::start(standard(&studio), &[]);
    for number in 0..SERVED {
        let body =
            json!({"prompt": format!("served {number}"), "model": "qwen/wan2.6-t2v"}).to_string();
        let ask = Ask::new("POST", "/v1/videos")
            .token(TOKEN)
            .header("Content-Type", "application/json");
        assert_eq!(gateway.ask(&ask.body(body.as_bytes())).status, 200);
    }
    for _ in 0..KILLS {
        thread::sleep(Duration::from_secs_f64(0.9 * fraction()));
        gateway = gateway.killed_and_restarted();
    }
    let until = Instant::now() + WAIT;
    let done = loop {
        let done = jobs(&gateway.home);
        if done.iter().all(|job| job["state"] == "stored") {
            break done;
        }
        assert!(Instant::now() < until, "{done:?}");
        thread::sleep(Duration::from_millis(100));
    };
    assert_eq!(done.len(), SERVED);
    assert_once_and_whole(&studio, &done);
}
