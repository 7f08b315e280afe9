//! `models verify`: the catalog's claims against real answers.

use serde_json::{Value, json};

use crate::home::{Home, Ran};
use crate::onboard::studio::{Studio, onboard};

const STANDARD: &str =
    "--auth-choice qwen-standard-api-key --modelstudio-standard-api-key sk-emulator-standard-intl";
const CODING: &str = "--auth-choice qwen-api-key --modelstudio-api-key sk-sp-emulator-coding-intl";
const CACHE: &str = ".openclaw/cache/model-lists.json";

fn set_up(studio: &Studio, line: &str) -> Home {
    let home = studio.home();
    onboard(&home, line).expect_code(0);
    studio.emulator.reset();
    home
}

fn verify(home: &Home, arguments: &[&str]) -> Ran {
    home.run(&[&["models", "verify"], arguments].concat())
}

fn verdicts(found: &Value) -> Vec<(String, String)> {
    let text = |claim: &Value, name: &str| claim[name].as_str().unwrap().to_owned();
    let claims = found["claims"].as_array().unwrap().iter();
    claims
        .map(|claim| (text(claim, "claim"), text(claim, "verdict")))
        .collect()
}

fn chats(studio: &Studio) -> Vec<Value> {
    let mut requests = studio.emulator.requests();
    requests.retain(|request| {
        request["path"]
            .as_str()
            .unwrap()
            .ends_with("/chat/completions")
    });
    requests
}

#[test]
fn claims_that_hold_are_said_to() {
    let studio = Studio::start();
    let home = set_up(&studio, STANDARD);
    let ran = verify(&home, &["qwen/qwen3.5-plus", "--json"]).expect_code(0);
    let found = ran.json();
    let expected = ["answer", "tools", "thinking", "vision", "json"]
        .map(|claim| (claim.to_owned(), "holds".to_owned()));
    assert_eq!(verdicts(&found), expected, "{found}");
    assert_eq!(
        (&found["ok"], &found["recorded"]),
        (&json!(true), &json!(true))
    );
    assert!(
        found["spent"]["outputTokens"].as_u64().unwrap() > 0,
        "{found}"
    );
    assert!(!ran.stdout.contains("sk-emulator-standard-intl"));
    assert_eq!(chats(&studio).len(), 5);
}

#[test]
fn a_dry_run_shows_requests_and_their_bound_and_sends_nothing() {
    let studio = Studio::start();
    let home = set_up(&studio, STANDARD);
    let before = home.files();
    let plan = verify(&home, &["qwen/qwen3.5-plus", "--dry-run", "--json"])
        .expect_code(0)
        .json();
    assert_eq!(plan["requests"].as_array().unwrap().len(), 5);
    let sum: u64 = plan["requests"]
        .as_array()
        .unwrap()
        .iter()
        .map(|request| request["outputTokensMax"].as_u64().unwrap())
        .sum();
    assert_eq!(
        plan["costBound"],
        json!({"requests": 5, "outputTokens": sum})
    );
    let text = verify(&home, &["qwen/qwen3.5-plus", "--dry-run"])
        .expect_code(0)
        .stdout;
    assert!(
        text.contains("Nothing was sent") && text.contains("\"response_format\""),
        "{text}"
    );
    assert!(chats(&studio).is_empty());
    assert_eq!(home.files(), before);
    // What is sent stays within the bound.
    let spent = verify(&home, &["qwen/qwen3.5-plus", "--json"])
        .expect_code(0)
        .json();
    assert!(
        spent["spent"]["outputTokens"].as_u64().unwrap() <= sum,
        "{spent}"
    );
}

