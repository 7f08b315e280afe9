//! Every plan and region: the right key is set up, a wrong one is told where it belongs.

use serde_json::json;

use super::studio::{PLACES, Studio, assert_untouched, config, onboard, profiles};

#[test]
fn every_choice_with_its_key_is_set_up() {
    let studio = Studio::start();
    for place in &PLACES {
        let [provider, plan, region, base_url, model] = place.facts;
        let home = studio.home();
        let arguments = [
            "onboard",
            "--non-interactive",
            "--accept-risk",
            "--json",
            "--auth-choice",
            place.choice,
            "--api-key-stdin",
        ];
        let said = home
            .run_with_input(&arguments, place.key)
            .expect_code(0)
            .json();
        assert_eq!(said["ok"], true);
        assert_eq!(
            [
                &said["authChoice"],
                &said["provider"],
                &said["plan"],
                &said["region"],
                &said["baseUrl"],
                &said["defaultModel"]
            ],
            [place.choice, provider, plan, region, base_url, model],
        );
        assert_eq!(said["probe"]["verdict"], "works", "{said}");
        assert_eq!(
            said["gateway"],
            json!({"port": 18789, "bind": "loopback", "authMode": "token"})
        );
        assert_eq!(said["dryRun"], false);
        assert!(!said.to_string().contains(place.key), "{said}");

        let profile = format!("{provider}:default");
        assert_eq!(
            profiles(&home)[&profile],
            json!({"type": "api_key", "provider": provider, "key": place.key})
        );
        let status = home
            .run(&["models", "status", "--json"])
            .expect_code(0)
            .json();
        let shown = status["auth"]["providers"]
            .as_array()
            .unwrap()
            .iter()
            .find(|row| row["provider"] == provider);
        let shown = shown.unwrap_or_else(|| panic!("{status}"));
        assert_eq!(shown["effective"]["kind"], "profiles", "{status}");
        let answer = home
            .run(&[
                "infer", "model", "run", "--local", "--prompt", "hello", "--json",
            ])
            .expect_code(0)
            .json();
        assert_eq!(
            format!(
                "{}/{}",
                answer["provider"].as_str().unwrap(),
                answer["model"].as_str().unwrap()
            ),
            model
        );
    }
}

#[test]
fn a_key_flag_alone_names_the_plan() {
    let studio = Studio::start();
    for place in &PLACES {
        let home = studio.home();
        let said = home
            .run(&[
                "onboard",
                "--non-interactive",
                "--json",
                place.flag,
                place.key,
            ])
            .expect_code(0)
            .json();
        assert_eq!(
            (&said["authChoice"], &said["key"]["source"]),
            (&json!(place.choice), &json!("flag"))
        );
    }
}

#[test]
fn a_key_alone_tells_its_plan() {
    let studio = Studio::start();
    for place in &PLACES {
        let home = studio.home();
        let ran = home
            .run_with_input(&["onboard", "--json", "--api-key-stdin"], place.key)
            .expect_code(0);
        assert_eq!(ran.json()["authChoice"], place.choice);
        assert!(
            ran.stderr
                .contains(&format!("The key belongs to {}", place.name)),
            "{ran:?}"
        );
    }
}

#[test]
fn a_key_of_another_place_is_told_where_it_belongs() {
    let studio = Studio::start();
    let home = studio.home();
    for place in &PLACES {
        for other in PLACES.iter().filter(|other| other.key != place.key) {
            let ran = home
                .run(&[
                    "onboard",
                    "--non-interactive",
                    "--auth-choice",
                    place.choice,
                    place.flag,
                    other.key,
                ])
                .expect_code(3);
            let belongs = format!("it belongs to {}", other.name);
            let next = format!("`openclaw onboard --auth-choice {}`", other.choice);
            assert!(
                ran.stderr.contains(&belongs) && ran.stderr.contains(&next),
                "{ran:?}"
            );
            assert!(
                !ran.stderr.contains(other.key) && ran.stdout.is_empty(),
                "{ran:?}"
            );
            assert_untouched(&home);
        }
    }
}

