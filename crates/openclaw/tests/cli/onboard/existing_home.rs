//! Homes that exist: only what must change changes, and the person's choices stay.

use serde_json::{Value, json};

use super::studio::{Studio, config, onboard, profiles};
use crate::home::Home;
use crate::openclaw_homes::{copy_of, names};

const STANDARD: &str = "sk-emulator-standard-intl";
const CODING: &str = "sk-sp-emulator-coding-intl";

/// A config as a person keeps it, with one provider of their own.
const COMMENTED: &str = r#"// my gateway
{
  gateway: { mode: 'local', port: 18800, auth: { mode: 'token', token: "tok-1234567890" }, }, // keep the port
  agents: {
    defaults: {
      model: { primary: "mine/large" }, /* the big one */
      models: {
        "mine/large": { alias: 'Qwen' }, // mine
      },
    },
  },
  models: {
    providers: {
      mine: { baseUrl: "http://127.0.0.1:9/v1", models: [{ id: 'large', name: 'large' }] },
      // pay as you go
      qwen: {
        baseUrl: 'https://coding-intl.dashscope.aliyuncs.com/v1', // the old plan
        api: 'openai-completions',
        timeoutSeconds: 90,
        models: [
          { id: 'qwen3.5-plus', name: 'my plus', contextWindow: 4096 }, // small on purpose
        ],
      },
    },
  },
  unknownToUs: [1, 2,],
}
"#;

#[test]
fn comments_and_layout_stay_byte_for_byte() {
    let studio = Studio::start();
    let home = studio.home();
    home.write(".openclaw/openclaw.json", COMMENTED);
    let ran = onboard(&home, &format!("--modelstudio-standard-api-key {STANDARD}")).expect_code(0);
    let after = home.read(".openclaw/openclaw.json");
    let old_url = "'https://coding-intl.dashscope.aliyuncs.com/v1'";
    let kept: Vec<&str> = COMMENTED
        .lines()
        .filter(|line| !line.contains(old_url))
        .collect();
    let mut rest = after.as_str();
    for line in kept {
        let at = rest
            .find(line)
            .unwrap_or_else(|| panic!("lost or moved: {line}\n{after}"));
        rest = &rest[at + line.len()..];
    }
    assert!(
        after.contains("https://dashscope-intl.aliyuncs.com/compatible-mode/v1")
            && after.contains(", // the old plan"),
        "{after}"
    );
    assert!(!after.contains(old_url), "{after}");
    assert_eq!(home.read(".openclaw/openclaw.json.bak"), COMMENTED);
    assert!(ran.stdout.contains("mine/large, as before"), "{ran:?}");

    let value = home
        .run(&["config", "get", "models.providers.qwen", "--json"])
        .expect_code(0)
        .json();
    assert_eq!(
        (&value["timeoutSeconds"], &value["models"][0]["name"]),
        (&json!(90), &json!("my plus"))
    );
    assert!(value["models"].as_array().unwrap().len() > 10);
    let map = home
        .run(&["config", "get", "agents.defaults.models", "--json"])
        .expect_code(0)
        .json();
    assert_eq!(
        map["qwen/qwen3.5-plus"],
        json!({}),
        "the alias is taken: {map}"
    );
}

#[test]
fn onboarding_again_changes_nothing() {
    let studio = Studio::start();
    let home = studio.home();
    let arguments = [
        "onboard",
        "--non-interactive",
        "--modelstudio-standard-api-key",
        STANDARD,
    ];
    home.run(&arguments).expect_code(0);
    let before = home.files();
    home.run(&arguments).expect_code(0);
    let after = home.files();
    for (path, bytes) in &before {
        assert_eq!(after.get(path), Some(bytes), "{}", path.display());
    }
    assert_eq!(after.len(), before.len());
}

#[test]
fn the_default_model_stays_unless_asked_or_dead() {
    let studio = Studio::start();
    let home = studio.home();
    onboard(&home, &format!("--modelstudio-standard-api-key {STANDARD}")).expect_code(0);
    home.run(&[
        "config",
        "set",
        "agents.defaults.model.primary",
        "qwen/qwen3.6-plus",
    ])
    .expect_code(0);

    let ran = onboard(&home, &format!("--modelstudio-api-key {CODING}")).expect_code(0);
    assert_eq!(
        config(&home)["agents"]["defaults"]["model"]["primary"],
        "qwen/qwen3.6-plus"
    );
    assert!(
        ran.stderr
            .contains("not known to work on Coding Plan (Global)"),
        "{ran:?}"
    );
    assert!(
        ran.stdout
            .contains("`openclaw models set qwen/qwen3.5-plus` changes it"),
        "{ran:?}"
    );

    let other = [
        "onboard",
        "--non-interactive",
        "--qwen-token-plan-api-key",
        "sk-sp-emulator-token-intl",
    ];
    home.run(&other).expect_code(0);
    assert_eq!(
        config(&home)["agents"]["defaults"]["model"]["primary"],
        "qwen/qwen3.6-plus"
    );
    home.run(&[other.as_slice(), &["--set-default"]].concat())
        .expect_code(0);
    assert_eq!(
        config(&home)["agents"]["defaults"]["model"]["primary"],
        "qwen-token-plan/qwen3.7-plus"
    );
    assert_eq!(
        profiles(&home).as_object().unwrap().len(),
        2,
        "one profile for each provider"
    );
}

