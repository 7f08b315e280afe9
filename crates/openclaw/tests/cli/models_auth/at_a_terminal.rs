//! What only a person at a terminal sees: a key that is not shown while it is typed, a QR code, a countdown.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{STORE, json_of, stored};
use crate::home::Home;
use crate::onboard::studio::Studio;
use crate::terminal::Terminal;

const KEY: &str = "sk-0123456789abcdef3f2a";
const ENTER: &str = "\r";
const ESC: &str = "\u{1b}";

/// Chooses `qwen` and the suggested profile.
fn choose_qwen(terminal: &mut Terminal) {
    terminal.until("Provider:");
    terminal.enter("qwen");
    terminal.enter(ENTER);
    terminal.until("Profile:");
    terminal.enter(ENTER);
    terminal.until("only stars are shown");
}

#[test]
fn a_key_is_typed_without_being_shown() {
    let home = Home::new();
    let mut terminal = Terminal::start(&home, &["models", "auth", "add"]);
    choose_qwen(&mut terminal);
    terminal.enter(KEY);
    terminal.until(&"*".repeat(KEY.len()));
    terminal.enter(ENTER);
    let (code, shown) = terminal.end();
    assert_eq!(code, Some(0), "{shown:?}");
    assert!(
        !shown.contains(KEY) && !shown.contains(&KEY[3..9]),
        "{shown:?}"
    );
    assert!(shown.contains("sk-…3f2a"), "{shown:?}");
    let entry: Value = json_of(&home, STORE)["profiles"]["qwen:default"].clone();
    assert_eq!(
        (&entry["type"], &entry["key"]),
        (&json!("api_key"), &json!(KEY))
    );
}

#[test]
fn a_text_that_is_no_key_is_asked_for_again() {
    let home = Home::new();
    let mut terminal = Terminal::start(&home, &["models", "auth", "add"]);
    choose_qwen(&mut terminal);
    terminal.enter("sk-with a blank inside");
    terminal.enter(ENTER);
    terminal.until("warning");
    terminal.enter(KEY);
    terminal.enter(ENTER);
    let (code, shown) = terminal.end();
    assert_eq!(code, Some(0), "{shown:?}");
    assert_eq!(stored(&home), ["qwen:default"]);
}

#[test]
fn who_leaves_the_question_leaves_nothing_behind() {
    let home = Home::new();
    let mut terminal = Terminal::start(&home, &["models", "auth", "add"]);
    choose_qwen(&mut terminal);
    terminal.enter("sk-half");
    terminal.until("*******");
    terminal.enter(ESC);
    let (code, shown) = terminal.end();
    assert_eq!(code, Some(1), "{shown:?}");
    assert!(home.files().is_empty(), "{:?}", home.files().keys());
}

#[test]
fn a_login_shows_a_picture_for_the_phone_and_the_time_that_is_left() {
    let studio = Studio::start();
    let home = studio.home();
    home.run(&["plugins", "enable", "qwen-portal-auth"])
        .expect_code(0);
    let settings = json!({"interval_s": 1});
    studio.emulator.oauth().configure(&settings).unwrap();
    let login = [
        "models",
        "auth",
        "login",
        "--provider",
        "qwen-portal",
        "--no-browser",
    ];
    let terminal = Terminal::start(&home, &login);
    terminal.until_shown("countdown", |shown| {
        let times = shown.split("Waiting for approval, ").skip(1);
        let times: BTreeSet<&str> = times.filter_map(|rest| rest.get(..5)).collect();
        times.len() >= 2
    });
    let shown = terminal.shown();
    let code = shown
        .lines()
        .find_map(|line| line.strip_prefix("Code    "))
        .unwrap();
    studio.emulator.oauth().approve(code.trim()).unwrap();
    let (code, shown) = terminal.end();
    assert_eq!(code, Some(0), "{shown:?}");
    let dark_rows = shown
        .lines()
        .filter(|line| line.contains('█') || line.contains('▄'));
    assert!(dark_rows.count() >= 12, "a QR code: {shown:?}");
    assert_eq!(stored(&home), ["qwen-portal:default"]);
}
