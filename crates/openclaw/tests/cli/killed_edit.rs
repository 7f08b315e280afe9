//! `kill -9` in the middle of `config set`: the file is the old one or the new one, never a mixture.

use std::collections::BTreeSet;
use std::process::Stdio;
use std::thread;
use std::time::Instant;

use crate::home::Home;
use crate::random::fraction;

/// With the kills during onboarding: 200.
const RUNS: usize = 140;
const OLD: &str = "{ // keep me\n  gateway: { mode: 'local', port: 18789 },\n}\n";

#[test]
fn a_killed_edit_leaves_the_old_or_the_new_file() {
    let home = Home::new();
    home.write(".openclaw/openclaw.json", OLD);
    let started = Instant::now();
    home.run(&["config", "set", "gateway.port", "18790"])
        .expect_code(0);
    let (whole, new) = (started.elapsed(), home.read(".openclaw/openclaw.json"));
    assert_eq!(new, OLD.replace("18789", "18790"));
    let mut seen = BTreeSet::new();
    for _ in 0..RUNS {
        home.write(".openclaw/openclaw.json", OLD);
        let mut child = home
            .command(&["config", "set", "gateway.port", "18790"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // Not to wait for anything: the random moment is what is tested.
        thread::sleep(whole.mul_f64(fraction()));
        let _ = child.kill();
        child.wait().unwrap();
        let text = home.read(".openclaw/openclaw.json");
        assert!(text == OLD || text == new, "a mixture: {text:?}");
        seen.insert(text);
    }
    assert!(
        seen.contains(OLD),
        "the kills came too late to show anything"
    );
    // Whatever the last kill left behind does not hold up the next run.
    home.run(&["config", "set", "gateway.port", "18791"])
        .expect_code(0);
    let left: Vec<_> = home
        .files()
        .into_keys()
        .filter(|path| path.to_string_lossy().contains(".tmp"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}