#[test]
fn a_default_written_as_text_stays_text() {
    let studio = Studio::start();
    let home = studio.reached_by(Home::with_config(
        &json!({"agents": {"defaults": {"model": "nobody/none"}}}),
    ));
    let said = onboard(&home, &format!("--json --modelstudio-api-key {CODING}"))
        .expect_code(0)
        .json();
    assert_eq!(
        config(&home)["agents"]["defaults"]["model"],
        "qwen/qwen3.5-plus"
    );
    assert!(
        said["changes"]
            .to_string()
            .contains("instead of nobody/none"),
        "{said}"
    );
}

#[test]
fn an_order_that_would_hide_the_key_names_it_first() {
    let studio = Studio::start();
    let home = studio.reached_by(Home::with_config(
        &json!({"auth": {"order": {"qwen": ["qwen:work"]}}}),
    ));
    onboard(&home, &format!("--modelstudio-api-key {CODING}")).expect_code(0);
    assert_eq!(
        config(&home)["auth"]["order"]["qwen"],
        json!(["qwen:default", "qwen:work"])
    );
    home.run(&["infer", "model", "run", "--local", "--prompt", "hello"])
        .expect_code(0);
}

#[test]
fn a_key_in_the_config_is_named_as_superseded() {
    let studio = Studio::start();
    let home = studio.reached_by(Home::with_config(&json!({"models": {"providers": {"qwen": {
        "baseUrl": "https://dashscope.aliyuncs.com/compatible-mode/v1", "apiKey": "sk-of-yesterday-1234", "models": [],
    }}}})));
    let ran = onboard(&home, &format!("--modelstudio-standard-api-key {STANDARD}")).expect_code(0);
    assert!(
        ran.stderr
            .contains("`openclaw config unset models.providers.qwen.apiKey`"),
        "{ran:?}"
    );
    assert_eq!(
        config(&home)["models"]["providers"]["qwen"]["apiKey"],
        "sk-of-yesterday-1234"
    );
    home.run(&[
        "infer",
        "model",
        "run",
        "--local",
        "--prompt",
        "hello",
        "--model",
        "qwen/qwen3.5-plus",
    ])
    .expect_code(0);
}

#[test]
fn a_dead_portal_home_gets_a_default_that_works() {
    let studio = Studio::start();
    let home = studio.reached_by(copy_of("2026.5.20-half-migrated-portal"));
    let ran = onboard(&home, &format!("--modelstudio-standard-api-key {STANDARD}")).expect_code(0);
    let after = config(&home);
    assert_eq!(
        after["agents"]["defaults"]["model"]["primary"],
        "qwen/qwen3.5-plus"
    );
    assert_eq!(
        after["agents"]["defaults"]["imageModel"]["primary"], "qwen-portal/vision-model",
        "reported, not changed"
    );
    let repair = "openclaw config set agents.defaults.imageModel.primary qwen/qwen3.5-plus";
    assert!(ran.stderr.contains(repair), "{ran:?}");
    home.run(&["infer", "model", "run", "--local", "--prompt", "hello"])
        .expect_code(0);
    let words: Vec<&str> = repair.split_whitespace().skip(1).collect();
    home.run(&words).expect_code(0);
    assert_eq!(
        config(&home)["agents"]["defaults"]["imageModel"]["primary"],
        "qwen/qwen3.5-plus"
    );
}

#[test]
fn every_real_home_can_be_onboarded() {
    let studio = Studio::start();
    let names = names();
    assert!(names.len() >= 12, "{names:?}");
    for name in names {
        let home = studio.reached_by(copy_of(&name));
        let before: Value = home
            .run(&["config", "get", "gateway.port", "--json"])
            .json();
        let said = onboard(
            &home,
            &format!("--json --modelstudio-standard-api-key {STANDARD}"),
        )
        .expect_code(0)
        .json();
        assert_eq!(said["ok"], true, "{name}: {said}");
        let answer = home
            .run(&[
                "infer",
                "model",
                "run",
                "--local",
                "--prompt",
                "hello",
                "--model",
                "qwen/qwen3.5-plus",
                "--json",
            ])
            .expect_code(0)
            .json();
        assert_eq!(answer["provider"], "qwen", "{name}: {answer}");
        let after: Value = home
            .run(&["config", "get", "gateway.port", "--json"])
            .json();
        assert_eq!(before, after, "{name}");
    }
}
