//! `models explain-error`: errors as people paste them.

use catalog::Catalog;
use serde_json::{Value, json};

use crate::home::Home;

#[track_caller]
fn explain(arguments: &[&str], pasted: &str) -> Value {
    let all = [&["models", "explain-error", "--json"], arguments].concat();
    let ran = Home::new().run_with_input(&all, pasted);
    assert_eq!(ran.code, 0, "{ran:?}");
    ran.json()
}

#[track_caller]
fn assert_explained(arguments: &[&str], pasted: &str, expected: &[(&str, Value)]) {
    let found = explain(arguments, pasted);
    for (pointer, value) in expected {
        assert_eq!(
            found.pointer(pointer),
            Some(value),
            "{pointer} of {found}\n{pasted}"
        );
    }
}

const TRACEBACK: &str = r#"Traceback (most recent call last):
  File "/srv/app.py", line 9, in <module>
    client = OpenAI(api_key="sk-sp-canary0123456789", base_url="https://dashscope.aliyuncs.com/compatible-mode/v1")
openai.AuthenticationError: Error code: 401 - {'error': {'message': 'Incorrect API key provided. ', 'type': 'invalid_request_error', 'param': None, 'code': 'invalid_api_key'}, 'request_id': 'r-8'}
"#;

#[test]
fn a_body_is_explained() {
    let body = r#"{"error":{"message":"Allocated quota exceeded, please increase your quota limit.","id":"r-1","type":"insufficient_quota","code":"insufficient_quota"}}"#;
    let expected = [
        ("/class", json!("throttled")),
        ("/detail", json!("allocation")),
        ("/scope", json!("model")),
        ("/retry", json!("backoff")),
        ("/waitSeconds", json!(60)),
        ("/clientStatus", json!(429)),
        ("/read/requestId", json!("r-1")),
        ("/read/hostKnown", json!(true)),
        ("/otherwise", json!([])),
    ];
    assert_explained(
        &[
            "--host",
            "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
            "--status",
            "429",
        ],
        body,
        &expected,
    );
}

#[test]
fn the_host_decides_what_a_code_means() {
    let body = r#"{"error":{"message":"You exceeded your current quota, please check your plan and billing details.","code":"insufficient_quota"}}"#;
    let class = |host: &str| explain(&["--host", host, "--status", "429"], body)["class"].take();
    for host in [
        "dashscope.aliyuncs.com",
        "coding-cn",
        "token",
        "qwen",
        "modelstudio",
    ] {
        assert_eq!(class(host), "throttled", "{host}");
    }
    assert_eq!(class("api.openai.com"), "arrears");
    let nobody_said = explain(&["--status", "429"], body);
    assert_eq!(nobody_said["class"], "throttled");
    assert_eq!(nobody_said["otherwise"][0]["class"], "arrears");
    assert_eq!(nobody_said["otherwise"][0]["family"], "openai-custom");
    assert!(nobody_said["notes"][0].as_str().unwrap().contains("--host"));
}

#[test]
fn a_configured_provider_names_its_own_host() {
    let home = Home::with_config(&json!({"models": {"providers": {"mine": {
        "baseUrl": "https://coding.dashscope.aliyuncs.com/v1", "apiKey": "x", "models": [],
    }}}}));
    let asked = [
        "models",
        "explain-error",
        "--json",
        "--host",
        "mine",
        "--status",
        "404",
    ];
    let found = home.run_with_input(&asked, "").json();
    assert_eq!(
        (&found["detail"], &found["read"]["family"]),
        (&json!("path"), &json!("openai-coding"))
    );
}

