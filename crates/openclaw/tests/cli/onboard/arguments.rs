//! What can be typed: old ids, wrong ids, contradictions, flags for parts that are not there.

use serde_json::json;

use super::studio::{PLACES, Studio, assert_untouched, config, onboard};

#[test]
fn deprecated_ids_work_and_say_their_new_name() {
    let studio = Studio::start();
    for place in PLACES
        .iter()
        .filter(|place| place.flag.starts_with("--modelstudio"))
    {
        let home = studio.home();
        let old = place.flag.trim_start_matches("--");
        let ran = home
            .run(&[
                "onboard",
                "--non-interactive",
                "--auth-choice",
                old,
                place.flag,
                place.key,
            ])
            .expect_code(0);
        let warning = format!("`{old}` is the old name of `{}`", place.choice);
        assert!(ran.stderr.contains(&warning), "{ran:?}");
        assert_eq!(
            config(&home)["models"]["providers"]["qwen"]["baseUrl"],
            place.facts[3]
        );
    }
}

#[test]
fn an_unknown_choice_lists_the_valid_ones_nearest_first() {
    let studio = Studio::start();
    let home = studio.home();
    let ran = onboard(&home, "--auth-choice qwen-token-plans --api-key-stdin").expect_code(1);
    let listed = ran
        .stderr
        .split("valid are ")
        .nth(1)
        .unwrap_or_else(|| panic!("{ran:?}"));
    assert!(listed.starts_with("qwen-token-plan, "), "{ran:?}");
    for place in &PLACES {
        assert!(listed.contains(place.choice), "{ran:?}");
    }
    assert!(
        !listed.contains("qwen-portal") && !listed.contains("alibaba"),
        "{ran:?}"
    );
    assert_untouched(&home);
}

#[test]
fn choices_that_are_gone_or_to_come_say_so() {
    let studio = Studio::start();
    let home = studio.home();
    let ran = onboard(&home, "--auth-choice qwen-portal").expect_code(1);
    assert!(
        ran.stderr.contains("retired")
            && ran.stderr.contains("--auth-choice qwen-standard-api-key"),
        "{ran:?}"
    );
    for arguments in [
        ["--auth-choice", "alibaba-model-studio-api-key"],
        [
            "--alibaba-model-studio-api-key",
            "sk-emulator-standard-intl",
        ],
        ["--mode", "remote"],
        ["--auth-choice=qwen-api-key", "--install-daemon"],
    ] {
        let ran = home
            .run(&["onboard", "--non-interactive", arguments[0], arguments[1]])
            .expect_code(2);
        assert!(ran.stderr.contains("not available yet"), "{ran:?}");
    }
    assert!(studio.asked().is_empty());
    assert_untouched(&home);
}

/// Arguments that contradict each other, and what is said about them.
const CONTRADICTIONS: [(&str, &str); 12] = [
    (
        "--modelstudio-api-key sk-sp-1 --qwen-token-plan-api-key sk-sp-2",
        "--modelstudio-api-key, --qwen-token-plan-api-key",
    ),
    (
        "--modelstudio-api-key sk-sp-1 --api-key-stdin",
        "--modelstudio-api-key, --api-key-stdin",
    ),
    (
        "--auth-choice qwen-api-key-cn --modelstudio-api-key sk-sp-1",
        "the flag belongs to `qwen-api-key`",
    ),
    (
        "--auth-choice qwen-api-key --workspace-id llm-1",
        "`--workspace-id` and `--auth-choice qwen-api-key`",
    ),
    (
        "--workspace-id llm-1.eu-central-1.maas.aliyuncs.com --modelstudio-standard-api-key sk-1",
        "region `eu`",
    ),
    (
        "--custom-base-url http://h/v1 --custom-model-id m --modelstudio-api-key sk-sp-1",
        "contradict each other",
    ),
    (
        "--custom-base-url http://h/v1 --custom-model-id m --custom-provider-id qwen",
        "id of a shipped provider",
    ),
    ("--custom-base-url http://h/v1", "--custom-model-id"),
    ("--auth-choice custom-api-key", "--custom-base-url"),
    (
        "--gateway-token= --skip-probe --modelstudio-api-key sk-sp-1234567890",
        "`--gateway-token` is empty",
    ),
    (
        "--secret-input-mode ref --modelstudio-api-key sk-sp-1",
        "name of a variable",
    ),
    ("--no-such-flag", "--no-such-flag"),
];

#[test]
fn contradictions_are_named() {
    let studio = Studio::start();
    let home = studio.home();
    for (line, said) in CONTRADICTIONS {
        let ran = onboard(&home, line).expect_code(1);
        assert!(ran.stderr.contains(said), "{line}: {ran:?}");
    }
    assert!(studio.asked().is_empty());
    assert_untouched(&home);
}

#[test]
fn scripts_of_the_original_program_run() {
    let studio = Studio::start();
    let home = studio.home();
    let line = "onboard --non-interactive --accept-risk --mode local --flow quickstart --auth-choice qwen-standard-api-key \
        --modelstudio-standard-api-key sk-emulator-standard-intl --secret-input-mode plaintext --gateway-port 19555 \
        --gateway-bind lan --gateway-auth token --gateway-token my-own-token --tailscale off --no-install-daemon \
        --skip-daemon --skip-bootstrap --skip-channels --skip-health --skip-hooks --skip-search --skip-skills --skip-ui \
        --node-manager npm --daemon-runtime node --json --workspace work/files";
    let words: Vec<&str> = line.split_whitespace().collect();
    let said = home.run(&words).expect_code(0).json();
    assert_eq!(
        said["gateway"],
        json!({"port": 19555, "bind": "lan", "authMode": "token"})
    );
    assert_eq!(said["workspace"], json!(home.at("work/files")));
    assert!(home.at("work/files").is_dir());
    assert_eq!(config(&home)["gateway"]["auth"]["token"], "my-own-token");
}

#[test]
fn a_dry_run_shows_everything_and_writes_nothing() {
    let studio = Studio::start();
    let home = studio.home();
    let arguments = [
        "onboard",
        "--non-interactive",
        "--dry-run",
        "--modelstudio-api-key",
        "sk-sp-emulator-coding-intl",
    ];
    let ran = home.run(&arguments).expect_code(0);
    for shown in [
        "add profile `qwen:default` (api_key, sk-sp-…intl)",
        "+++ ~/.openclaw/openclaw.json (dry run)",
        "+        \"primary\": \"qwen/qwen3.5-plus\"",
    ] {
        assert!(ran.stdout.contains(shown), "{shown}: {ran:?}");
    }
    assert!(!ran.stdout.contains("sk-sp-emulator-coding-intl"));
    assert_eq!(
        studio.asked().len(),
        1,
        "the key is still checked: {:?}",
        studio.asked()
    );
    assert_untouched(&home);

    let said = home
        .run(&[arguments.as_slice(), &["--json"]].concat())
        .expect_code(0)
        .json();
    assert_eq!((&said["dryRun"], &said["ok"]), (&json!(true), &json!(true)));
    assert!(
        said["diff"].as_array().unwrap().len() > 10
            && said["changes"].as_array().unwrap().len() > 5,
        "{said}"
    );
    onboard(
        &home,
        "--dry-run --modelstudio-api-key sk-sp-wrong-0123456789",
    )
    .expect_code(3);
    assert_untouched(&home);
}