#[test]
fn a_claim_that_does_not_hold_is_named() {
    let studio = Studio::start();
    let home = set_up(&studio, STANDARD);
    let blind = json!({"times": 1});
    let refuse = json!({"times": 1, "status": 400, "code": "invalid_parameter_error", "message": "Unexpected item type in content."});
    // The answer, the tools and the thinking are as they are; the image is refused.
    studio
        .emulator
        .script(&json!({"rules": [blind, blind, blind, refuse]}))
        .unwrap();
    let ran = verify(&home, &["qwen/qwen3.5-plus"]).expect_code(1);
    assert!(
        ran.stdout
            .contains("vision    does not hold: invalid_parameter: Unexpected item type"),
        "{ran:?}"
    );
    assert!(ran.stdout.contains("json      holds"), "{ran:?}");
}

#[test]
fn an_answer_that_lacks_what_was_claimed_counts_as_broken() {
    let studio = Studio::start();
    let home = set_up(&studio, STANDARD);
    let plain = json!({"choices": [{"index": 0, "message": {"role": "assistant", "content": "no"}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}});
    studio.emulator.script(&json!({"rules": [{"match": {"path": "/chat/completions"}, "status": 200, "body": plain}]})).unwrap();
    let found = verify(&home, &["qwen/qwen3.5-plus", "--json"])
        .expect_code(1)
        .json();
    let broken: Vec<_> = verdicts(&found)
        .into_iter()
        .filter(|(_, verdict)| verdict == "does not hold")
        .map(|(claim, _)| claim)
        .collect();
    assert_eq!(broken, ["tools", "thinking", "json"], "{found}");
    assert_eq!(found["spent"], json!({"inputTokens": 5, "outputTokens": 5}));
}

#[test]
fn a_live_answer_beats_shipped_data_in_the_listing() {
    let studio = Studio::start();
    let home = set_up(&studio, CODING);
    let offered = |home: &Home| {
        home.run(&["models", "list", "--plain"])
            .expect_code(0)
            .stdout
    };
    assert!(!offered(&home).contains("qwen/qwen3.6-plus"));
    // As the host answers, so it is: first no, then yes.
    let denied = json!({"status": 403, "code": "AccessDenied.Unpurchased", "message": "Access to model denied."});
    studio.emulator.script(&json!({"rules": [denied]})).unwrap();
    let ran = verify(&home, &["qwen/qwen3.6-plus", "--json"]);
    assert_eq!(ran.code, 3, "{ran:?}");
    let refused = verdicts(&ran.json());
    assert_eq!(refused[0].1, "does not hold");
    assert!(
        refused[1..]
            .iter()
            .all(|(_, verdict)| verdict.contains("not asked")),
        "{refused:?}"
    );
    assert!(!offered(&home).contains("qwen/qwen3.6-plus"));
    let answer = json!({"choices": [{"index": 0, "message": {"role": "assistant", "content": "OK"}, "finish_reason": "stop"}]});
    studio.emulator.script(&json!({"rules": [{"match": {"path": "/chat/completions"}, "status": 200, "body": answer}]})).unwrap();
    verify(&home, &["qwen/qwen3.6-plus", "--json"]);
    assert!(offered(&home).contains("qwen/qwen3.6-plus"));
    assert!(!home.read(CACHE).contains("sk-sp-emulator-coding-intl"));
}

#[test]
fn trouble_that_is_not_the_models_is_not_kept() {
    let studio = Studio::start();
    let home = set_up(&studio, STANDARD);
    let throttled =
        json!({"status": 429, "code": "limit_requests", "message": "Requests rate limit exceeded"});
    studio
        .emulator
        .script(&json!({"rules": [throttled]}))
        .unwrap();
    let ran = verify(&home, &["qwen/qwen3.5-plus", "--json"]);
    assert_eq!(
        (ran.code, &ran.json()["recorded"]),
        (4, &json!(false)),
        "{ran:?}"
    );
    assert!(!home.at(CACHE).exists());
    let ran = verify(&Home::new(), &["qwen/qwen3.5-plus"]);
    assert_eq!(ran.code, 3, "{ran:?}");
    let ran = verify(&home, &["mars/x"]);
    assert_eq!(ran.code, 1, "{ran:?}");
}
