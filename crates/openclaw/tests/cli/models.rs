//! `models`: which model a name leads to, and what a change of the config keeps.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::home::Home;
use crate::openclaw_homes::state;

const CONFIG: &str = ".openclaw/openclaw.json";
const STORE: &str = ".openclaw/agents/main/agent/auth-profiles.json";
const KEY: &str = "sk-0123456789abcdef0123456789ab3f2a";

/// A config as a person writes it.
const BY_HAND: &str = "\
// my home
{
  agents: { defaults: {
    model: 'qwen/qwen3.5-plus', // cheap
    models: { 'qwen/qwen3.5-plus': { alias: 'Qwen' }, },
  } },
  models: { providers: {
    qwen: { baseUrl: 'https://dashscope-intl.aliyuncs.com/compatible-mode/v1', api: 'openai-completions', models: [] },
    mine: { baseUrl: 'http://127.0.0.1:9/v1', api: 'openai-completions', models: [{ id: 'tiny', name: 'Tiny' }] },
  } },
}
";

fn by_hand() -> Home {
    let home = Home::new();
    home.write(CONFIG, BY_HAND);
    let profile = json!({"type": "api_key", "provider": "qwen", "key": KEY});
    home.write(
        STORE,
        &json!({"version": 1, "profiles": {"qwen:default": profile}}).to_string(),
    );
    home
}

fn models(home: &Home, args: &[&str]) -> Vec<Value> {
    let mut words = vec!["models", "list", "--json"];
    words.extend(args);
    let list = home.run(&words).expect_code(0).json();
    list["models"].as_array().unwrap().clone()
}

fn model(home: &Home, key: &str) -> Value {
    let models = models(home, &[]);
    models
        .into_iter()
        .find(|model| model["key"] == key)
        .unwrap_or_else(|| panic!("{key}"))
}

#[test]
fn set_changes_one_value_and_keeps_comments() {
    let home = by_hand();
    let run = home
        .run(&["models", "set", "qwen/qwen3.5-plus"])
        .expect_code(0);
    assert_eq!(home.read(CONFIG), BY_HAND, "nothing to change: {run:?}");
    let run = home
        .run(&["models", "set", "qwen/qwen3-coder-plus"])
        .expect_code(0);
    assert_eq!(run.stdout, "Default model: qwen/qwen3-coder-plus\n");
    assert_eq!(
        run.stderr,
        "Updated config: ~/.openclaw/openclaw.json\n  Backup: ~/.openclaw/openclaw.json.bak\n"
    );
    let expected = BY_HAND
        .replace(
            "model: 'qwen/qwen3.5-plus'",
            "model: 'qwen/qwen3-coder-plus'",
        )
        .replace(
            "alias: 'Qwen' }, },",
            "alias: 'Qwen' }, 'qwen/qwen3-coder-plus': {}, },",
        );
    assert_eq!(home.read(CONFIG), expected);
    assert_eq!(home.read(".openclaw/openclaw.json.bak"), BY_HAND);
}

/// OpenClaw makes `openai/<id>` of a model id without a provider.
#[test]
fn a_bare_id_goes_to_the_provider_that_has_it() {
    let home = by_hand();
    for (typed, expected) in [
        ("qwen3.8-max", "qwen/qwen3.8-max"),
        ("minimax-m2.5", "qwen/MiniMax-M2.5"),
        ("tiny", "mine/tiny"),
        ("Qwen", "qwen/qwen3.5-plus"),
        ("qwen", "qwen/qwen3.5-plus"),
    ] {
        let run = home.run(&["models", "set", typed, "--json"]).expect_code(0);
        assert_eq!(run.json()["defaultModel"], expected, "{typed}");
        assert!(!home.read(CONFIG).contains("openai/"), "{typed}");
    }
    let before = state(&home);
    let run = home.run(&["models", "set", "gpt-4o"]).expect_code(1);
    assert!(
        run.stderr.contains("no provider has a model `gpt-4o`"),
        "{run:?}"
    );
    assert!(state(&home) == before);
}

#[test]
fn a_bare_id_of_several_providers_needs_a_credential_that_decides() {
    let home = Home::new();
    home.write(CONFIG, "{}\n");
    let run = home.run(&["models", "set", "qwen3.8-max"]).expect_code(1);
    assert!(
        run.stderr
            .contains("`qwen/qwen3.8-max`, `qwen-token-plan/qwen3.8-max`"),
        "{run:?}"
    );
    let token = Home::new().variable("QWEN_TOKEN_PLAN_API_KEY", "sk-sp-0123456789abcdef");
    let run = token.run(&["models", "set", "qwen3.8-max"]).expect_code(0);
    assert_eq!(run.stdout, "Default model: qwen-token-plan/qwen3.8-max\n");
    let both = Home::new()
        .variable("QWEN_TOKEN_PLAN_API_KEY", "sk-sp-0123456789abcdef")
        .variable("QWEN_API_KEY", KEY);
    both.run(&["models", "set", "qwen3.8-max"]).expect_code(1);
    both.run(&["models", "set", "qwen-token-plan/qwen3.7-plus"])
        .expect_code(0);
    let run = both.run(&["models", "set", "qwen3.8-max"]).expect_code(0);
    assert_eq!(run.stdout, "Default model: qwen-token-plan/qwen3.8-max\n");
}

