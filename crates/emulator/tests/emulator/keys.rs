//! Every key against every host: who gets in, and what the others are told.

use emulator::{HOSTS, KEYS, Service};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{CHAT, Connection, MODELS, STANDARD, STANDARD_KEY, get, post, request, start};

/// A refusal as seen by the client: `code` and `message`.
type Refused = (&'static str, &'static str);

const CN: Refused = (
    "invalid_api_key",
    "Incorrect API key provided. For details, see: https://help.aliyun.com/zh/model-studio/error-code#apikey-error",
);
const INTL: Refused = (
    "invalid_api_key",
    "Incorrect API key provided. For details, see: https://www.alibabacloud.com/help/en/model-studio/error-code#apikey-error",
);
const PLAN: Refused = ("invalid_api_key", "invalid access token or token expired");
const TOKEN: Refused = ("InvalidApiKey", "Invalid API-key provided.");

/// Host, chat path, the only key that opens it, and what the others get.
const GATES: &[(&str, &str, &str, Refused)] = &[
    (
        "dashscope.aliyuncs.com",
        CHAT,
        "sk-emulator-standard-cn",
        CN,
    ),
    (
        "dashscope-intl.aliyuncs.com",
        CHAT,
        "sk-emulator-standard-intl",
        INTL,
    ),
    ("dashscope-us.aliyuncs.com", CHAT, "", INTL),
    ("cn-hongkong.dashscope.aliyuncs.com", CHAT, "", CN),
    (
        "coding.dashscope.aliyuncs.com",
        "/v1/chat/completions",
        "sk-sp-emulator-coding-cn",
        PLAN,
    ),
    (
        "coding-intl.dashscope.aliyuncs.com",
        "/v1/chat/completions",
        "sk-sp-emulator-coding-intl",
        PLAN,
    ),
    (
        "token-plan.cn-beijing.maas.aliyuncs.com",
        CHAT,
        "sk-sp-emulator-token-cn",
        TOKEN,
    ),
    (
        "token-plan.ap-southeast-1.maas.aliyuncs.com",
        CHAT,
        "sk-sp-emulator-token-intl",
        TOKEN,
    ),
    ("portal.qwen.ai", "/v1/chat/completions", "", PLAN),
    (
        "llm-abc.cn-beijing.maas.aliyuncs.com",
        CHAT,
        "sk-emulator-standard-cn",
        CN,
    ),
    (
        "ws-abc.ap-southeast-1.maas.aliyuncs.com",
        CHAT,
        "sk-emulator-standard-intl",
        INTL,
    ),
    ("llm-abc.eu-central-1.maas.aliyuncs.com", CHAT, "", INTL),
    ("trial.cn-hongkong.maas.aliyuncs.com", CHAT, "", CN),
];

/// A model that every plan has.
fn ask() -> Value {
    json!({"model": "qwen3.7-plus", "messages": [{"role": "user", "content": "hi"}]})
}

#[tokio::test]
async fn every_key_at_every_host() {
    assert!(
        HOSTS
            .iter()
            .filter(|host| host.service == Service::Models)
            .all(|host| GATES.iter().any(|gate| gate.0 == host.name))
    );
    let emulator = start().await;
    let keys = KEYS
        .iter()
        .map(|known| known.key)
        .chain(["sk-0123456789abcdef", "sk-sp-unknown"]);
    for key in keys {
        for (host, path, opens, (code, message)) in GATES {
            let answer = post(&emulator, &format!("/{host}{path}"), key, &ask()).await;
            if key == *opens {
                assert_eq!(answer.status, StatusCode::OK, "{key} at {host}");
                continue;
            }
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{key} at {host}");
            let body = answer.json();
            assert_eq!(body["error"]["code"], *code, "{key} at {host}");
            assert_eq!(body["error"]["message"], *message, "{key} at {host}");
            assert_eq!(body["error"]["type"], "invalid_request_error");
            assert_eq!(body["error"]["param"], Value::Null);
            assert_eq!(body["request_id"], answer.header("x-request-id"));
        }
    }
}

