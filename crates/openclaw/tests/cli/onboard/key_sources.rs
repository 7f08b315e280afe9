//! Where the key comes from: flag, standard input, variables and `.env` files; and what is no key.

use serde_json::json;

use super::studio::{Studio, assert_untouched, onboard, profiles};

const STANDARD: &str = "sk-emulator-standard-intl";
const CODING: &str = "sk-sp-emulator-coding-intl";

#[test]
fn variables_are_asked_by_name_wherever_they_are_set() {
    let studio = Studio::start();
    let home = studio
        .home()
        .variable("DASHSCOPE_API_KEY", "sk-emulator-standard-cn");
    home.write(
        ".openclaw/.env",
        &format!("MODELSTUDIO_API_KEY={STANDARD}\n"),
    );
    let arguments = [
        "onboard",
        "--non-interactive",
        "--json",
        "--auth-choice",
        "qwen-standard-api-key",
    ];
    let ran = home.run(&arguments).expect_code(0);
    assert!(
        ran.stderr
            .contains("from MODELSTUDIO_API_KEY (~/.openclaw/.env)"),
        "{ran:?}"
    );
    let key = &ran.json()["key"];
    assert_eq!(
        (&key["source"], &key["variable"]),
        (&json!("env"), &json!("MODELSTUDIO_API_KEY"))
    );

    home.write(".env", &format!("QWEN_API_KEY=\"{STANDARD}\" # mine\n"));
    let ran = home.run(&arguments).expect_code(0);
    assert!(ran.stderr.contains("from QWEN_API_KEY (~/.env)"), "{ran:?}");

    let ran = home
        .run(
            &[
                arguments.as_slice(),
                &["--modelstudio-standard-api-key", STANDARD],
            ]
            .concat(),
        )
        .expect_code(0);
    assert_eq!(ran.json()["key"]["source"], "flag");
}

#[test]
fn without_a_choice_a_variable_tells_its_plan() {
    let studio = Studio::start();
    let home = studio
        .home()
        .variable("DASHSCOPE_API_KEY", "sk-emulator-standard-cn");
    let said = onboard(&home, "--json").expect_code(0).json();
    assert_eq!(said["authChoice"], "qwen-standard-api-key-cn");
    let home = studio
        .home()
        .variable("QWEN_TOKEN_PLAN_API_KEY", "sk-sp-emulator-token-intl");
    let said = home.run(&["onboard", "--json"]).expect_code(0).json();
    assert_eq!(said["authChoice"], "qwen-token-plan");
}

#[test]
fn a_missing_key_names_all_ways_to_give_it() {
    let studio = Studio::start();
    let home = studio.home().variable("QWEN_API_KEY", " ");
    let arguments = [
        "onboard",
        "--non-interactive",
        "--auth-choice",
        "qwen-api-key-cn",
    ];
    let ran = home.run(&arguments).expect_code(3);
    for way in [
        "--modelstudio-api-key-cn",
        "--api-key-stdin",
        "QWEN_API_KEY, MODELSTUDIO_API_KEY, DASHSCOPE_API_KEY",
        "~/.openclaw/.env",
    ] {
        assert!(ran.stderr.contains(way), "{way}: {ran:?}");
    }
    let ran = home
        .run(&["onboard", "--auth-choice", "qwen-api-key-cn"])
        .expect_code(1);
    assert!(ran.stderr.contains("there is no terminal"), "{ran:?}");
    let ran = home.run(&["onboard"]).expect_code(1);
    assert!(
        ran.stderr.contains("the key is missing") && ran.stderr.contains("QWEN_TOKEN_PLAN_API_KEY"),
        "{ran:?}"
    );
    let ran = home
        .run(&[
            "onboard",
            "--non-interactive",
            "--modelstudio-api-key",
            " \t",
        ])
        .expect_code(3);
    assert!(
        ran.stderr
            .contains("--modelstudio-api-key: the key is missing"),
        "{ran:?}"
    );
    let ran = home
        .run_with_input(&["onboard", "--api-key-stdin"], "\n\n")
        .expect_code(3);
    assert!(
        ran.stderr.contains("standard input: the key is missing"),
        "{ran:?}"
    );
    assert_untouched(&home);
}

#[test]
fn what_cannot_be_a_key_is_refused_with_the_reason() {
    let studio = Studio::start();
    let home = studio.home();
    for (text, why) in [
        ("sk-abc def", "white space inside (at character 7)"),
        ("QWEN_API_KEY=sk-0123456789", "an assignment"),
        ("\"sk-0123456789\"", "quotation marks"),
        ("sk-\u{2013}0123456789", "not ASCII"),
        ("qwen-oauth", "placeholder"),
        ("sk-xxxxxxxx", "placeholder"),
        ("<your key>", "placeholder"),
    ] {
        let ran = home
            .run_with_input(&["onboard", "--api-key-stdin"], text)
            .expect_code(3);
        assert!(
            ran.stderr.contains("standard input: ") && ran.stderr.contains(why),
            "{text}: {ran:?}"
        );
        assert!(!ran.stderr.contains(text), "{ran:?}");
    }
    let long = "sk-".to_owned() + &"k".repeat(100_000);
    let ran = home
        .run_with_input(&["onboard", "--api-key-stdin"], &long)
        .expect_code(3);
    assert!(ran.stderr.contains("longer than"), "{ran:?}");
    let home = home.variable("MODELSTUDIO_API_KEY", "two words");
    let ran = onboard(&home, "").expect_code(3);
    assert!(
        ran.stderr
            .contains("MODELSTUDIO_API_KEY (environment): the key has white space"),
        "{ran:?}"
    );
    assert!(studio.asked().is_empty());
    assert_untouched(&home);
}

#[test]
fn surroundings_of_a_pasted_key_do_not_matter() {
    let studio = Studio::start();
    let home = studio.home();
    home.run_with_input(
        &["onboard", "--api-key-stdin"],
        &format!("\r\n  {CODING}\t\r\n"),
    )
    .expect_code(0);
    assert_eq!(profiles(&home)["qwen:default"]["key"], CODING);
}

#[test]
fn a_reference_stores_the_variable_and_never_the_key() {
    let studio = Studio::start();
    let home = studio.home().variable("DASHSCOPE_API_KEY", STANDARD);
    let arguments = [
        "onboard",
        "--non-interactive",
        "--secret-input-mode",
        "ref",
        "--auth-choice",
        "qwen-standard-api-key",
    ];
    let ran = home.run(&arguments).expect_code(0);
    assert!(
        ran.stderr
            .contains("DASHSCOPE_API_KEY is set in this shell"),
        "{ran:?}"
    );
    let reference = json!({"source": "env", "provider": "default", "id": "DASHSCOPE_API_KEY"});
    assert_eq!(
        profiles(&home)["qwen:default"],
        json!({"type": "api_key", "provider": "qwen", "keyRef": reference})
    );
    for (path, bytes) in home.files() {
        assert!(
            !String::from_utf8_lossy(&bytes).contains(STANDARD),
            "{}",
            path.display()
        );
    }
    home.run(&["infer", "model", "run", "--local", "--prompt", "hello"])
        .expect_code(0);
    let home = studio.home();
    let ran = home.run(&arguments).expect_code(3);
    assert!(ran.stderr.contains("is missing"), "{ran:?}");
    assert_untouched(&home);
}
