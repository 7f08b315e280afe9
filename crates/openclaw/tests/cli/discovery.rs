//! `models refresh` and what it makes of `models list`: live lists against shipped data.

use serde_json::{Value, json};

use crate::home::Home;
use crate::onboard::studio::{Studio, config, onboard};

const STANDARD: &str = "sk-emulator-standard-intl";
const CODING: &str = "sk-sp-emulator-coding-intl";
const CACHE: &str = ".openclaw/cache/model-lists.json";

fn set_up(studio: &Studio, choice: &str, key: &str) -> Home {
    let home = studio.home();
    let flag = if choice == "qwen-api-key" {
        "--modelstudio-api-key"
    } else {
        "--modelstudio-standard-api-key"
    };
    onboard(&home, &format!("--auth-choice {choice} {flag} {key}")).expect_code(0);
    // Only what is shipped and what the host lists is to be seen.
    let mut config = config(&home);
    config["models"]["providers"]["qwen"]["models"] = json!([]);
    config["agents"]["defaults"] = json!({"model": {"primary": "qwen/qwen3.5-plus"}});
    home.write(".openclaw/openclaw.json", &config.to_string());
    home
}

fn lists(studio: &Studio, ids: &[&str]) {
    let data: Vec<Value> = ids
        .iter()
        .map(|id| json!({"id": id, "object": "model", "created": 5}))
        .collect();
    let rule = json!({"match": {"path": "/models"}, "body": {"object": "list", "data": data}});
    script(studio, &json!([rule]));
}

fn script(studio: &Studio, rules: &Value) {
    studio.emulator.script(&json!({"rules": rules})).unwrap();
}

fn keys(home: &Home, arguments: &[&str]) -> Vec<String> {
    let words = [&["models", "list", "--json"], arguments].concat();
    let list = home.run(&words).expect_code(0).json();
    let rows = list["models"].as_array().unwrap();
    rows.iter()
        .map(|row| row["key"].as_str().unwrap().to_owned())
        .collect()
}

fn row(home: &Home, key: &str) -> Value {
    let list = home
        .run(&["models", "list", "--all", "--json"])
        .expect_code(0)
        .json();
    let mut rows = list["models"].as_array().unwrap().iter();
    rows.find(|row| row["key"] == key)
        .unwrap_or_else(|| panic!("{key}: {list}"))
        .clone()
}

fn refresh(home: &Home, arguments: &[&str]) -> Value {
    let words = [&["models", "refresh", "--json"], arguments].concat();
    home.run(&words).expect_code(0).json()
}

#[test]
fn a_live_list_decides_what_is_offered() {
    let studio = Studio::start();
    let home = set_up(&studio, "qwen-standard-api-key", STANDARD);
    assert!(keys(&home, &[]).contains(&"qwen/glm-5".to_owned()));
    lists(
        &studio,
        &[
            "qwen3.5-plus",
            "qwen3.5-plus-2027-01-01",
            "brand-new",
            "qwen-image-9",
            "text-embedding-v9",
            "wan9-t2v",
        ],
    );
    let report = refresh(&home, &[]);
    let host = &report["hosts"][0];
    assert_eq!(
        (&host["provider"], &host["host"]),
        (&json!("qwen"), &json!("dashscope-intl.aliyuncs.com"))
    );
    assert_eq!(
        (&host["count"], &host["comparedWith"]),
        (&json!(6), &json!("shipped"))
    );
    assert!(
        host["added"]
            .as_array()
            .unwrap()
            .contains(&json!("brand-new")),
        "{host}"
    );
    assert!(
        host["removed"]
            .as_array()
            .unwrap()
            .contains(&json!("glm-5")),
        "{host}"
    );
    assert!(host["askedAt"].is_string());

    let offered = keys(&home, &[]);
    assert_eq!(
        offered,
        [
            "qwen/qwen3.5-plus",
            "qwen/qwen3.5-plus-2027-01-01",
            "qwen/brand-new"
        ]
    );
    let snapshot = row(&home, "qwen/qwen3.5-plus-2027-01-01");
    assert_eq!(
        snapshot["contextWindow"],
        row(&home, "qwen/qwen3.5-plus")["contextWindow"]
    );
    assert_eq!(row(&home, "qwen/brand-new")["contextWindow"], Value::Null);
    let gone = row(&home, "qwen/glm-5");
    assert_eq!(
        (&gone["available"], &gone["reason"]),
        (&json!(false), &json!("the host does not list it"))
    );
    let all = keys(&home, &["--all"]);
    assert!(
        !all.iter()
            .any(|key| key.contains("image") || key.contains("embedding") || key.contains("wan9"))
    );
}

#[test]
fn a_second_answer_is_compared_with_the_first() {
    let studio = Studio::start();
    let home = set_up(&studio, "qwen-standard-api-key", STANDARD);
    lists(&studio, &["qwen3.5-plus", "a", "b"]);
    refresh(&home, &[]);
    lists(&studio, &["qwen3.5-plus", "b", "c"]);
    let report = refresh(&home, &[]);
    let host = &report["hosts"][0];
    let found = (
        &host["comparedWith"],
        &host["added"],
        &host["removed"],
        &host["changed"],
    );
    assert_eq!(
        found,
        (&json!("last"), &json!(["c"]), &json!(["a"]), &json!([]))
    );
    let data = json!([{"id": "qwen3.5-plus", "created": 6}, {"id": "b", "created": 5}, {"id": "c", "created": 5}]);
    script(
        &studio,
        &json!([{"match": {"path": "/models"}, "body": {"data": data}}]),
    );
    let ran = home.run(&["models", "refresh"]).expect_code(0);
    assert!(
        ran.stdout.contains("0 added, 0 removed, 1 changed"),
        "{ran:?}"
    );
    assert!(ran.stdout.contains("\n  ~ qwen3.5-plus\n"), "{ran:?}");
    assert!(
        ran.stderr
            .contains("Kept in ~/.openclaw/cache/model-lists.json"),
        "{ran:?}"
    );
}

