//! `auth-state.json`: one entry at a time, and nothing else is touched.

use std::fs;

use config::{ProfileId, ProviderId};
use credentials::{ProfileState, Usage, UsageFile};
use serde_json::{Value, json};

use super::identity_server::{DEFAULT, START_MS, home_with, main_agent, profile};
use super::test_home::TestHome;

fn file(home: &TestHome) -> UsageFile {
    UsageFile::of_agent(&home.home, &main_agent())
}

fn content(file: &UsageFile) -> Value {
    serde_json::from_str(&fs::read_to_string(file.path()).unwrap()).unwrap()
}

#[test]
fn a_statistic_is_written_where_the_original_reads_it() {
    let home = home_with(DEFAULT, 0, START_MS);
    let file = file(&home);
    let usage = Usage {
        last_used_ms: Some(5),
        error_count: 2,
        failure_counts: [("rate_limit".to_owned(), 2)].into(),
        last_failure_ms: Some(4),
        cooldown_until_ms: Some(9),
        cooldown_reason: Some("rate_limit".to_owned()),
        cooldown_model: Some("qwen3.5-plus".to_owned()),
        ..Usage::default()
    };
    file.record(&[(profile(DEFAULT), usage.clone())]).unwrap();
    let expected = json!({"version": 1, "usageStats": {DEFAULT: {
        "lastUsed": 5, "errorCount": 2, "failureCounts": {"rate_limit": 2}, "lastFailureAt": 4,
        "cooldownUntil": 9, "cooldownReason": "rate_limit", "cooldownModel": "qwen3.5-plus",
    }}});
    assert_eq!(content(&file), expected);
    let (state, warning) = ProfileState::load(file.path());
    assert_eq!((state.usage.get(DEFAULT), warning), (Some(&usage), None));
}

#[test]
fn what_is_not_ours_stays() {
    let home = home_with(DEFAULT, 0, START_MS);
    let before = json!({"version": 1, "other": [1], "order": {"x": ["x:1"]}, "usageStats": {
        "x:1": {"lastUsed": 1},
        DEFAULT: {"lastProbeAt": 3, "cooldownUntil": 9, "errorCount": 7},
    }});
    home.put_agent("main", "auth-state.json", &before.to_string());
    let file = file(&home);
    file.record(&[(profile(DEFAULT), Usage::default())])
        .unwrap();
    let provider = ProviderId::new("qwen-portal").unwrap();
    file.record_good(&provider, &profile(DEFAULT)).unwrap();
    let order: [ProfileId; 2] = [profile("b:1"), profile("a:1")];
    file.set_order(&provider, Some(&order)).unwrap();
    let expected = json!({"version": 1, "other": [1],
        "order": {"x": ["x:1"], "qwen-portal": ["b:1", "a:1"]},
        "usageStats": {"x:1": {"lastUsed": 1}, DEFAULT: {"lastProbeAt": 3, "errorCount": 0}},
        "lastGood": {"qwen-portal": DEFAULT},
    });
    assert_eq!(content(&file), expected);
    file.set_order(&provider, None).unwrap();
    assert_eq!(content(&file)["order"], json!({"x": ["x:1"]}));
}

#[test]
fn a_broken_file_is_left_alone() {
    let home = home_with(DEFAULT, 0, START_MS);
    home.put_agent("main", "auth-state.json", "{");
    let file = file(&home);
    let result = file.record(&[(profile(DEFAULT), Usage::default())]);
    assert!(result.is_err());
    assert_eq!(fs::read_to_string(file.path()).unwrap(), "{");
}
