//! Hosts beyond the plans: workspaces, servers of one's own, the portal.

use serde_json::json;

use super::studio::{Studio, assert_untouched, config, onboard, profiles};

const STANDARD: &str = "sk-emulator-standard-intl";

#[test]
fn a_workspace_is_found_by_id_or_url() {
    let studio = Studio::start();
    let expected = "https://llm-abc1.ap-southeast-1.maas.aliyuncs.com/compatible-mode/v1";
    for (workspace, extra) in [
        ("llm-abc1", vec!["--auth-choice", "qwen-standard-api-key"]),
        ("llm-abc1", vec![]),
        ("llm-abc1.ap-southeast-1.maas.aliyuncs.com", vec![]),
        (expected, vec![]),
        (
            "https://console.example.com/ap-southeast-1?workspaceId=llm-abc1&x=1",
            vec![],
        ),
    ] {
        let home = studio.home();
        let mut arguments = vec![
            "onboard",
            "--json",
            "--api-key-stdin",
            "--workspace-id",
            workspace,
        ];
        arguments.extend(extra);
        let said = home
            .run_with_input(&arguments, STANDARD)
            .expect_code(0)
            .json();
        assert_eq!(
            (&said["baseUrl"], &said["plan"], &said["region"]),
            (&json!(expected), &json!("workspace"), &json!("intl")),
            "{workspace}"
        );
        assert_eq!(
            config(&home)["models"]["providers"]["qwen"]["baseUrl"],
            expected
        );
    }
    let home = studio.home();
    let ran = home
        .run_with_input(
            &[
                "onboard",
                "--api-key-stdin",
                "--workspace-id",
                "llm-foreign1",
            ],
            STANDARD,
        )
        .expect_code(3);
    assert!(
        ran.stderr.contains("no region knows this workspace"),
        "{ran:?}"
    );
    let ran = home
        .run_with_input(
            &[
                "onboard",
                "--api-key-stdin",
                "--workspace-id",
                "no workspace",
            ],
            STANDARD,
        )
        .expect_code(1);
    assert!(ran.stderr.contains("names no workspace"), "{ran:?}");
    assert_untouched(&home);
}

#[test]
fn a_server_of_ones_own_keeps_its_key_in_a_profile() {
    let studio = Studio::start();
    let home = studio.home();
    let base_url = studio
        .emulator
        .url_for("dashscope-intl.aliyuncs.com", "/compatible-mode/v1");
    let with_slash = format!("{base_url}/");
    let arguments = [
        "onboard",
        "--non-interactive",
        "--json",
        "--custom-base-url",
        &with_slash,
        "--custom-model-id",
        "qwen3-max",
        "--custom-provider-id",
        "Mine",
    ];
    let ran = home.run(&arguments).expect_code(3);
    assert!(
        ran.stderr.contains("wants a key") && ran.stderr.contains("--custom-api-key"),
        "{ran:?}"
    );
    assert_untouched(&home);
    let said = home
        .run(&[arguments.as_slice(), &["--custom-api-key", STANDARD]].concat())
        .expect_code(0)
        .json();
    assert_eq!(
        (
            &said["provider"],
            &said["defaultModel"],
            &said["authChoice"]
        ),
        (&json!("mine"), &json!("mine/qwen3-max"), &json!(null))
    );
    assert_eq!(profiles(&home)["mine:default"]["key"], STANDARD);
    let block = &config(&home)["models"]["providers"]["mine"];
    assert_eq!(
        (
            &block["baseUrl"],
            &block["apiKey"],
            &block["models"][0]["id"]
        ),
        (&json!(base_url), &json!(null), &json!("qwen3-max"))
    );
    let answer = home
        .run(&[
            "infer", "model", "run", "--local", "--prompt", "hello", "--json",
        ])
        .expect_code(0)
        .json();
    assert_eq!(
        (&answer["provider"], &answer["model"]),
        (&json!("mine"), &json!("qwen3-max"))
    );
}

#[test]
fn a_server_without_a_model_list_or_a_key_is_asked_for_a_token() {
    let studio = Studio::start();
    let home = studio.home();
    let completion = json!({"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [
        {"index": 0, "message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}]});
    studio
        .emulator
        .script(&json!({"rules": [
            {"match": {"path": "/models"}, "status": 404, "message": "no such path"},
            {"match": {"path": "/chat/completions"}, "status": 200, "body": completion},
        ]}))
        .unwrap();
    let base_url = studio
        .emulator
        .url_for("dashscope-intl.aliyuncs.com", "/v1");
    let arguments = [
        "onboard",
        "--non-interactive",
        "--json",
        "--custom-base-url",
        &base_url,
        "--custom-model-id",
        "m",
    ];
    let said = home.run(&arguments).expect_code(0).json();
    assert_eq!(
        (&said["provider"], &said["key"], &said["probe"]["verdict"]),
        (&json!("custom"), &json!(null), &json!("works"))
    );
    assert!(!home.at(".openclaw/agents").exists());
    assert_eq!(config(&home)["auth"], json!(null));
}

#[test]
fn a_key_is_never_sent_to_a_vendor_host_in_the_clear() {
    let studio = Studio::start();
    let home = studio.home();
    let ran = onboard(&home, &format!("--custom-base-url http://dashscope-intl.aliyuncs.com/compatible-mode/v1 --custom-model-id m --custom-api-key {STANDARD}"))
        .expect_code(1);
    assert!(ran.stderr.contains("without encryption"), "{ran:?}");
    assert!(studio.asked().is_empty());
    assert_untouched(&home);
}

#[test]
fn a_portal_token_is_stored_under_its_own_provider() {
    let studio = Studio::start();
    let home = studio.home();
    let completion = json!({"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [
        {"index": 0, "message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}]});
    studio
        .emulator
        .script(&json!({"rules": [{"match": {"host": "portal.qwen.ai"}, "status": 200, "body": completion}]}))
        .unwrap();
    let said = home
        .run_with_input(
            &["onboard", "--json", "--api-key-stdin"],
            "an-opaque-portal-token",
        )
        .expect_code(0)
        .json();
    assert_eq!(
        (&said["authChoice"], &said["defaultModel"]),
        (&json!("qwen-oauth"), &json!("qwen-oauth/qwen3.5-plus"))
    );
    assert_eq!(
        profiles(&home)["qwen-oauth:default"],
        json!({"type": "api_key", "provider": "qwen-oauth", "key": "an-opaque-portal-token"})
    );
    assert!(
        studio
            .asked()
            .iter()
            .all(|(host, _)| host == "portal.qwen.ai"),
        "{:?}",
        studio.asked()
    );
}