#[test]
fn provider_aliases_work_in_references() {
    let home = by_hand();
    for alias in ["modelstudio", "qwencloud", "dashscope"] {
        let run = home
            .run(&["models", "set", &format!("{alias}/glm-5")])
            .expect_code(0);
        assert_eq!(run.stdout, "Default model: qwen/glm-5\n", "{alias}");
    }
}

#[test]
fn unknown_names_are_refused_or_warned_about() {
    let home = by_hand();
    let before = state(&home);
    let run = home
        .run(&["models", "set", "qwn/qwen3.5-plus"])
        .expect_code(1);
    assert!(run.stderr.contains("there is no provider `qwn`"), "{run:?}");
    assert!(run.stderr.contains("did you mean `qwen`"), "{run:?}");
    let run = home
        .run(&["models", "set", "qwen/wan2.6-t2v"])
        .expect_code(1);
    assert!(run.stderr.contains("kind `video`"), "{run:?}");
    assert!(state(&home) == before);
    let run = home
        .run(&["models", "set", "qwen/qwen3.5-pluss"])
        .expect_code(0);
    assert_eq!(run.stdout, "Default model: qwen/qwen3.5-pluss\n");
    assert!(
        run.stderr.contains("did you mean `qwen/qwen3.5-plus`"),
        "{run:?}"
    );
    assert_eq!(model(&home, "qwen/qwen3.5-pluss")["missing"], true);
}

#[test]
fn a_portal_model_is_accepted_with_a_warning() {
    let home = by_hand();
    let run = home
        .run(&["models", "set", "qwen-portal/coder-model"])
        .expect_code(0);
    assert_eq!(run.stdout, "Default model: qwen-oauth/coder-model\n");
    assert!(run.stderr.contains("2026-04-15"), "{run:?}");
}

#[test]
fn a_dry_run_shows_the_lines_and_writes_nothing() {
    let home = by_hand();
    let before = state(&home);
    let run = home
        .run(&["models", "set", "glm-5", "--dry-run"])
        .expect_code(0);
    assert!(state(&home) == before);
    assert!(run.stdout.contains("@@ -1,8 +1,8 @@\n"), "{run:?}");
    assert!(
        run.stdout
            .contains("-    model: 'qwen/qwen3.5-plus', // cheap\n"),
        "{run:?}"
    );
    assert!(
        run.stdout.contains("+    model: 'qwen/glm-5', // cheap\n"),
        "{run:?}"
    );
}

#[test]
fn set_starts_a_config() {
    let home = Home::new().variable("QWEN_API_KEY", KEY);
    home.run(&["models", "set", "qwen/glm-5"]).expect_code(0);
    assert_eq!(
        home.read(CONFIG),
        "{\n  \"agents\": {\n    \"defaults\": {\n      \"model\": {\n        \"primary\": \"qwen/glm-5\"\n      }\n    }\n  }\n}\n"
    );
}

#[test]
fn aliases_are_added_listed_and_removed() {
    let home = by_hand();
    let run = home
        .run(&["models", "aliases", "add", "fast", "qwen3.6-flash"])
        .expect_code(0);
    assert_eq!(run.stdout, "Alias fast -> qwen/qwen3.6-flash\n");
    assert!(home.read(CONFIG).starts_with("// my home\n"));
    let run = home
        .run(&["models", "aliases", "list", "--json"])
        .expect_code(0);
    assert_eq!(
        run.json(),
        json!({"aliases": {"Qwen": "qwen/qwen3.5-plus", "fast": "qwen/qwen3.6-flash"}})
    );
    assert_eq!(
        home.run(&["models", "aliases"]).stdout,
        "Aliases (2):\n- Qwen -> qwen/qwen3.5-plus\n- fast -> qwen/qwen3.6-flash\n"
    );
    home.run(&["models", "aliases", "add", "fast", "glm-5"])
        .expect_code(1);
    home.run(&["models", "aliases", "add", "a/b", "glm-5"])
        .expect_code(1);
    home.run(&["models", "aliases", "remove", "slow"])
        .expect_code(1);
    home.run(&["models", "aliases", "remove", "fast"])
        .expect_code(0);
    let run = home
        .run(&["models", "aliases", "list", "--plain"])
        .expect_code(0);
    assert_eq!(run.stdout, "Qwen qwen/qwen3.5-plus\n");
    assert!(home.read(CONFIG).contains("'qwen/qwen3.6-flash': {}"));
}