#[test]
fn an_invalid_key_writes_nothing() {
    let studio = Studio::start();
    let home = studio.home();
    for (choice, flag, key, said) in [
        (
            "qwen-standard-api-key",
            "--modelstudio-standard-api-key",
            "sk-0123456789abcdef",
            "refused by dashscope-intl.aliyuncs.com",
        ),
        (
            "qwen-standard-api-key-us",
            "--qwen-standard-api-key-us",
            "sk-0123456789abcdef",
            "refused by dashscope-us.aliyuncs.com",
        ),
        (
            "qwen-api-key",
            "--modelstudio-api-key",
            "sk-sp-0123456789abcdef",
            "refused by coding-intl.dashscope.aliyuncs.com",
        ),
        (
            "qwen-token-plan-cn",
            "--qwen-token-plan-api-key-cn",
            "sk-sp-0123456789abcdef",
            "refused by token-plan.cn-beijing",
        ),
        (
            "qwen-oauth",
            "--qwen-oauth-token",
            "some-old-portal-token",
            "refused by portal.qwen.ai",
        ),
    ] {
        let ran = onboard(
            &home,
            &format!("--json --auth-choice {choice} {flag} {key}"),
        )
        .expect_code(3);
        let error = &ran.json()["error"];
        assert_eq!(
            (&error["type"], &error["exitCode"]),
            (&json!("auth_error"), &json!(3)),
            "{ran:?}"
        );
        assert!(error["message"].as_str().unwrap().contains(said), "{ran:?}");
        assert!(!error["hint"].as_str().unwrap().is_empty(), "{ran:?}");
        assert!(
            !ran.stderr.contains(key) && !ran.stdout.contains(key),
            "{ran:?}"
        );
        assert_untouched(&home);
    }
    let ran = home
        .run_with_input(&["onboard", "--api-key-stdin"], "sk-0123456789abcdef")
        .expect_code(3);
    assert!(ran.stderr.contains("refused by every host"), "{ran:?}");
    assert_untouched(&home);
}

#[test]
fn tokens_and_keys_never_reach_the_other_vendor_surface() {
    let studio = Studio::start();
    let home = studio.home();
    let ran = onboard(
        &home,
        "--modelstudio-standard-api-key an-opaque-portal-token",
    )
    .expect_code(3);
    assert!(ran.stderr.contains("--auth-choice qwen-oauth"), "{ran:?}");
    assert!(studio.asked().is_empty(), "{:?}", studio.asked());
    let ran = onboard(&home, "--qwen-oauth-token sk-sp-emulator-coding-cn").expect_code(3);
    assert!(
        ran.stderr.contains("it belongs to Coding Plan (China)"),
        "{ran:?}"
    );
    assert!(
        studio
            .asked()
            .iter()
            .all(|(host, _)| host != "portal.qwen.ai"),
        "{:?}",
        studio.asked()
    );
    assert_untouched(&home);
}

#[test]
fn the_config_is_one_that_the_original_program_reads() {
    let studio = Studio::start();
    let home = studio.home();
    onboard(&home, "--modelstudio-api-key sk-sp-emulator-coding-intl").expect_code(0);
    let mut config = config(&home);
    let token = config["gateway"]["auth"]["token"].take();
    let token = token.as_str().unwrap();
    assert!(
        token.len() == 48 && token.bytes().all(|byte| byte.is_ascii_hexdigit()),
        "{token}"
    );
    let rows = config["models"]["providers"]["qwen"]["models"].take();
    let ids: Vec<&str> = rows
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["id"].as_str().unwrap())
        .collect();
    assert!(
        ids.contains(&"qwen3.5-plus")
            && ids.contains(&"kimi-k2.5")
            && !ids.contains(&"qwen3.6-plus"),
        "{ids:?}"
    );
    assert_eq!(
        rows[0],
        json!({
            "id": "qwen3.5-plus", "name": "qwen3.5-plus", "reasoning": false, "input": ["text", "image"],
            "cost": {"input": 0, "output": 0, "cacheRead": 0, "cacheWrite": 0}, "contextWindow": 1_000_000, "maxTokens": 65536,
        })
    );
    let map = config["agents"]["defaults"]["models"].take();
    assert_eq!(map.as_object().unwrap().len(), ids.len());
    assert_eq!(map["qwen/qwen3.5-plus"], json!({"alias": "Qwen"}));
    assert_eq!(
        config,
        json!({
            "agents": {"defaults": {
                "workspace": home.at(".openclaw/workspace"), "models": null, "model": {"primary": "qwen/qwen3.5-plus"},
            }},
            "gateway": {"mode": "local", "auth": {"mode": "token", "token": null}, "port": 18789, "bind": "loopback"},
            "plugins": {"entries": {"qwen": {"enabled": true}}},
            "auth": {"profiles": {"qwen:default": {"provider": "qwen", "mode": "api_key"}}},
            "models": {"mode": "merge", "providers": {"qwen": {
                "baseUrl": "https://coding-intl.dashscope.aliyuncs.com/v1", "api": "openai-completions", "models": null,
            }}},
            "meta": {"lastTouchedVersion": "2026.5.20"},
        })
    );
    let ran = home.run(&["config", "validate", "--json"]).expect_code(0);
    assert_eq!(ran.json()["valid"], true, "{ran:?}");
}

#[cfg(unix)]
#[test]
fn what_is_written_belongs_to_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let studio = Studio::start();
    let home = studio.home();
    onboard(&home, "--modelstudio-api-key sk-sp-emulator-coding-intl").expect_code(0);
    for (path, mode) in [
        (".openclaw", 0o700),
        (".openclaw/openclaw.json", 0o600),
        (".openclaw/agents", 0o700),
        (".openclaw/agents/main/agent/auth-profiles.json", 0o600),
        (".openclaw/workspace", 0o700),
    ] {
        let found = std::fs::metadata(home.at(path))
            .unwrap()
            .permissions()
            .mode()
            & 0o777;
        assert_eq!(found, mode, "{path}: {found:o}");
    }
}
