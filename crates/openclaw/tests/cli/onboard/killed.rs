//! `kill -9` at any moment: each file is the old one or the new one, and the next run is not held up.

use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::studio::{Studio, config, onboard, profiles};
use crate::home::Home;
use crate::random::fraction;

const RUNS: usize = 60;
const CODING: &str = "sk-sp-emulator-coding-intl";
const STANDARD: &str = "sk-emulator-standard-intl";
const OLD: &str = "{ // mine\n  gateway: { mode: 'local', auth: { mode: 'token', token: 'tok-1234567890' } },\n}\n";

#[test]
fn killed_onboarding_leaves_the_old_or_the_new_state() {
    let studio = Studio::start();
    let home = studio.home();
    let started = Instant::now();
    onboard(&home, &format!("--modelstudio-api-key {CODING}")).expect_code(0);
    let whole = started.elapsed();
    let mut seen = Seen::default();
    for run in 0..RUNS {
        let home = studio.home();
        if run % 2 == 1 {
            home.write(".openclaw/openclaw.json", OLD);
        }
        kill_after(&home, whole.mul_f64(fraction()));
        seen.look(&home, run % 2 == 1);
        let again =
            onboard(&home, &format!("--modelstudio-standard-api-key {STANDARD}")).expect_code(0);
        assert_eq!(
            profiles(&home)["qwen:default"]["key"],
            STANDARD,
            "{again:?}"
        );
    }
    assert!(
        seen.old > 0,
        "the kills came too late to show anything: {seen:?}"
    );
}

/// What the kills left behind.
#[derive(Debug, Default)]
struct Seen {
    old: usize,
    profile_only: usize,
    new: usize,
}

impl Seen {
    fn look(&mut self, home: &Home, had_config: bool) {
        let store = home.at(".openclaw/agents/main/agent/auth-profiles.json");
        let has_profile = store.exists();
        if has_profile {
            assert_eq!(profiles(home)["qwen:default"]["key"], CODING);
        }
        let file = home.at(".openclaw/openclaw.json");
        let text = file.exists().then(|| home.read(".openclaw/openclaw.json"));
        let is_old = match &text {
            None => !had_config,
            Some(text) => had_config && text == OLD,
        };
        if is_old {
            self.old += usize::from(!has_profile);
            self.profile_only += usize::from(has_profile);
            return;
        }
        assert!(has_profile, "a config without its key: {text:?}");
        let validated = home.run(&["config", "validate", "--json"]).expect_code(0);
        assert_eq!(validated.json()["valid"], true, "{text:?}");
        let value: Value = if had_config {
            home.run(&["config", "get", "models", "--json"])
                .expect_code(0)
                .json()
        } else {
            config(home)["models"].take()
        };
        assert_eq!(
            value["providers"]["qwen"]["models"]
                .as_array()
                .unwrap()
                .len(),
            9,
            "{text:?}"
        );
        self.new += 1;
    }
}

fn kill_after(home: &Home, delay: Duration) {
    let mut child = home
        .command(&[
            "onboard",
            "--non-interactive",
            "--modelstudio-api-key",
            CODING,
        ])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // Not to wait for anything: the random moment is what is tested.
    thread::sleep(delay);
    let _ = child.kill();
    child.wait().unwrap();
}