#[test]
fn a_dry_run_and_the_config_stay_untouched() {
    let studio = Studio::start();
    let home = set_up(&studio, "qwen-standard-api-key", STANDARD);
    let before = home.files();
    assert_eq!(refresh(&home, &["--dry-run"])["dryRun"], true);
    assert_eq!(home.files(), before);
    refresh(&home, &[]);
    let mut after = home.files();
    after.retain(|path, _| !path.starts_with(".openclaw/cache"));
    assert_eq!(after, before);
    let cache = home.read(CACHE);
    assert!(!cache.contains(STANDARD), "{cache}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(home.at(CACHE))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[test]
fn a_coding_plan_has_no_list_and_that_is_harmless() {
    let studio = Studio::start();
    let home = set_up(&studio, "qwen-api-key", CODING);
    let before = keys(&home, &[]);
    assert!(!before.contains(&"qwen/qwen3.6-plus".to_owned()));
    let host = refresh(&home, &[])["hosts"][0].take();
    assert_eq!(
        (&host["hasList"], &host["error"]),
        (&json!(false), &Value::Null)
    );
    assert_eq!(keys(&home, &[]), before);
    let unlikely = row(&home, "qwen/qwen3.6-plus");
    assert_eq!(unlikely["available"], false);
    assert!(
        unlikely["reason"]
            .as_str()
            .unwrap()
            .starts_with("unlikely on the coding plan"),
        "{unlikely}"
    );
}

#[test]
fn what_the_config_names_stays_whatever_the_host_lists() {
    let studio = Studio::start();
    let home = set_up(&studio, "qwen-standard-api-key", STANDARD);
    lists(&studio, &["brand-new"]);
    let ran = home.run(&["models", "refresh"]).expect_code(0);
    assert!(
        ran.stderr
            .contains("`qwen/qwen3.5-plus` is in use, and its host does not list it"),
        "{ran:?}"
    );
    assert!(keys(&home, &[]).contains(&"qwen/qwen3.5-plus".to_owned()));
    studio.emulator.reset();
    let ask = |model: &str| {
        home.run(&[
            "infer", "model", "run", "--local", "--model", model, "--prompt", "hi", "--json",
        ])
    };
    let ran = ask("qwen/qwen3.5-plus").expect_code(0);
    assert!(!ran.stderr.contains("nobody knows"), "{ran:?}");
    let ran = ask("qwen/from-the-future").expect_code(1);
    assert!(
        ran.stderr
            .contains("nobody knows a model `qwen/from-the-future`"),
        "{ran:?}"
    );
    let asked = studio.emulator.requests();
    assert_eq!(
        asked.last().unwrap()["body"]["model"],
        "from-the-future",
        "{asked:?}"
    );
}

#[test]
fn a_host_that_fails_keeps_the_last_list() {
    let studio = Studio::start();
    let home = set_up(&studio, "qwen-standard-api-key", STANDARD);
    lists(&studio, &["qwen3.5-plus", "brand-new"]);
    refresh(&home, &[]);
    let kept = home.read(CACHE);
    script(
        &studio,
        &json!([{"match": {"path": "/models"}, "status": 401, "code": "invalid_api_key", "message": "Incorrect API key provided."}]),
    );
    let ran = home.run(&["models", "refresh", "--json"]);
    assert_eq!(ran.code, 3, "{ran:?}");
    assert_eq!(home.read(CACHE), kept);
    assert!(keys(&home, &[]).contains(&"qwen/brand-new".to_owned()));
}

#[test]
fn another_key_is_not_judged_by_this_ones_list() {
    let studio = Studio::start();
    let home = set_up(&studio, "qwen-standard-api-key", STANDARD);
    lists(&studio, &["only-one"]);
    refresh(&home, &[]);
    let cache = home.read(CACHE).replace("(sk-", "(sk-other-");
    home.write(CACHE, &cache);
    assert!(keys(&home, &[]).contains(&"qwen/glm-5".to_owned()));
}

#[test]
fn a_broken_cache_is_said_and_replaced() {
    let studio = Studio::start();
    let home = set_up(&studio, "qwen-standard-api-key", STANDARD);
    home.write(CACHE, "{ broken");
    let ran = home.run(&["models", "list"]).expect_code(0);
    assert!(ran.stderr.contains("models refresh"), "{ran:?}");
    assert!(ran.stdout.contains("qwen/qwen3.5-plus"));
    refresh(&home, &[]);
    let ran = home.run(&["models", "list"]).expect_code(0);
    assert!(!ran.stderr.contains("refresh"), "{ran:?}");
}

#[test]
fn without_a_key_there_is_nobody_to_ask() {
    let ran = Home::new().run(&["models", "refresh"]).expect_code(3);
    assert!(ran.stderr.contains("openclaw onboard"), "{ran:?}");
    let ran = Home::new()
        .run(&["models", "refresh", "--provider", "mars"])
        .expect_code(1);
    assert!(
        ran.stderr.contains("there is no provider `mars`"),
        "{ran:?}"
    );
}