#[test]
fn fallbacks_are_added_once_listed_and_removed() {
    let home = by_hand();
    for (typed, expected) in [
        ("glm-5", "Fallbacks: qwen/glm-5\n"),
        (
            "qwen/qwen3.7-plus",
            "Fallbacks: qwen/glm-5, qwen/qwen3.7-plus\n",
        ),
        (
            "modelstudio/glm-5",
            "Fallbacks: qwen/glm-5, qwen/qwen3.7-plus\n",
        ),
    ] {
        let run = home
            .run(&["models", "fallbacks", "add", typed])
            .expect_code(0);
        assert_eq!(run.stdout, expected, "{typed}");
    }
    assert!(home.read(CONFIG).contains("// cheap"));
    let tags = |key: &str| model(&home, key)["tags"].clone();
    assert_eq!(tags("qwen/glm-5"), json!(["fallback#1", "configured"]));
    assert_eq!(
        tags("qwen/qwen3.7-plus"),
        json!(["fallback#2", "configured"])
    );
    home.run(&["models", "fallbacks", "remove", "qwen3-max"])
        .expect_code(1);
    let run = home
        .run(&["models", "fallbacks", "remove", "dashscope/glm-5"])
        .expect_code(0);
    assert_eq!(run.stdout, "Fallbacks: qwen/qwen3.7-plus\n");
    let run = home
        .run(&["models", "fallbacks", "list", "--json"])
        .expect_code(0);
    assert_eq!(run.json(), json!({"fallbacks": ["qwen/qwen3.7-plus"]}));
    let run = home.run(&["models", "fallbacks", "clear"]).expect_code(0);
    assert_eq!(run.stdout, "Fallback list cleared.\n");
    assert_eq!(
        home.run(&["models", "fallbacks"]).stdout,
        "Fallbacks (0):\n- none\n"
    );
}

#[test]
fn media_models_are_never_listed_for_chat() {
    let home = by_hand();
    let rows = "models: [{ id: 'wan2.6-t2v', name: 'v' }, { id: 'qwen-image', name: 'i' }, { id: 'glm-5', name: 'g' }]";
    let map = "models: { 'qwen/wan2.6-t2v': {}, 'qwen/qwen-image': {},";
    let text = BY_HAND.replacen("models: []", rows, 1).replacen(
        "models: { 'qwen",
        &format!("{map} 'qwen"),
        1,
    );
    home.write(CONFIG, &text);
    for args in [&[][..], &["--all"], &["--provider", "qwen"]] {
        for model in models(&home, args) {
            let key = model["key"].as_str().unwrap();
            assert!(!key.contains("wan") && !key.contains("image"), "{key}");
        }
    }
}

