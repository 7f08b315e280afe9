//! `models whoami`: everything about a key in one command, for one token at most.

use serde_json::{Value, json};

use crate::home::Home;
use crate::onboard::studio::{PLACES, Studio, onboard};

fn whoami(home: &Home, key: &str) -> Value {
    home.run_with_input(&["models", "whoami", "-", "--json"], key)
        .expect_code(0)
        .json()
}

/// Returns how many chat completions were answered; none of them may have been thought about, since thoughts are billed.
fn tokens(studio: &Studio) -> usize {
    let requests = studio.emulator.requests();
    let answered = |request: &&Value| {
        let path = request["path"].as_str().unwrap();
        path.ends_with("/chat/completions") && request["status"] == 200
    };
    let bodies = requests
        .iter()
        .filter(answered)
        .map(|request| &request["body"]);
    let is_cheap = |body: &&Value| body["max_tokens"] == 1 && body["enable_thinking"] == false;
    let (cheap, dear): (Vec<_>, Vec<_>) = bodies.partition(is_cheap);
    assert!(dear.is_empty(), "{dear:?}");
    cheap.len()
}

#[test]
fn every_key_is_told_where_it_belongs_for_one_token() {
    for place in &PLACES {
        let studio = Studio::start();
        let home = studio.home();
        let found = whoami(&home, place.key);
        let [provider, plan, region, base_url, _] = place.facts;
        for (name, expected) in [
            ("provider", provider),
            ("plan", plan),
            ("region", region),
            ("baseUrl", base_url),
            (
                "next",
                &format!("openclaw onboard --auth-choice {}", place.choice),
            ),
        ] {
            assert_eq!(found[name], expected, "{name}: {found}");
        }
        assert_eq!(found["quota"], json!({"state": "fine"}), "{found}");
        assert_eq!(found["clockAheadSeconds"].as_i64().unwrap().abs() / 5, 0);
        assert_eq!(found["models"]["listed"], plan != "coding");
        assert_eq!(tokens(&studio), 1, "{}", place.choice);
        assert!(!found.to_string().contains(place.key));
        assert!(home.files().is_empty());
    }
}

#[test]
fn a_stored_key_is_found_by_provider_and_alias() {
    let studio = Studio::start();
    let home = studio.home();
    onboard(
        &home,
        "--auth-choice qwen-api-key --modelstudio-api-key sk-sp-emulator-coding-intl",
    )
    .expect_code(0);
    let before = home.files();
    for arguments in [
        &["models", "whoami", "--json"][..],
        &["models", "whoami", "--json", "--provider", "qwen"],
        &["models", "whoami", "--json", "--provider", "modelstudio"],
    ] {
        let found = home.run(arguments).expect_code(0).json();
        let seen = (&found["key"]["source"], &found["plan"], &found["next"]);
        assert_eq!(
            seen,
            (&json!("qwen:default"), &json!("coding"), &Value::Null),
            "{found}"
        );
    }
    assert_eq!(home.files(), before);
    let ran = home.run(&["models", "whoami"]).expect_code(0);
    for part in [
        "Coding Plan, Global",
        "intl",
        "coding-intl.dashscope.aliyuncs.com",
        "no list; shipped data: qwen3.5-plus",
        "fine: one token",
    ] {
        assert!(ran.stdout.contains(part), "{part}: {}", ran.stdout);
    }
}

#[test]
fn free_asks_no_token_where_a_list_proves_the_key() {
    let studio = Studio::start();
    let found = studio
        .home()
        .run_with_input(
            &["models", "whoami", "--key-stdin", "--free", "--json"],
            "sk-emulator-standard-cn\n",
        )
        .expect_code(0)
        .json();
    assert_eq!(
        (&found["host"], &found["quota"]["state"]),
        (&json!("dashscope.aliyuncs.com"), &json!("unknown"))
    );
    assert_eq!(tokens(&studio), 0);
}

#[test]
fn what_the_account_lacks_is_said() {
    let cases = [
        (
            429,
            "Throttling.AllocationQuota",
            "Your token-plan quota has been exhausted.",
            "quota_window",
            "plan-credits",
            4,
        ),
        (
            400,
            "Arrearage",
            "Access denied, please make sure your account is in good standing.",
            "arrears",
            "",
            4,
        ),
        (
            403,
            "AccessDenied.Unpurchased",
            "Access to model denied.",
            "not_entitled",
            "",
            3,
        ),
    ];
    for (status, code, message, class, detail, exit) in cases {
        let studio = Studio::start();
        let rule = json!({"match": {"path": "/chat/completions", "key": "sk-sp-emulator-token-intl"}, "status": status, "code": code, "message": message});
        studio.emulator.script(&json!({"rules": [rule]})).unwrap();
        let home = studio.home();
        let ran = home.run_with_input(
            &["models", "whoami", "-", "--json"],
            "sk-sp-emulator-token-intl",
        );
        assert_eq!(ran.code, exit, "{ran:?}");
        let found = ran.json();
        assert_eq!(found["quota"]["state"], class, "{found}");
        assert_eq!(found["quota"]["detail"].as_str().unwrap_or(""), detail);
        assert_eq!(found["provider"], "qwen-token-plan");
    }
}

#[test]
fn a_key_that_nobody_accepts_names_who_was_asked() {
    let studio = Studio::start();
    let home = studio.home();
    let ran = home.run_with_input(
        &["models", "whoami", "-"],
        "sk-0123456789abcdef0123456789ab3f2a",
    );
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(ran.stdout.contains("none accepts it"), "{ran:?}");
    assert!(
        ran.stdout
            .contains("dashscope-us.aliyuncs.com: refuses it: invalid_key"),
        "{ran:?}"
    );
    assert!(!ran.stdout.contains("0123456789abcdef"));
    let ran = home.run_with_input(&["models", "whoami", "-"], "not a key");
    assert_eq!(ran.code, 3, "{ran:?}");
    let ran = Home::new().run(&["models", "whoami"]);
    assert_eq!(ran.code, 3, "{ran:?}");
    let ran = Home::new().run(&["models", "whoami", "--provider", "mars"]);
    assert_eq!(ran.code, 1, "{ran:?}");
}

#[test]
fn a_server_of_ones_own_is_asked_alone() {
    let studio = Studio::start();
    let base = studio
        .emulator
        .url_for("dashscope.aliyuncs.com", "/compatible-mode/v1");
    let home = Home::with_config(&json!({"models": {"providers": {"mine": {
        "baseUrl": base, "apiKey": "sk-emulator-standard-cn", "api": "openai-completions",
        "models": [{"id": "qwen-plus", "name": "q"}],
    }}}}));
    let found = home
        .run(&["models", "whoami", "--provider", "mine", "--json"])
        .expect_code(0)
        .json();
    assert_eq!(
        (&found["ok"], &found["hosts"].as_array().unwrap().len()),
        (&json!(true), &1),
        "{found}"
    );
    assert_eq!(found["host"], "127.0.0.1");
    assert!(found["models"]["count"].as_u64().unwrap() > 10);
    assert_eq!(found["quota"]["state"], "fine");
}

#[test]
fn a_clock_that_is_wrong_is_noticed() {
    let studio = Studio::start();
    let rule = json!({"headers": {"date": "Fri, 20 Nov 2020 12:00:00 GMT"}});
    studio.emulator.script(&json!({"rules": [rule]})).unwrap();
    let home = studio.home();
    let ran = home.run_with_input(&["models", "whoami", "-"], "sk-emulator-standard-intl");
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(
        ran.stdout
            .contains("ahead of the host's; set this machine's clock"),
        "{ran:?}"
    );
}