/// What is pasted, its class, its status (0: not in the text) and its host (empty: not in the text).
type Form = (&'static str, &'static str, u16, &'static str);

const FORMS: &[Form] = &[
    (TRACEBACK, "wrong_plan", 401, "dashscope.aliyuncs.com"),
    (
        "id:1\nevent:error\n:HTTP_STATUS/400\ndata:{\"code\":\"DataInspectionFailed\",\"message\":\"Output data may contain inappropriate content.\",\"request_id\":\"r\"}\n",
        "content_inspection",
        400,
        "",
    ),
    (
        "HTTP/2 429 \r\nretry-after: 600\r\nx-request-id: r-2\r\ncontent-type: application/json\r\n\r\n{\"code\":\"Throttling.AllocationQuota\",\"message\":\"Your token-plan quota has been exhausted.\"}",
        "quota_window",
        429,
        "",
    ),
    (
        "{\"level\":\"warn\",\"message\":\"a candidate failed\",\"class\":\"x\",\"code\":\"Arrearage\",\"status\":400,\"host\":\"dashscope-us.aliyuncs.com\"}",
        "arrears",
        400,
        "dashscope-us.aliyuncs.com",
    ),
    (
        "2026-11-20 ERROR upstream said {\\\"error\\\":{\\\"message\\\":\\\"x\\\",\\\"code\\\":\\\"model_not_supported\\\"}} status=404",
        "model_not_found",
        404,
        "",
    ),
    (
        "status_code: 429, code: Throttling.RateQuota, message: Requests rate limit exceeded",
        "throttled",
        429,
        "",
    ),
    (
        "InvalidApiKey: Invalid API-key provided. status code 401",
        "invalid_key",
        401,
        "",
    ),
    (
        "Error: 404 status code (no body) https://coding-intl.dashscope.aliyuncs.com/v1",
        "invalid_parameter",
        404,
        "coding-intl.dashscope.aliyuncs.com",
    ),
    (
        "{\"output\":{\"task_status\":\"FAILED\",\"code\":\"InvalidFile.DownloadFailed\",\"message\":\"x\"}} HTTP 200",
        "invalid_parameter",
        0,
        "",
    ),
    (
        "{\"header\":{\"event\":\"task-failed\",\"error_code\":\"InvalidParameter\",\"error_message\":\"request timeout after 23 seconds.\"},\"payload\":{}}",
        "stream_error",
        0,
        "",
    ),
    (
        "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}",
        "upstream_fault",
        0,
        "",
    ),
    (
        "{\"error\":\"invalid_grant\",\"error_description\":\"gone\"}",
        "invalid_key",
        0,
        "",
    ),
    (
        "openai.APIConnectionError: Connection error.",
        "network",
        0,
        "",
    ),
    (
        "httpx.ReadTimeout: The read operation timed out",
        "local_timeout",
        0,
        "",
    ),
    (
        "httpx.RemoteProtocolError: peer closed connection (incomplete chunked read)",
        "stream_error",
        0,
        "",
    ),
    (
        "{\"error\":{\"message\":\"x\",\"type\":\"server_error\",\"code\":\"network\",\"class\":\"network\"}}",
        "network",
        0,
        "",
    ),
    ("brand new trouble", "unknown", 0, ""),
];

#[test]
fn every_usual_form_is_read() {
    for &(pasted, class, status, host) in FORMS {
        let found = explain(&[], pasted);
        assert_eq!(found["class"], class, "{found}\n{pasted}");
        if status > 0 {
            assert_eq!(found["read"]["status"], status, "{found}\n{pasted}");
        }
        let expected = if host.is_empty() {
            Value::Null
        } else {
            json!(host)
        };
        assert_eq!(found["read"]["host"], expected, "{pasted}");
        assert!(found["cause"].is_string() && found["rule"].is_string());
    }
}

#[test]
fn headers_beside_the_body_count() {
    let pasted = "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 600\r\nX-Request-Id: r-2\r\n\r\n{\"code\":\"Throttling\",\"message\":\"x\"}";
    let expected = [
        ("/retryAfterSeconds", json!(600)),
        ("/read/requestId", json!("r-2")),
        ("/read/family", json!("native")),
    ];
    assert_explained(&[], pasted, &expected);
}

#[test]
fn the_true_window_is_told() {
    let text = "This model's maximum context length is 131072 tokens. However, you requested 200000 tokens";
    assert_explained(
        &["--status", "400"],
        text,
        &[
            ("/class", json!("context_overflow")),
            ("/limitTokens", json!(131_072)),
        ],
    );
}

#[test]
fn a_guess_is_called_one() {
    let found = explain(&["--status", "418"], "what");
    assert_eq!(
        (&found["class"], &found["documented"]),
        (&json!("unknown"), &json!(false))
    );
    let found = explain(&["--status", "503", "--host", "standard-cn"], "what");
    assert_eq!(
        (&found["class"], &found["documented"]),
        (&json!("upstream_fault"), &json!(false))
    );
    assert!(
        found["notes"][0].as_str().unwrap().contains("guess"),
        "{found}"
    );
}

#[test]
fn it_speaks_the_language_of_the_locale() {
    for locale in ["zh-CN", "zh-TW"] {
        let home = Home::new().variable("OPENCLAW_LOCALE", locale);
        let ran = home.run_with_input(
            &["models", "explain-error"],
            "{\"code\":\"Arrearage\",\"message\":\"x\"}",
        );
        assert!(ran.stdout.contains("原因：账号已欠费"), "{}", ran.stdout);
    }
    let ran = Home::new().run_with_input(
        &["models", "explain-error"],
        "{\"code\":\"Arrearage\",\"message\":\"x\"}",
    );
    assert!(
        ran.stdout.contains("cause:  the account owes money"),
        "{}",
        ran.stdout
    );
    assert!(ran.stdout.is_ascii());
}

#[test]
fn a_key_in_the_paste_is_never_repeated() {
    for arguments in [
        &["models", "explain-error"][..],
        &["models", "explain-error", "--json"],
    ] {
        for pasted in [
            TRACEBACK,
            "invalid key sk-sp-canary0123456789 given",
            "{\"error\":{\"message\":\"key sk-ws-canary0123456789\"}}",
        ] {
            let ran = Home::new().run_with_input(arguments, pasted);
            assert!(!format!("{ran:?}").contains("canary"), "{ran:?}");
        }
    }
}

#[test]
fn nothing_to_explain_is_said() {
    let ran = Home::new().run_with_input(&["models", "explain-error"], " \n");
    assert_eq!(ran.code, 1);
    assert!(
        ran.stderr.contains("no error on standard input") && ran.stderr.contains("curl"),
        "{}",
        ran.stderr
    );
    let ran = Home::new().run(&["models", "explain-error", "--status", "9"]);
    assert_eq!(ran.code, 1);
}

#[test]
fn reading_writes_nothing_and_needs_no_good_config() {
    let home = Home::new();
    home.write(".openclaw/openclaw.json", "{ broken");
    let before = home.files();
    let ran = home.run_with_input(&["models", "explain-error", "--host", "qwen"], "Arrearage");
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(home.files(), before);
}

#[test]
fn any_bytes_are_survived() {
    for pasted in [
        "{",
        "{'",
        "{\"error\":{\"error\":{}}}",
        "[[[[",
        "\u{1b}[31mArrearage\u{1b}[",
        "\u{0}\u{fffd}",
        "data: [DONE]",
    ] {
        explain(&[], &format!("x{pasted}"));
    }
    explain(&[], &"{\"a\":".repeat(20_000));
}

/// Every command that the atlas recommends exists.
#[test]
fn every_recommended_command_can_be_typed() {
    let catalog = Catalog::builtin().unwrap();
    let mut commands: Vec<&str> = catalog
        .error_rows()
        .iter()
        .filter_map(|row| row.next.as_deref())
        .collect();
    commands.sort_unstable();
    commands.dedup();
    assert!(commands.len() > 4);
    for command in commands {
        let words: Vec<&str> = command.split(' ').skip(1).chain(["--help"]).collect();
        let ran = Home::new().run(&words);
        assert_eq!(ran.code, 0, "{command}: {}", ran.stderr);
    }
}