#[test]
fn dead_references_are_shown_as_missing() {
    let home = by_hand();
    home.write(
        CONFIG,
        &BY_HAND.replace(
            "'qwen/qwen3.5-plus', // cheap",
            "{ primary: 'gone/x', fallbacks: ['nothing'] },",
        ),
    );
    let gone = model(&home, "gone/x");
    assert_eq!(
        (&gone["missing"], &gone["available"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(gone["tags"], json!(["default", "missing"]));
    assert_eq!(
        model(&home, "nothing")["tags"],
        json!(["fallback#1", "missing"])
    );
    let run = home.run(&["models", "list"]).expect_code(0);
    assert!(run.stderr.contains("`gone/x` leads nowhere"), "{run:?}");
    home.run(&["models", "status", "--check"]).expect_code(1);
}

#[test]
fn a_list_that_would_be_empty_says_why() {
    let home = Home::new();
    let run = home.run(&["models", "list"]).expect_code(0);
    assert!(
        run.stderr.contains("No models found") && run.stderr.contains("openclaw onboard"),
        "{run:?}"
    );
    assert_eq!(
        home.run(&["models", "list", "--json"]).json(),
        json!({"count": 0, "models": []})
    );
    let run = home
        .run(&["models", "list", "--provider", "nope"])
        .expect_code(1);
    assert!(
        run.stderr
            .contains("known are qwen, qwen-token-plan, qwen-oauth"),
        "{run:?}"
    );
    let run = home
        .run(&["models", "list", "--provider", "qwen-token-plan", "--json"])
        .expect_code(0);
    assert!(run.json()["count"].as_u64().unwrap() > 5);
    assert!(run.stderr.contains("QWEN_TOKEN_PLAN_API_KEY"), "{run:?}");
}

#[test]
fn a_local_server_needs_no_credential() {
    let home = by_hand();
    let tiny = model(&home, "mine/tiny");
    assert_eq!(
        (&tiny["local"], &tiny["available"], &tiny["input"]),
        (&json!(true), &json!(true), &json!("text"))
    );
    home.run(&["models", "set", "mine/tiny"]).expect_code(0);
    home.run(&["models", "status", "--check"]).expect_code(0);
}

/// A provider of one's own keeps its name, and the key of the service whose alias it is stays away from it.
#[test]
fn a_custom_provider_named_like_an_alias_is_itself() {
    let home = by_hand();
    home.write(CONFIG, &BY_HAND.replace("mine:", "modelstudio:"));
    let listed = models(&home, &["--provider", "modelstudio"]);
    assert!(
        listed
            .iter()
            .any(|model| model["key"] == "modelstudio/tiny"),
        "{listed:?}"
    );
    let of_qwen = models(&home, &["--provider", "qwen"]);
    assert!(
        of_qwen
            .iter()
            .all(|model| model["key"].as_str().unwrap().starts_with("qwen/")),
        "{of_qwen:?}"
    );
    let status = home.run(&["models", "status", "--json"]).json();
    let providers = status["auth"]["providers"].as_array().unwrap();
    let own = providers
        .iter()
        .find(|provider| provider["provider"] == "modelstudio")
        .unwrap();
    assert_eq!(own["sources"], json!([]));
}

#[test]
fn check_tells_what_ends_soon() {
    let now = u64::try_from(
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .as_millis(),
    )
    .unwrap();
    let hour = 3_600_000;
    for (expires, code, word) in [
        (now - hour, 1, "expired"),
        (now + hour, 2, "expiring"),
        (now + 48 * hour, 0, "ok"),
    ] {
        let home = by_hand();
        let profile =
            json!({"type": "token", "provider": "qwen", "token": KEY, "expires": expires});
        home.write(
            STORE,
            &json!({"version": 1, "profiles": {"qwen:manual": profile}}).to_string(),
        );
        let run = home
            .run(&["models", "status", "--check", "--json"])
            .expect_code(code);
        let login = run.json()["auth"]["oauth"]["profiles"][0].clone();
        assert_eq!(
            (&login["status"], &login["type"]),
            (&json!(word), &json!("token"))
        );
        let text = home.run(&["models", "status"]).expect_code(0).stdout;
        assert!(text.contains(&format!("  - qwen:manual {word}")), "{text}");
    }
}

#[test]
fn a_login_that_ended_is_never_ok_although_it_could_be_refreshed() {
    let home = Home::new();
    home.write(
        CONFIG,
        "{ agents: { defaults: { model: 'qwen-portal/coder-model' } } }\n",
    );
    let profile = json!({"type": "oauth", "provider": "qwen-portal", "access": "at-0123456789", "refresh": "rt-0123456789", "expires": 1});
    home.write(
        STORE,
        &json!({"version": 1, "profiles": {"qwen-portal:default": profile}}).to_string(),
    );
    let run = home
        .run(&["models", "status", "--check", "--json"])
        .expect_code(1);
    assert_eq!(
        run.json()["auth"]["oauth"]["profiles"][0]["status"],
        "expired"
    );
    assert!(!run.stdout.contains("0123456789"), "{run:?}");
}

#[test]
fn status_lines_name_agent_and_store() {
    let home = by_hand();
    let text = home.run(&["models"]).expect_code(0).stdout;
    let line = text
        .lines()
        .find(|line| line.starts_with("- qwen "))
        .unwrap();
    for part in [
        "effective=profiles:~/.openclaw/agents/main/agent/auth-profiles.json",
        "agent=main",
        "qwen:default=sk-…3f2a",
    ] {
        assert!(line.contains(part), "{line}");
    }
    assert!(
        text.contains("Default       : qwen/qwen3.5-plus\n"),
        "{text}"
    );
    assert_eq!(
        home.run(&["models", "status", "--plain"]).stdout,
        "qwen/qwen3.5-plus\n"
    );
}

#[test]
fn a_wide_model_name_widens_its_column() {
    let home = by_hand();
    let long = "a-model-with-a-name-that-is-longer-than-the-column";
    home.write(CONFIG, &BY_HAND.replace("'tiny'", &format!("'{long}'")));
    let text = home.run(&["models", "list"]).expect_code(0).stdout;
    let columns: Vec<usize> = text
        .lines()
        .map(|line| line.find("text").or_else(|| line.find("Input")).unwrap())
        .collect();
    assert!(
        columns
            .iter()
            .all(|column| *column == long.len() + "mine/ ".len()),
        "{text}"
    );
}
