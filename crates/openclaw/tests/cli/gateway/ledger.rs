//! What requests cost is written down for good, and trouble with that is never trouble for requests.

use serde_json::{Value, json};

use super::client::Ask;
use super::process::within;
use super::scene::{Scene, TOKEN, asking};

const LEDGER: &str = ".openclaw/state/ledger.sqlite";

fn usage(scene: &Scene, arguments: &[&str]) -> Value {
    let all = [&["usage", "--json"], arguments].concat();
    scene.gateway.home.run(&all).expect_code(0).json()
}

#[test]
fn usage_outlives_the_gateway() {
    let mut scene = Scene::answering();
    assert_eq!(usage(&scene, &[])["rows"], json!([]));
    assert!(!scene.gateway.home.at(LEDGER).exists());
    scene.chat(&asking(false));
    scene.chat(&asking(true));
    scene.stub.now(|_, wire| wire.json(400, &json!({})));
    scene.chat(&asking(false));
    // What is still in memory is written at the end.
    scene.gateway.restart();
    let expected = json!({
        "requests": 3, "failed": 1, "withoutUsage": 0, "inputTokens": 22, "outputTokens": 14, "cachedTokens": 10,
        "cacheWriteTokens": 0, "reasoningTokens": 6, "cost": null, "requestsOfUnknownCost": 3,
    });
    for (by, key) in [
        ("model", "stub/m"),
        ("caller", "operator"),
        ("host", "127.0.0.1"),
    ] {
        let mut usage = usage(&scene, &["--by", by]);
        let row = usage["rows"][0].as_object_mut().expect("a row");
        assert!(row.remove("averageMs").is_some());
        assert!(row.remove("averageFirstByteMs").is_some());
        assert_eq!(row.remove(by), Some(json!(key)));
        assert_eq!(usage["rows"], json!([expected]), "{by}");
    }
    for by in ["hour", "day"] {
        let usage = usage(&scene, &["--by", by, "--since", "2d"]);
        assert_eq!(usage["total"]["requests"], 3, "{by}");
    }
    let home = &scene.gateway.home;
    let before = home.files();
    let shown = home.run(&["usage"]).expect_code(0).stdout;
    assert!(
        shown.contains("22 in, 14 out, 3 requests (1 failed), cost unknown"),
        "{shown}"
    );
    assert_eq!(home.files(), before, "looking changed something");
    scene.finish();
}

#[test]
fn a_broken_ledger_is_told_and_breaks_no_request() {
    let scene = Scene::answering();
    scene
        .gateway
        .home
        .write(LEDGER, &"this is no database ".repeat(100));
    assert_eq!(scene.chat(&asking(false)).status, 200);
    let status = || {
        let ask = Ask::new("GET", "/openclaw/status").token(TOKEN);
        let status = scene.gateway.ask(&ask).json();
        status["ledger"]["problem"].as_str().map(str::to_owned)
    };
    let problem = within(status, "the status tells of no problem");
    assert!(problem.contains("ledger.sqlite"), "{problem}");
    assert_eq!(scene.chat(&asking(true)).status, 200);
    let refused = scene.gateway.home.run(&["usage"]).expect_code(1);
    assert!(
        refused.stderr.contains("ledger.sqlite"),
        "{}",
        refused.stderr
    );
    let ended = scene.finish();
    let mut told = ended.lines();
    told.retain(|line| line["subsystem"] == "gateway/ledger");
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0]["level"], "error");
}

#[test]
fn a_time_that_cannot_be_read_is_refused() {
    let scene = Scene::answering();
    let refused = scene
        .gateway
        .home
        .run(&["usage", "--since", "lately"])
        .expect_code(1);
    assert!(
        refused.stderr.contains("`12h`, `7d`, `4w`"),
        "{}",
        refused.stderr
    );
    scene.finish();
}
