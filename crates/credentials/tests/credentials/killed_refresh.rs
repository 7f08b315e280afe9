//! A process that dies in the middle of a refresh: at every step, for real (abort, which runs no destructor) and as a
//! panic of the task.

use std::fs;
use std::path::Path;
use std::process::Command;

use config::{Environment, Home, HomeOptions};
use credentials::oauth::{RefreshError, RefreshStep};
use serde_json::Value;

use super::identity_server::{
    DEFAULT, IdentityServer, START_MS, home_with_ended_login, main_agent, on_disk, profile,
    store_with,
};

/// How often a process is killed at each step, usually.
const KILLS_PER_STEP: usize = 6;

/// How often when there is time: three hundred kills in all.
const KILLS_PER_STEP_THOROUGH: usize = 60;

/// The file in which the server's generation outlives the killed process.
const SERVER_FILE: &str = "identity-server.json";

/// The file that tells the child at which step to die.
const STEP_FILE: &str = "step";

/// Not a test: the process that is killed. It works in the folder in which it is started.
#[test]
#[ignore = "started by the test below"]
fn child_that_dies() {
    let folder = std::env::current_dir().unwrap();
    let Ok(step) = fs::read_to_string(folder.join(STEP_FILE)) else {
        return;
    };
    let home = home_in(&folder);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_time()
        .build()
        .unwrap();
    runtime.block_on(async {
        let server = IdentityServer::new(3600).with_grace();
        let server = server.kept_in(folder.join(SERVER_FILE));
        let refresher = server.refresher(&home).with_step_hook(move |at| {
            if format!("{at:?}") == step {
                std::process::abort();
            }
        });
        let _ = refresher.access(&main_agent(), &profile(DEFAULT)).await;
    });
}

fn home_in(folder: &Path) -> Home {
    let environment = Environment::from_pairs([("HOME", folder.to_str().unwrap())]);
    Home::resolve(&environment, &HomeOptions::default()).unwrap()
}

/// Starts a process on the home and lets it die at the step.
fn die_at(folder: &Path, step: RefreshStep) {
    fs::write(folder.join(STEP_FILE), format!("{step:?}")).unwrap();
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "credentials::killed_refresh::child_that_dies"])
        .args(["--ignored", "--quiet"])
        .current_dir(folder)
        .output()
        .unwrap()
        .status;
    assert!(!status.success(), "it has died at {step:?}");
}

#[tokio::test]
async fn no_login_is_lost_when_a_process_is_killed_at_any_step() {
    kill_at_every_step(KILLS_PER_STEP).await;
}

#[tokio::test]
#[ignore = "takes long; run it after a change of the refresh"]
async fn no_login_is_lost_in_three_hundred_kills() {
    kill_at_every_step(KILLS_PER_STEP_THOROUGH).await;
}

async fn kill_at_every_step(n_kills: usize) {
    for step in RefreshStep::ALL {
        let home = home_with_ended_login();
        let file = home.path().join(SERVER_FILE);
        for kill in 0..n_kills {
            let before = generation(&file);
            die_at(home.path(), step);
            assert!(generation(&file) <= before + 1, "one rotation at most");
            let (_, refresh, _) = on_disk(&home, DEFAULT);
            assert!(refresh.starts_with("rt-"), "the store parses");
            leave_litter(home.path());
            let server = IdentityServer::new(3600).with_grace().kept_in(file.clone());
            let refresher = server.refresher(&home.home);
            let access = refresher.access(&main_agent(), &profile(DEFAULT)).await;
            let access = access.unwrap_or_else(|error| panic!("{step:?}, kill {kill}: {error}"));
            // What was found in the record is brought into the store beside.
            assert!(refresher.close().await);
            let newest = format!("at-{}", server.generation());
            assert_eq!(access.token.expose(), newest, "{step:?}, kill {kill}");
            assert_eq!(on_disk(&home, DEFAULT).0, newest, "{step:?}, kill {kill}");
            let wasted = usize::from(step <= RefreshStep::AfterResponse);
            assert_eq!(server.n_calls(), wasted, "{step:?}: the answer was kept");
            end_the_token(&home, server.generation());
        }
    }
}

fn generation(file: &Path) -> u64 {
    let text = fs::read_to_string(file).unwrap_or_else(|_| r#"{"generation":0}"#.to_owned());
    let value: Value = serde_json::from_str(&text).unwrap();
    value["generation"].as_u64().unwrap()
}

/// Puts beside the store what a process leaves that is killed before its rename.
fn leave_litter(folder: &Path) {
    let agent = folder.join(".openclaw/agents/main/agent");
    fs::write(agent.join(".auth-profiles.json.x1.tmp"), "{\"versi").unwrap();
}

/// Lets the token end, in the store and in the record, as time would.
fn end_the_token(home: &super::test_home::TestHome, generation: u64) {
    let store = store_with(DEFAULT, generation, START_MS - 1);
    fs::write(home.store_path(), store).unwrap();
    let records = home.home.agent_dir(&main_agent()).join("oauth-refresh");
    for entry in fs::read_dir(records).unwrap() {
        fs::remove_file(entry.unwrap().path()).unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_that_panics_at_any_step_harms_nobody() {
    for step in RefreshStep::ALL {
        let server = IdentityServer::new(3600).with_grace();
        let home = home_with_ended_login();
        let refresher = server.refresher(&home.home).with_step_hook(move |at| {
            assert_ne!(at, step, "the task dies here");
        });
        let result = refresher.access(&main_agent(), &profile(DEFAULT)).await;
        assert!(
            matches!(result, Err(RefreshError::CutOff { .. })),
            "{step:?}: {result:?}"
        );
        let next = server.refresher(&home.home);
        let access = next.access(&main_agent(), &profile(DEFAULT)).await;
        let newest = format!("at-{}", server.generation());
        assert_eq!(access.unwrap().token.expose(), newest, "{step:?}");
        assert!(next.close().await);
        let (access, refresh, _) = on_disk(&home, DEFAULT);
        assert_eq!(
            (&access, refresh.replace("rt", "at")),
            (&newest, access.clone())
        );
        assert!(server.n_calls() <= 2, "{step:?}");
    }
}