#[tokio::test]
async fn a_request_without_a_key_is_told_how_to_send_one() {
    let emulator = start().await;
    let no_key = "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY). ";
    for (host, path, _, _) in GATES.iter().filter(|gate| gate.0 != "portal.qwen.ai") {
        let answer = post(&emulator, &format!("/{host}{path}"), "", &ask()).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{host}");
        let body = answer.json();
        assert_eq!(
            (&body["error"]["message"], &body["error"]["code"]),
            (&json!(no_key), &Value::Null)
        );
    }
}

#[tokio::test]
async fn native_paths_refuse_in_the_native_envelope() {
    let emulator = start().await;
    for host in [
        "dashscope.aliyuncs.com",
        "token-plan.ap-southeast-1.maas.aliyuncs.com",
    ] {
        let target = format!("/{host}/api/v1/services/aigc/text-generation/generation");
        for (key, message) in [
            ("sk-wrong", "Invalid API-key provided."),
            ("", "No API-key provided."),
        ] {
            let answer = post(&emulator, &target, key, &json!({})).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
            let request_id = answer.header("x-request-id").to_owned();
            assert_eq!(
                answer.json(),
                json!({"code": "InvalidApiKey", "message": message, "request_id": request_id})
            );
        }
    }
}

#[tokio::test]
async fn a_foreign_workspace_is_not_authorized() {
    let emulator = start().await;
    let target = format!("/ws-foreign1.ap-southeast-1.maas.aliyuncs.com{CHAT}");
    let answer = post(&emulator, &target, STANDARD_KEY, &ask()).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert_eq!(answer.json()["error"]["code"], "NOT AUTHORIZED");
}

#[tokio::test]
async fn the_coding_plan_wants_a_user_agent_and_has_no_model_list() {
    let emulator = start().await;
    let (host, key) = (
        "coding-intl.dashscope.aliyuncs.com",
        "sk-sp-emulator-coding-intl",
    );
    let mut nameless = request(
        Method::POST,
        &format!("/{host}/v1/chat/completions"),
        key,
        ask().to_string(),
    );
    nameless.headers_mut().remove("user-agent");
    let mut connection = Connection::open(emulator.addr()).await;
    let answer = connection.send(nameless).await.unwrap().read().await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(
        answer.json(),
        json!({"error": "Coding Plan is currently only available for Coding Agents"})
    );
    for path in [
        "/v1/models",
        "/compatible-mode/v1/chat/completions",
        "/v1/chat/completions",
    ] {
        let answer = get(&emulator, &format!("/{host}{path}"), key).await;
        assert_eq!(
            (answer.status, answer.text()),
            (StatusCode::NOT_FOUND, ""),
            "{path}"
        );
    }
}

#[tokio::test]
async fn model_lists_have_the_recorded_shape_and_an_obvious_owner() {
    let emulator = start().await;
    let token_host = "token-plan.cn-beijing.maas.aliyuncs.com";
    for (host, key, has, lacks) in [
        (STANDARD, STANDARD_KEY, "qwen3.7-max", "coder-model"),
        (token_host, "sk-sp-emulator-token-cn", "glm-5", "qwen3-max"),
    ] {
        let answer = get(&emulator, &format!("/{host}{MODELS}"), key).await;
        let body = answer.json();
        let keys: Vec<&String> = body.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["object", "data", "first_id", "last_id", "has_more"]);
        let rows = body["data"].as_array().unwrap();
        assert_eq!(body["first_id"], rows[0]["id"]);
        assert_eq!(body["last_id"], rows.last().unwrap()["id"]);
        assert!(
            rows.iter()
                .all(|row| row["owned_by"] == "openclaw-emulator" && row["object"] == "model")
        );
        assert!(rows.iter().any(|row| row["id"] == has), "{host}");
        assert!(!rows.iter().any(|row| row["id"] == lacks), "{host}");
        let newest_first = rows
            .windows(2)
            .all(|pair| pair[0]["created"].as_u64() > pair[1]["created"].as_u64());
        assert!(newest_first);
    }
}

#[tokio::test]
async fn odd_paths_are_not_found() {
    let emulator = start().await;
    for target in [
        "/",
        "/compatible-mode/v1",
        "/compatible-mode/v1/nothing",
        "/v1/chat/completions",
        CHAT,
    ] {
        let answer = get(&emulator, &format!("/{STANDARD}{target}"), STANDARD_KEY).await;
        assert_eq!(
            (answer.status, answer.text()),
            (StatusCode::NOT_FOUND, ""),
            "{target}"
        );
    }
}
